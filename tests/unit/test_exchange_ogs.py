"""The bulletin's readers: every column, and every quirk that real files have."""

import io
from collections import Counter
from datetime import UTC, datetime

import pytest
from ogs_lines import (
    END,
    END_UNLOCATED,
    PUN_HEADER,
    SEPARATED_HEADER,
    TXT_HEADER,
    UNLOCATED,
    card,
    event_line,
    station_line,
    txt_line,
)

from catalogdb.errors import InputError
from catalogdb.exchange.catalog_files import read_catalog_files
from catalogdb.exchange.ogs.bulletin_txt import read_txt
from catalogdb.exchange.ogs.listing_hpl import read_hpl
from catalogdb.exchange.ogs.phases_dat import read_dat
from catalogdb.exchange.ogs.summary_pun import read_pun
from catalogdb.exchange.ogs.write_cards import write_hypo71
from catalogdb.exchange.reference import parse_time

READERS = {".dat": read_dat, ".hpl": read_hpl, ".pun": read_pun, ".txt": read_txt}


@pytest.fixture
def read(tmp_path):
    """Read lines as a file of a suffix; the report's sums are always right."""

    def _read(suffix, *lines, end="\n", encoding="utf-8"):
        path = tmp_path / f"test{suffix}"
        path.write_bytes((end.join(lines) + end).encode(encoding))
        catalog = READERS[suffix](path)
        (report,) = catalog.files
        assert report.read == report.kept + report.rejected
        assert report.rejected == len(catalog.rejected) == len(report.rejected_lines)
        assert all(text.startswith(f"{path}: line ") for text in catalog.rejected)
        return catalog

    return _read


def reasons(catalog):
    return [text.split(": ", 1)[1] for text in catalog.rejected]


def repairs(catalog):
    return [text.split(": ", 1)[1] for text in catalog.repaired]


# -- .dat


def test_every_column_of_a_card(read):
    text = card("ABCD", "iPC2", "12402030405", " 1018", " 6553", "eS 3", "FLD", "  480", "  12", "gn")
    catalog = read(".dat", text, END)
    p, s = catalog.picks
    assert (p["sta"], p["net"], p["phase"], p["time"]) == ("ABCD", "", "P", parse_time("2024-02-03T04:05:10.18"))
    assert (p["onset"], p["polarity"], p["first_motion"]) == ("impulsive", "positive", "C")
    assert (p["hypo71_weight"], p["uncertainty"], p["branch"], p["duration"]) == (2, 0.2, "g", 480.0)
    assert (s["phase"], s["time"]) == ("S", parse_time("2024-02-03T04:06:05.53"))  # 65.53 s of the same minute
    assert (s["onset"], s["hypo71_weight"], s["uncertainty"], s["branch"]) == ("emergent", 3, 1.0, "n")
    assert "polarity" not in s and "duration" not in s
    (event,) = catalog.events
    assert event["source_id"] == p["event_key"] == s["event_key"] == "2024_00012"
    assert (event["zone"], event["event_type"]) == ("F", "earthquake")
    assert (event["time"], event["time_from"], event["origins"]) == (p["time"], "first_arrival", [])
    assert event["sources"] == [
        {"file": "test.dat", "format": "ogs-dat", "line": 1, "is_located": True, "id": "2024_00012", "number": 12}
    ]
    assert catalog.repaired == [] and catalog.files[0].kept == 2


@pytest.mark.parametrize(
    ("clock", "seconds", "expected", "repaired"),
    [
        ("12402030405", " 1018", "2024-02-03T04:05:10.18", []),
        (" 9902030405", " 1018", "1999-02-03T04:05:10.18", []),
        (" 7711020660", " 0060", "1977-11-02T07:00:00.60", ["minute 60 carried on: line 1"]),
        ("12412312360", " 0100", "2025-01-01T00:00:01", ["minute 60 carried on: line 1"]),
        ("12402032400", " 0100", "2024-02-04T00:00:01", ["hour 24 carried on: line 1"]),
        ("1240203 4 5", "10.18", "2024-02-03T04:05:10.18", []),
        ("12402030405", " 6150", "2024-02-03T04:06:01.50", ["P seconds of 60 or more carried on: line 1"]),
        ("12402030405", "   7 ", "2024-02-03T04:05:00.70", []),
        ("12402292359", " 5999", "2024-02-29T23:59:59.99", []),
    ],
)
def test_clocks(read, clock, seconds, expected, repaired):
    catalog = read(".dat", card("ABC", clock=clock, p_seconds=seconds), END)
    assert [pick["time"] for pick in catalog.picks] == [parse_time(expected)]
    assert repairs(catalog) == repaired


@pytest.mark.parametrize(
    ("mark", "polarity", "first_motion"),
    [
        ("C", "positive", "C"),
        ("c", "positive", "c"),
        ("+", "positive", "+"),
        ("D", "negative", "D"),
        ("d", "negative", "d"),
        ("-", "negative", "-"),
        (" ", None, None),
    ],
)
def test_first_motions(read, mark, polarity, first_motion):
    (pick,) = read(".dat", card("ABC", f"iP{mark}1"), END).picks
    assert (pick.get("polarity"), pick.get("first_motion")) == (polarity, first_motion)


