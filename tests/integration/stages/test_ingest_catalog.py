"""Catalog files into the database: identities, links, names, replacement."""

import csv
import subprocess
import sys

import pytest
from catalog_texts import CARDS, END, EVENTS, PICKS, QUAKEML, write_tables
from pymongo.errors import BulkWriteError, PyMongoError

from catalogdb.errors import NameTaken
from catalogdb.stages import ingest_catalog as module
from catalogdb.stages import write_catalog
from catalogdb.stages.export import export_catalog
from catalogdb.stages.ingest_catalog import ingest_catalog

COLLECTIONS = ("event", "pick", "catalog", "pick_set", "task")


@pytest.fixture
def files(tmp_path):
    return write_tables(tmp_path)


def everything(db):
    return {name: list(db[name].find().sort("_id", 1)) for name in COLLECTIONS}


def test_events_picks_and_lineage_are_written(db, files):
    summary = ingest_catalog(db, files, "ogs", agency_id="OGS", licence="CC-BY")
    assert summary["changed"]
    assert summary["counts"] == {
        "events": 2,
        "picks": 4,
        "picks_of_no_event": 1,
        "picks_whose_event_is_missing": 1,
        "picks_without_network": 4,
        "rejected": 0,
    }
    catalog, pick_set = db.catalog.find_one({"_id": "ogs"}), db.pick_set.find_one({"_id": "ogs"})
    assert (catalog["kind"], catalog["pick_set"], catalog["agency_id"], catalog["licence"]) == (
        "reference",
        "ogs",
        "OGS",
        "CC-BY",
    )
    assert catalog["config_id"] == pick_set["config_id"] == summary["config_id"]
    assert (catalog["starttime"], catalog["endtime"]) == (1704067200.0, 1704153601.0)
    task = db.task.find_one({"stage": "ingest"})
    assert (task["status"], task["result"], task["counts"]) == ("done", "ogs", summary["counts"])

    first, second = db.event.find({"catalog": "ogs"}).sort("time", 1)
    assert first["task_id"] == task["_id"] and first["creation_info"] == {"agency_id": "OGS"}
    (origin,) = first["origins"]
    assert origin["_id"] == first["preferred_origin_id"]
    assert first["magnitudes"][0]["_id"] == first["preferred_magnitude_id"]
    assert (first["n_picks"], first["n_p"], first["n_s"]) == (2, 1, 1)
    picks = {pick["_id"]: pick for pick in db.pick.find({"pick_set": "ogs"})}
    assert [picks[arrival["pick_id"]]["time"] for arrival in origin["arrivals"]] == [1704067203.25, 1704067205.0]
    assert {pick["channel_group"] for pick in picks.values()} == {".BAD..", ".VINO.."}
    assert "depth_km" not in second and "magnitude" not in second and "arrivals" not in second["origins"][0]


def test_same_files_again_change_nothing(db, files):
    first = ingest_catalog(db, files, "ogs")
    before = everything(db)
    again = ingest_catalog(db, files, "ogs")
    assert not again["changed"] and again["counts"] == first["counts"]
    assert everything(db) == before


def test_a_renamed_file_is_the_same_catalog(db, files):
    ingest_catalog(db, files, "ogs")
    files[0].rename(files[0].with_name("other.csv"))
    assert not ingest_catalog(db, [files[0].with_name("other.csv"), files[1]], "ogs")["changed"]


def test_other_content_wants_another_name_or_replace(db, files):
    ingest_catalog(db, files, "ogs")
    before = everything(db)
    files[0].write_text(EVENTS + "3,2024-01-04,46,13,5,1.0\n")
    with pytest.raises(NameTaken, match="ogs") as caught:
        ingest_catalog(db, files, "ogs")
    assert "--replace" in caught.value.hint
    assert everything(db) == before

    summary = ingest_catalog(db, files, "ogs", replace=True)
    after = everything(db)
    assert [len(after[name]) for name in COLLECTIONS] == [3, 4, 1, 1, 1]
    assert {row["config_id"] for rows in after.values() for row in rows} == {summary["config_id"]}


