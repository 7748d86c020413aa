"""The picking stage on a real mongod and real files: which sensor is picked, and what a lost disk does."""

import numpy as np
import obspy
import pytest

from catalogdb.identity import canonical, content_id
from catalogdb.jobs import Job
from catalogdb.ledger import tasks
from catalogdb.ledger.execute import execute
from catalogdb.stages.file_states import IDENTITIES_PER_QUERY, file_states
from catalogdb.stages.ingest_waveforms import ingest_waveforms
from catalogdb.stages.pick import PickStage
from catalogdb.stages.repick import repick
from catalogdb.stages.results import ResultName, claim_names
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


def stage(shard_hours=1):
    pick = {"picker": "stalta", "shard_hours": shard_hours}
    return PickStage(Job.model_validate({"name": "test", "catalog": "test", "stages": ["pick"], "pick": pick}))


def work(db, shard_hours=1):
    pick_stage = stage(shard_hours)
    todo, _ = tasks.register(db, pick_stage, list(pick_stage.plan(db)))
    return [execute(db, pick_stage, planned) for planned in todo]


def ledger(db):
    return db.task.find_one({"stage": "pick", "starttime": HOUR})


def test_an_hour_of_data_beats_two_seconds_of_a_better_sensor(db, tmp_path):
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
    assert [turn["channel_group"] for turn in ledger(db)["choices"]["turns"]] == ["XX.AAA.00.HH", "XX.AAA..HN"]
    assert "seconds_on_other_sensors" not in ledger(db)["counts"]


def turns(db):
    return [
        (turn["channel_group"][7:], round(turn["starttime"] - HOUR), round(turn["endtime"] - HOUR))
        for turn in ledger(db)["choices"]["turns"]
    ]


def picked_on(db):
    """Group, channel, phase and second of each pick, ascending in time."""
    rows = db.pick.find().sort("time", 1)
    return [(row["channel_group"][7:], row["chan"], row["phase"], round(row["time"] - HOUR)) for row in rows]


def test_a_change_of_the_location_code_loses_nothing(db, tmp_path):
    ingest(db, tmp_path / "a", traces(".HH", 0, 600, [300]), traces("00.HH", 600, 3599, [1800]))
    work(db)
    assert turns(db) == [(".HH", 0, 600), ("00.HH", 600, 3599)]
    found = {(group, second) for group, _, phase, second in picked_on(db) if phase == "P"}
    assert found == {(".HH", 300), ("00.HH", 1800)}
    assert {row["channel_group"] for row in db.peak.find()} == {"XX.AAA..HH", "XX.AAA.00.HH"}
    assert work(db) == []


def test_a_better_sensor_that_returns_is_picked_again(db, tmp_path):
    onsets = [300, 1800, 3000]
    better = [*traces(".HH", 0, 1200, onsets[:1]), *traces(".HH", 2400, 3599, onsets[2:])]
    ingest(db, tmp_path / "a", better, traces(".HN", 0, 3599, onsets))
    work(db)
    assert turns(db) == [(".HH", 0, 1199), (".HN", 1199, 2401), (".HH", 2401, 3599)]
    found = {(group, second) for group, _, phase, second in picked_on(db) if phase == "P"}
    assert found == {(".HH", 300), (".HN", 1800), (".HH", 3000)}
    assert all(row["turns"] for row in db.peak.find())


def test_an_arrival_where_one_sensor_follows_another_is_one_pick(db, tmp_path):
    ingest(db, tmp_path / "a", traces(".HH", 0, 1201, [1200]), traces(".HN", 0, 3599, [1200.005]))
    work(db)
    assert len([phase for _, _, phase, _ in picked_on(db) if phase == "P"]) == 1


def test_picks_of_sensors_that_take_turns_can_be_chosen_again(db, tmp_path):
    pick_stage = stage()
    names = [ResultName("pick_set", "test", pick_stage.config_id, canonical(pick_stage.config))]
    claim_names(db, names, replace=False)
    better = [*traces(".HH", 0, 1200, [300]), *traces(".HH", 2400, 3599, [3000])]
    ingest(db, tmp_path / "a", better, traces(".HN", 0, 3599, [300, 1800, 3000]))
    work(db)
    repick(db, "test", "again", p_threshold=0.31)
    of_set = [
        sorted(
            (row["channel_group"], row["chan"], row["phase"], row["time"]) for row in db.pick.find({"pick_set": name})
        )
        for name in ("test", "again")
    ]
    assert of_set[0] == of_set[1] and len({row[0] for row in of_set[0]}) == 2


@pytest.mark.parametrize("end", [3599.2, 3600.0, 3600.4, 3601.2, 3640.0])
def test_turns_near_the_border_of_shards_do_not_depend_on_it(db, tmp_path, end):
    onsets = [900, 3560, 3598.5, 3600.2, 3625, 5000]
    ingest(db, tmp_path / "a", traces(".HH", 0, end, [t for t in onsets if t < end - 0.5]))
    ingest(db, tmp_path / "b", traces(".HN", 3500, 7199, onsets[1:]))
    found = []
    for hours in (1, 2):
        work(db, hours)
        rows = db.pick.find({"config_id": stage(hours).config_id}).sort([("time", 1), ("phase", 1)])
        found.append([(row["channel_group"], row["chan"], row["phase"], row["time"]) for row in rows])
    assert found[0] == found[1] and len({row[0] for row in found[0]}) == 2
    times = [row[3] for row in found[0] if row[2] == "P"]
    assert min(np.diff(times)) >= 0.5


