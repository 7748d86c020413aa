"""Locations against truth and against peers, and how often the truth lies where they say.

Cases:
- `ridgecrest_synthetic`: mean over events of the rms error of pair distances, the score of its README, for which peers'
  locations are at hand; coverage is that of places which have just the true separations, in groups of ten events or
  more that pairs link, each group's shift taken away: separations say nothing of it.
- `ogs_twin`: OGS's network and picks with made times (`_location_twin`): distance to the truth, median over the events.
- `ogs_hypo71`: distance to the analysts' locations, median and 90 %: as `locate` is by default; with errors as Hypo71
  weighs them; and with stations at sea level besides (`elevations: false`), as these analysts' Hypo71 took them.
- `ogs_halves`: half of an event's stations against the other half; differences should be as their densities say.
- `ogs_held_out`: residuals (s) of the picks of a fifth of an event's stations, which it was located without; of the
  twin besides, where the truth is known.
- `nearly_exact`: made arrivals, exact to 0.1 s off, in the model that they are located in and in one with a slow top.
- `layers_as_grid`: the same events in layers and in these layers as a 3-D grid of cells; how far apart they are.
- `twin_3d`: a made catalog in a model with a fault and a basin: distance to the truth, median, in its mean 1-D model
  and in 3-D.
- `scrtdd_line`, `calaveras`, `ridgecrest_half`: relocation by double differences, see `_relocation_rows`.
- `twin_tomography`, `ridgecrest_tomography`: 3-D models made from the arrivals themselves, see `_tomography_rows`.
- `ogs_tomography`: a 3-D model made from every second real event; of the others, as in `ogs_halves` and `ogs_held_out`,
  in 1-D and in this model.
`coverage_...` counts epicentres, `depth_coverage_...` depths. Seconds are of one core, estimates of errors included.
Needs CATALOGDB_REALDATA (folders location and ogs_2024_h1).

    python -m benchmarks.location --json
    python -m benchmarks.location --cases ogs_twin --seeds 1 2 3 --plot calibration.png
    python -m benchmarks.location --cases calaveras --map relocation.png
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import _location_grids as grids
from benchmarks._held_out import held_out, misfit_of_held_out
from benchmarks._location_cases import OGS_MODEL, Case, hypo71, ogs, ridgecrest
from benchmarks._location_truth import (
    coverage,
    half_coverage,
    halves,
    pair_errors,
    peer,
    places_of_separations,
    shifted_by_group,
)
from benchmarks._location_twin import twin
from benchmarks._nearly_exact import RIGHT, SLOW_TOP, nearly_exact
from benchmarks._real_data import real_data
from benchmarks._relocation_rows import measure_calaveras, measure_ridgecrest_pairs, measure_scrtdd
from benchmarks._tomography_rows import (
    measure_ogs_tomography,
    measure_ridgecrest_tomography,
    measure_twin_tomography,
)
from catalogdb.geo import Projection
from catalogdb.location.arrivals import Arrivals
from catalogdb.location.catalog import Located, locate_catalog
from catalogdb.location.estimate import estimate_errors
from catalogdb.location.locate import Locator

CASES = (
    *("ridgecrest_synthetic", "ogs_twin", "ogs_hypo71", "ogs_halves", "ogs_held_out"),
    *("nearly_exact", "layers_as_grid", "twin_3d"),
    *("scrtdd_line", "calaveras", "ridgecrest_half"),
    *("twin_tomography", "ridgecrest_tomography", "ogs_tomography"),
)
METHODS = ("none", "static", "source")
PEERS = {"hypoinverse": "peer_hypoinverse.sum", "growclust": "peer_growclust.cat", "hypodd": "peer_hypoDD.reloc"}
HYPO71_WEIGHTS = np.array([1.0, 0.75, 0.5, 0.25, 0.0])
SAMPLES = 400
NOISES_S = (0.0, 0.005, 0.03, 0.1)
PLANE = Projection(grids.PLANE)


def _located(case: Case, terms: str, weight: np.ndarray | None = None, samples: int = 0) -> tuple[Located, float]:
    before = time.process_time()
    found = locate_catalog(Locator(case.earth), case.arrivals, terms=terms, weight=weight, samples=samples)
    return found, round(len(case.arrivals) / (time.process_time() - before), 1)


def _row(name: str, method: str, horizontal: float, vertical: float, **more: Any) -> dict[str, Any]:
    return {"case": name, "method": method, "horizontal_km": horizontal, "vertical_km": vertical} | more


def measure_ridgecrest(root: Path, arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Peers' rows, and one for each kind of station terms."""
    folder = root / "location" / "ridgecrest_synthetic_2024"
    case, pairs = ridgecrest(folder), pd.read_csv(folder / "true_separations.csv")
    for name, file in PEERS.items():
        yield _row("ridgecrest_synthetic", name, *pair_errors(peer(folder / file, case.plane), pairs))
    truth = places_of_separations(peer(folder / PEERS["hypodd"], case.plane), pairs)
    for terms in arguments.methods:
        found, speed = _located(case, terms)
        shares = coverage(found.density, shifted_by_group(found.density.best, truth, pairs))
        errors = pair_errors(found.density.best, pairs)
        yield _row("ridgecrest_synthetic", terms, *errors, **shares, events_per_s=speed)


