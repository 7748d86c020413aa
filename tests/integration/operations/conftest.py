"""One small finished job for all tests of operations: four stations, an hour, the demo network."""

import uuid

import pytest
from databases import dump

from catalogdb.database.connection import connect, mspass_database
from catalogdb.database.initialise import initialise
from catalogdb.demo.dataset import write_demo_day
from catalogdb.jobs import load_job
from catalogdb.runs.run import run_job
from catalogdb.stages.ingest_catalog import ingest_catalog
from catalogdb.stages.ingest_stations import ingest_stations
from catalogdb.stages.ingest_waveforms import ingest_waveforms

JOB = """
name: ops
catalog: ops
stages: [pick, associate, magnitude]
pick: {picker: phasenet, weights: demo, shard_hours: 1}
associate: {associator: pyocto, window_seconds: 1200, min_picks: 4, min_p: 2, min_s: 0}
"""


class Place:
    """A database, and the job that fills it."""

    def __init__(self, settings, folder):
        self.settings, self.folder = settings, folder
        self.db = connect(settings)
        self.job_file = folder / "ops.yaml"

    def run(self, *overrides, **options):
        return run_job(self.settings, load_job(self.job_file, overrides), **options)

    def dump(self, *without):
        return dump(self.db, *without)


@pytest.fixture(scope="session")
def finished(server, tmp_path_factory):
    """A database with the day, its true catalog, and catalogs `ops` and `twin` of the same settings; left as it is."""
    folder = tmp_path_factory.mktemp("operations")
    day = write_demo_day(folder, 5, "2024-03-27T11:30:00", duration_s=3600, stations=4, events=5, lowest_ml=1.5, gaps=0)
    (folder / "ops.yaml").write_text(JOB)
    place = Place(_own(server), folder)
    initialise(place.db)
    ingest_stations(place.db, mspass_database(place.settings), [day.stations_path])
    assert ingest_waveforms(place.db, [day.waveforms_dir]).problems == []
    ingest_catalog(place.db, [day.truth_path], "truth")
    place.reports = [place.run(), place.run(name="twin")]
    assert [report.status for report in place.reports] == ["done", "done"]
    yield place
    place.db.client.drop_database(place.settings.database)


@pytest.fixture(scope="session")
def spare(server, finished):
    """A second database; to make one for each test would take longer than the tests."""
    place = Place(_own(server), finished.folder)
    initialise(place.db)
    yield place
    place.db.client.drop_database(place.settings.database)


@pytest.fixture
def copy(finished, spare):
    """What `finished` holds in a database that the test may change."""
    for name, documents in finished.dump("migration").items():
        spare.db[name].delete_many({})
        if documents:
            spare.db[name].insert_many(documents)
    place = Place(spare.settings, finished.folder)
    place.reports = finished.reports
    return place


@pytest.fixture
def failing(copy):
    """Lets the waveforms of one station vanish unnoticed, with its picks to be made over; they can be brought back."""
    segments = {"sta": "BAD"}
    copy.db.task.update_many({"stage": "pick", "shard.sta": "BAD"}, {"$set": {"status": "pending"}})
    copy.db.wf_miniseed.update_many(segments, [{"$set": {"dfile": {"$concat": ["gone-", "$dfile"]}}}])

    def bring_back():
        change = {"$set": {"dfile": {"$substrCP": ["$dfile", len("gone-"), 1000]}}}
        copy.db.wf_miniseed.update_many(segments, [change])

    copy.bring_back = bring_back
    return copy


def _own(server):
    return server.model_copy(update={"database": f"test_{uuid.uuid4().hex[:12]}"})