def test_replacing_by_events_alone_removes_the_old_picks(db, files):
    ingest_catalog(db, files, "ogs")
    ingest_catalog(db, files[0], "ogs", replace=True)
    assert db.pick.count_documents({}) == 0 and db.pick_set.count_documents({}) == 0
    assert "pick_set" not in db.catalog.find_one({"_id": "ogs"})


@pytest.mark.parametrize("limit", [20_000, 1])
def test_replacement_is_atomic_or_leaves_no_half_catalog(db, files, monkeypatch, limit):
    ingest_catalog(db, files, "ogs")
    before = everything(db)
    monkeypatch.setattr(write_catalog, "TRANSACTION_DOCUMENTS", limit)
    # a document that MongoDB's own validator refuses, in the last collection written
    row = module.ledger_row
    monkeypatch.setattr(module, "ledger_row", lambda *parts: row(*parts) | {"status": "no such status"})
    files[0].write_text(EVENTS + "3,2024-01-04,46,13,5,1.0\n")
    with pytest.raises(PyMongoError):
        ingest_catalog(db, files, "ogs", replace=True)
    if limit > 1:
        assert everything(db) == before
    else:
        assert db.catalog.find_one({"_id": "ogs"}) is None

    monkeypatch.setattr(module, "ledger_row", row)
    ingest_catalog(db, files, "ogs", replace=True)
    assert [len(rows) for rows in everything(db).values()] == [3, 4, 1, 1, 1]


def test_a_large_catalog_in_batches_is_the_same(db, files, monkeypatch):
    ingest_catalog(db, files, "ogs")
    whole = everything(db)
    monkeypatch.setattr(write_catalog, "TRANSACTION_DOCUMENTS", 1)
    ingest_catalog(db, files, "ogs", replace=True)
    batched = everything(db)
    assert batched["event"] == whole["event"] and batched["pick"] == whole["pick"]


def test_the_error_of_a_transaction_too_large_is_known():
    # as MongoDB 6 raised it for 49,000 events with a cache of 0.5 GB
    error = BulkWriteError({"writeErrors": [{"index": 34614, "code": 388, "errmsg": "transaction is too large"}]})
    assert write_catalog.TRANSACTION_TOO_LARGE in write_catalog._codes(error)


def test_refusal_says_what_differs_from_the_ingest_before(db, files, monkeypatch):
    ingest_catalog(db, files, "ogs")
    with pytest.raises(NameTaken, match=r"in another way \(evaluation_mode: 'manual' there, 'automatic' here"):
        ingest_catalog(db, files, "ogs", evaluation_mode="automatic")
    there = module.REVISION
    monkeypatch.setattr(module, "REVISION", there + 1)
    with pytest.raises(NameTaken, match=rf"another version .*\(revision {there} there, {there + 1} here\)"):
        ingest_catalog(db, files, "ogs")
    files[0].write_text(EVENTS + "3,2024-01-04,46,13,5,1.0\n")
    with pytest.raises(NameTaken, match="from other files"):
        ingest_catalog(db, files, "ogs")


def test_catalogs_made_by_jobs_are_never_replaced(db, files):
    db.catalog.insert_one({"_id": "nightly", "kind": "automatic", "config_id": "x", "config": {"associate": {}}})
    with pytest.raises(NameTaken, match="made by a job"):
        ingest_catalog(db, files, "nightly", replace=True)
    db.pick_set.insert_one({"_id": "picks", "kind": "automatic", "config_id": "y", "config": {}})
    with pytest.raises(NameTaken, match="made by a job"):
        ingest_catalog(db, files, "picks")


def test_picks_that_other_catalogs_are_made_from_are_not_replaced(db, files):
    ingest_catalog(db, files, "ogs")
    db.catalog.insert_one({"_id": "nightly", "kind": "automatic", "config_id": "x", "config": {}, "pick_set": "ogs"})
    files[0].write_text(EVENTS + "3,2024-01-04,46,13,5,1.0\n")
    with pytest.raises(NameTaken, match="nightly"):
        ingest_catalog(db, files, "ogs", replace=True)


