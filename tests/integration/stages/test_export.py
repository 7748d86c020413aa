"""Catalogs to files: what is written is what is stored, whole or not at all."""

import csv
import io
import os
from datetime import UTC, datetime

import pytest
from obspy import read_events
from obspy.io.quakeml.core import _validate

from catalogdb.errors import InputError
from catalogdb.exchange.event_filter import EventFilter
from catalogdb.stages import read_catalog as module
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


def test_the_beginning_of_an_events_id_chooses_it(db, catalog, tmp_path):
    event = db.event.find_one({"source_id": "7"})
    for other in ("abcd1", "abcd2"):
        db.event.insert_one(event | {"_id": other + "0" * 27, "source_id": other})
    db.event.insert_one(event | {"_id": event["_id"][:8] + "0" * 24, "source_id": "x", "catalog": "other"})
    for text in (event["_id"], event["_id"][:8]):
        output = tmp_path / f"{text}.csv"
        assert export_catalog(db, catalog, output, filter=EventFilter(eventid=text))["events"] == 1
        assert f"{event['_id']}," in output.read_text()
    with pytest.raises(InputError, match="several ids begin so"):
        export_catalog(db, catalog, tmp_path / "two.csv", filter=EventFilter(eventid="abcd"))
    assert export_catalog(db, catalog, tmp_path / "none.csv", filter=EventFilter(eventid="ffff0"))["events"] == 0


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


def test_events_of_a_run_say_when_they_were_made(db, tmp_path):
    made = datetime(2026, 3, 1, 12, tzinfo=UTC)
    db.catalog.insert_one({"_id": "made", "kind": "automatic", "config_id": "c", "config": {}})
    task = {"_id": "t", "stage": "assemble", "config_id": "c", "shard": {}, "status": "done", "attempts": 1}
    db.task.insert_one(task | {"updated": made})
    event = {"_id": "e", "catalog": "made", "config_id": "c", "task_id": "t", "time": 1.7e9}
    event |= {"evaluation_mode": "automatic", "evaluation_status": "preliminary", "origins": [], "magnitudes": []}
    db.event.insert_one(event | {"creation_info": {"author": "catalogdb"}})
    export_catalog(db, "made", tmp_path / "made.xml")
    assert b"<creationTime>2026-03-01T12:00:00.000000Z</creationTime>" in (tmp_path / "made.xml").read_bytes()


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


def test_eight_digits_are_a_day_and_other_numbers_epoch_seconds():
    assert EventFilter(starttime="20240301").starttime == EventFilter(starttime="2024-03-01").starttime
    assert EventFilter(starttime="1709251200.5").starttime == 1709251200.5


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

    whole = module._Spooled.rows

    def broken(self):
        yield from whole(self)
        raise BrokenError

    monkeypatch.setattr(module._Spooled, "rows", broken)
    with pytest.raises(BrokenError):
        export_catalog(db, catalog, output)
    assert output.read_text() == "old"
    assert os.listdir(output.parent) == [name]


def test_export_beside_a_replacement_is_of_one_moment(db, catalog, tmp_path, monkeypatch):
    export_catalog(db, catalog, tmp_path / "undisturbed.csv", table="arrivals")
    read_picks = module._Reader._picks

    def while_all_is_replaced(self, events):
        for collection in ("catalog", "pick_set", "event", "pick"):
            db[collection].delete_many({})
        return read_picks(self, events)

    monkeypatch.setattr(module._Reader, "_picks", while_all_is_replaced)
    export_catalog(db, catalog, tmp_path / "beside.csv", table="arrivals")
    assert (tmp_path / "beside.csv").read_text() == (tmp_path / "undisturbed.csv").read_text()
    with pytest.raises(InputError, match="no catalog"):
        export_catalog(db, catalog, tmp_path / "after.csv")


def test_what_waits_on_disk_comes_back_equal(db, catalog, tmp_path, monkeypatch):
    export_catalog(db, catalog, tmp_path / "memory.xml")
    monkeypatch.setattr(module, "MEMORY_BYTES", 100)
    export_catalog(db, catalog, tmp_path / "disk.xml")
    without_dates = [
        [line for line in (tmp_path / name).read_text().splitlines() if "creationTime" not in line]
        for name in ("memory.xml", "disk.xml")
    ]
    assert without_dates[0] == without_dates[1] and len(without_dates[0]) > 100


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


CARDS = """\
ABC iPC112402030405 1018        1250eS 2                      FLD       480   6 gg
DEF eP 012402030405 1200                                      FLD             6 n
                 1                                              D
DEF ?P 312402030905 1018                                      VU        120   7g
GHI iP 012402030905 1100        1400iS 1                      VU              7
                 1
"""
LOOSE = """\
ABC iPd112402031005 1018        1250eS 2                                       gg
DEF eP 012402031200 0100
"""


