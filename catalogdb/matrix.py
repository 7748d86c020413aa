"""A job's matrix -> its cells: the jobs to run, and what they share."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from catalogdb.documents.free import Json
from catalogdb.errors import InputError
from catalogdb.identity import content_id
from catalogdb.jobs import PICKING_ALONE, Job, JobFile, blocks, with_keys

THRESHOLDS = ("pick.p_threshold", "pick.s_threshold", "pick.station_thresholds")
"""What can be changed after the network has run."""
SHORT = {"p_threshold": "p", "s_threshold": "s"}
LONGEST_NAME = 100
HASH_DIGITS = 6


@dataclass(frozen=True)
class Choice:
    """One value of one axis: the keys that it sets, and its part of the names."""

    label: str
    values: Json


@dataclass(frozen=True)
class Cell:
    """One job of a matrix.

    Args:
        values: keys of the job that the cell sets, for people.
        job: the whole job; alone it makes the same catalog.
        source: the job whose peaks its picks are chosen from; none: it runs the network itself, or makes no picks.
    """

    values: Json
    job: Job
    source: Job | None


def cells(job_file: JobFile, now: datetime) -> list[Cell]:
    """The jobs of a matrix, in the order of its axes.

    Cells that differ in thresholds alone have one source: the job with its own thresholds and the cell's other picking
    settings. It doesn't depend on which thresholds the matrix names, so that some may be added later.

    Raises:
        InputError: for a matrix that is empty or wrong, or a cell that is no valid job.
    """
    if not job_file.matrix:
        raise InputError(f"job {job_file.name}: has no matrix", hint="matrix: {pick.p_threshold: [0.1, 0.3]}")
    axes = [_axis(job_file, name, values) for name, values in job_file.matrix.items()]
    base = job_file.at(now)
    found = [_cell(base, choices) for choices in itertools.product(*axes)]
    names = [cell.job.catalog for cell in found]
    repeated = sorted({name for name in names if names.count(name) > 1})
    picking: Json = {}
    for job in [*(cell.source for cell in found if cell.source), *(cell.job for cell in found)]:
        if picking.setdefault(job.pick_set_name, job.pick) != job.pick:
            repeated.append(job.pick_set_name)
    if repeated:
        raise InputError(
            f"job {job_file.name}: matrix: two results would be named {repeated[0]}",
            hint="give the values other labels: {axis: {label: {key: value}}}",
        )
    return found


def _axis(job_file: JobFile, name: str, values: Sequence[Any] | dict[str, Json]) -> list[Choice]:
    where = f"job {job_file.name}: matrix: {name}"
    if not values:
        raise InputError(f"{where}: has no values")
    if isinstance(values, dict):
        choices = [Choice(_safe(label), settings) for label, settings in values.items()]
    else:
        choices = [Choice(_label(name, value), {name: value}) for value in values]
    for key in dict.fromkeys(key for choice in choices for key in choice.values):
        block = key.split(".")[0]
        variable = (*blocks(), "region")
        if block not in variable:
            raise InputError(f"{where}: {key} can't vary", hint=f"keys of {', '.join(variable)}, for example {block}.x")
        if block in blocks() and block not in job_file.stages:
            raise InputError(f"{where}: the job has no stage {block}")
    if len({choice.label for choice in choices}) < len(choices):
        raise InputError(f"{where}: a value is given twice")
    return choices


def _cell(base: Job, choices: tuple[Choice, ...]) -> Cell:
    values = {key: value for choice in choices for key, value in choice.values.items()}
    if len(values) < sum(len(choice.values) for choice in choices):
        raise InputError(f"job {base.name}: matrix: two axes set the same key")
    of_picks = [choice for choice in choices if any(key.startswith("pick.") for key in choice.values)]
    names = {"catalog": _name(base.catalog, choices), "pick_set": _name(base.pick_set_name, of_picks)}
    source = None
    if any(key in THRESHOLDS for key in values):
        if base.pick.probability == "none":
            raise InputError(
                f"job {base.name}: matrix: thresholds can't share an inference that keeps no peaks",
                hint="leave pick.probability out, or sparse",
            )
        of_network = [kept for choice in of_picks if (kept := _without_thresholds(choice)).values]
        settings = {key: value for choice in of_network for key, value in choice.values.items()}
        name = _name(base.pick_set_name, of_network)
        source = _job(base, settings, {"catalog": name, "pick_set": name, "stages": PICKING_ALONE})
        names["pick.probability"] = "none"
    job = _job(base, values, names)
    if source and job.pick.peak_floor < source.pick.peak_floor:
        raise InputError(
            f"job {base.name}: matrix: threshold {job.pick.peak_floor:g} of {job.catalog} is below "
            f"{source.pick.peak_floor:g}, from which on peaks are kept",
            hint="give the job a lower pick.probability_floor",
        )
    return Cell(values, job, source)


def _without_thresholds(choice: Choice) -> Choice:
    kept = {key: value for key, value in choice.values.items() if key not in THRESHOLDS}
    if len(kept) == len(choice.values):
        return choice
    return Choice("-".join(_label(key, value) for key, value in kept.items()), kept)


def _job(base: Job, values: Json, names: Json) -> Job:
    said = ", ".join(f"{key}={value}" for key, value in values.items())
    return with_keys(base, values | names, f"job {base.name}: matrix: {said}")


# -- names


def _name(base: str, choices: Sequence[Choice]) -> str:
    """A name that tells the cell's values; too long a one is cut and closed with a hash of the whole."""
    name = "-".join([base, *(choice.label for choice in choices)])
    if len(name) <= LONGEST_NAME:
        return name
    return f"{name[: LONGEST_NAME - HASH_DIGITS - 1]}-{content_id(name)[:HASH_DIGITS]}"


def _label(key: str, value: Any) -> str:
    """`original` for a word, `p0.1` or `min_picks5` for anything else."""
    if isinstance(value, str):
        return _safe(value)
    last = key.rpartition(".")[2]
    return _safe(f"{SHORT.get(last, last)}{value}")


def _safe(text: str) -> str:
    """The text where it can be part of a name as it is; else its last letters and a hash, so that no two are equal."""
    text = str(text)
    if re.fullmatch(r"[A-Za-z0-9._]{1,40}", text):
        return text
    plain = re.sub(r"[^A-Za-z0-9._]+", "_", text)[-24:].strip("_")
    return f"{plain}_{content_id(text)[:HASH_DIGITS]}"
