"""The picking stage on a real mongod and real files: which sensor is picked, and what a lost disk does."""

import numpy as np
import obspy
import pytest

from catalogdb.identity import content_id
from catalogdb.jobs import Job
from catalogdb.ledger import tasks
from catalogdb.ledger.execute import execute
from catalogdb.stages.file_states import IDENTITIES_PER_QUERY, file_states
from catalogdb.stages.ingest_waveforms import ingest_waveforms
from catalogdb.stages.pick import PickStage
from catalogdb.waveforms import FileState

HOUR = 472_000 * 3600.0
RATE = 100.0


def traces(group, first, last, onsets=()):
    """Noise of all components of a sensor ("loc.BI") from first to last (s after HOUR), with sudden bursts."""
    location, family = group.split(".")
    made = []
    for number, letter in enumerate("ZNE"):
        data = np.random.default_rng(number).normal(0, 100, round((last - first) * RATE))
        for onset in onsets:
            at = round((onset - first) * RATE)
            burst = min(2000, data.size - at)
            data[at : at + burst] += np.random.default_rng(9).normal(0, 20_000, burst) * np.exp(-np.arange(burst) / 400)
        header = {"network": "XX", "station": "AAA", "location": location, "channel": family + letter}
        header |= {"sampling_rate": RATE, "starttime": obspy.UTCDateTime(HOUR + first)}
        made.append(obspy.Trace(data.astype(np.int32), header))
    return made


def ingest(db, path, *parts):
    obspy.Stream([trace for part in parts for trace in part]).write(str(path), format="MSEED")
    ingest_waveforms(db, [path])
    return path


def stage():
    job = {"name": "test", "catalog": "test", "stages": ["pick"], "pick": {"picker": "stalta", "shard_hours": 1}}
    return PickStage(Job.model_validate(job))


def work(db):
    pick_stage = stage()
    todo, _ = tasks.register(db, pick_stage, list(pick_stage.plan(db)))
    return [execute(db, pick_stage, planned) for planned in todo]


def ledger(db):
    return db.task.find_one({"stage": "pick", "starttime": HOUR})


def test_a_sensor_with_an_hour_of_data_beats_a_better_one_with_two_seconds(db, tmp_path):
    ingest(db, tmp_path / "a", traces(".HH", 100, 102), traces(".HN", 0, 3599, [600, 1800]))
    (report,) = work(db)
    row = ledger(db)
    assert report.status == "done" and row["choices"]["channel_group"] == "XX.AAA..HN"
    assert row["choices"]["candidates"] == [
        {"channel_group": "XX.AAA..HH", "seconds": pytest.approx(2.0)},
        {"channel_group": "XX.AAA..HN", "seconds": pytest.approx(3599.0)},
    ]
    assert "seconds_on_other_sensors" not in row["counts"]
    assert set(db.pick.distinct("channel_group")) == {"XX.AAA..HN"}
    assert work(db) == []


def test_priority_decides_among_sensors_with_enough_data(db, tmp_path):
    ingest(db, tmp_path / "a", traces(".HN", 0, 3599), traces("00.HH", 0, 2000), traces("10.HH", 0, 2000))
    work(db)
    assert ledger(db)["choices"]["channel_group"] == "XX.AAA.00.HH"
    assert ledger(db)["counts"]["seconds_on_other_sensors"] == 1599


@pytest.mark.parametrize(("seconds", "chosen"), [(1000, "XX.AAA..HH"), (999, "XX.AAA..HN")])
def test_a_better_sensor_with_half_of_the_best_covered_one_s_data_is_picked(db, tmp_path, seconds, chosen):
    ingest(db, tmp_path / "a", traces(".HN", 0, 2000), traces(".HH", 0, seconds))
    work(db)
    assert ledger(db)["choices"]["channel_group"] == chosen