@pytest.mark.parametrize(
    ("weight", "expected"), [(" ", 0.01), ("0", 0.01), ("1", 0.04), ("2", 0.2), ("3", 1.0), ("4", 5.0), ("5", 25.0)]
)
def test_weights_stand_for_uncertainties(read, weight, expected):
    (pick,) = read(".dat", card("ABC", f"iP {weight}"), END).picks
    assert (pick["hypo71_weight"], pick["uncertainty"]) == (int(weight.strip() or 0), expected)


def test_lower_case_and_unknown_marks(read):
    catalog = read(".dat", card("abc", "Ip 9", s="?s 1", s_seconds="  500", letters="fld", branches="xG"), END)
    p, s = catalog.picks
    assert (p["sta"], p["phase"], p["onset"]) == ("ABC", "P", "impulsive")
    assert (s["phase"], s["onset"], s["branch"]) == ("S", "questionable", "g")
    assert "hypo71_weight" not in p and p["uncertainty"] == 0.1 and "branch" not in p
    assert (catalog.events[0]["zone"], catalog.events[0]["event_type"]) == ("F", "earthquake")
    assert repairs(catalog) == [
        "station code brought to upper case: line 1",
        "weight '9' is outside 0..5: no weight, uncertainty 0.1 s: line 1",
        "branch 'x' is not known and left out: line 1",
        "S is before P; kept as written: line 1",
    ]


def test_s_alone_is_written_with_p_seconds_of_zero(read):
    catalog = read(".dat", card("ABC", "   4", p_seconds=" 0000", s_seconds=" 1210", s="iS", branches=" g"), END)
    (pick,) = catalog.picks
    assert (pick["phase"], pick["time"], pick["branch"]) == ("S", parse_time("2024-02-03T04:05:12.1"), "g")
    assert catalog.rejected == catalog.repaired == []


def test_seconds_without_a_phase_letter_are_taken_and_said(read):
    catalog = read(".dat", card("ABC", "i  1", s_seconds=" 1210"), END)
    assert [pick["phase"] for pick in catalog.picks] == ["P", "S"]
    assert repairs(catalog) == [
        "P seconds without P beside them, taken as P: line 1",
        "S seconds without S beside them, taken as S: line 1",
    ]


def test_bad_readings_are_named_and_the_good_ones_kept(read):
    catalog = read(
        ".dat",
        card("ABC", p_seconds="     ", s_seconds=" 1210", s="iS 1"),
        card("DEF", p_seconds=" 1x18"),
        card("GHI", "iX 1"),
        card("JKL", clock="12413030405"),
        card("MNO", clock="12402032505"),
        card("   "),
        card("P.Q"),
        "an odd remark of someone",
        card("RST", clock="32402030405"),
        card("UVW", clock="1240203040x"),
        card("XYZ", s="iS 1"),
        END,
    )
    assert [(pick["sta"], pick["phase"]) for pick in catalog.picks] == [("ABC", "S"), ("XYZ", "P")]
    assert reasons(catalog) == [
        "line 1: P reading: no seconds",
        "line 2: P reading: P seconds '1x18' are no seconds",
        "line 3: P reading: its phase is 'X'",
        "line 4: there is no day 2024-13-03",
        "line 5: hour and minute '2505' are not on the clock",
        "line 6: no station code",
        "line 7: 'P.Q' is no station code",
        "line 8: 'an o' is no station code",
        "line 9: century '3' is neither 1 (20xx) nor blank (19xx)",
        "line 10: hour and minute '040x' are not HHMM",
        "line 11: S reading: no seconds",
    ]


def test_short_lines_tabs_trailing_blanks_and_crlf(read):
    catalog = read(
        ".dat",
        "ABC iP 112402030405 1018",
        "DEF iP 112402030405 1100\t1200iS 1" + " " * 70,
        "   ",
        " " * 17 + "1   ",
        end="\r\n",
    )
    assert [pick["time"] % 60 for pick in catalog.picks] == pytest.approx([10.18, 11.0, 12.0])
    assert "tabs taken as blanks up to the next multiple of 8 columns: line 2" in repairs(catalog)
    (event,) = catalog.events
    assert event["source_id"] == "test.dat:1" and "number" not in event["sources"][0]
    assert event["sources"][0]["is_located"] is False


def test_a_blank_too_many_after_the_station(read):
    catalog = read(".dat", "ABC  iP 112402030405 1018", "ABCD  P 112402030405 1018", END)
    assert [pick["time"] for pick in catalog.picks] == [parse_time("2024-02-03T04:05:10.18")] * 2
    assert repairs(catalog) == ["one blank too many after the station left out: lines 1, 2"]


def test_a_blank_too_many_hides_no_other_error(read):
    catalog = read(".dat", card("ABC", " P 1", clock="12413030405"), card("DEF", " P  ", clock="12402032505"), END)
    assert reasons(catalog) == [
        "line 1: there is no day 2024-13-03",
        "line 2: hour and minute '2505' are not on the clock",
        "line 3: the end of an event that has no usable phases",
    ]


@pytest.mark.parametrize("columns", [20, 21, 22, 23])
def test_a_card_that_ends_inside_its_p_seconds_has_no_p(read, columns):
    text = card("ABC", p_seconds="12345")
    catalog = read(".dat", text[:columns], card("DEF"), END)
    assert [pick["sta"] for pick in catalog.picks] == ["DEF"]
    (reason,) = reasons(catalog)
    assert reason == f"line 1: P reading: the line ends inside its P seconds, after '{text[19:columns]}'"


