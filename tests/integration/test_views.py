"""The views: every one answers, takes filters, and its parameters are those it uses."""

from catalogs import T0, put_catalog

from catalogdb.filters import parse_filters
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
        assert db[name].count_documents(parse_filters(name, filters)) == 1, name
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


def test_the_fields_of_views_are_those_of_their_documents(db):
    put_catalog(db, "ref", [(0, 46, 13, 5.0, 1.0)], [(1, "A", "P")])
    db.site.insert_one(
        {"net": "OX", "sta": "A", "loc": "", "lat": 46.0, "lon": 13.0, "elev": 0.5, "starttime": 0.0, "endtime": 4e9}
    )
    for name, view in views().items():
        if not view.parameters:
            keys = {key for document in db[name].find() for key in document}
            assert keys <= fields_of_view(view).keys(), name
