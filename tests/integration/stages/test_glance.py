"""The short cut of planning: an unchanged index is seen as such by its sums alone, and no change goes unseen."""

import numpy as np
import obspy
import pymongo
import pytest
from pymongo.monitoring import CommandListener

from catalogdb.database.connection import connection_uri
from catalogdb.jobs import Job
from catalogdb.ledger import tasks
from catalogdb.ledger.execute import execute
from catalogdb.ledger.parts import fingerprint
from catalogdb.runs.stale import stale_of_job
from catalogdb.stages.glance import NO_SEGMENTS
from catalogdb.stages.ingest_waveforms import ingest_waveforms
from catalogdb.stages.pick import PickStage

DAY = 19_700 * 86_400.0
JOB = {"name": "test", "catalog": "test", "stages": ["pick"], "pick": {"picker": "stalta", "shard_hours": 1}}


def write(folder, station, hour, seconds=3600, channels=("HHZ", "HHN", "HHE"), seed=0, offset=0.0):
    """One file with noise of a station from `hour` of the day on, and half a minute of the hour after it."""
    data = np.random.default_rng(seed).normal(0, 100, int((seconds + 30) * 20)).astype(np.int32)
    header = {"network": "XX", "station": station, "sampling_rate": 20.0}
    header["starttime"] = obspy.UTCDateTime(DAY + hour * 3600 + offset)
    stream = obspy.Stream([obspy.Trace(data, header | {"channel": channel}) for channel in channels])
    path = folder / f"{station}.{hour}.{seed}.{channels[0]}"
    stream.write(str(path), format="MSEED")
    return path


@pytest.fixture
def archive(tmp_path, db):
    """Three hours of two stations, ingested and picked."""
    files = {(station, hour): write(tmp_path, station, hour) for station in ("AAA", "BBB") for hour in range(3)}
    ingest_waveforms(db, list(files.values()))
    work(db)
    return files


def stage():
    return PickStage(Job.model_validate(JOB))


def work(db):
    pick_stage = stage()
    todo, _ = tasks.register(db, pick_stage, list(pick_stage.plan(db)))
    return {where(planned.shard): execute(db, pick_stage, planned).status for planned in todo}


def where(shard):
    return shard.key["sta"], round((shard.starttime - DAY) / 3600)


def looked_at(db):
    return {where(shard) for shard, _ in stage().changed_parts(db)}


def stale(db):
    return {(task.shard["sta"], round((task.starttime - DAY) / 3600)) for task in stale_of_job(db, job()).tasks}


def job():
    return Job.model_validate(JOB)


def test_of_an_unchanged_archive_no_segment_is_sent(archive, settings):
    sent = []

    class Finds(CommandListener):
        def started(self, event):
            if event.command_name == "find":
                sent.append(event.command["find"])

        succeeded = failed = lambda self, event: None

    with pymongo.MongoClient(connection_uri(settings), event_listeners=[Finds()]) as client:
        listened = client[settings.database]
        assert work(listened) == {} and looked_at(listened) == set()
    assert "task" in sent and "wf_miniseed" not in sent


def test_plan_and_parts_agree(archive, db):
    def planned():
        return {where(item.shard): item.fingerprint for item in stage().plan(db)}

    whole = {where(shard): fingerprint(parts) for shard, parts in stage().parts(db)}
    assert planned() == whole and len(whole) == 8  # three hours each, and half a minute of the fourth
    db.task.update_many({}, {"$unset": {"glance": ""}})
    assert planned() == whole


def test_a_late_file_is_looked_at_with_its_neighbours_and_no_further(archive, db, tmp_path):
    ingest_waveforms(db, [write(tmp_path, "AAA", 6)])
    assert looked_at(db) == {("AAA", 6), ("AAA", 7)} == stale(db)
    assert set(work(db)) == {("AAA", 6), ("AAA", 7)}
    assert looked_at(db) == set()


def test_a_rewritten_file_and_one_that_is_gone_are_seen(archive, db, tmp_path):
    write(tmp_path, "BBB", 1).write_bytes(write(tmp_path, "BBB", 1, seed=5).read_bytes())
    ingest_waveforms(db, [archive["BBB", 1]])
    assert {("BBB", 1), ("BBB", 2)} <= stale(db) == looked_at(db)
    work(db)
    archive["AAA", 2].unlink()
    ingest_waveforms(db, [tmp_path], prune=True)
    assert ("AAA", 2) in stale(db)
    work(db)
    assert stale(db) == looked_at(db) == set()


def test_a_shard_without_segments_left_is_current_once_it_is_done(archive, db):
    db.wf_miniseed.delete_many({"sta": "AAA"})
    assert stale(db) == {("AAA", hour) for hour in range(4)}
    work(db)
    assert looked_at(db) == set()
    assert {row["glance"] for row in db.task.find({"shard.sta": "AAA"})} == {NO_SEGMENTS}


def test_what_changes_the_index_and_no_input_is_looked_at_once(archive, db, tmp_path):
    strong = [write(tmp_path, "AAA", hour, channels=("HNZ", "HNN", "HNE")) for hour in range(3)]
    ingest_waveforms(db, strong)
    touched = looked_at(db)
    assert touched == {("AAA", hour) for hour in range(4)}
    again = work(db)
    assert looked_at(db) == set() and set(again) <= touched


def test_other_orientations_are_seen(db, tmp_path):
    ingest_waveforms(db, [write(tmp_path, "CCC", 0, channels=("HHZ", "HH1", "HH2"))])
    epoch = {"net": "XX", "sta": "CCC", "loc": "", "starttime": 0.0, "endtime": 4e9}
    channels = [epoch | {"chan": chan, "hang": hang, "vang": 90.0} for chan, hang in (("HH1", 0.0), ("HH2", 90.0))]
    db.channel.insert_many([{"lat": 46.0, "lon": 13.0, "elev": 0.1, **channel} for channel in channels])
    work(db)
    assert looked_at(db) == set()
    db.channel.update_one({"chan": "HH1"}, {"$set": {"hang": 90.0}})
    db.channel.update_one({"chan": "HH2"}, {"$set": {"hang": 0.0}})
    assert looked_at(db) == {("CCC", 0), ("CCC", 1)} == stale(db)


def test_segments_indexed_before_they_had_numbers_are_looked_at(archive, db):
    db.wf_miniseed.update_one({"sta": "AAA"}, {"$unset": {"extent_number": ""}})
    assert looked_at(db) and stale(db) == set()


def test_a_task_that_is_not_done_is_looked_at(archive, db):
    db.task.update_one({"shard.sta": "BBB", "starttime": DAY}, {"$set": {"status": "failed", "error": "x"}})
    assert looked_at(db) == {("BBB", 0)} == stale(db)


def test_many_scattered_changes_are_found(archive, db, tmp_path):
    hours = range(10, 240, 2)  # more separate times than one query names
    ingest_waveforms(db, [write(tmp_path, "AAA", hour, seconds=60) for hour in hours])
    assert looked_at(db) == {("AAA", hour) for hour in hours}