@pytest.mark.parametrize("columns", [32, 33, 34, 35])
def test_a_card_that_ends_inside_its_s_seconds_has_no_s(read, columns):
    text = card("ABC", s="eS 2", s_seconds="12345")
    catalog = read(".dat", text[:columns], END)
    assert [(pick["phase"], pick["time"]) for pick in catalog.picks] == [("P", parse_time("2024-02-03T04:05:10.18"))]
    (reason,) = reasons(catalog)
    assert reason == f"line 1: S reading: the line ends inside its S seconds, after '{text[31:columns]}'"


def test_cards_that_end_with_their_seconds_are_whole(read):
    catalog = read(
        ".dat",
        card("ABC")[:24],
        card("DEF", p_seconds="9.18 ")[:23],  # both decimals are there
        card("GHI", s_seconds=" 1250")[:36],
        END,
    )
    assert [pick["time"] % 60 for pick in catalog.picks] == pytest.approx([10.18, 9.18, 10.18, 12.5])
    assert catalog.rejected == []


def test_a_duration_or_number_that_the_line_ends_inside_is_left_out(read):
    whole = card("ABC", duration="  480", number="  12")
    catalog = read(".dat", whole, whole[:78].replace("ABC", "DEF"), whole[:74].replace("ABC", "GHI"), END)
    assert [pick.get("duration") for pick in catalog.picks] == [480.0, 480.0, None]
    assert [event["source_id"] for event in catalog.events] == ["2024_00012"]
    assert repairs(catalog) == [
        "the line ends inside its event number: left out: line 2",
        "the line ends inside its duration: left out: line 3",
    ]


# -- HYPO71's own cards


@pytest.fixture
def cards(tmp_path):
    """Read lines as HYPO71's own cards."""

    def _cards(*lines):
        path = tmp_path / "year.cards"
        path.write_text("\n".join(lines) + "\n")
        return read_catalog_files([path], "hypo71")

    return _cards


def test_hypo71_cards_are_of_the_last_hundred_years(cards):
    now = datetime.now(UTC).year
    years = [now - 99, 1976, 2000, now - 1, now]
    lines = [card("ABC", clock=f" {year % 100:2}02030405", number="") for year in years]
    catalog = cards(*(line for pair in zip(lines, [END] * len(lines), strict=True) for line in pair))
    assert [pick["time"] for pick in catalog.picks] == [parse_time(f"{year}-02-03T04:05:10.18") for year in years]
    assert [text.split(": ", 1)[1] for text in catalog.repaired] == [
        f"HYPO71's cards have no century: years up to {now % 100:02} are taken as 20xx, others as 19xx; "
        f"here {', '.join(map(str, sorted(years)))}"
    ]
    assert catalog.rejected == []


def test_a_century_that_hypo71_cards_have_is_theirs(cards):
    catalog = cards(card("ABC", clock="17702030405"), END)
    assert [pick["time"] for pick in catalog.picks] == [parse_time("2077-02-03T04:05:10.18")]
    assert catalog.repaired == []


def test_hypo71_cards_come_back_in_their_century(cards):
    pick = {"sta": "ABC", "phase": "P", "time": parse_time("2024-02-03T04:05:10.18"), "hypo71_weight": 1}
    stream, left_out = io.BytesIO(), Counter()
    assert write_hypo71([({"origins": []}, [pick])], stream, left_out) == 1
    (back,) = cards(*stream.getvalue().decode().splitlines()).picks
    assert back["time"] == pick["time"]


def test_unlocated_events_and_their_ends(read):
    catalog = read(
        ".dat",
        card("ABC", letters="FL ", number="   1"),
        END_UNLOCATED,
        END_UNLOCATED,
        card("ABC", clock="12402030505", letters="FL ", number="   2"),
        " " * 17 + "1" + " " * 60 + "1",  # an end line with a number
        card("ABC", clock="12402030605", letters="FL ", number="   3"),
    )
    assert [event["source_id"] for event in catalog.events] == ["2024_00001", "2024_00002", "2024_00003"]
    assert not any(event["sources"][0]["is_located"] for event in catalog.events)
    assert reasons(catalog) == ["line 3: the end of an event that has no usable phases"]
    assert repairs(catalog) == ["the last event has no end line: line 6"]


def test_picks_without_an_event_are_kept(read):
    catalog = read(".dat", card("ABC"), END, card("DEF", number="    "))
    assert [pick.get("event_key") for pick in catalog.picks] == ["2024_00007", None]
    assert len(catalog.events) == 1
    assert repairs(catalog) == ["phases after the last end line and without a number are of no event: line 3"]


def test_a_missing_end_line_and_a_wrong_number(read):
    catalog = read(
        ".dat",
        card("ABC", number="   7"),
        card("DEF", number="   9"),  # seconds later, another station: a slip of the number
        card("ABC", clock="12402030505", number="   8"),  # an hour later
        card("DEF", clock="12402030505", number="   8"),
        card("GHI", clock="12402030505", number="    "),
        END,
        card("ABC", clock="12402030505", p_seconds=" 3000", number="  20"),
        card("ABC", clock="12402030505", p_seconds=" 5000", number="  21"),  # the station again
        END,
        card("ABC", clock="12402030805", number="   7"),
        END,
    )
    assert [event["source_id"] for event in catalog.events] == [
        "2024_00007",
        "2024_00008",
        "2024_00020",
        "2024_00021",
        "2024_00007#10",
    ]
    assert [pick["event_key"] for pick in catalog.picks] == [
        *["2024_00007"] * 2,
        *["2024_00008"] * 3,
        "2024_00020",
        "2024_00021",
        "2024_00007#10",
    ]
    assert repairs(catalog) == [
        "the end line of the event before is missing: lines 3, 8",
        "number differs from that of its event; the commonest is kept: line 2",
        "another event has this number; both are kept: line 10",
    ]


