"""Files for NonLinLoc and HypoDD, read again by their documented columns."""

import csv
from datetime import UTC, datetime

import pytest

from catalogdb.database.connection import connect
from catalogdb.errors import InputError
from catalogdb.stages.export_peers import export_for_peer


@pytest.fixture(scope="module")
def db(engine_day):
    from catalogdb.runs.run import run_job

    settings = engine_day.filled()
    assert run_job(settings, engine_day.job()).status == "done"
    return connect(settings)


def stored(db):
    return list(db.event.find({"catalog": "engines"}).sort("time", 1))


def test_nonlinloc_gets_every_arrival_and_the_events_ids(db, tmp_path):
    summary = export_for_peer(db, "engines", tmp_path / "nll", "nlloc-obs")
    events = stored(db)
    assert summary["events"] == summary["selected"] == len(events) and summary["left_out"] == {}
    blocks = (tmp_path / "nll" / "events.obs").read_text().strip().split("\n\n")
    stations = [line.split() for line in (tmp_path / "nll" / "stations.in").read_text().splitlines()]
    for block, event in zip(blocks, events, strict=True):
        head, *lines = block.splitlines()
        assert head == f"PUBLIC_ID {event['_id']}"
        arrivals = sorted(event["origins"][0]["arrivals"], key=lambda arrival: arrival["time"])
        for line, arrival in zip(lines, arrivals, strict=True):
            sta, _, _, _, phase, _, date, hour, seconds, kind, error, *_, weight = line.split()
            minute = datetime.strptime(date + hour, "%Y%m%d%H%M").replace(tzinfo=UTC).timestamp()
            assert (sta, phase, kind, float(weight)) == (arrival["sta"], arrival["phase"], "GAU", 1.0)
            assert minute + float(seconds) == pytest.approx(arrival["time"], abs=1e-4)
            assert 0 < float(error) < 5 and float(seconds) < 60
    assert all(row[0] == "GTSRCE" and row[2] == "LATLON" and len(row) == 7 for row in stations)
    assert {row[1] for row in stations} == {a["sta"] for event in events for a in event["origins"][0]["arrivals"]}


def test_hypodd_gets_travel_times_and_numbers_that_name_events(db, tmp_path):
    export_for_peer(db, "engines", tmp_path / "dd", "hypodd")
    with open(tmp_path / "dd" / "event_ids.csv") as stream:
        ids = {int(row["number"]): row["event_id"] for row in csv.DictReader(stream)}
    events = {event["_id"]: event for event in stored(db)}
    found: dict[str, list[list[str]]] = {}
    for line in (tmp_path / "dd" / "phase.dat").read_text().splitlines():
        row = line.split()
        if row[0] == "#":
            event = events[ids[int(row[14])]]
            assert [float(row[number]) for number in (7, 8)] == pytest.approx(
                [event["latitude"], event["longitude"]], abs=1e-5
            )
            assert float(row[9]) == pytest.approx(event["depth_km"], abs=1e-3)
            start = datetime(*map(int, row[1:6]), tzinfo=UTC).timestamp() + float(row[6])
            assert start == pytest.approx(event["time"], abs=0.006)
            found[event["_id"]] = []
        else:
            arrivals = {(a["sta"], a["phase"]): a["time"] for a in event["origins"][0]["arrivals"]}
            assert start + float(row[1]) == pytest.approx(arrivals[row[0], row[3]], abs=1e-3)
            assert 0 <= float(row[2]) <= 1
            found[event["_id"]].append(row)
    assert {name: len(rows) for name, rows in found.items()} == {
        name: event["n_picks"] for name, event in events.items()
    }
    for line in (tmp_path / "dd" / "station.dat").read_text().splitlines():
        sta, latitude, longitude, elevation_m = line.split()
        site = db.site.find_one({"sta": sta})
        assert float(latitude) == pytest.approx(site["lat"], abs=1e-5)
        assert float(elevation_m) == pytest.approx(1000 * site["elev"], abs=1)


def test_a_folder_that_is_a_file_and_an_unknown_catalog_are_named(db, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file: can't be made"):
        export_for_peer(db, "engines", tmp_path / "file", "hypodd")
    with pytest.raises(InputError, match="nosuch"):
        export_for_peer(db, "nosuch", tmp_path / "new", "hypodd")
