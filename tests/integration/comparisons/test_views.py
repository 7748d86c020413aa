"""The views: every one answers, takes filters, and its parameters are those it uses."""

import math

import pytest
from catalogs import T0, put_catalog

from catalogdb.api.queries import count, rows
from catalogdb.filters import read_filter
from catalogdb.schema import views
from catalogdb.view_fields import fields_of_view


def test_every_view_without_parameters_answers(db):
    put_catalog(db, "ref", [(0, 46, 13, 5.0, 1.0)], [(1, "A", "P"), (2, "A", "S")])
    origin = {"_id": "o", "arrivals": [{"pick_id": "refpick000000", "phase": "P", "sta": "A", "time": T0 + 1}]}
    db.event.update_one({"_id": "ref000000"}, {"$set": {"origins": [origin], "n_picks": 1}})
    db.site.insert_one(
        {"net": "OX", "sta": "A", "loc": "", "lat": 46.0, "lon": 13.0, "elev": 0.5, "starttime": 0.0, "endtime": 4e9}
    )
    channel = {"net": "OX", "sta": "A", "loc": "", "chan": "HHZ", "lat": 46.0, "lon": 13.0, "elev": 0.5}
    db.channel.insert_one(channel | {"starttime": 0.0, "endtime": 4e9})
    task = {
        "_id": "t",
        "stage": "pick",
        "config_id": "c",
        "shard": {},
        "starttime": T0,
        "endtime": T0,
        "status": "failed",
    }
    db.task.insert_one(task | {"attempts": 1, "error": "disk"})
    found = {name: list(db[name].find()) for name, view in views().items() if not view.parameters}
    (event,) = found["events"]
    assert event["date"].timestamp() == T0 and event["catalog"] == "ref"
    (source,) = found["source"]
    assert (source["lat"], source["lon"], source["depth"], source["source_id"]) == (46, 13, 5.0, "ref000000")
    assert [row["_id"] for row in found["unassociated_picks"]] == ["refpick000001"]
    assert [(row["sta"], row["phase"], row["picks"], row["day"]) for row in found["picks_per_station_day"]] == [
        ("A", "P", 1, "2023-11-14"),
        ("A", "S", 1, "2023-11-14"),
    ]
    (located,) = found["location_quality"]
    assert (located["event_id"], located["depth_km"], located["magnitude"]) == ("ref000000", 5.0, 1.0)
    (day,) = found["events_per_day"]
    assert (day["catalog"], day["events"], day["largest_magnitude"], day["picks"]) == ("ref", 1, 1.0, 1)
    (station,) = found["stations"]
    db.site.insert_one(
        {"net": "", "sta": "1001", "loc": "", "lat": 46.0, "lon": 13.0, "elev": 0.5, "starttime": 0.0, "endtime": 4e9}
    )
    for name, filters in (
        ("stations", ["sta=1001", "endtime>=2024"]),
        ("events", ["date>=2023-11-14"]),
        ("events_per_day", ["day=2023-11-14", "catalog=ref"]),
        ("source", ["time>=2023", "time<2024"]),
    ):
        assert count(db, name, [read_filter(text) for text in filters]) == 1, name
    assert (station["net"], station["elevation_km"], station["channels"]) == ("OX", 0.5, [".HHZ"])
    (failed,) = found["tasks_failed"]
    assert failed["error"] == "disk" and failed["start"].timestamp() == T0


def test_parameters_of_a_view_are_those_its_pipeline_uses():
    def used(value):
        if isinstance(value, dict):
            return {value["$param"]} if set(value) == {"$param"} else set().union(*map(used, value.values()))
        return set().union(*map(used, value)) if isinstance(value, list) else set()

    for view in views().values():
        assert used(view.pipeline) == set(view.parameters), view.name


