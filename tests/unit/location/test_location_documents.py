"""Origins and station terms of a made catalog, and what is refused or flagged."""

from dataclasses import replace

import numpy as np
import pytest
from pyproj import Geod

from catalogdb.geo import Region, distance_azimuth
from catalogdb.location.config import LocateConfig
from catalogdb.location.documents import Placed, locate_origins
from catalogdb.location.ellipsoid import confidence_ellipsoid
from catalogdb.traveltimes.first_arrivals import travel_times
from catalogdb.traveltimes.velocity import VelocityConfig, VelocityLayer

REGION = Region(minlatitude=45.5, maxlatitude=46.5, minlongitude=12.0, maxlongitude=13.5, mindepth_km=0, maxdepth_km=30)
VELOCITY = VelocityConfig(
    layers=(VelocityLayer(depth_km=0.0, vp=5.0, vs=2.9), VelocityLayer(depth_km=12.0, vp=6.5, vs=3.7))
)
PLANE = REGION.map_projection()


def stations(count=12, seed=4):
    rng = np.random.default_rng(seed)
    return list(
        zip(rng.uniform(45.7, 46.3, count), rng.uniform(12.3, 13.2, count), rng.uniform(0.0, 1.5, count), strict=True)
    )


def catalog(events=30, sensors=None, delay=0.0, seed=5, depths_km=(4.0, 20.0), velocity=VELOCITY):
    rng = np.random.default_rng(seed)
    sensors = sensors or stations()
    times = travel_times(velocity, 400.0, 0.0, 30.0, (-2.0, 0.0))
    x, y = PLANE.to_xy([row[1] for row in sensors], [row[0] for row in sensors])
    z = np.array([-row[2] for row in sensors])
    origins, arrivals = [], []
    for number in range(events):
        latitude, longitude, depth = rng.uniform(45.8, 46.2), rng.uniform(12.5, 13.0), rng.uniform(*depths_km)
        here_x, here_y = PLANE.to_xy(longitude, latitude)
        distance = np.hypot(x - here_x, y - here_y)
        time = 1.7e9 + 100.0 * number
        origins.append(
            {"event_id": str(number), "time": time, "latitude": latitude, "longitude": longitude, "depth_km": depth}
        )
        own = []
        for phase in "PS":
            travel = times(distance, depth, z, phase == "S")
            for row, sensor in enumerate(sensors):
                error = 0.05 * rng.standard_normal() + (delay if row == 0 else 0.0)
                own.append(
                    Placed(
                        f"{number}.{row}.{phase}",
                        phase,
                        "XX",
                        f"S{row:02d}",
                        time + travel[row] + error,
                        "weight 0",
                        *sensor,
                    )
                )
        arrivals.append(own)
    return origins, arrivals


def located(origins, arrivals, velocity=VELOCITY, **settings):
    return locate_origins(origins, arrivals, REGION, 50.0, velocity, LocateConfig(**settings))


def test_origins_lie_where_the_events_are_and_say_how_well():
    origins, arrivals = catalog()
    result = located(origins, arrivals, terms="none")
    assert result.counts["located"] == len(result.origins) == 30 and result.terms == []
    for before, origin in zip(origins, result.origins, strict=True):
        assert origin["method"] == "nonlinear" and origin["event_id"] == before["event_id"]
        assert origin["latitude"] == pytest.approx(before["latitude"], abs=0.01)
        assert origin["longitude"] == pytest.approx(before["longitude"], abs=0.015)
        assert origin["time"] == pytest.approx(before["time"], abs=0.3)
        assert origin["epicentre_68_km"] < origin["epicentre_90_km"] < 3.0
        assert origin["n_p"] == origin["n_s"] == 12 and len(origin["arrivals"]) == 24
        assert max(abs(arrival["residual"]) for arrival in origin["arrivals"]) < 0.5
        assert all(0.0 <= arrival["weight"] <= 1.0 for arrival in origin["arrivals"])
    inside = [
        o["depth_90_km"][0] <= b["depth_km"] <= o["depth_90_km"][1]
        for b, o in zip(origins, result.origins, strict=True)
    ]
    assert np.mean(inside) > 0.7


