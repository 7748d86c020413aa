"""Scales that follow the network, and swarms where an event overlaps the next."""

import numpy as np
import pytest

from benchmarks._swarms import Network, swarm
from catalogdb.association import scales as scales_module
from catalogdb.association.associate import associate
from catalogdb.association.chance_kernels import rate
from catalogdb.association.config import AssociateConfig
from catalogdb.association.fit import EventFitter
from catalogdb.association.locate import Hypocentre
from catalogdb.association.prepared import PreparedPicks, PreparedStations, Volume
from catalogdb.association.scales import network_scales
from catalogdb.association.support import supported_times
from catalogdb.evaluation.gates import Gates
from catalogdb.geo import Region
from catalogdb.traveltimes.first_arrivals import HomogeneousTimes
from catalogdb.traveltimes.velocity import VelocityConfig
from catalogdb.tuning.compare import score

VELOCITY = VelocityConfig(layers=[{"depth_km": 0.0, "vp": 5.0, "vs": 2.9}, {"depth_km": 3.0, "vp": 6.2, "vs": 3.5}])
REGION = Region(minlatitude=45.5, maxlatitude=46.5, minlongitude=12.5, maxlongitude=13.5)


def grid_of_stations(spacing_km, size=4):
    x, y = (axis.ravel() * spacing_km for axis in np.meshgrid(np.arange(size) - size / 2, np.arange(size) - size / 2))
    latitude, longitude = 46.0 + y / 111.2, 13.0 + x / 77.3
    return PreparedStations(
        codes=[("N", f"S{number:02d}") for number in range(x.size)], latitude=latitude, longitude=longitude,
        x_km=x, y_km=y, depth_km=np.zeros(x.size), place=np.arange(x.size), place_x_km=x, place_y_km=y,
    )  # fmt: skip


def scales(spacing_km, margin_km=0.0, **settings):
    volume = Volume.around(REGION, margin_km)
    return network_scales(AssociateConfig(**settings), grid_of_stations(spacing_km), volume, vs=3.5)


def test_scales_follow_the_station_spacing():
    near, far = scales(3.0), scales(30.0)
    assert near.spacing_km == pytest.approx(1.8) and far.spacing_km == 8.0
    assert near.tolerance < 0.7 < 1.4 < far.tolerance
    assert near.max_residual < 0.9 and far.max_residual == pytest.approx(2.0, abs=0.05)


def test_too_many_places_are_thinned_over_the_same_area(monkeypatch):
    scales_module._places.cache_clear()
    all_of_them = scales(3.0)
    monkeypatch.setattr(scales_module, "MAXIMUM_NODES", len(all_of_them.places) // 4)
    scales_module._places.cache_clear()
    fewer = scales(3.0)
    scales_module._places.cache_clear()
    assert len(fewer.places) <= len(all_of_them.places) // 4
    assert fewer.area_km2 == all_of_them.area_km2


def test_settings_override_the_scales_of_the_network():
    given = scales(3.0, scan={"node_spacing_km": 4.0, "tolerance": 1.1})
    assert (given.spacing_km, given.tolerance) == (4.0, 1.1)


def test_places_are_dense_at_the_stations_and_fewer_far_away():
    found = scales(4.0, margin_km=100.0)
    distance = np.hypot(found.places[:, 0], found.places[:, 1])
    density = [np.count_nonzero(distance < 15.0) / 15.0**2, np.count_nonzero(distance > 80.0) / 80.0**2]
    assert density[0] > 20.0 * density[1] > 0.0
    assert found.area_km2 < 0.2 * 300.0**2


def test_single_station_has_the_widest_scales():
    volume, stations = Volume.around(REGION, 0.0), grid_of_stations(5.0, size=1)
    assert network_scales(AssociateConfig(), stations, volume, vs=3.5).spacing_km == 8.0


def test_quiet_minutes_of_a_busy_window_count_as_busier():
    random, stations, settings = np.random.default_rng(8), grid_of_stations(5.0), AssociateConfig()
    volume, none = Volume.around(REGION, 0.0), np.zeros(0, dtype=int)
    time = np.sort(random.uniform(0.0, 3600.0, 3000))
    time = time[np.abs(time - 1800.0) > 130.0]
    picks = PreparedPicks(
        [{}] * time.size, time, random.integers(0, 16, time.size), random.random(time.size) < 0.5,
        np.full(time.size, 0.5), np.full(time.size, 0.1),
    )  # fmt: skip
    fitter = EventFitter(picks, stations, volume, HomogeneousTimes(6.0, 3.5), settings)
    quiet, busy = (fitter.background(Hypocentre(0.0, 0.0, 5.0, at), none) for at in (1800.0, 900.0))
    assert busy == pytest.approx(3000 / 3600 / 32, rel=0.2)
    assert 100.0 * rate(0, 32 * 240.0) < quiet < busy


def swarm_of(spacing_km, depth_km, extent_km, magnitude, seconds_between, duration, seed):
    stations = grid_of_stations(spacing_km)
    rows = [
        {"net": net, "sta": sta, "latitude": latitude, "longitude": longitude, "elevation_km": 0.0}
        for (net, sta), latitude, longitude in zip(
            stations.codes, stations.latitude, stations.longitude, strict=True
        )
    ]  # fmt: skip
    network = Network(rows, VELOCITY, 46.0, 13.0, depth_km, extent_km, magnitude)
    return swarm(network, seconds_between, duration, seed)


@pytest.mark.parametrize("seconds_between", [10.0, 20.0])
def test_events_of_a_swarm_are_told_apart(seconds_between):
    task = swarm_of(5.0, 5.0, 2.0, 0.2, seconds_between, 400.0, seed=3)
    config = AssociateConfig(associator="scan", velocity=VELOCITY)
    result = score(associate(task.picks, task.stations, task.region, config).origins, task.reference,
                   Gates(max_dt=1.5, max_km=6.0))  # fmt: skip
    assert result["reference_events"] >= 15
    assert result["recall"] >= 0.95 and result["precision"] >= 0.95


@pytest.mark.parametrize(("seed", "is_mixed"), [(1, True), (4, False)])
def test_events_of_a_swarm_dont_mix_others(seed, is_mixed):
    task = swarm_of(12.0, 8.0, 5.0, 0.6, 8.0, 300.0, seed=seed)
    config = AssociateConfig(associator="scan", velocity=VELOCITY)
    found = associate(task.picks, task.stations, task.region, config)
    result = score(found.origins, task.reference, Gates(max_dt=1.5, max_km=6.0))
    spread = np.array([origin["rms"] for origin in found.origins])
    assert spread.max() < 2.6 * np.median(spread) and ("origin_mixed" in found.counts) == is_mixed
    assert result["reference_events"] >= 30 and result["recall"] >= 0.94 and result["precision"] >= 0.95


def here(time, x_km):
    return Hypocentre(x_km, 0.0, 5.0, time)


def test_several_doubtful_events_within_minutes_support_each_other():
    near, alone = [here(time, 5.0 * time) for time in (50.0, 0.0, 110.0)], here(2000.0, 0.0)
    assert supported_times([*near, alone], []) == [0.0, 50.0, 110.0]
    assert supported_times(near[:2], []) == []


def test_sure_event_supports_another_at_its_place_but_not_its_own_leftovers():
    sure = [here(0.0, 0.0)]
    assert supported_times([here(1500.0, 8.0), here(2500.0, 15.0)], sure) == [1500.0]
    assert supported_times([here(5.0, 1.0)], sure) == []
