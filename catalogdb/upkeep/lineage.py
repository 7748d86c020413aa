"""Where an event comes from: origin, picks, probability, waveforms, files, and who made each with what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pymongo.database import Database

from catalogdb.database.short_ids import ids_that_begin
from catalogdb.documents.data import Event, Magnitude, Origin, Pick
from catalogdb.documents.free import AnyDocument, Json
from catalogdb.documents.records import Task
from catalogdb.errors import InputError
from catalogdb.ledger.lost import shard_name
from catalogdb.stages.file_states import content_of, file_states

NAMED = 5
TOLERANCE_US = 1000
"""A pick's time is that of its peak, but for the rounding of microseconds to seconds and back."""
EVENT_FIELDS = (
    *("catalog", "time", "latitude", "longitude", "depth_km", "magnitude", "magnitude_type", "event_type", "place"),
    *("event_type_certainty", "event_type_rule", "event_type_probability"),
    *("evaluation_mode", "evaluation_status", "source_id", "sources", "remarks", "creation_info"),
)
ORIGIN_FIELDS = (
    *("_id", "method", "time", "latitude", "longitude", "depth_km", "rms", "azimuthal_gap", "score", "n_picks"),
    *("source_file", "source_format", "velocity_model"),
)
PICK_FIELDS = (
    *("pick_set", "channel_group", "net", "sta", "loc", "chan", "phase", "time", "uncertainty", "probability"),
    *("quality", "snr", "evaluation_mode", "source_id", "hypo71_weight"),
)
TYPE_FIELDS = (
    *("decision", "type", "most_probable", "probability", "probabilities", "votes", "n_stations", "stations"),
    *("prior", "weights", "task_id"),
)
CONFIG_FIELDS = (
    "kind",
    "config_id",
    "config",
    "agency_id",
    "source",
    "licence",
    "created",
    "repicked_from",
    "copied_from",
)


def lineage(db: Database, event_id: str) -> Json:
    """What an event is made from, as far as the database knows.

    Args:
        event_id: `event._id`, the beginning of it if no other event begins so, or the id that the source gave it.

    Returns:
        event (with the task that assembled it), catalog (its configuration), pick_set (its configuration, with the
        hashes of the weights), origins (with task, and arrivals, each with its pick), magnitudes (with task),
        event_type (what its waveforms say of it, with task; None where that was not asked). A pick has its task, and
        where they are kept: probability (the block of the hour, without its blob) and peak (its row in the table of
        peaks); segments (of the waveforms that hold its time), each with its file. A task has its run.

    Raises:
        InputError: for an event that isn't there, or a beginning that several have; the hint says what to do.
    """
    event = find_event(db, event_id)
    catalog = db.catalog.find_one({"_id": event["catalog"]}) or {}
    tasks = _Tasks(db)
    origins = [_origin(db, origin, tasks) for origin in event["origins"]]
    arrivals = [arrival for origin in origins for arrival in origin["arrivals"]]
    picks = {row["_id"]: row for row in db.pick.find({"_id": {"$in": [arrival["pick_id"] for arrival in arrivals]}})}
    sets = _PickSets(db)
    for arrival in arrivals:
        pick = picks.get(arrival["pick_id"])
        arrival["pick"] = None if pick is None else _pick(db, pick, sets, tasks)
    return {
        "event": {"_id": event["_id"]} | _those(event, EVENT_FIELDS) | {"task": tasks[event["task_id"]]},
        "catalog": {"name": event["catalog"]} | _those(catalog, CONFIG_FIELDS),
        "pick_sets": [{"name": name} | _those(row, CONFIG_FIELDS) for name, row in sets.known.items()],
        "origins": origins,
        "magnitudes": [_magnitude(db, magnitude, tasks) for magnitude in event.get("magnitudes", [])],
        "event_type": _event_type(db, event["_id"], tasks),
    }


def find_event(db: Database, event_id: str) -> Event:
    """The event of an id, of the beginning of one, or of the source's own id.

    Raises:
        InputError: as `lineage`.
    """
    if event := db.event.find_one({"_id": {"$eq": event_id}}):
        return event
    beginning = {"_id": {"$in": ids_that_begin(db, "event", event_id)}}
    found = list(db.event.find(beginning, {"catalog": 1}).sort("_id", 1).limit(NAMED))
    found = found or list(db.event.find({"source_id": {"$eq": event_id}}, {"catalog": 1}).limit(NAMED))
    if len(found) == 1 and (event := db.event.find_one({"_id": found[0]["_id"]})) is not None:
        return event
    if len(found) > 1:
        several = ", ".join(f"{row['_id']} ({row['catalog']})" for row in found)
        raise InputError(f"event {event_id!r}: several events have that", hint=f"one of {several}")
    raise InputError(f"no event {event_id!r} in database {db.name!r}", hint=_suggestion(db, event_id))


