"""Files of several years, and of the same name, in one catalog: what is said of their numbers."""

import pytest
from ogs_lines import END, TXT_HEADER, card, event_line, txt_line

from catalogdb.exchange.catalog_files import read_catalog_files


def clock(year, hour):
    return f"1{year % 100}0203{hour:02}05"


def cards(year, first):
    """Two events' cards, one and two hours after midnight."""
    return [
        text
        for number, hour in ((first, 1), (first + 1, 2))
        for text in (card("ABC", clock=clock(year, hour), number=f"{number:4}"), END)
    ]


def rows(year, first):
    return [
        TXT_HEADER,
        *(
            txt_line(number, f"{year}-02-03T{hour:02}:05:08.500").replace("2024_", f"{year}_")
            for number, hour in ((first, 1), (first + 1, 2))
        ),
    ]


@pytest.fixture
def shifts(tmp_path):
    """What the notes say of numbers, of files by their path."""

    def _shifts(files):
        for name, lines in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join(lines) + "\n")
        notes = read_catalog_files([tmp_path / name for name in files]).notes
        return [note for note in notes if "event numbers" in note]

    return _shifts


def test_the_numbers_of_every_year_are_told(shifts):
    assert shifts(
        {
            "B-2023.dat": cards(2023, 1),
            "B-2023.txt": rows(2023, 4),
            "B-2024.dat": cards(2024, 9),
            "B-2024.txt": rows(2024, 7),
        }
    ) == [
        "B-2023.dat: its event numbers are those of B-2023.txt - 3 (all 2)",
        "B-2024.dat: its event numbers are those of B-2024.txt + 2 (all 2)",
    ]


def test_a_file_of_two_years_is_told_beside_each(shifts):
    assert shifts({"both.dat": cards(2023, 1) + cards(2024, 9), "a.txt": rows(2023, 4), "b.txt": rows(2024, 7)}) == [
        "both.dat: its event numbers are those of a.txt - 3 (all 2)",
        "both.dat: its event numbers are those of b.txt + 2 (all 2)",
    ]


def test_events_that_the_first_file_lacks_are_told_of_the_next(shifts):
    listing = [
        event_line(f"{number:6}", f"1240203  {hour} 5", station_lines="  0") for number, hour in ((5, 1), (6, 2))
    ]
    bulletin = rows(2024, 7)[:2]
    assert shifts({"a.dat": cards(2024, 9), "a.hpl": listing, "a.txt": bulletin}) == [
        "a.hpl: its event numbers are those of a.txt - 2 (all 1)",
        "a.dat: its event numbers are those of a.txt + 2 (all 1)",
        "a.dat: its event numbers are those of a.hpl + 4 (all 2)",
    ]


def test_files_of_one_name_are_told_apart_by_their_folders(shifts):
    assert shifts({"x/old/B.dat": cards(2024, 1), "x/new/B.dat": cards(2024, 4), "x/new/B.txt": rows(2024, 4)}) == [
        "old/B.dat: its event numbers are those of B.txt - 3 (all 2)",
        "new/B.dat: its event numbers are those of B.txt + 0 (all 2)",
    ]
    assert shifts({"p/x/B.dat": cards(2024, 1), "q/x/B.dat": cards(2024, 4)}) == [
        "q/x/B.dat: its event numbers are those of p/x/B.dat + 3 (all 2)"
    ]


def test_events_of_one_of_two_files_of_one_name(tmp_path):
    for folder, lines in (("x", cards(2024, 1)), ("y", cards(2024, 1)[:2])):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "B.dat").write_text("\n".join(lines) + "\n")
    notes = read_catalog_files([tmp_path / "x/B.dat", tmp_path / "y/B.dat"]).notes
    assert "x/B.dat: events that stand in no other file: 1 (line 3)" in notes
