"""A sweep runs each network once, makes the documents that each cell's job makes alone, and ranks the catalogs."""

import json
import uuid

import pytest
from typer.testing import CliRunner

from catalogdb.cli.app import app
from catalogdb.database.connection import connect, mspass_database
from catalogdb.database.initialise import initialise
from catalogdb.demo.dataset import write_demo_day
from catalogdb.jobs import load_job
from catalogdb.runs.run import run_job
from catalogdb.stages import registry
from catalogdb.stages.ingest_catalog import ingest_catalog
from catalogdb.stages.ingest_stations import ingest_stations
from catalogdb.stages.ingest_waveforms import ingest_waveforms

JOB = """
name: study
catalog: study
region: {minlatitude: 45.5, maxlatitude: 47.0, minlongitude: 11.5, maxlongitude: 14.5, maxdepth_km: 40}
pick: {picker: phasenet, weights: demo, shard_hours: 1}
associate: {associator: gamma, velocity: {vp: 5.85, vs: 3.287}, min_picks: 4, min_p: 2, min_s: 1}
evaluate: {reference: truth}
matrix:
  pick.picker: [phasenet, stalta]
  thresholds:
    low: {pick.p_threshold: 0.2, pick.s_threshold: 0.2}
    high: {pick.p_threshold: 0.5, pick.s_threshold: 0.4}
  associate.associator: [gamma, pyocto]
"""
CELL = ("matrix={}", "catalog=study-phasenet-high-pyocto", "pick_set=study-phasenet-high", "pick.probability=none")
CELL += ("pick.p_threshold=0.5", "pick.s_threshold=0.4", "associate.associator=pyocto")
OF_A_RUN = {"seconds", "updated", "run_id", "backend", "created", "repicked_from"}


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    folder = tmp_path_factory.mktemp("day")
    day = write_demo_day(folder, 3, "2024-03-27T05:40:00", duration_s=2400, stations=4, events=5, lowest_ml=1.5, gaps=0)
    (folder / "study.yaml").write_text(JOB)
    return day


@pytest.fixture(scope="module")
def places(server, day):
    """Makes databases with the day's stations, waveforms and true catalog."""
    made = []

    def fill():
        settings = server.model_copy(update={"database": f"test_{uuid.uuid4().hex[:12]}"})
        made.append(settings)
        db = connect(settings)
        initialise(db)
        ingest_stations(db, mspass_database(settings), [day.stations_path])
        ingest_catalog(db, [day.truth_path], "truth")
        ingest_waveforms(db, [day.waveforms_dir])
        return settings

    yield fill
    for settings in made:
        connect(settings).client.drop_database(settings.database)


@pytest.fixture(scope="module")
def swept(places, day):
    """A database after a sweep, and what the command said."""
    settings = places()
    return settings, command(settings, day, "--json")


def command(settings, day, *arguments):
    """Exit code and output of `catalogdb sweep`."""
    environment = {"CATALOGDB_DATA_DIR": str(settings.data_dir), "CATALOGDB_DATABASE": settings.database}
    return CliRunner().invoke(app, ["sweep", str(day.folder / "study.yaml"), *arguments], env=environment)


def documents(db, catalog, pick_set):
    """All that stands under a cell's names, without what tells when and how fast it was made."""
    config_ids = [
        db.pick_set.find_one({"_id": pick_set})["config_id"],
        db.catalog.find_one({"_id": catalog})["config_id"],
    ]
    found = {name: list(db[name].find({"_id": key})) for name, key in (("pick_set", pick_set), ("catalog", catalog))}
    for name in registry.outputs("pick_set"):
        found[name] = list(db[name].find({"pick_set": pick_set}).sort("_id"))
    for name in registry.outputs("catalog"):
        found[name] = list(db[name].find({"catalog": catalog}).sort("_id"))
    others = {"stage": {"$ne": "evaluate"}}  # its inputs say when the reference was ingested
    found["task"] = list(db.task.find({"config_id": {"$in": config_ids}} | others).sort("_id"))
    key = [("of", 1), ("by", 1), ("phase", 1), ("value", 1)]
    # scores at other thresholds come from kept peaks, which the source of a cell has, and its job alone has not
    found["score"] = list(db.score.find({"catalog": catalog, "by": {"$ne": "threshold"}}, {"_id": 0}).sort(key))
    return {
        name: [{key: value for key, value in row.items() if key not in OF_A_RUN} for row in rows]
        for name, rows in found.items()
    }


