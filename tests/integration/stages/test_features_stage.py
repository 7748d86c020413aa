"""Spectral features in the database: two classes of made sources, on a real mongod and real files."""

import numpy as np
import pytest
from made_sources import AFTER, BEFORE, CORNERS_HZ, RATE, made_record
from obspy import Stream, Trace, UTCDateTime
from sklearn.metrics import adjusted_rand_score

from catalogdb.database.connection import connect
from catalogdb.errors import InputError
from catalogdb.features.config import FeaturesConfig
from catalogdb.identity import content_id
from catalogdb.jobs import Job
from catalogdb.ledger import tasks
from catalogdb.ledger.beside import that_count
from catalogdb.ledger.execute import execute
from catalogdb.runs.run import run_job
from catalogdb.runs.stale import stale_of_job
from catalogdb.stages.feature_picture import write_clusters, write_event
from catalogdb.stages.features import FeaturesStage
from catalogdb.stages.ingest_waveforms import ingest_waveforms
from catalogdb.upkeep.prune import count_leftovers, find_leftovers, prune
from catalogdb.upkeep.removal import remove

pytestmark = pytest.mark.integration

CONFIG_ID = "features-config"
START = 1_711_497_600.0
EVENTS, EVERY = 24, 60.0
STATIONS = ("AAA", "BBB")


def write_waveforms(folder, seed=31):
    """One file per station: both classes in turn, a minute apart."""
    folder.mkdir(exist_ok=True)
    generator = np.random.default_rng(seed)
    length = round((BEFORE + AFTER) * RATE)
    for sta in STATIONS:
        samples = generator.standard_normal(round(EVENTS * EVERY * RATE))
        for event in range(EVENTS):
            first = round((event * EVERY + 20.0 - BEFORE) * RATE)
            samples[first : first + length] += made_record(generator, CORNERS_HZ[event % 2], sta, 1.8)
        header = {"network": "XX", "station": sta, "channel": "HHZ", "sampling_rate": RATE}
        trace = Trace(np.round(100 * samples).astype(np.int32), header | {"starttime": UTCDateTime(START)})
        Stream([trace]).write(str(folder / f"{sta}.mseed"), format="MSEED")


def event(number):
    time = START + number * EVERY + 17.0
    arrivals = [
        {"pick_id": f"{sta}{number}", "net": "XX", "sta": sta, "phase": "P", "time": time + 3.0}
        for sta in (*STATIONS, "GONE")
    ]
    origin = {"_id": f"o{number}", "method": "scan", "time": time, "arrivals": arrivals}
    return {
        "_id": content_id("e", number),
        "catalog": "test",
        "config_id": CONFIG_ID,
        "task_id": "assemble-task",
        "time": time,
        "latitude": 46.0 + number / 100,
        "longitude": 13.0,
        "magnitude": 1.5,
        "evaluation_mode": "automatic",
        "evaluation_status": "preliminary",
        "preferred_origin_id": f"o{number}",
        "origins": [origin],
        "magnitudes": [],
        "creation_info": {},
    }


@pytest.fixture
def stage():
    block = FeaturesConfig(patterns=6, states=5)
    return FeaturesStage(Job(name="test", catalog="test", stages=("associate", "features"), features=block), CONFIG_ID)


@pytest.fixture
def network(db, tmp_path):
    write_waveforms(tmp_path / "waveforms")
    assert not ingest_waveforms(db, [tmp_path / "waveforms"]).problems
    db.event.insert_many([event(number) for number in range(EVENTS)])
    return tmp_path / "waveforms"


def run(db, stage):
    to_do, up_to_date = tasks.register(db, stage, stage.plan(db))
    reports = [execute(db, stage, task) for task in to_do]
    assert [report.error for report in reports if report.error] == []
    return reports, up_to_date


