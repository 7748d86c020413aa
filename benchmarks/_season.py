"""Three days of four stations, a database with what was made of them, and changes of their files."""

from __future__ import annotations

import os
import shutil
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import obspy

from catalogdb.database.connection import connect, mspass_database
from catalogdb.database.initialise import initialise
from catalogdb.demo.dataset import write_demo_day
from catalogdb.identity import canonical_json, file_sha256
from catalogdb.jobs import Job, load_job
from catalogdb.runs.run import run_job
from catalogdb.runs.run_report import RunReport
from catalogdb.runs.stale import Staleness, stale_of_job
from catalogdb.schema import collections
from catalogdb.settings import Settings
from catalogdb.stages.ingest_catalog import ingest_catalog
from catalogdb.stages.ingest_stations import ingest_stations
from catalogdb.stages.ingest_waveforms import ingest_waveforms

MIDNIGHTS = ("2024-03-28", "2024-03-29")
HALF_SECONDS = 1200
DAYS = ("2024-03-27", *MIDNIGHTS)
RESULT_KEYS = {
    "pick": "pick_set",
    "peak": "pick_set",
    "event": "catalog",
    "task": "result",
    "pick_set": "_id",
    "catalog": "_id",
}
STAGES = ("pick", "associate", "magnitude", "assemble")
JOB = """
name: season
catalog: season
stages: [pick, associate, magnitude, evaluate]
region: {minlatitude: 45.5, maxlatitude: 47.0, minlongitude: 11.5, maxlongitude: 14.5, maxdepth_km: 40}
pick: {picker: stalta}
associate: {associator: pyocto, window_seconds: 600, overlap_seconds: 120, min_picks: 4, min_p: 2, min_s: 0}
evaluate: {reference: truth}
"""


class Season:
    """An archive of day files, and a database with what was made of it.

    Args:
        server: settings of a running server.
        folder: where the archive is written.
    """

    def __init__(self, server: Settings, folder: Path):
        self.folder = folder
        self.waveforms, self.stations, self.truth = folder / "waveforms", folder / "stations.xml", folder / "truth.xml"
        self.job_file = folder / "job.yaml"
        self.overrides: list[str] = []
        self._write()
        self.place, self.scratch = Place(server), Place(server)
        self.db = self.place.db

    def _write(self) -> None:
        """Day files, not compressed, so that other samples can take the same bytes."""
        catalog = obspy.core.event.Catalog()
        for number, midnight in enumerate(MIDNIGHTS):
            part = self.folder / f"part{number}"
            start = (obspy.UTCDateTime(midnight) - HALF_SECONDS).isoformat()
            day = write_demo_day(
                part, 3 + number, start, duration_s=2 * HALF_SECONDS, stations=4, events=4, lowest_ml=1.5, gaps=0
            )
            catalog += obspy.read_events(str(day.truth_path))
            for path in day.waveform_files:
                self._split(obspy.read(str(path)))
            shutil.copy(day.stations_path, self.stations)
        catalog.write(str(self.truth), format="QUAKEML")
        self.job_file.write_text(JOB)
        for path in (self.waveforms, self.stations, self.truth):
            kept = self.folder / "kept" / path.name
            kept.parent.mkdir(exist_ok=True)
            shutil.copytree(path, kept) if path.is_dir() else shutil.copy(path, kept)

    def _split(self, stream: obspy.Stream) -> None:
        for day in DAYS:
            start = obspy.UTCDateTime(day)
            for trace in stream.slice(start, start + 86400 - 1e-6, nearest_sample=False):
                path = self.file(trace.stats.station, day, trace.stats.channel)
                path.parent.mkdir(parents=True, exist_ok=True)
                held = obspy.read(str(path)) if path.exists() else obspy.Stream()
                (held + trace).write(str(path), "MSEED", encoding="INT32", reclen=4096)

    def file(self, station: str, day: str, channel: str) -> Path:
        """A channel's file of one day."""
        return self.waveforms / day / f"OX.{station}..{channel}"

    def files(self, station: str, day: str) -> list[Path]:
        """A station's files of one day."""
        return sorted((self.waveforms / day).glob(f"OX.{station}..*"))

    def ingest(self, place: Place | None = None) -> Any:
        """Bring stations, waveforms and the reference in a database to what the files say."""
        place = place or self.place
        db = place.db
        ingest_stations(db, place.mspass, [self.stations])
        held = db.catalog.find_one({"_id": "truth"})
        changed = held is not None and held["config"]["files"][0]["sha256"] != file_sha256(self.truth)
        ingest_catalog(db, [self.truth], "truth", replace=changed)
        return ingest_waveforms(db, [self.waveforms], prune=True)

    def job(self) -> Job:
        """The job with what was changed of it."""
        return load_job(self.job_file, self.overrides)

    def run(self, replace: bool = False) -> RunReport:
        """Run the job."""
        return run_job(self.place.settings, self.job(), replace=replace)

    def stale(self) -> Staleness:
        """What is stale."""
        return stale_of_job(self.db, self.job())

    def ledger(self) -> dict[str, dict[str, Any]]:
        """The job's rows of the ledger."""
        return {row["_id"]: row for row in self.db.task.find({"stage": {"$in": STAGES}})}

    def compared(self) -> Any:
        """When the comparison was last made."""
        return [row["ended"] for row in self.db.comparison.find().sort("_id")]

    def from_scratch(self) -> dict[str, list[Any]]:
        """The documents that the present files give in a database without results."""
        self.scratch.remove_results()
        self.ingest(self.scratch)
        run_job(self.scratch.settings, self.job())
        return documents(self.scratch.db)

    def reset(self) -> None:
        """The archive and the job as they were first, ingested in an empty database."""
        self.restore()
        self.ingest()

    def restore(self) -> None:
        """The archive and the job as they were first, and an empty database."""
        self.overrides = []
        for path in (self.waveforms, self.stations, self.truth):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
            kept = self.folder / "kept" / path.name
            shutil.copytree(kept, path) if kept.is_dir() else shutil.copy(kept, path)
        self.place.clear()

    def drop(self) -> None:
        """Remove both databases."""
        for place in (self.place, self.scratch):
            place.db.client.drop_database(place.db.name)


