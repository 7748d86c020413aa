"""`metrics`: what Prometheus reads is what the database holds."""

import signal
import subprocess
import sys
import time
import urllib.request

import pymongo
import pytest
from commands import environment_of
from prometheus_client.parser import text_string_to_metric_families
from pymongo.errors import PyMongoError

from catalogdb.ledger import tasks
from catalogdb.metrics import Collector, exposition
from catalogdb.runs.figures import content_figures, ledger_figures


def samples(text):
    return {
        (sample.name.removeprefix("catalogdb_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_figures_are_those_of_the_database(finished, command):
    found = samples(command(finished.settings, "metrics").out)
    count = finished.db.task.count_documents
    assert found["up",] == 1
    assert found["tasks", "pick", "done"] == count({"stage": "pick"}) == 8
    assert found["tasks", "associate", "done"] == count({"stage": "associate"})
    assert found["picks", "ops"] == finished.db.pick.count_documents({"pick_set": "ops"}) > 0
    assert found["events", "twin"] == found["events", "truth"] == 5
    assert found["waveform_files", "indexed"] == finished.db.wf_file.count_documents({})
    runs = list(finished.db.run.find().sort("started", 1))
    assert found["runs", "ops", "done"] == len(runs) == 2
    assert found["run_last_success_timestamp_seconds", "ops"] == pytest.approx(runs[-1]["ended"].timestamp(), abs=0.01)
    assert found["run_duration_seconds", "ops"] == pytest.approx(
        (runs[-1]["ended"] - runs[-1]["started"]).total_seconds(), abs=0.01
    )
    assert found["run_last_failed", "ops"] == found["waiting_file_age_seconds", "ops"] == 0
    json = command(finished.settings, "metrics", "--json").json
    assert json["picks"]["ops"] == found["picks", "ops"]


def test_leases_failures_and_waiting_files(failing, command):
    failing.run("stages=[pick]")
    task = failing.db.task.find_one({"stage": "associate"})
    assert tasks.claim(failing.db, task["_id"], "other", "r", tasks.LeaseTerms(seconds=1.0)) is not None
    failing.db.wf_file.update_one({"sta": {"$exists": False}}, {"$currentDate": {"indexed_at": True}})
    time.sleep(1.1)
    found = samples(command(failing.settings, "metrics").out)
    assert found["tasks", "pick", "failed"] == 2 and found["run_last_failed", "ops"] == 1
    assert found["leases_held", "associate"] == found["leases_expired", "associate"] == 1
    assert found["lease_age_seconds", "associate"] >= 1.0 and found["leases_held", "pick"] == 0
    assert found["waiting_file_age_seconds", "ops"] >= 1.0


def test_a_file_for_the_textfile_collector(finished, command, tmp_path):
    path = tmp_path / "catalogdb.prom"
    assert command(finished.settings, "metrics", "-o", path).code == 0
    assert samples(path.read_text())["events", "ops"] == 5 and [file.name for file in tmp_path.iterdir()] == [path.name]
    assert command(finished.settings, "metrics", "-o", path, "--serve", "0").code == 2
    assert command(finished.settings, "metrics", "-o", tmp_path / "no" / "x.prom").code == 2


def test_figures_are_served_until_the_server_is_ended(finished):
    process = subprocess.Popen(
        [sys.executable, "-m", "catalogdb", "metrics", "--serve", "0"],
        env=environment_of(finished.settings),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        url = process.stderr.readline().split()[-1]
        assert url.startswith("http://127.0.0.1:")
        for _ in range(2):
            with urllib.request.urlopen(url, timeout=30) as response:
                assert samples(response.read().decode())["events", "ops"] == 5
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.communicate()


def test_a_database_that_is_away_is_down_not_silent():
    away = pymongo.MongoClient("127.0.0.1", 1, serverSelectionTimeoutMS=100).get_database("away")
    collector = Collector(lambda: ledger_figures(away), lambda: content_figures(away), unavailable=(PyMongoError,))
    assert samples(exposition(collector).decode()) == {("up",): 0.0}


def test_blobs_are_not_printed(finished, command):
    for collection in ("probability", "peak"):
        (document,) = command(finished.settings, "query", collection, "--limit", "1", "--json").json["documents"]
        stored = finished.db[collection].find_one({"_id": document["_id"]})
        assert document["blob"] == {"bytes": len(stored["blob"])}
        table = command(finished.settings, "query", collection, "--limit", "1").out
        assert "blob" not in table and document["channel_group"] in table.replace("\n", "")
