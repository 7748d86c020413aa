"""Files of one year become one catalog: linked by time, place and picks, not by running numbers."""

from collections import Counter

import pytest
from ogs_lines import (
    END,
    END_UNLOCATED,
    PUN_HEADER,
    TXT_HEADER,
    UNLOCATED,
    card,
    event_line,
    station_line,
    txt_line,
)
from quakeml_texts import document, magnitude, origin
from quakeml_texts import event as quakeml_event

from catalogdb.exchange.catalog_files import read_catalog_files
from catalogdb.exchange.csv_catalog import read_csv
from catalogdb.exchange.documents import catalog_documents
from catalogdb.exchange.ogs.write_cards import write_dat
from catalogdb.exchange.ogs.write_listing import write_hpl
from catalogdb.exchange.ogs.write_summaries import write_pun, write_separated_txt, write_txt
from catalogdb.times import parse_time


@pytest.fixture
def merged(tmp_path):
    def _merged(**files):
        paths = []
        for name, lines in files.items():
            paths.append(tmp_path / name.replace("_", "."))
            paths[-1].write_text("\n".join(lines) + "\n")
        return read_catalog_files(paths)

    return _merged


DAT = [
    card("ABC", "iPC1", p_seconds=" 1018", s_seconds=" 1250", s="eS 2", duration="  480", number="   6", branches="gg"),
    card("DEF", "eP 2", p_seconds=" 1200", number="   6"),
    END,
    card("ABC", clock="12402030905", letters="FL ", number="   7"),
    END_UNLOCATED,
]
HPL = [
    "^LISTED PLACE (FRIULI)",
    "",
    event_line("     7", rest={71: "0.21", 86: "B"}, station_lines="  2"),
    station_line("ABC", "iP 1", s="eS 3", s_seconds="12.50", rest={60: " -0.07", 66: "  1.27"}),
    station_line("GHI", p_seconds="13.00"),
]
PUN = [PUN_HEADER, "12402030405  8.50 46-20.50  13- 6.25   8.25   1.50 12 117  4.1 0.21  0.6  1.3 B1"]
TXT = [
    TXT_HEADER,
    txt_line(7, kind="[chemical explosion]"),
    txt_line(8, "2024-02-03T09:05:00.000", UNLOCATED, "Not localized with first station ABC(picks on 1 stations)"),
    txt_line(9, "2024-02-03T10:05:08.500"),
]


def test_one_event_with_an_origin_from_each_file(merged):
    catalog = merged(a_dat=DAT, a_hpl=HPL, a_pun=PUN, a_txt=TXT)
    first, second, third = catalog.events
    assert (first["source_id"], first["place"], first["event_type"], first["zone"]) == (
        "2024_00007",
        "MONTE FINTO (FRIULI)",
        "chemical explosion",
        "F",
    )
    assert [origin["source_file"] for origin in first["origins"]] == ["a.hpl", "a.pun", "a.txt"]
    assert first["preferred_origin_id"] == first["origins"][0]["_id"]
    assert len({origin["_id"] for origin in first["origins"]}) == 3
    assert [(item["type"], item["value"], item["source_file"]) for item in first["magnitudes"]] == [
        ("MD", 1.5, "a.hpl"),
        ("ML", 1.3, "a.txt"),
    ]
    assert (first["magnitude"], first["magnitude_type"]) == (1.3, "ML")
    assert [(source["file"], source.get("number")) for source in first["sources"]] == [
        ("a.hpl", 7),
        ("a.pun", None),
        ("a.txt", 7),
        ("a.dat", 6),
    ]
    own = [pick for pick in catalog.picks if pick["event_key"] == "2024_00007"]
    assert [(pick["sta"], pick["phase"]) for pick in own] == [("ABC", "P"), ("DEF", "P"), ("ABC", "S"), ("GHI", "P")]
    abc = own[0]  # the card's marks, and the card's weight where they differ
    assert (abc["first_motion"], abc["duration"], abc["source_id"]) == ("C", 480.0, "a.dat:1:P")
    assert own[2]["hypo71_weight"] == 2
    arrivals = {arrival["pick_id"]: arrival for arrival in first["origins"][0]["arrivals"]}
    assert set(arrivals) == {pick["source_id"] for pick in own}
    assert arrivals["a.dat:1:P"]["residual"] == -0.07 and "residual" not in arrivals["a.dat:2:P"]

    assert (second["source_id"], second["origins"], second["time_from"]) == ("2024_00008", [], "first_arrival")
    assert second["time"] == parse_time("2024-02-03T09:05:10.18")
    assert [source["file"] for source in second["sources"]] == ["a.txt", "a.dat"]
    assert third["source_id"] == "2024_00009" and [origin["source_file"] for origin in third["origins"]] == ["a.txt"]
    assert catalog.notes == [
        "3 events of 4 files: 1 in 4 of them, 1 in 2 of them, 1 in 1 of them",
        "a.hpl: its event numbers are those of a.txt + 0 (all 1)",
        "a.dat: its event numbers are those of a.txt - 1 (all 2)",
        "a.txt: events that stand in no other file: 1 (line 4)",
        "readings whose weights differ between files: 1",
        "events whose types differ between files: 1",
        "events without an origin in any file, kept as unlocated: 1",
    ]
    assert [report.file.rsplit("/", 1)[1] for report in catalog.files] == ["a.hpl", "a.pun", "a.txt", "a.dat"]