def test_zone_and_type_by_majority(read):
    lines = [card(name, letters=letters) for name, letters in (("A", "FLD"), ("B", "SED"), ("C", "SED"), ("D", "QZD"))]
    catalog = read(".dat", *lines, END)
    assert (catalog.events[0]["zone"], catalog.events[0]["event_type"]) == ("S", "explosion")
    assert "zone 'Q' is not known and left out: line 4" in repairs(catalog)
    assert "type differs from that of the event's first line; the commonest is kept: line 2" in repairs(catalog)


# -- .hpl and .hpc


LISTED = {
    58: " 12",
    61: "  4",
    65: "117",
    69: "1",
    71: "0.21",
    76: " 0.6",
    80: "  1.3",
    86: "B",
    88: "B/C",
    112: "  2",
    115: "  1.1",
    120: "  0.3",
    125: "  5",
    128: "  1.5",
    133: "  0.2",
}
STATION = {13: " 14.8", 19: "214", 23: "115", 42: "  1.68", 49: " 1.70", 54: "  0.05", 60: " -0.07", 66: "  1.27"}
STATION |= {93: "FLD", 96: " 457", 100: " 2.3*", 116: "  4.00", 122: "  0.11", 129: "  0.6", 140: "ABCD", 148: "gn"}


def test_every_column_of_a_listing(read):
    catalog = read(
        ".hpl",
        "^MONTE FINTO  D'ESEMPIO (FRIULI)",
        " " * 100,
        event_line(rest=LISTED, station_lines="  1"),
        station_line("ABCD", "ePd2", s="iS 1", s_seconds="12.50", rest=STATION),
        "* felt in the valley",
    )
    (event,) = catalog.events
    (origin,) = event["origins"]
    assert event["place"] == "MONTE FINTO D'ESEMPIO (FRIULI)" and event["remarks"] == "felt in the valley"
    assert (event["source_id"], event["zone"], event["event_type"]) == ("2024_00007", "F", "earthquake")
    assert event["time"] == origin["time"] == parse_time("2024-02-03T04:05:08.5") and "time_from" not in event
    assert (origin["latitude"], origin["longitude"]) == pytest.approx((46 + 20.5 / 60, 13 + 6.25 / 60))
    assert {key: origin[key] for key in ("depth_km", "n_picks", "minimum_distance_km", "azimuthal_gap", "rms")} == {
        "depth_km": 8.25,
        "n_picks": 12,
        "minimum_distance_km": 4.0,
        "azimuthal_gap": 117.0,
        "rms": 0.21,
    }
    assert (origin["horizontal_uncertainty_km"], origin["depth_uncertainty_km"]) == (0.6, 1.3)
    assert (origin["quality"], origin["quality_sqd"], origin["velocity_model"]) == ("B", "B/C", "1")
    assert (origin["method"], origin["source_file"], origin["source_format"]) == ("hypo71", "test.hpl", "ogs-hpl")
    ml, md = event["magnitudes"]
    assert (ml["type"], ml["value"], ml["n_stations"], ml["uncertainty"]) == ("ML", 1.1, 2, 0.3)
    assert (md["type"], md["value"], md["n_stations"], md["uncertainty"]) == ("MD", 1.5, 5, 0.2)
    assert md["station_magnitudes"] == [{"sta": "ABCD", "value": 2.3, "weight": 0.0}]
    assert event["magnitude_type"] == "ML"
    p, s = catalog.picks
    assert (p["time"], s["time"]) == (parse_time("2024-02-03T04:05:10.18"), parse_time("2024-02-03T04:05:12.5"))
    assert (p["onset"], p["first_motion"], p["hypo71_weight"], p["branch"]) == ("emergent", "d", 2, "g")
    assert (s["onset"], s["hypo71_weight"], s["branch"], p["duration"]) == ("impulsive", 1, "n", 457.0)
    first, second = origin["arrivals"]
    assert {key: first[key] for key in ("residual", "weight", "distance_km", "azimuth", "takeoff_angle")} == {
        "residual": -0.07,
        "weight": 1.27,
        "distance_km": 14.8,
        "azimuth": 214.0,
        "takeoff_angle": 115.0,
    }
    assert first["station_delay"] == 0.05 and (second["residual"], second["weight"]) == (0.11, 0.6)
    assert [arrival["pick_id"] for arrival in origin["arrivals"]] == [p["source_id"], s["source_id"]]
    assert catalog.rejected == catalog.repaired == [] and catalog.files[0].kept == 3


