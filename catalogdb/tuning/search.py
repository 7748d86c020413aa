"""Search an associator's settings against a reference catalog on one period, and report them on another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from catalogdb.association.config import AssociateConfig
from catalogdb.documents.free import Json, Row
from catalogdb.dotted_keys import with_keys
from catalogdb.errors import InputError
from catalogdb.evaluation.gates import Gates
from catalogdb.tuning.compare import Task, compare, through_windows

# Settings that matter most, and where to look for them; others may be named instead.
SPACES: dict[str, dict[str, Sequence[Any]]] = {
    "gamma": {
        "gamma.dbscan_eps": (5.0, 20.0),
        "gamma.oversample_factor": [3, 5, 8],
        "gamma.max_sigma11": (0.8, 3.0),
        "min_picks": [4, 5, 6, 7, 8],
        "min_p": [2, 3],
        "min_s": [0, 1, 2],
    },
    "pyocto": {
        "pyocto.tolerance": (0.8, 3.0),
        "pyocto.pick_match_tolerance": (0.8, 2.5),
        "pyocto.min_pick_fraction": (0.1, 0.5),
        "min_picks": [4, 5, 6, 7, 8],
        "min_p": [2, 3],
        "min_s": [0, 1, 2],
    },
    "scan": {
        "scan.node_spacing_km": (5.0, 12.0),
        "scan.tolerance": (0.8, 2.5),
        "max_residual": (1.0, 2.5),
        "max_chance_per_day": (-6.0, 0.0, "log"),
        "min_picks": [4, 5, 6],
        "min_s": [0, 1, 2],
    },
}


def tune(
    task: Task,
    base: AssociateConfig,
    train: tuple[float, float],
    test: tuple[float, float],
    space: Mapping[str, Sequence[Any]] | None = None,
    trials: int = 30,
    seed: int = 0,
    min_precision: float = 0.0,
    gates: Gates | None = None,
    workers: int = 1,
    progress: Callable[[Json], None] | None = None,
) -> Json:
    """Random search: the base settings first, then `trials` draws, each judged on the training period by F1.

    Args:
        task: picks, stations and reference of both periods.
        base: settings that the draws change.
        train, test: start and end (epoch seconds UTC); they must not overlap.
        space: for each dotted key of the settings a list of values, `(low, high)` drawn evenly, or
            `(low, high, "log")`: exponents of ten. Left out: `SPACES` of the associator.
        trials: draws; seed: of their generator.
        min_precision: settings below it on the training period lose to all that reach it.
        gates: of the matching.
        workers: trials side by side.
        progress: called with each trial.

    Returns:
        `trials` (best first: `settings`, `train`), `best` (settings), and `test`: scores of `base` and `best`.

    Raises:
        InputError: for overlapping periods, a period without reference events, or a space that names no setting.
    """
    if train[0] >= train[1] or test[0] >= test[1] or max(train[0], test[0]) < min(train[1], test[1]):
        raise InputError(f"tuning needs two periods that don't overlap, not {train} and {test}")
    parts = [task.during(*period, base.overlap_seconds) for period in (train, test)]
    for part, name in zip(parts, ("training", "test"), strict=True):
        if not part.reference:
            raise InputError(f"the {name} period holds no reference event", hint="Name a longer one.")
    space = SPACES[base.associator] if space is None else space
    random = np.random.default_rng(seed)
    drawn: list[Json] = [{}]
    drawn += [{key: _draw(random, key, values) for key, values in space.items()} for _ in range(trials)]
    # Before the first runs: settings that don't fit
    methods = {str(number): (through_windows, changed(base, settings)) for number, settings in enumerate(drawn)}

    def trial(row: Row) -> Json:
        number = int(row["method"])
        return {"settings": drawn[number], "train": {key: value for key, value in row.items() if key != "method"}}

    report = None if progress is None else lambda row: progress(trial(row))
    done = [trial(row) for row in compare(parts[0], methods, gates, workers, report)]
    ranked = sorted(done, key=lambda trial: (_reaches(trial, min_precision), trial["train"]["f1"]), reverse=True)
    best = ranked[0]["settings"]
    finals = {"base": (through_windows, base), "best": (through_windows, changed(base, best))}
    reports = {row.pop("method"): row for row in compare(parts[1], finals, gates, workers)}
    return {"trials": ranked, "best": best, "test": reports}


def changed(base: AssociateConfig, settings: Mapping[str, Any]) -> AssociateConfig:
    """Give the settings with some dotted keys changed.

    Raises:
        InputError: naming a key that is no setting, or a value that doesn't fit.
    """
    return with_keys(base, settings, "associate")


def _reaches(trial: Mapping[str, Any], min_precision: float) -> bool:
    return (trial["train"]["precision"] or 0.0) >= min_precision


def _draw(random: np.random.Generator, key: str, values: Sequence[Any]) -> Any:
    if isinstance(values, list):
        return values[int(random.integers(len(values)))]
    if len(values) == 2 or (len(values) == 3 and values[2] == "log"):
        drawn = float(random.uniform(values[0], values[1]))
        return float(f"{10.0**drawn:.3g}") if len(values) == 3 else round(drawn, 3)
    raise InputError(f'tuning space of {key}: give a list of values, (low, high), or (low, high, "log")')
