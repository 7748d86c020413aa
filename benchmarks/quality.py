"""Is the quality score of a pick the probability that it is right? Reliability on held-out data, and the fit behind it.

    python -m benchmarks.quality [--cache DIR] [--png FILE] [--json]   # judge the score that is in the code
    python -m benchmarks.quality --fit [--cache DIR]                   # print coefficients for the code
    python -m benchmarks.quality --ablation [--cache DIR]              # what each feature is worth, refitted without it

Truth is known on synthetic records: a pick is true when it is the nearest one to an onset of its phase, however weak,
within 0.5 s, one to one. On recorded data (with `CATALOGDB_REALDATA`) a pick is *confirmed* when another network of
other training data picked the phase within 0.5 s, or, at two stations of Ridgecrest, a catalog made with a dense
network predicts an arrival within 0.75 s. Picks are those of threshold 0.1. The score is fitted on two synthetic
records and two stations of Ridgecrest, and judged on two other records, the two other stations, and Hengill.
docs/explanation/pick-quality.md has the results and what they mean.

With nothing in the cache this takes half an hour. Needs the weights `original` of both networks and `pnw` of
EQTransformer in SeisBench's cache; pickers whose weights aren't there are left out.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._scored_picks import (
    NEAR_CATALOG,
    NETWORKS,
    PICKERS,
    SYNTHETIC,
    WITNESSES,
    Record,
    ScoredPicks,
    confirmed_picks,
    joined,
    recorded,
    ridgecrest_arrivals,
    scored,
    stored,
    synthetic_record,
    true_picks,
)
from catalogdb.picking.peak_table import PHASES
from catalogdb.picking.quality import FEATURES, quality_score

FITTED_ON = {
    "network": {
        "synthetic": ("phasenet:original", "phasenet:demo", "eqtransformer:original"),
        "recorded": ("phasenet:original", "eqtransformer:original"),
    },
    "stalta": {"synthetic": ("stalta:",), "recorded": ("stalta:",)},
}
RISING, FALLING, FREE, NONE = (0.0, None), (None, 0.0), (None, None), (0.0, 0.0)
SURELY_RISING = (0.1, None)
BOUNDS = {
    "network": (SURELY_RISING, SURELY_RISING, FALLING, FALLING, FALLING, RISING, FALLING),
    # STA/LTA: its width is that of an onset, not of a peak; its competing ratio is high at good picks, too.
    "stalta": (SURELY_RISING, SURELY_RISING, FALLING, FREE, NONE, RISING, FALLING),
}
"""Of the slopes, in the order of `FEATURES`."""
ABLATIONS = {
    "all features": (),
    "probability alone": FEATURES[1:],
    "without snr": ("snr",),
    "without width": ("wide", "narrow"),
    "without competing": ("competing",),
    "without partner": ("partner",),
    "without rival": ("rival",),
    "without all three": ("competing", "partner", "rival"),
}
"""Features that a fit goes without."""
PENALTY = 1e-3
BINS = 10
LEAST_PICKS_DRAWN = 10
SCORES = ("probability", "former", "quality")
LABELS = {"probability": "plain probability", "former": "score before calibration", "quality": "quality"}


class Data:
    """The picks of all pickers on all records, with their truth.

    Args:
        cache: folder that picks are kept in; None for none.
    """

    def __init__(self, cache: Path | None):
        self.cache = cache
        self.pickers = [picker for picker in PICKERS if _has_weights(picker)]
        self.real = bool(os.environ.get("CATALOGDB_REALDATA"))
        names = ("ridgecrest_2019", "hengill_2018") if self.real else ()
        self.recorded = {name: {picker: self._recorded(name, picker) for picker in self.pickers} for name in names}
        reference = self.recorded.get("ridgecrest_2019", {}).get("phasenet:original")
        self.arrivals = ridgecrest_arrivals(reference) if reference else {}

    def synthetic(self, part: str, picker: str, phase: str) -> ScoredPicks:
        """Of the records of a part (`fit`, `held out`)."""
        records = [self._synthetic(seed, earthquakes, picker) for seed, earthquakes in SYNTHETIC[part]]
        return joined(scored(found, phase, true_picks(found, phase)) for record in records for found in record.values())

    def confirmed(self, name: str, picker: str, phase: str, near_catalog: bool | None = None) -> ScoredPicks:
        """Of recorded data; `near_catalog` asks for the stations near the catalog's network, or for the others."""
        parts = []
        for group, found in self.recorded[name][picker].items():
            if near_catalog is not None and (group.split(".")[1] in NEAR_CATALOG) != near_catalog:
                continue
            witnesses = [self.recorded[name][w][group] for w in WITNESSES[picker] if w in self.pickers]
            arrivals = self.arrivals.get((group, phase), np.empty(0, dtype=np.int64))
            parts.append(scored(found, phase, confirmed_picks(found, phase, witnesses, arrivals)))
        return joined(parts)

    def held_out(self, picker: str, phase: str) -> Iterator[tuple[str, ScoredPicks]]:
        """Picks that nothing was fitted on, by the records they are from."""
        yield "synthetic", self.synthetic("held out", picker, phase)
        if self.real:
            yield "ridgecrest", self.confirmed("ridgecrest_2019", picker, phase, near_catalog=False)
            yield "hengill", self.confirmed("hengill_2018", picker, phase)

    def _recorded(self, name: str, picker: str) -> Record:
        return stored(self.cache, f"{name}_{picker}", lambda: recorded(name, picker))

    def _synthetic(self, seed: int, earthquakes: int, picker: str) -> Record:
        def make() -> Record:
            with tempfile.TemporaryDirectory() as folder:
                return synthetic_record(Path(folder), seed, earthquakes, picker)

        return stored(self.cache, f"synthetic_{seed}_{earthquakes}_{picker}", make)