def test_unlocated_events_of_a_listing(read):
    catalog = read(
        ".hpl",
        event_line("     1", seconds="", latitude="", longitude="", depth="", station_lines="  1"),
        station_line("ABC", "ePC2", p_seconds=" 2.94", s="eS 2", s_seconds=" 4.70"),
        event_line(
            "     2", "1240203  5 5", seconds="", latitude="", longitude="", depth="", md="", station_lines=" 0"
        ),
    )
    first, second = catalog.events
    assert (first["time"], first["time_from"]) == (parse_time("2024-02-03T04:05:02.94"), "first_arrival")
    assert (first["origins"], first["magnitude"], first["magnitude_type"]) == ([], 1.5, "MD")
    assert (second["time"], second["time_from"]) == (parse_time("2024-02-03T05:05:00"), "minute")
    assert [pick["event_key"] for pick in catalog.picks] == ["2024_00001"] * 2


def test_hpc_has_no_numbers_and_no_places(read):
    catalog = read(
        ".hpl",
        event_line("      ", station_lines="  1"),
        station_line("ABC").replace("     7", "      ", 1),
        event_line("      ", "1240203  4 9", station_lines="  0"),
    )
    first, second = catalog.events
    assert [first["source_id"], second["source_id"]] == ["test.hpl:1", "test.hpl:3"]
    assert catalog.picks[0]["event_key"] == "test.hpl:1" and "place" not in first


def test_stations_after_midnight_and_in_the_next_minute(read):
    catalog = read(
        ".hpl",
        event_line(clock="1240203 2359", seconds="58.00"),
        station_line("ABC", clock="2359", p_seconds="59.50", s="iS 1", s_seconds="61.00"),
        station_line("DEF", clock="   0", p_seconds=" 3.00"),
    )
    assert [pick["time"] for pick in catalog.picks] == [
        parse_time("2024-02-03T23:59:59.5"),
        parse_time("2024-02-04T00:00:01"),
        parse_time("2024-02-04T00:00:03"),
    ]


def test_odd_lines_of_a_listing_are_named(read):
    catalog = read(
        ".hpl",
        "  DATE    ORIGIN    LAT N    LONG E    DEPTH    MAG NO",
        station_line("ABC"),
        "^LOST PLACE (VENETO)",
        "^FOUND PLACE (VENETO)",
        event_line(station_lines="  5", rest={80: "*****"}),
        "  STN  DIST AZM AIN PRMK HRMN P-SEC",
        station_line("ABC", "iX 1"),
        station_line("DEF", p_seconds="  x  ", s="iS 1", s_seconds="     "),
        station_line("GHI", clock="2561"),
        "     7 12345 %%% nonsense",
        event_line("     8", "1241303  4 5"),
        station_line("JKL"),
    )
    assert len(catalog.events) == 1 and catalog.picks == []
    assert catalog.events[0]["place"] == "FOUND PLACE (VENETO)"
    assert "depth_uncertainty_km" not in catalog.events[0]["origins"][0]
    assert reasons(catalog) == [
        "line 2: station line of no event line that could be read",
        "line 3: a place name without an event line after it",
        "line 7: P reading: its phase is 'X'",
        "line 8: P reading: P seconds 'x' are no seconds",
        "line 8: S reading: no seconds",
        "line 9: station line: hour and minute '2561' are not on the clock",
        "line 10: neither an event line nor a station line nor a place name",
        "line 11: event line: there is no day 2024-13-03",
        "line 12: station line of no event line that could be read",
    ]
    assert "values that overflowed their columns (*****) are taken as missing: line 5" in repairs(catalog)
    assert "the number of station lines is not the one that the event line gives: line 5" in repairs(catalog)


def test_md_of_no_stations_is_missing_and_nonlinloc_is_named(tmp_path):
    path = tmp_path / "year.nll1D.hpl"
    rest = {112: "  0", 115: "  1.1", 120: "  0.0", 125: "  0", 128: "  0.0", 133: "  0.0"}
    path.write_text(event_line(md="  0.00", rest=rest, station_lines="  0") + "\n")
    catalog = read_hpl(path)
    (event,) = catalog.events
    assert [(item["type"], item["value"]) for item in event["magnitudes"]] == [("ML", 1.1)]
    assert event["origins"][0]["method"] == "nonlinloc"
    assert repairs(catalog) == ["MD 0.00 of no stations is taken as missing: line 1"]


def test_station_magnitudes_of_an_event_without_one_are_counted(read):
    catalog = read(
        ".hpl",
        event_line(md="", station_lines="  3"),
        station_line("ABC", rest={100: " 2.3"}),
        station_line("DEF"),
        station_line("GHI", rest={100: " 2.1*"}),
        event_line("     8", "1240203  5 5", station_lines="  1"),
        station_line("ABC", rest={100: " 2.3"}, clock=" 5 5"),
    )
    assert [event.get("magnitude") for event in catalog.events] == [None, 1.5]
    assert repairs(catalog) == ["a station's MD beside an event without MD left out: lines 2, 4"]


def test_a_station_line_that_ends_inside_its_seconds(read):
    whole = station_line("ABC", s="iS 1", s_seconds="12.50")
    catalog = read(".hpl", event_line(station_lines="  3"), whole[:40], whole[:114], whole[:115])
    assert [(pick["phase"], pick["source_id"]) for pick in catalog.picks] == [
        ("P", "test.hpl:3:P"),
        ("P", "test.hpl:4:P"),
        ("S", "test.hpl:4:S"),
    ]
    assert reasons(catalog) == [
        "line 2: P reading: the line ends inside its P seconds, after '10.1'",
        "line 3: S reading: the line ends inside its S seconds, after '12.5'",
    ]


