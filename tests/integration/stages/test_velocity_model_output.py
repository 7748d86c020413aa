"""Named velocity models taken away as files and brought in again, drawn and listed."""

import json

import numpy as np
import pytest
from catalogs import put_catalog
from commands import environment_of
from typer.testing import CliRunner

from catalogdb.cli.app import app
from catalogdb.database.connection import connect
from catalogdb.database.initialise import initialise
from catalogdb.errors import InputError
from catalogdb.geo import Region
from catalogdb.stages.export_velocity_model import export_velocity_model
from catalogdb.stages.velocity_model_picture import write_velocity_model
from catalogdb.stages.velocity_models import ingest_velocity_model, keep_model, velocity_model
from catalogdb.traveltimes.velocity import VelocityConfig
from catalogdb.traveltimes.velocity_grid import VelocityGrid

REGION = Region(minlatitude=45.8, maxlatitude=46.3, minlongitude=12.6, maxlongitude=13.4)
LAYERS = VelocityConfig(layers=({"depth_km": 0.0, "vp": 5.1, "vs": 2.9}, {"depth_km": 10.0, "vp": 6.3, "vs": 3.6}))


@pytest.fixture
def models(settings, monkeypatch):
    """A database with a grid that is resolved in its middle, and layers."""
    db = connect(settings)
    initialise(db)
    x, y, z = (first + step * np.arange(12) for first, step in ((-22.0, 4.0), (-22.0, 4.0), (-2.0, 2.0)))
    vp = (5.0 + 0.1 * z + 0.3 * np.tanh(x / 9.0)[:, None, None] + 0.0 * y[:, None]).astype("<f4")
    far = np.maximum(np.abs(x)[:, None, None], np.abs(y)[:, None]) + np.abs(z - 8.0)
    plane = REGION.map_projection().definition
    grid = VelocityGrid(
        *(plane, 0.0, (0.0, 0.0), False, (-22.0, -22.0, -2.0), (4.0, 4.0, 2.0)),
        *(vp, (vp / 1.75).astype("<f4"), np.stack([1.0 - far / 30.0, 1.0 - far / 24.0]).clip(0.0, 1.0)),
    )
    keep_model(db, "made", grid, "tomography of catalog mine")
    keep_model(db, "flat", LAYERS, "layers.csv")
    place = {"net": "OX", "loc": "", "elev": 0.5, "starttime": 0.0, "endtime": 4e9}
    db.site.insert_many(
        [place | {"sta": "A", "lat": 46.0, "lon": 13.0}, place | {"sta": "B", "lat": 46.1, "lon": 12.9}]
    )
    put_catalog(db, "mine", [(0, 46, 13, 3.0), (300, 46, 13, 9.5), (600, 46, 13, 3.0), (900, 46, 13)])
    db.event.update_one({"_id": "mine000002"}, {"$set": {"evaluation_status": "rejected"}})
    for key, value in environment_of(settings).items():
        monkeypatch.setenv(key, value)
    return db


def called(*words):
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    return done


@pytest.mark.parametrize(("format", "files"), [("nlloc", 5), ("csv", 1)])
def test_a_model_goes_out_and_comes_in_again(models, tmp_path, format, files):
    output = tmp_path / ("alps" if format == "nlloc" else "alps.csv")
    done = called("export", "velocity-model", "made", "-o", output, "--format", format)
    assert "left out, as the format can't hold it: the resolution" in done.stderr
    written = sorted(output.iterdir()) if output.is_dir() else [output]
    assert len(written) == files
    ingest_velocity_model(models, [path for path in written if path.suffix in (".hdr", ".csv")], "again")
    model, again = velocity_model(models, "made"), velocity_model(models, "again")
    longitude, latitude, depth = np.array([12.8, 13.15]), np.array([45.95, 46.1]), np.array([3.0, 5.0, 7.0])
    for is_s in (False, True):
        there, here = (one.slowness(longitude, latitude, depth, is_s) for one in (again, model))
        assert there == pytest.approx(here, rel=0.015)
    twice = export_velocity_model(models, "again", tmp_path / "twice", format)
    assert not twice["left_out"]
    for path in written:
        if path.suffix == ".csv":
            assert (tmp_path / "twice").read_text() == path.read_text()
        if path.suffix == ".buf":
            own = tmp_path / "twice" / path.name.replace("made", "again")
            assert np.fromfile(own, "<f4") == pytest.approx(np.fromfile(path, "<f4"), rel=2e-7)


