"""Velocity models from NonLinLoc's files, csv and job files: what is read, and what is refused with which words."""

from dataclasses import replace

import numpy as np
import pytest

from catalogdb.errors import InputError
from catalogdb.geo import Projection
from catalogdb.traveltimes.model_documents import model_document, model_of
from catalogdb.traveltimes.model_files import read_velocity_model
from catalogdb.traveltimes.velocity import VelocityConfig
from catalogdb.traveltimes.velocity_grid import VelocityGrid

SIMPLE = "TRANSFORM SIMPLE LatOrig 46.0 LongOrig 13.0 RotCW 30.0"
HEADER = "4 5 6  -3.0 -2.0 -1.0  2.0 2.0 2.0 SLOW_LEN FLOAT\n" + SIMPLE + "\n"


def write(path, text):
    path.write_text(text)
    return path


def grid_files(folder, speed=6.0, header=HEADER):
    paths = []
    for phase, factor in (("P", 1.0), ("S", 1.75)):
        values = np.full((4, 5, 6), 2.0 / speed * factor, "<f4")
        values[:, :, 3:] *= 0.8  # faster from 5 km depth
        path = write(folder / f"model.{phase}.mod.hdr", header)
        path.with_suffix(".buf").write_bytes(values.tobytes())
        paths.append(path)
    return paths


def test_layer_lines_of_a_control_file_are_layers(tmp_path):
    path = write(tmp_path / "run.in", "CONTROL 1 54321\nLAYER 0.0 5.85 0 3.28 0 2.7 0\n LAYER 22.0 6.8 0 3.8 0 2.8 0\n")
    model = read_velocity_model([path])
    assert not model.gradient
    assert [(layer.depth_km, layer.vp, layer.vs) for layer in model.layers] == [(0, 5.85, 3.28), (22, 6.8, 3.8)]


def test_gradients_of_layer_lines_keep_their_interfaces(tmp_path):
    model = read_velocity_model(
        [write(tmp_path / "x.in", "LAYER 0 5.0 0.1 2.9 0.05 2.7 0\nLAYER 10 7.0 0 4.0 0 2.7 0\n")]
    )
    assert model.gradient
    assert [layer.vp for layer in model.layers[:3]] == pytest.approx([5.0, 6.0, 7.0], abs=1e-3)
    assert model.layers[1].depth_km == pytest.approx(9.999)


def test_a_grid_of_nonlinloc_has_cells_that_begin_at_its_nodes(tmp_path):
    model = read_velocity_model(grid_files(tmp_path))
    assert model.cells
    assert model.vp.shape == (3, 4, 5)
    assert (model.top_km, model.bottom_km) == (-1.0, 9.0)
    assert model.vp[0, 0] == pytest.approx([6.0, 6.0, 6.0, 7.5, 7.5])
    assert model.vs[0, 0, 0] == pytest.approx(6.0 / 1.75)


def test_points_lie_where_nonlinlocs_simple_transformation_has_them(tmp_path):
    model = read_velocity_model(grid_files(tmp_path))
    longitude, latitude = np.array([13.02]), np.array([46.03])
    per_degree = 10000.0 / 90.0
    x = (longitude - 13.0) * per_degree * np.cos(np.radians(latitude))
    y = (latitude - 46.0) * per_degree
    angle = -np.radians(30.0)
    expected = x * np.cos(angle) - y * np.sin(angle), y * np.cos(angle) + x * np.sin(angle)
    i, j = model.position(longitude, latitude)
    assert i * 2.0 - 3.0 == pytest.approx(expected[0], abs=1e-3)
    assert j * 2.0 - 2.0 == pytest.approx(expected[1], abs=1e-3)


def test_p_alone_takes_a_ratio(tmp_path):
    of_p, _ = grid_files(tmp_path)
    with pytest.raises(InputError, match="no grid of S"):
        read_velocity_model([of_p])
    model = read_velocity_model([of_p], vp_vs=1.8)
    assert model.vp[0, 0, 0] / model.vs[0, 0, 0] == pytest.approx(1.8)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("no header\n", "no header of a grid"),
        (HEADER.replace("SLOW_LEN", "TIME"), "TIME is no grid of speeds"),
        (HEADER.replace("4 5 6", "1 5 6"), "no 3-D grid"),
        (HEADER.replace("4 5 6", "4 5 7"), "cut short"),
        (HEADER.replace("SIMPLE", "NONE"), "says not where the grid lies"),
        (HEADER.replace("LatOrig 46.0", "LatOrig north"), "can't be read"),
        (HEADER.replace("SLOW_LEN", "VELOCITY_METERS"), "it must lie between"),
    ],
)
def test_a_grid_that_cant_be_used_is_refused(tmp_path, header, said):
    with pytest.raises(InputError, match=said):
        read_velocity_model(grid_files(tmp_path, header=header))


