"""Search an associator's settings against a reference catalog on one period, and report them on another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import ValidationError

from catalogdb.association.config import AssociateConfig
from catalogdb.errors import InputError
from catalogdb.evaluation.gates import Gates
from catalogdb.tuning.compare import Task, score, through_windows

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
    progress: Callable[[dict[str, Any]], None] | None = None,
) -> dict[str, Any]:
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
    done = []
    for number in range(trials + 1):
        settings = {} if number == 0 else {key: _draw(random, key, values) for key, values in space.items()}
        config = changed(base, settings)
        trial = {"settings": settings, "train": score(through_windows(parts[0], config), parts[0].reference, gates)}
        trial["train"]["f1"] = f1(trial["train"])
        done.append(trial)
        if progress is not None:
            progress(trial)
    ranked = sorted(done, key=lambda trial: (_reaches(trial, min_precision), trial["train"]["f1"]), reverse=True)
    best = ranked[0]["settings"]
    reports = {}
    for name, settings in (("base", {}), ("best", best)):
        reports[name] = score(through_windows(parts[1], changed(base, settings)), parts[1].reference, gates)
        reports[name]["f1"] = f1(reports[name])
    return {"trials": ranked, "best": best, "test": reports}


def changed(base: AssociateConfig, settings: Mapping[str, Any]) -> AssociateConfig:
    """Give the settings with some dotted keys changed.

    Raises:
        InputError: naming a key that is no setting, or a value that doesn't fit.
    """
    document = base.model_dump()
    for key, value in settings.items():
        *path, name = key.split(".")
        block: Any = document
        for part in path:
            block = block.get(part) if isinstance(block, dict) else None
        if not isinstance(block, dict) or name not in block:
            raise InputError(f"associate.{key} is not a setting", hint="docs/reference/cli.md lists them.")
        block[name] = value
    try:
        return AssociateConfig.model_validate(document)
    except ValidationError as error:
        raise InputError(f"associate settings {dict(settings)} don't fit: {error.errors()[0]['msg']}") from error


def f1(scores: Mapping[str, Any]) -> float:
    """Harmonic mean of recall and precision; 0 where nothing matches."""
    recall, precision = scores["recall"] or 0.0, scores["precision"] or 0.0
    return 2.0 * recall * precision / (recall + precision) if recall + precision else 0.0


def _reaches(trial: Mapping[str, Any], min_precision: float) -> bool:
    return (trial["train"]["precision"] or 0.0) >= min_precision


def _draw(random: np.random.Generator, key: str, values: Sequence[Any]) -> Any:
    if isinstance(values, list):
        return values[int(random.integers(len(values)))]
    if len(values) == 2 or (len(values) == 3 and values[2] == "log"):
        drawn = float(random.uniform(values[0], values[1]))
        return float(f"{10.0**drawn:.3g}") if len(values) == 3 else round(drawn, 3)
    raise InputError(f'tuning space of {key}: give a list of values, (low, high), or (low, high, "log")')
