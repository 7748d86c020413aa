"""Evaluation: a catalog against the job's reference, as one task."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pymongo.database import Database

from catalogdb.comparisons.compare import compare, comparison_id
from catalogdb.comparisons.inputs import comparison_inputs
from catalogdb.comparisons.period import comparison_period
from catalogdb.comparisons.staleness import comparison_state
from catalogdb.comparisons.summary import figures, known_types
from catalogdb.database.named import require_catalog
from catalogdb.documents.free import Json, Query
from catalogdb.documents.records import Catalog
from catalogdb.evaluation.gates import Gates
from catalogdb.evaluation.revision import REVISION
from catalogdb.jobs import EvaluateBlock, Job
from catalogdb.ledger.parts import Change, Parts, fingerprint
from catalogdb.ledger.stage import Inputs, MadeByHand, Output, Reads, Shard, Stage
from catalogdb.ledger.tasks import was_reset
from catalogdb.profile import timed


def _whole(stage: Any) -> float:
    """Whatever of the catalog changes, all of it is compared."""
    return math.inf


def tell_input(change: Change) -> tuple[str, str]:
    """A change of a catalog, its picks, the stations, ..., whose states begin with how many there are."""
    counts = [state.split()[0] if state else "none" for state in (change.before, change.now)]
    if change.name in ("revision", "period"):
        what = f"{change.before} -> {change.now}"
    elif counts[0] != counts[1]:
        what = " -> ".join(counts)
    else:
        what = f"{counts[0]}, other content"
    return f"{change.name} changed", what


class EvaluateStage(Stage):
    """The comparison of a catalog with the job's reference.

    A comparison of large catalogs has millions of documents, which no transaction holds. So `read` brings the stored
    comparison up to date as `catalogdb evaluate` does, under the comparison's own lease, and the commit enters in the
    ledger what it was made from. A comparison that is current, whoever made it, is not computed again, unless its task
    was reset.
    """

    name = "evaluate"
    kind = "catalog"
    reads = (
        Reads("event", "events", padding=_whole, optional=True),
        Reads("pick", "picks", padding=_whole, optional=True),
        Reads("peak", "peaks", padding=_whole, optional=True),
        Reads("site", "stations", padding=_whole, optional=True),
        Reads("wf_miniseed", "waveforms", padding=_whole, optional=True),
    )
    keeps = ("event_match", "pick_match", "score", "comparison")
    settings = EvaluateBlock
    revision = REVISION
    words = {
        "input": tell_input,
        "gate": lambda change: ("settings", f"{change.name}: {change.before} -> {change.now}"),
        "stored": lambda change: ("new", "not compared yet"),
    }
    verb = "compared"

    @classmethod
    def identity(cls, job: Job) -> Json:
        """Nothing: how a catalog is judged decides nothing of it."""
        return {}

    @property
    def _block(self) -> EvaluateBlock:
        return self.job.block(self.name)

    def _catalogs(self, db: Database) -> list[Catalog | None]:
        return [db.catalog.find_one({"_id": name}) for name in (self.result, self._block.reference)]

    def _gates(self, db: Database) -> Gates:
        types = known_types(db, self._block.event_types, (self.result, self._block.reference))
        return Gates(**self._block.model_dump(include={"max_dt", "max_km", "max_pick_dt"}), event_types=types)

    def _state(self, db: Database) -> tuple[Shard, Parts, bool] | None:
        """The one shard, its parts, and whether the stored comparison, made from just these, is to stay; None where a
        catalog lacks."""
        catalog, reference = self._catalogs(db)
        if catalog is None or reference is None:
            return None
        gates = self._gates(db)
        period = comparison_period(db, catalog, reference, None, None)
        inputs = comparison_inputs(db, catalog, reference, period)
        stored = db.comparison.find_one(
            {"_id": comparison_id(catalog["_id"], reference["_id"], gates), "status": "done"}, {"inputs": 1}
        )
        parts = _parts(inputs, gates)
        if stored is None:
            parts["stored"] = {"comparison": "none"}
        elif stored.get("inputs") != inputs:
            parts["stored"] = {"comparison": "of other inputs"}
        shard = self._shard(period)
        return shard, parts, "stored" not in parts and not was_reset(db, self, shard)

    def _shard(self, period: tuple[float, float]) -> Shard:
        return Shard({"reference": self._block.reference}, *period)

    def parts(self, db: Database) -> Iterator[tuple[Shard, Parts]]:
        """The pair, where the reference is there; besides its inputs there is a part where no stored comparison is made
        from these, as after the removal of the reference."""
        if (state := self._state(db)) is not None:
            yield state[:2]

    def changed_parts(self, db: Database) -> Iterator[tuple[Shard, Parts]]:
        """The pair, unless the stored comparison is current."""
        if (state := self._state(db)) is not None and not state[2]:
            yield state[:2]

    def read(self, db: Database, shard: Shard) -> Inputs:
        """Bring the stored comparison up to date, and give what it was made from."""
        catalog, reference = (require_catalog(db, name) for name in (self.result, self._block.reference))
        gates = self._gates(db)
        period = shard.starttime, shard.endtime
        with timed("compare"):
            identity = compare(db, catalog, reference, gates, period, was_reset(db, self, shard))
        row = db.comparison.find_one({"_id": identity}, {"inputs": 1, "counts": 1}) or {}
        parts = _parts(row.get("inputs", {}), gates)
        pair: Query = {"stage": self.name, "config_id": self.config_id, "shard": dict(shard.key)}
        pair["status"] = {"$in": ["done", "failed", "quarantined"]}
        db.task.delete_many(pair | {"starttime": {"$ne": shard.starttime}})  # of the periods before: replaced with them
        db.task.delete_many(pair | {"endtime": {"$ne": shard.endtime}})
        return Inputs(row.get("counts", {}), fingerprint(parts), parts)

    def process(self, shard: Shard, inputs: Inputs) -> Output:
        """What was read is counted; the documents are stored."""
        return Output({}, inputs.data)

    def report(self, db: Database) -> tuple[Json | None, list[str]]:
        """The overall figures, or what there is to be done before there can be some."""
        reference = self._block.reference
        catalog, judge = self._catalogs(db)
        if judge is None:
            return None, [
                f"not evaluated: no catalog {reference!r} here; catalogdb ingest catalog FILE --name {reference}"
            ]
        if catalog is None:
            return None, [f"not evaluated: no catalog {self.result!r} here"]
        identity = comparison_id(self.result, reference, self._gates(db))
        return figures(db, identity, self._block.min_magnitude), []

    @classmethod
    def made_by_hand(cls, db: Database, catalog: str, job: Job | None) -> Iterable[MadeByHand]:
        """Comparisons that the catalog takes part in, on either side, but for the job's own."""
        own = None
        if job is not None and cls.name in job.stages and job.evaluate is not None:
            stage = cls(job, "")
            own = comparison_id(catalog, job.evaluate.reference, stage._gates(db))
        for state in comparison_state(db, catalog):
            if state.identity != own:
                yield MadeByHand(
                    state.catalog,
                    Shard({"catalog": state.catalog, "reference": state.reference}, *state.period),
                    None if state.before is None else {"input": state.before},
                    {"input": state.now},
                    f"catalogdb evaluate --catalog {state.catalog} --reference {state.reference}",
                )

    @classmethod
    def telling(cls, changes: Sequence[Change]) -> Iterable[Change]:
        """That no comparison is stored of these inputs goes without saying where others of them have changed."""
        others = [change for change in changes if change.kind != "stored"]
        return others or changes


def _parts(inputs: dict[str, str], gates: Gates) -> Parts:
    return {"input": inputs, "gate": {name: str(value) for name, value in gates.document().items()}}