def test_events_of_two_classes_are_in_two_clusters(db, stage, network):
    (report,), _ = run(db, stage)
    assert report.counts["event_stations"] == 3 * EVENTS and report.counts["no_waveform"] == EVENTS
    assert report.counts["spectrograms"] == 2 * EVENTS and report.counts["events_with_features"] == EVENTS
    features = list(db.feature.find().sort("time", 1))
    assert [feature["event_id"] for feature in features] == [content_id("e", number) for number in range(EVENTS)]
    labels = [feature["cluster"] for feature in features]
    assert adjusted_rand_score([number % 2 for number in range(EVENTS)], labels) > 0.8
    (model,) = db.feature_model.find()
    assert {model["config_id"], *(feature["config_id"] for feature in features)} == {CONFIG_ID}
    assert model["task_id"] == features[0]["task_id"] and model["catalog"] == "test"
    assert sum(row["n_events"] for row in model["clusters"]) == EVENTS
    rows = list(db.event_clusters.find({"catalog": "test"}))
    assert len(rows) == EVENTS and {row["magnitude"] for row in rows} == {1.5}
    assert [row["cluster"] for row in rows] == sorted(labels)
    assert rows[0]["latitude"] == db.event.find_one({"_id": rows[0]["event_id"]})["latitude"]
    found, lost = stage.outcome(report.counts)
    assert found.startswith(f"{EVENTS} events have spectral features") and "24 without waveforms" in lost[0]
    assert "mean silhouette" in stage.report(db)[1][0]


def test_a_second_run_does_nothing_and_would_give_the_same(db, stage, network):
    run(db, stage)
    before = list(db.feature.find().sort("_id", 1))
    assert run(db, stage) == ([], 1)
    db.task.update_many({}, {"$set": {"fingerprint": "other"}})
    run(db, stage)
    assert list(db.feature.find().sort("_id", 1)) == before


def test_other_waveforms_and_other_arrivals_make_it_stale(db, stage, network):
    run(db, stage)
    write_waveforms(network, seed=32)
    ingest_waveforms(db, [network])
    assert len(run(db, stage)[0]) == 1
    assert run(db, stage) == ([], 1)
    db.event.update_one({"_id": content_id("e", 3)}, {"$set": {"origins.0.arrivals.0.time": START + 201.0}})
    assert len(run(db, stage)[0]) == 1
    db.event.update_one({"_id": content_id("e", 3)}, {"$set": {"magnitude": 2.0}})
    assert run(db, stage) == ([], 1)  # no feature depends on it


def test_features_go_with_the_events(db, stage, network):
    run(db, stage)
    db.event.delete_many({})
    assert len(run(db, stage)[0]) == 1
    assert [db[name].count_documents({}) for name in stage.collections] == [0, 0, 0]


def test_too_few_events_give_none_and_it_is_said(db, stage, network):
    db.event.delete_many({"time": {"$gt": START + 600}})
    (report,), _ = run(db, stage)
    assert report.status == "done" and db.feature.count_documents({}) == 0
    assert "too few to learn from" in stage.notes(report.counts, 1, 1)[0]


def test_equal_events_are_in_no_clusters_and_it_is_said(db, network, tmp_path):
    same = np.round(100 * made_record(np.random.default_rng(2), 4.0, "AAA", 1.8)).astype(np.int32)
    samples = np.resize(same, round(EVENTS * EVERY * RATE))  # a window is half of what lies between two events
    for sta in STATIONS:
        header = {"network": "XX", "station": sta, "channel": "HHZ", "sampling_rate": RATE}
        Trace(samples, header | {"starttime": UTCDateTime(START + 20.0 - BEFORE)}).write(
            str(network / f"{sta}.mseed"), format="MSEED"
        )
    ingest_waveforms(db, [network])
    block = FeaturesConfig(patterns=6, states=5, overlapping=True)
    job = Job(name="test", catalog="test", stages=("associate", "features"), features=block)
    stage = FeaturesStage(job, CONFIG_ID)
    (report,), _ = run(db, stage)
    assert report.counts["clusters"] == 1
    assert stage.report(db)[1] == ["features: no clusters, for too few of the events differ"]
    db.catalog.insert_one(
        {
            "_id": "test",
            "kind": "automatic",
            "config_id": CONFIG_ID,
            "config": {"features": stage.identity(job)["features"]},
        }
    )
    assert write_clusters(db, "test", tmp_path / "clusters.png")["clusters"] == {"1": EVENTS}