def test_an_event_line_that_ends_inside_a_value(read):
    whole = event_line(rest={58: " 12"})
    kept = {55: (8.25, None), 50: (8.25, None), 49: (None, None), 47: (None, None), 57: (8.25, 1.5)}
    for columns, (depth, md) in kept.items():
        catalog = read(".hpl", whole[:columns])
        (event,) = catalog.events
        assert (event.get("depth_km"), event.get("magnitude")) == (depth, md), columns
        assert bool(catalog.repaired) == (columns in (55, 49, 47)), columns
    for columns in (42, 41, 32, 23, 22):
        catalog = read(".hpl", whole[:columns])
        assert catalog.events == [] and "the line ends inside" in reasons(catalog)[0], columns


# -- .pun


def test_summaries(read):
    catalog = read(
        ".pun",
        PUN_HEADER,
        "12402030405  8.50 46-20.50  13- 6.25   8.25   1.50 12 117  4.1 0.21  0.6  1.3 B1",
        " 990203 4 5  8.50 46-20.50  13- 6.25   8.25        12 117  4.1 0.21  0.6***** C1",
        "12402030460 61.00 46-60.00  13- 6.25   8.25  -0.20  4 117  4.1 0.00",
        "12402030405       46-20.50  13- 6.25   8.25   1.50",
        "12402030405  8.50 96-20.50  13- 6.25   8.25   1.50",
        "what is this",
    )
    first, second, third = catalog.events
    (origin,) = first["origins"]
    assert first["time"] == parse_time("2024-02-03T04:05:08.5")
    assert (origin["latitude"], origin["longitude"]) == pytest.approx((46 + 20.5 / 60, 13 + 6.25 / 60))
    assert (origin["depth_km"], origin["n_picks"], origin["azimuthal_gap"]) == (8.25, 12, 117.0)
    assert (origin["minimum_distance_km"], origin["rms"]) == (4.1, 0.21)
    assert (origin["horizontal_uncertainty_km"], origin["depth_uncertainty_km"]) == (0.6, 1.3)
    assert (origin["quality"], origin["velocity_model"]) == ("B", "1")
    assert (first["magnitude"], first["magnitude_type"], first["source_id"]) == (1.5, "MD", "test.pun:2")
    assert second["time"] == parse_time("1999-02-03T04:05:08.5")
    assert "magnitude" not in second and "depth_uncertainty_km" not in second["origins"][0]
    assert third["time"] == parse_time("2024-02-03T05:01:01") and third["latitude"] == 47.0
    assert (third["magnitude"], "quality" in third["origins"][0]) == (-0.2, False)
    assert reasons(catalog) == [
        "line 5: an origin without seconds",
        "line 6: latitude 96.3417 is outside -90..90",
        "line 7: century 'w' is neither 1 (20xx) nor blank (19xx)",
    ]
    assert repairs(catalog) == [
        "values that overflowed their columns (*****) are taken as missing: line 3",
        "minute 60 carried on: line 4",
        "60 minutes of arc carried into the next degree: line 4",
        "seconds of 60 or more carried on: line 4",
    ]


def test_a_summary_that_its_line_ends_inside(read):
    whole = "12402030405  8.50 46-20.50  13- 6.25   8.25   1.50"
    catalog = read(".pun", whole, whole[:34], whole[:41])
    assert reasons(catalog) == ["line 2: the line ends inside its longitude, after '13- 6.'"]
    assert repairs(catalog) == ["the line ends inside its depth: left out: line 3"]
    assert [event.get("depth_km") for event in catalog.events] == [8.25, None]


def test_a_header_with_western_longitudes(read):
    catalog = read(
        ".pun", PUN_HEADER.replace("LONG E", "LONG W"), "12402030405  8.50 46-20.50 113- 6.25   8.25   1.50 12"
    )
    assert catalog.events[0]["longitude"] == pytest.approx(-(113 + 6.25 / 60))


# -- .txt


def test_the_aligned_bulletin(read):
    catalog = read(
        ".txt",
        TXT_HEADER,
        txt_line(),
        txt_line(
            8,
            values=" 0.12 46.3417 13.1042   0.5   8.2   0.9 120 ---- -0.0",
            place="V.FINTO D'ALPE",
            kind="[Earthquake]",
        ),
        txt_line(9, "2024-02-03T05:06:00.000", UNLOCATED, "Not localized with first station ABC(picks on 1)"),
        txt_line(10, values="----- 46.3417 13.1042 -----   8.2 ----- --- -0.2 ----", kind="[suspected slide]"),
    )
    first, second, third, fourth = catalog.events
    (origin,) = first["origins"]
    assert (first["source_id"], first["place"], first["event_type"]) == (
        "2024_00007",
        "MONTE FINTO (FRIULI)",
        "earthquake",
    )
    assert first["time"] == parse_time("2024-02-03T04:05:08.5")
    assert (origin["latitude"], origin["longitude"], origin["depth_km"]) == (46.3417, 13.1042, 8.2)
    assert (origin["time_uncertainty"], origin["horizontal_uncertainty_km"]) == (0.12, 0.5)
    assert (origin["depth_uncertainty_km"], origin["azimuthal_gap"]) == (0.9, 120.0)
    assert [(item["type"], item["value"]) for item in first["magnitudes"]] == [("ML", 1.3), ("MD", 1.5)]
    assert first["magnitude_type"] == "ML"
    assert (second["place"], second["magnitude"], second["event_type"]) == ("V.FINTO D'ALPE", 0.0, "earthquake")
    assert str(second["magnitude"]) == "0.0"  # not -0.0
    assert (third["origins"], third["time_from"]) == ([], "minute") and "place" not in third
    assert third["remarks"] == "Not localized with first station ABC(picks on 1)"
    assert third["sources"][0]["first_station"] == "ABC"
    assert (fourth["magnitude"], fourth["event_type"]) == (-0.2, "suspected slide")
    assert "time_uncertainty" not in fourth["origins"][0]
    assert catalog.rejected == catalog.repaired == []


