"""Velocity models written as NonLinLoc's files and as csv say the same speeds when they are read again."""

from dataclasses import replace

import numpy as np
import pytest

from catalogdb.exchange.velocity_models import as_cells, as_degrees, lost, write_csv, write_nlloc
from catalogdb.geo import Region
from catalogdb.traveltimes.model_files import read_velocity_model
from catalogdb.traveltimes.nonlinloc_models import Transform, plane_of
from catalogdb.traveltimes.velocity import VelocityConfig
from catalogdb.traveltimes.velocity_grid import MapPlane, VelocityGrid

REGION = Region(minlatitude=45.8, maxlatitude=46.3, minlongitude=12.6, maxlongitude=13.4)
SHAPE = (11, 12, 9)
ROWS = ((-1.0, 4.85, 2.77), (5.123, 6.01, 3.43), (20.0, 6.8, 3.9))


def layers(gradient=False, rows=ROWS):
    layers = tuple({"depth_km": depth, "vp": vp, "vs": vs} for depth, vp, vs in rows)
    return VelocityConfig(layers=layers, gradient=gradient)


def grid(plane=None, cells=False, spacing=(4.0, 3.0, 1.5)):
    x, y, z = (
        first + step * np.arange(count) for first, step, count in zip((-20, -15, -2), spacing, SHAPE, strict=True)
    )
    vp = 5.0 + 0.1 * z + 0.4 * np.tanh(x / 9.0)[:, None, None] + 0.2 * np.sin(y / 7.0)[:, None]
    plane = plane or MapPlane(REGION.map_projection().definition, 0.0, (0.0, 0.0))
    vp, vs = (speeds.astype("<f4") for speeds in (vp, vp / 1.75))
    return VelocityGrid(*plane, cells, (-20.0, -15.0, -2.0), spacing, vp, vs)


def again(folder, files):
    for name, content in files.items():
        (folder / name).write_bytes(content)
    headers = sorted(folder.glob("*.hdr"))
    return read_velocity_model(headers or [next(folder.iterdir())])


def inside(model, count=200):
    """Points within a model."""
    rng = np.random.default_rng(3)
    far = np.array(model.vp.shape) - 1
    i, j, k = rng.uniform(0.02, 0.98, (count, 3)).T * far[:, None]
    return *model.lonlat(i, j), model.origin[2] + k * model.spacing[2]


def speeds(model, points, is_s, interval=0.2):
    steps = interval * np.array([-1.0, 0.0, 1.0])
    found = [
        model.slowness(np.array([lon]), np.array([lat]), depth + steps, is_s)[0, 1]
        for lon, lat, depth in zip(*points, strict=True)
    ]
    return 1.0 / np.array(found)


def test_a_grid_reads_back_from_nonlinloc_to_the_same_speeds(tmp_path):
    model = grid()
    written, read = as_cells(model), again(tmp_path, write_nlloc(model, "alps"))
    assert read.plane == written.plane and (read.origin, read.spacing) == (written.origin, written.spacing)
    assert read.spacing == (1.5, 1.5, 1.5) and read.cells
    assert read.vp == pytest.approx(written.vp, rel=2e-7) and read.vs == pytest.approx(written.vs, rel=2e-7)
    points = inside(model)
    assert read.holds(*points[:2]).all() and read.top_km == -2.0 and read.bottom_km >= model.bottom_km
    for is_s in (False, True):
        assert speeds(read, points, is_s) == pytest.approx(speeds(model, points, is_s), rel=0.03)
    middle = [axis.ravel() for axis in np.meshgrid(*(np.arange(n) + 0.5 for n in read.vp.shape), indexing="ij")]
    longitude, latitude = read.lonlat(*middle[:2])
    at = longitude, latitude, read.top_km + 1.5 * middle[2]
    held = model.holds(*at[:2]) & (at[2] < model.bottom_km - 1.0)
    at = tuple(axis[held] for axis in at)
    assert speeds(model, at, False) == pytest.approx(read.vp.ravel()[held], rel=1e-3)


def test_cells_of_nonlinloc_are_written_as_they_are(tmp_path):
    words = "TRANSFORM LAMBERT RefEllipsoid Clarke-1880 LatOrig 46.1 LongOrig 13.0 FirstStdParal 45 SecondStdParal 47"
    model = grid(plane_of(tmp_path, [*words.split(), "RotCW", "12.5"]), cells=True, spacing=(2.0, 2.0, 2.0))
    files = write_nlloc(model, "alps")
    assert files["nlloc.in"].splitlines()[0] == b"TRANS LAMBERT Clarke-1880 46.1 13.0 45.0 47.0 12.5"
    assert files["alps.P.mod.hdr"].splitlines()[0] == b"12 13 10 -20 -15 -2 2 2 2 SLOW_LEN FLOAT"
    read = again(tmp_path, files)
    assert read.geometry == model.geometry and read.vp == pytest.approx(model.vp, rel=2e-7)