def test_gutenberg_richter_by_hand(db):
    magnitudes = [0.5] + [1.0] * 5 + [1.1] * 2 + [1.2] * 4 + [1.4] * 3 + [2.2]
    put_catalog(db, "cat", [(at, 46, 13, 5.0, magnitude) for at, magnitude in enumerate(magnitudes)])
    put_catalog(db, "one", [(0, 46, 13, 5.0, 1.0), (1, 46, 13)])
    cat, one = db.gutenberg_richter.find()
    assert (cat["events"], cat["largest_bin"], cat["completeness"], cat["events_complete"]) == (16, 1.0, 1.2, 8)
    mean = (4 * 1.2 + 3 * 1.4 + 2.2) / 8
    b = 0.4342944819 / (mean - 1.15)
    assert cat["mean_magnitude"] == pytest.approx(mean) and cat["b"] == pytest.approx(b)
    assert cat["b_error"] == pytest.approx(b / 8**0.5) and cat["a"] == pytest.approx(math.log10(8) + b * 1.15)
    assert (one["events"], one["events_complete"], one["b"]) == (1, 0, None)
    bins = [(row["magnitude"], row["events"], row["from_here"]) for row in db.magnitude_distribution.find()]
    assert bins[:3] == [(0.5, 1, 16), (1.0, 5, 15), (1.1, 2, 10)] and bins[-2] == (2.2, 1, 1)


@pytest.mark.parametrize(
    ("magnitude", "middle"), [(0.95, 1.0), (1.0499, 1.0), (1.05, 1.1), (-0.05, 0.0), (-0.06, -0.1)]
)
def test_bins_of_magnitudes(db, magnitude, middle):
    put_catalog(db, "cat", [(0, 46, 13, 5.0, magnitude)])
    assert db.magnitude_distribution.find_one()["magnitude"] == middle


def test_rates_look_back_24_hours(db):
    hour, midnight = 3600.0, 1_641_600_000.0  # of 2022-01-08
    times = [midnight - T0 + at * hour for at in (0.0, 0.5, 23.9, 24.0, 47.5)]
    put_catalog(db, "cat", [(time, 46, 13, 5.0, 1.0) for time in times])
    rows = [(row["hour"].hour, row["events"], row["in_24_hours"]) for row in db.event_rates.find()]
    assert rows == [(0, 2, 2), (23, 1, 3), (0, 1, 2), (23, 1, 2)]


def test_a_view_is_made_of_what_conditions_on_its_collection_choose(db):
    put_catalog(db, "cat", [(0, 46, 13, 5.0, 1.0), (1, 46, 13, 5.0, 2.0), (2, 48, 13, 5.0, 2.0)])
    filters = [read_filter(text) for text in ("catalog=cat", "magnitude>=1.5", "near=46,13,30", "events>=1")]
    assert [row["events"] for row in rows(db, "events_per_day", filters)] == [1]
    assert count(db, "events_per_day", filters[:2]) == 1


@pytest.mark.parametrize(
    ("place", "near", "is_within"),
    [
        ((0, 179.9), "0,-179.9,22.3", True),  # 22.24 km over the date line
        ((0, 179.9), "0,-179.9,22.2", False),
        ((89.9, 0), "89.9,180,22.3", True),  # over the pole
        ((46, 13), "46,13,0", True),
        ((-90, 0), "90,0,20015", False),
        ((-90, 0), "90,0,20016", True),
    ],
)
def test_near_is_the_distance_on_a_sphere(db, place, near, is_within):
    put_catalog(db, "cat", [(0, *place), (0, None, None)])
    assert count(db, "events", [read_filter(f"near={near}")]) == is_within


def test_views_declare_fields_that_they_have():
    for view in views().values():
        made = fields_of_view(view.model_copy(update={"fields": {}}))
        assert set(view.fields) <= set(made), view.name
        assert all(field.type for field in view.fields.values())


def test_location_quality_is_of_the_preferred_origin(db):
    put_catalog(db, "cat", [(0, 46, 13, 5.0, 1.0), (10, None, None)])
    origins = [
        {"_id": "first", "method": "scan", "horizontal_uncertainty_km": 3.0, "arrivals": []},
        {"_id": "second", "method": "nonlinear", "horizontal_uncertainty_km": 0.5, "arrivals": []},
    ]
    change = {"origins": origins, "preferred_origin_id": "second", "rms": 0.2}
    db.event.update_one({"_id": "cat000000"}, {"$set": change})
    (row,) = db.location_quality.find({"catalog": "cat"})  # what has no place is not there
    assert (row["method"], row["horizontal_uncertainty_km"], row["rms"]) == ("nonlinear", 0.5, 0.2)
    db.event.update_one({"_id": "cat000000"}, {"$unset": {"preferred_origin_id": ""}})
    (row,) = db.location_quality.find({"catalog": "cat"})
    assert row["method"] == "scan"
