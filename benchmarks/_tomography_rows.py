"""Rows of `benchmarks.location` on 3-D velocity models made from the arrivals that are then located in them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import _location_grids as grids
from benchmarks._held_out import held_out, misfit_of_held_out
from benchmarks._location_cases import OGS_MODEL, Case, ogs, ridgecrest_model
from benchmarks._location_truth import coverage, half_coverage, halves, pair_errors
from benchmarks._relocation_cases import ridgecrest_case
from benchmarks._relocation_rows import held_out_pairs, linked_pairs, relocated
from catalogdb.geo import Projection
from catalogdb.location.arrivals import Arrivals
from catalogdb.location.catalog import locate_catalog
from catalogdb.location.locate import Locator
from catalogdb.relocation.differences import catalog_differences
from catalogdb.tomography.given import Given
from catalogdb.tomography.invert import Inverted, invert_apart
from catalogdb.traveltimes.grid_times import grid_times
from catalogdb.traveltimes.velocity import VelocityConfig
from catalogdb.traveltimes.velocity_grid import VelocityGrid

PLANE = Projection(grids.PLANE)
SAMPLES = 400
RESOLUTIONS = (0.0, 0.5, 0.75, 0.9, 1.01)


def _inverted(case: Case, velocity: VelocityConfig) -> tuple[Inverted, VelocityGrid, float]:
    """What the arrivals of a case come to, as a grid over its volume, and the CPU that it takes, s."""
    before = time.process_time()
    given = Given.located(velocity, case.plane, case.earth, case.arrivals)
    found = invert_apart(given)
    seconds = time.process_time() - before
    top = np.array([*case.earth.lower[:2], min(given.limits_km[0], float(given.network.depth_km.min()))])
    return found, found.model.grid(case.plane, top, case.earth.upper), seconds


def _seen_in(case: Case, model: VelocityGrid) -> Case:
    """The case in a 3-D model."""
    network, earth = case.earth.network, case.earth
    places = np.column_stack([network.x_km, network.y_km, network.depth_km])
    return replace(case, earth=replace(earth, times=grid_times(model, case.plane, places, earth.lower, earth.upper)))


def _misfit(found: Inverted, seconds: float) -> dict[str, float]:
    names = ("p_before_s", "p_after_s", "s_before_s", "s_after_s")
    values = (found.before[0], found.after[0], found.before[1], found.after[1])
    return dict(zip(names, values, strict=True)) | {"nodes": float(found.passed), "cpu_s": seconds}


def measure_ridgecrest_tomography(root: Path, arguments: Any) -> Iterator[dict[str, Any]]:
    """The score on that half of the pairs that nothing was tuned on: of the inversion's own hypocentres, of locations
    in its model, and relocated in it."""
    folder = root / "location" / "ridgecrest_synthetic_2024"
    case, slots, times = ridgecrest_case(folder)
    pairs = held_out_pairs(folder)
    velocity = ridgecrest_model(pd.read_csv(folder / "vel.csv"))
    found, model, seconds = _inverted(case, velocity)
    yield _row("ridgecrest_tomography", "hypocentres", pair_errors(found.places, pairs), **_misfit(found, seconds))
    own = _seen_in(case, model)
    sensors = np.column_stack([slots.x_km, slots.y_km, slots.depth_km])[slots.sensors[0]]
    of_slots = grid_times(model, case.plane, sensors, case.earth.lower, case.earth.upper)
    for terms in arguments.methods:
        start = locate_catalog(Locator(own.earth), own.arrivals, terms=terms).density.best
        yield _row("ridgecrest_tomography", terms, pair_errors(start, pairs))
        found_times = catalog_differences(linked_pairs(start, times), times, np.ones_like(times))
        moved = relocated(start, found_times, slots, of_slots, float(case.earth.lower[2]))
        yield _row("ridgecrest_tomography", f"{terms}, double_difference", pair_errors(moved, pairs))


def measure_twin_tomography(root: Path, arguments: Any) -> Iterator[dict[str, Any]]:
    """Distances to the truth in the twin with a fault and a basin, whose 3-D model is made from its arrivals."""
    stations, true = grids.network(seed=1), grids.fault_and_basin()
    made = grids.made(stations, grids.finer_times(true, stations), seed=3)
    velocity = grids.mean_layers(true)
    case = Case(made.earth(grids.times_in(velocity, stations)), made.arrivals, np.arange(len(made.truth)), PLANE)
    found, model, seconds = _inverted(case, velocity)
    yield _row("twin_tomography", "hypocentres", _apart(found.places, made.truth), **_misfit(found, seconds))
    yield from _by_resolution(model, true)
    own = _seen_in(case, model)
    for terms in arguments.methods:
        located = locate_catalog(Locator(own.earth), own.arrivals, terms=terms).density
        yield _row("twin_tomography", terms, _apart(located.best, made.truth), **coverage(located, made.truth))


def _by_resolution(model: VelocityGrid, true: VelocityGrid) -> Iterator[dict[str, Any]]:
    """How far the model's slownesses are from the true ones where it says that it is resolved so well: mean absolute
    differences of the logarithm, at its nodes within the true model's volume."""
    nx, ny, nz = model.vp.shape
    depth = model.origin[2] + model.spacing[2] * np.arange(nz)
    at = model.lonlat(*np.meshgrid(np.arange(float(nx)), np.arange(float(ny)), indexing="ij"))
    inside = true.holds(*at)[..., None] & (depth >= true.top_km) & (depth <= true.bottom_km)
    off = np.stack([np.abs(np.log(own * true.slowness(*at, depth, is_s)))[inside]
                    for own, is_s in ((model.vp, False), (model.vs, True))])  # fmt: skip
    resolution = np.asarray(model.resolution)[:, inside]
    for low, high in pairwise(RESOLUTIONS):
        rows = (resolution >= low) & (resolution < high)
        p, s = (float(errors[own].mean()) for errors, own in zip(off, rows, strict=True))
        kind = f"resolution {low:g} to {min(high, 1.0):g}"
        yield {"case": "twin_tomography", "method": kind, "nodes": float(rows[0].sum()), "p_error": p, "s_error": s}


