"""Writes a synthetic day of the network: miniSEED day files, StationXML and the truth as QuakeML."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from obspy import Stream, Trace, UTCDateTime
from scipy import fft

from catalogdb.demo import network
from catalogdb.demo.catalog import DAY_S, Earthquake, generate_earthquakes
from catalogdb.demo.earth import LayeredEarth, first_arrival
from catalogdb.demo.network import CLIP_COUNTS, NETWORK_CODE, SAMPLING_RATE_HZ, Instrument, Site
from catalogdb.demo.noise import add_transients, stationary_noise
from catalogdb.demo.seismogram import Seismograms, receivers, synthesize
from catalogdb.demo.truth import TruePick, truth_catalog
from catalogdb.demo.visibility import BEFORE_S, onset_snr
from catalogdb.spans import true_spans

Gap = tuple[str, float, float]
"""Station code, start and end of missing data (s after the day's start)."""

_RECORD_BYTES = 512


@dataclass(frozen=True)
class DemoDay:
    """What :func:`write_demo_day` wrote.

    Attributes
    ----------
    waveforms_dir : SDS archive, YEAR/NET/STA/CHAN.D/NET.STA.LOC.CHAN.D.YEAR.DAY
    waveform_files : its files, one per channel
    gaps : missing data, late starts and early ends included
    picks : the visible onsets, also in the QuakeML file
    transients : seconds after the day's start of each non-seismic disturbance, by station, then kind
    """

    folder: Path
    waveforms_dir: Path
    waveform_files: tuple[Path, ...]
    stations_path: Path
    truth_path: Path
    start: UTCDateTime
    duration_s: float
    earthquakes: tuple[Earthquake, ...]
    picks: tuple[TruePick, ...]
    gaps: tuple[Gap, ...]
    transients: dict[str, dict[str, list[float]]]

    def count(self, phase: str) -> int:
        """How many picks of ``phase`` "P" or "S" the truth holds."""
        return sum(pick.phase == phase for pick in self.picks)


def write_demo_day(
    folder: str | Path,
    seed: int = 1,
    day: str = "2024-03-27",
    *,
    duration_s: float = DAY_S,
    stations: int | Sequence[str] | None = None,
    events: int | None = None,
    lowest_ml: float = 0.5,
    gaps: int = 4,
    least_snr: float = 2.0,
) -> DemoDay:
    """Synthesise a day and write ``waveforms/``, ``stations.xml`` and ``truth.xml`` under ``folder``.

    Parameters
    ----------
    seed : decides everything; the same seed and arguments write the same samples and the same truth
    day : UTC date
    duration_s : how much of the day, from midnight (s)
    stations : how many of the demo's stations, or their codes; all by default
    events : number of earthquakes; 45 to 60 by default, in proportion for less than a day
    lowest_ml : smallest magnitude
    gaps : gaps inside the data; with any, one more station starts late and another ends early
    least_snr : signal-to-noise ratio from which an onset is in the truth

    Raises
    ------
    ValueError for an unknown station, or a duration that is not within (0, 86400] s or too short for the events.
    """
    if not 0 < duration_s <= DAY_S:
        raise ValueError(f"duration_s must be above 0 and at most {DAY_S:g}, not {duration_s:g}")
    folder, start, earth = Path(folder), UTCDateTime(day), LayeredEarth()
    sites = network.select_sites(stations if stations is None or isinstance(stations, int) else list(stations))
    if events is None and duration_s < DAY_S:
        events = max(1, round(50 * duration_s / DAY_S))
    earthquakes = generate_earthquakes(seed, count=events, duration_s=duration_s, lowest_ml=lowest_ml)
    seismograms = [
        synthesize(event, receivers(event, sites), np.random.default_rng([seed, 2, index]), earth=earth)
        for index, event in enumerate(earthquakes)
    ]
    missing = _draw_gaps(np.random.default_rng([seed, 3]), sites, duration_s, gaps)
    files: list[Path] = []
    picks: list[TruePick] = []
    transients: dict[str, dict[str, list[float]]] = {}
    for number, site in enumerate(sites):
        present = _present(missing, site.code, int(duration_s * SAMPLING_RATE_HZ))
        for order, instrument in enumerate(site.instruments):
            rng = np.random.default_rng([seed, 4, number, order])
            record, made, snrs = _record(rng, site, number, instrument, earthquakes, seismograms, len(present))
            if order == 0:
                transients[site.code] = made
                picks += _visible(site, number, instrument, earthquakes, seismograms, snrs, present, earth, least_snr)
            files += _write_channels(folder / "waveforms", start, site, instrument, record, present)
    network.inventory(sites).write(str(folder / "stations.xml"), format="STATIONXML")
    picks.sort(key=lambda pick: (pick.event, pick.time_s, pick.station))
    truth_catalog(seed, start, earthquakes, picks).write(str(folder / "truth.xml"), format="QUAKEML")
    return DemoDay(
        folder, folder / "waveforms", tuple(files), folder / "stations.xml", folder / "truth.xml", start, duration_s,
        tuple(earthquakes), tuple(picks), tuple(missing), transients,
    )  # fmt: skip


def _draw_gaps(rng: np.random.Generator, sites: tuple[Site, ...], duration_s: float, gaps: int) -> list[Gap]:
    if not gaps:
        return []
    order = [sites[index].code for index in rng.permutation(len(sites))]
    late, early = order[0], order[-1]
    missing = [(late, 0.0, float(np.floor(duration_s * rng.uniform(0.05, 0.2))))]
    missing.append((early, float(np.ceil(duration_s * rng.uniform(0.8, 0.95))), duration_s))
    for index in range(gaps):
        # From a minute to an hour in a whole day, in proportion for less.
        length = float(np.exp(rng.uniform(np.log(60.0), np.log(3600.0)))) * min(1.0, 4.0 * duration_s / DAY_S)
        begin = round(float(rng.uniform(0.2, 0.75)) * duration_s, 2)
        missing.append((order[(1 + index) % len(order)], begin, round(begin + length, 2)))
    return sorted(missing)


def _present(missing: list[Gap], code: str, samples: int) -> NDArray[np.bool_]:
    present = np.ones(samples, bool)
    for station, begin, end in missing:
        if station == code:
            present[round(begin * SAMPLING_RATE_HZ) : round(end * SAMPLING_RATE_HZ)] = False
    return present


def _record(
    rng: np.random.Generator,
    site: Site,
    number: int,
    instrument: Instrument,
    earthquakes: list[Earthquake],
    seismograms: list[Seismograms],
    samples: int,
) -> tuple[NDArray[np.int32], dict[str, list[float]], list[dict[str, float]]]:
    """Counts (components, samples), the transients made, and each earthquake's SNR by phase."""
    components = len(instrument.orientations)
    record = np.zeros((3, samples), np.float32)
    for index in range(components):
        record[index] = stationary_noise(rng, site, instrument, samples, horizontal=index > 0)
    made = add_transients(rng, record, site)
    record = record[:components]
    waves = [_through(instrument, traces.velocity_m_s[number])[:components] for traces in seismograms]
    firsts = [round(event.origin_s * SAMPLING_RATE_HZ) for event in earthquakes]
    for first, wave in zip(firsts, waves, strict=True):
        record[:, first : first + wave.shape[-1]] += wave[:, : samples - first]
    snrs = []
    for first, wave, traces in zip(firsts, waves, seismograms, strict=True):
        lead = min(first, int((BEFORE_S + 1.0) * SAMPLING_RATE_HZ))
        padded = np.pad(wave[:, : samples - first], ((0, 0), (lead, 0)))
        around = record[:, first - lead : first - lead + padded.shape[-1]]
        onsets = {"P": traces.p_time_s[number], "S": traces.s_time_s[number]}
        snrs.append(
            {
                phase: onset_snr(padded, around, lead + int(time * SAMPLING_RATE_HZ), phase)
                for phase, time in onsets.items()
            }
        )
    np.rint(np.clip(record, -CLIP_COUNTS, CLIP_COUNTS, out=record), out=record)
    return record.astype(np.int32), made, snrs


def _through(instrument: Instrument, velocity_m_s: NDArray[np.float32]) -> NDArray[np.float32]:
    """Ground velocity on Z, N, E (3, samples) as the instrument's own components in counts."""
    samples = velocity_m_s.shape[-1]
    frequency = fft.rfftfreq(samples, 1.0 / SAMPLING_RATE_HZ)
    response = (instrument.response(frequency) * instrument.counts_per_m_s).astype(np.complex64)
    vertical, north, east = fft.irfft(fft.rfft(velocity_m_s, axis=-1) * response, samples, axis=-1)
    cosine, sine = np.cos(np.radians(instrument.azimuth_deg)), np.sin(np.radians(instrument.azimuth_deg))
    return np.stack([vertical, north * cosine + east * sine, east * cosine - north * sine]).astype(np.float32)


def _visible(
    site: Site,
    number: int,
    instrument: Instrument,
    earthquakes: list[Earthquake],
    seismograms: list[Seismograms],
    snrs: list[dict[str, float]],
    present: NDArray[np.bool_],
    earth: LayeredEarth,
    least_snr: float,
) -> list[TruePick]:
    codes = [code for code, _, _ in network.channel_orientations(instrument)]
    picks = []
    for index, (event, traces, ratios) in enumerate(zip(earthquakes, seismograms, snrs, strict=True)):
        place = receivers(event, (site,))
        for phase, onset_s in (("P", traces.p_time_s[number]), ("S", traces.s_time_s[number])):
            time_s = event.origin_s + float(onset_s)
            sample = int(time_s * SAMPLING_RATE_HZ)
            margin = int(BEFORE_S * SAMPLING_RATE_HZ)
            if ratios[phase] < least_snr or not present[max(0, sample - margin) : sample + margin].all():
                continue
            ray = first_arrival(earth, phase, place.distance_km, event.depth_km, site.elevation_m)
            channel = codes[0] if phase == "P" else codes[-1]
            picks.append(
                TruePick(
                    index,
                    phase,
                    site.code,
                    instrument.location,
                    channel,
                    round(time_s, 4),
                    round(ratios[phase], 2),
                    float(place.distance_km[0]),
                    float(place.azimuth_deg[0]),
                    float(ray.takeoff_deg[0]),
                )  # fmt: skip
            )
    return picks


def _write_channels(
    archive: Path,
    start: UTCDateTime,
    site: Site,
    instrument: Instrument,
    record: NDArray[np.int32],
    present: NDArray[np.bool_],
) -> list[Path]:
    files = []
    for (code, _, _), counts in zip(network.channel_orientations(instrument), record, strict=True):
        header = {
            "network": NETWORK_CODE,
            "station": site.code,
            "location": instrument.location,
            "channel": code,
            "sampling_rate": SAMPLING_RATE_HZ,
        }
        traces = [
            Trace(counts[begin:end], {**header, "starttime": start + begin / SAMPLING_RATE_HZ})
            for begin, end in true_spans(present)
        ]
        path = (
            archive / f"{start.year}" / NETWORK_CODE / site.code / f"{code}.D"
            / f"{NETWORK_CODE}.{site.code}.{instrument.location}.{code}.D.{start.year}.{start.julday:03d}"
        )  # fmt: skip
        path.parent.mkdir(parents=True, exist_ok=True)
        Stream(traces).write(str(path), format="MSEED", encoding="STEIM2", reclen=_RECORD_BYTES)
        files.append(path)
    return files
