"""The staleness table: what was changed, what `catalogdb status --stale` said, and what the next run did.

    python -m benchmarks.staleness [--json] [--tasks N]

Three days of four stations (made data, twenty minutes on either side of each midnight), picked, associated, given
magnitudes and compared with the truth, in an embedded server. Then one thing is changed after the other; each time the
query is asked, the job is run, and what ran is read from the ledger. At the end of each step the catalog is held
against one that another database, emptied of all results, makes of the same files.

With `--tasks N` another thing is measured: what the query costs on N finished tasks, in seconds and memory.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import obspy

from benchmarks._many_tasks import measure_many
from benchmarks._season import (
    DAYS,
    STAGES,
    Season,
    documents,
    moved_reference_event,
    moved_station,
    other_compression,
    other_samples,
    other_sensitivity,
    touch,
)
from catalogdb.database.connection import embedded
from catalogdb.errors import NameTaken
from catalogdb.runs.stale import stale_of_catalog
from catalogdb.settings import Settings

REVISIONS = ("catalogdb.stages.resolve.CATALOG_REVISION", "catalogdb.stages.pick.REVISION")


def label(row: dict[str, Any]) -> tuple[str, str, str]:
    """Stage, station and start of a ledger row or a stale task."""
    return (
        row["stage"],
        row["shard"].get("sta", "") or row["shard"].get("reference", ""),
        obspy.UTCDateTime(row["starttime"]).isoformat()[:16],
    )


@dataclass
class Outcome:
    """What one change came to.

    Attributes:
        stale, waiting: tasks by `label`, with their reasons.
        ran: tasks that the run did, by `label`.
        new_inputs: of them those whose inputs were other than before.
        new_outputs: of them those that wrote other documents than before.
        planned: number of tasks by stage.
        compared: whether the comparison was made again.
        left: what is stale after the run.
        equal: whether the result is what a database without results gives.
        refused: what a run without `replace` says, where one is needed.
    """

    what: str
    stale: dict[tuple[str, str, str], set[str]] = field(default_factory=dict)
    waiting: dict[tuple[str, str, str], set[str]] = field(default_factory=dict)
    ran: set[tuple[str, str, str]] = field(default_factory=set)
    new_inputs: set[tuple[str, str, str]] = field(default_factory=set)
    new_outputs: set[tuple[str, str, str]] = field(default_factory=set)
    planned: dict[str, int] = field(default_factory=dict)
    compared: bool = False
    left: int = 0
    equal: bool = False
    refused: str = ""
    notes: list[str] = field(default_factory=list)


def measure(season: Season, what: str, change: Callable[[], Any], replace: bool = False, same: bool = False) -> Outcome:
    """Change one thing, ask, run, and look; with `same` the result must be as it was."""
    change()
    season.ingest()
    outcome = Outcome(what)
    staleness = season.stale()
    outcome.notes = staleness.notes
    for task in staleness.tasks:
        row = {"stage": task.stage, "shard": task.shard, "starttime": task.starttime}
        kind = outcome.stale if task.state == "stale" else outcome.waiting
        kind[label(row)] = {why.reason for why in task.why}
    before, compared = season.ledger(), season.compared()
    wanted = documents(season.db) if same else season.from_scratch()
    if replace:
        try:
            season.run()
        except NameTaken as error:
            outcome.refused = str(error)
    report = season.run(replace)
    assert report.status == "done", report
    for identity, row in season.ledger().items():
        if row.get("run_id") == report.run_id:
            name, old = label(row), before.get(identity, {})
            outcome.ran.add(name)
            if old.get("inputs") != row["inputs"]:
                outcome.new_inputs.add(name)
            if old.get("outputs") != row["outputs"]:
                outcome.new_outputs.add(name)
    outcome.planned = {name: stage.planned for name, stage in report.stages.items()}
    outcome.compared = season.compared() != compared
    outcome.left = len(season.stale().tasks) + len(stale_of_catalog(season.db, "season").tasks)
    outcome.equal = documents(season.db) == wanted
    return outcome


# -- changes


@contextmanager
def raised(names: Sequence[str]) -> Iterator[None]:
    """The numbers in `names` (module.CONSTANT) one higher."""
    with ExitStack() as stack:
        for name in names:
            module, _, constant = name.rpartition(".")
            stack.enter_context(patch(name, getattr(sys.modules[module], constant) + 1))
        yield


def steps(season: Season) -> list[tuple[str, Callable[[], Outcome]]]:
    """The changes, in an order in which each begins where the one before ended."""
    late = [*season.files("BAD", DAYS[2]), season.files("CLUD", DAYS[1])[0]]
    season.reset()
    aside = {path: season.folder / "aside" / "-".join(path.parts[-2:]) for path in late}
    (season.folder / "aside").mkdir()
    for path, place in aside.items():
        shutil.move(path, place)
    season.ingest()
    season.run()

    def arrives(paths: list[Path]) -> None:
        for path in paths:
            shutil.move(aside[path], path)

    def set_threshold(value: str) -> None:
        season.overrides.append(value)

    def step(what: str, change: Callable[[], Any], **options: bool) -> tuple[str, Callable[[], Outcome]]:
        return what, lambda: measure(season, what, change, **options)

    def revised(what: str, *constants: str) -> tuple[str, Callable[[], Outcome]]:
        def measured() -> Outcome:
            with raised(constants):
                return measure(season, what, lambda: None, replace=True)

        return what, measured

    return [
        step("nothing", lambda: None, same=True),
        step("new day of one station", lambda: arrives(late[:-1])),
        step("late file of a day already done", lambda: arrives(late[-1:])),
        step("every file touched", lambda: touch(season.waveforms), same=True),
        step("file rewritten, same size", lambda: other_samples(season.files("BOO", DAYS[1])[2])),
        step("files recompressed, same samples", lambda: other_compression(season.files("VINO", DAYS[1])), same=True),
        step("file removed", lambda: season.files("VINO", DAYS[0])[0].unlink()),
        step("station moved by 3 km", lambda: moved_station(season.stations, "BOO", 0.027)),
        step("response corrected", lambda: other_sensitivity(season.stations, "VINO", 1.25)),
        step("one event of the reference", lambda: moved_reference_event(season.truth)),
        step("association: min_picks 5", lambda: set_threshold("associate.min_picks=5"), replace=True),
        step("picking: stalta.p_on 7", lambda: set_threshold("pick.stalta.p_on=7"), replace=True),
        revised("code after picking revised", *REVISIONS[:1]),
        revised("code of picking revised", *REVISIONS),  # the former stays, as releases do
    ]


# -- the table


def row_of(outcome: Outcome) -> dict[str, Any]:
    """One row of the table."""
    reasons = Counter((name[0], reason) for name, why in outcome.stale.items() for reason in why)
    waiting = Counter(name[0] for name in outcome.waiting)
    ran = Counter(name[0] for name in outcome.ran)
    return {
        "changed": outcome.what,
        "stale": "; ".join(f"{stage} {number} ({reason})" for (stage, reason), number in reasons.items()) or "-",
        "waiting": ", ".join(f"{stage} {number}" for stage, number in waiting.items()) or "-",
        "ran": ", ".join(f"{stage} {ran[stage]} of {outcome.planned[stage]}" for stage in STAGES if ran[stage]) or "-",
        "compared": "yes" if outcome.compared else "no",
        "stale after": outcome.left,
        "as from scratch": "yes" if outcome.equal else "NO",
    }


def markdown(rows: list[dict[str, Any]]) -> str:
    """The rows as a Markdown table."""
    names = list(rows[0])
    lines = [names, ["---"] * len(names), *([str(row[name]) for name in names] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.staleness", description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--tasks", type=int, metavar="N", help="measure the query on N finished tasks instead")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="staleness-") as folder:
        server = Settings(data_dir=Path(folder, "mongod"))
        embedded(server).start()
        try:
            if arguments.tasks:
                print(json.dumps(measure_many(server, arguments.tasks), indent=2))
                return 0
            season = Season(server, Path(folder, "season"))
            rows = [row_of(measured()) for _, measured in steps(season)]
        finally:
            embedded(server).stop()
    print(json.dumps({"rows": rows}, indent=2) if arguments.json else markdown(rows))
    return int(any(row["stale after"] or row["as from scratch"] != "yes" for row in rows))


if __name__ == "__main__":
    sys.exit(main())
