"""Picks with what their quality score is made from and whether they are right: inputs of the quality benchmark."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from catalogdb.picking.peak_table import PHASES
from catalogdb.picking.quality import neighbours, quality_features

if TYPE_CHECKING:
    from obspy import Trace

TOLERANCE_SECONDS = 0.5
LOWEST_THRESHOLD = 0.1
CATALOG_TOLERANCE_SECONDS = 0.75
"""For arrivals that are predicted from a catalog: its locations and a plain model of the Earth are not exact."""
HOURS = 4
SYNTHETIC = {"fit": ((101, 8), (102, 40)), "held out": ((201, 8), (202, 40))}
"""Seed and number of earthquakes of each synthetic record."""
NETWORKS = ("phasenet:original", "phasenet:demo", "eqtransformer:original", "eqtransformer:pnw")
PICKERS = (*NETWORKS, "stalta:")
WITNESSES = {
    "phasenet:original": ("eqtransformer:original", "eqtransformer:pnw"),
    "phasenet:demo": ("phasenet:original", "eqtransformer:original", "eqtransformer:pnw"),
    "eqtransformer:original": ("phasenet:original",),
    "eqtransformer:pnw": ("phasenet:original",),
    "stalta:": ("phasenet:original", "eqtransformer:original", "eqtransformer:pnw"),
}
"""Networks of another kind or other training data, whose picks confirm those of a picker on recorded data."""
NEAR_CATALOG = ("B916", "B918")
"""Stations of Ridgecrest close to the network that its catalog was made with."""

Record = dict[str, dict[str, np.ndarray]]
"""For each station `peaks` (array PEAK) and `picks` (int64 (picks, 2): phase number, microseconds); synthetic ones have
`truth`, as picks."""


@dataclass
class ScoredPicks:
    """Picks of one phase; arrays (picks,).

    Attributes:
        features: (picks, features) of `quality_features`.
        before: the score that stood here before it was calibrated, see `former_score`.
        true: whether the pick is right, or on recorded data confirmed.
    """

    probability: np.ndarray
    features: np.ndarray
    before: np.ndarray
    true: np.ndarray


def synthetic_record(folder: Path, seed: int, earthquakes: int, picker: str) -> Record:
    """Picks of all demo stations for `HOURS`, with every onset, however weak, as truth."""
    from catalogdb.demo.dataset import write_demo_day
    from catalogdb.demo.network import select_sites

    day = write_demo_day(folder, seed, duration_s=HOURS * 3600, events=earthquakes, least_snr=0.0)
    record = {}
    for site in select_sites(None):
        parts = (path.name.split(".")[1:3] for path in day.waveform_files)
        own = [site.code, site.instruments[0].location]
        files = [path for path, part in zip(day.waveform_files, parts, strict=True) if part == own]
        onsets = [
            (PHASES.index(pick.phase), round((day.start.timestamp + pick.time_s) * 1e6))
            for pick in day.picks
            if pick.station == site.code
        ]
        record[site.code] = picked(picker, files) | {"truth": np.array(onsets, dtype=np.int64).reshape(-1, 2)}
    return record


def recorded(name: str, picker: str) -> Record:
    """Picks of a folder of the real data, by channel group."""
    groups: dict[str, list[Path]] = {}
    for path in sorted((Path(os.environ["CATALOGDB_REALDATA"]) / name / "mseed").iterdir()):
        net, sta, loc, chan = path.name.split("__")[0].split(".")
        groups.setdefault(f"{net}.{sta}.{loc}.{chan[:2]}", []).append(path)
    return {group: picked(picker, files) for group, files in groups.items()}


def picked(picker: str, files: Iterable[Path]) -> dict[str, np.ndarray]:
    """Peaks and picks of one channel group."""
    import obspy

    return picked_traces(picker, [trace for path in files for trace in obspy.read(str(path))])


def picked_traces(picker: str, traces: Sequence[Trace]) -> dict[str, np.ndarray]:
    """Peaks and picks of one channel group from its traces."""
    from catalogdb.picking.config import PickConfig
    from catalogdb.picking.picker import load_picker

    name, weights = picker.split(":")
    config = PickConfig(
        picker=name, weights=weights or "original", p_threshold=LOWEST_THRESHOLD, s_threshold=LOWEST_THRESHOLD
    )
    starttime = min(trace.stats.starttime.timestamp for trace in traces)
    endtime = max(trace.stats.endtime.timestamp for trace in traces)
    result = load_picker(config).pick(traces, starttime, endtime)
    picks = [(PHASES.index(pick["phase"]), round(pick["time"] * 1e6)) for pick in result.picks]
    return {"peaks": result.findings.peaks.peaks, "picks": np.array(picks, dtype=np.int64).reshape(-1, 2)}


def stored(cache: Path | None, name: str, make) -> Record:
    """A record from the cache, else made and put there."""
    path = cache and cache / f"{name.replace(' ', '_').replace(':', '-')}.npz"
    if path and path.exists():
        record: Record = {}
        with np.load(path) as arrays:
            for key in arrays.files:
                station, column = key.rsplit("|", 1)
                record.setdefault(station, {})[column] = arrays[key]
        return record
    record = make()
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        columns = {
            f"{station}|{column}": values for station, found in record.items() for column, values in found.items()
        }
        np.savez_compressed(path, **columns)
    return record


def scored(found: dict[str, np.ndarray], phase: str, true: np.ndarray) -> ScoredPicks:
    """Picks of one station and phase, ascending in time.

    Args:
        found: of the station, see `Record`.
        true: of each pick.
    """
    number = PHASES.index(phase)
    is_phase = found["peaks"]["phase"] == number
    own, other = found["peaks"][is_phase], found["peaks"][~is_phase]
    own, other = own[np.argsort(own["time_us"])], other[np.argsort(other["time_us"])]
    chosen = own[np.searchsorted(own["time_us"], times_us(found, phase))]
    measures = [chosen[name].astype(np.float64) for name in ("probability", "snr", "width", "competing")]
    features = quality_features(*measures, *neighbours(chosen, own, other))
    return ScoredPicks(measures[0], features, former_score(*measures), true)


def joined(parts: Iterable[ScoredPicks]) -> ScoredPicks:
    """All picks of several stations."""
    parts = list(parts)
    names = ("probability", "features", "before", "true")
    return ScoredPicks(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def times_us(found: dict[str, np.ndarray], phase: str, what: str = "picks") -> np.ndarray:
    """Times of the picks, or of the truth, of one phase, ascending (microseconds)."""
    return np.sort(found[what][found[what][:, 0] == PHASES.index(phase), 1])


def former_score(probability, snr, width, competing) -> np.ndarray:
    """The score before it was calibrated: the geometric mean of four terms that were set by hand."""
    loud = np.where(np.isnan(snr), 0.5, 1 / (1 + 4 / np.maximum(np.nan_to_num(snr), 1e-6) ** 2))
    sharp = 0.1 / np.maximum(0.1, width)
    return (probability * loud * sharp * probability / (probability + competing)) ** 0.25


def true_picks(found: dict[str, np.ndarray], phase: str) -> np.ndarray:
    """Which picks are the nearest one to an onset of their phase, one to one, within `TOLERANCE_SECONDS`."""
    from catalogdb.demo.scores import match

    picks, onsets = (times_us(found, phase, what) / 1e6 for what in ("picks", "truth"))
    true = np.zeros(picks.size, dtype=bool)
    true[[pick for pick, _ in match(picks, onsets, TOLERANCE_SECONDS)]] = True
    return true


def confirmed_picks(
    found: dict[str, np.ndarray], phase: str, witnesses: Iterable[dict[str, np.ndarray]], arrivals_us: np.ndarray
) -> np.ndarray:
    """Which picks have a pick of a witness within `TOLERANCE_SECONDS`, or an arrival that the catalog predicts."""
    picks = times_us(found, phase)
    confirmed = distance_us(picks, arrivals_us) <= CATALOG_TOLERANCE_SECONDS * 1e6
    for witness in witnesses:
        confirmed |= distance_us(picks, times_us(witness, phase)) <= TOLERANCE_SECONDS * 1e6
    return confirmed


def distance_us(times: np.ndarray, others: np.ndarray) -> np.ndarray:
    """From each time to the nearest of the others (ascending); infinite where there are none."""
    if others.size == 0:
        return np.full(times.size, np.inf)
    after = np.clip(np.searchsorted(others, times), 1, max(1, others.size - 1))
    return np.minimum(abs(times - others[after - 1]), abs(times - others[np.minimum(after, others.size - 1)]))


def ridgecrest_arrivals(picks: Record) -> dict[tuple[str, str], np.ndarray]:
    """Arrivals (microseconds, ascending) of the catalog's events at the stations near it, by channel group and phase.

    Travel times are those of flat layers (Hadley & Kanamori 1977, Vp/Vs 1.73). The delay of each station and phase is
    the one that most of the given picks above 0.6 agree with.
    """
    import pandas as pd

    from catalogdb.demo.earth import LayeredEarth, first_arrival
    from catalogdb.geo import distance_azimuth

    folder = Path(os.environ["CATALOGDB_REALDATA"]) / "ridgecrest_2019"
    events = pd.read_csv(folder / "reference_gamma_quakeflow_ml.csv")
    origins = pd.to_datetime(events["time"]).to_numpy().astype("datetime64[us]").astype(np.int64)
    sites = pd.read_csv(folder / "stations.csv").set_index("station")
    earth = LayeredEarth((0.0, 5.5, 16.0, 32.0), (5.5, 6.3, 6.7, 7.8), 1.73, (2700.0,) * 4, (400.0,) * 4, (250.0,) * 4)
    arrivals = {}
    for group, found in picks.items():
        site = sites.loc[group.split(".")[1]]
        if site.name not in NEAR_CATALOG:
            continue
        apart_km, _ = distance_azimuth(
            events["latitude"].to_numpy(), events["longitude"].to_numpy(), site["latitude"], site["longitude"]
        )
        for phase in PHASES:
            depths_km = np.maximum(events["depth(m)"].to_numpy() / 1000, 0.1)
            seconds = [
                first_arrival(earth, phase, np.array([away]), depth, site["elevation_m"]).time_s[0]
                for away, depth in zip(apart_km, depths_km, strict=True)
            ]
            predicted = np.sort(origins + np.round(np.array(seconds) * 1e6).astype(np.int64))
            of_phase = found["peaks"][found["peaks"]["phase"] == PHASES.index(phase)]
            sure = of_phase["time_us"][of_phase["probability"] > 0.6]
            delays = np.arange(-1_500_000, 1_500_001, 50_000)
            agreeing = [int((distance_us(sure, predicted + delay) < 400_000).sum()) for delay in delays]
            arrivals[group, phase] = predicted + delays[int(np.argmax(agreeing))]
    return arrivals