def measure_ogs_tomography(root: Path, arguments: Any) -> Iterator[dict[str, Any]]:
    """Real events that had no part in the model: two locations of each from stations of which they share none, and
    residuals of picks of stations that it was located without, in 1-D and in 3-D."""
    case = ogs(root / "ogs_2024_h1")
    own = np.arange(len(case.arrivals)) % 2 == 1
    others, judged = (case.arrivals.take(np.flatnonzero(rows)).trimmed() for rows in (~own, own))
    found, model, seconds = _inverted(replace(case, arrivals=others), OGS_MODEL)
    yield {"case": "ogs_tomography", "method": "inversion", "spacing_km": found.spacing_km} | _misfit(found, seconds)
    for kind, seen in (("1-D", case), ("3-D", _seen_in(case, model))):
        for terms in arguments.methods:
            rows = [_unseen(Locator(seen.earth), judged, terms, seed) for seed in arguments.seeds]
            yield {"case": "ogs_tomography", "method": f"{terms}, {kind}"} | pd.DataFrame(rows).mean().to_dict()


def _unseen(locator: Locator, arrivals: Arrivals, terms: str, seed: int) -> dict[str, Any]:
    """How far apart locations by halves of the stations are, and residuals of picks left out."""
    halved = [locate_catalog(locator, half, terms=terms, samples=SAMPLES).density for half in halves(arrivals, seed)]
    _, kept, left = held_out(arrivals, seed)
    return half_coverage(*halved) | misfit_of_held_out(locate_catalog(locator, kept, terms=terms), left, locator.earth)


def _apart(places: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Median distances, horizontal and vertical, km."""
    off = places[:, :3] - truth
    return float(np.median(np.hypot(off[:, 0], off[:, 1]))), float(np.median(np.abs(off[:, 2])))


def _row(case: str, method: str, errors: tuple[float, float], **more: float) -> dict[str, Any]:
    return {"case": case, "method": method, "horizontal_km": errors[0], "vertical_km": errors[1]} | more
