"""Named velocity models: brought in once, used by a job, stale when replaced, missed by name."""

import numpy as np
import pytest
from typer.testing import CliRunner

from catalogdb.cli.app import app
from catalogdb.database.connection import connect
from catalogdb.errors import InputError, NameTaken
from catalogdb.runs.run import run_job
from catalogdb.runs.stale import stale_of_job
from catalogdb.stages.velocity_models import ingest_velocity_model, velocity_model

BLOCK = "locate={min_events: 3, terms: none, velocity_model: alps}"


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
    report = run_job(settings, engine_day.job(BLOCK))
    assert report.status == "done", report
    assert db.origin.count_documents({"method": "nonlinear"}) > 2


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