@pytest.fixture
def cards(db, tmp_path):
    """Two events without origins, and three picks of none."""
    (tmp_path / "year.dat").write_text(CARDS + LOOSE)
    ingest_catalog(db, tmp_path / "year.dat", "cards")
    return "cards"


def ingested_again(db, catalog, path, name="again", **settings):
    summary = export_catalog(db, catalog, path, **settings)
    again = ingest_catalog(db, path, name)
    assert again["counts"]["rejected"] == 0 and again["counts"]["events"] == summary["events"]
    return summary


def lines_of(path):
    return [line.rstrip() for line in path.read_text().splitlines()]


def test_cards_are_written_as_they_were(db, cards, tmp_path):
    summary = export_catalog(db, cards, tmp_path / "out.dat")
    assert (tmp_path / "out.dat").read_text() == CARDS + LOOSE
    assert (summary["selected"], summary["events"], summary["picks"]) == (2, 2, 9)
    assert summary["picks_of_no_event"] == 3 and summary["left_out"] == {}


@pytest.mark.parametrize("behind", [1, 2])
def test_unlocated_events_come_back_from_quakeml(db, cards, tmp_path, behind):
    """With their picks, numbers, zones and marks: cards written behind it are those that were read."""
    name = cards
    for number in range(behind):
        summary = ingested_again(db, name, tmp_path / "out.xml", f"again{number}")
        left_out = {"left_out": {"picks of no event": 3}, "picks_of_no_event": 0} if not number else {"left_out": {}}
        assert summary | {"events": 2, "picks": 6} | left_out == summary
        name = f"again{number}"
    export_catalog(db, name, tmp_path / "behind.dat")
    assert (tmp_path / "behind.dat").read_text() == CARDS
    fields = ("source_id", "time", "time_from", "zone", "event_type", "evaluation_mode", "evaluation_status")
    first, second = (
        [{key: event.get(key) for key in fields} for event in db.event.find({"catalog": name}).sort("time", 1)]
        for name in (cards, name)
    )
    assert first == second and all(event["time_from"] == "first_arrival" for event in first)


def test_picks_in_no_arrival_are_in_quakeml(db, cards, tmp_path):
    export_catalog(db, cards, tmp_path / "out.xml")
    assert _validate(str(tmp_path / "out.xml"))
    found = read_events(str(tmp_path / "out.xml"))
    assert [len(event.picks) for event in found] == [3, 3] and not any(event.origins for event in found)


def test_late_picks_are_written(db, cards, tmp_path):
    """As those of a far earthquake are, however late."""
    db.pick.update_one({"sta": "GHI", "phase": "S", "event_key": "2024_00007"}, {"$inc": {"time": 10_800.0}})
    assert export_catalog(db, cards, tmp_path / "out.xml")["picks"] == 6
    assert [len(event.picks) for event in read_events(str(tmp_path / "out.xml"))] == [3, 3]


def test_picks_of_no_event_are_counted(db, catalog, tmp_path):
    """Those of an event that is in the catalog no more too; not where a filter chooses events."""
    db.event.delete_one({"catalog": catalog, "source_id": "7"})
    db.pick.update_one({"event_key": "3", "phase": "P"}, {"$unset": {"event_key": ""}})
    db.pick.update_one({"event_key": "9", "phase": "P"}, {"$set": {"event_key": "gone"}})
    db.event.update_many({}, {"$unset": {"origins.$[].arrivals": ""}})
    said = {"picks of no event": 1, "picks whose event is not in the catalog": 3}
    for name in ("out.xml", "out.hpl", "out.hpc"):
        summary = export_catalog(db, catalog, tmp_path / name)
        assert summary["picks"] == 36 and said.items() <= summary["left_out"].items(), name
    assert said.items() <= export_catalog(db, catalog, tmp_path / "x", format="hypo71")["left_out"].items()
    filtered = export_catalog(db, catalog, tmp_path / "out.xml", filter=EventFilter(minmagnitude=0))
    assert filtered["picks"] == 36 and filtered["left_out"] == {}
    summary = export_catalog(db, catalog, tmp_path / "out.dat", filter=EventFilter(orderby="time"))
    assert (summary["events"], summary["picks"], summary["picks_of_no_event"]) == (19, 40, 4)
    named = "names of events that are not in the catalog, of picks written as of no event"
    assert summary["left_out"] == {named: 3}
    assert (
        ingest_catalog(db, tmp_path / "out.dat", "again")["counts"] | {"events": 19, "picks": 40}
        == (ingest_catalog(db, tmp_path / "out.dat", "again")["counts"])
    )
    assert db.pick.count_documents({"pick_set": "again", "event_key": {"$exists": False}}) == 4


