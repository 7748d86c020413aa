"""The magnitude stage on a real mongod and real files, over waveforms whose ground motion is known."""

import math

import numpy as np
import pytest
from obspy import Stream, Trace, UTCDateTime

from catalogdb.identity import content_id
from catalogdb.jobs import Job
from catalogdb.ledger import tasks
from catalogdb.ledger.execute import execute
from catalogdb.ledger.stage import Shard
from catalogdb.magnitude.local import minus_log_a0
from catalogdb.stages.ingest_waveforms import ingest_waveforms
from catalogdb.stages.magnitude import MagnitudeStage

pytestmark = pytest.mark.integration

CONFIG_ID = "catalog-config"
HOUR = 472000 * 3600.0  # a window of association starts here
RATE = 50.0
SENSITIVITY = 5.0e8
STATIONS = ("AAA", "BBB", "CCC")
DISTANCE_KM = 40.0
# flat to velocity from 0.008 Hz on
RESPONSE = {
    "sensitivity": SENSITIVITY,
    "sensitivity_frequency": 1.0,
    "input_units": "M/S",
    "normalization_factor": 1.0,
    "poles": [[-0.037, 0.037], [-0.037, -0.037]],
    "zeros": [[0.0, 0.0], [0.0, 0.0]],
}


def expected_magnitude(amplitude_m, job, frequency=4.0):
    ratio = frequency * 0.8
    magnification = 2080.0 * ratio**2 / math.sqrt((1 - ratio**2) ** 2 + (1.4 * ratio) ** 2)
    return math.log10(1000 * amplitude_m * magnification) + minus_log_a0(math.hypot(DISTANCE_KM, 10.0), job.magnitude)


def write_waveforms(folder, events, stations=STATIONS, start=HOUR - 600, seconds=4800):
    """One file per channel: 4 Hz wave packets of known displacement around each event's S time, over faint noise."""
    folder.mkdir(exist_ok=True)
    generator = np.random.default_rng(7)
    for sta in stations:
        for chan in ("HHE", "HHN", "HHZ"):
            time = start + np.arange(round(seconds * RATE)) / RATE
            counts = 2.0 * generator.standard_normal(time.size)
            for event_time, amplitude_m in events:
                lag = time - (event_time + 12.0 + 5.0)
                velocity = 8 * np.pi * np.exp(-0.5 * (lag / 2.0) ** 2) * np.sin(8 * np.pi * lag)
                counts += SENSITIVITY * amplitude_m * velocity
            header = {"network": "XX", "station": sta, "channel": chan, "sampling_rate": RATE}
            trace = Trace(np.round(counts).astype(np.int32), header | {"starttime": UTCDateTime(start)})
            Stream([trace]).write(str(folder / f"{sta}.{chan}.mseed"), format="MSEED")


def channel(sta, chan, response=RESPONSE):
    document = {
        "net": "XX",
        "sta": sta,
        "loc": "",
        "chan": chan,
        "lat": 46.0,
        "lon": 13.0,
        "elev": 0.0,
        "starttime": 0.0,
        "endtime": 2.5e9,
    }
    return document | ({"response": response} if response else {})


def origin(time, task_id="associate-task", catalog="test", stations=STATIONS):
    event_id = content_id(CONFIG_ID, time)
    arrivals = [
        {
            "pick_id": f"{sta}{phase}{time}",
            "net": "XX",
            "sta": sta,
            "phase": phase,
            "time": time + delay,
            "distance_km": DISTANCE_KM,
        }
        for sta in stations
        for phase, delay in (("P", 7.0), ("S", 12.0))
    ]
    return {
        "_id": content_id(CONFIG_ID, event_id),
        "catalog": catalog,
        "config_id": CONFIG_ID,
        "task_id": task_id,
        "event_id": event_id,
        "method": "gamma",
        "time": time,
        "latitude": 46.3,
        "longitude": 13.0,
        "depth_km": 10.0,
        "arrivals": arrivals,
    }


def associated(db, *starts):
    """Ledger rows of association windows that are done."""
    for start in starts:
        db.task.insert_one(
            {
                "_id": content_id("associate", CONFIG_ID, {}, start, start + 3600.0),
                "stage": "associate",
                "config_id": CONFIG_ID,
                "shard": {},
                "starttime": start,
                "endtime": start + 3600.0,
                "status": "done",
                "attempts": 0,
            }
        )


