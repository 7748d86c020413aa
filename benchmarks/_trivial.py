"""A stage whose shards cost nothing: what a run of it takes is what engine and ledger take."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from pymongo.database import Database

from catalogdb.database.connection import connect
from catalogdb.identity import content_id
from catalogdb.ledger.execute import TaskReport, execute
from catalogdb.ledger.stage import Inputs, Output, PlannedTask, Shard, Stage
from catalogdb.settings import Settings


@dataclass(frozen=True)
class TrivialStage(Stage):
    """Writes one pick per shard, as little as a shard can leave."""

    shards: int
    name: str = "trivial"
    collections: tuple[str, ...] = ("pick",)
    config_id: str = "trivial"
    result: str = "trivial"

    def plan(self, db: Database) -> Iterator[PlannedTask]:
        """All shards."""
        for number in range(self.shards):
            yield PlannedTask(Shard({"number": number}, float(number), number + 1.0), content_id(number))

    def read(self, db: Database, shard: Shard) -> Inputs:
        """Nothing is read."""
        return Inputs(shard.key["number"], content_id(shard.key["number"]))

    def process(self, shard: Shard, inputs: Inputs) -> Output:
        """One pick."""
        pick = {
            "_id": content_id(self.config_id, inputs.data),
            "pick_set": self.result,
            "channel_group": "XX.A..HH",
            "net": "XX",
            "sta": "A",
            "loc": "",
            "chan": "HHZ",
            "phase": "P",
            "time": float(inputs.data),
            "evaluation_mode": "automatic",
        }
        return Output({"pick": [pick]}, {"picks": 1})


@dataclass(frozen=True)
class CarryOutTrivial:
    """Carries out tasks of the stage on a worker, as `catalogdb.runs.worker.CarryOut` does for jobs."""

    settings: Settings
    stage: TrivialStage
    run_id: str

    def __call__(self, planned: PlannedTask) -> TaskReport:
        """Carry out one task."""
        return execute(_database(self.settings), self.stage, planned, self.run_id)


@cache
def _database(settings: Settings) -> Database:
    return connect(settings, start=False)