QUAKEML_ORIGIN = origin("b", time="2024-02-03T04:05:08.5Z")


def test_each_magnitude_is_of_the_origin_of_its_file(merged):
    magnitudes = magnitude("1", 2.0, "b", kind="Mw"), magnitude("2", 3.0, kind="mb")
    (one,) = merged(a_hpl=HPL, a_xml=[document(quakeml_event("1", QUAKEML_ORIGIN, *magnitudes))]).events
    by_type = {item["type"]: (item.get("origin_id"), item.get("assumed")) for item in one["magnitudes"]}
    hpl, xml = one["origins"]
    assert hpl["_id"] == one["preferred_origin_id"] and xml["source_file"] == "a.xml"
    assert by_type == {"MD": (None, None), "Mw": (xml["_id"], None), "mb": (None, ["origin_id"])}


@pytest.mark.parametrize(("of_finer", "file"), [("", "b.txt"), ("b", "a.xml")])
def test_a_finer_magnitude_keeps_an_origin_that_is_known(merged, of_finer, file):
    quakeml = document(quakeml_event("1", QUAKEML_ORIGIN, magnitude("1", 1.297, of_finer)))
    (one,) = merged(a_hpl=HPL[:3], b_txt=[TXT_HEADER, txt_line(7)], a_xml=[quakeml]).events
    ml = next(item for item in one["magnitudes"] if item["type"] == "ML")
    of = next(own for own in one["origins"] if own["_id"] == ml["origin_id"])
    assert (ml["value"], of["source_file"], "assumed" in ml) == (1.297, file, False)


def test_an_unlocated_row_goes_to_the_event_with_its_first_station(merged):
    place = "Not localized with first station BAD(picks identified on 1 stations)"
    txt = [TXT_HEADER, txt_line(8, "2024-02-03T10:05:00.000", UNLOCATED, place)]
    dat = [
        *(card("ZOU", clock="12402031005", p_seconds=" 1000", letters="FL ", number="   1"), END_UNLOCATED),
        *(card("BAD", clock="12402031005", p_seconds=" 4000", letters="FL ", number="   2"), END_UNLOCATED),
    ]
    for cards in (dat, [*dat[2:], *dat[:2]]):
        catalog = merged(a_txt=txt, a_dat=cards)
        own = {pick["sta"]: pick["event_key"] for pick in catalog.picks}
        assert own["BAD"] == "2024_00008" != own["ZOU"] and len(catalog.events) == 2


def test_the_order_of_files_does_not_matter(merged):
    one = merged(a_dat=DAT, a_hpl=HPL, a_pun=PUN, a_txt=TXT)
    other = merged(a_txt=TXT, a_pun=PUN, a_hpl=HPL, a_dat=DAT)
    assert (one.events, one.picks, one.notes) == (other.events, other.picks, other.notes)