def test_each_network_runs_once(swept):
    settings, result = swept
    assert result.exit_code == 0, result.output
    db = connect(settings)
    inferred = {"stage": "pick", "seconds.decode": {"$exists": True}}
    shards = len(db.task.distinct("shard.sta", {"stage": "pick"})) * len(
        db.task.distinct("starttime", {"stage": "pick"})
    )
    assert shards >= 8
    assert db.task.count_documents(inferred) == 2 * shards
    assert sorted(db.task.distinct("result", inferred)) == ["study-phasenet", "study-stalta"]
    assert db.task.count_documents({"stage": "pick"}) == (2 + 4) * shards
    assert db.catalog.count_documents({"kind": "automatic"}) == 8


def test_a_cell_is_what_its_job_makes_alone(swept, places, day):
    settings, _ = swept
    alone = places()
    report = run_job(alone, load_job(day.folder / "study.yaml", CELL))
    assert report.status == "done"
    names = report.catalog, report.pick_set
    assert names == ("study-phasenet-high-pyocto", "study-phasenet-high")
    expected = documents(connect(alone), *names)
    assert len(expected["event"]) >= 3 and len(expected["pick"]) >= 20 and expected["score"]
    assert documents(connect(settings), *names) == expected


def test_the_ranking_is_what_the_stored_evaluations_say(swept):
    settings, result = swept
    ranking = json.loads(result.stdout)["ranking"]
    assert len(ranking) == 8 and ranking[0]["rank"] == 1
    assert [row["f1"] for row in ranking] == sorted((row["f1"] for row in ranking), reverse=True)
    assert ranking[0]["f1"] > ranking[-1]["f1"]
    stored = {row["catalog"]: row for row in connect(settings).ranking.find({"reference": "truth"})}
    for row in ranking:
        view = stored[row["catalog"]]
        assert (view["rank"], view["matched"], view["f1"]) == (row["rank"], row["matched"], row["f1"])
        assert view["pick_f1"] == row["pick f1"]


def test_a_rerun_finds_everything_done(swept, day):
    settings, _ = swept
    before = connect(settings).task.count_documents({})
    again = command(settings, day)
    assert again.exit_code == 0 and "nothing to do" in again.output
    assert connect(settings).task.count_documents({}) == before


def test_a_failing_cell_stops_no_other(swept, day):
    settings, _ = swept
    db = connect(settings)
    name = "study-phasenet-low-gamma"
    db.catalog.update_one({"_id": name}, {"$set": {"config_id": "made by other settings"}})
    result = command(settings, day, "--json")
    assert result.exit_code == 1
    cells = {cell["catalog"]: cell for cell in json.loads(result.stdout)["cells"]}
    assert [cell["catalog"] for cell in cells.values() if cell["status"] == "failed"] == [name]
    assert "made with other settings" in cells[name]["problems"][0]
    assert len(json.loads(result.stdout)["ranking"]) == 7


def test_a_dry_run_plans_and_asks_no_database(day, tmp_path, monkeypatch):
    monkeypatch.setenv("CATALOGDB_URI", "mongodb://127.0.0.1:1")
    result = CliRunner().invoke(app, ["sweep", str(day.folder / "study.yaml"), "--dry-run"])
    assert result.exit_code == 0
    assert "8 catalogs of 4 pick sets, 2 inferences" in result.output
    assert "study-stalta-high-pyocto" in result.output


def test_a_sweep_can_be_replaced_whole(swept, day):
    settings, _ = swept
    db = connect(settings)
    names = {kind: set(db[kind].distinct("_id")) for kind in ("pick_set", "catalog")}
    before = {row["_id"]: row["config_id"] for row in db.pick_set.find()}
    sources = {row["_id"]: row.get("repicked_from") for row in db.pick_set.find()}
    result = command(settings, day, "--set", "pick.min_separation_seconds=1.5", "--replace", "--json")
    assert result.exit_code == 0, result.output
    assert {kind: set(db[kind].distinct("_id")) for kind in names} == names
    after = {row["_id"]: row["config_id"] for row in db.pick_set.find()}
    assert [name for name in after if after[name] == before[name]] == ["truth"]
    assert {row["_id"]: row.get("repicked_from") for row in db.pick_set.find()} == sources