def fit(data: Data, kind: str, phase: str, without: tuple[str, ...] = ()) -> np.ndarray:
    """Constant and slopes of one kind of picker (`network`, `stalta`) and phase, slopes of features left out zero.

    Logistic regression with bounds on the slopes' signs. Synthetic and recorded data weigh the same, and within each
    the pickers do, however many picks they have.
    """
    from scipy.optimize import minimize

    on = FITTED_ON[kind]
    sides = [
        [data.synthetic("fit", picker, phase) for picker in on["synthetic"]],
        [data.confirmed("ridgecrest_2019", picker, phase, near_catalog=True) for picker in on["recorded"]],
    ]
    picks = joined(part for side in sides for part in side)
    weight = np.concatenate(
        [np.full(part.true.size, 0.5 / len(side) / part.true.size) for side in sides for part in side]
    )
    columns = np.column_stack([np.ones(picks.true.size), picks.features])
    sign = np.where(picks.true, -1.0, 1.0)

    def loss(slopes: np.ndarray) -> tuple[float, np.ndarray]:
        margin = sign * (columns @ slopes)
        shrunk = np.append(0.0, slopes[1:])
        value = (weight * np.logaddexp(0, margin)).sum() + PENALTY * (shrunk**2).sum()
        return value, columns.T @ (weight * sign / (1 + np.exp(-margin))) + 2 * PENALTY * shrunk

    bounds = [FREE, *(NONE if name in without else bound for name, bound in zip(FEATURES, BOUNDS[kind], strict=True))]
    found = minimize(loss, np.zeros(columns.shape[1]), jac=True, bounds=bounds, method="L-BFGS-B")
    return np.round(found.x, 2)


def judged(score: np.ndarray, true: np.ndarray, weight: np.ndarray | None = None) -> dict[str, float | None]:
    """Brier score, expected calibration error (`BINS` equal bins), area under the ROC curve (None where undefined)."""
    weight = np.ones(true.size) if weight is None else weight
    weight = weight / weight.sum()
    table = reliability(score, true, weight)
    return {
        "brier": round(float((weight * (score - true) ** 2).sum()), 4),
        "ece": round(sum(row["weight"] * abs(row["mean_score"] - row["true_share"]) for row in table), 4),
        "auc": _auc(score, true, weight),
    }


