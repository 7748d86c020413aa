"""Does a pick's uncertainty hold as many errors as it says? Coverage on stations held out, and the fit behind it.

    python -m benchmarks.uncertainty [--cache DIR] [--plot FILE] [--json]     # judge
    python -m benchmarks.uncertainty --fit DIR [--cache DIR]                  # write the packaged calibrations to DIR
    python -m benchmarks.uncertainty --fit DIR --picker phasenet:/data/mine.pt.v1 --labelled TRACES   # one of your own

Errors are pick minus manual onset of labelled traces (with `CATALOGDB_REALDATA`: `labelled/ncedc_phasenet`), or minus
the true arrival of synthetic records, of picks from threshold 0.1 on that lie within 0.5 s. Rows:

- `own`: the calibration of the weights, fitted on nine tenths of the stations and judged on the rest, in turn;
- `other network`: that for any network, fitted on the other networks' picks, judged on this one's stations held out;
- `packaged`: that which the package holds, on records that it wasn't fitted on;
- `width`: the width of the probability's peak, which `uncertainty` was before.

`coverage_68` is the share of errors within one uncertainty of the bias, which should be 0.68; `coverage_95` that
within the calibration's own factor for 95 %; `covered_uncorrected` that within one uncertainty of the pick itself;
`spearman` the rank correlation of uncertainty and error. docs/explanation/pick-quality.md says what it means.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._labelled_picks import LabelledPicks, labelled_record, right_picks, together
from benchmarks._scored_picks import SYNTHETIC, stored, synthetic_record
from catalogdb.picking.peak_table import PHASES
from catalogdb.picking.time_error import (
    ANY_NETWORK,
    CENTRAL_SHARE,
    UNCALIBRATED,
    ErrorModel,
    TimeCalibration,
    fit_errors,
    time_features,
    weighted_median,
)

REAL, MADE = "labelled", "synthetic"
FITTED_ON = {
    "phasenet:original": REAL,
    "eqtransformer:original": REAL,
    "eqtransformer:pnw": REAL,
    "stalta:": REAL,
    "phasenet:demo": MADE,
}
"""What the packaged calibration of a picker comes from: the demo's weights know synthetic seismograms only."""
NETWORKS = ("phasenet:original", "eqtransformer:original", "eqtransformer:pnw", "phasenet:demo")
"""Whose picks of labelled traces the calibration for any network comes from, each weighing the same."""
FOLDS = 10
OUTER = 0.95
SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, CENTRAL_SHARE, 0.8, 0.9, 0.95)


@dataclass
class Judged:
    """Picks with what is said of their errors; arrays (picks,).

    Attributes:
        error: pick minus onset (s).
        bias: what is said of it (s).
        uncertainty: what is said of it (s).
        freedom: degrees of freedom of its t distribution.
        weight: share of each pick.
    """

    error: np.ndarray
    bias: np.ndarray
    uncertainty: np.ndarray
    freedom: np.ndarray
    weight: np.ndarray

    def coverage(self, share: float) -> float:
        """Share of the errors inside of the interval about the bias that should hold `share`."""
        from scipy.stats import t

        outer, inner = (t.ppf((1 + part) / 2, self.freedom) for part in (share, CENTRAL_SHARE))
        inside = np.abs(self.error - self.bias) <= self.uncertainty * outer / inner
        return float(np.average(inside, weights=self.weight))


class Data:
    """Picks of pickers on labelled traces and synthetic records.

    Args:
        labelled: folder of labelled traces; None for none.
        cache: folder that picks are kept in; None for none.
    """

    def __init__(self, labelled: Path | None, cache: Path | None):
        self.labelled = labelled
        self.cache = cache

    def real(self, picker: str, phase: str) -> LabelledPicks:
        """On the labelled traces."""
        assert self.labelled is not None
        name = f"{self.labelled.name}_{Path(picker).name}"
        folder = self.labelled
        return right_picks(stored(self.cache, name, lambda: labelled_record(folder, picker)), phase)

    def made(self, picker: str, phase: str, part: str) -> LabelledPicks:
        """On the synthetic records of a part (`fit`, `held out`), numbered through."""
        found = []
        for number, (seed, earthquakes) in enumerate(SYNTHETIC[part]):
            picks = right_picks(self._synthetic(seed, earthquakes, picker), phase)
            picks.trace = picks.trace + number * 100_000_000
            found.append(picks)
        return together(found)

    def fitted_on(self, picker: str, phase: str) -> LabelledPicks:
        """What a picker's calibration comes from."""
        made = FITTED_ON.get(picker, REAL) == MADE
        return self.made(picker, phase, "fit") if made else self.real(picker, phase)

    def _synthetic(self, seed: int, earthquakes: int, picker: str):
        def make():
            with tempfile.TemporaryDirectory() as folder:
                return synthetic_record(Path(folder), seed, earthquakes, picker)

        return stored(self.cache, f"synthetic_{seed}_{earthquakes}_{picker}", make)


