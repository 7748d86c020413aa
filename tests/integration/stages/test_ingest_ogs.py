"""The bulletin's files through the database: ingested, queried, and written again for OGS's own programs."""

import pytest
from typer.testing import CliRunner

from catalogdb.cli.app import app
from catalogdb.database.connection import connection_uri
from catalogdb.errors import InputError
from catalogdb.exchange.catalog_files import read_catalog_files
from catalogdb.exchange.event_filter import EventFilter
from catalogdb.stages.export import export_catalog
from catalogdb.stages.ingest_catalog import ingest_catalog
from catalogdb.times import parse_time

DAT = """\
ABC iPC112402030405 1018        1250eS 2                      FLD       480   6 gg
DEF eP  12402030405 1200                                      FLD             6 n
GHI    412402030405 0000        1900iS 3                      FLD             6  g
ABC iPC112402030405 1018        1250eS 2                      FLD       480   6 gg
                 1                                              D
DEF ?P 312402030905 1018                                      VU        120   7 g
                 1
"""
HPL = """\
^MONTE FINTO (FRIULI)

     71240203  4 5  8.50 46-20.50  13- 6.25   8.25   1.50 12  4 117 1 0.21  0.6  1.3 B B/C                      2  1.1  0.3  5  1.5  0.2                      3
     7 ABC    4.8 214 115 iPC1  4 5 10.18  1.68  1.70  0.00 -0.02  1.27                     FLD 480 2.3  eS 2 12.50  4.00  0.11   0.6      ABC     gg
     7 DEF   14.8  14  95 eP    4 5 12.00  3.50  3.40  0.00  0.10  1.20                     FLD                                            DEF     n
     7 GHI   24.8  94  90       4 5  0.00                                                   FLD          iS 3 19.00 10.50  0.20   0.3      GHI      g
"""  # noqa: E501
PUN = """\
 DATE    ORIGIN    LAT N    LONG E    DEPTH    MAG NO GAP DMIN  RMS  ERH  ERZ QM
1240203 4 5  8.50 46-20.50  13- 6.25   8.25   1.50 12 117  4.0 0.21  0.6  1.3 B1
"""
TXT = """\
index event-id     origin_time(UTC)      t_err   lat     lon   h_err depth v_err gap  ml   md  place event_type
00007 2024_00007 2024-02-03T04:05:08.500  0.21 46.3417 13.1042   0.6   8.2   0.6 117  1.1  1.5 MONTE FINTO (FRIULI) [earthquake]
00008 2024_00008 2024-02-03T09:05:00.000 ----- ------- ------- ----- ----- ----- --- ---- ---- Not localized with first station DEF(picks identified on 1 stations) [earthquake]
00009 2024_00009 2024-02-30T09:05:00.000 ----- ------- ------- ----- ----- ----- --- ---- ---- Not localized [earthquake]
"""  # noqa: E501


@pytest.fixture
def files(tmp_path):
    paths = []
    for suffix, text in ((".dat", DAT), (".hpl", HPL), (".pun", PUN), (".txt", TXT)):
        paths.append(tmp_path / f"year{suffix}")
        paths[-1].write_text(text)
    return paths


@pytest.fixture
def stations(db):
    """ABC is in one network, DEF in two, GHI in none."""
    rows = [("OX", "ABC"), ("OX", "DEF"), ("NI", "DEF")]
    common = {"lat": 46.0, "lon": 13.0, "elev": 0.1, "starttime": 0.0, "endtime": 1e10}
    db.site.insert_many([{"net": net, "sta": sta, "loc": ""} | common for net, sta in rows])


def test_four_files_become_one_catalog(db, files, stations):
    summary = ingest_catalog(db, files, "ogs")
    counts = summary["counts"]
    assert (counts["events"], counts["picks"], counts["rejected"]) == (2, 5, 1)
    assert (counts["picks_given_a_network"], counts["picks_without_network"]) == (4, 3)
    assert summary["notes"] == [
        "2 events of 4 files: 1 in 4 of them, 1 in 2 of them",
        "year.hpl: its event numbers are those of year.txt + 0 (all 1)",
        "year.dat: its event numbers are those of year.txt - 1 (all 2)",
        "events whose types differ between files: 1",
        "events without an origin in any file, kept as unlocated: 1",
        "stations whose network `site` does not tell, with their picks, kept without one: DEF (2), GHI (1)",
    ]
    first, second = db.event.find({"catalog": "ogs"}).sort("time", 1)
    assert [origin["source_file"] for origin in first["origins"]] == ["year.hpl", "year.pun", "year.txt"]
    assert (first["source_id"], second["source_id"]) == ("2024_00007", "2024_00008")
    assert (second["origins"], second["time"]) == ([], parse_time("2024-02-03T09:05:10.18"))
    assert {pick["event_key"] for pick in db.pick.find({"pick_set": "ogs"})} == {"2024_00007", "2024_00008"}


