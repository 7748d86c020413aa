"""Both associators on synthetic picks: what they find, and what they make of bad input."""

import json
import random
from pathlib import Path

import numpy as np
import pytest
import yaml

from catalogdb.association.associate import associate
from catalogdb.association.config import AssociateConfig
from catalogdb.errors import InputError
from catalogdb.geo import Region, distance_azimuth
from catalogdb.traveltimes.first_arrivals import HomogeneousTimes

REGION = Region(minlatitude=45.5, maxlatitude=47.0, minlongitude=11.5, maxlongitude=14.0, maxdepth_km=30.0)
STATIONS = [
    {"net": "OX", "sta": code, "latitude": latitude, "longitude": longitude, "elevation_km": elevation}
    for code, latitude, longitude, elevation in [
        ("AAA", 46.26, 13.28, 0.6), ("BBB", 46.46, 12.88, 0.6), ("CCC", 46.23, 13.24, 0.6), ("DDD", 46.32, 13.10, 0.4),
        ("EEE", 46.26, 12.71, 0.6), ("FFF", 46.43, 12.74, 1.4), ("GGG", 46.41, 13.00, 0.5), ("HHH", 46.55, 13.15, 1.4),
    ]
]  # fmt: skip
# Time (s), latitude, longitude, depth (km).
EVENTS = [(1000.0, 46.36, 12.90, 8.0), (1100.0, 46.30, 13.15, 11.0), (2500.0, 46.42, 13.05, 5.0)]
SETTINGS = {"velocity": {"vp": 5.85, "vs": 3.28}, "min_picks": 6, "min_p": 3, "min_s": 3, "overlap_seconds": 120.0}
ASSOCIATORS = ["gamma", "pyocto", "scan"]


def config(associator="gamma", **changes):
    return AssociateConfig(**(SETTINGS | {"associator": associator} | changes))


def synthetic_picks(events=EVENTS, stations=STATIONS, noise=0.03):
    times = HomogeneousTimes(5.85, 3.28)
    generator = np.random.default_rng(7)
    picks = []
    for number, (time, latitude, longitude, depth_km) in enumerate(events):
        for station in stations:
            distance_km, _ = distance_azimuth(latitude, longitude, station["latitude"], station["longitude"])
            for phase in "PS":
                travel = times(distance_km, depth_km, -station["elevation_km"], phase == "S")
                picks.append(
                    {
                        "_id": f"{number}.{station['sta']}.{phase}",
                        "net": station["net"],
                        "sta": station["sta"],
                        "phase": phase,
                        "time": float(time + travel + generator.normal(0, noise)),
                        "probability": 0.8,
                    }
                )
    return picks


@pytest.mark.parametrize("associator", ASSOCIATORS)
def test_finds_the_events_and_their_picks(associator):
    result = associate(synthetic_picks(), STATIONS, REGION, config(associator))
    assert len(result.origins) == len(EVENTS)
    for number, (origin, (time, latitude, longitude, depth_km)) in enumerate(zip(result.origins, EVENTS, strict=True)):
        assert origin["time"] == pytest.approx(time, abs=0.3)
        assert distance_azimuth(latitude, longitude, origin["latitude"], origin["longitude"])[0] < 1.0
        assert origin["depth_km"] == pytest.approx(depth_km, abs=3.0)
        assert {arrival["pick_id"].split(".")[0] for arrival in origin["arrivals"]} == {str(number)}
        assert origin["n_picks"] == len(origin["arrivals"]) == origin["n_p"] + origin["n_s"] == 16
        assert origin["n_stations"] == 8
        assert origin["rms"] < 0.1
        assert 0 < origin["azimuthal_gap"] < 360
        assert origin["minimum_distance_km"] == min(arrival["distance_km"] for arrival in origin["arrivals"])
        assert 0 < origin["time_uncertainty"] < 1 and 0 < origin["horizontal_uncertainty_km"] < 5
        assert all(0 < arrival["weight"] <= 1 and abs(arrival["residual"]) < 0.3 for arrival in origin["arrivals"])
    assert result.counts["picks_associated"] == 48


@pytest.mark.parametrize("associator", ASSOCIATORS)
def test_documents_have_the_fields_of_the_schema(associator):
    schema = yaml.safe_load((Path(__file__).parents[3] / "schemas" / "origin.yaml").read_text())["fields"]
    for origin in associate(synthetic_picks(), STATIONS, REGION, config(associator)).origins:
        assert set(origin) <= set(schema)
        assert all(set(arrival) <= set(schema["arrivals"]["fields"]) for arrival in origin["arrivals"])
        json.dumps(origin, allow_nan=False)


