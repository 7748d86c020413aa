"""Picking again with other thresholds, from the peaks that a pick set kept: no waveform is read and no network runs.

The new pick set is what a run with these thresholds (and `probability: none`) would have made from the start, down to
the identity of every document and of its ledger rows: such a run finds everything done.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from pymongo.database import Database

from catalogdb.database.named import require_pick_set
from catalogdb.documents.data import PickFields
from catalogdb.documents.free import Json
from catalogdb.documents.records import PickSet
from catalogdb.errors import CatalogdbError, InputError
from catalogdb.identity import canonical, content_id, milliseconds
from catalogdb.ledger import tasks
from catalogdb.ledger.execute import TaskReport, execute
from catalogdb.ledger.parts import Parts
from catalogdb.ledger.stage import Inputs, Output, PlannedTask, Reads, Shard, Stage
from catalogdb.picking.config import PickConfig, StationThresholds
from catalogdb.picking.peak_table import PeakTable, turns_of
from catalogdb.picking.selection import SELECTION_COUNTS, once_per_arrival, picks_within
from catalogdb.picking.time_error import UNCALIBRATED, TimeCalibration
from catalogdb.stages.pick import PickStage
from catalogdb.stages.pick_documents import identified_picks
from catalogdb.stages.resolve import keep_identity
from catalogdb.stages.results import ResultName, claim_names

THRESHOLDS = ("p_threshold", "s_threshold", "station_thresholds")


class RepickStage(Stage):
    """Picks of one pick set, chosen from the peaks of another; in the ledger its tasks are those of picking."""

    name = PickStage.name
    kind = PickStage.kind
    reads = (Reads("peak", "peaks"), Reads("detection", "detections"))
    collections = PickStage.collections
    words = PickStage.words
    verb = PickStage.verb
    telling = PickStage.telling

    def __init__(self, source: PickSet, name: str, thresholds: Json):
        settings = source["config"]["settings"] | thresholds | {"probability": "none"}
        self.source = source
        self.result = name
        self.pick_config = PickConfig.model_validate(settings)
        calibration = source["config"].get("picker", {}).get("time_calibration")
        self.calibration = TimeCalibration.model_validate(calibration) if calibration else UNCALIBRATED
        self.config = source["config"] | {"pick_set": name, "settings": canonical(self.pick_config.scientific())}
        self.config_id = content_id(self.config)

    def plan(self, db: Database) -> Iterable[PlannedTask]:
        """One task per finished task of the source."""
        query = {"stage": self.name, "config_id": self.source["config_id"], "status": "done"}
        for row in db.task.find(query).sort([("starttime", 1), ("_id", 1)]):
            yield PlannedTask(Shard(row["shard"], row["starttime"], row["endtime"]), row["fingerprint"])

    def parts(self, db: Database) -> Iterable[tuple[Shard, Parts]]:
        """The same tasks, with what the source's were made from."""
        query = {"stage": self.name, "config_id": self.source["config_id"], "status": "done"}
        for row in db.task.find(query).sort([("starttime", 1), ("_id", 1)]):
            yield Shard(row["shard"], row["starttime"], row["endtime"]), row.get("inputs", {})

    def read(self, db: Database, shard: Shard) -> Inputs:
        """The source's peaks and detections of the shard, and its ledger row.

        Raises:
            CatalogdbError: when the source's task is being done again.
        """
        source_task = content_id(self.name, self.source["config_id"], shard.key, shard.starttime, shard.endtime)
        with db.client.start_session(snapshot=True) as session:
            row = db.task.find_one({"_id": source_task}, session=session)
            peaks = list(db.peak.find({"task_id": source_task}, session=session))
            detections = list(db.detection.find({"task_id": source_task}, session=session))
        if row is None or row["status"] != "done":
            raise CatalogdbError(f"pick set {self.source['_id']!r} is being picked again; repick when that is done")
        return Inputs((row, peaks, detections), row["fingerprint"], row.get("inputs", {}), row.get("glance"))

    def process(self, shard: Shard, inputs: Inputs) -> Output:
        """Choose picks from the peaks."""
        row, peaks, detections = inputs.data
        counts = {key: value for key, value in row["counts"].items() if key not in SELECTION_COUNTS}
        documents: dict[str, list[Any]] = {name: [] for name in self.collections}
        picks: list[PickFields] = []
        selected: Counter = Counter()
        for of_sensor in sorted(peaks, key=lambda document: document["channel_group"]):
            table, group = PeakTable.from_document(of_sensor), of_sensor["channel_group"]
            found, chosen = picks_within(table, self.pick_config, self.calibration, group, turns_of(of_sensor))
            picks += found
            selected.update(chosen)
        picks, dropped = once_per_arrival(picks, self.pick_config)
        selected.update(dropped)
        documents["pick"] = identified_picks(picks, self.config_id, self.result)
        for detection in detections:
            identity = content_id(self.config_id, detection["channel_group"], milliseconds(detection["starttime"]))
            documents["detection"].append(detection | {"_id": identity, "pick_set": self.result})
        return Output(documents, counts | selected, row["choices"], row["problems"])