def test_a_table_of_depths_is_layers_or_a_gradient(tmp_path):
    path = write(tmp_path / "model.csv", "depth_km,vp,vs\n0,5.0,2.9\n10,6.0,3.5\n")
    assert not read_velocity_model([path]).gradient
    assert read_velocity_model([path], gradient=True).gradient
    assert read_velocity_model([write(tmp_path / "p.csv", "depth,vp\n0,5.25\n")], vp_vs=1.75).layers[0].vs == 3.0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("depth_km,vp,vs\n0,5.0,2.9\n10,six,3.5\n", "line 3: 'six' is no number"),
        ("depth_km,vp,vs\n10,5.0,2.9\n0,6.0,3.5\n", "shallowest to the deepest"),
        ("depth_km,vp,vs\n0,5000,2900\n", "km/s, not m/s"),
        ("depth_km,vp\n0,5.0\n", "no column vs"),
        ("a,b\n0,5.0\n", "no column depth_km"),
        ("depth_km,vp,vs\n", "no rows"),
        (
            "longitude,latitude,depth_km,vp,vs\n13,46,0,5,2.9\n13,46,9,5,2.9\n14,46,0,5,2.9\n14,46,9,5,2.9\n",
            "even spacing",
        ),
    ],
)
def test_a_table_that_is_no_model_is_refused(tmp_path, text, said):
    with pytest.raises(InputError, match=said):
        read_velocity_model([write(tmp_path / "model.csv", text)])


@pytest.mark.parametrize("header", ["depth_km;vp;vs", "Depth (km);Vp (km/s);Vs (km/s)", "DEPTH_KM\tVP\tVS"])
def test_semicolons_and_decimal_commas_are_read(tmp_path, header):
    mark = "\t" if "\t" in header else ";"
    rows = ["0;5,85;3,28", "22,5;6.8;3,8"]
    model = read_velocity_model(
        [write(tmp_path / "m.csv", "\n".join([header, *(row.replace(";", mark) for row in rows)]))]
    )
    assert [(layer.depth_km, layer.vp, layer.vs) for layer in model.layers] == [(0, 5.85, 3.28), (22.5, 6.8, 3.8)]


def nodes(skip=()):
    rows = [(x, y, z, 5.0 + 0.1 * z + x - 13.0) for z in (0.0, 5.0, 10.0) for y in (46.0, 46.1) for x in (13.0, 13.1)]
    lines = [f"{x},{y},{z},{vp},{vp / 1.75}" for number, (x, y, z, vp) in enumerate(rows) if number not in skip]
    return "\n".join(["longitude,latitude,depth_km,vp,vs", *lines]) + "\n"


def test_a_table_of_nodes_in_any_order_is_a_grid(tmp_path):
    model = read_velocity_model([write(tmp_path / "grid.csv", nodes())])
    assert model.vp.shape == (2, 2, 3)
    assert model.vp[1, 0] == pytest.approx([5.1, 5.6, 6.1])
    middle = model.slowness(np.array([13.05]), np.array([46.05]), np.array([0.0, 5.0]), is_s=False)
    assert middle[0, 0] == pytest.approx(0.5 * (1 / 5.0 + 1 / 5.1))
    with pytest.raises(InputError, match=r"depth 13.1, 46, 5 is there 0 times"):
        read_velocity_model([write(tmp_path / "hole.csv", nodes(skip=(5,)))])


def test_the_velocity_of_a_job_file_is_a_model(tmp_path):
    job = "name: x\nassociate: {velocity: {layers: [{depth_km: 0, vp: 5.85, vs: 3.28}]}}\n"
    assert read_velocity_model([write(tmp_path / "job.yaml", job)]).layers[0].vp == 5.85
    with pytest.raises(InputError, match="no velocity model"):
        read_velocity_model([write(tmp_path / "other.yaml", "name: x\n")])


