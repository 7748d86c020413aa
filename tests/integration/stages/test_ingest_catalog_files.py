"""Which files an ingest takes for a catalog, and what it says of the others."""

import os

import pytest
from catalog_texts import CARDS, END, EVENTS, PICKS, QUAKEML, write_tables

from catalogdb.errors import InputError
from catalogdb.stages.ingest_catalog import ingest_catalog, read_catalog_files


def test_files_without_anything_usable_are_refused(db, tmp_path):
    path = tmp_path / "events.csv"
    path.write_text("time,latitude,longitude\nnever,46,13\n")
    with pytest.raises(InputError, match="no usable events.*bad time 'never'"):
        ingest_catalog(db, path, "empty")
    with pytest.raises(InputError, match="missing.csv: cannot be read"):
        ingest_catalog(db, tmp_path / "missing.csv", "empty")
    assert db.catalog.count_documents({}) == 0


def test_formats_are_known_in_any_case(db, tmp_path):
    path = tmp_path / "events.dat"
    path.write_text(QUAKEML)
    assert ingest_catalog(db, path, "xml", format="QuakeML")["counts"]["events"] == 1
    assert not ingest_catalog(db, path, "xml", format="quakeml")["changed"]
    assert ingest_catalog(db, write_tables(tmp_path), "csv", format="CSV")["counts"]["events"] == 2
    for read in (lambda: ingest_catalog(db, path, "x", format="qml"), lambda: read_catalog_files([path], "qml")):
        with pytest.raises(InputError, match="unknown catalog format 'qml'") as caught:
            read()
        assert "quakeml, csv" in caught.value.hint


@pytest.mark.parametrize("name", ["events.txt", "events.dat", "events", "events.csv"])
@pytest.mark.parametrize("start", ["", "\ufeff", "no declaration"])
def test_quakeml_is_known_by_its_first_bytes(tmp_path, name, start):
    text = QUAKEML.removeprefix("<?xml version='1.0'?>") if start == "no declaration" else start + QUAKEML
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert [event["source_id"] for event in read_catalog_files([tmp_path / name]).events] == ["smi:x/e"]


@pytest.mark.parametrize("blank", ["\n" * 5000, " \r\n" * 20_000, "\ufeff" + "\n" * 4095])
def test_blank_lines_at_the_start_hide_no_catalog(tmp_path, blank):
    path = tmp_path / "file"
    for text, events, picks in ((EVENTS, 2, 0), (PICKS, 0, 4), (CARDS + END, 1, 4)):
        path.write_text(blank + text, encoding="utf-8", newline="")
        catalog = read_catalog_files([path])
        assert (len(catalog.events), len(catalog.picks)) == (events, picks)
    path.write_text(blank + QUAKEML.removeprefix("<?xml version='1.0'?>"), encoding="utf-8", newline="")
    assert len(read_catalog_files([path]).events) == 1
    path.write_text(blank, encoding="utf-8", newline="")
    with pytest.raises(InputError, match="it is empty"):
        read_catalog_files([path])


@pytest.mark.parametrize("suffix", ["csv", "xml"])
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no catalog: it is empty"),
        (b"\n \r\n", "no catalog: it is empty"),
        (b"000001D BAD  HHZOX" + bytes(494), "no catalog: it is miniSEED"),
        (b"MS\x03" + bytes(60), "no catalog: it is miniSEED"),
        (b"\x7fELF\x02\x01\x01\0\0\0", "no catalog: it is a program"),
        (b"\x89PNG\xff\xfe", "no catalog: it is an image"),
        (b"x" * 200_000, "no known format|not XML"),
    ],
)
def test_other_files_are_refused_with_file_and_reason(db, tmp_path, suffix, content, reason):
    path = tmp_path / f"file.{suffix}"
    path.write_bytes(content)
    with pytest.raises(InputError, match=reason) as caught:
        ingest_catalog(db, path, "name")
    assert str(path) in str(caught.value)
    assert db.catalog.count_documents({}) == db.task.count_documents({}) == 0


def test_what_cannot_be_opened_is_refused_with_file_and_reason(db, tmp_path):
    folder, locked = tmp_path / "folder.csv", tmp_path / "locked.csv"
    folder.mkdir()
    locked.write_text(EVENTS)
    locked.chmod(0)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)  # root reads everything
    try:
        for path, reason in ((folder, "Is a directory|Permission denied"), (locked, "Permission denied")):
            for read in (lambda path=path: ingest_catalog(db, path, "x"), lambda path=path: read_catalog_files([path])):
                with pytest.raises(InputError, match=f"{path.name}: cannot be read: ({reason})"):
                    read()
    finally:
        if user == 0:
            os.seteuid(0)
    with pytest.raises(InputError, match="folder.csv: cannot be read: Is a directory"):
        ingest_catalog(db, folder, "x")


def test_quakeml_of_no_event_is_an_empty_catalog(db, cli, tmp_path):
    path = tmp_path / "none.xml"
    path.write_text(QUAKEML[: QUAKEML.index("<event publicID")] + QUAKEML[QUAKEML.index("</eventParameters>") :])
    summary = cli("ingest", "catalog", path, "--name", "none", "--json").json
    assert summary["counts"]["events"] == 0 and "an empty catalog" in summary["notes"][0]
    assert db.catalog.find_one({"_id": "none"})["kind"] == "reference"
    path.write_text(QUAKEML.replace("<value>46<", "<value>946<"))
    with pytest.raises(InputError, match="no usable events and no usable picks"):
        ingest_catalog(db, path, "bad")


def test_one_bad_event_leaves_the_others(db, tmp_path):
    path = tmp_path / "events.xml"
    event = QUAKEML[QUAKEML.index("<event publicID") : QUAKEML.index("</eventParameters>")]
    bad = event.replace("smi:x/e", "smi:x/bad").replace("<value>46<", "<value>nan<")
    path.write_text(QUAKEML.replace(event, bad + event))
    summary = ingest_catalog(db, path, "xml")
    assert summary["counts"]["events"] == 1 and summary["counts"]["rejected"] == 2
    assert any("smi:x/bad" in line and "no usable latitude" in line for line in summary["problems"])


def test_real_files(db, realdata):
    ogs = realdata / "ogs_2024_h1"
    counts = ingest_catalog(db, [ogs / "events_ogs_hypo71.csv", ogs / "picks_manual.csv"], "ogs")["counts"]
    assert (counts["events"], counts["picks"], counts["rejected"]) == (777, 12359, 0)
    linked = db.event.aggregate([{"$unwind": "$origins"}, {"$unwind": "$origins.arrivals"}, {"$count": "n"}]).next()[
        "n"
    ]
    assert linked == 12359 - counts["picks_whose_event_is_missing"] - counts["picks_of_no_event"]
    chile = ingest_catalog(db, realdata / "chile_pyocto" / "picks.csv", "chile")["counts"]
    assert (chile["events"], chile["picks"], chile["picks_of_no_event"]) == (0, 1218, 110)