def _suggestion(db: Database, event_id: str) -> str:
    """What an unknown id may be meant for: something else that has it, or the ids that begin most like it."""
    if (pick := db.pick.find_one({"_id": {"$eq": event_id}}, {"time": 1})) is not None:
        near = {"time": {"$gte": pick["time"] - 3600, "$lt": pick["time"] + 60}, "origins.arrivals.pick_id": event_id}
        uses = [
            row["_id"]
            for name in db.event.distinct("catalog")
            for row in db.event.find({"catalog": name} | near, {"_id": 1})
        ]
        return f"it is a pick, used by {', '.join(uses[:NAMED]) or 'no event'}"
    for collection in ("origin", "magnitude"):
        if (row := db[collection].find_one({"_id": {"$eq": event_id}}, {"event_id": 1})) is not None:
            return f"it is the id of an {collection} of event {row['event_id']}".replace("an magnitude", "a magnitude")
    for length in range(len(event_id) - 1, 1, -1):
        start = event_id[:length]
        alike = db.event.find({"_id": {"$gte": start, "$lt": start + "\uffff"}}, {"_id": 1}).limit(3)
        if identities := [row["_id"] for row in alike]:
            return f"ids that begin like it: {', '.join(identities)}"
    return "catalogdb query events --json has the ids"


class _Tasks:
    """Ledger rows with their runs, each read once."""

    def __init__(self, db: Database):
        self._db = db
        self._tasks: dict[str, Json | None] = {}
        self._runs: dict[str, Json | None] = {}

    def __getitem__(self, task_id: str | None) -> Json | None:
        """The task in short, with its run; None where the ledger doesn't have it."""
        if task_id is not None and task_id not in self._tasks:
            row = self._db.task.find_one({"_id": task_id})
            self._tasks[task_id] = row and self._told(row)
        return self._tasks.get(task_id) if task_id is not None else None

    def _told(self, row: Task) -> Json:
        shown: Json = {"task_id": row["_id"]} | _those(row, ("stage", "status", "config_id"))
        if "starttime" in row:
            shown["shard"] = shard_name(row["shard"], row["starttime"])
        shown |= {"updated": row.get("updated"), "choices": row.get("choices"), "inputs": row.get("inputs")}
        shown = {key: value for key, value in shown.items() if value}
        return shown | {"run": self._run(row.get("run_id"))}

    def _run(self, run_id: str | None) -> Json | None:
        if run_id is None:
            return None
        if run_id not in self._runs:
            fields = ("job", "engine", "host", "started", "ended", "versions")
            row = self._db.run.find_one({"_id": run_id}, dict.fromkeys(fields, 1))
            self._runs[run_id] = row and {"run_id": run_id} | _those(row, fields)
        return self._runs[run_id]


class _PickSets:
    """Pick sets by name, each read once; of a pick set chosen from another's peaks, that other too."""

    def __init__(self, db: Database):
        self._db = db
        self.known: dict[str, Json] = {}

    def source_of(self, name: str) -> str:
        """The pick set whose network made the peaks that a pick set is chosen from: itself, unless it was repicked."""
        while name not in self.known:
            row = self._db.pick_set.find_one({"_id": name})
            self.known[name] = row or {}
        origin = self.known[name].get("repicked_from")
        return name if origin is None or origin == name else self.source_of(origin)


def _origin(db: Database, origin: Origin, tasks: _Tasks) -> Json:
    stored = db.origin.find_one({"_id": origin["_id"]}, {"task_id": 1}) or {}
    arrivals = [dict(arrival) for arrival in origin.get("arrivals", [])]
    return _those(origin, ORIGIN_FIELDS) | {"task": tasks[stored.get("task_id")], "arrivals": arrivals}


def _magnitude(db: Database, magnitude: Magnitude, tasks: _Tasks) -> Json:
    stored = db.magnitude.find_one({"_id": magnitude["_id"]}, {"task_id": 1}) or {}
    shown = _those(magnitude, ("_id", "type", "value", "uncertainty", "n_stations"))
    return shown | {"task": tasks[stored.get("task_id")]}


