"""Differential times that relocation is measured on: HypoDD's Calaveras, a line of made events, Ridgecrest's synthetic
catalog."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks._location_cases import Case, epoch, ridgecrest
from benchmarks._location_truth import peer, places_of_separations
from catalogdb.exchange.hypodd_times import read_times
from catalogdb.geo import Projection
from catalogdb.relocation.config import WeightSet
from catalogdb.relocation.differences import Differences, Slots, arrivals_themselves, catalog_differences, predicted
from catalogdb.relocation.pairs import clusters, neighbour_pairs
from catalogdb.relocation.solve import Problem
from catalogdb.traveltimes.first_arrivals import HomogeneousTimes, LayeredTimes
from catalogdb.traveltimes.velocity import VelocityConfig, VelocityLayer

SEISCOMP_RADIUS_M = 6367447.0
"""scrtdd's events were made with 111.1329 km a degree, as SeisComP has it."""
MADE_SIGMA, MADE_OUTLIERS, OUTLIER_SECONDS = (0.008, 0.012), 0.03, 0.1
"""Of made correlated times, P and S, s."""


@dataclass(frozen=True)
class RelocationCase:
    """A cluster that is relocated from `start`; `truth` is (x, y, depth, time) where it is known."""

    problem: Problem
    start: np.ndarray
    truth: np.ndarray | None = None
    sets: tuple[WeightSet, ...] = ()


def _epoch_seconds(texts: pd.Series) -> np.ndarray:
    return epoch(texts).to_numpy()


def scrtdd_line(folder: Path) -> RelocationCase:
    """42 events in a homogeneous model, start moved by 0.8 to 3.6 km, exact times; truth is where pyrtdd puts them."""
    events, picks = pd.read_csv(folder / "starting-event.csv"), pd.read_csv(folder / "starting-phase.csv")
    stations, truth = pd.read_csv(folder / "starting-station.csv"), pd.read_csv(folder / "relocated-event.csv")
    middle = f"+lon_0={truth.longitude.mean()} +lat_0={truth.latitude.mean()}"
    plane = Projection(f"+proj=sterea {middle} +R={SEISCOMP_RADIUS_M} +units=km")
    slots = _slots(plane, stations.longitude, stations.latitude, -stations.elevation / 1000.0)
    origin = _epoch_seconds(events.isotime)
    reference = np.round(origin)
    row, column = (
        events.reset_index().set_index("id")["index"],
        stations.reset_index().set_index("stationCode")["index"],
    )
    times = np.full((len(events), len(slots)), np.nan)
    of_event = row.loc[picks.eventId].to_numpy()
    of_slot = column.loc[picks.stationCode].to_numpy() + len(stations) * (picks.type == "S").to_numpy()
    times[of_event, of_slot] = _epoch_seconds(picks.isotime) - reference[of_event]
    places = []
    for table, time in ((events, origin), (truth, np.round(_epoch_seconds(truth.isotime)))):
        x, y = plane.to_xy(table.longitude, table.latitude)
        places.append(np.column_stack([x, y, table.depth, time - reference]))
    ones = np.ones_like(times)
    pairs = neighbour_pairs(places[0][:, :3], np.isfinite(times), 30.0, 8, 20)
    found = Differences.joined([catalog_differences(pairs, times, ones), arrivals_themselves(times, ones)])
    return RelocationCase(Problem(found, slots, HomogeneousTimes(5.8, 3.36), 0.0, is_held=False), *places)


def calaveras(folder: Path) -> RelocationCase:
    """308 events with HypoDD's own times, model and sets of weights; truth is what HypoDD makes of them."""
    rows = [line.split() for line in (folder / "event.sel").read_text().splitlines()]
    table = np.array([[float(value) for value in row[2:5]] for row in rows])
    number = {int(row[-1]): place for place, row in enumerate(rows)}
    plane = Projection(f"+proj=sterea +lon_0={table[:, 1].mean()} +lat_0={table[:, 0].mean()} +units=km")
    stations = pd.read_csv(folder / "station.sel", sep=r"\s+", names=["code", "latitude", "longitude", "elevation"])
    slots = _slots(plane, stations.longitude, stations.latitude, np.zeros(len(stations)))  # HypoDD has none at a height
    x, y = plane.to_xy(table[:, 1], table[:, 0])
    start = np.column_stack([x, y, table[:, 2], np.zeros(len(table))])
    codes = {code: place for place, code in enumerate(stations.code)}
    found = Differences.joined([_hypodd(folder / f"dt.{kind}", kind == "cc", number, codes) for kind in ("cc", "ct")])
    lines = (folder / "hypoDD.inp").read_text().splitlines()
    relocated = {int(row[0]): row for row in map(str.split, (folder / "hypoDD.reloc").read_text().splitlines())}
    truth = np.full((len(rows), 4), np.nan)
    for name, row in relocated.items():
        truth[number[name], :3] = (*plane.to_xy(float(row[2]), float(row[1])), float(row[3]))
    farthest = float(np.hypot(slots.x_km, slots.y_km).max()) + 10.0
    times = LayeredTimes(_model(lines), farthest, 0.0, 15.0, (0.0, 0.0), step_km=0.1)
    return RelocationCase(Problem(found, slots, times, 0.0, is_held=False), start, truth, _sets(lines))


