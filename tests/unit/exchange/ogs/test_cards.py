"""Phase cards, OGS's and HYPO71's own: every column, and every quirk that real files have."""

import pytest
from ogs_lines import END, END_UNLOCATED, card, reasons, repairs

from catalogdb.times import parse_time


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
    ]
    assert repairs(catalog)[-1] == "S marks without seconds left out: line 11"


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


@pytest.mark.parametrize(
    ("letters", "column", "branches", "s", "expected"),
    [
        ("FLD", 81, "gn", "iS 1", ("g", "n")),
        ("FLD", 81, "g ", "iS 1", ("g", None)),
        ("FLD", 81, " n", "iS 1", (None, "n")),
        ("FL ", 80, "gn", "iS 1", ("g", "n")),
        ("FL ", 80, "g ", "iS 1", ("g", None)),
        ("FL ", 80, " n", "iS 1", (None, "n")),
        ("FL ", 80, "n ", "", ("n", None)),
        ("FL ", 81, "gn", "iS 1", ("g", "n")),
        ("FL ", 81, "g ", "", ("g", None)),
    ],
)
def test_branches_stand_a_column_before_in_unlocated_cards(read, letters, column, branches, s, expected):
    text = card("ABC", s=s, s_seconds=" 1250" if s else "", letters=letters).ljust(82)
    text = text[: column - 1] + branches + text[column - 1 + len(branches) :]
    picks = read(".dat", text, END).picks
    assert [pick.get("branch") for pick in picks] == list(expected[: len(picks)])


@pytest.mark.parametrize("place", [0, 2, 4])
@pytest.mark.parametrize("number", ["   7", "    ", "   6"])
def test_a_card_dated_hours_off_is_of_no_event(read, place, number):
    lines = [card(name) for name in ("ABC", "DEF", "GHI", "JKL")]
    lines.insert(place, card("OFF", clock="12402030905", number=number))
    catalog = read(".dat", *lines, END)
    assert [event["source_id"] for event in catalog.events] == ["2024_00007"]
    assert [pick["sta"] for pick in catalog.picks if "event_key" not in pick] == ["OFF"]
    assert len(catalog.picks) == 5
    assert repairs(catalog) == [
        f"dated +5.0 h from the cards around it: its readings are kept as of no event: line {place + 1}"
    ]


def test_cards_with_the_number_of_others_hours_away_are_misdated(read):
    names = ("ABC", "DEF", "GHI")
    off = [card(name, clock="12402020405") for name in ("KLM", "NOP")]
    catalog = read(".dat", *map(card, names), *off, END)
    assert len(catalog.events) == 1
    assert [pick["sta"] for pick in catalog.picks if "event_key" not in pick] == ["KLM", "NOP"]
    assert "dated -24.0 h" in repairs(catalog)[0]


def test_two_cards_of_two_events_without_an_end_line_are_two(read):
    catalog = read(".dat", card("ABC"), card("ABC", clock="12402030905", number="   8"), END)
    assert [event["source_id"] for event in catalog.events] == ["2024_00007", "2024_00008"]
    assert repairs(catalog) == ["the end line of the event before is missing: line 2"]


def test_a_blank_century_of_a_bulletin_is_questioned(read):
    catalog = read(".dat", card("ABC", clock=" 2402030405"), END)
    assert [pick["time"] for pick in catalog.picks] == [parse_time("1924-02-03T04:05:10.18")]
    assert repairs(catalog) == ["taken as of 19xx, as a blank before the year says: is its 1 missing?: line 1"]


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
