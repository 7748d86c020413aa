"""Location in other models and with other errors: low-velocity layers, 3-D grids, as Hypo71 has them; few arrivals."""

import numpy as np
import pytest
from test_location_documents import PLANE, REGION, VELOCITY, catalog, located, stations

from catalogdb.errors import InputError
from catalogdb.location.documents import HYPO71_WEIGHTS
from catalogdb.traveltimes import eikonal
from catalogdb.traveltimes.velocity import VelocityConfig, VelocityLayer
from catalogdb.traveltimes.velocity_grid import VelocityGrid


def apart_km(result, origins):
    pairs = list(zip(result.origins, origins, strict=True))
    here, there = (np.array([[row["longitude"], row["latitude"], row["depth_km"]] for row in rows])
                   for rows in zip(*pairs, strict=True))  # fmt: skip
    (x, y), (x0, y0) = PLANE.to_xy(*here[:, :2].T), PLANE.to_xy(*there[:, :2].T)
    return np.hypot(x - x0, y - y0), np.abs(here[:, 2] - there[:, 2])


def test_as_hypo71_a_reading_without_weight_moves_nothing():
    origins, arrivals = catalog(events=20)
    arrivals = [
        [_with(a, precision="weight 4", time=a.time + 3.0) if a.sta == "S03" else a for a in own] for own in arrivals
    ]
    far, _ = apart_km(located(origins, arrivals, terms="none", errors="hypo71"), origins)
    assert np.median(far) < 0.15
    far, _ = apart_km(located(origins, [[_with(a, precision="weight 0") for a in own] for own in arrivals],
                              terms="none", errors="hypo71"), origins)  # fmt: skip
    assert np.median(far) > 1.0
    assert HYPO71_WEIGHTS["weight 1"] == 0.75 and HYPO71_WEIGHTS["weight 5"] == 0.0


def test_elevations_are_true_unless_a_job_says_otherwise():
    sensors = [(latitude, longitude, 1.4) for latitude, longitude, _ in stations()]
    origins, arrivals = catalog(events=20, sensors=sensors)
    _, true = apart_km(located(origins, arrivals, terms="none"), origins)
    flat = located(origins, arrivals, terms="none", elevations=False)
    assert np.median(true) < 0.3
    deeper = [row["depth_km"] - before["depth_km"] for row, before in zip(flat.origins, origins, strict=True)]
    assert np.median(deeper) > 0.5
    assert all("above_stations" not in row.get("limits", ()) for row in flat.origins)


def test_four_arrivals_give_a_place_with_wide_regions():
    origins, arrivals = catalog(events=8)
    few = [
        [a for a in own if (a.sta, a.phase) in {("S01", "P"), ("S01", "S"), ("S04", "P"), ("S07", "P")}]
        for own in arrivals
    ]
    result, full = (located(origins, rows, terms="none") for rows in (few, arrivals))
    assert result.counts["located"] == 8
    widths = [[row["epicentre_90_km"] for row in found.origins if "epicentre_90_km" in row] for found in (result, full)]
    assert not widths[0] or np.median(widths[0]) > 3.0 * np.median(widths[1])
    far, _ = apart_km(result, origins)
    held = [
        off <= row["epicentre_90_km"] for row, off in zip(result.origins, far, strict=True) if "epicentre_90_km" in row
    ]
    assert np.mean(held) >= 0.6


def test_a_network_on_one_side_gives_long_ellipses_not_errors():
    west = [(latitude, longitude, elevation) for latitude, longitude, elevation in stations(30) if longitude < 12.5]
    origins, arrivals = catalog(events=12, sensors=west)
    result = located(origins, arrivals, terms="none")
    assert result.counts["located"] == 12
    ratios = [
        row["ellipsoid"]["major_km"] / row["ellipsoid"]["minor_km"] for row in result.origins if "ellipsoid" in row
    ]
    assert np.median(ratios) > 2.0


