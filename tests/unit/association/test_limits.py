"""Origins on the edge of what was searched, codes at one place, and counts of a window's core."""

import math

import pytest
from test_association_associate import EVENTS, REGION, STATIONS, config, synthetic_picks

from catalogdb.association.associate import associate
from catalogdb.errors import InputError
from catalogdb.geo import Region

DEEP = [(1000.0, 46.36, 12.95, 90.0)]


@pytest.mark.parametrize("associator", ["gamma", "pyocto", "scan"])
def test_a_deep_event_says_that_its_depth_is_a_limit(associator):
    (origin,) = associate(synthetic_picks(DEEP), STATIONS, REGION, config(associator)).origins
    assert origin["depth_km"] == pytest.approx(30.0, abs=0.02)
    assert "maxdepth" in origin["limits"]
    assert not {"depth_uncertainty_km", "horizontal_uncertainty_km", "time_uncertainty"} & set(origin)


def test_within_the_search_nothing_is_a_limit():
    (origin,) = associate(synthetic_picks(EVENTS[:1]), STATIONS, REGION, config("scan")).origins
    assert "limits" not in origin and origin["depth_uncertainty_km"] > 0


@pytest.mark.parametrize("associator", ["gamma", "pyocto"])
def test_an_associators_own_depth_says_so_too(associator):
    settings = config(associator, relocate=False, collect=False, second_pass=False, min_picks=5, min_p=2, min_s=1)
    (origin,) = associate(synthetic_picks([(1000.0, 46.36, 12.95, 40.0)]), STATIONS, REGION, settings).origins
    assert origin["limits"] == ["maxdepth"] and origin["depth_km"] > 28.0


def test_an_event_above_the_search_says_so_and_has_no_depth_error():
    region = REGION.model_copy(update={"mindepth_km": 15.0})
    (origin,) = associate(synthetic_picks(EVENTS[2:]), STATIONS, region, config("scan")).origins
    assert origin["limits"] == ["mindepth"]
    assert "depth_uncertainty_km" not in origin and origin["horizontal_uncertainty_km"] > 0


@pytest.mark.parametrize(("distance_km", "limits"), [(1.0, ["edge"]), (25.0, [])])
def test_an_epicentre_at_the_edge_says_so(distance_km, limits):
    # on this plane the box of degrees, in which events are kept, is the box of the search
    region = Region(
        **{"minlatitude": 45.5, "maxlatitude": 47.0, "minlongitude": 12.6, "maxlongitude": 13.2, "maxdepth_km": 30.0},
        projection="+proj=eqc +lat_ts=46.35 +lon_0=12.9 +lat_0=46.35 +ellps=WGS84 +units=km",
    )
    west_km = 111.19 * math.cos(math.radians(46.35))
    settings = config("scan", search_margin_km=0.0, max_residual=6.0, second_pass=False, time_error=2.0)
    longitude = 12.6 + (distance_km - 2.0) / west_km
    (origin,) = associate(synthetic_picks([(1000.0, 46.36, longitude, 8.0)]), STATIONS, region, settings).origins
    assert origin.get("limits", []) == limits
    assert ("horizontal_uncertainty_km" in origin) == (limits == [])


def test_a_map_plane_that_stretches_distances_is_refused():
    region = REGION.model_copy(update={"projection": "+proj=merc +lon_0=12.9 +units=km"})
    with pytest.raises(InputError, match=r"region\.projection stretches distances by 4\d %"):
        associate(synthetic_picks(EVENTS[:1]), STATIONS, region, config("scan"))


def test_depth_that_a_prior_sets_says_so():
    settings = config("scan", depth_prior={"depth_km": 20.0, "sigma_km": 0.05})
    (origin,) = associate(synthetic_picks(EVENTS[:1]), STATIONS, REGION, settings).origins
    assert origin["limits"] == ["depth_prior"]


def at_one_place(code, metres=0.0):
    copies = [STATIONS[0] | {"sta": code + letter} for letter in "123"]
    return [copy | {"latitude": copy["latitude"] + number * metres / 111_190.0} for number, copy in enumerate(copies)]


@pytest.mark.parametrize("associator", ["gamma", "pyocto", "scan"])
@pytest.mark.parametrize("metres", [0.0, 100.0])
def test_three_codes_at_one_place_make_no_event(associator, metres):
    stations = at_one_place("A", metres) + STATIONS[1:]
    picks = synthetic_picks(EVENTS[:1], at_one_place("A", metres))
    settings = config(associator, min_stations=3, min_picks=5, min_p=2, min_s=1, max_chance_per_day=1e9)
    assert associate(picks, stations, REGION, settings).origins == []


def test_codes_at_one_place_change_neither_gap_nor_score():
    plain = associate(synthetic_picks(EVENTS[:1]), STATIONS, REGION, config("scan")).origins[0]
    twin = STATIONS[0] | {"sta": "ZZZ"}
    more = synthetic_picks(EVENTS[:1])
    more += [pick | {"_id": "z" + pick["_id"], "sta": "ZZZ"} for pick in more if pick["sta"] == "AAA"]
    doubled = associate(more, [*STATIONS, twin], REGION, config("scan")).origins[0]
    assert doubled["n_picks"] == plain["n_picks"] + 2
    assert doubled["azimuthal_gap"] == pytest.approx(plain["azimuthal_gap"], abs=0.2)
    assert doubled["score"] == pytest.approx(plain["score"], rel=0.02)


@pytest.mark.parametrize("phase", ["pP", "PmP", "PKP", "T", "AML", "END", "Lg"])
def test_phases_that_are_no_first_arrivals_are_left_out(phase):
    picks = synthetic_picks(EVENTS[:1])
    odd = [pick | {"_id": "x" + pick["_id"], "phase": phase, "time": pick["time"] + 0.1} for pick in picks]
    result = associate(picks + odd, STATIONS, REGION, config("scan"))
    assert result.counts["picks_rejected_phase_not_used"] == len(odd)
    assert result.origins == associate(picks, STATIONS, REGION, config("scan")).origins


def test_counts_are_of_the_core_and_add_up():
    picks = synthetic_picks()
    whole = associate(picks, STATIONS, REGION, config("scan"))
    parts = [associate(picks, STATIONS, REGION, config("scan"), core) for core in ((0.0, 1050.0), (1050.0, 9000.0))]
    for name in ("picks", "picks_used", "picks_associated", "origins"):
        assert sum(part.counts.get(name, 0) for part in parts) == whole.counts[name]
    assert [origin["time"] for part in parts for origin in part.origins] == [one["time"] for one in whole.origins]
