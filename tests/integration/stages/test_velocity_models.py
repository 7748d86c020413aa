"""Named velocity models: brought in once, used by a job, stale when replaced, missed by name."""

import numpy as np
import pytest
from typer.testing import CliRunner

from catalogdb.cli.app import app
from catalogdb.database.connection import connect
from catalogdb.errors import InputError, NameTaken
from catalogdb.runs.run import run_job
from catalogdb.runs.stale import stale_of_job
from catalogdb.stages.export_peers import export_for_peer
from catalogdb.stages.velocity_models import ingest_velocity_model, velocity_model

BLOCK = "locate={min_events: 3, terms: none, velocity_model: alps}"
RELOCATE = "relocate={max_separation_km: 60, min_links: 4, bootstrap: 0}"


def layers(folder, vp):
    path = folder / f"model-{vp}.csv"
    path.write_text(f"depth_km,vp,vs\n0,{vp},3.3\n20,6.8,3.9\n")
    return [path]


def test_a_catalog_is_stale_when_its_model_is_replaced(engine_day, tmp_path):
    settings = engine_day.filled()
    db = connect(settings)
    with pytest.raises(InputError, match="no velocity model 'alps'.*"):
        run_job(settings, engine_day.job(BLOCK))
    assert ingest_velocity_model(db, layers(tmp_path, 5.8), "alps")["done"] == "added"
    assert run_job(settings, engine_day.job(BLOCK)).status == "done"
    before = {row["event_id"]: row["depth_km"] for row in db.origin.find({"method": "nonlinear"})}
    assert before
    assert stale_of_job(db, engine_day.job(BLOCK)).tasks == []
    ingest_velocity_model(db, layers(tmp_path, 5.0), "alps", replace=True)
    stale = {task.stage: task for task in stale_of_job(db, engine_day.job(BLOCK)).tasks}
    assert stale["locate"].state == "stale"
    assert [(why.reason, why.what) for why in stale["locate"].why] == [("velocity model", "alps")]
    assert run_job(settings, engine_day.job(BLOCK)).status == "done"
    after = {row["event_id"]: row["depth_km"] for row in db.origin.find({"method": "nonlinear"})}
    assert after.keys() == before.keys() and after != before


def test_relocation_takes_the_model_that_located(engine_day, tmp_path):
    settings = engine_day.filled()
    db = connect(settings)
    ingest_velocity_model(db, layers(tmp_path, 5.0), "alps")
    job = engine_day.job(BLOCK, RELOCATE)
    assert run_job(settings, job).status == "done"
    rows = "{depth_km: 0, vp: 5.0, vs: 3.3}, {depth_km: 20, vp: 6.8, vs: 3.9}"
    given = BLOCK.replace("velocity_model: alps", f"velocity: {{layers: [{rows}]}}")
    more = ("catalog=given", "pick_set=engines")
    assert run_job(settings, engine_day.job(given, RELOCATE, *more)).status == "done"
    assert relocated(db, "engines") == pytest.approx(relocated(db, "given"), abs=1e-9) and len(relocated(db, "given"))
    export_for_peer(db, "engines", tmp_path / "velest", "velest")
    assert (tmp_path / "velest" / "model.mod").read_text().splitlines()[2].split()[:2] == ["5.00", "0.00"]
    ingest_velocity_model(db, layers(tmp_path, 5.8), "alps", replace=True)
    stale = {task.stage: task for task in stale_of_job(db, job).tasks}
    assert [(why.reason, why.what) for why in stale["relocate"].why] == [("velocity model", "alps")]
    with pytest.raises(InputError, match="located in 'alps', which has another content now"):
        export_for_peer(db, "engines", tmp_path / "velest", "velest")
    with pytest.raises(InputError, match="^--velocity-model: no velocity model 'flat'"):
        export_for_peer(db, "engines", tmp_path / "velest", "velest", model="flat")


def relocated(db, catalog):
    found = db.origin.find({"catalog": catalog, "method": "double difference"}).sort("time", 1)
    return np.array([[origin["latitude"], origin["longitude"], origin["depth_km"]] for origin in found])


def test_a_grid_locates_the_same_events(engine_day, tmp_path, monkeypatch):
    pytest.importorskip("eikonalfm")
    from catalogdb.traveltimes import eikonal

    monkeypatch.setenv("CATALOGDB_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(eikonal, "MOST_NODES", 60_000)
    settings = engine_day.filled()
    db = connect(settings)
    site = list(db.site.find())
    west, south = min(row["lon"] for row in site) - 3.0, min(row["lat"] for row in site) - 3.0
    rows = ["longitude,latitude,depth_km,vp,vs"]
    for z in np.arange(-8.0, 49.0, 8.0):
        rows += [
            f"{west + x / 2},{south + y / 2},{z},{5.5 + z / 50},{(5.5 + z / 50) / 1.75}"
            for x in range(15)
            for y in range(15)
        ]
    path = tmp_path / "grid.csv"
    path.write_text("\n".join(rows))
    assert ingest_velocity_model(db, [path], "alps")["values"] == "15 x 15 x 8"
    report = run_job(settings, engine_day.job(BLOCK, RELOCATE))
    assert report.status == "done", report
    assert db.origin.count_documents({"method": "nonlinear"}) > 2
    assert len(relocated(db, "engines")) > 1
    with pytest.raises(InputError, match="located in 'alps': a 3-D velocity model, and velest takes layers"):
        export_for_peer(db, "engines", tmp_path / "velest", "velest")
    assert not (tmp_path / "velest").exists()
    ingest_velocity_model(db, layers(tmp_path, 5.8), "flat")
    assert export_for_peer(db, "engines", tmp_path / "velest", "velest", model="flat")["events"] > 2
    assert export_for_peer(db, "engines", tmp_path / "hypodd", "hypodd")["events"] > 2


def test_a_name_is_one_models_until_it_is_replaced(settings, tmp_path):
    from catalogdb.database.initialise import initialise

    db = connect(settings)
    initialise(db)
    first = ingest_velocity_model(db, layers(tmp_path, 5.8), "alps")
    again = ingest_velocity_model(db, layers(tmp_path, 5.8), "alps")
    assert (first["done"], again["done"]) == ("added", "nothing: it is there")
    with pytest.raises(NameTaken, match="another content"):
        ingest_velocity_model(db, layers(tmp_path, 5.9), "alps")
    assert ingest_velocity_model(db, layers(tmp_path, 5.9), "alps", replace=True)["done"] == "replaced"
    assert velocity_model(db, "alps").layers[0].vp == 5.9
    assert db.velocity_model.find_one()["created"]
    with pytest.raises(InputError, match="no velocity model 'rocky'"):
        velocity_model(db, "rocky")


def test_the_command_says_what_the_model_is_or_why_not(settings, tmp_path, monkeypatch):
    from commands import environment_of

    from catalogdb.database.initialise import initialise

    initialise(connect(settings))
    for key, value in environment_of(settings).items():
        monkeypatch.setenv(key, value)
    path = str(layers(tmp_path, 5.8)[0])
    done = CliRunner().invoke(app, ["ingest", "velocity-model", path, "--name", "alps"])
    assert done.exit_code == 0, done.output
    assert "alps" in done.output and "layers" in done.output