def _hypodd(path: Path, is_cc: bool, number: dict[int, int], codes: dict[str, int]) -> Differences:
    own = [
        (number[time.first], number[time.second], codes[time.station] + len(codes) * (time.phase == "S"), time.time,
         time.weight)
        for time in read_times(path, "cc" if is_cc else "ct")
        if time.first in number and time.second in number and time.station in codes
    ]  # fmt: skip
    first, second, slot, times, weight = (np.array(column) for column in zip(*own, strict=True))
    return Differences(first, second, slot, times, weight, np.full(len(own), is_cc))


def _model(lines: list[str]) -> VelocityConfig:
    """Of hypoDD.inp: tops and P speeds behind the number of layers and vp/vs."""
    first = next(row for row, line in enumerate(lines) if line.startswith("* MOD_TOP")) + 1
    ratio = float(lines[first].split()[1])
    tops, speeds = ([float(value) for value in line.split()] for line in lines[first + 2 : first + 4])
    layers = (VelocityLayer(depth_km=top, vp=vp, vs=vp / ratio) for top, vp in zip(tops, speeds, strict=True))
    return VelocityConfig(layers=tuple(layers))


def _sets(lines: list[str]) -> tuple[WeightSet, ...]:
    """Of hypoDD.inp: the lines behind `* NITER`."""
    first = next(row for row, line in enumerate(lines) if line.startswith("* NITER WTCCP")) + 1
    found = []
    for line in lines[first:]:
        if line.startswith("*"):
            break
        given = [float(value) if float(value) > 0 else None for value in line.split()[:10]]
        names = ("cc_p", "cc_s", "cc_cutoff", "cc_km", "ct_p", "ct_s", "ct_cutoff", "ct_km", "damping")
        found.append(WeightSet(rounds=int(given[0] or 1), **dict(zip(names, given[1:], strict=True))))
    return tuple(found)


def ridgecrest_case(folder: Path) -> tuple[Case, Slots, np.ndarray]:
    """Ridgecrest's case, its slots and its arrival times (events, slots), s after the events' references."""
    case = ridgecrest(folder)
    network, own = case.earth.network, case.arrivals
    slots = Slots(
        np.tile(network.x_km, 2), np.tile(network.y_km, 2), np.tile(network.depth_km, 2),
        np.repeat([False, True], len(network.x_km)),
    )  # fmt: skip
    times = np.full((len(own), len(slots)), np.nan)
    event, place = np.nonzero(own.present)
    times[event, own.station[event, place] + len(network.x_km) * own.is_s[event, place]] = own.time[event, place]
    return case, slots, times


def made_correlated(folder: Path, case: Case, slots: Slots, times: np.ndarray, pairs: np.ndarray) -> Differences:
    """Correlated times of places that have just the true separations, in the 1-D model: they know nothing of what the
    model is off. Noise is normal, some are outliers.

    The truth is known by separations of events alone, so no truer times can be made.
    """
    separations = pd.read_csv(folder / "true_separations.csv")
    truth = places_of_separations(peer(folder / "peer_hypoDD.reloc", case.plane), separations)
    models = np.column_stack([truth[:, :3], np.zeros(len(truth))])
    travel = predicted(models, slots, case.earth.times)[0][:-1]
    at = travel + np.nanmedian(times - travel, axis=1, keepdims=True)  # origin times by the picks
    exact = catalog_differences(pairs, np.where(np.isfinite(times), at, np.nan), np.ones_like(times))
    rng = np.random.default_rng(3)
    sigma = np.where(slots.is_s[exact.slot], MADE_SIGMA[1], MADE_SIGMA[0])
    noise = rng.normal(size=len(exact)) * np.where(rng.random(len(exact)) < MADE_OUTLIERS, OUTLIER_SECONDS, sigma)
    fields = vars(exact) | {"time": exact.time + noise, "is_cc": np.ones(len(exact), dtype=bool)}
    return Differences(**fields)


def of_cluster(found: Differences, members: np.ndarray) -> Differences:
    """Differential times among some events, numbered by their place among these."""
    place = np.full(int(max(found.first.max(), found.second.max(), members.max())) + 1, -1)
    place[members] = np.arange(len(members))
    own = found.take(np.flatnonzero((place[found.first] >= 0) & (place[found.second] >= 0)))
    return Differences(**(vars(own) | {"first": place[own.first], "second": place[own.second]}))


def clusters_of(events: int, found: Differences) -> list[np.ndarray]:
    """Events that are linked."""
    return clusters(events, np.column_stack([found.first, found.second]))


def _slots(plane: Projection, longitude: pd.Series, latitude: pd.Series, depth_km: np.ndarray | pd.Series) -> Slots:
    x, y = plane.to_xy(longitude.to_numpy(), latitude.to_numpy())
    is_s = np.repeat([False, True], len(x))
    return Slots(np.tile(x, 2), np.tile(y, 2), np.tile(np.asarray(depth_km, dtype=float), 2), is_s)
