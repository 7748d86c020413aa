"""Picking again from stored peaks: what a run with the other thresholds makes from the start, without the network."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from catalogdb.cli.app import app
from catalogdb.database.connection import connect
from catalogdb.database.initialise import initialise
from catalogdb.demo.dataset import write_demo_day
from catalogdb.errors import InputError, NameTaken
from catalogdb.jobs import Job
from catalogdb.picking.config import StationThresholds
from catalogdb.runs.run import run_job
from catalogdb.stages.ingest_waveforms import ingest_waveforms
from catalogdb.stages.repick import repick

PICKERS = {
    "network": {"picker": "phasenet", "weights": "demo", "shard_hours": 1},
    "classical": {"picker": "stalta", "shard_hours": 1},
}


@pytest.fixture(scope="module")
def waveforms(tmp_path_factory):
    """Two hours of two stations on both sides of a shard's border."""
    folder = tmp_path_factory.mktemp("day")
    day = write_demo_day(folder, 3, "2024-03-27T05:30:00", duration_s=5400, stations=2, events=6, lowest_ml=1.5, gaps=1)
    return day.waveforms_dir


@pytest.fixture(params=list(PICKERS))
def filled(request, db, settings, waveforms):
    """A database with the pick set `all` at low thresholds; gives its job's pick block, too."""
    ingest_waveforms(db, [waveforms])
    block = PICKERS[request.param] | {"p_threshold": 0.1, "s_threshold": 0.1}
    run_job(settings, job("all", block))
    return block


def job(name, block):
    return Job.model_validate({"name": name, "catalog": name, "stages": ["pick"], "pick": block})


def rows(db, name):
    """Picks, detections and ledger of a pick set, without what tells when and how fast."""
    config_id = db.pick_set.find_one({"_id": name})["config_id"]
    varying = {"seconds": 0, "updated": 0, "run_id": 0, "backend": 0}
    return {
        "pick": list(db.pick.find({"pick_set": name}).sort("_id")),
        "detection": list(db.detection.find({"pick_set": name}).sort("_id")),
        "task": list(db.task.find({"config_id": config_id}, varying).sort("_id")),
    }


def test_other_thresholds_give_the_documents_of_a_run_from_the_start(filled, db, settings, waveforms):
    heights = {phase: [row["probability"] for row in db.pick.find({"phase": phase})] for phase in ("P", "S")}
    p_threshold, s_threshold = (round(float(np.median(heights[phase])), 4) for phase in ("P", "S"))
    station = f"OX.{db.pick.find_one()['sta']}"
    own = [StationThresholds(station=station, p_threshold=round(float(np.quantile(heights["P"], 0.75)), 4))]
    summary = repick(db, "all", "strict", p_threshold, s_threshold, own)
    assert summary["tasks"]["done"] == summary["tasks"]["planned"] > 2 and not summary["failures"]
    repicked = rows(db, "strict")
    assert 0 < len(repicked["pick"]) < db.pick.count_documents({"pick_set": "all"})

    fresh = settings.model_copy(update={"database": f"{settings.database}_fresh"})
    other = connect(fresh)
    try:
        initialise(other)
        ingest_waveforms(other, [waveforms])
        block = filled | {"p_threshold": p_threshold, "s_threshold": s_threshold, "probability": "none"}
        block["station_thresholds"] = [own[0].model_dump()]
        run_job(fresh, job("strict", block))
        assert rows(other, "strict") == repicked
        again = run_job(settings, job("strict", block))
        assert again.stages["pick"].up_to_date == again.stages["pick"].planned
    finally:
        other.client.drop_database(fresh.database)


def test_repicking_twice_changes_nothing_and_follows_its_source(filled, db, settings):
    repick(db, "all", "some", p_threshold=0.4)
    before = rows(db, "some")
    assert repick(db, "all", "some", p_threshold=0.4)["tasks"]["done"] == 0
    task = db.task.find_one({"result": "all"})
    db.task.update_one({"_id": task["_id"]}, {"$set": {"fingerprint": "of other files"}})
    assert repick(db, "all", "some", p_threshold=0.4)["tasks"]["done"] == 1
    assert rows(db, "some")["pick"] == before["pick"]
    db.task.update_one({"_id": task["_id"]}, {"$set": {"status": "failed"}})
    assert repick(db, "all", "some", p_threshold=0.4)["source_unfinished"] == 1


def test_what_cannot_be_repicked_is_refused(filled, db, settings):
    with pytest.raises(InputError, match="below 0.05"):
        repick(db, "all", "low", p_threshold=0.01)
    with pytest.raises(InputError, match="no pick set 'nothing'"):
        repick(db, "nothing", "other", p_threshold=0.5)
    with pytest.raises(InputError, match="itself"):
        repick(db, "all", "all", p_threshold=0.5)
    repick(db, "all", "mine", p_threshold=0.5)
    with pytest.raises(NameTaken, match="p_threshold"):
        repick(db, "all", "mine", p_threshold=0.6)
    assert repick(db, "all", "mine", p_threshold=0.6, replace=True)["tasks"]["done"] > 0
    with pytest.raises(InputError, match="kept no peaks"):
        repick(db, "mine", "other", p_threshold=0.7)
    assert db.pick_set.count_documents({}) == 2


def test_the_verb_says_what_it_did(db, settings, waveforms, monkeypatch):
    ingest_waveforms(db, [waveforms])
    run_job(settings, job("all", PICKERS["classical"] | {"p_threshold": 0.1}))
    monkeypatch.setenv("CATALOGDB_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("CATALOGDB_DATABASE", settings.database)
    arguments = [
        "repick",
        "--pick-set",
        "all",
        "--name",
        "less",
        "--p-threshold",
        "0.6",
        "--station",
        "*:0.7:",
        "--json",
    ]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    summary = json.loads(done.stdout)
    assert summary["picks"]["P"] == db.pick.count_documents({"pick_set": "less", "phase": "P"})
    assert db.pick.find_one({"pick_set": "less", "phase": "P", "probability": {"$lt": 0.7}}) is None
    with pytest.raises(InputError, match="PATTERN:P:S"):
        CliRunner().invoke(app, [*arguments[:-2], "VINO=0.5"], catch_exceptions=False)


def test_probability_none_stores_only_picks_and_picks_the_same(db, settings, waveforms):
    ingest_waveforms(db, [waveforms])
    block = PICKERS["network"]
    run_job(settings, job("kept", block))
    assert db.peak.count_documents({}) > 0 and db.probability.count_documents({}) > 0
    run_job(settings, job("lost", block | {"probability": "none"}))
    assert db.peak.count_documents({"pick_set": "lost"}) == db.probability.count_documents({"pick_set": "lost"}) == 0
    both = [
        [
            (row["time"], row["phase"], row["probability"], row["quality"])
            for row in db.pick.find({"pick_set": name}).sort("time")
        ]
        for name in ("kept", "lost")
    ]
    assert both[0] == both[1] and len(both[0]) > 10