def test_arrivals_of_one_station_are_counted_and_left():
    origins, arrivals = catalog(events=3)
    one = [[a for a in own if a.sta == "S02"] * 2 for own in arrivals]
    result = located(origins, one, terms="none")
    assert result.origins == [] and result.counts == {"refused_one_station": 3}


def test_events_below_a_low_velocity_layer_are_found():
    model = VelocityConfig(
        layers=tuple(VelocityLayer(depth_km=z, vp=v, vs=v / 1.75) for z, v in ((0, 5.5), (3, 4.5), (6, 6.5)))
    )
    origins, arrivals = catalog(events=20, velocity=model)
    far, deep = apart_km(located(origins, arrivals, model, terms="none"), origins)
    assert np.median(far) < 0.2 and np.median(deep) < 0.5


def _with(arrival, **changes):
    from dataclasses import replace

    return replace(arrival, **changes)


def grid(bottom_km=32.0):
    """10 % faster in the east than in the west, from 4 km above sea level."""
    longitude = np.arange(11.2, 14.3, 0.1)
    shape = len(longitude), 17, int((bottom_km + 4.0) / 4.0) + 1
    vp = (5.8 * (1.0 + 0.05 * np.tanh((longitude - 12.75) * 10.0)))[:, None, None] * np.ones(shape)
    return VelocityGrid("", 0.0, (0.0, 0.0), False, (11.2, 45.2, -4.0), (0.1, 0.1, 4.0), vp, vp / 1.73)


@pytest.fixture
def small_lattices(tmp_path, monkeypatch):
    pytest.importorskip("eikonalfm")
    monkeypatch.setenv("CATALOGDB_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(eikonal, "MOST_NODES", 100_000)


def test_a_3d_model_places_events_of_its_own_better(small_lattices):
    from catalogdb.traveltimes.grid_times import grid_times

    sensors = stations(9)
    x, y = PLANE.to_xy([row[1] for row in sensors], [row[0] for row in sensors])
    places = np.column_stack([x, y, [-row[2] for row in sensors]])
    bounds = REGION.bounds_xy(PLANE)
    lower, upper = np.array([bounds[0], bounds[2], 0.0]), np.array([bounds[1], bounds[3], 30.0])
    times = grid_times(grid(), PLANE, places, lower, upper)
    origins, arrivals = catalog(events=20, sensors=sensors)
    made = []
    for origin, own in zip(origins, arrivals, strict=True):
        here = np.array(
            [[*(float(v) for v in PLANE.to_xy(origin["longitude"], origin["latitude"])), origin["depth_km"]]]
        )
        station, is_s = np.array([[int(a.sta[1:]) for a in own]]), np.array([[a.phase == "S" for a in own]])
        travel = times(here[:, None, :], station, is_s)[0, 0]
        made.append([_with(a, time=origin["time"] + t) for a, t in zip(own, travel, strict=True)])
    mean = VelocityConfig(vp=5.8, vs=5.8 / 1.73)
    (flat, _), (far, deep) = (
        apart_km(located(origins, made, model, terms="none"), origins) for model in (mean, grid())
    )
    assert np.median(far) < 0.1 and np.median(deep) < 0.2
    assert np.median(flat) > 3.0 * np.median(far)


def test_a_3d_model_that_ends_too_soon_is_refused(small_lattices):
    origins, arrivals = catalog(events=2)
    with pytest.raises(InputError, match="region.maxdepth_km is 30 km"):
        located(origins, arrivals, grid(bottom_km=24.0))
    far_off = [[_with(a, latitude=48.0) if a.sta == "S05" else a for a in own] for own in arrivals]
    with pytest.raises(InputError, match=r"1 of 12 stations stand outside the velocity model: XX.S05"):
        located(origins, far_off, grid())


def test_layers_beside_a_named_model_are_refused():
    from catalogdb.location.config import LocateConfig

    with pytest.raises(ValueError, match="the one or the other"):
        LocateConfig(velocity=VELOCITY, velocity_model="alps")