def test_zones_types_weights_and_marks_are_fields(db, files, stations):
    ingest_catalog(db, files, "ogs")
    assert db.event.count_documents({"zone": "F", "event_type": "earthquake", "place": "MONTE FINTO (FRIULI)"}) == 1
    assert db.event.count_documents({"zone": "V", "time_from": "first_arrival"}) == 1
    assert (
        db.event.count_documents({"origins.quality": "B", "magnitudes": {"$elemMatch": {"type": "MD", "value": 1.5}}})
        == 1
    )
    query = {"hypo71_weight": 1, "uncertainty": 0.04, "polarity": "positive", "onset": "impulsive", "first_motion": "C"}
    (pick,) = db.pick.find(query)
    assert (pick["net"], pick["sta"], pick["duration"], pick["branch"]) == ("OX", "ABC", 480.0, "g")
    assert db.pick.count_documents({"net": "", "channel_group": ".DEF..", "onset": "questionable"}) == 1
    (event,) = db.event.find({"zone": "F"})
    arrivals = event["origins"][0]["arrivals"]
    assert {arrival["net"] for arrival in arrivals if arrival["sta"] == "ABC"} == {"OX"}
    known = {pick["_id"] for pick in db.pick.find({"event_key": event["source_id"]})}
    assert {arrival["pick_id"] for arrival in arrivals} == known and len(known) == 4
    assert [arrival.get("residual") for arrival in arrivals][:2] == [-0.02, 0.11]


def test_the_report_has_every_record_and_its_line(db, files, stations):
    summary = ingest_catalog(db, files, "ogs")
    rows = {
        report["file"]: [
            report[key] for key in ("format", "read", "kept", "repaired", "merged", "merged_lines", "rejected_lines")
        ]
        for report in summary["files"]
    }
    assert rows == {
        "year.dat": ["ogs-dat", 7, 5, 0, 2, [4, 4], []],  # the same card twice
        "year.hpl": ["ogs-hpl", 5, 5, 0, 0, [], []],
        "year.pun": ["ogs-pun", 1, 1, 0, 0, [], []],
        "year.txt": ["ogs-txt", 3, 2, 0, 0, [], [4]],
    }
    assert [text for text in summary["problems"] if "line 4" in text or "dat:4" in text] == [
        f"{files[3]}: line 4: there is no day 2024-02-30",
        "pick 2 (P of OX.ABC.. at 1706933110.180, year.dat:4:P): it occurs twice, merged into one",
        "pick 5 (S of OX.ABC.. at 1706933112.500, year.dat:4:S): it occurs twice, merged into one",
    ]
    again = ingest_catalog(db, files, "ogs")
    assert not again["changed"] and again["files"] == summary["files"] and again["counts"] == summary["counts"]


@pytest.mark.parametrize("number", range(4))
def test_each_format_alone(db, files, number):
    summary = ingest_catalog(db, [files[number]], "alone")
    assert summary["counts"]["events"] == db.event.count_documents({"catalog": "alone"}) == (2, 1, 1, 2)[number]
    assert summary["counts"]["picks"] == db.pick.count_documents({"pick_set": "alone"}) == (5, 4, 0, 0)[number]