def test_networks_come_from_sites_where_one_alone_fits(db, files):
    def site(net, sta, starttime):
        return {
            "net": net,
            "sta": sta,
            "loc": "",
            "lat": 46.0,
            "lon": 13.0,
            "elev": 0.5,
            "starttime": starttime,
            "endtime": 4e9,
        }

    db.site.insert_many(
        [site("OX", "BAD", 0.0), site("OX", "BAD", 1.0), site("OX", "VINO", 0.0), site("NI", "VINO", 0.0)]
    )
    counts = ingest_catalog(db, files, "ogs")["counts"]
    assert (counts["picks_given_a_network"], counts["picks_without_network"]) == (2, 2)
    assert set(db.pick.distinct("channel_group")) == {"OX.BAD..", ".VINO.."}
    assert db.event.find_one({"source_id": "1"})["origins"][0]["arrivals"][0]["net"] == "OX"


def test_duplicates_are_merged_or_kept_under_another_name(db, tmp_path):
    path, picks = tmp_path / "events.csv", tmp_path / "picks.csv"
    path.write_text(EVENTS + "1,2024-02-01,46,13,5,1.0\n" + EVENTS.splitlines()[1] + "\n")
    picks.write_text(PICKS + "1,2024-01-01T00:00:03.2501,BAD,P,1\n")
    summary = ingest_catalog(db, [path, picks], "ogs")
    assert {key: number for key, number in summary["counts"].items() if key.split("_")[0] in ("merged", "renamed")} == {
        "merged_events": 1,
        "merged_picks": 1,
        "renamed_events": 1,
    }
    assert summary["counts"]["rejected"] == 0
    assert any("another event has the same id; kept as 1#2" in line for line in summary["problems"])
    assert any("pick 5" in line and "it occurs twice, merged into one" in line for line in summary["problems"])
    assert any("event 4 (1): it occurs twice, merged into one" in line for line in summary["problems"])
    assert db.event.distinct("source_id") == ["1", "1#2", "2"] and db.pick.count_documents({}) == 4


def report_rows(summary):
    names = ("read", "kept", "merged", "repaired", "rejected", "repaired_lines", "merged_lines", "rejected_lines")
    return {report["file"]: [report[name] for name in names] for report in summary["files"]}


def test_duplicates_stand_in_the_table_with_their_lines(db, tmp_path):
    events, picks = tmp_path / "events.csv", tmp_path / "picks.csv"
    events.write_text(EVENTS + EVENTS.splitlines()[1] + "\nx,never,46,13,5,1.0\n")
    picks.write_text(PICKS + "1,2024-01-01T00:00:03.25,BAD,P,\n1,2024-01-01T00:00:04,BOO,P,\n")
    summary = ingest_catalog(db, [events, picks], "ogs")
    assert report_rows(summary) == {
        "events.csv": [4, 2, 1, 0, 1, [], [4], [5]],
        "picks.csv": [6, 5, 1, 1, 0, [7], [6], []],
    }
    assert f"{events}: line 4: event 3 (1): it occurs twice, merged into one" in summary["problems"]
    assert any(line.startswith(f"{picks}: line 6: pick 5 (P of .BAD.. at") for line in summary["problems"])
    assert db.event.count_documents({}) == 2 and db.pick.count_documents({}) == 5
    for collection in (db.event, db.pick):
        assert not collection.count_documents({"$or": [{"read_from": {"$exists": 1}}, {"arrival": {"$exists": 1}}]})