def _ogs_truth(folder: Path) -> tuple[Case, Arrivals, np.ndarray]:
    """OGS's case, the arrivals of the events that the analysts located, and their places as truth of a twin."""
    case = ogs(folder)
    rows, places = hypo71(folder, case)
    return case, case.arrivals.take(rows), np.column_stack([places, np.full(len(rows), -8.0)])


def _twin(case: Case, real: Arrivals, truth: np.ndarray, seed: int) -> Arrivals:
    return twin(real, truth, real.grade // 2, case.earth.network, OGS_MODEL, seed)


def _distances(located: Located, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Horizontal and vertical, km."""
    apart = located.density.best[:, :3] - truth[:, :3]
    return np.hypot(apart[:, 0], apart[:, 1]), np.abs(apart[:, 2])


def measure_twin(root: Path, arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Means over the seeds."""
    case, real, truth = _ogs_truth(root / "ogs_2024_h1")
    for terms in arguments.methods:
        found = []
        for seed in arguments.seeds:
            located, speed = _located(replace(case, arrivals=_twin(case, real, truth, seed)), terms)
            errors = tuple(float(np.median(own)) for own in _distances(located, truth))
            shares = coverage(located.density, truth[:, :3])
            found.append(_row("ogs_twin", terms, *errors, **shares, events_per_s=speed))
        means = pd.DataFrame(found).drop(columns=["case", "method"]).mean().to_dict()
        yield {"case": "ogs_twin", "method": terms} | means


def _hypo71_weight(case: Case) -> np.ndarray:
    """Of each grade, of P and of S."""
    return np.repeat(HYPO71_WEIGHTS, 2)[: int(case.arrivals.grade.max()) + 1]


def measure_hypo71(root: Path, arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Distances to the analysts' locations."""
    folder = root / "ogs_2024_h1"
    case = ogs(folder)
    rows, places = hypo71(folder, case)
    weight = _hypo71_weight(case)
    network = case.earth.network
    at_sea = replace(case.earth, network=replace(network, depth_km=np.zeros_like(network.depth_km)))
    kinds: dict[str, tuple[Case, np.ndarray | None]] = {
        "": (case, None),
        ", errors: hypo71": (case, weight),
        ", errors: hypo71, elevations: false": (replace(case, earth=at_sea), weight),
    }
    for kind, (own, weights) in kinds.items():
        for terms in arguments.methods:
            found, speed = _located(own, terms, weights)
            apart = found.density.best[rows, :3] - places
            far, deep = np.hypot(apart[:, 0], apart[:, 1]), np.abs(apart[:, 2])
            more = {"horizontal_90_km": np.quantile(far, 0.9), "vertical_90_km": np.quantile(deep, 0.9)}
            yield _row("ogs_hypo71", terms + kind, np.median(far), np.median(deep), **more, events_per_s=speed)


def _kinds(case: Case, methods: list[str]) -> list[tuple[str, str, np.ndarray | None]]:
    """The kinds of station terms with errors as estimated, and without terms as Hypo71 weighs."""
    return [*((terms, terms, None) for terms in methods), ("none, errors: hypo71", "none", _hypo71_weight(case))]


def measure_halves(root: Path, arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Two locations of the same events from stations of which they share none."""
    case = ogs(root / "ogs_2024_h1")
    for kind, terms, weight in _kinds(case, arguments.methods):
        found = []
        for seed in arguments.seeds:
            halved = [_located(Case(case.earth, half, case.names, case.plane), terms, weight, SAMPLES)
                      for half in halves(case.arrivals, seed)]  # fmt: skip
            shares = half_coverage(*(half.density for half, _ in halved))
            found.append(shares | {"events_per_s": halved[0][1]})
        yield {"case": "ogs_halves", "method": kind} | pd.DataFrame(found).mean().to_dict()


def measure_held_out(root: Path, arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Residuals of picks of stations that an event was located without; on the twin with distances from the truth."""
    case, real, truth = _ogs_truth(root / "ogs_2024_h1")
    for name in ("ogs_held_out", "twin_held_out"):
        for kind, terms, weight in _kinds(case, arguments.methods):
            found = []
            for seed in arguments.seeds:
                own = case.arrivals if name == "ogs_held_out" else _twin(case, real, truth, seed)
                rows, kept, left = held_out(own, seed)
                located, speed = _located(replace(case, arrivals=kept), terms, weight)
                row = misfit_of_held_out(located, left, case.earth) | {"events_per_s": speed}
                if name == "twin_held_out":
                    far, deep = _distances(located, truth[rows])
                    row |= {"horizontal_km": np.median(far), "vertical_km": np.median(deep)}
                found.append(row)
            yield {"case": name, "method": kind} | pd.DataFrame(found).mean().to_dict()


def measure_nearly_exact(root: Path, arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Distances to the truth by how much readings are off, in the right model and in one whose top is slower."""
    for kind, velocity in (("right model", RIGHT), ("slow top", SLOW_TOP)):
        for seconds in NOISES_S:
            locator, arrivals, truth = nearly_exact(seconds, velocity=velocity)
            located = locate_catalog(locator, arrivals, terms="none")
            far, deep = _distances(located, truth)
            more = {"horizontal_90_km": np.quantile(far, 0.9), "vertical_90_km": np.quantile(deep, 0.9)}
            name = f"{kind}, {1e3 * seconds:.0f} ms"
            yield _row(
                "nearly_exact", name, np.median(far), np.median(deep), **more, **coverage(located.density, truth[:, :3])
            )


def measure_layers(root: Path, arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The same events in layers and in a grid made of them."""
    stations = grids.network(seed=1)
    in_layers, in_grid = (
        grids.times_in(model, stations) for model in (grids.layered(), grids.as_cells(grids.layered()))
    )
    made = grids.made(stations, in_layers, seed=2)
    before = time.process_time()
    one, other = (
        Locator(made.earth(times))
        .locate(made.arrivals, estimate_errors(Locator(made.earth(times)), made.arrivals))
        .best
        for times in (in_layers, in_grid)
    )
    speed = round(2 * len(made.truth) / (time.process_time() - before), 1)
    far, deep = np.hypot(*(one - other)[:, :2].T), np.abs((one - other)[:, 2])
    more = {"horizontal_90_km": np.quantile(far, 0.9), "vertical_90_km": np.quantile(deep, 0.9)}
    yield _row("layers_as_grid", "none", np.median(far), np.median(deep), **more, events_per_s=speed)


def measure_twin_3d(root: Path, arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Distances to the truth in 1-D and in 3-D."""
    stations, model = grids.network(seed=1), grids.fault_and_basin()
    made = grids.made(stations, grids.finer_times(model, stations), seed=3)
    for kind, own in (("1-D", grids.mean_layers(model)), ("3-D", model)):
        for terms in arguments.methods:
            case = Case(made.earth(grids.times_in(own, stations)), made.arrivals, np.arange(len(made.truth)), PLANE)
            found, speed = _located(case, terms)
            errors = tuple(float(np.median(own)) for own in _distances(found, made.truth))
            shares = coverage(found.density, made.truth)
            yield _row("twin_3d", f"{terms}, {kind}", *errors, **shares, events_per_s=speed)


MEASURES: dict[str, Callable[[Path, argparse.Namespace], Iterator[dict[str, Any]]]] = {
    "ridgecrest_synthetic": measure_ridgecrest,
    "ogs_twin": measure_twin,
    "ogs_hypo71": measure_hypo71,
    "ogs_halves": measure_halves,
    "ogs_held_out": measure_held_out,
    "nearly_exact": measure_nearly_exact,
    "layers_as_grid": measure_layers,
    "twin_3d": measure_twin_3d,
    "scrtdd_line": measure_scrtdd,
    "calaveras": measure_calaveras,
    "ridgecrest_half": measure_ridgecrest_pairs,
    "twin_tomography": measure_twin_tomography,
    "ridgecrest_tomography": measure_ridgecrest_tomography,
    "ogs_tomography": measure_ogs_tomography,
}


def plot(rows: list[dict[str, Any]], path: Path) -> None:
    """Share of events that lie within a region over the share that should."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(9.0, 4.5), sharey=True)
    levels = (68, 90, 95)
    for axis, prefix, title in zip(axes, ("coverage", "depth_coverage"), ("epicentre", "depth"), strict=True):
        axis.plot([60, 100], [60, 100], color="0.7", linewidth=1.0)
        for row in rows:
            if f"{prefix}_68" in row:
                shares = [100.0 * row[f"{prefix}_{level}"] for level in levels]
                axis.plot(levels, shares, "o-", label=f"{row['case']}, {row['method']}")
        axis.set(title=title, xlabel="should lie inside, %", xlim=(60, 100), ylim=(50, 100))
    axes[0].set_ylabel("lie inside, %")
    axes[1].legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS), help="kinds of station terms")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4], help="of the twins and of the halves")
    parser.add_argument("--map", type=Path, metavar="FILE", help="draw Calaveras before and after relocation")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the calibration")
    arguments = parser.parse_args()
    root = real_data(parser, "location and ogs_2024_h1")
    rows = [
        {key: round(float(value), 3) if isinstance(value, float) else value for key, value in row.items()}
        for name in arguments.cases
        for row in MEASURES[name](root, arguments)
    ]
    if arguments.plot:
        plot(rows, arguments.plot)
    if arguments.json:
        print(json.dumps({"benchmark": "location", "seeds": arguments.seeds, "results": rows}))
    else:
        print(pd.DataFrame(rows).to_string(index=False))


if __name__ == "__main__":
    main()