def test_a_late_station_has_a_term():
    result = located(*catalog(delay=0.4), terms="static")
    value = {(term["sta"], term["phase"]): term["value"] for term in result.terms}
    assert len(value) == 24
    others = [value[f"S{row:02d}", "P"] for row in range(1, 12)]
    assert value["S00", "P"] - np.mean(others) == pytest.approx(0.4, abs=0.1)


def test_a_station_that_moved_has_one_term_of_a_phase():
    origins, arrivals = catalog()
    moved = [
        [replace(one, latitude=one.latitude + 1e-3 * (number >= 15 and one.sta == "S00")) for one in own]
        for number, own in enumerate(arrivals)
    ]
    terms = located(origins, moved, terms="static").terms
    assert len({(term["net"], term["sta"], term["phase"]) for term in terms}) == len(terms) == 24
    assert {term["count"] for term in terms} == {30}


def test_a_small_catalog_has_no_terms():
    result = located(*catalog(events=5))
    assert result.terms == [] and len(result.origins) == 5


def test_what_arrivals_cannot_tell_is_refused_with_its_reason():
    origins, arrivals = catalog(events=4)
    arrivals[0] = arrivals[0][:3]
    arrivals[1] = [arrival for arrival in arrivals[1] if arrival.sta == "S03"] * 2
    result = located(origins, arrivals)
    assert [origin["event_id"] for origin in result.origins] == ["2", "3"]
    assert result.counts["refused_too_few_arrivals"] == result.counts["refused_one_station"] == 1
    assert located(origins[:2], arrivals[:2]).counts == {"refused_too_few_arrivals": 1, "refused_one_station": 1}


def test_four_picks_have_wide_finite_regions():
    origins, arrivals = catalog(events=6)
    few = [sorted(own, key=lambda arrival: arrival.time)[:4] for own in arrivals]
    rich = located(origins, arrivals, terms="none").origins
    for poor, better in zip(located(origins, few, terms="none").origins, rich, strict=True):
        if "epicentre_90_km" in poor:
            assert poor["epicentre_90_km"] > better["epicentre_90_km"]


def test_events_at_sea_level_and_without_s_keep_their_noughts():
    origins, arrivals = catalog(events=6, depths_km=(0.0, 0.0))
    of_p = [[arrival for arrival in own if arrival.phase == "P"] for own in arrivals]
    found = located(origins, of_p, terms="none").origins
    assert all("depth_km" in origin and origin["n_s"] == 0 for origin in found)
    assert any(origin["depth_km"] == 0.0 and origin["limits"][-1] == "mindepth" for origin in found)
    assert not any("bimodal" in origin and not origin["bimodal"] for origin in found)


def test_stations_on_one_side_and_outside_the_region_give_long_ellipses():
    sensors = [(47.5 + 0.1 * row, 12.5 + 0.1 * row, 0.5) for row in range(8)]
    origins, arrivals = catalog(events=5, sensors=sensors)
    for origin in located(origins, arrivals, terms="none").origins:
        assert origin["azimuthal_gap"] > 300
        assert "ellipsoid" not in origin or origin["ellipsoid"]["major_km"] > 2.0 * origin["ellipsoid"]["minor_km"]


@pytest.mark.parametrize(
    "layers",
    [
        ({"depth_km": 0.0, "vp": 5.5, "vs": 3.1},),
        (
            {"depth_km": 0.0, "vp": 5.0, "vs": 2.9},
            {"depth_km": 4.0, "vp": 4.2, "vs": 2.4},
            {"depth_km": 8.0, "vp": 6.5, "vs": 3.7},
        ),
    ],
)
def test_models_of_one_layer_and_with_a_slow_one_below_a_fast_one_work(layers):
    velocity = VelocityConfig(layers=tuple(VelocityLayer(**layer) for layer in layers))
    result = located(*catalog(events=5), velocity=velocity)
    assert len(result.origins) == 5
    assert all(np.isfinite([origin["latitude"], origin["depth_km"], origin["rms"]]).all() for origin in result.origins)


