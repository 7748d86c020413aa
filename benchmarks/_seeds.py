"""Associators on the same load, made again with each seed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from catalogdb.association.config import AssociateConfig
from catalogdb.documents.free import Json
from catalogdb.evaluation.gates import Gates
from catalogdb.tuning.compare import Method, Task, compare


def with_seeds(
    tasks: Iterable[Task],
    methods: Mapping[str, tuple[Method, AssociateConfig]],
    gates: Gates | None = None,
    most_cpu_s: float | None = None,
) -> tuple[dict[str, list[Json]], list[Json]]:
    """Compare methods on each of the tasks.

    A method that takes more than `most_cpu_s` on one of them is not asked again.

    Returns:
        rows of each method that was never given up, one for each task with `picks` and `cpu_s`; and a row for each
        that was.
    """
    found: dict[str, list[Json]] = {name: [] for name in methods}
    given_up: list[Json] = []
    for task in tasks:
        left = {name: methods[name] for name in found}
        for row in compare(task, left, gates, most_cpu_seconds=most_cpu_s):
            if "cpu_seconds" in row:
                found[row["method"]].append(row | {"picks": len(task.picks), "cpu_s": row["cpu_seconds"]})
            else:
                given_up.append({"method": row["method"], "given_up_after_cpu_s": most_cpu_s})
                del found[row["method"]]
    return found, given_up