def test_sensors_at_different_rates_take_turns(db, tmp_path):
    later = traces(".HN", 1200, 3599, [1800])
    for trace in later:
        trace.decimate(2, no_filter=True)
        trace.data = trace.data.astype(np.int32)
    ingest(db, tmp_path / "a", traces(".HH", 0, 1200, [300]), later)
    work(db)
    assert turns(db) == [(".HH", 0, 1200), (".HN", 1200, 3599)]
    assert {group for group, _, _, _ in picked_on(db)} == {".HH", ".HN"}


def test_picks_say_the_channel_that_they_were_made_on(db, tmp_path):
    data = traces(".HH", 0, 3599, [600, 2400])
    start = obspy.UTCDateTime(HOUR)
    relabelled = []
    for trace in data:
        relabelled.append(trace.slice(endtime=start + 1199.995).copy())
        relabelled.append(trace.slice(starttime=start + 1200).copy())
        relabelled[-1].stats.channel = trace.stats.channel.replace("N", "1").replace("E", "2")
    ingest(db, tmp_path / "a", relabelled)
    work(db)
    found = picked_on(db)
    assert ledger(db)["counts"]["runs"] == 1
    assert {(chan, phase, second) for _, chan, phase, second in found if phase == "P"} == {
        ("HHZ", "P", 600),
        ("HHZ", "P", 2400),
    }
    assert {chan for _, chan, phase, second in found if phase == "S" and second < 1200} <= {"HHN"}
    assert {chan for _, chan, phase, second in found if phase == "S" and second > 1200} == {"HH1"}
    assert {row["components"] for row in db.pick.find({"time": {"$gt": HOUR + 1200}})} == {"Z12"}


def channel(code, from_up, azimuth, **more):
    epoch = {"net": "XX", "sta": "AAA", "loc": "", "chan": code, "starttime": 0.0, "endtime": 2556144000.0}
    return epoch | {"lat": 46.0, "lon": 13.0, "elev": 0.1, "vang": from_up, "hang": azimuth} | more


def test_metadata_say_which_of_123_is_the_vertical(db, tmp_path):
    data = traces(".HH", 0, 3599, [600])
    for trace, letter in zip(data, "312", strict=True):
        trace.stats.channel = "HH" + letter
    ingest(db, tmp_path / "a", data)
    (report,) = work(db)
    assert report.counts["unoriented_seconds"] == 3599 and picked_on(db) == []
    assert any("XX.AAA: 3599 s not picked: which of HH1, HH2, HH3" in line for line in report.problems)
    db.channel.insert_many([channel("HH3", 0.0, 0.0), channel("HH1", 90.0, 0.0), channel("HH2", 90.0, 90.0)])
    (report,) = work(db)
    assert {(chan, phase) for _, chan, phase, _ in picked_on(db)} >= {("HH3", "P")}
    assert ledger(db)["inputs"]["orientation"].keys() == {"XX.AAA..HH3", "XX.AAA..HH1", "XX.AAA..HH2"}
    assert work(db) == []


def test_metadata_that_decide_nothing_make_nothing_stale(db, tmp_path):
    data = traces(".HH", 0, 3599, [600])
    for trace, letter in zip(data, "Z12", strict=True):
        trace.stats.channel = "HH" + letter
    ingest(db, tmp_path / "a", data)
    work(db)
    db.channel.insert_many([channel("HHZ", 0.0, 0.0), channel("HH1", 90.0, 10.0), channel("HH2", 90.0, 100.0)])
    assert work(db) == []
    db.channel.update_one({"chan": "HH1"}, {"$set": {"hang": 80.0}})
    (report,) = work(db)
    assert report.status == "done" and ledger(db)["inputs"]["orientation"] == {"XX.AAA..HH1": "2 from 0 to 2556144000"}


def test_what_is_not_picked_is_said_with_station_seconds_and_reason(db, tmp_path):
    slow = traces(".LH", 0, 3599)
    vertical = traces(".HH", 0, 5)[:1] + traces(".HH", 1000, 3000)[:1]
    ingest(db, tmp_path / "a", slow, vertical)
    (report,) = work(db)
    said = "\n".join(report.problems)
    assert "XX.AAA..HH: 5 s in 1 segments not picked, the longest 5.00 s" in said
    assert "XX.AAA..HH: 2000 s picked without N and E" in said
    assert "XX.AAA: 1594 s not picked: channel_priority has none of its sensors: XX.AAA..LH" in said
    assert report.counts["short_run_seconds"] == 5 and report.counts["incomplete_seconds"] == 2000


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
