"""Flat tables of events and arrivals, and the filter that chooses events."""

import csv
import io
import re
from datetime import UTC, datetime

import pytest
from pydantic import ValidationError
from quakeml_documents import EVENT, PICKS

from catalogdb.errors import InputError
from catalogdb.exchange.catalog_files import read_catalog_files
from catalogdb.exchange.event_filter import EventFilter, chosen_events
from catalogdb.exchange.tables import (
    ARRIVAL_COLUMNS,
    EVENT_COLUMNS,
    arrival_rows,
    event_row,
    read_csv,
    write_csv,
    write_parquet,
)

UNLOCATED = {
    "_id": "u" * 32,
    "time": 1711574000.0,
    "origins": [],
    "magnitudes": [],
    "evaluation_mode": "manual",
    "evaluation_status": "reviewed",
}


def test_event_csv_is_read_back_by_the_reader(tmp_path):
    path = tmp_path / "events.csv"
    with open(path, "wb") as stream:
        assert write_csv(map(event_row, [EVENT, UNLOCATED]), EVENT_COLUMNS, stream) == 2
    catalog = read_csv(path)
    assert catalog.rejected == []
    event, unlocated = catalog.events
    same = ("time", "latitude", "longitude", "depth_km", "magnitude", "magnitude_type", "n_picks", "n_p", "n_s", "rms")
    same += ("azimuthal_gap", "event_type", "place", "evaluation_mode", "evaluation_status", "point")
    assert {name: event[name] for name in same} == {name: EVENT[name] for name in same}
    inside = (
        "method",
        "time_uncertainty",
        "horizontal_uncertainty_km",
        "depth_uncertainty_km",
        "minimum_distance_km",
        "n_stations",
    )
    assert {name: event["origins"][0][name] for name in inside} == {name: EVENT["origins"][1][name] for name in inside}
    assert event["source_id"] == EVENT["_id"]
    assert unlocated["time"] == UNLOCATED["time"] and unlocated["origins"] == []


def test_limits_of_a_location_are_a_column_that_is_read_back(tmp_path):
    path = tmp_path / "events.csv"
    preferred = [origin | {"limits": ["edge", "maxdepth"]} for origin in EVENT["origins"]]
    with open(path, "wb") as stream:
        write_csv([event_row(EVENT | {"origins": preferred}), event_row(EVENT)], EVENT_COLUMNS, stream)
    limited, free = read_csv(path).events
    assert limited["origins"][0]["limits"] == limited["limits"] == ["edge", "maxdepth"]
    assert "limits" not in free["origins"][0] and not free.get("limits")


def test_arrival_csv_is_read_back_as_picks(tmp_path):
    path = tmp_path / "arrivals.csv"
    with open(path, "wb") as stream:
        assert write_csv(arrival_rows(EVENT, PICKS), ARRIVAL_COLUMNS, stream) == 2
    first, second = read_csv(path).picks
    assert (first["time"], first["uncertainty"], first["probability"]) == (PICKS[0]["time"], 0.06, 0.91)
    assert (second["loc"], second["chan"], second["evaluation_mode"]) == ("00", "HHN", "manual")
    assert {first["event_key"], second["event_key"]} == {EVENT["_id"]}


FORMULAS = ["=cmd|calc", "+A1", "@SUM(A1)", "-A1", "\t=1+1", "'=x", "''=x", "-1.5", "+39", "'tis", "-", "23 km = far"]