def stage_of(db: Database, source: PickSet, made: PickSet) -> RepickStage | None:
    """The stage that made one pick set of another, from their documents; None where this version makes another one."""
    settings = made["config"]["settings"]
    stage = RepickStage(source, made["_id"], {key: settings[key] for key in THRESHOLDS if key in settings})
    keep_identity(db, stage)
    return stage if stage.config_id == made["config_id"] else None


def repick(
    db: Database,
    pick_set: str,
    name: str,
    p_threshold: float | None = None,
    s_threshold: float | None = None,
    station_thresholds: Iterable[StationThresholds] | None = None,
    replace: bool = False,
    progress: Callable[[int, TaskReport | None], None] = lambda total, report: None,
) -> Json:
    """Make pick set `name` from what `pick_set` kept, with other thresholds.

    Args:
        p_threshold, s_threshold, station_thresholds: instead of the source's; none: the source's own.
        replace: write over a pick set of that name with other settings.
        progress: called with (number of tasks, None) first, then with each task's report.

    Returns:
        Summary: pick_set, repicked_from, thresholds, tasks (planned, up_to_date, done, failed), picks by phase,
        failures, and `source_unfinished`, tasks that the source has still to do.

    Raises:
        InputError: for a pick set that isn't there or kept no peaks, and for thresholds below its floor.
        NameTaken: when the name stands for other settings.
    """
    source = _source(db, pick_set, name)
    given = {"p_threshold": p_threshold, "s_threshold": s_threshold}
    thresholds: Json = {key: value for key, value in given.items() if value is not None}
    if station_thresholds is not None:
        thresholds["station_thresholds"] = [row.model_dump() for row in station_thresholds]
    stage = RepickStage(source, name, thresholds)
    keep_identity(db, stage)
    _check_floor(source, stage.pick_config)
    fields = {"repicked_from": pick_set}
    claim_names(db, [ResultName("pick_set", name, stage.config_id, canonical(stage.config), fields)], replace)
    tasks.release_dead(db, stage)
    planned = list(stage.plan(db))
    to_do, up_to_date = tasks.register(db, stage, planned)
    progress(len(to_do), None)
    reports = []
    for item in to_do:
        reports.append(execute(db, stage, item))
        progress(len(to_do), reports[-1])
    by_phase = {phase: db.pick.count_documents({"pick_set": name, "phase": phase}) for phase in ("P", "S")}
    outcomes = {status: sum(report.status == status for report in reports) for status in ("done", "failed", "held")}
    unfinished = {"stage": stage.name, "config_id": source["config_id"], "status": {"$ne": "done"}}
    return {
        "pick_set": name,
        "repicked_from": pick_set,
        **{key: getattr(stage.pick_config, key) for key in given},
        "tasks": {"planned": len(planned), "up_to_date": up_to_date, **outcomes},
        "picks": by_phase,
        "failures": [f"{report.shard.key}: {report.error}" for report in reports if report.error],
        "source_unfinished": db.task.count_documents(unfinished),
    }


def _source(db: Database, pick_set: str, name: str) -> PickSet:
    source = require_pick_set(db, pick_set)
    if name == pick_set:
        raise InputError(f"pick set {pick_set!r} can't be made from itself", hint="give the new one another --name")
    if "copied_from" in source:
        raise InputError(
            f"pick set {pick_set!r} has no peaks to choose from: it is a copy, of catalog {source['copied_from']!r}",
            hint="repick the pick set that it was copied from",
        )
    settings = source.get("config", {}).get("settings", {})
    if settings.get("probability", "none") == "none":
        raise InputError(
            f"pick set {pick_set!r} kept no peaks to choose from",
            hint="only a pick set of a job with pick.probability: sparse or full can be repicked",
        )
    return source


def _check_floor(source: PickSet, config: PickConfig) -> None:
    floor = PickConfig.model_validate(source["config"]["settings"]).peak_floor
    if config.peak_floor < floor:
        raise InputError(
            f"threshold {config.peak_floor:g} is below {floor:g}, from which on pick set {source['_id']!r} kept peaks",
            hint="take a higher threshold, or run the job again with a lower pick.probability_floor",
        )