def test_values_that_differ_stay_beside_each_other(merged):
    txt = [TXT_HEADER, txt_line(7, "2024-02-03T04:05:11.000", " 0.12 46.4417 13.1042   0.5   8.2   0.9 120  1.3  1.7")]
    catalog = merged(a_hpl=HPL, b_txt=txt)
    (event,) = catalog.events
    assert [item["value"] for item in event["magnitudes"] if item["type"] == "MD"] == [1.5, 1.7]
    assert [origin["time"] % 60 for origin in event["origins"]] == [8.5, 11.0]
    assert event["time"] % 60 == 8.5
    assert "events whose origins are more than 2 s or 8 km apart: 1" in catalog.notes


def test_a_rounded_magnitude_is_the_same_one(merged):
    hpl = [event_line(md="  1.46", station_lines="  0")]
    assert [item["value"] for item in merged(a_hpl=hpl, a_txt=[TXT_HEADER, txt_line()]).events[0]["magnitudes"]] == [
        1.46,
        1.3,
    ]


@pytest.mark.parametrize(
    ("time", "values"),
    [
        ("2024-02-03T04:05:14.000", " 0.12 46.3417 13.1042   0.5   8.2   0.9 120  1.3  1.5"),  # 5.5 s later
        ("2024-02-03T04:05:08.500", " 0.12 46.9417 13.1042   0.5   8.2   0.9 120  1.3  1.5"),  # 67 km away
    ],
)
def test_events_too_far_apart_stay_two(merged, time, values):
    catalog = merged(a_pun=PUN, a_txt=[TXT_HEADER, txt_line(7, time, values)])
    assert len(catalog.events) == 2 and len({event["source_id"] for event in catalog.events}) == 2


def test_of_two_events_in_quick_succession_each_finds_its_own(merged):
    txt = [TXT_HEADER, txt_line(7), txt_line(8, "2024-02-03T04:05:12.500")]
    pun = [*PUN, PUN[1].replace("  8.50 ", " 12.30 ")]
    dat = [
        card("ABC", p_seconds=" 1018", number="   1"),
        END,
        card("ABC", p_seconds=" 1418", number="   2"),
        END,
    ]
    catalog = merged(a_txt=txt, a_pun=pun, a_dat=dat)
    assert [[source["line"] for source in event["sources"]] for event in catalog.events] == [[2, 2, 1], [3, 3, 3]]
    assert [pick["event_key"] for pick in catalog.picks] == ["2024_00007", "2024_00008"]


def test_late_first_arrivals_are_linked_by_neighbouring_numbers(merged):
    txt = [TXT_HEADER, txt_line(7), txt_line(8, "2024-02-03T05:05:08.500"), txt_line(9, "2024-02-03T06:05:08.500")]
    dat = [
        card("ABC", number="  17"),
        END,
        card("ABC", clock="12402030505", p_seconds=" 5900", number="  18"),  # 50 s after the origin
        END,
        card("ABC", clock="12402030605", p_seconds=" 5900", number="  20"),  # likewise, but not its number
        END,
    ]
    catalog = merged(a_txt=txt, a_dat=dat)
    assert [len(event["sources"]) for event in catalog.events] == [2, 2, 1, 1]
    assert "a.dat: its event numbers are those of a.txt + 10 (all 2)" in catalog.notes


def test_readings_that_differ_all_stay(merged):
    hpl = [event_line(station_lines="  2"), station_line("ABC"), station_line("DEF", p_seconds="12.30")]
    catalog = merged(a_dat=DAT[:3], a_hpl=hpl)
    (event,) = catalog.events
    assert [(pick["sta"], pick["phase"], round(pick["time"] % 60, 2)) for pick in catalog.picks] == [
        ("ABC", "P", 10.18),
        ("DEF", "P", 12.0),
        ("DEF", "P", 12.3),
        ("ABC", "S", 12.5),
    ]
    assert len(event["origins"][0]["arrivals"]) == 4
    assert "readings whose times differ by more between files, all kept: 1" in catalog.notes


