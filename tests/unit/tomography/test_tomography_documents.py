"""A catalog's documents become a model that reaches over its region and its stations, or a refusal that says why."""

import numpy as np
import pytest
from test_location_documents import PLANE, REGION, VELOCITY, catalog, stations

from catalogdb.errors import InputError
from catalogdb.tomography import documents, invert, rays
from catalogdb.tomography.documents import model_of_arrivals
from catalogdb.traveltimes.grid_times import check_model, margin_within


def test_models_reach_over_the_region_and_all_stations(monkeypatch):
    pytest.importorskip("eikonalfm")
    monkeypatch.setattr(rays, "MOST_NODES", 8_000)
    monkeypatch.setattr(documents, "MOST_EVENTS", 55)
    sensors = stations(8)
    origins, arrivals = catalog(60, sensors)
    model, facts = model_of_arrivals(origins, arrivals, REGION, 20.0, VELOCITY, 15.0)
    assert facts["events"] == 55 and facts["arrivals"] == 55 * 16 and facts["nodes"] > 20
    latitude, longitude, elevation = np.array(sensors).T
    check_model(model, (0.0, 30.0), [str(row) for row in range(8)], longitude, latitude, -elevation)
    assert margin_within(model, PLANE, REGION.bounds_xy(PLANE), 20.0) == 20.0
    p, s = model.mean_speeds
    assert p == pytest.approx(5.6, abs=0.4) and s == pytest.approx(3.25, abs=0.25)
    assert facts["p_residual_s"][1] < 0.1


def test_nodes_are_as_far_apart_as_their_number_asks(monkeypatch):
    pytest.importorskip("eikonalfm")
    monkeypatch.setattr(rays, "MOST_NODES", 8_000)
    monkeypatch.setattr(invert, "ROUNDS", 2)
    monkeypatch.setattr(invert, "CLOSEST_KM", 12.0)
    monkeypatch.setattr(invert, "MOST_PASSED", 150)
    origins, arrivals = catalog(60, stations(8))
    _, facts = model_of_arrivals(origins, arrivals, REGION, 20.0, VELOCITY)
    assert facts["spacing_km"] > 12.0 and 20 < facts["nodes"] <= 150
    with pytest.raises(invert.TooManyNodes, match=r"nodes 12 km apart, more than 150") as refused:
        model_of_arrivals(origins, arrivals, REGION, 20.0, VELOCITY, 12.0)
    assert f"--spacing {facts['spacing_km']:.1f}" in refused.value.hint


def test_a_spacing_is_found_without_travel_times(monkeypatch):
    pytest.importorskip("eikonalfm")
    monkeypatch.setattr(rays, "MOST_NODES", 8_000)
    monkeypatch.setattr(invert, "ROUNDS", 2)
    monkeypatch.setattr(invert, "MOST_PASSED", 150)
    origins, arrivals = catalog(60, stations(8))
    rounds = []
    _, facts = model_of_arrivals(
        origins, arrivals, REGION, 20.0, VELOCITY, progress=lambda done, total: rounds.append(done)
    )
    assert rounds == [0, 1] and 12.0 < facts["spacing_km"] < 20.0 and 70 < facts["nodes"] <= 150


def test_few_events_are_refused_with_how_many_there_are():
    origins, arrivals = catalog(5)
    with pytest.raises(
        InputError, match="^tomography: 4 of 5 events have 4 arrivals at 2 stations or more, fewer than 50"
    ):
        model_of_arrivals(origins, [arrivals[0][:3], *arrivals[1:]], REGION, 20.0, VELOCITY, 15.0)


def test_of_many_events_those_spread_out_are_taken(monkeypatch):
    rows = [(46.0, 13.0, 5.0, 9), (46.0, 13.0, 5.1, 8), (46.0, 13.0, 5.2, 7), (46.2, 13.0, 5.0, 4)]
    origins = [{"latitude": lat, "longitude": lon, "depth_km": depth} for lat, lon, depth, _ in rows]
    arrivals = [[None] * count for *_, count in rows]
    assert documents._chosen([0, 1, 2, 3], origins, arrivals) == [0, 1, 2, 3]
    monkeypatch.setattr(documents, "MOST_EVENTS", 2)
    assert documents._chosen([0, 1, 2, 3], origins, arrivals) == [0, 3]
