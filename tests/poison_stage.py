"""A stage of the tests' own, one shard of which takes its process down; the ledger, engines and runs are the real ones.

As a script it does the stage in its own process: `python poison_stage.py DATA_DIR DATABASE HOW`.
"""

import ctypes
import json
import os
import signal
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path

from catalogdb.database.connection import connect
from catalogdb.identity import content_id
from catalogdb.ledger.execute import TaskReport, execute
from catalogdb.ledger.stage import Inputs, Output, PlannedTask, Shard, Stage
from catalogdb.ledger.tasks import LeaseTerms
from catalogdb.runs.hand_out import HandOut
from catalogdb.runs.run_report import StageReport
from catalogdb.runs.stage_run import run_stage
from catalogdb.settings import Settings

SHARDS = 6
POISONED = 2
CHUNK, MOST_BYTES = 64 << 20, 64 << 30
DEADLY = {
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "segfault": lambda: ctypes.string_at(0),
    "exit": lambda: os._exit(7),
    "memory": lambda: [b"x" * CHUNK for _ in range(MOST_BYTES // CHUNK)],
    "nothing": lambda: None,
}


@dataclass(frozen=True)
class PoisonStage(Stage):
    """One pick per shard; `how` names what befalls the process in shard number `POISONED`."""

    how: str
    inputs: str = "first"
    name: str = "poison"
    collections: tuple[str, ...] = ("pick",)
    config_id: str = "poison-config"
    result: str = "poison"

    def plan(self, db):
        """All shards."""
        for number in range(SHARDS):
            shard = Shard({"part": f"N{number}"}, number * 10.0, number * 10.0 + 10.0)
            yield PlannedTask(shard, content_id(self.inputs))

    def read(self, db, shard):
        """Nothing but the fingerprint."""
        return Inputs(None, content_id(self.inputs))

    def process(self, shard, inputs):
        """Make the pick, or end."""
        if shard.key["part"] == f"N{POISONED}":
            DEADLY[self.how]()
        pick = {
            "_id": content_id(self.config_id, shard.starttime),
            "pick_set": self.result,
            "channel_group": "XX.A..HH",
            **{"net": "XX", "sta": "A", "loc": "", "chan": "HHZ", "phase": "P"},
            "time": shard.starttime,
            "evaluation_mode": "automatic",
        }
        return Output({"pick": [pick]}, {"picks": 1})


@dataclass(frozen=True)
class CarryOut:
    """What the engines' workers run."""

    settings: Settings
    stage: PoisonStage
    run_id: str

    def __call__(self, planned: PlannedTask) -> TaskReport:
        """Carry out one task."""
        terms = LeaseTerms(self.settings.lease_seconds, self.settings.task_attempts)
        return execute(connect(self.settings, start=False), self.stage, planned, self.run_id, terms)


def run_poison(settings: Settings, stage: PoisonStage, pool, capacity: int) -> StageReport:
    """Run the stage on an engine, as a job's run does."""
    run_id, result = uuid.uuid4().hex, StageReport()
    carry_out = CarryOut(settings, stage, run_id)
    terms = LeaseTerms(settings.lease_seconds, settings.task_attempts)
    run_stage(connect(settings), stage, run_id, result, HandOut(pool, capacity, lambda stage: carry_out, terms))
    return result


if __name__ == "__main__":
    from catalogdb.engines.local import InProcessExecutor

    data_dir, database, how = sys.argv[1:]
    report = run_poison(Settings(data_dir=Path(data_dir), database=database), PoisonStage(how), InProcessExecutor(), 1)
    print(json.dumps(report.model_dump()))