@pytest.mark.parametrize("header", [True, False])
def test_the_separated_bulletin(read, header):
    unlocated = "-----;-------;-------;-----;-----;-----;---;----;----"
    values = " 0.12;46.3417;13.1042;  0.5;  8.2;  0.9;120"
    start = "2024_0000{0};2024-02-03T04:0{0}:08.500"
    rows = [
        f"00001;{start.format(1)};{values}; 1.3; 1.5;FINTO (FRIULI);[earthquake]",
        f"00002;{start.format(2)};{values}; 1.3;----;A;B (VENETO);[chemical explosion]",
        f"00003;{start.format(3)};{values};-0.2; 0.1;FINTO [earthquake]",
        f"00004;2024_00004;2024-02-03T04:08:00.000;{unlocated};Not localized;[earthquake]",
        "00005;2024_00005;2024-02-03",
    ]
    catalog = read(".txt", *([SEPARATED_HEADER] if header else []), *rows)
    assert [event.get("place") for event in catalog.events] == ["FINTO (FRIULI)", "A;B (VENETO)", "FINTO", None]
    assert [event["event_type"] for event in catalog.events] == [
        "earthquake",
        "chemical explosion",
        "earthquake",
        "earthquake",
    ]
    assert [event.get("magnitude") for event in catalog.events] == [1.3, 1.3, -0.2, None]
    (reason,) = reasons(catalog)
    assert reason.startswith(f"line {5 + header}: ")


def test_a_header_says_the_order_of_columns(read):
    catalog = read(
        ".txt", "index;event-id;lat;lon;origin_time(UTC);md;ml", "1;2024_00001;46.5;13.5;2024-02-03T04:05:08.5;1.5;1.1"
    )
    (event,) = catalog.events
    assert (event["latitude"], event["longitude"]) == (46.5, 13.5)
    assert [(item["type"], item["value"]) for item in event["magnitudes"]] == [("ML", 1.1), ("MD", 1.5)]


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-8-sig"])
def test_odd_characters_in_places(read, encoding):
    catalog = read(".txt", TXT_HEADER, txt_line(place="KRŠKO (SLOVENIA) – ÀÖ'.-"), encoding=encoding, end="\r\n")
    assert catalog.events[0]["place"] == "KRŠKO (SLOVENIA) – ÀÖ'.-"
    assert repairs(catalog) == (["not UTF-8, read as Windows-1252"] if encoding == "cp1252" else [])


def test_odd_rows_of_a_bulletin(read):
    catalog = read(
        ".txt",
        TXT_HEADER,
        txt_line(1, "2024-02-03T04:60:08.500"),
        txt_line(2, "2024-02-03T04:05:60.000"),
        txt_line(3, "2024-02-30T04:05:08.500"),
        txt_line(4, values=" 0.12 96.3417 13.1042   0.5   8.2   0.9 120  1.3  1.5"),
        txt_line(5, values=" 0.12 46.3417 ------- 0.5 8.2 0.9 120 1.3 1.5"),  # not in its columns
        txt_line(6, values=" 0.12 46.3x17 13.1042   0.5   8.2   0.9 120  1.3  1.5"),
        txt_line(7, values=" 0.12 46.3417 13.1042   0.5 999.9   0.9 120  1.3  1.5"),
        txt_line(1, "1924-02-03T04:05:08.500"),
        "too short",
        txt_line(8, "2024-02-03 04:05:08.5"),
    )
    assert [event["time"] for event in catalog.events] == [
        parse_time("2024-02-03T05:00:08.5"),
        parse_time("2024-02-03T04:06:00"),
        parse_time("2024-02-03T04:05:08.5"),
        parse_time("1924-02-03T04:05:08.5"),
    ]
    assert catalog.events[2]["origins"] == [] and catalog.events[3]["source_id"] == "2024_00001#9"
    assert reasons(catalog)[:5] == [
        "line 4: there is no day 2024-02-30",
        "line 5: latitude 96.3417 is outside -90..90",
        "line 7: latitude '46.3x17' is not a number",
        "line 8: depth 999.9 km is outside -10..800 km",
        "line 10: not a line of the bulletin: 2 fields before the place, not 12",
    ]
    assert "latitude or longitude is missing: kept as unlocated: line 6" in repairs(catalog)