@pytest.mark.parametrize("text", FORMULAS)
def test_formulas_are_defused_in_csv_and_read_back(tmp_path, text):
    event = EVENT | {"_id": text, "place": text, "longitude": -1.5}
    path = tmp_path / "events.csv"
    with open(path, "wb") as stream:
        write_csv([event_row(event)], EVENT_COLUMNS, stream)
    with open(path, newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert row["longitude"] == "-1.5"
    for cell in row.values():
        assert cell[:1] not in tuple("=+-@\t\r") or re.fullmatch(r"-|[+-]?[\d.]+", cell)
    (read,) = read_csv(path).events
    assert read["place"] == text


def test_what_is_written_is_read_with_the_same_values(tmp_path):
    pytest.importorskip("pyarrow", reason="pyarrow is missing or does not fit this NumPy", exc_type=ImportError)
    for rows, columns, kind in (
        ([event_row(EVENT), event_row(UNLOCATED)], EVENT_COLUMNS, "events"),
        (list(arrival_rows(EVENT, PICKS)), ARRIVAL_COLUMNS, "picks"),
    ):
        found = []
        for write, suffix in ((write_csv, "csv"), (write_parquet, "parquet")):
            path = tmp_path / f"{kind}.{suffix}"
            with open(path, "wb") as stream:
                assert write(iter(rows), columns, stream) == 2
            catalog = read_catalog_files([path])
            assert catalog.rejected == []
            found.append([dict(item) | {"read_from": None} for item in getattr(catalog, kind)])
        assert found[0] == found[1] and len(found[0]) == 2
    pick, arrival = found[1][0], next(arrival_rows(EVENT, PICKS))
    assert (pick["time"], pick["source_id"], pick["event_key"]) == (PICKS[0]["time"], arrival["pick_id"], EVENT["_id"])
    names = {"residual": "residual_s", "distance_km": "distance_km", "azimuth": "azimuth_degree", "weight": "weight"}
    assert pick["arrival"] == {name: arrival[of] for name, of in names.items() if arrival[of] is not None}


def test_parquet_for_pandas(tmp_path):
    pytest.importorskip("pyarrow", reason="pyarrow is missing or does not fit this NumPy", exc_type=ImportError)
    import pandas

    for rows, columns in (
        ([event_row(EVENT), event_row(UNLOCATED)], EVENT_COLUMNS),
        (arrival_rows(EVENT, PICKS), ARRIVAL_COLUMNS),
    ):
        stream = io.BytesIO()
        assert write_parquet(rows, columns, stream) == 2
        frame = pandas.read_parquet(io.BytesIO(stream.getvalue()))
        assert list(frame.columns) == list(columns)
        assert str(frame.time.dtype) == "datetime64[us, UTC]"
    events = io.BytesIO()
    write_parquet([event_row(EVENT), event_row(UNLOCATED)], EVENT_COLUMNS, events)
    frame = pandas.read_parquet(io.BytesIO(events.getvalue()))
    assert frame.time[0].value // 1000 == round(EVENT["time"] * 1e6)
    assert frame.depth_km[0] == EVENT["depth_km"] and pandas.isna(frame.latitude[1])


def test_filter_without_bounds_asks_for_the_catalog_alone():
    assert EventFilter().query("ogs") == {"catalog": {"$eq": "ogs"}}


def test_filter_bounds():
    query = EventFilter(
        starttime="2024-01-01", endtime=datetime(2024, 2, 1, tzinfo=UTC), mindepth=2, minmagnitude=1.5
    ).query("ogs")
    assert query["time"] == {"$gte": 1704067200.0, "$lt": 1706745600.0}
    assert query["depth_km"] == {"$gte": 2.0}
    assert query["magnitude"] == {"$gte": 1.5}


def test_filter_box_across_the_date_line():
    assert EventFilter(minlongitude=170, maxlongitude=-170).query("x")["$or"] == [
        {"longitude": {"$gte": 170.0}},
        {"longitude": {"$lte": -170.0}},
    ]


@pytest.mark.parametrize(
    "bad",
    [
        {"eventtype": {"$ne": None}},
        {"minmagnitude": {"$gt": 0}},
        {"eventid": {"$gt": ""}},
        {"$where": "1"},
        {"minlatitude": 91},
        {"mindepth": 5, "maxdepth": 1},
        {"starttime": "soon"},
        {"limit": 0},
        {"orderby": "place"},
        {"minmagnitude": float("nan")},
    ],
)
def test_filter_refuses_operators_and_nonsense(bad):
    with pytest.raises(ValidationError):
        EventFilter(**bad)


def test_a_filter_with_times_reversed_names_them():
    with pytest.raises(InputError) as error:
        chosen_events(starttime="2025-01-01", endtime="2024-01-01T12:00")
    assert str(error.value).startswith(
        "filters: starttime 2025-01-01T00:00:00.000000Z is after endtime 2024-01-01T12:00:00.000000Z"
    )
    with pytest.raises(InputError, match="^filters: mindepth 5 is above maxdepth 1"):
        chosen_events(mindepth=5, maxdepth=1)


def test_filter_takes_text_as_text():
    query = EventFilter(eventtype="$where", eventid="a").query("$ne")
    assert query["event_type"] == {"$eq": "$where"} and query["catalog"] == {"$eq": "$ne"}
    assert query["$and"] == [{"$or": [{"_id": {"$eq": "a"}}, {"source_id": {"$eq": "a"}}]}]