@pytest.mark.parametrize("suffix", [".dat", ".hpl", ".pun", ".txt"])
def test_a_file_written_of_a_catalog_gives_that_catalog(db, files, tmp_path, suffix):
    """Of the merged catalog each format gives back what it gave, and a second round changes nothing."""
    ingest_catalog(db, files, "ogs")
    written = tmp_path / f"out{suffix}"
    summary = export_catalog(db, "ogs", written)
    assert (summary["selected"], summary["events"]) == (2, 1 if suffix == ".pun" else 2)  # one has no position
    assert summary["bytes"] == written.stat().st_size
    first = next(path for path in files if path.suffix == suffix)
    one, other = read_catalog_files([first]), read_catalog_files([written])
    assert not other.rejected
    fields = ("time", "latitude", "longitude", "depth_km", "zone", "azimuthal_gap", "rms")
    kept = [event for event in other.events if suffix != ".hpl" or "latitude" in event]
    assert [{key: event.get(key) for key in fields} for event in kept] == [
        {key: event.get(key) for key in fields} for event in one.events
    ]
    own = {(pick["sta"], pick["phase"], pick["time"], pick["hypo71_weight"]) for pick in one.picks}
    assert own <= {(pick["sta"], pick["phase"], pick["time"], pick["hypo71_weight"]) for pick in other.picks}
    ingest_catalog(db, [written], "again")
    twice = tmp_path / f"twice{suffix}"
    export_catalog(db, "again", twice)
    strip = [line.rstrip() for line in written.read_text().splitlines()]
    assert [line.rstrip() for line in twice.read_text().splitlines()] == strip


def test_hypo71_cards_and_both_bulletins_can_be_chosen(db, files, tmp_path):
    ingest_catalog(db, files, "ogs")
    for format in ("hypo71", "ogs-hpc", "ogs-txt-separated"):
        path = tmp_path / format
        assert export_catalog(db, "ogs", path, format=format)["left_out"] == (
            {"places": 1} if format == "ogs-hpc" else {}
        )
        assert len(read_catalog_files([path]).events) == 2
    with pytest.raises(InputError, match="hypo71 holds events with their arrivals"):
        export_catalog(db, "ogs", tmp_path / "x", format="hypo71", table="arrivals")


def test_hypo71_cards_go_out_and_in_within_their_century(db, files, tmp_path):
    """The cards themselves have no century."""
    ingest_catalog(db, files, "ogs")
    path = tmp_path / "year.cards"
    export_catalog(db, "ogs", path, format="hypo71")
    summary = ingest_catalog(db, [path], "back", format="hypo71")
    said = [text for text in summary["notes"] + summary["problems"] if "no century" in text]
    assert [text.rsplit(", ", 1)[1] for text in said] == ["2024"]
    own, back = (sorted(db.pick.distinct("time", {"pick_set": name})) for name in ("ogs", "back"))
    assert back == own and len(own) == 5


@pytest.mark.parametrize(("suffix", "numbers"), [(".txt", [1, 4, 2, 3]), (".dat", [1, 4, 2, 3])])
def test_events_keep_their_numbers_beside_one_without(db, tmp_path, suffix, numbers):
    """The `.pun` has an event between those of the `.txt`, and no numbers."""
    row = "00007 2024_00007 2024-02-03T04:05:08.500"
    line = TXT.splitlines()[1]
    rows = [
        line.replace(row, f"{n:05d} 2024_{n:05d} 2024-02-03T0{hour}:05:08.500") for n, hour in ((1, 1), (2, 5), (3, 7))
    ]
    (tmp_path / "a.txt").write_text("\n".join([TXT.splitlines()[0], *rows]) + "\n")
    (tmp_path / "a.pun").write_text(PUN)
    cards = [DAT.splitlines()[0].replace("030405", f"03{hour:02d}05") for hour in (1, 4, 5, 7)]
    (tmp_path / "a.dat").write_text("".join(f"{card}\n{'1':>18}\n" for card in cards))
    ingest_catalog(db, [tmp_path / name for name in ("a.txt", "a.pun", "a.dat")], "ogs")
    written = tmp_path / f"out{suffix}"
    export_catalog(db, "ogs", written)
    lines = [line for line in written.read_text().splitlines() if "2024_" in line or line.startswith("ABC")]
    assert [int(line[75:79] if suffix == ".dat" else line[11:16]) for line in lines] == numbers
    export_catalog(db, "ogs", written, filter=EventFilter(offset=1, limit=2))
    lines = [line for line in written.read_text().splitlines() if "2024_" in line or line.startswith("ABC")]
    assert [int(line[75:79] if suffix == ".dat" else line[11:16]) for line in lines] == [1, 2]