def test_bulletin_lines_that_end_before_or_inside_their_magnitudes(read):
    whole = txt_line(place="", kind="").rstrip()
    assert whole[81:].split() == ["120", "1.3", "1.5"]
    catalog = read(
        ".txt",
        whole,
        whole[:93],  # MD 1.
        whole[:89],
        whole[:88],  # ML 1.
        whole[:84],
        txt_line(6, values=" 0.12 46.3417 13.1042   0.5   8.2   0.9 120 ----")[:87],
        whole[:83],
        txt_line(8, values="0.12 46.3417 13.1042 0.5 8.2 0.9 120 1.3", place="", kind=""),  # not in its columns
    )
    assert [{item["type"]: item["value"] for item in event["magnitudes"]} for event in catalog.events] == [
        {"ML": 1.3, "MD": 1.5},
        {"ML": 1.3},
        {"ML": 1.3},
        {},
        {},
        {},
    ]
    said = {text.rsplit(": ", 1)[0]: text.rsplit(": ", 1)[1] for text in repairs(catalog)}
    assert said["the line ends inside its MD: left out"] == "line 2"
    assert said["the line ends before its MD: taken as missing"] == "lines 3, 4, 5, 6"
    assert said["the line ends inside its ML: left out"] == "line 4"
    assert said["the line ends before its ML: taken as missing"] == "line 5"
    assert reasons(catalog) == [
        "line 7: not a line of the bulletin: 10 fields before the place, not 12",
        "line 8: not a line of the bulletin: 11 fields before the place, not 12",
    ]


def test_separated_lines_that_end_before_their_magnitudes(read):
    start = "00001;2024_0000{0};2024-02-03T04:0{0}:08.500; 0.12;46.3417;13.1042;  0.5;  8.2;  0.9;120"
    catalog = read(
        ".txt",
        SEPARATED_HEADER,
        f"{start.format(1)}; 1.3; 1.5",
        f"{start.format(2)}; 1.3;",
        f"{start.format(3)}; 1.3",
        f"{start.format(4)}; 1.",
        f"{start.format(5)};",
        start.format(6)[:-1],
        start.format(7)[:-4],
    )
    assert [event.get("magnitude") for event in catalog.events] == [1.3, 1.3, 1.3, None, None, None]
    assert repairs(catalog) == [
        "the line ends before its MD: taken as missing: lines 4, 5, 6, 7",
        "the line ends inside its ML: left out: line 5",
        "the line ends before its ML: taken as missing: line 7",
        "the line ends inside its gap: left out: line 7",
    ]
    assert reasons(catalog) == ["line 8: 9 fields, not 14"]


def test_small_letters_in_times_and_overflowed_values(read):
    catalog = read(
        ".txt",
        txt_line(1, "2024-02-03t04:05:08.500"),
        txt_line(2, "2024-02-03t04:06:08.50z"),
        txt_line(3, "2024-02-03T04:07:08.500", values=" 0.12 46.3417 13.1042   0.5   8.2 ***** ***  1.3  1.5"),
    )
    assert [event["time"] % 3600 for event in catalog.events] == [308.5, 368.5, 428.5]
    assert repairs(catalog) == ["values that overflowed their columns (*****) are taken as missing: line 3"]


# -- which format a file is in


@pytest.mark.parametrize(
    ("name", "lines", "format"),
    [
        ("a.dat", [card("ABC"), END], "ogs-dat"),
        ("a.phases", [card("ABC"), END], "ogs-dat"),
        ("a.hpl", [event_line()], "ogs-hpl"),
        ("a.hpc", [event_line("      ")], "ogs-hpl"),
        ("a.lst", ["^PLACE (FRIULI)", "", event_line(), station_line("ABC")], "ogs-hpl"),
        ("a.pun", ["12402030405  8.50 46-20.50  13- 6.25   8.25   1.50"], "ogs-pun"),
        ("a.sum", [PUN_HEADER, "12402030405  8.50 46-20.50  13- 6.25   8.25   1.50"], "ogs-pun"),
        ("a.txt", [txt_line()], "ogs-txt"),
        ("a.csv", [SEPARATED_HEADER, "1;2024_00001;2024-02-03T04:05:08;;46.5;13.5;;;;;;1.5;A;[earthquake]"], "ogs-txt"),
        ("a.txt", ["#EventID | Time | Latitude | Longitude", "1|2024-01-01T00:00:00|46|13"], "csv"),
        ("A.DAT", [txt_line()], "ogs-txt"),  # what the lines say, not what the name says
        ("a.csv", ["time,latitude,longitude", "2024-01-01T00:00:00,46,13"], "csv"),
    ],
)
def test_detection(tmp_path, name, lines, format):
    path = tmp_path / name
    path.write_text("\n".join(lines) + "\n")
    (report,) = read_catalog_files([path]).files
    assert (report.format, report.rejected) == (format, 0) and report.kept > 0


def test_format_can_be_forced_and_named_shortly(tmp_path):
    path = tmp_path / "year.abc"
    path.write_text(card("ABC") + "\n")
    assert len(read_catalog_files([path], "DAT").picks) == 1
    assert read_catalog_files([path], "ogs-pun").events == []
    with pytest.raises(InputError, match="unknown catalog format 'xls'") as caught:
        read_catalog_files([path], "xls")
    assert "ogs-hpl" in caught.value.hint


def test_what_is_no_catalog_is_told_what_there_is(tmp_path):
    path = tmp_path / "letter.txt"
    path.write_text("Dear colleague,\nthe bulletin is late.\n")
    with pytest.raises(InputError, match="letter.txt") as caught:
        read_catalog_files([path])
    assert ".dat" in caught.value.hint and "--format" in caught.value.hint