def test_what_a_change_of_the_location_code_loses_is_counted(db, tmp_path):
    ingest(db, tmp_path / "a", traces(".HH", 0, 600), traces("00.HH", 600, 3599))
    work(db)
    assert ledger(db)["choices"]["channel_group"] == "XX.AAA.00.HH"
    assert ledger(db)["counts"]["seconds_on_other_sensors"] == 600


def test_the_same_data_twice_cover_no_more(db, tmp_path):
    for name in ("a", "b", "c"):
        ingest(db, tmp_path / name, traces(".HN", 0, 1500))
    ingest(db, tmp_path / "d", traces(".HH", 0, 800))
    work(db)
    assert ledger(db)["choices"]["channel_group"] == "XX.AAA..HH"


def test_only_what_lies_inside_the_shard_counts(db, tmp_path):
    ingest(db, tmp_path / "a", traces(".HN", 0, 3599), traces(".HH", 3500, 9000))
    work(db)
    assert ledger(db)["choices"]["channel_group"] == "XX.AAA..HN"


def test_sensors_outside_the_priority_are_named(db, tmp_path):
    ingest(db, tmp_path / "a", traces(".XH", 0, 100), traces(".LN", 0, 100))
    (report,) = work(db)
    row = ledger(db)
    assert row["status"] == "done" and row["counts"]["no_sensor_in_priority"] == 1
    assert [line for line in report.problems if "XX.AAA..LN, XX.AAA..XH" in line and "channel_priority" in line]
    assert work(db) == []


def test_geophones_are_picked_by_default(db, tmp_path):
    ingest(db, tmp_path / "a", traces(".DP", 0, 3599, [600]))
    work(db)
    assert db.pick.count_documents({"channel_group": "XX.AAA..DP"}) > 0


def test_a_lost_disk_fails_the_task_and_keeps_the_picks(db, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    path = ingest(db, disk / "a", traces(".HH", 0, 3599, [600, 1800]))
    work(db)
    picks = list(db.pick.find().sort("_id"))
    assert picks
    ingest(db, disk / "b", traces("00.BH", 0, 3599))  # another input, so that there is work
    disk.rename(tmp_path / "away")
    disk.mkdir()
    ingest_waveforms(db, [disk])
    (report,) = work(db)
    assert report.status == "failed" and str(path) in report.error and "No such file" in report.error
    assert list(db.pick.find().sort("_id")) == picks
    (report,) = work(db)
    assert report.status == "failed"
    disk.rmdir()
    (tmp_path / "away").rename(disk)
    (report,) = work(db)
    assert report.status == "done" and list(db.pick.find().sort("_id")) == picks
    (tmp_path / "gone").mkdir()
    for file in disk.iterdir():
        file.rename(tmp_path / "gone" / file.name)
    ingest_waveforms(db, [disk], prune=True)
    (report,) = work(db)
    assert report.status == "done" and db.pick.count_documents({}) == 0


def test_a_bad_record_costs_only_itself(db, tmp_path):
    path = ingest(db, tmp_path / "a", traces(".HH", 0, 3599, [600, 1800]))
    content = bytearray(path.read_bytes())
    content[4096 * 3 + 200 : 4096 * 3 + 3000] = np.random.default_rng(3).bytes(2800)
    path.write_bytes(content)
    ingest_waveforms(db, [path])
    (report,) = work(db)
    assert report.status == "done" and db.pick.count_documents({}) > 0
    assert any("1 records passed over" in problem for problem in report.problems)


def test_states_of_more_files_than_one_query_holds(db):
    count = 2 * IDENTITIES_PER_QUERY + 7
    names = [content_id(number) for number in range(count)]
    rows = [
        {"_id": name, "dir": "/", "dfile": name, "state": "indexed", "size": number, "mtime_ns": 1}
        for number, name in enumerate(names)
    ]
    db.wf_file.insert_many(rows)
    assert file_states(db, names + names) == {name: FileState(number, 1) for number, name in enumerate(names)}
    # far more than fit into one document
    assert file_states(db, (content_id("absent", number) for number in range(400_000))) == {}