@pytest.mark.parametrize(
    "words",
    [
        "SIMPLE LatOrig 46.123 LongOrig 13.7 RotCW -30.0",
        "TRANS_MERC RefEllipsoid WGS-84 LatOrig 46.0 LongOrig -13.0 RotCW 0.0",
        "TRANS_MERC RefEllipsoid Airy LatOrig 46.0 LongOrig 13.0 RotCW 0.0 UseFalseEasting 0 FalseEasting 0.0 "
        "ScaleFactor 0.9996",
        "AZIMUTHAL_EQUIDIST RefEllipsoid International LatOrig -46.0 LongOrig 179.5 RotCW 5.0",
    ],
)
def test_transformations_are_written_as_they_were_read(tmp_path, words):
    found = Transform.of(plane_of(tmp_path, ["TRANSFORM", *words.split()]))
    assert " ".join(found.words) == f"TRANSFORM {words}"


def test_planes_that_nonlinloc_has_not_are_told():
    for projection in ("", REGION.map_projection().definition, "+proj=utm +zone=33 +units=km", "EPSG:32633"):
        assert Transform.of(MapPlane(projection, 0.0, (0.0, 0.0))) is None
    shifted = "+proj=tmerc +lat_0=46.0 +lon_0=13.0 +ellps=WGS84 +units=km +k=1.0"
    assert Transform.of(MapPlane(shifted, 0.0, (0.0, 0.0))) and not Transform.of(MapPlane(shifted, 0.0, (1.0, 0.0)))


@pytest.mark.parametrize("cells", [False, True])
def test_a_grid_reads_back_from_csv_to_the_same_speeds(tmp_path, cells):
    turned = MapPlane(REGION.map_projection().definition, 20.0, (5.0, 0.0))
    model = grid(turned, cells=cells)
    written, read = as_degrees(model), again(tmp_path, write_csv(model, "alps"))
    assert np.array_equal(read.vp, written.vp) and np.array_equal(read.vs, written.vs)
    assert read.origin == pytest.approx(written.origin, abs=1e-8)
    points = inside(model)
    assert read.holds(*points[:2]).all()
    tolerance = 0.05 if cells else 0.006  # half of a cell
    assert speeds(read, points, False) == pytest.approx(speeds(model, points, False), rel=tolerance)


def test_nodes_in_degrees_are_written_as_they_are(tmp_path):
    model = as_degrees(grid())
    read = again(tmp_path, write_csv(model, "alps"))
    assert np.array_equal(read.vp, model.vp) and as_degrees(read) is read
    across = replace(model, origin=(179.8, *model.origin[1:]))
    assert again(tmp_path, write_csv(across, "alps")).origin[0] == pytest.approx(179.8)
    assert as_cells(across).box.east > 180.0


@pytest.mark.parametrize("gradient", [False, True])
def test_layers_read_back_to_the_same_speeds(tmp_path, gradient):
    model = layers(gradient)
    depths = np.linspace(-9.0, 60.0, 300)

    def at(model, column):
        tops, *of = zip(*model.rows, strict=True)
        if model.gradient:
            return np.interp(depths, tops, of[column])
        return np.array(of[column])[np.maximum(np.searchsorted(tops, depths, side="right") - 1, 0)]

    read = again(tmp_path, write_nlloc(model, "alps"))
    for column in (0, 1):
        assert at(read, column) == pytest.approx(at(model, column), rel=1e-6)
    for _ in range(3):  # interfaces of a gradient stay two close nodes
        (tmp_path / "alps.in").write_bytes(write_nlloc(read, "alps")["alps.in"])
        before, read = read, read_velocity_model([tmp_path / "alps.in"])
        assert len(read.rows) == len(before.rows) or read.rows[-1][0] > 100.0
    table = write_csv(model, "alps")["alps.csv"]
    (tmp_path / "alps.csv").write_bytes(table)
    assert read_velocity_model([tmp_path / "alps.csv"], gradient=gradient) == model


def test_two_speeds_are_one_layer(tmp_path):
    read = again(tmp_path, write_nlloc(VelocityConfig(vp=5.5, vs=3.1), "alps"))
    assert read.rows == [(0.0, 5.5, 3.1)]


def test_what_a_format_cant_hold_is_said():
    shells = layers().model_copy(update={"spherical": True})
    assert lost(shells, "nlloc") == ["that the layers are shells of a round Earth"]
    assert "--gradient" in lost(layers(True), "csv")[0] and not lost(layers(True), "nlloc")
    resolved = replace(grid(), resolution=np.zeros((2, *SHAPE)))
    assert lost(resolved, "csv") == ["the resolution"] and not lost(grid(), "csv")