def fitted(picks: LabelledPicks, with_bias: bool = True, weight: np.ndarray | None = None) -> ErrorModel:
    """The model of the errors of some picks."""
    weight = picks.weight if weight is None else weight
    return fit_errors(picks.error, time_features(picks.probability, picks.snr, picks.width), weight, with_bias)


def fitted_for_any(parts: list[LabelledPicks]) -> ErrorModel:
    """The model for weights that nothing is known of, from the picks of several networks, each weighing the same."""
    weight = np.concatenate([part.weight / part.weight.sum() for part in parts])
    return fitted(together(parts), False, weight)


def said(model: ErrorModel, picks: LabelledPicks) -> Judged:
    """What a model says of picks."""
    same = np.ones(picks.error.size)
    uncertainty = model.uncertainty(picks.probability, picks.snr, picks.width)
    bias, freedom = model.bias_seconds * same, model.degrees_of_freedom * same
    return Judged(picks.error, bias, uncertainty, freedom, picks.weight)


def folds(stations: np.ndarray, seed: int = 0) -> np.ndarray:
    """A number in 0..`FOLDS` - 1 for each pick, the same for all of a station."""
    distinct, place = np.unique(stations, return_inverse=True)
    return (np.random.default_rng(seed).permutation(distinct.size) % FOLDS)[place]


def held_out(picks: LabelledPicks, model_for: Any) -> Judged:
    """What is said of picks of stations that had no part in the fit.

    Args:
        model_for: stations in the fit (array of names) -> model.
    """
    fold = folds(picks.station)
    output = said(fitted(picks), picks)
    for number in np.unique(fold):
        out = fold == number
        part = said(model_for(np.unique(picks.station[~out])), picks.those(out))
        output.bias[out], output.uncertainty[out], output.freedom[out] = part.bias, part.uncertainty, part.freedom
    return output


def figures(judged: Judged) -> dict[str, float | int]:
    """How well what is said holds."""
    from scipy.stats import spearmanr

    left = judged.error - judged.bias
    middle = weighted_median(judged.error, judged.weight)
    spread = np.abs(judged.error - middle)
    inside = np.abs(judged.error) <= judged.uncertainty
    return {
        "onsets": round(float(judged.weight.sum())),
        "coverage_68": round(judged.coverage(CENTRAL_SHARE), 3),
        "coverage_95": round(judged.coverage(OUTER), 3),
        "covered_uncorrected": round(float(np.average(inside, weights=judged.weight)), 3),
        "bias_ms": round(middle * 1000, 1),
        "bias_left_ms": round(weighted_median(left, judged.weight) * 1000, 1),
        "robust_spread_ms": round(weighted_median(spread, judged.weight) * 1482.6, 1),
        "uncertainty_ms": round(float(np.median(judged.uncertainty)) * 1000, 1),
        "spearman": round(float(spearmanr(judged.uncertainty, np.abs(left)).statistic), 2),
    }


def assess(data: Data, packaged: dict[str, TimeCalibration]) -> Iterator[tuple[dict[str, Any], Judged]]:
    """Rows of figures, each with what they are of."""
    for picker in FITTED_ON if data.labelled else ("phasenet:demo",):
        for phase in PHASES:
            yield from _of_picker(data, packaged, picker, phase)


def _of_picker(
    data: Data, packaged: dict[str, TimeCalibration], picker: str, phase: str
) -> Iterator[tuple[dict[str, Any], Judged]]:
    def row(kind: str, on: str, judged: Judged) -> tuple[dict[str, Any], Judged]:
        about = {"picker": picker.rstrip(":"), "phase": phase, "data": on, "calibration": kind}
        return about | figures(judged), judged

    calibration = packaged.get(name_of(picker))
    if data.labelled:
        picks = data.real(picker, phase)
        yield row("width", REAL, said(UNCALIBRATED.of(phase), picks))
        if FITTED_ON[picker] == REAL:
            yield row("own", REAL, held_out(picks, lambda inside: fitted(_at(picks, inside))))
        elif calibration:
            yield row("packaged", REAL, said(calibration.of(phase), picks))
        if picker in NETWORKS:
            others = [data.real(other, phase) for other in NETWORKS if other != picker]
            model_for = lambda inside: fitted_for_any([_at(other, inside) for other in others])  # noqa: E731
            yield row("other network", REAL, held_out(picks, model_for))
    if FITTED_ON[picker] == MADE or picker == "phasenet:original":
        picks = data.made(picker, phase, "held out")
        yield row("width", MADE, said(UNCALIBRATED.of(phase), picks))
        if calibration:
            yield row("packaged", MADE, said(calibration.of(phase), picks))