def test_files_of_one_name_keep_their_own_rows(db, tmp_path):
    paths = [tmp_path / folder / "B.dat" for folder in ("x", "y")]
    for path in paths:
        path.parent.mkdir()
    paths[0].write_text(CARDS + END)
    later = CARDS.replace("0327", "0328").replace("   1\n", "   2\n")
    paths[1].write_text(later + later.splitlines(keepends=True)[0] + END)
    summary = ingest_catalog(db, paths, "ogs")
    rows = report_rows(summary)
    assert {name: [row[0], row[1], row[2], row[6]] for name, row in rows.items()} == {
        "x/B.dat": [4, 4, 0, []],
        "y/B.dat": [6, 4, 2, [3, 3]],
    }
    tables = [tmp_path / folder / "picks.csv" for folder in ("x", "y")]
    tables[0].write_text(PICKS)
    tables[1].write_text("event_id,time,station,phase\n1,2024-01-01T00:00:03.25,BAD,P\n")
    rows = report_rows(ingest_catalog(db, tables, "two"))
    assert rows == {"x/picks.csv": [4, 4, 0, 0, 0, [], [], []], "y/picks.csv": [1, 0, 1, 0, 0, [], [2], []]}


def test_the_table_counts_records_of_quakeml(db, tmp_path):
    path = tmp_path / "events.xml"
    pick = (
        "<pick publicID='smi:x/p{0}'><time><value>2024-01-01T00:00:0{0}Z</value></time>"
        "<waveformID networkCode='OX' stationCode='BAD'/><phaseHint>P</phaseHint></pick>"
    )
    content = QUAKEML.replace("</event>", pick.format(3) + pick.format(4) + "</event>")
    event = content[content.index("<event publicID") : content.index("</eventParameters>")]
    wrong = "<preferredOriginID>smi:x/none</preferredOriginID><preferredMagnitudeID>smi:x/no</preferredMagnitudeID>"
    other = event.replace("<origin ", f"{wrong}<origin ", 1).replace("smi:x/e'", "smi:x/e2'").replace("x/p", "x/q")
    path.write_text(content.replace(event, event + event + other.replace(":00:0", ":01:0")))
    summary = ingest_catalog(db, path, "xml")
    # the second is the first again; of the third one the preferred origin is missing
    assert report_rows(summary) == {"events.xml": [6, 6, 0, 5, 0, [], [], []]}
    assert f"{path}: event smi:x/e stands 2 times, alike in every value: read once" in summary["problems"]
    assert (db.event.count_documents({}), db.pick.count_documents({})) == (2, 4)


def test_ids_that_times_speak_against_are_said(db, files):
    files[0].write_text(EVENTS.replace("\n1,", "\n2,", 1).replace("\n2,2024-01-02", "\n3,2024-01-02"))
    files[1].write_text(PICKS + "2,2024-01-02T00:00:04,BAD,P,1\n")
    summary = ingest_catalog(db, files, "ogs")
    assert any("its event ids are not those of events.csv" in note for note in summary["notes"])
    again = ingest_catalog(db, files, "ogs")
    assert (again["notes"], again["problems"]) == (summary["notes"], summary["problems"])
    first, second = db.event.find({"catalog": "ogs"}).sort("time", 1)
    assert [first["n_picks"], second["n_picks"]] == [2, 1]
    assert db.pick.count_documents({"event_key": "2"}) == 2 and db.pick.count_documents({"event_key": "3"}) == 1


