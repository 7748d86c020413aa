"""Summaries, the bulletin, and which format a file is in: every column, and every quirk that real files have."""

import pytest
from ogs_lines import (
    END,
    PUN_HEADER,
    SEPARATED_HEADER,
    TXT_HEADER,
    UNLOCATED,
    card,
    event_line,
    reasons,
    repairs,
    station_line,
    txt_line,
)

from catalogdb.errors import InputError
from catalogdb.exchange.catalog_files import read_catalog_files
from catalogdb.times import parse_time

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
    assert str(second["magnitude"]) == "-0.0"  # as the bulletin has it
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
