"""Catalogs to files: what is written is what is stored, whole or not at all."""

import csv
import io
import os

import pytest
from obspy import read_events
from obspy.io.quakeml.core import _validate

from catalogdb.errors import InputError
from catalogdb.exchange.event_filter import EventFilter
from catalogdb.stages import export as module
from catalogdb.stages.export import export_catalog
from catalogdb.stages.ingest_catalog import ingest_catalog


@pytest.fixture
def catalog(db, tmp_path):
    events, picks = tmp_path / "e.csv", tmp_path / "p.csv"
    rows = "".join(
        f"{n},2024-01-{n:02d}T00:00:00.{n:06d},{40 + n / 10},{13 + n / 10},{n},{n / 5}\n" for n in range(1, 21)
    )
    events.write_text("event_id,time,latitude,longitude,depth_km,ML\n" + rows)
    rows = "".join(f"{n},2024-01-{n:02d}T00:00:05.{n:06d},BAD,{p},1\n" for n in range(1, 21) for p in "PS")
    picks.write_text("event_id,time,station,phase,hypo71_weight\n" + rows)
    ingest_catalog(db, [events, picks], "ogs", agency_id="OGS")
    return "ogs"


def test_quakeml_holds_the_documents(db, catalog, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "BATCH_EVENTS", 7)
    output = tmp_path / "events.xml"
    summary = export_catalog(db, catalog, output)
    assert (summary["events"], summary["picks"], summary["bytes"]) == (20, 40, output.stat().st_size)
    assert _validate(str(output))
    stored = list(db.event.find().sort("time", 1))
    for event, document in zip(read_events(str(output)), stored, strict=True):
        origin = event.preferred_origin()
        assert origin.time.ns == round(document["time"] * 1e6) * 1000
        assert (origin.latitude, origin.longitude) == (document["latitude"], document["longitude"])
        assert origin.depth == document["depth_km"] * 1000
        assert event.preferred_magnitude().mag == document["magnitude"]
        assert event.creation_info.agency_id == "OGS"
        found = {str(pick.resource_id).rsplit("/", 1)[1]: pick for pick in event.picks}
        for pick in db.pick.find({"event_key": document["source_id"]}):
            assert found[pick["_id"]].time.ns == round(pick["time"] * 1e6) * 1000
            assert found[pick["_id"]].time_errors.uncertainty == pick["uncertainty"]
            assert found[pick["_id"]].waveform_id.station_code == "BAD"


def test_export_and_ingest_again_keep_the_events(db, catalog, tmp_path):
    export_catalog(db, catalog, tmp_path / "events.xml")
    ingest_catalog(db, tmp_path / "events.xml", "copy")
    names = (
        "time",
        "latitude",
        "longitude",
        "depth_km",
        "magnitude",
        "magnitude_type",
        "n_p",
        "n_s",
        "evaluation_mode",
    )
    first, second = (
        [{name: event[name] for name in names} for event in db.event.find({"catalog": name}).sort("time", 1)]
        for name in ("ogs", "copy")
    )
    assert first == second
    fields = {"_id": 0, "sta": 1, "phase": 1, "time": 1, "uncertainty": 1, "hypo71_weight": 1}
    first, second = (
        list(db.pick.find({"pick_set": name}, fields).sort([("time", 1), ("phase", 1)])) for name in ("ogs", "copy")
    )
    assert first == second


def test_equal_documents_give_equal_bytes(db, catalog, tmp_path):
    for name in ("a.xml", "b.xml"):
        export_catalog(db, catalog, tmp_path / name)
    assert (tmp_path / "a.xml").read_bytes() == (tmp_path / "b.xml").read_bytes()


def test_filters(db, catalog, tmp_path):
    def ids(**bounds):
        export_catalog(db, catalog, tmp_path / "events.csv", filter=EventFilter(**bounds))
        with open(tmp_path / "events.csv", newline="") as stream:
            return [int(row["source_id"]) for row in csv.DictReader(stream)]

    assert ids() == list(range(1, 21))
    assert ids(starttime="2024-01-03", endtime="2024-01-05") == [3, 4]
    assert ids(minmagnitude=3.6, orderby="magnitude") == [20, 19, 18]
    assert ids(mindepth=5, maxdepth=7) == [5, 6, 7]
    assert ids(minlatitude=41.85, minlongitude=14.95) == [20]
    assert ids(orderby="time", limit=2, offset=1) == [19, 18]
    assert ids(eventid="7") == [7]
    assert ids(minmagnitude=9) == []


def test_arrivals_as_csv(db, catalog, tmp_path):
    summary = export_catalog(db, catalog, tmp_path / "arrivals.csv", table="arrivals", filter=EventFilter(limit=3))
    assert (summary["events"], summary["picks"]) == (3, 6)
    with open(tmp_path / "arrivals.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 6 and rows[0]["time"] == "2024-01-01T00:00:05.000001Z" and rows[0]["uncertainty_s"] == "0.04"


def test_parquet(db, catalog, tmp_path):
    pytest.importorskip("pyarrow", reason="pyarrow is missing or does not fit this NumPy", exc_type=ImportError)
    import pandas

    export_catalog(db, catalog, tmp_path / "events.parquet")
    frame = pandas.read_parquet(tmp_path / "events.parquet")
    assert len(frame) == 20 and frame.depth_km.tolist() == [float(n) for n in range(1, 21)]


class BrokenError(Exception):
    pass


@pytest.mark.parametrize("name", ["events.xml", "events.csv"])
def test_a_failure_leaves_the_old_file_and_nothing_else(db, catalog, tmp_path, monkeypatch, name):
    output = tmp_path / "out" / name
    output.parent.mkdir()
    output.write_text("old")

    whole = module._batches

    def broken(cursor):
        yield from whole(cursor)
        raise BrokenError

    monkeypatch.setattr(module, "_batches", broken)
    with pytest.raises(BrokenError):
        export_catalog(db, catalog, output)
    assert output.read_text() == "old"
    assert os.listdir(output.parent) == [name]


def test_outputs_that_cannot_be_written_are_named(db, catalog, tmp_path):
    with pytest.raises(InputError, match=r"no/folder.xml: cannot be written"):
        export_catalog(db, catalog, tmp_path / "no" / "folder.xml")
    with pytest.raises(InputError, match=r"suffix '.doc'"):
        export_catalog(db, catalog, tmp_path / "events.doc")
    with pytest.raises(InputError, match="no catalog 'other'") as caught:
        export_catalog(db, "other", tmp_path / "events.xml")
    assert "ogs" in caught.value.hint
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(InputError, match="folder.csv: cannot be written"):
        export_catalog(db, catalog, tmp_path / "folder.csv")
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".part")]


def test_an_empty_selection_is_a_valid_file(db, catalog, tmp_path):
    export_catalog(db, catalog, tmp_path / "none.xml", filter=EventFilter(minmagnitude=9))
    assert _validate(io.BytesIO((tmp_path / "none.xml").read_bytes()))