def test_a_catalog_written_as_csv_is_read_again_as_it_was(db, tmp_path):
    events, picks = tmp_path / "events.csv", tmp_path / "picks.csv"
    events.write_text(
        "event_id,origin_time,latitude,longitude,depth_km,magnitude,magnitude_type,t_err,h_err,v_err,rms,gap,"
        "minimum_distance_km,n_stations,event_type,place,status\n"
        'a1,2024-01-01T00:00:00.123456,46.1,13.1,10,2.0,ML,0.1,0.5,0.7,0.12,90,4.5,7,quarry blast,"X, Y",final\n'
        "a2,2024-01-02,46.2,13.2,,,,,,,,,,,,,\na3,2024-01-03,,,,1.5,MD,,,,,,,,,,\n"
    )
    picks.write_text(
        "event_id,time,station,network,location,channel,phase,uncertainty,probability,hypo71_weight,polarity,onset,"
        "pick_id,residual_s,distance_km,azimuth_degree,weight\n"
        "a1,2024-01-01T00:00:03.25,BAD,OX,00,HHZ,Pg,0.05,0.9,1,positive,e,one,-0.02,14.8,95,1.2\n"
        "a1,2024-01-01T00:00:05,BAD,OX,00,HHN,S,0.2,,,,,two,,,,\n"
        "a2,2024-01-02T00:00:05,VINO,,,,P,0.2,,,,,three,,,,\n"
    )
    ingest_catalog(db, [events, picks], "one")
    written = {}
    for name in ("one", "two"):
        paths = [tmp_path / f"{name}-{table}.csv" for table in ("events", "arrivals")]
        for path, table in zip(paths, ("events", "arrivals"), strict=True):
            export_catalog(db, name, path, table=table)
        written[name] = [list(csv.DictReader(path.open())) for path in paths]
        if name == "one":
            summary = ingest_catalog(db, paths, "two")
            assert (summary["counts"]["rejected"], summary["notes"][:-1]) == (0, [])
            assert not any("columns not used" in line for line in summary["problems"])
    for one, two in zip(written["one"], written["two"], strict=True):
        assert len(one) == 3
        new_ids = {"event_id", "pick_id"}  # of the database
        assert [{key: row[key] for key in row if key not in new_ids} for row in two] == [
            {key: row[key] for key in row if key not in new_ids} for row in one
        ]


def test_two_names_hold_the_same_file_apart(db, files):
    ingest_catalog(db, files, "one")
    ingest_catalog(db, files, "two")
    assert db.event.count_documents({"catalog": "one"}) == db.event.count_documents({"catalog": "two"}) == 2


TWO_AT_ONCE = """
from catalogdb.database.connection import connect
from catalogdb.errors import NameTaken
from catalogdb.settings import Settings
from catalogdb.stages.ingest_catalog import ingest_catalog
from pathlib import Path
import sys
try:
    db = connect(Settings.model_validate_json(sys.argv[1]))
    ingest_catalog(db, Path(sys.argv[2]), "x", replace=sys.argv[3] == "replace")
except NameTaken:
    sys.exit(2)
"""


@pytest.mark.parametrize("rows, replace", [(300, ""), (13_000, ""), (13_000, "replace")])
def test_two_ingests_of_one_name_do_not_mix(db, settings, tmp_path, rows, replace):
    paths = []
    for name, latitude in (("a", 46), ("b", 47)):
        lines = [f"{name}{n},{1.7e9 + 60 * n},{latitude},13,5,1.2" for n in range(rows)]
        paths.append(tmp_path / f"{name}.csv")
        paths[-1].write_text("event_id,time,latitude,longitude,depth_km,ML\n" + "\n".join(lines) + "\n")
    command = [sys.executable, "-c", TWO_AT_ONCE, settings.model_dump_json()]
    running = [subprocess.Popen([*command, path, replace]) for path in paths]
    codes = sorted(process.wait() for process in running)
    assert codes == ([0, 0] if replace else [0, 2])
    assert db.event.count_documents({"catalog": "x"}) == rows
    assert len(db.event.distinct("latitude", {"catalog": "x"})) == 1
    assert db.event.distinct("config_id", {"catalog": "x"}) == [db.catalog.find_one({"_id": "x"})["config_id"]]
    assert db.lease.count_documents({}) == 0


def test_ingest_does_not_take_the_name_of_a_run_meanwhile(db, files, monkeypatch):
    monkeypatch.setattr(write_catalog, "TRANSACTION_DOCUMENTS", 0)
    inserted = write_catalog._Writer._insert

    def while_a_run_takes_the_name(self, collection, documents, session):
        inserted(self, collection, documents, session)
        run = {"_id": "x", "config_id": "r", "kind": "automatic", "config": {}}
        db.catalog.replace_one({"_id": "x"}, run, upsert=True)

    monkeypatch.setattr(write_catalog._Writer, "_insert", while_a_run_takes_the_name)
    with pytest.raises(NameTaken, match="made by a job"):
        ingest_catalog(db, files, "x")
    assert db.event.count_documents({}) == db.pick.count_documents({}) == db.pick_set.count_documents({}) == 0
    assert db.catalog.find_one({"_id": "x"})["config_id"] == "r"