def test_the_command_ends_with_the_table(server, db, files, stations, monkeypatch, tmp_path):
    monkeypatch.setenv("CATALOGDB_URI", connection_uri(server))
    monkeypatch.setenv("CATALOGDB_DATABASE", db.name)
    monkeypatch.setenv("COLUMNS", "160")
    result = CliRunner().invoke(app, ["ingest", "catalog", *map(str, files), "--name", "ogs"])
    assert result.exit_code == 0, result.output
    table = result.output[result.output.rindex("lines rejected") :]
    rows = [line.strip("│").split("│") for line in table.splitlines() if "year." in line]
    assert [[cell.strip() for cell in row] for row in rows] == [
        ["year.hpl", "ogs-hpl", "5", "5", "0", "0", "0", "", "", ""],
        ["year.pun", "ogs-pun", "1", "1", "0", "0", "0", "", "", ""],
        ["year.txt", "ogs-txt", "3", "2", "0", "0", "1", "4", "", ""],
        ["year.dat", "ogs-dat", "7", "5", "2", "0", "0", "", "4", ""],
    ]
    result = CliRunner().invoke(app, ["export", "--catalog", "ogs", "-o", str(tmp_path / "out.hpc")])
    assert result.exit_code == 0 and "1 places" in result.output


@pytest.mark.realdata
def test_half_a_year_of_tables_is_merged(db, realdata):
    folder = realdata / "ogs_2024_h1"
    if not folder.is_dir():
        pytest.skip("no ogs_2024_h1 among the real data")
    names = ("events_ogs_hypo71.csv", "events_ogs_bulletin_txt.csv", "picks_manual.csv")
    summary = ingest_catalog(db, [folder / name for name in names], "ogs")
    assert summary["counts"]["events"] == 777 and summary["counts"]["rejected"] == 0
    assert summary["counts"]["picks"] == 12_359 and summary["counts"]["picks_whose_event_is_missing"] == 82
    assert db.event.count_documents({"origins": {"$size": 2}, "place": {"$exists": True}}) == 664


SHARED = """\
ABC ?P 312406021501 5196                                      SLD           817 g
DEF ?P 312406021501 5397                                      SLD       300 817 g
                 1                                              D
ABC ?P 312406021501 5196        5390 S 1                      FLD       380 818 gg
DEF ?P 212406021501 5397                                      FLD       160 818 g
                 1                                              D
"""


def test_a_reading_that_events_share_is_of_both(db, tmp_path, stations):
    source, target = tmp_path / "shared.dat", tmp_path / "out.dat"
    source.write_text(SHARED)
    summary = ingest_catalog(db, source, "ogs")
    assert summary["counts"]["picks"] == 3 and summary["counts"]["picks_shared_by_events"] == 2
    assert summary["counts"]["rejected"] == 0 and not any("occurs twice" in text for text in summary["problems"])
    assert any("hypo71_weight 3 and 2" in text for text in summary["problems"])
    (shared,) = db.pick.find({"sta": "ABC", "phase": "P"})
    assert (shared["event_key"], shared["other_event_keys"]) == ("2024_00817", ["2024_00818"])
    export_catalog(db, "ogs", target)
    cards = [(line[:4].strip(), line[31:36].strip(), line[75:79].strip()) for line in target.read_text().splitlines()]
    both = [("ABC", "", "817"), ("DEF", "", "817"), ("ABC", "5390", "818"), ("DEF", "", "818")]
    assert sorted(card for card in cards if card[0]) == sorted(both)


def test_magnitudes_go_back_into_their_formats(db, tmp_path):
    """MD 1.65 of a listing and 1.7 of the text are one; 2.1 of a blast's summary is another, and each stays its own."""
    texts = {
        ".hpl": HPL.replace("   1.50 12", "   1.65 12"),
        ".pun": PUN.replace("   1.50 12", "   2.10 12"),
        ".txt": TXT.replace(" 1.1  1.5 ", " 1.1  1.7 "),
    }
    paths = [tmp_path / f"year{suffix}" for suffix in texts]
    for path, text in zip(paths, texts.values(), strict=True):
        path.write_text(text)
    ingest_catalog(db, paths, "ogs")
    for suffix, md in ((".hpl", 1.65), (".pun", 2.1), (".txt", 1.7)):
        target = tmp_path / f"out{suffix}"
        export_catalog(db, "ogs", target)
        first = read_catalog_files([target]).events[0]
        assert [item["value"] for item in first["magnitudes"] if item["type"] == "MD"] == [md]
