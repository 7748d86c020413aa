"""Travel times in 3-D models: against rays in layers, their derivatives, their files, and what is refused."""

import numpy as np
import pytest

from catalogdb.errors import InputError
from catalogdb.geo import Projection
from catalogdb.traveltimes import eikonal, time_files
from catalogdb.traveltimes.eikonal import Lattice
from catalogdb.traveltimes.first_arrivals import travel_times
from catalogdb.traveltimes.grid_times import check_model, grid_times, margin_within
from catalogdb.traveltimes.velocity import VelocityConfig, VelocityLayer
from catalogdb.traveltimes.velocity_grid import VelocityGrid

pytest.importorskip("eikonalfm")

PLANE = Projection("+proj=tmerc +lat_0=46 +lon_0=13 +units=km")
LOWER, UPPER = np.array([-8.0, -8.0, 0.0]), np.array([8.0, 8.0, 9.0])
STATIONS = np.array([[-3.3, 2.2, -0.87], [5.1, -4.4, 0.0], [0.7, 7.9, -1.31]])


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CATALOGDB_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(eikonal, "MOST_NODES", 60_000)


def model(speeds=(5.0, 4.0, 6.5), cells=True):
    """Layers from -2 to 2, to 5 and to 10 km depth, in cells of 1 km."""
    vp = np.repeat(speeds, [4, 3, 5]) * np.ones((20, 20, 1))
    return VelocityGrid(PLANE.definition, 0.0, (0.0, 0.0), cells, (-10.0, -10.0, -2.0), (1.0, 1.0, 1.0), vp, vp / 1.75)


def places(count=40, seed=1):
    rng = np.random.default_rng(seed)
    return rng.uniform([-7.0, -7.0, 0.5], [7.0, 7.0, 8.5], (count, 3))


def in_layers(speeds, at, station, is_s):
    layers = tuple(VelocityLayer(depth_km=z, vp=v, vs=v / 1.75) for z, v in zip((-2.0, 2.0, 5.0), speeds, strict=True))
    times = travel_times(VelocityConfig(layers=layers), 30.0, 0.0, 9.0, (-2.0, 0.0))
    apart = np.hypot(*(at[:, :2] - station[:2]).T)
    return times(apart, at[:, 2], station[2], is_s)


@pytest.mark.parametrize("speeds", [(5.0, 5.0, 5.0), (5.0, 5.6, 6.5), (5.0, 4.0, 6.5)])
def test_times_are_those_of_rays_in_the_same_layers(speeds):
    at = places()
    times = grid_times(model(speeds), PLANE, STATIONS, LOWER, UPPER)
    for row, station in enumerate(STATIONS):
        for is_s in (False, True):
            shape = len(at), 1
            found = times(at[:, None, :], np.full(shape, row), np.full(shape, is_s))[:, 0, 0]
            off = found - in_layers(speeds, at, station, is_s)
            assert np.median(np.abs(off)) < 0.004
            assert np.quantile(np.abs(off), 0.9) < 0.03  # oblique rays, half a node's spacing from an interface


def test_derivatives_are_those_of_the_times():
    at, station, is_s = places(), np.zeros((40, 1), int), np.ones((40, 1), bool)
    times = grid_times(model((5.0, 5.0, 5.0)), PLANE, STATIONS, LOWER, UPPER)
    found, slope = times.with_derivatives(at, station, is_s)
    assert found == pytest.approx(times(at[:, None, :], station, is_s)[:, 0])
    for axis in range(3):
        step = np.zeros(3)
        step[axis] = 1e-4
        ahead, behind = (times((at + sign * step)[:, None, :], station, is_s)[:, 0] for sign in (1, -1))
        assert np.median(np.abs((ahead - behind) / 2e-4 - slope[..., axis])) < 1e-6


def test_the_station_is_a_node_of_its_lattice():
    lattice = Lattice.around(STATIONS[0], LOWER, UPPER, (1.0, 1.0, 1.0))
    for axis, values in enumerate(lattice.axes):
        assert values[lattice.source[axis]] == pytest.approx(STATIONS[0][axis])
        assert values[0] <= min(LOWER[axis], STATIONS[0][axis]) + 1e-6
        assert values[-1] >= UPPER[axis] - 1e-6
    assert np.prod(lattice.shape) <= 60_000
    with pytest.raises(InputError, match="nodes, more than"):
        Lattice.around(STATIONS[0], 100.0 * LOWER, 100.0 * UPPER, (1.0, 1.0, 1.0))