def test_a_job_gives_the_model_of_its_last_locations(tmp_path):
    blocks = {
        "associate": "{velocity: {vp: 5.0, vs: 2.9}, location_velocity: {vp: 5.1, vs: 2.9}}",
        "locate": "{velocity: {vp: 5.2, vs: 2.9}}",
        "relocate": "{velocity: {vp: 5.3, vs: 2.9}}",
    }
    for count, vp in ((1, 5.1), (2, 5.2), (3, 5.3)):
        job = "".join(f"{name}: {block}\n" for name, block in list(blocks.items())[:count])
        assert read_velocity_model([write(tmp_path / "job.yaml", job)]).vp == vp


def test_a_job_that_names_its_model_does_not_hold_it(tmp_path):
    job = "associate: {velocity: {vp: 5.0, vs: 2.9}}\nlocate: {velocity_model: alps-3d}\n"
    with pytest.raises(InputError, match=r"locate\.velocity_model is 'alps-3d'.*not in this file"):
        read_velocity_model([write(tmp_path / "job.yaml", job)])
    with_own = job + "relocate: {velocity: {vp: 5.3, vs: 2.9}}\n"
    assert read_velocity_model([write(tmp_path / "job.yaml", with_own)]).vp == 5.3


def test_documents_hold_the_model_and_are_named_by_content(tmp_path):
    grid = read_velocity_model(grid_files(tmp_path))
    layers = VelocityConfig(layers=({"depth_km": 0, "vp": 5.0, "vs": 2.9},))
    for model in (grid, layers):
        document = model_document("alps", model, "files")
        again = model_document("other", model_of(document), "elsewhere")
        assert document["model_id"] == again["model_id"]
    assert np.array_equal(model_of(model_document("alps", grid, "files")).vp, grid.vp)
    assert model_document("alps", layers, "")["model_id"] != model_document("alps", grid, "")["model_id"]


def test_resolution_is_kept_and_is_no_part_of_the_identity():
    vp = np.linspace(5.0, 6.0, 24, dtype="<f4").reshape(2, 3, 4)
    without = VelocityGrid("", 0.0, (0.0, 0.0), False, (13.0, 46.0, 0.0), (0.1, 0.1, 5.0), vp, vp / 2.0)
    resolution = np.linspace(0.0, 1.0, 48).reshape(2, 2, 3, 4)
    document = model_document("alps", replace(without, resolution=resolution), "catalog")
    older = model_document("alps", without, "catalog")
    assert document["model_id"] == older["model_id"] and model_of(older).resolution is None
    assert model_of(document).resolution == pytest.approx(resolution, abs=0.00501)
    with pytest.raises(InputError, match="resolution of"):
        replace(without, resolution=resolution[:, :1])


@pytest.mark.parametrize("rotation", [0.0, 25.0])
def test_positions_turn_back_to_degrees_and_lie_in_the_box(rotation):
    vp = np.full((4, 5, 3), 5.0)
    plane = Projection("+proj=tmerc +lat_0=46 +lon_0=13 +units=km").definition
    model = VelocityGrid(plane, rotation, (3.0, -2.0), False, (-20.0, -30.0, 0.0), (10.0, 15.0, 5.0), vp, vp / 2.0)
    i, j = np.array([0.0, 3.0, 1.5]), np.array([4.0, 0.0, 2.5])
    longitude, latitude = model.lonlat(i, j)
    assert np.array(model.position(longitude, latitude)) == pytest.approx(np.array([i, j]), abs=1e-6)
    box = model.box
    assert ((longitude >= box.west - 1e-9) & (longitude <= box.east + 1e-9)).all() and box.south <= latitude.min()


def test_cells_average_to_the_depth_of_their_interface():
    vp = np.array([4.0, 8.0]) * np.ones((2, 2, 1))
    model = VelocityGrid("", 0.0, (0.0, 0.0), True, (13.0, 46.0, 0.0), (0.1, 0.1, 5.0), vp, vp / 2.0)
    place = np.array([13.05]), np.array([46.05])
    found = model.slowness(*place, np.array([3.0, 4.0, 5.0, 6.0]), is_s=False)[0]
    assert found == pytest.approx([0.25, 0.25, 0.5 * (0.25 + 0.125), 0.125])
    assert Projection("+proj=tmerc +lat_0=46 +lon_0=13 +units=km")  # any map plane may ask it