@pytest.mark.parametrize("associator", ASSOCIATORS)
@pytest.mark.parametrize("relocate", [True, False])
def test_order_of_picks_and_stations_and_global_state_change_nothing(associator, relocate):
    picks, settings = synthetic_picks(noise=0.15), config(associator, relocate=relocate)
    np.random.seed(1)
    first = associate(picks, STATIONS, REGION, settings)
    drawn = np.random.random()
    shuffled, stations = list(picks), list(STATIONS)
    random.Random(5).shuffle(shuffled)
    random.Random(6).shuffle(stations)
    assert associate(shuffled, stations, REGION, settings) == first
    np.random.seed(1)
    assert np.random.random() == drawn


@pytest.mark.parametrize("associator", ASSOCIATORS)
def test_ids_of_picks_change_nothing(associator):
    picks = [pick | {"time": round(pick["time"])} for pick in synthetic_picks(noise=0.0)]  # many at the same time
    found = []
    for ids in (range(len(picks)), reversed(range(len(picks)))):
        renamed = [pick | {"_id": f"{number:04}"} for pick, number in zip(picks, ids, strict=True)]
        names = {pick["_id"]: (pick["sta"], pick["phase"]) for pick in renamed}
        result = associate(renamed, STATIONS, REGION, config(associator, max_residual=2.0))
        assert result.origins
        for origin in result.origins:
            origin["arrivals"] = [arrival | {"pick_id": names[arrival["pick_id"]]} for arrival in origin["arrivals"]]
        found.append(result.origins)
    assert found[0] == found[1]


@pytest.mark.parametrize("associator", ASSOCIATORS)
def test_other_events_change_nothing(associator):
    alone = associate(synthetic_picks(EVENTS[:1]), STATIONS, REGION, config(associator)).origins
    together = associate(synthetic_picks(), STATIONS, REGION, config(associator)).origins
    assert together[0] == alone[0]


def test_writes_nothing_to_the_terminal(capfd):
    associate(synthetic_picks(), STATIONS, REGION, config())
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("associator", ASSOCIATORS)
def test_nothing_in_nothing_out(associator):
    assert associate([], STATIONS, REGION, config(associator)).origins == []
    assert associate(synthetic_picks(), [], REGION, config(associator)).counts["picks_rejected_no_station"] == 48
    one = [pick for pick in synthetic_picks() if pick["sta"] == "AAA"]
    result = associate(one, STATIONS, REGION, config(associator))
    assert result.origins == []
    assert result.counts["picks_unassociated"] == len(one)


def test_what_is_rejected_is_counted_by_reason():
    picks = synthetic_picks()
    base = picks[0]
    odd = [
        base | {"_id": "a", "sta": "XXX"},
        base | {"_id": "b", "phase": "AML"},
        base | {"_id": "c", "probability": 0.1},
        base | {"_id": "d", "time": float("nan")},
        base | {"_id": "e", "quality": 0.05},
        base | {"_id": "f", "sta": "NAN"},
        base | {"_id": "g", "net": "", "sta": "TWO"},
    ]
    place = {"latitude": 46.0, "longitude": 13.0, "elevation_km": 0.0}
    stations = STATIONS + [
        {"net": "OX", "sta": "NAN", "latitude": float("nan"), "longitude": 13.0, "elevation_km": 0.1},
        {"net": "OX", "sta": "TWO"} | place,
        {"net": "SI", "sta": "TWO"} | place,
        {"net": "SI", "sta": "TWO"} | place,
    ]
    counts = associate(picks + odd, stations, REGION, config(min_pick_probability=0.3, min_pick_quality=0.2)).counts
    assert counts["picks"] == len(picks) + 7
    assert counts["picks_used"] == len(picks)
    assert {name: counts[name] for name in counts if name.startswith("picks_rejected_")} == {
        "picks_rejected_no_station": 2,
        "picks_rejected_phase_not_used": 1,
        "picks_rejected_below_probability": 1,
        "picks_rejected_below_quality": 1,
        "picks_rejected_no_time": 1,
        "picks_rejected_station_ambiguous": 1,
    }
    assert counts["stations_without_coordinates"] == 1
    assert counts["stations_repeated"] == 1


def test_bulletin_picks_without_network_or_probability():
    picks = [
        {"_id": pick["_id"], "net": "", "sta": pick["sta"], "phase": pick["phase"] + "g", "time": pick["time"]}
        for pick in synthetic_picks()
    ]
    result = associate(picks, STATIONS, REGION, config())
    assert len(result.origins) == 3
    assert result.counts["picks_resolved_by_code"] == 48
    assert {arrival["net"] for arrival in result.origins[0]["arrivals"]} == {"OX"}
    assert {arrival["phase"] for arrival in result.origins[0]["arrivals"]} == {"P", "S"}


