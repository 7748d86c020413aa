"""What associators are compared and tuned on, from the database: a pick set, stations, and a reference catalog."""

from __future__ import annotations

from pymongo.database import Database

from catalogdb.errors import InputError
from catalogdb.event_types import EXISTS
from catalogdb.jobs import Job
from catalogdb.stages.associate import job_picks
from catalogdb.stages.recording import Recording
from catalogdb.stages.station_places import read_places
from catalogdb.tuning.compare import Task


def read_task(db: Database, job: Job, reference: str, starttime: float, endtime: float) -> Task:
    """Read the job's picks and stations and the reference's events of a period (epoch seconds UTC).

    Where the reference was made from the same picks its events bring theirs, so that assignments can be judged.

    Raises:
        InputError: where the period holds no pick, no station or no reference event.
    """
    margin = job.associate.overlap_seconds
    first, last = starttime - margin, endtime + margin
    picks = list(job_picks(db, job, first, last))
    places = read_places(db, first, last, {pick["sta"] for pick in picks}, job.stations.takes)
    in_operation, placed = places.rows(picks, starttime, endtime)
    stations = Recording(db, job.pick_set_name).take(in_operation, placed, first, last)
    events = list(
        db.event.find(
            {"catalog": reference, "time": {"$gte": starttime, "$lt": endtime}, "latitude": {"$type": "number"}}
            | EXISTS,
            {"time": 1, "latitude": 1, "longitude": 1, "origins.arrivals.pick_id": 1},
        ).sort([("time", 1), ("_id", 1)])
    )
    for found, what, hint in (
        (picks, f"pick set {job.pick_set_name} has no pick", "catalogdb count picks lists the pick sets."),
        (stations, "no station of the job is in operation", "catalogdb ingest stations FILE adds them."),
        (events, f"catalog {reference} has no located event", "catalogdb ingest catalog FILE --name NAME adds one."),
    ):
        if not found:
            raise InputError(f"{what} in the period", hint=hint)
    known = {pick["_id"] for pick in picks}
    rows = []
    for event in events:
        own = {arrival["pick_id"] for origin in event["origins"] for arrival in origin.get("arrivals", ())}
        rows.append({name: event[name] for name in ("time", "latitude", "longitude")} | {"picks": sorted(own & known)})
    return Task(placed, stations, job.region, starttime, endtime, rows)