def test_the_rotation_of_an_ellipsoid_takes_the_horizontal_to_its_minor_axis():
    thin_upright = confidence_ellipsoid(np.diag([4.0, 9.0, 1.0]))  # longest to the north, thinnest downwards
    assert (thin_upright["azimuth"] % 180.0, thin_upright["plunge"]) == pytest.approx((0.0, 0.0))
    assert thin_upright["rotation"] == pytest.approx(90.0)
    assert confidence_ellipsoid(np.diag([1.0, 9.0, 4.0]))["rotation"] % 180.0 == pytest.approx(0.0)


def test_the_ellipsoid_is_that_of_the_covariance():
    rng = np.random.default_rng(3)
    for _ in range(20):
        root = rng.standard_normal((3, 3))
        covariance = root @ root.T
        found = confidence_ellipsoid(covariance)
        azimuth, plunge, rotation = (np.radians(found[name]) for name in ("azimuth", "plunge", "rotation"))
        major = np.array([np.cos(azimuth) * np.cos(plunge), np.sin(azimuth) * np.cos(plunge), np.sin(plunge)])
        side = np.array([-np.sin(azimuth), np.cos(azimuth), 0.0])
        below = np.cross(major, side)
        minor = np.cos(rotation) * side + np.sin(rotation) * below
        axes = np.stack([major, np.cross(major, minor), minor], axis=1)
        deviations = np.array([found[f"{name}_km"] for name in ("major", "intermediate", "minor")])
        again = axes @ np.diag(deviations**2) @ axes.T
        order = [1, 0, 2]
        assert again[np.ix_(order, order)] == pytest.approx(covariance, abs=1e-9)


@pytest.mark.parametrize("centre", [(-18.0, 180.0), (89.9, 0.0), (-89.8, 40.0)])
def test_the_date_line_and_the_poles_are_places_like_others(centre):
    rng = np.random.default_rng(6)
    geod = Geod(ellps="WGS84")

    def around(count, farthest_km):
        azimuth, metres = rng.uniform(0, 360, count), 1000.0 * rng.uniform(1.0, farthest_km, count)
        longitude, latitude, _ = geod.fwd(np.full(count, centre[1]), np.full(count, centre[0]), azimuth, metres)
        return latitude, longitude

    (north, east), depth = around(10, 60.0), rng.uniform(5.0, 15.0, 6)
    latitude, longitude = around(6, 25.0)
    times = travel_times(VELOCITY, 400.0, 0.0, 30.0, (-1.0, 0.0))
    origins, arrivals = [], []
    for number in range(6):
        km, _ = distance_azimuth(latitude[number], longitude[number], north, east)
        time = 1.7e9 + 100.0 * number
        origins.append({"event_id": str(number), "time": time, "latitude": north[0], "longitude": east[0]})
        arrivals.append(
            [
                Placed(
                    f"{number}{row}{phase}", phase, "XX", f"S{row}", time + late, "weight 0", north[row], east[row], 0
                )
                for phase in "PS"
                for row, late in enumerate(times(km, depth[number], 0.0, phase == "S"))
            ]
        )
    found = locate_origins(origins, arrivals, Region(maxdepth_km=30), 50.0, VELOCITY, LocateConfig(terms="none"))
    for number, origin in enumerate(found.origins):
        off, _ = distance_azimuth(latitude[number], longitude[number], origin["latitude"], origin["longitude"])
        assert off < 0.5
        assert origin["depth_km"] == pytest.approx(depth[number], abs=1.0)