def test_a_pick_is_not_given_to_another_networks_station():
    picks = [pick | ({"net": "IV"} if pick["sta"] == "AAA" else {}) for pick in synthetic_picks()]
    result = associate(picks, STATIONS, REGION, config())
    assert result.counts["picks_rejected_no_station"] == 6 and "picks_resolved_by_code" not in result.counts
    assert result.problems == [
        "pick's station IV.AAA has no coordinates in reach; those of OX.AAA are not taken for it"
    ]
    assert all(arrival["sta"] != "AAA" for origin in result.origins for arrival in origin["arrivals"])
    own = STATIONS[0] | {"net": "IV", "latitude": 46.30}
    both = associate(picks, [*STATIONS, own], REGION, config())
    assert both.counts["picks_used"] == 48 and both.problems == []


def test_a_station_without_network_serves_picks_of_any():
    stations = [station | {"net": ""} for station in STATIONS]
    result = associate(synthetic_picks(), stations, REGION, config())
    assert len(result.origins) == 3 and result.problems == []
    assert result.counts["picks_resolved_by_code"] == 48
    assert {arrival["net"] for arrival in result.origins[0]["arrivals"]} == {""}


@pytest.mark.parametrize("associator", ASSOCIATORS)
def test_one_pick_per_station_and_phase(associator):
    picks = synthetic_picks()
    doubles = [pick | {"_id": "x" + pick["_id"], "time": pick["time"] + 0.6} for pick in picks[:6]]
    origins = associate(picks + doubles, STATIONS, REGION, config(associator)).origins
    keys = [(a["sta"], a["phase"]) for a in origins[0]["arrivals"]]
    assert len(keys) == len(set(keys)) == 16
    every = [arrival["pick_id"] for origin in origins for arrival in origin["arrivals"]]
    assert len(every) == len(set(every))


@pytest.mark.parametrize("associator", ASSOCIATORS)
def test_events_outside_the_region_are_counted(associator):
    region = REGION.model_copy(update={"polygon": ((13.1, 45.6), (13.9, 45.6), (13.9, 46.9), (13.1, 46.9))})
    result = associate(synthetic_picks(), STATIONS, region, config(associator))
    assert [round(origin["time"]) for origin in result.origins] == [1100]
    assert result.counts["origin_outside_region"] == 2


def test_too_short_an_overlap_is_an_error_that_says_what_is_needed():
    with pytest.raises(InputError, match="overlap_seconds is 20 s") as caught:
        associate(synthetic_picks(), STATIONS, REGION, config(overlap_seconds=20.0))
    assert "overlap_seconds to" in caught.value.hint


def test_windows_hold_events_across_the_pole():
    stations = [station | {"latitude": 87.0, "longitude": 180.0 - number} for number, station in enumerate(STATIONS)]
    over_the_pole = Region(minlatitude=86.0, maxlatitude=90.0, minlongitude=-180.0, maxlongitude=180.0)
    with pytest.raises(InputError, match=r"AAA, 78\d km"):
        associate(synthetic_picks(), stations, over_the_pole, config())


def test_a_far_network_is_left_out_and_counted():
    far = {"net": "CX", "sta": "PB01", "latitude": -21.0, "longitude": -69.5, "elevation_km": 0.9}
    picks = synthetic_picks()
    alone = associate(picks, STATIONS, REGION, config())
    both = associate(picks, [*STATIONS, far], REGION, config())
    assert both.origins == alone.origins and both.origins
    assert both.counts["stations_out_of_reach"] == 1


def test_too_wide_a_region_names_the_farthest_station():
    far = {"net": "CX", "sta": "PB01", "latitude": -21.0, "longitude": -69.5, "elevation_km": 0.9}
    with pytest.raises(InputError, match=r"to a station \(\w+\.\w+, \d+ km\)") as caught:
        associate(synthetic_picks(), [*STATIONS, far], Region(), config())
    assert "stations.include" in caught.value.hint


def test_region_may_come_from_the_stations():
    assert len(associate(synthetic_picks(), STATIONS, Region(), config()).origins) == 3


@pytest.mark.parametrize("associator", ASSOCIATORS)
def test_layered_model(associator, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    layers = [{"depth_km": 0, "vp": 5.85, "vs": 3.28}, {"depth_km": 22, "vp": 6.8, "vs": 3.82}]
    result = associate(synthetic_picks(), STATIONS, REGION, config(associator, velocity={"layers": layers}))
    assert len(result.origins) == 3
    assert result.origins[0]["depth_km"] == pytest.approx(8.0, abs=2.0)
    assert list(tmp_path.iterdir()) == []