def test_files_are_made_once_and_mapped(tmp_path):
    grid_times(model(), PLANE, STATIONS, LOWER, UPPER)
    files = {path: path.stat().st_ino for path in time_files.folder().glob("*.npy")}
    assert len(files) == 2 * len(STATIONS)
    times = grid_times(model(), PLANE, STATIONS, LOWER, UPPER)
    assert files == {path: path.stat().st_ino for path in time_files.folder().glob("*.npy")}
    assert isinstance(times._grids[0].slowness, np.memmap)
    grid_times(model((5.0, 4.0, 6.6)), PLANE, STATIONS, LOWER, UPPER)  # another content has files of its own
    assert len(list(time_files.folder().glob("*.npy"))) == 4 * len(STATIONS)


def test_a_damaged_file_is_made_again():
    before = grid_times(model(), PLANE, STATIONS[:1], LOWER, UPPER)._grids[0].slowness.copy()
    for path in time_files.folder().glob("*.npy"):
        path.write_bytes(path.read_bytes()[:500])
    again = grid_times(model(), PLANE, STATIONS[:1], LOWER, UPPER)._grids[0].slowness
    assert np.array_equal(before, again)


def test_files_not_used_for_longest_go_first(monkeypatch):
    import os

    for number in range(4):
        time_files.kept(f"k{number}", lambda: np.zeros(25_000, np.float32))
        os.utime(time_files.folder() / f"k{number}.npy", (1000 + number, 1000 + number))
    time_files.kept("k0", lambda: np.zeros(1))  # used now
    monkeypatch.setenv(time_files.LIMIT_VARIABLE, "0.00025")
    assert time_files.remove_oldest(["k0", "k3"]) == 2
    assert sorted(path.stem for path in time_files.folder().glob("*.npy")) == ["k0", "k3"]
    monkeypatch.setenv(time_files.LIMIT_VARIABLE, "0.00005")
    with pytest.raises(InputError, match="more than the"):
        time_files.remove_oldest(["k0"])
    monkeypatch.setenv(time_files.LIMIT_VARIABLE, "much")
    with pytest.raises(InputError, match="no size in GB"):
        time_files.limit_bytes()


def on_earth(x, y):
    return (np.array([value]) for value in PLANE.to_lonlat(x, y))


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ((0.0, 0.0, -2.5), "above the top of the velocity model"),
        ((0.0, 11.0, 0.0), "outside the velocity model"),
        ((0.0, 0.0, 10.5), "below the bottom"),
    ],
)
def test_a_station_that_the_model_doesnt_reach_is_named(place, said):
    longitude, latitude = on_earth(*place[:2])
    with pytest.raises(InputError, match=f"1 of 1 stations stand {said}.*XX.ABC"):
        check_model(model(), (0.0, 9.0), ["XX.ABC"], longitude, latitude, np.array([place[2]]))


def test_a_model_shallower_than_the_search_volume_is_refused():
    longitude, latitude = on_earth(0.0, 0.0)
    where = ["XX.ABC"], longitude, latitude, np.array([0.0])
    with pytest.raises(InputError, match="region.maxdepth_km is 20 km"):
        check_model(model(), (0.0, 20.0), *where)
    with pytest.raises(InputError, match="region.mindepth_km is -3 km"):
        check_model(model(), (-3.0, 9.0), *where)
    check_model(model(), (0.0, 9.0), *where)


def test_the_margin_ends_with_the_model_and_the_region_lies_in_it():
    assert margin_within(model(), PLANE, (-8.0, 8.0, -8.0, 8.0), 1.0) == pytest.approx(1.0)
    assert margin_within(model(), PLANE, (-8.0, 8.0, -8.0, 8.0), 50.0) <= 2.0
    with pytest.raises(InputError, match="ends within the region"):
        margin_within(model(), PLANE, (-12.0, 8.0, -8.0, 8.0), 10.0)