class Place:
    """A new database on a server."""

    def __init__(self, server: Settings):
        self.settings = server.model_copy(update={"database": f"stale_{uuid.uuid4().hex[:12]}"})
        self.db = connect(self.settings)
        initialise(self.db)
        self.mspass = mspass_database(self.settings)

    def remove_results(self) -> None:
        """Take out all but what was ingested."""
        for name, key in RESULT_KEYS.items():
            self.db[name].delete_many({key: {"$ne": "truth"}})
        for name in ("origin", "magnitude", "comparison", "pick_match", "event_match", "score", "run"):
            self.db[name].delete_many({})

    def clear(self) -> None:
        """Take everything out but the schema."""
        for name in collections():
            if name != "migration":
                self.db[name].delete_many({})


def documents(db: Any) -> dict[str, list[Any]]:
    """All that users see of the results; matches have no identity of their own."""
    content = {name: list(db[name].find().sort("_id")) for name in ("pick", "origin", "magnitude", "event")}
    for name in ("pick_match", "event_match", "score"):
        content[name] = sorted(canonical_json(row) for row in db[name].find({}, {"_id": 0}))
    return content


# -- changes of its files


def other_samples(path: Path) -> None:
    """The samples four seconds later, in the same bytes."""
    size = path.stat().st_size
    stream = obspy.read(str(path))
    for trace in stream:
        trace.data = np.roll(trace.data, 400)
    stream.write(str(path), "MSEED", encoding="INT32", reclen=4096)
    assert path.stat().st_size == size


def other_compression(paths: list[Path]) -> None:
    """The same samples in other bytes."""
    for path in paths:
        size = path.stat().st_size
        obspy.read(str(path)).write(str(path), "MSEED", encoding="STEIM2", reclen=4096)
        assert path.stat().st_size != size


def touch(folder: Path) -> None:
    """Another modification time for every file."""
    for path in folder.rglob("*"):
        if path.is_file():
            os.utime(path)


def moved_station(stations: Path, station: str, degrees: float) -> None:
    """Other coordinates of a station and its channels."""
    inventory = obspy.read_inventory(str(stations))
    for place in inventory.select(station=station)[0]:
        place.latitude = float(place.latitude) + degrees
        for channel in place:
            channel.latitude = float(channel.latitude) + degrees
    inventory.write(str(stations), format="STATIONXML")


def other_sensitivity(stations: Path, station: str, factor: float) -> None:
    """Another gain of a station's sensor."""
    inventory = obspy.read_inventory(str(stations))
    for place in inventory.select(station=station)[0]:
        for channel in place:
            channel.response.instrument_sensitivity.value *= factor
    inventory.write(str(stations), format="STATIONXML")


def moved_reference_event(truth: Path) -> None:
    """Another origin time of one event of the reference, by 0.3 s."""
    catalog = obspy.read_events(str(truth))
    catalog[0].preferred_origin().time += 0.3
    catalog.write(str(truth), format="QUAKEML")