def test_a_listing_that_rounds_seconds_has_the_same_readings(merged):
    hpl = [event_line(station_lines="  1"), station_line("ABC", p_seconds="10.10", s="eS 2", s_seconds="12.50")]
    catalog = merged(a_dat=DAT[:3], a_hpl=hpl)
    assert [(pick["sta"], pick["phase"], round(pick["time"] % 60, 2)) for pick in catalog.picks] == [
        ("ABC", "P", 10.18),
        ("DEF", "P", 12.0),
        ("ABC", "S", 12.5),
    ]
    arrivals = catalog.events[0]["origins"][0]["arrivals"]
    assert [(arrival["pick_id"], round(arrival["time"] % 60, 2)) for arrival in arrivals] == [
        ("a.dat:1:P", 10.18),
        ("a.dat:1:S", 12.5),
        ("a.dat:2:P", 12.0),
    ]
    assert "readings whose times differ by up to 0.1 s between files: 1" in catalog.notes


def test_tables_are_merged_whatever_their_event_ids(merged):
    events = ["event_id,time,latitude,longitude,MD", "2024000006,2024-02-03T04:05:08.5,46.3417,13.1042,1.5"]
    bulletin = [
        "event_id,time,latitude,longitude,ML,place",
        "2024000006,2024-02-02T04:05:08.5,46.3417,13.1042,0.7,OTHER",
        "2024000007,2024-02-03T04:05:08.5,46.3417,13.1042,1.3,FINTO",
    ]
    picks = [
        "event_id,time,station,phase,hypo71_weight",
        "2024000006,2024-02-03T04:05:10.18,ABC,P,1",
        "2024000099,2024-02-05T04:05:10.18,ABC,P,1",
        "-1,2024-02-06T04:05:10.18,ABC,P,1",
    ]
    catalog = merged(events_csv=events, bulletin_csv=bulletin, picks_csv=picks)
    other, finto = catalog.events
    assert (other["place"], finto["place"], len(finto["origins"])) == ("OTHER", "FINTO", 2)
    assert [pick.get("event_key") for pick in catalog.picks] == [finto["source_id"], "picks.csv:2024000099", None]
    assert other["source_id"] != finto["source_id"]
    documents = catalog_documents(catalog, "x", "config", "task", {"ABC": "OX"})
    assert [event.get("n_picks") for event in documents.events] == [None, 1]
    assert documents.counts["picks_whose_event_is_missing"] == 1 and documents.merged == []


def test_two_editions_of_one_format(merged):
    other = [event_line("     1", seconds=" 8.30", md="  1.50", station_lines="  0")]
    catalog = merged(year_hpl=HPL, year_nll1D_hpl=other)
    (event,) = catalog.events
    assert [origin["method"] for origin in event["origins"]] == ["hypo71", "nonlinloc"]
    assert event["source_id"] == "2024_00007"


# -- half a year of the real bulletin, written by us from its tables and read back


@pytest.fixture(scope="module")
def half_year(realdata, tmp_path_factory):
    """Pairs of event and picks from the tables, and the files that were written of them."""
    folder, out = realdata / "ogs_2024_h1", tmp_path_factory.mktemp("ogs")
    if not folder.is_dir():
        pytest.skip("no ogs_2024_h1 among the real data")
    located = _pairs(read_csv([folder / "events_ogs_hypo71.csv", folder / "picks_manual.csv"]), {"ML": "MD"})
    # the table of the bulletin has the headings of ML and MD the wrong way round
    bulletin = _pairs(read_csv(folder / "events_ogs_bulletin_txt.csv"), {"ML": "MD", "MD": "ML"})
    files = {}
    for name, write, pairs in (
        ("half.dat", write_dat, located),
        ("half.hpl", write_hpl, located),
        ("half.pun", write_pun, located),
        ("half.txt", write_txt, bulletin),
        ("separated.txt", write_separated_txt, bulletin),
    ):
        files[name] = out / name
        with open(files[name], "wb") as stream:
            left_out = Counter()
            assert write(iter(pairs), stream, left_out) == len(pairs) and not left_out
    return located, bulletin, files