@pytest.fixture
def job():
    return Job(name="test", catalog="test")


@pytest.fixture
def stage(job):
    return MagnitudeStage(job, CONFIG_ID)


@pytest.fixture
def network(db, tmp_path):
    """Two events an hour apart by one magnitude, with waveforms, responses and ledger rows."""
    events = [(HOUR + 1000.0, 1e-6), (HOUR + 2000.0, 1e-5)]
    write_waveforms(tmp_path / "waveforms", events)
    summary = ingest_waveforms(db, [tmp_path / "waveforms"])
    assert not summary.problems
    db.channel.insert_many([channel(sta, chan) for sta in STATIONS for chan in ("HHE", "HHN", "HHZ")])
    db.origin.insert_many([origin(time) for time, _ in events])
    associated(db, HOUR, HOUR + 3600.0)
    return events


def run(db, stage):
    to_do, up_to_date = tasks.register(db, stage, stage.plan(db))
    reports = [execute(db, stage, task) for task in to_do]
    assert [report.error for report in reports if report.error] == []
    return reports, up_to_date


def test_magnitudes_of_known_motion_are_written(db, stage, job, network):
    reports, _ = run(db, stage)
    assert len(reports) == 2
    assert reports[0].counts == {"events": 2, "magnitudes": 2, "stations_used": 6}
    assert reports[0].problems == []
    for time, amplitude_m in network:
        event_id = content_id(CONFIG_ID, time)
        magnitude = db.magnitude.find_one({"event_id": event_id})
        assert magnitude["value"] == pytest.approx(expected_magnitude(amplitude_m, job), abs=0.05)
        assert magnitude["_id"] == content_id(CONFIG_ID, event_id, "ML")
        assert magnitude["catalog"] == "test" and magnitude["config_id"] == CONFIG_ID
        assert magnitude["task_id"] == tasks.task_id(stage, Shard({}, HOUR, HOUR + 3600.0))
        assert magnitude["n_stations"] == 3 and magnitude["uncertainty"] < 0.05
    assert db.magnitude.count_documents({}) == 2


def test_a_second_run_does_nothing(db, stage, network):
    run(db, stage)
    before = list(db.magnitude.find().sort("_id", 1))
    assert run(db, stage) == ([], 2)
    assert list(db.magnitude.find().sort("_id", 1)) == before


def test_planned_alone_or_in_a_batch_a_window_has_one_fingerprint(db, stage, network):
    planned = list(stage.plan(db))
    assert [task.fingerprint for task in planned] == [stage.read(db, task.shard).fingerprint for task in planned]
    associated(db, *(HOUR + 3600.0 * hours for hours in range(2, 60)))
    again = {task.shard.starttime: task.fingerprint for task in stage.plan(db)}
    assert len(again) == 60
    assert {task.shard.starttime: task.fingerprint for task in planned}.items() <= again.items()


def test_late_station_makes_just_its_window_stale(db, stage, job, network, tmp_path):
    db.channel.delete_many({"sta": "CCC"})
    reports, _ = run(db, stage)
    assert reports[0].counts == {"events": 2, "magnitudes": 2, "stations_used": 4, "no_response": 2}
    db.channel.insert_many([channel("CCC", chan) for chan in ("HHE", "HHN")])
    reports, up_to_date = run(db, stage)
    assert [report.counts["stations_used"] for report in reports] == [6] and up_to_date == 1


def test_moved_origin_makes_its_window_stale(db, stage, network):
    run(db, stage)
    db.origin.update_one({"time": network[0][0]}, {"$set": {"depth_km": 12.0}})
    reports, up_to_date = run(db, stage)
    assert len(reports) == 1 and up_to_date == 1


def test_magnitudes_go_with_their_events(db, stage, network):
    run(db, stage)
    db.origin.delete_many({})
    db.task.delete_many({"stage": "associate"})
    reports, _ = run(db, stage)
    assert len(reports) == 1
    assert db.magnitude.count_documents({}) == 0