def test_a_catalog_of_picks_alone_is_a_file_of_cards(db, tmp_path):
    (tmp_path / "year.dat").write_text(LOOSE)
    ingest_catalog(db, tmp_path / "year.dat", "loose")
    summary = export_catalog(db, "loose", tmp_path / "out.dat")
    assert (summary["events"], summary["picks"], summary["picks_of_no_event"]) == (0, 3, 3)
    assert (tmp_path / "out.dat").read_text() == LOOSE
    assert export_catalog(db, "loose", tmp_path / "out.xml")["left_out"] == {"picks of no event": 3}


def test_unassociated_picks_are_not_exported_as_picks_of_no_event(db, catalog, tmp_path):
    db.catalog.update_one({"_id": catalog}, {"$unset": {"config.files": ""}})
    db.event.delete_one({"catalog": catalog, "source_id": "7"})
    summary = export_catalog(db, catalog, tmp_path / "out.dat")
    assert (summary["picks"], summary["picks_of_no_event"], summary["left_out"]) == (38, 0, {})


def test_what_is_written_is_reported(db, cards, tmp_path):
    """Not what was read."""
    summary = export_catalog(db, cards, tmp_path / "out.pun")
    assert (summary["selected"], summary["events"], summary["picks"]) == (2, 0, 0)
    assert summary["left_out"] == {"events without a location": 2}
    summary = export_catalog(db, cards, tmp_path / "out.txt")
    assert (summary["selected"], summary["events"], summary["picks"], summary["left_out"]) == (2, 2, 0, {})
    summary = export_catalog(db, cards, tmp_path / "out.csv", table="arrivals")
    assert (summary["selected"], summary["events"], summary["picks"]) == (2, 0, 0)
    assert summary["left_out"] == {
        "events without arrivals": 2,
        "picks that are in no arrival of a preferred origin": 6,
        "picks of no event": 3,
    }
    assert len(lines_of(tmp_path / "out.csv")) == 1


def test_the_command_says_what_is_not_in_the_file(cli, db, cards, tmp_path):
    path = tmp_path / "out.pun"
    code, out, err = cli("export", "--catalog", cards, "-o", path)
    assert code == 0 and f"{path}: 0 of 2 events, {path.stat().st_size} bytes" in out
    assert "left out, as the format can't hold them: 2 events without a location" in err
    assert "the file holds no event: none of them can be written in this format" in err
    code, out, err = cli("export", "--catalog", cards, "-o", tmp_path / "out.dat")
    assert code == 0 and "2 events, 9 picks (3 of no event, behind the last one)" in out and not err
    code, out, err = cli("export", "--catalog", cards, "-o", tmp_path / "out.xml")
    assert code == 0 and "2 events, 6 picks" in out and ": 3 picks of no event" in err
    code, out, err = cli("export", "--catalog", cards, "-o", tmp_path / "out.csv", "--minmagnitude", "9")
    assert code == 0 and "0 events" in out
    assert "the file holds no event: the catalog has none that passes the filters" in err


HPL = """\
^MONTE FINTO (FRIULI)

     71240203  4 5  8.50 46-20.50  13- 6.25   8.25   1.50 12  4 117 1 0.21  0.6  1.3 B B/C                                   5  1.5  0.2                      3
     7 ABC    4.8 214 115 iPC1  4 5 10.18  1.68  1.73 -0.03 -0.02  1.27                     FLD 480 2.3  eS 2 12.50  4.00  0.11   0.6      ABC     gg
     7 DEF   14.8  14  95 eP    4 5 12.00  3.50  3.40  0.00  0.10  1.20                     FLD                                            DEF     n
     7 GHI   24.8  94  90       4 5  0.00                                                   FLD          iS 3 19.00 10.50  0.20   0.3      GHI      g
"""  # noqa: E501


def test_angles_delays_and_marks_go_through_quakeml(db, tmp_path):
    (tmp_path / "year.hpl").write_text(HPL)
    ingest_catalog(db, tmp_path / "year.hpl", "listing")
    export_catalog(db, "listing", tmp_path / "straight.hpl")
    ingested_again(db, "listing", tmp_path / "out.xml")
    assert _validate(str(tmp_path / "out.xml"))
    (event,) = db.event.find({"catalog": "again"})
    (origin,) = event["origins"]
    assert [arrival["takeoff_angle"] for arrival in origin["arrivals"]] == [115, 115, 95, 90]
    assert [arrival.get("station_delay") for arrival in origin["arrivals"]] == [-0.03, -0.03, None, None]
    assert (origin["quality_sqd"], event["zone"], event["source_id"]) == ("B/C", "F", "2024_00007")
    export_catalog(db, "again", tmp_path / "behind.hpl")
    assert lines_of(tmp_path / "behind.hpl") == lines_of(tmp_path / "straight.hpl")