def test_layers_are_one_file_by_its_ending(models, tmp_path):
    for name in ("flat.csv", "flat.in"):
        summary = json.loads(called("export", "velocity-model", "flat", "-o", tmp_path / name, "--json").stdout)
        assert summary["files"] == [name] and summary["bytes"] == (tmp_path / name).stat().st_size
        assert ingest_velocity_model(models, [tmp_path / name], "flat")["done"] == "nothing: it is there"
    with pytest.raises(InputError, match="^export velocity-model: no velocity model 'none'"):
        export_velocity_model(models, "none", tmp_path / "none.csv")


@pytest.mark.parametrize("suffix", ["png", "svg", "html"])
def test_slices_are_drawn_with_stations_and_events(models, tmp_path, suffix):
    output = tmp_path / f"made.{suffix}"
    done = called("plot", "velocity-model", "made", "--catalog", "mine", "-o", output, "--json")
    summary = json.loads(done.stdout)
    slices = {row["depth_km"]: row for row in summary["slices"]}
    assert len(slices) in range(4, 7) and summary["bytes"] == output.stat().st_size
    assert sum(row["events"] for row in slices.values()) == 2 and summary["title"].endswith("2 events of mine")
    middle = min(slices.values(), key=lambda row: abs(row["depth_km"] - 8.0))
    assert 0.0 < middle["s_resolved"] < middle["p_resolved"] < 1.0
    assert middle["mean_vp"] == pytest.approx(5.0 + 0.1 * middle["depth_km"], abs=0.05)
    if suffix != "png":
        text = output.read_text()
        assert all(word in text for word in ("faded: resolution below one half", "station", "per cent", "10 km"))


def test_other_depths_and_speeds_are_drawn_when_asked(models, tmp_path):
    more = {"depths_km": (4.0, 11.0), "values": "speed", "theme": "dark"}
    summary = write_velocity_model(models, "made", tmp_path / "made.svg", **more)
    assert [row["depth_km"] for row in summary["slices"]] == [4.0, 11.0] and "km/s" in (
        tmp_path / "made.svg"
    ).read_text()
    with pytest.raises(InputError, match=r"depth 50 km: the model is from -2 to 20 km"):
        write_velocity_model(models, "made", tmp_path / "made.svg", depths_km=(50.0,))


def test_layers_are_drawn_as_a_profile(models, tmp_path):
    called("plot", "velocity-model", "flat", "--catalog", "mine", "-o", tmp_path / "flat.svg")
    text = (tmp_path / "flat.svg").read_text()
    assert "depth, km below sea level" in text and "2 events" in text
    with pytest.raises(InputError, match="flat is a model of layers: depths are those of slices"):
        write_velocity_model(models, "flat", tmp_path / "flat.svg", depths_km=(5.0,))
    with pytest.raises(InputError, match="no catalog 'other'"):
        write_velocity_model(models, "flat", tmp_path / "flat.svg", catalog="other")


def test_velocity_models_say_what_they_are(db):
    grid = {"projection": "", "shape": [3, 4, 5], "origin": [13.0, 46.0, -2.0], "spacing": [0.1, 0.1, 2.5]}
    rows = [
        {"_id": "cells", "kind": "grid", "content": grid | {"cells": True}, "vp": b"", "vs": b""},
        {"_id": "nodes", "kind": "grid", "content": grid | {"cells": False}, "vp": b"", "vs": b"", "resolution_p": b""},
        {"_id": "layers", "kind": "layers", "content": {"layers": [{"depth_km": 1.0}, {"depth_km": 20.0}]}},
        {"_id": "speeds", "kind": "layers", "content": {"vp": 6.0, "vs": 3.4}},
    ]
    db.velocity_model.insert_many([row | {"model_id": "m", "source": "files"} for row in rows])
    fields = ("values", "top_km", "bottom_km", "has_resolution")
    assert {row["name"]: tuple(row.get(field) for field in fields) for row in db.velocity_models.find()} == {
        "cells": (60, -2.0, 10.5, False), "nodes": (60, -2.0, 8.0, True), "layers": (2, 1.0, 20.0, False),
        "speeds": (1, None, None, False),
    }  # fmt: skip