def test_rewritten_file_makes_its_window_stale(db, stage, network, tmp_path):
    run(db, stage)
    write_waveforms(tmp_path / "waveforms", [(time, 2 * amplitude_m) for time, amplitude_m in network], STATIONS[:1])
    ingest_waveforms(db, [tmp_path / "waveforms"])
    before = db.magnitude.find_one({"event_id": content_id(CONFIG_ID, network[0][0])})
    reports, _ = run(db, stage)
    assert len(reports) == 1
    after = db.magnitude.find_one({"event_id": content_id(CONFIG_ID, network[0][0])})
    change = [
        new["value"] - old["value"]
        for old, new in zip(before["station_magnitudes"], after["station_magnitudes"], strict=True)
    ]
    assert change == pytest.approx([math.log10(2), 0.0, 0.0], abs=0.01)


def test_inventory_without_responses_gives_no_magnitude_and_no_error(db, stage, network):
    db.channel.update_many({}, {"$unset": {"response": 1}})
    reports, _ = run(db, stage)
    assert reports[0].status == "done"
    assert reports[0].counts == {"events": 2, "no_response": 6, "too_few_stations": 2}
    assert db.magnitude.count_documents({}) == 0


def test_lost_files_fail_the_task_and_keep_the_magnitudes(db, stage, network, tmp_path):
    run(db, stage)
    before = list(db.magnitude.find().sort("_id"))
    (tmp_path / "waveforms").rename(tmp_path / "away")
    db.origin.update_one({"time": network[0][0]}, {"$set": {"depth_km": 10.1}})
    for _ in range(2):
        to_do, _ = tasks.register(db, stage, stage.plan(db))
        (report,) = [execute(db, stage, task) for task in to_do]
        assert report.status == "failed" and "AAA.HHE.mseed: indexed, but can't be read now" in report.error
        assert list(db.magnitude.find().sort("_id")) == before
    (tmp_path / "away").rename(tmp_path / "waveforms")
    reports, _ = run(db, stage)
    assert reports[0].counts["magnitudes"] == 2


def test_pruned_files_leave_their_station_out(db, stage, network, tmp_path):
    (tmp_path / "waveforms" / "AAA.HHE.mseed").unlink()
    (tmp_path / "waveforms" / "AAA.HHN.mseed").unlink()
    ingest_waveforms(db, [tmp_path / "waveforms"], prune=True)
    reports, _ = run(db, stage)
    assert reports[0].counts == {"events": 2, "magnitudes": 2, "stations_used": 4, "no_horizontal": 2}
    assert not reports[0].problems


def test_vertical_only_station_is_counted_as_such(db, stage, network):
    db.wf_miniseed.delete_many({"sta": "BBB", "chan": {"$ne": "HHZ"}})
    reports, _ = run(db, stage)
    assert reports[0].counts["no_horizontal"] == 2


def test_events_across_the_border_of_windows(db, stage, job, tmp_path):
    """The second event, in the next window, ends the first one's amplitude window; each gets its own magnitude."""
    first, second = HOUR + 3590.0, HOUR + 3620.0
    write_waveforms(tmp_path / "waveforms", [(first, 1e-6), (second, 1e-4)])
    ingest_waveforms(db, [tmp_path / "waveforms"])
    db.channel.insert_many([channel(sta, chan) for sta in STATIONS for chan in ("HHE", "HHN", "HHZ")])
    db.origin.insert_many([origin(first), origin(second)])
    associated(db, HOUR, HOUR + 3600.0)
    reports, _ = run(db, stage)
    assert [report.counts["magnitudes"] for report in reports] == [1, 1]
    for time, amplitude_m in ((first, 1e-6), (second, 1e-4)):
        magnitude = db.magnitude.find_one({"event_id": content_id(CONFIG_ID, time)})
        assert magnitude["value"] == pytest.approx(expected_magnitude(amplitude_m, job), abs=0.05)


def test_other_catalogs_are_left_alone(db, stage, network):
    db.origin.insert_one(origin(HOUR + 1500.0, catalog="other") | {"config_id": "other-config"})
    reports, _ = run(db, stage)
    assert reports[0].counts["events"] == 2


def test_nothing_associated_nothing_planned(db, stage):
    assert list(stage.plan(db)) == []
