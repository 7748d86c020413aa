"""Picks and stations to files, and events through ObsPy's formats into the database and out again."""

import csv

import numpy as np
import pandas
import pytest
from obspy import read_events
from obspy.io.quakeml.core import _validate

from catalogdb.errors import InputError
from catalogdb.filters import read_filter
from catalogdb.stages.export import export_catalog
from catalogdb.stages.export_picks import export_picks, export_stations
from catalogdb.stages.ingest_catalog import ingest_catalog

ROWS = [(day, station, phase) for day in (1, 2, 3) for station in ("BAD", "BOO") for phase in "PS"]


@pytest.fixture
def pick_set(db, tmp_path):
    path = tmp_path / "p.csv"
    rows = "".join(
        f"OX,{sta},HH{'Z' if phase == 'P' else 'N'},2024-01-{day:02d}T00:00:05.123456,{phase},0.{day}5\n"
        for day, sta, phase in ROWS
    )
    text = "network,station,channel,time,phase,probability\n" + rows + "OX,BAD,HHZ,2024-01-04T00:00:01,PcP,0.9\n"
    path.write_text(text)
    ingest_catalog(db, [path], "net")
    return "net"


def stored(db):
    return [(p["time"], p["net"], p["sta"], p["phase"]) for p in db.pick.find({"pick_set": "net"}).sort("_id", 1)]


@pytest.mark.parametrize("format", ["csv", "parquet", "quakeml", "phasenet", "seisbench", "gamma"])
def test_picks_written_in_a_layout_are_read_back(db, pick_set, tmp_path, format):
    path = tmp_path / f"picks.{ {'parquet': 'parquet', 'quakeml': 'xml'}.get(format, 'csv') }"
    summary = export_picks(db, pick_set, path, format)
    is_whole = format in ("csv", "parquet", "quakeml")
    assert summary["picks"] == 12 + is_whole and bool(summary["left_out"]) == (not is_whole)
    ingest_catalog(db, [path], "copy")
    found = [(p["time"], p["net"], p["sta"], p["phase"]) for p in db.pick.find({"pick_set": "copy"})]
    assert sorted(found) == sorted(row for row in stored(db) if is_whole or row[3] != "PcP")
    values = {round(p["probability"], 9) for p in db.pick.find({"pick_set": "copy"})}
    assert values == ({0.15, 0.25, 0.35, 0.9} if is_whole else {0.15, 0.25, 0.35})
    assert db.event.count_documents({"catalog": "copy"}) == 0
    assert not db.pick.count_documents({"pick_set": "copy", "event_key": {"$exists": True}})


def test_quakeml_of_picks_is_valid_and_obspy_reads_them(db, pick_set, tmp_path):
    export_picks(db, pick_set, tmp_path / "p.xml")
    assert _validate(str(tmp_path / "p.xml"))
    events = read_events(str(tmp_path / "p.xml"))
    assert [len(event.picks) for event in events] == [4, 4, 4, 1] and not any(event.origins for event in events)


def test_filters_choose_the_picks(db, pick_set, tmp_path):
    filters = [read_filter(text) for text in ("phase=P", "station=OX.BAD", "time>=2024-01-02")]
    assert export_picks(db, pick_set, tmp_path / "p.csv", filters=filters)["picks"] == 2
    times = pandas.read_csv(tmp_path / "p.csv")["time"].tolist()
    assert times == ["2024-01-02T00:00:05.123456Z", "2024-01-03T00:00:05.123456Z"]
    with pytest.raises(InputError, match="phsae"):
        export_picks(db, pick_set, tmp_path / "p.csv", filters=[read_filter("phsae=P")])


def test_formats_are_named_in_any_case(db, pick_set, tmp_path):
    assert export_picks(db, "net", tmp_path / "p.txt", "PhaseNet")["format"] == "phasenet"


@pytest.mark.parametrize(
    ("name", "output", "format", "reason"),
    [("none", "p.csv", None, "none"), ("net", "p.doc", None, "suffix"), ("net", "p.csv", "kml", "no format 'kml'")],
)
def test_unknown_sets_and_formats_are_refused(db, pick_set, tmp_path, name, output, format, reason):
    with pytest.raises(InputError, match=reason):
        export_picks(db, name, tmp_path / output, format)


def test_stations_for_simulations(db, tmp_path):
    with pytest.raises(InputError, match="no stations"):
        export_stations(db, tmp_path / "STATIONS", "specfem")
    places = {("OX", "BAD"): (46.2, 12.9, 0.5), ("NI", "VINO"): (46.3, 13.3, 0.6)}
    for (net, sta), (lat, lon, elev) in places.items():
        epoch = {"net": net, "sta": sta, "loc": "", "lat": lat, "lon": lon, "elev": elev}
        db.site.insert_one(epoch | {"starttime": 0.0, "endtime": 4e9})
    assert export_stations(db, tmp_path / "STATIONS", "specfem")["stations"] == 2
    lines = [line.split() for line in (tmp_path / "STATIONS").read_text().splitlines()]
    assert lines[0][:2] == ["VINO", "NI"] and [float(cell) for cell in lines[1][2:]] == [46.2, 12.9, 500.0, 0.0]
    assert export_stations(db, tmp_path / "r.dat", "seissol")["projection"] == "EPSG:32633"
    east, north, up = np.loadtxt(tmp_path / "r.dat").T
    assert np.hypot(np.diff(east), np.diff(north)) == pytest.approx(32_700, abs=300) and up.tolist() == [600, 500]
    db.site.insert_one(epoch | {"net": "", "sta": "ALONE", "starttime": 0.0, "endtime": 4e9})
    export_stations(db, tmp_path / "s.csv", "noisepy")
    with open(tmp_path / "s.csv") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["network"], row["station"], row["elevation"]) for row in rows] == [
        ("--", "ALONE", "600.0"),
        ("NI", "VINO", "600.0"),
        ("OX", "BAD", "500.0"),
    ]


@pytest.mark.parametrize("format", ["scml", "geojson", "zmap", "nordic", "fdsn-text", "csep", "cmtsolution"])
def test_events_go_out_and_in_again_in_every_format(db, tmp_path, format):
    rows = "".join(f"{n},2024-01-{n:02d}T00:00:00.5,{40 + n / 10},{13 + n / 10},{n},{n / 5},ML\n" for n in range(1, 9))
    (tmp_path / "e.csv").write_text("event_id,time,latitude,longitude,depth_km,magnitude,magnitude_type\n" + rows)
    ingest_catalog(db, [tmp_path / "e.csv"], "first")
    summary = export_catalog(db, "first", tmp_path / "out.txt", format=format)
    assert summary["events"] == 8
    assert ingest_catalog(db, [tmp_path / "out.txt"], "again")["counts"]["events"] == 8

    def of(name):
        found = db.event.find({"catalog": name}).sort("time", 1)
        names = ("time", "latitude", "longitude", "depth_km", "magnitude")
        return np.array([[event[name] for name in names] for event in found])

    assert of("again") == pytest.approx(of("first"), abs=0.051)
    ids = {event["source_id"] for event in db.event.find({"catalog": "again"})}
    assert ingest_catalog(db, [tmp_path / "out.txt"], "again")["changed"] is False
    ingest_catalog(db, [tmp_path / "out.txt"], "again", format=format, replace=True)
    assert {event["source_id"] for event in db.event.find({"catalog": "again"})} == ids and len(ids) == 8