def test_fingerprints_are_written_in_parts_and_replaced_whole(db, stage, network, monkeypatch):
    monkeypatch.setattr("catalogdb.ledger.beside.BATCH", 7)
    run(db, stage)
    (row,) = db.task.find()
    first = {one["_id"]: one["fingerprint"] for one in db.fingerprint.find(that_count(db, row["_id"]))}
    assert len(first) == db.fingerprint.count_documents({}) == 2 * EVENTS
    assert all(sum(one) == pytest.approx(1.0, abs=1e-4) and len(one) == 25 for one in first.values())
    db.task.update_many({}, {"$set": {"fingerprint": "other"}})
    run(db, stage)
    assert db.fingerprint.count_documents({}) == 2 * EVENTS and db.task.find_one()["mark"] != row["mark"]
    again = {one["_id"].split("-")[0]: one["fingerprint"] for one in db.fingerprint.find()}
    assert again == {name.split("-")[0]: one for name, one in first.items()}


def test_what_an_attempt_left_without_a_commit_counts_nothing(db, stage, network, monkeypatch):
    run(db, stage)
    (row,) = db.task.find()
    before = list(db.fingerprint.find(that_count(db, row["_id"])).sort("_id", 1))
    db.task.update_many({}, {"$set": {"fingerprint": "other"}})
    monkeypatch.setattr("catalogdb.ledger.tasks.commit", broken)
    to_do, _ = tasks.register(db, stage, stage.plan(db))
    assert [execute(db, stage, task).status for task in to_do] == ["failed"]
    monkeypatch.undo()
    assert db.fingerprint.count_documents({}) == 4 * EVENTS
    assert list(db.fingerprint.find(that_count(db, row["_id"])).sort("_id", 1)) == before
    run(db, stage)
    assert db.fingerprint.count_documents({}) == 2 * EVENTS, "it goes with the next attempt"


def test_attempts_that_fail_again_and_again_leave_one_set(db, stage, network, monkeypatch):
    monkeypatch.setattr("catalogdb.ledger.tasks.commit", broken)
    for _ in range(3):
        to_do, _ = tasks.register(db, stage, stage.plan(db))
        assert [execute(db, stage, task).status for task in to_do] == ["failed"]
    assert db.fingerprint.count_documents({}) == 2 * EVENTS


def test_fingerprints_that_count_no_more_are_pruned(db, stage, network, monkeypatch):
    db.catalog.insert_one({"_id": "test", "kind": "automatic", "config_id": CONFIG_ID})
    run(db, stage)
    (row,) = db.task.find()
    db.task.update_many({}, {"$set": {"fingerprint": "other"}})
    monkeypatch.setattr("catalogdb.ledger.beside.drop_older", lambda *_: None)  # killed before it
    run(db, stage)
    assert db.fingerprint.count_documents({}) == 4 * EVENTS
    db.task.update_many({}, {"$set": {"lease": {"token": "a", "owner": "b"}}})
    assert count_leftovers(db, find_leftovers(db))[0] == {}, "a worker may be writing them"
    db.task.update_many({}, {"$unset": {"lease": ""}})
    found = find_leftovers(db)
    assert count_leftovers(db, found)[0] == {"fingerprint": 2 * EVENTS}
    assert prune(db, found)[0] == {"fingerprint": 2 * EVENTS}
    assert db.fingerprint.count_documents(that_count(db, row["_id"])) == db.fingerprint.count_documents({})


def broken(*_):
    raise ValueError("the disk is full")


