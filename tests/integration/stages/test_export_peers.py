"""Files for NonLinLoc and HypoDD, read again by their documented columns."""

import csv
from datetime import UTC, datetime

import pytest

from catalogdb.database.connection import connect
from catalogdb.errors import InputError
from catalogdb.stages.export_peers import export_for_peer, peer_formats
from catalogdb.stages.ingest_catalog import ingest_catalog
from catalogdb.stages.velocity_models import keep_model
from catalogdb.traveltimes.velocity import AS_FLAT, VelocityConfig


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


def ids(folder):
    with open(folder / "event_ids.csv") as stream:
        return {int(row["number"]): row["event_id"] for row in csv.DictReader(stream)}


def degrees(text, negative):
    """Degrees and hundredths of minutes of HYPOINVERSE: 2 or 3 columns, the hemisphere, 4 columns."""
    whole, side, minutes = text[:-5], text[-5], text[-4:]
    return (-1 if side == negative else 1) * (int(whole) + float(minutes) / 6000.0)


def test_nonlinloc_gets_a_control_file_with_the_model(db, tmp_path):
    export_for_peer(db, "engines", tmp_path / "nll", "nlloc-obs")
    lines = [line.split() for line in (tmp_path / "nll" / "nlloc.in").read_text().splitlines() if line]
    control = {row[0]: row[1:] for row in lines}
    assert control["LOCFILES"][:2] == ["events.obs", "NLLOC_OBS"] and control["INCLUDE"] == ["stations.in"]
    assert len(control["VGGRID"]) == 10 and len(control["LOCGRID"]) == 11
    layers = [row for row in lines if row[0] == "LAYER"]
    assert layers and all(len(row) == 8 and float(row[2]) > float(row[4]) for row in layers)


def test_layers_of_a_round_earth_are_said_to_be_taken_as_flat(db, tmp_path):
    shells = VelocityConfig(layers=({"depth_km": 0.0, "vp": 5.8, "vs": 3.4},), spherical=True)
    keep_model(db, "shells", shells, "made")
    for format in peer_formats():
        notes = export_for_peer(db, "engines", tmp_path / format, format, model="shells")["notes"]
        assert notes == ([] if format == "hypodd" else [AS_FLAT])
    assert export_for_peer(db, "engines", tmp_path, "nlloc-obs")["notes"] == []


def test_hypoinverse_gets_phases_stations_and_models_by_their_columns(db, tmp_path):
    export_for_peer(db, "engines", tmp_path / "hyp", "hypoinverse")
    names, events = ids(tmp_path / "hyp"), {event["_id"]: event for event in stored(db)}
    readings = 0
    for line in (tmp_path / "hyp" / "catalog.phs").read_text().splitlines():
        if line[:4].isdigit():
            event = events[names[int(line[136:146])]]
            assert degrees(line[16:23], "S") == pytest.approx(event["latitude"], abs=1e-4)
            assert degrees(line[23:31].replace(" ", "W", 1) if line[26] == " " else line[23:31], "W") == pytest.approx(
                event["longitude"], abs=1e-4
            )
            assert float(line[31:36]) / 100 == pytest.approx(event["depth_km"], abs=0.006)
            arrivals = {(a["sta"], a["phase"]): a["time"] for a in event["origins"][0]["arrivals"]}
        elif line[:5].strip():
            minute = datetime.strptime(line[17:29], "%Y%m%d%H%M").replace(tzinfo=UTC).timestamp()
            for phase, code, columns in (("P", line[13:15].strip(), (29, 34)), ("S", line[46:48].strip(), (41, 46))):
                if code:
                    seconds = float(line[slice(*columns)]) / 100
                    assert minute + seconds == pytest.approx(arrivals[line[:5].strip(), phase], abs=0.006)
                    readings += 1
        else:
            assert names[int(line[62:72])] == event["_id"]
    assert readings == sum(event["n_picks"] for event in events.values())
    for line in (tmp_path / "hyp" / "stations.sta").read_text().splitlines():
        site = db.site.find_one({"sta": line[:5].strip()})
        assert int(line[15:17]) + float(line[18:25]) / 60 == pytest.approx(abs(site["lat"]), abs=1e-5)
        assert int(line[26:29]) + float(line[30:37]) / 60 == pytest.approx(abs(site["lon"]), abs=1e-5)
        assert float(line[38:42]) == pytest.approx(1000 * site["elev"], abs=1)
    speeds = [float(line[:5]) for line in (tmp_path / "hyp" / "p.crh").read_text().splitlines()[1:]]
    assert speeds and min(speeds) > 1


