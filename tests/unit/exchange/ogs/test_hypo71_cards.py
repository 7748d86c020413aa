"""HYPO71's own cards and output, without centuries."""

import io
from collections import Counter
from datetime import UTC, datetime

import pytest
from ogs_lines import END, PUN_HEADER, card, event_line, station_line

from catalogdb.exchange.catalog_files import read_catalog_files
from catalogdb.exchange.ogs.write_cards import write_hypo71
from catalogdb.times import parse_time


def plain(day, *names):
    """HYPO71's own cards of a day in March 2024, as its manual has them."""
    return [f"{name:4}IPU0 2403{day}12{number:02}10.00       14.00ES 2" for number, name in enumerate(names)]


ENDS = {
    "use S": " " * 17 + "1",
    "use S, free depth": " " * 17 + "10",
    "use S, fixed depth": " " * 17 + "11 10.0",
    "no S": " " * 17 + "0",
    "trial hypocentre": " " * 17 + "10  5.00   46 21.00  13  5.74",
    "blank": "",
    "blanks": "   ",
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("format", [None, "hypo71"])
def test_hypo71_cards_end_with_any_instruction_card(tmp_path, end, format):
    path = tmp_path / "2024.pha"
    days = [plain(day, "S0", "S1", "S2") for day in (20, 21, 22)]
    path.write_text("\n".join(line for day in days for line in (*day, end)) + "\n")
    catalog = read_catalog_files([path], format)
    assert [event["time"] for event in catalog.events] == [
        parse_time(f"2024-03-{day}T12:00:10") for day in (20, 21, 22)
    ]
    assert len(catalog.picks) == 18 and all("event_key" in pick for pick in catalog.picks)
    assert catalog.rejected == [] and "years are taken as of the last hundred, 2024" in " ".join(catalog.repaired)


def test_the_last_event_of_hypo71_cards_needs_no_end(tmp_path):
    path = tmp_path / "one.pha"
    path.write_text("\n".join(plain(20, "S0", "S1")) + "\n")
    assert len(read_catalog_files([path]).events) == 1


def test_hypo71_years_of_two_digits_are_of_the_last_century(tmp_path):
    lines = {
        "a.hpl": [event_line("      ", " 240203  4 5"), station_line("ABC")],
        "a.pun": [PUN_HEADER, " 240203 4 5  8.50 46-20.50  13- 6.25   8.25   1.50"],
    }
    for name, text in lines.items():
        (tmp_path / name).write_text("\n".join(text) + "\n")
        for format in (None, "hypo71"):
            catalog = read_catalog_files([tmp_path / name], format)
            assert [event["time"] for event in catalog.events] == [parse_time("2024-02-03T04:05:08.5")]
            assert any("no century" in text for text in catalog.repaired)
        as_written = read_catalog_files([tmp_path / name], name[2:])
        assert [event["time"] for event in as_written.events] == [parse_time("1924-02-03T04:05:08.5")]
        assert any("is its 1 missing?" in text for text in as_written.repaired)


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
        f"its dates have no century: years are taken as of the last hundred, {', '.join(map(str, sorted(years)))}"
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