def test_an_unreadable_file_takes_away_its_own_arrivals_alone(db, stage, network):
    path = network / "BBB.mseed"
    content = path.read_bytes()
    path.unlink()
    (report,), _ = run(db, stage)
    assert report.counts["unreadable"] == report.counts["spectrograms"] == report.counts["no_waveform"] == EVENTS
    assert any("BBB.mseed" in problem for problem in report.problems)
    assert db.feature.count_documents({"stations.sta": "AAA"}) == EVENTS
    assert db.feature.count_documents({"stations.sta": "BBB"}) == 0
    assert f"{EVENTS} in files that can't be read now" in stage.outcome(report.counts)[1][0]
    path.write_bytes(content)
    ingest_waveforms(db, [network])
    (report,), _ = run(db, stage)
    assert report.counts["spectrograms"] == 2 * EVENTS and "unreadable" not in report.counts
    assert run(db, stage) == ([], 1)


def test_an_archive_that_is_not_mounted_costs_no_features(db, stage, network):
    run(db, stage)
    before = list(db.feature.find())
    db.task.update_many({}, {"$set": {"fingerprint": "other"}})
    network.rename(network.parent / "elsewhere")
    to_do, _ = tasks.register(db, stage, stage.plan(db))
    (report,) = [execute(db, stage, task) for task in to_do]
    assert report.status == "failed" and "can't be read now" in report.error
    assert list(db.feature.find()) == before


def test_spectrograms_that_do_not_fit_are_refused_unread(db, stage, network, monkeypatch):
    monkeypatch.setattr("catalogdb.training.formats.bytes_for_records", lambda: 1e5)
    to_do, _ = tasks.register(db, stage, stage.plan(db))
    (report,) = [execute(db, stage, task) for task in to_do]
    assert report.status == "failed" and "GB of memory" in report.error and "shorter after_seconds" in report.error


def test_pictures_are_drawn_of_clusters_and_of_an_event(db, stage, network, tmp_path):
    run(db, stage)
    db.catalog.insert_one(
        {
            "_id": "test",
            "kind": "automatic",
            "config_id": CONFIG_ID,
            "config": {"features": stage.identity(stage.job)["features"]},
        }
    )
    drawn = write_clusters(db, "test", tmp_path / "clusters.png")
    assert drawn["events"] == EVENTS and (tmp_path / "clusters.png").read_bytes()[:4] == b"\x89PNG"
    event_id = content_id("e", 4)
    drawn = write_event(db, "test", event_id[:10], "XX.BBB", tmp_path / "event.svg", "dark")
    assert drawn["event_id"] == event_id and b"<svg" in (tmp_path / "event.svg").read_bytes()
    with pytest.raises(InputError, match="no spectral features at station 'XX.GONE'"):
        write_event(db, "test", event_id, "XX.GONE", tmp_path / "event.svg")
    with pytest.raises(InputError, match="no catalog 'nosuch'"):
        write_clusters(db, "nosuch", tmp_path / "clusters.png")


def test_a_block_is_enough_and_a_job_without_is_as_it_was(engine_day):
    block = "features={min_events: 4, overlapping: true, min_snr: 0, patterns: 4, states: 3}"
    job = engine_day.job(block)
    assert job.stages == ("pick", "associate", "magnitude", "features", "evaluate")
    settings = engine_day.filled()
    report = run_job(settings, job)
    assert report.status == "done" and report.stages["features"].done == 1, report
    assert any(note.startswith("features: 2 clusters of mean silhouette") for note in report.notes), report.notes
    db = connect(settings)
    assert db.feature.count_documents({"catalog": "engines"}) == db.event.count_documents({"catalog": "engines"})
    assert run_job(settings, job).nothing_to_do
    one = db.event.find_one({"catalog": "engines"})
    db.event.delete_one({"_id": one["_id"]})
    assert {task.stage: task.state for task in stale_of_job(db, job).tasks}["features"] == "stale"
    assert remove(db, "catalog", "engines")["feature"] > 0
    assert [db[name].count_documents({}) for name in ("feature", "feature_model", "fingerprint")] == [0, 0, 0]