def test_velest_gets_travel_times_by_its_columns(db, tmp_path):
    export_for_peer(db, "engines", tmp_path / "vel", "velest")
    events = iter(stored(db))
    number = 0
    for block in (tmp_path / "vel" / "catalog.cnv").read_text().removesuffix("9999\n").strip().split("\n\n"):
        head, *lines = block.splitlines()
        event = next(events)
        assert float(head[18:25]) == pytest.approx(abs(event["latitude"]), abs=1e-4)
        assert float(head[27:35]) == pytest.approx(abs(event["longitude"]), abs=1e-4)
        assert float(head[37:44]) == pytest.approx(event["depth_km"], abs=0.006)
        start = datetime.strptime(head[:11], "%y%m%d %H%M").replace(tzinfo=UTC).timestamp() + float(head[12:17])
        arrivals = {(a["sta"], a["phase"]): a["time"] for a in event["origins"][0]["arrivals"]}
        for entry in (line[first : first + 12] for line in lines for first in range(0, len(line), 12)):
            assert start + float(entry[6:]) == pytest.approx(arrivals[entry[:4].strip(), entry[4]], abs=0.006)
            assert entry[5] in "01234"
            number += 1
    assert number == sum(event["n_picks"] for event in stored(db))
    first = (tmp_path / "vel" / "stations.sta").read_text().splitlines()[1]
    assert float(first[4:11]) == pytest.approx(abs(db.site.find_one({"sta": first[:4].strip()})["lat"]), abs=1e-4)


def test_growclust_gets_events_and_a_control_file_that_names_its_files(db, tmp_path):
    export_for_peer(db, "engines", tmp_path / "grow", "growclust")
    names, events = ids(tmp_path / "grow"), {event["_id"]: event for event in stored(db)}
    rows = [line.split() for line in (tmp_path / "grow" / "evlist.txt").read_text().splitlines()]
    assert len(rows) == len(events)
    for row in rows:
        event = events[names[int(row[13])]]
        assert [float(value) for value in row[6:9]] == pytest.approx(
            [event["latitude"], event["longitude"], event["depth_km"]], abs=1e-3
        )
    control = [line for line in (tmp_path / "grow" / "growclust.inp").read_text().splitlines() if line[0] != "*"]
    assert len(control) == 20 and control[:6:2] == ["1", "1", "1 12"]
    assert control[1:6:2] == ["evlist.txt", "stlist.txt", "xcordata.txt"] and control[6] == "vzmodel.txt"
    assert {len(line.split()) for line in (tmp_path / "grow" / "vzmodel.txt").read_text().splitlines()} == {3}


def test_locations_of_hypodd_come_in_again_under_the_events_ids(db, tmp_path):
    """phase.dat's heads, moved by 0.01 degrees, in the columns of hypoDD.reloc."""
    export_for_peer(db, "engines", tmp_path, "hypodd")
    rows = [line.split()[1:] for line in (tmp_path / "phase.dat").read_text().splitlines() if line.startswith("#")]
    (tmp_path / "hypoDD.reloc").write_text(
        "".join(
            f"{row[13]} {float(row[6]) + 0.01:.6f} {row[7]} {row[8]} 0 0 0 5 6 7 {' '.join(row[:6])} {row[9]} 1 2 3 4"
            " 0.01 0.02 1\n"
            for row in rows
        )
    )
    ingest_catalog(db, [tmp_path / "hypoDD.reloc"], "relocated")
    events = {event["_id"]: event for event in stored(db)}
    found = list(db.event.find({"catalog": "relocated"}))
    assert {event["source_id"] for event in found} == events.keys()
    for event in found:
        assert event["latitude"] == pytest.approx(events[event["source_id"]]["latitude"] + 0.01, abs=1e-5)
        assert event["origins"][0]["method"] == "hypoDD" and event["evaluation_status"] == "reviewed"


def test_a_folder_that_is_a_file_and_an_unknown_catalog_are_named(db, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file: can't be made"):
        export_for_peer(db, "engines", tmp_path / "file", "hypodd")
    with pytest.raises(InputError, match="nosuch"):
        export_for_peer(db, "nosuch", tmp_path / "new", "hypodd")