def _pick(db: Database, pick: Pick, sets: _PickSets, tasks: _Tasks) -> Json:
    shown: Json = {"_id": pick["_id"]} | _those(pick, PICK_FIELDS) | {"task": tasks[pick["task_id"]]}
    source = sets.source_of(pick["pick_set"])
    if sets.known[pick["pick_set"]].get("kind") == "automatic":
        sensor = {key: pick[key] for key in ("net", "sta", "loc", "channel_group")} | {"pick_set": source}
        block, peak = _probability(db, pick, sensor), _peak(db, pick, sensor)
        # the waveforms were read by the task that made the peaks, which for a repicked set is its source's
        reader = tasks[(peak or block or pick)["task_id"]] or {}
        shown |= {"probability_block": block, "peak": peak}
        shown["segments"] = _segments(db, pick, reader.get("inputs", {}).get("file", {}))
    return shown


def _event_type(db: Database, event_id: str, tasks: _Tasks) -> Json | None:
    found = db.event_type.find_one({"event_id": event_id}, dict.fromkeys(TYPE_FIELDS, 1))
    return found and _those(found, TYPE_FIELDS) | {"task": tasks[found["task_id"]]}


def _probability(db: Database, pick: Pick, sensor: Json) -> Json | None:
    """The block of the hour that the pick lies in, without its blob; None where none was kept."""
    hour = {"starttime": {"$lte": pick["time"]}, "endtime": {"$gt": pick["time"]}}
    return db.probability.find_one(sensor | hour, {"blob": 0, "segments": 0})


def _peak(db: Database, pick: Pick, sensor: Json) -> Json | None:
    """The pick's row in the table of peaks; None where no table was kept."""
    shard = {"starttime": {"$lte": pick["time"]}, "endtime": {"$gt": pick["time"]}}
    if (document := db.peak.find_one(sensor | shard)) is None:
        return None
    from catalogdb.picking.peak_table import PHASES, PeakTable

    peaks = PeakTable.from_document(document).peaks
    distance = abs(peaks["time_us"] - round(pick["time"] * 1e6))
    near = (peaks["phase"] == PHASES.index(pick["phase"])) & (distance <= TOLERANCE_US)
    shown = {"table": document["_id"], "codec": document["codec"], "task_id": document["task_id"]}
    if not near.any():
        return shown | {"row": None}
    row = int(near.nonzero()[0][distance[near].argmin()])
    values = {name: peaks[name][row].item() for name in peaks.dtype.names or ()}
    return shown | {"row": row, "values": {name: value for name, value in values.items() if value == value}}


def _segments(db: Database, pick: Pick, used: dict[str, str]) -> list[Json]:
    """The indexed segments of the pick's sensor that hold its moment, each with its file.

    Args:
        used: states of the files that the task was made from, by id, as the ledger keeps them.
    """
    moment = {"starttime": {"$lte": pick["time"]}, "endtime": {"$gte": pick["time"]}}
    fields = ("chan", "starttime", "endtime", "npts", "sampling_rate", "foff", "nbytes", "file_id")
    query = {"channel_group": pick["channel_group"]} | moment
    segments = list(db.wf_miniseed.find(query, dict.fromkeys(fields, 1)).sort("chan", 1))
    files = _files(db, (segment["file_id"] for segment in segments), used)
    return [_those(segment, ("_id", *fields[:-1])) | {"file": files.get(segment["file_id"])} for segment in segments]


def _files(db: Database, identities: Iterable[str], used: dict[str, str]) -> dict[str, Json]:
    identities = sorted(set(identities))
    states = file_states(db, identities)
    contents = {" ".join(state.split()[:2]) for state in used.values()}
    files = {}
    for row in db.wf_file.find({"_id": {"$in": identities}}):
        shown: Json = {"path": f"{row['dir']}/{row['dfile']}"}
        shown |= _those(row, ("size", "mtime_ns", "digest", "state", "error"))
        shown["indexed_at"] = row.get("indexed_at")
        content = content_of(states.get(row["_id"]))
        if row["_id"] in used or content in contents:  # a file that has moved since is the one that was used
            shown["as_used"] = content in contents
        files[row["_id"]] = shown
    return files


def _those(document: Mapping[str, Any], names: Iterable[str]) -> AnyDocument:
    return {name: document[name] for name in names if name in document}
