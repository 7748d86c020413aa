"""`catalogdb.open()`: tables, objects and errors, and the command line on the same functions."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from catalogs import T0, put_catalog

import catalogdb
from catalogdb.comparisons import evaluate
from catalogdb.errors import InputError

DAY = "2023-11-14"  # of T0, 22:13:20


def put_arrivals(db, name, number, picks, residuals):
    """Let an event use picks, at 10 km each."""
    arrivals = []
    for pick_id, residual in zip(picks, residuals, strict=True):
        pick = db.pick.find_one({"_id": pick_id})
        arrivals.append({key: pick[key] for key in ("net", "sta", "phase", "time")})
        arrivals[-1] |= {"pick_id": pick_id, "residual": residual, "distance_km": 10.0, "azimuth": 90.0}
    origin = {"_id": f"{name}o{number}", "time": T0, "latitude": 46.0, "longitude": 13.0, "arrivals": arrivals}
    change = {"origins": [origin | {"method": "scan"}], "preferred_origin_id": origin["_id"], "n_picks": len(picks)}
    db.event.update_one({"_id": f"{name}{number:06d}"}, {"$set": change})


@pytest.fixture
def filled(db, settings):
    """Catalog `mine` of three events and six picks, of which it uses four, and `ogs` with two more events."""
    events = [(0, 46.0, 13.0, 5.0, 1.5), (100, 46.1, 13.0, 8.0, 0.5), (86400, 47.0, 13.0, 5.0, 2.5)]
    times = [(1, "BAD", "P"), (2, "BAD", "S"), (3, "BOO", "P"), (4, "BOO", "S"), (50, "BAD", "P"), (60, "LSK1", "P")]
    put_catalog(db, "mine", events, times, kind="automatic")
    for number in range(len(times)):
        change = {"net": "OX", "probability": 0.5 + 0.09 * number}
        db.pick.update_one({"_id": f"minepick{number:06d}"}, {"$set": change})
    put_arrivals(db, "mine", 0, [f"minepick{at:06d}" for at in range(4)], [0.1, 0.7, -0.2, -0.6])
    put_catalog(db, "ogs", [*events, (20000, 46, 13, 5.0, 3.0), (30000, 46, 13, 5.0, 2.0)])
    evaluate(db, "mine", "ogs", starttime=T0 - 1000, endtime=T0 + 100000)
    return catalogdb.open(data_dir=settings.data_dir, database=settings.database)


def test_tables_have_times_units_and_missing_numbers(filled):
    events = filled.events("mine")
    assert list(events["magnitude"]) == [1.5, 0.5, 2.5]
    assert events["time"].dtype == "datetime64[ns, UTC]" and events["time"][0] == pd.Timestamp(T0, unit="s", tz="UTC")
    assert events.attrs["units"]["depth_km"] == "km" and "time" not in events.attrs["units"]
    assert events["n_picks"].dtype == "Int64" and events["n_picks"][1] is pd.NA
    assert "date" not in events and "config_id" not in filled.picks("mine")
    assert filled.events("mine", magnitude=(9, None)).empty
    assert filled.events("mine", magnitude=(9, None))["time"].dtype == "datetime64[ns, UTC]"


def test_microseconds_survive(filled):
    filled.mongo.event.update_one({"_id": "mine000000"}, {"$set": {"time": 1711501234.123457}})
    (time,) = filled.events(_id="mine000000")["time"]
    assert time == pd.Timestamp("2024-03-27T01:00:34.123457Z")


def test_ranges_of_numbers_hold_their_ends_and_of_times_the_first(filled):
    assert len(filled.events("mine", magnitude=(0.5, 1.5))) == 2
    start = pd.Timestamp(T0, unit="s", tz="UTC")
    for low, high in ((T0, T0 + 100), (start, start + pd.Timedelta("100s")), (start.isoformat(), T0 + 100)):
        assert len(filled.events("mine", time=(low, high))) == 1
    assert len(filled.events("mine", time=(np.datetime64("2023-11-15"), None))) == 1
    with pytest.raises(InputError, match="a range is"):
        filled.events("mine", magnitude=(1, 2, 3))
    with pytest.raises(InputError, match="dict can't be compared"):
        filled.events("mine", magnitude={"$gt": 1})


def test_picks_by_station_list_wildcard_and_residual(filled):
    assert len(filled.picks("mine", station="OX.*")) == 6
    assert len(filled.picks("mine", station="XX.*")) == 0
    assert set(filled.picks("mine", station="OX.B*,LSK?")["sta"]) == {"BAD", "BOO", "LSK1"}
    assert set(filled.picks("mine", sta=["BOO", "LSK1"])["sta"]) == {"BOO", "LSK1"}
    found = filled.picks("mine", station="OX.*", phase="S", residual=(0.5, None))
    assert [(row.sta, row.phase, row.residual, row.event_id) for row in found.itertuples()] == [
        ("BAD", "S", 0.7, "mine000000")
    ]
    assert found["probability"][0] == pytest.approx(0.59) and found.attrs["units"]["residual"] == "s"


def test_near_chooses_by_distance(filled):
    assert len(filled.events("mine", near=(46.0, 13.0, 11.0))) == 1
    assert len(filled.events("mine", near=(46.0, 13.0, 11.3))) == 2  # 0.1 degrees are 11.12 km
    assert len(filled.events("mine", near="46,13,30")) == 2
    with pytest.raises(InputError, match="not near=latitude"):
        filled.events("mine", near=(100, 13, 30))


def test_longitudes_across_the_date_line_find_both_sides(filled):
    ids = [event["_id"] for event in filled.mongo.event.find({"catalog": "mine"})]
    for event_id, longitude in zip(ids, (179.9, -179.9, 13.0), strict=True):
        filled.mongo.event.update_one({"_id": event_id}, {"$set": {"longitude": longitude}})
    assert len(filled.events("mine", longitude=(179.5, 180.5))) == 2
    assert len(filled.events("mine", longitude=(179.5, -179.5))) == 2
    assert len(filled.events("mine", longitude=(179.5, 180))) == 1


def test_chunks_sorting_and_columns(filled):
    chunks = list(filled.view("pick", pick_set="mine", sort="-probability", fields=["sta", "probability"], chunks=4))
    assert [len(chunk) for chunk in chunks] == [4, 2]
    assert list(chunks[0].columns) == ["sta", "probability"] and chunks[0]["probability"][0] == pytest.approx(0.95)
    assert len(filled.events("mine", sort="-magnitude", limit=1)) == 1
    with pytest.raises(InputError, match="one row at least"):
        filled.view("pick", chunks=0)


@pytest.mark.parametrize(
    ("ask", "message", "hint"),
    [
        (lambda db: db.events("mien"), "no catalog 'mien'", "mine, ogs"),
        (lambda db: db.picks("nobody"), "no pick set 'nobody'", "mine"),
        (lambda db: db.picks("ogs"), "a catalog of events alone", None),
        (lambda db: db.events("mine", magnitud=1), "no field 'magnitud'", "did you mean magnitude?"),
        (lambda db: db.events("mine", sort="tme"), "no field 'tme'", "did you mean time?"),
        (lambda db: db.view("evnts"), "no collection or view 'evnts'", "did you mean event"),
        (lambda db: db.waveforms(), "waveforms of what", None),
        (lambda db: db.waveforms(station="OX.BAD", starttime=0, endtime=9), "no waveforms of OX.BAD", "none"),
        (lambda db: db.waveforms("ffff"), "no event 'ffff'", None),
        (lambda db: db.catalog("mine", minmag=1), "minmag", "minmagnitude"),
    ],
)
def test_errors_say_what_there_is(filled, ask, message, hint):
    with pytest.raises(InputError, match=message) as caught:
        ask(filled)
    assert hint is None or hint in caught.value.hint


def test_catalogs_are_obspys(filled):
    catalog = filled.catalog("mine", minmagnitude=1)
    assert len(catalog) == 2
    assert len(catalog[0].picks) == 4 and catalog[0].origins[0].arrivals[1].time_residual == 0.7


def test_names_and_fields_are_tables(filled):
    names = filled.names()
    assert set(names["subject"]) == {"events", "picks", "waveforms", "stations", "comparisons", "work"}
    fields = filled.fields("arrivals").set_index("field")
    assert fields.loc["residual", "unit"] == "s"


FIVE = {
    "events a day": (
        "events_per_day catalog=mine magnitude>=1 near=46,13,30",
        lambda db: db.view("events_per_day", catalog="mine", magnitude=(1, None), near=(46, 13, 30)),
        [{"day": DAY, "events": 1}],
    ),
    "S of a station": (
        "arrivals catalog=mine sta=BAD phase=S absolute_residual>0.5",
        lambda db: db.arrivals("mine", sta="BAD", phase="S", absolute_residual=(0.5, None)),
        [{"pick_id": "minepick000001", "residual": 0.7}],
    ),
    "P not associated": (
        "picks_not_associated catalog=mine phase=P probability>0.9",
        lambda db: db.view("picks_not_associated", catalog="mine", phase="P", probability=(0.9, None)),
        [{"_id": "minepick000005", "sta": "LSK1"}],
    ),
    "no data": (
        f"stations_without_data day={DAY}",
        lambda db: db.view("stations_without_data", day=DAY),
        [{"net": "OX", "sta": "BOO"}],
    ),
    "largest missed": (
        "missed_events catalog=mine reference=ogs --sort -magnitude --limit 1",
        lambda db: db.view("missed_events", catalog="mine", reference="ogs", sort="-magnitude", limit=1),
        [{"event_id": "ogs000003", "magnitude": 3.0}],
    ),
}


@pytest.mark.parametrize("question", FIVE)
def test_five_questions_are_one_line_each(filled, cli, question):
    site = {"net": "OX", "loc": "", "lat": 46.0, "lon": 13.0, "elev": 0.5, "starttime": 0.0, "endtime": 4e9}
    filled.mongo.site.insert_many([site | {"sta": "BAD"}, site | {"sta": "BOO"}, site | {"sta": "OLD", "endtime": 1e9}])
    piece = {"file_id": "f", "net": "OX", "sta": "BAD", "loc": "", "chan": "HHZ", "channel_group": "OX.BAD..HH"}
    piece |= {"npts": 1, "delta": 0.01, "sampling_rate": 100.0, "dir": "/", "dfile": "a", "foff": 0, "nbytes": 1}
    filled.mongo.wf_miniseed.insert_one(piece | {"starttime": T0, "endtime": T0 + 10})
    line, ask, expected = FIVE[question]
    assert [{key: row[key] for key in expected[0]} for row in ask(filled).to_dict("records")] == expected
    documents = cli("query", *line.split(), "--json").json["documents"]
    assert [{key: row[key] for key in expected[0]} for row in documents] == expected


def test_days_without_any_data_are_listed_where_asked_for(filled, cli):
    site = {"net": "OX", "loc": "", "lat": 46.0, "lon": 13.0, "elev": 0.5, "starttime": T0 - 86400, "endtime": 4e9}
    filled.mongo.site.insert_many([site | {"sta": "BAD"}, site | {"sta": "BOO", "endtime": T0 + 86400}])

    def asked(**wanted):
        rows = filled.view("stations_without_data", fields=["sta", "day"], **wanted)
        return list(rows.itertuples(index=False, name=None))

    assert asked() == []  # nothing is recorded, and no span is asked for
    both = [("BAD", DAY), ("BOO", DAY)]
    assert asked(day=DAY) == both
    assert asked(day=("2023-11-10", DAY)) == [("BAD", "2023-11-13"), ("BOO", "2023-11-13"), *both]
    piece = {"file_id": "f", "net": "OX", "sta": "BAD", "loc": "", "chan": "HHZ", "channel_group": "OX.BAD..HH"}
    piece |= {"npts": 1, "delta": 0.01, "sampling_rate": 100.0, "dir": "/", "dfile": "a", "nbytes": 1}
    for foff, start in enumerate((T0, T0 + 2 * 86400)):
        filled.mongo.wf_miniseed.insert_one(piece | {"foff": foff, "starttime": start, "endtime": start + 10})
    between = [("BOO", DAY), ("BAD", "2023-11-15"), ("BOO", "2023-11-15")]
    assert asked() == between  # BOO ended before the last day
    assert asked(day=("2023-11", None), sta="BOO") == [("BOO", "2023-11-13"), ("BOO", DAY), ("BOO", "2023-11-15")]
    assert asked(day="2023-11-1?") == between  # no bound, so the days of the index
    assert filled.count("stations_without_data", day="2023-11-13") == 2
    future = "2100-01-01"
    assert asked(day=(future, None)) == []


def test_importing_catalogdb_loads_nothing_heavy():
    code = "import sys, catalogdb; print([n for n in ('pandas', 'obspy', 'pymongo', 'pydantic') if n in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


# -- the command line on the same functions


def test_query_writes_files(filled, cli, tmp_path):
    for suffix in ("csv", "json", "parquet"):
        said = cli("query", "events", "catalog=mine", "-o", tmp_path / f"events.{suffix}")
        assert said.code == 0 and "3 rows" in said.out
    csv = pd.read_csv(tmp_path / "events.csv", parse_dates=["time"])
    parquet = pd.read_parquet(tmp_path / "events.parquet")
    documents = json.loads((tmp_path / "events.json").read_text())["documents"]
    assert list(csv["time"]) == list(parquet["time"]) == list(filled.events("mine")["time"])
    assert documents[0]["time"] == T0
    shown = cli("query", "events", "catalog=mine", "--format", "csv", "--limit", 1)
    assert shown.out.count("\n") == 2 and "2023-11-14T22:13:20.000000Z" in shown.out
    assert cli("query", "events", "-o", tmp_path / "events.doc").code == 2
    assert cli("query", "events", "--format", "parquet").code == 2


def test_query_shows_iso_times_and_sorts(filled, cli):
    shown = cli("query", "event", "catalog=mine", "--sort", "-magnitude", "--limit", 1, "--fields", "time,magnitude")
    assert "2023-11-15T22:13:20.000000" in shown.out and "1.7e" not in shown.out
    assert cli("query", "event", "--sort", "$where").code == 2


def test_query_says_what_there_is_where_nothing_fits(filled, cli):
    said = cli("query", "events", "catalog=mine", "magnitude>=9").err
    assert "nothing of events with catalog=mine has magnitude>=9; magnitude goes from 0.5 to 2.5" in said
    assert "catalog is one of: mine, ogs" in cli("query", "events", "catalog=other").err
    assert "time goes from 2023-11-14T22:13:20" in cli("query", "events", "time>=2030").err
    assert "wf_miniseed is empty" in cli("query", "wf_miniseed").err
    assert json.loads(cli("query", "events", "catalog=other", "--json").out)["documents"] == []


def test_query_lists_names_by_subject_and_fields(cli):
    names = cli("query").out
    assert names.index("events\n") < names.index("picks\n") < names.index("comparisons\n")
    fields = cli("query", "arrivals", "--fields").out
    assert "absolute_residual" in fields and "Observed minus predicted." in fields
    rows = cli("query", "events", "--fields", "--json").json["fields"]
    assert {"field": "depth_km", "type": "double", "unit": "km"}.items() <= next(
        row for row in rows if row["field"] == "depth_km"
    ).items()


def test_short_ids_stand_for_the_one_that_begins_so(filled, cli):
    for identity in ("ab12" + "0" * 28, "ab13" + "0" * 28, "ab13" + "1" * 28):
        event = filled.mongo.event.find_one({"_id": "mine000000"})
        filled.mongo.event.insert_one(event | {"_id": identity, "catalog": "short"})
    assert cli("count", "events", "_id=ab12").out == "1\n"
    several = cli("count", "events", "_id=ab13")
    assert several.code == 2 and "several ids begin so" in several.err
    assert cli("count", "arrivals", "event_id=ab12").out == "4\n"