def reliability(score: np.ndarray, true: np.ndarray, weight: np.ndarray) -> list[dict[str, float]]:
    """For each bin of the score that holds picks: its lower border, picks, their weight, mean score, share of true."""
    number = np.minimum((score * BINS).astype(int), BINS - 1)
    table = []
    for i in np.unique(number).tolist():
        inside = number == i
        means = (float(np.average(values[inside], weights=weight[inside])) for values in (score, true))
        mean_score, true_share = (round(mean, 4) for mean in means)
        row = {"from": i / BINS, "picks": int(inside.sum()), "weight": round(float(weight[inside].sum()), 5)}
        table.append(row | {"mean_score": mean_score, "true_share": true_share})
    return table


def _auc(score: np.ndarray, true: np.ndarray, weight: np.ndarray) -> float | None:
    """Chance that a right pick's score is above a wrong one's, ties counting half."""
    if true.all() or not true.any():
        return None
    values, place = np.unique(score, return_inverse=True)
    right, wrong = (np.bincount(place, weight * kind, values.size) for kind in (true, ~true))
    below = np.cumsum(wrong) - wrong
    return round(float((right * (below + wrong / 2)).sum() / (right.sum() * wrong.sum())), 4)


def assess(data: Data) -> list[dict[str, Any]]:
    """One row per picker, phase and held-out record: plain probability, the former score and the score in the code.

    The last rows, of picker `all`, hold the picks of all pickers, each row before weighing the same.
    """
    rows, by_record = [], defaultdict(list)
    for picker in data.pickers:
        for phase in PHASES:
            for record, picks in data.held_out(picker, phase):
                quality = quality_score(picker.split(":")[0], phase, picks.features)
                scores = {"probability": picks.probability, "former": picks.before, "quality": quality}
                rows.append(_row(picker.rstrip(":"), phase, record, picks.true, scores, np.ones(picks.true.size)))
                for key in ((phase, record), ("P, S", record), ("P, S", "all")):
                    by_record[key].append((picks.true, scores))
    for (phase, record), parts in by_record.items():
        true = np.concatenate([part for part, _ in parts])
        weight = np.concatenate([np.full(part.size, 1 / part.size) for part, _ in parts])
        scores = {name: np.concatenate([given[name] for _, given in parts]) for name in SCORES}
        rows.append(_row("all", phase, record, true, scores, weight))
    return rows


def _row(
    picker: str, phase: str, record: str, true: np.ndarray, scores: dict[str, np.ndarray], weight: np.ndarray
) -> dict[str, Any]:
    about = {"picker": picker, "phase": phase, "record": record, "picks": int(true.size)}
    share = round(float(np.average(true, weights=weight)), 4)
    figures = {name: judged(score, true, weight) for name, score in scores.items()}
    tables = {name: reliability(score, true, weight / weight.sum()) for name, score in scores.items()}
    return about | {"true_share": share} | figures | {"reliability": tables}


