"""Rows of `benchmarks.location` on relocation by double differences."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks._location_truth import pair_errors
from benchmarks._relocation_cases import (
    calaveras,
    clusters_of,
    made_correlated,
    of_cluster,
    ridgecrest_case,
    scrtdd_line,
)
from benchmarks._relocation_map import write_relocation_map
from catalogdb.location.catalog import locate_catalog
from catalogdb.location.locate import Locator
from catalogdb.relocation.differences import Differences, Slots, catalog_differences
from catalogdb.relocation.pairs import neighbour_pairs
from catalogdb.relocation.solve import Problem, relocate_cluster
from catalogdb.traveltimes.grid_times import Times

SEPARATION_KM, LINKS, NEIGHBOURS = 5.0, 8, 20


def measure_scrtdd(root: Path, arguments: Any) -> Iterator[dict[str, Any]]:
    """Largest errors, absolute ones."""
    case = scrtdd_line(root / "location" / "scrtdd_line")
    before = time.process_time()
    found = relocate_cluster(case.problem, case.start, case.sets)
    speed = len(case.start) / (time.process_time() - before)
    off = np.abs(found.models - case.truth)
    far = float(np.hypot(off[:, 0], off[:, 1]).max())
    yield _row("scrtdd_line", "double_difference", far, float(off[:, 2].max()), speed, time_ms=1e3 * off[:, 3].max())


def measure_calaveras(root: Path, arguments: Any) -> Iterator[dict[str, Any]]:
    """Median distance from hypoDD.reloc but for a common shift, with HypoDD's weights and with those by scatter."""
    before = time.process_time()
    case = calaveras(root / "location" / "calaveras_hypodd")
    reading = time.process_time() - before
    for method, sets, is_held in (("hypodd_weights", case.sets, False), ("double_difference", (), True)):
        problem = replace(case.problem, is_held=is_held)
        before = time.process_time()
        found = relocate_cluster(problem, case.start, sets)
        seconds = time.process_time() - before
        if arguments.map and not sets:
            title = "Calaveras fault, catalog and correlated times"
            write_relocation_map(case.start[:, :3], found.models[:, :3], arguments.map, title)
        off = (found.models - case.truth)[np.isfinite(case.truth[:, 0]), :3]
        off = np.abs(off - off.mean(axis=0))
        far, deep = np.median(np.hypot(off[:, 0], off[:, 1])), np.median(off[:, 2])
        more = {"distance_km": np.median(np.sqrt((off**2).sum(axis=1))), "cpu_s": seconds, "reading_s": reading}
        yield _row("calaveras", method, far, deep, len(off) / seconds, **more)


def measure_ridgecrest_pairs(root: Path, arguments: Any) -> Iterator[dict[str, Any]]:
    """The score on that half of the pairs that nothing was tuned on, of locations with source terms and relocated."""
    folder = root / "location" / "ridgecrest_synthetic_2024"
    case, slots, times = ridgecrest_case(folder)
    held_out = held_out_pairs(folder)
    start = locate_catalog(Locator(case.earth), case.arrivals).density.best
    yield _row("ridgecrest_half", "source", *pair_errors(start, held_out), None)
    linked = linked_pairs(start, times)
    picked = catalog_differences(linked, times, np.ones_like(times))
    correlated = made_correlated(folder, case, slots, times, linked)
    for method, found in (
        ("double_difference", picked),
        ("double_difference_made_cc", Differences.joined([picked, correlated])),
    ):
        before = time.process_time()
        models = relocated(start, found, slots, case.earth.times, float(case.earth.lower[2]))
        speed = len(start) / (time.process_time() - before)
        yield _row("ridgecrest_half", method, *pair_errors(models, held_out), speed)


def held_out_pairs(folder: Path) -> pd.DataFrame:
    """That half of Ridgecrest's pairs that nothing was tuned on."""
    pairs = pd.read_csv(folder / "true_separations.csv")
    return pairs.iloc[np.random.default_rng(1).permutation(len(pairs))[1::2]]


def linked_pairs(start: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Pairs of neighbouring events that have picks in common."""
    return neighbour_pairs(start[:, :3], np.isfinite(times), SEPARATION_KM, LINKS, NEIGHBOURS)


def relocated(start: np.ndarray, found: Differences, slots: Slots, times: Times, top_km: float) -> np.ndarray:
    """Events after the relocation of each cluster; travel times are to the sensors of the slots."""
    models = start.copy()
    for members in clusters_of(len(start), found):
        problem = Problem(of_cluster(found, members), slots, times, top_km)
        models[members] = relocate_cluster(problem, start[members]).models
    return models


def _row(
    case: str, method: str, horizontal: float, vertical: float, events_per_s: float | None, **more: float
) -> dict[str, Any]:
    values = {"horizontal_km": horizontal, "vertical_km": vertical} | more
    speed = {} if events_per_s is None else {"events_per_s": round(events_per_s, 1)}
    return {"case": case, "method": method} | {name: float(value) for name, value in values.items()} | speed