def _pairs(catalog, types):
    for event in catalog.events:
        for item in event["magnitudes"]:
            item["type"] = types[item["type"]]
    documents = catalog_documents(catalog, "x", "config", "task", {})
    picks = {}
    for pick in documents.picks:
        picks.setdefault(pick["event_key"], []).append(pick)
    return [(event, picks.get(event["source_id"], [])) for event in documents.events]


def _readings(picks):
    return sorted(
        (pick["sta"], pick["phase"], pick["time"], pick["hypo71_weight"], pick["uncertainty"]) for pick in picks
    )


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["half.hpl", "half.pun"])
def test_half_a_year_of_solutions_comes_back(half_year, name):
    located, _, files = half_year
    catalog = read_catalog_files([files[name]])
    assert not catalog.rejected and len(catalog.events) == len(located) == 777
    for (expected, _), found in zip(located, catalog.events, strict=True):
        (origin,), (source,) = found["origins"], expected["origins"]
        assert origin["time"] == source["time"] == found["time"]
        assert (origin["latitude"], origin["longitude"]) == pytest.approx(
            (source["latitude"], source["longitude"]), abs=0.005 / 60 + 1e-9
        )
        for field in ("depth_km", "n_picks", "azimuthal_gap", "horizontal_uncertainty_km", "depth_uncertainty_km"):
            assert origin.get(field) == source.get(field), field
        assert [item["value"] for item in found["magnitudes"]] == [item["value"] for item in expected["magnitudes"]]


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["half.dat", "half.hpl"])
def test_half_a_year_of_picks_comes_back(half_year, name):
    located, _, files = half_year
    catalog = read_catalog_files([files[name]])
    picks = {}
    for pick in catalog.picks:
        picks.setdefault(pick["event_key"], []).append(pick)
    assert [_readings(picks[event["source_id"]]) for event in catalog.events] == [_readings(own) for _, own in located]
    assert len(catalog.picks) == 12_277 and not catalog.rejected


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["half.txt", "separated.txt"])
def test_half_a_year_of_the_bulletin_comes_back(half_year, name):
    _, bulletin, files = half_year
    catalog = read_catalog_files([files[name]])
    assert not catalog.rejected and len(catalog.events) == len(bulletin) == 664
    for (expected, _), found in zip(bulletin, catalog.events, strict=True):
        (origin,), (source,) = found["origins"], expected["origins"]
        fields = ("time", "latitude", "longitude", "depth_km", "azimuthal_gap", "horizontal_uncertainty_km")
        assert {key: origin.get(key) for key in fields} == {key: source.get(key) for key in fields}
        assert origin.get("depth_uncertainty_km") == source.get("depth_uncertainty_km")
        assert (found["place"], found["event_type"]) == (expected["place"], expected["event_type"])
        values = {item["type"]: item["value"] for item in expected["magnitudes"]}
        assert {item["type"]: item["value"] for item in found["magnitudes"]} == values
        assert found["source_id"] == f"2024_{int(expected['source_id'][4:]):05d}"


@pytest.mark.realdata
@pytest.mark.parametrize(
    "names", [("half.dat", "half.hpl", "half.pun", "half.txt"), ("half.dat", "half.pun", "separated.txt")]
)
def test_half_a_year_is_merged_into_its_777_events(half_year, names):
    located, bulletin, files = half_year
    catalog = read_catalog_files([files[name] for name in names])
    assert len(catalog.events) == 777 and len(catalog.picks) == 12_277
    assert len({event["source_id"] for event in catalog.events}) == 777
    picks = {}
    for pick in catalog.picks:
        picks.setdefault(pick["event_key"], []).append(pick)
    in_bulletin = {event["time"]: event for event, _ in bulletin}
    for (expected, own), found in zip(located, catalog.events, strict=True):
        assert found["time"] == expected["time"]
        assert _readings(picks[found["source_id"]]) == _readings(own)
        words = in_bulletin.get(expected["time"], {})
        assert (found.get("place"), len(found["origins"])) == (words.get("place"), len(names) - 1 - (not words))
        assert {source["file"] for source in found["sources"]} == set(names) - (set() if words else {names[-1]})
    assert any("its event numbers are those of" in note and "- 41 (90 of 664)" in note for note in catalog.notes)