def ablation(data: Data) -> list[dict[str, Any]]:
    """What the score comes to on held-out data, mean over pickers and records, when fitted without some features."""
    rows = []
    for kind in FITTED_ON:
        pickers = [picker for picker in data.pickers if (picker == "stalta:") == (kind == "stalta")]
        for phase in PHASES:
            parts = [picks for picker in pickers for _, picks in data.held_out(picker, phase)]
            for name, without in ABLATIONS.items():
                constant, *slopes = fit(data, kind, phase, without)
                found = [judged(1 / (1 + np.exp(-(constant + p.features @ np.array(slopes)))), p.true) for p in parts]
                mean = {key: [row[key] for row in found if row[key] is not None] for key in ("brier", "ece", "auc")}
                figures = {key: round(float(np.mean(values)), 4) for key, values in mean.items()}
                rows.append({"kind": kind, "phase": phase, "features": name} | figures)
    return rows


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """Reliability diagrams: a column per record, a row per phase, a line per picker; below, all pickers together."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    single = [row for row in rows if row["picker"] != "all"]
    records = list(dict.fromkeys(row["record"] for row in single))
    pickers = list(dict.fromkeys(row["picker"] for row in single))
    size = (4 * len(records), 12)
    figure, axes = plt.subplots(3, len(records), figsize=size, squeeze=False, layout="constrained")
    for row in single:
        axis = axes[PHASES.index(row["phase"])][records.index(row["record"])]
        _line(axis, row, "quality", "o-", f"C{pickers.index(row['picker'])}", row["picker"])
    for row in rows:
        if row["picker"] == "all" and row["phase"] == "P, S" and row["record"] in records:
            for name, style, colour in (("probability", "s:", "0.5"), ("former", "^--", "C7"), ("quality", "o-", "k")):
                _line(axes[2][records.index(row["record"])], row, name, style, colour, LABELS[name])
    for phase, line in zip((*PHASES, "P and S of all pickers"), axes, strict=True):
        for record, axis in zip(records, line, strict=True):
            axis.plot([0, 1], [0, 1], color="0.8", linewidth=1, zorder=0)
            share = "true" if record == "synthetic" else "confirmed"
            axis.set(xlim=(0, 1), ylim=(-0.02, 1.02), aspect="equal", title=f"{phase}, {record}")
            axis.set(xlabel="mean score", ylabel=f"share of {share} picks")
    axes[0][-1].legend(fontsize=8, loc="upper left")
    axes[2][0].legend(fontsize=8, loc="lower right")
    figure.savefig(path, dpi=72)
    plt.close(figure)


def _line(axis: Any, row: dict[str, Any], name: str, style: str, colour: str, label: str) -> None:
    table = [line for line in row["reliability"][name] if line["picks"] >= LEAST_PICKS_DRAWN]
    x, y = ([line[key] for line in table] for key in ("mean_score", "true_share"))
    axis.plot(x, y, style, color=colour, label=label, markersize=4)


def _has_weights(picker: str) -> bool:
    from catalogdb.errors import InputError
    from catalogdb.picking.config import PickConfig
    from catalogdb.picking.picker import load_picker

    name, weights = picker.split(":")
    try:
        load_picker(PickConfig(picker=name, weights=weights or "original"))
    except InputError:
        return False
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, help="folder to keep picks in between calls")
    parser.add_argument("--fit", action="store_true", help="print coefficients instead")
    parser.add_argument("--ablation", action="store_true", help="print what each feature is worth instead")
    parser.add_argument("--png", type=Path, help="write reliability diagrams to this file")
    parser.add_argument("--json", action="store_true", help="print JSON only")
    arguments = parser.parse_args()
    data = Data(arguments.cache)
    if (arguments.fit or arguments.ablation) and not (data.real and set(NETWORKS[:3]) <= set(data.pickers)):
        parser.error("the fit needs CATALOGDB_REALDATA, and the weights `original` of both networks")
    if arguments.fit:
        fitted = {f"{kind} {phase}": fit(data, kind, phase).tolist() for kind in FITTED_ON for phase in PHASES}
        print(json.dumps({"features": ["constant", *FEATURES], **fitted}, indent=None if arguments.json else 1))
        return
    if arguments.ablation:
        found = ablation(data)
        for row in [] if arguments.json else found:
            print(f"{row['kind']:8s}{row['phase']}  {row['features']:18s}" + _shown(row))
        if arguments.json:
            print(json.dumps(found))
        return
    rows = assess(data)
    if arguments.png:
        draw(rows, arguments.png)
    if arguments.json:
        print(json.dumps(rows))
        return
    print("Brier score, expected calibration error, area under the ROC curve")
    print(f"{'':45s}picks   true   {'probability':22s}{'former score':22s}quality")
    for row in rows:
        title = f"{row['picker']:24s}{row['phase']:5s} {row['record']}"
        figures = "".join(f"{_shown(row[name]):22s}" for name in SCORES)
        print(f"{title:45s}{row['picks']:5d}  {row['true_share']:5.3f}   {figures}")


def _shown(row: dict[str, Any]) -> str:
    return "  ".join("  -  " if row[key] is None else f"{row[key]:.3f}" for key in ("brier", "ece", "auc"))


if __name__ == "__main__":
    main()