def _at(picks: LabelledPicks, stations: np.ndarray) -> LabelledPicks:
    return picks.those(np.isin(picks.station, stations))


def name_of(picker: str) -> str:
    """Name of a picker's calibration: ``phasenet-original``, ``stalta``."""
    kind, _, weights = picker.partition(":")
    return f"{kind}-{Path(weights).name.split('.')[0]}" if weights else kind


def calibration_of(picker: str, data: Data) -> TimeCalibration:
    """The calibration of a picker, or with `ANY_NETWORK` that for weights without one, from all there is."""
    models = {}
    for phase in PHASES:
        if picker == ANY_NETWORK:
            models[phase] = fitted_for_any([data.real(network, phase) for network in NETWORKS])
        else:
            models[phase] = fitted(data.fitted_on(picker, phase))
    made = FITTED_ON.get(picker, REAL) == MADE
    source = "synthetic records of seeds 101 and 102" if made or not data.labelled else data.labelled.name
    of_weights = {} if picker in (ANY_NETWORK, "stalta:") else _weights(picker)
    return TimeCalibration(name=name_of(picker), estimated_from=source, **of_weights, **models)


def _weights(picker: str) -> dict[str, Any]:
    from catalogdb.identity import file_sha256
    from catalogdb.picking.weights import resolve

    files = resolve(*picker.split(":", 1))
    return {"weights_sha256": file_sha256(files.pt), "window_samples": files.window_samples()}


def write_calibrations(folder: Path, pickers: list[str], data: Data) -> list[Path]:
    """Fit the calibrations of pickers and write a file for each."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for picker in pickers:
        calibration = calibration_of(picker, data)
        paths.append(folder / f"{calibration.name}.json")
        paths[-1].write_text(json.dumps(calibration.model_dump(mode="json"), indent=2) + "\n", encoding="utf-8")
    return paths


def draw(found: list[tuple[dict[str, Any], Judged]], path: Path) -> None:
    """Reliability diagrams: share of errors that should be, against share that is, inside; before and after."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 2, figsize=(8, 8), layout="constrained", squeeze=False)
    pickers = list(dict.fromkeys(row["picker"] for row, _ in found))
    for row, judged in found:
        after = (row["data"] == REAL and row["calibration"] == "own") or row["calibration"] == "packaged"
        if (not after and row["calibration"] != "width") or (row["data"] == MADE) != (row["picker"] == "phasenet:demo"):
            continue
        axis = axes[PHASES.index(row["phase"])][int(after)]
        shares = [judged.coverage(share) for share in SHARES]
        axis.plot(SHARES, shares, "o-", color=f"C{pickers.index(row['picker'])}", label=row["picker"], markersize=4)
    for phase, line in zip(PHASES, axes, strict=True):
        for title, axis in zip(("before: width of the peak", "after: calibrated, held out"), line, strict=True):
            axis.plot([0, 1], [0, 1], color="0.8", linewidth=1, zorder=0)
            axis.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", title=f"{phase}, {title}")
            axis.set(xlabel="share of errors that should be inside", ylabel="share that is inside")
    axes[0][0].legend(fontsize=8, loc="lower right")
    figure.savefig(path, dpi=72)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, help="folder to keep picks in between calls")
    parser.add_argument("--fit", type=Path, metavar="DIR", help="write calibrations there instead")
    parser.add_argument("--picker", action="append", help="whose to fit, such as phasenet:PATH; default the packaged")
    parser.add_argument("--labelled", type=Path, help="folder of labelled traces, default that of CATALOGDB_REALDATA")
    parser.add_argument("--plot", type=Path, help="draw reliability diagrams")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    root = os.environ.get("CATALOGDB_REALDATA")
    data = Data(arguments.labelled or (Path(root) / "labelled" / "ncedc_phasenet" if root else None), arguments.cache)
    if arguments.fit:
        if data.labelled is None:
            parser.error("needs labelled traces: --labelled, or set CATALOGDB_REALDATA")
        for path in write_calibrations(arguments.fit, arguments.picker or [*FITTED_ON, ANY_NETWORK], data):
            print(path)
        return
    from catalogdb.picking.time_error import packaged

    found = list(assess(data, packaged()))
    if arguments.plot:
        draw(found, arguments.plot)
    rows = [row for row, _ in found]
    if arguments.json:
        print(json.dumps(rows))
        return
    names = list(rows[0])
    print("".join(f"{name:24s}" if name == "picker" else f"{name:>15s} " for name in names))
    for row in rows:
        print("".join(f"{row[name]:24s}" if name == "picker" else f"{row[name]!s:>15s} " for name in names))


if __name__ == "__main__":
    main()
