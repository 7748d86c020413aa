"""A model that a catalog's arrivals make, under a name that the next job locates in."""

import pytest
from commands import environment_of
from typer.testing import CliRunner

from catalogdb.cli.app import app
from catalogdb.database.connection import connect
from catalogdb.errors import InputError, NameTaken
from catalogdb.runs.run import run_job
from catalogdb.stages.tomography import make_velocity_model
from catalogdb.stages.velocity_models import velocity_model
from catalogdb.tomography.invert import ROUNDS
from catalogdb.traveltimes.velocity import AS_FLAT

BLOCK = "locate={min_events: 3, terms: none, velocity_model: made}"


def test_a_catalog_makes_the_model_it_is_located_in(engine_day, tmp_path, monkeypatch):
    pytest.importorskip("eikonalfm")
    from catalogdb.tomography import documents, rays
    from catalogdb.traveltimes import eikonal

    monkeypatch.setenv("CATALOGDB_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(rays, "MOST_NODES", 10_000)
    monkeypatch.setattr(eikonal, "MOST_NODES", 60_000)
    settings = engine_day.filled()
    db = connect(settings)
    assert run_job(settings, engine_day.job()).status == "done"
    with pytest.raises(InputError, match="events have 4 arrivals at 2 stations or more, fewer than 50"):
        make_velocity_model(db, "engines", "made")
    monkeypatch.setattr(documents, "FEWEST_EVENTS", 3)
    for key, value in environment_of(settings).items():
        monkeypatch.setenv(key, value)
    done = CliRunner().invoke(app, ["tomography", "engines", "--name", "made", "--spacing", "40"])
    assert done.exit_code == 0 and "added" in done.output, done.output
    assert db.velocity_model.find_one({"_id": "made"})["source"] == "tomography of catalog engines"
    rounds = []
    again = make_velocity_model(
        db, "engines", "made", 40.0, replace=True, progress=lambda done, total: rounds.append((done, total))
    )
    assert again["done"] == "nothing: it is there" and rounds == [(number, ROUNDS) for number in range(ROUNDS)]
    kept = db.velocity_model.find_one_and_update({"_id": "made"}, {"$unset": {"resolution_p": 1, "resolution_s": 1}})
    assert velocity_model(db, "made").resolution is None  # as earlier versions left it
    later = make_velocity_model(db, "engines", "made", 40.0, replace=True)
    assert later["done"] == "resolution added" and db.velocity_model.find_one({"_id": "made"}) == kept
    assert 0.0 <= later["s_resolved_volume"] <= 1.0 and "p resolved volume" in done.output
    rounds.clear()
    with pytest.raises(NameTaken, match="'made' is there, from: tomography of catalog engines"):
        make_velocity_model(db, "engines", "made", progress=lambda done, total: rounds.append((done, total)))
    assert not rounds
    report = run_job(settings, engine_day.job(BLOCK, "catalog=in-3d", "pick_set=engines"))
    assert report.status == "done", report
    origin = db.origin.find_one({"catalog": "in-3d", "method": "nonlinear"})
    assert "grid" in origin["earth_model_id"]
    with pytest.raises(InputError, match="was located in 'made', a 3-D model: tomography begins with a 1-D one"):
        make_velocity_model(db, "in-3d", "more", 40.0)
    with pytest.raises(InputError, match="no catalog 'nothing'"):
        make_velocity_model(db, "nothing", "more")
    with pytest.raises(InputError, match="'truth' is of no job that associates"):
        make_velocity_model(db, "truth", "more")


def test_stations_stand_where_location_had_them(engine_day, monkeypatch):
    pytest.importorskip("eikonalfm")
    from catalogdb.tomography import documents, invert, rays

    monkeypatch.setattr(rays, "MOST_NODES", 10_000)
    monkeypatch.setattr(documents, "FEWEST_EVENTS", 3)
    monkeypatch.setattr(invert, "ROUNDS", 1)
    settings = engine_day.filled()
    db = connect(settings)
    assert run_job(settings, engine_day.job()).status == "done"
    made = {}
    for elevations in (True, False):
        db.catalog.update_one({"_id": "engines"}, {"$set": {"config.locate": {"elevations": elevations}}})
        made[elevations] = make_velocity_model(db, "engines", "made", 40.0, replace=True)
    assert made[True]["top_km"] < -0.5 and made[True]["notes"] == []
    assert made[False]["top_km"] == 0.0 and "at sea level, as the catalog was located" in made[False]["notes"][0]
    assert made[False]["p_residual_s"] != made[True]["p_residual_s"]
    shells = {"layers": [{"depth_km": 0.0, "vp": 5.8, "vs": 3.4}], "spherical": True}
    db.catalog.update_one({"_id": "engines"}, {"$set": {"config.associate.velocity": shells}})
    for key, value in environment_of(settings).items():
        monkeypatch.setenv(key, value)
    done = CliRunner().invoke(app, ["tomography", "engines", "--name", "shells", "--spacing", "40"])
    assert done.exit_code == 0 and done.stderr.splitlines()[0] == AS_FLAT and "notes" not in done.stdout, done.output
    assert db.velocity_model.find_one({"_id": "shells"})["source"].endswith("catalog engines, stations at sea level")
