"""REAL's files: events with their picks, hours past midnight, unknown magnitudes, and lines that are neither."""

from pathlib import Path

import pytest

from catalogdb.errors import InputError
from catalogdb.exchange.catalog_files import read_catalog_files
from catalogdb.times import parse_time

TEXT = """    1   2016 10 14 00:10:33.573      633.573  0.0420 42.7680  13.2570   8.00  1.320 0.210  2  1  3  1  82.00
   IV     AQU     P     636.1234    2.5504 1.20e-03  0.0101   0.9300 120.5000
   IV     AQU     S     638.0000    4.4270 2.20e-03 -0.0202   0.8100 -10.0000
   YR    ED07     P     637.0000    3.4270 1.20e-03  0.0000   1.0000 300.0000
    2   2016 10 14 24:00:01.500    86401.500  0.1000 42.7000  13.2000  12.00 -100.000 -100.000   2   0   2   0 200.00
   IV     AQU     P   86404.0000    2.5000 1.20e-03  0.0101   0.9300 120.5000
"""


def read(tmp_path: Path, text: str, name: str = "phase_sel.txt"):
    (tmp_path / name).write_text(text)
    return read_catalog_files([tmp_path / name])


def test_events_and_picks_have_their_values(tmp_path):
    catalog = read(tmp_path, TEXT)
    assert catalog.files[0].format == "real" and catalog.rejected == []
    first, second = catalog.events
    assert first["time"] == pytest.approx(parse_time("2016-10-14T00:10:33.573"), abs=1e-6)
    assert (first["latitude"], first["longitude"], first["depth_km"]) == (42.768, 13.257, 8.0)
    assert (first["magnitude"], first["azimuthal_gap"], first["n_p"], first["n_s"]) == (1.32, 82.0, 2, 1)
    assert second["time"] == parse_time("2016-10-15T00:00:01.5") and "magnitude" not in second
    assert [(p["net"], p["sta"], p["phase"]) for p in catalog.picks[:3]] == [
        *(("IV", "AQU", "P"), ("IV", "AQU", "S")),
        ("YR", "ED07", "P"),
    ]
    assert catalog.picks[0]["time"] == pytest.approx(first["time"] + 2.5504, abs=1e-6)
    assert catalog.picks[1]["arrival"] == {"residual": -0.0202, "weight": 0.81, "azimuth": 350.0}
    assert [p["event_key"] for p in catalog.picks] == [first["source_id"]] * 3 + [second["source_id"]]


def test_a_catalog_without_phases_is_read(tmp_path):
    lines = [line for line in TEXT.splitlines() if ":" in line]
    catalog = read(tmp_path, "\r\n".join(lines) + "\r\n", "catalog_sel.txt")
    assert len(catalog.events) == 2 and catalog.picks == []


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("   IV AQU P 1.0 2.0", "neither"),
        ("    3   2016 13 14 00:10:33.573 6.0 0.04 42.0 13.0 8.0 1.3 0.2 2 1 3 1 82.0", "month"),
        ("    3   2016 12 14 00:10:33.573 6.0 0.04 92.0 13.0 8.0 1.3 0.2 2 1 3 1 82.0", "92"),
    ],
)
def test_odd_lines_are_rejected_with_their_number(tmp_path, line, reason):
    catalog = read(tmp_path, TEXT + line + "\n   IV     AQU     P     6.1234    2.5 1.2e-03  0.01   0.93 120.5\n")
    assert catalog.rejected[0].startswith(f"{tmp_path / 'phase_sel.txt'}: line 7: ") and reason in catalog.rejected[0]
    assert len(catalog.events) == 2
    assert len(catalog.rejected) == (1 if reason == "neither" else 2)  # the phases of a lost event go with it


def test_a_magnitude_of_picks_without_amplitudes_is_not_known(tmp_path):
    text = TEXT.replace("1.320 0.210", " -inf  -nan").replace("0.0101", "nan")
    catalog = read(tmp_path, text)
    assert catalog.files[0].format == "real" and catalog.rejected == []
    assert all("magnitude" not in event for event in catalog.events)
    assert catalog.picks[0]["arrival"] == {"weight": 0.93, "azimuth": 120.5}


def test_a_file_without_events_is_refused(tmp_path):
    (tmp_path / "x.txt").write_text("hello\n")
    with pytest.raises(InputError, match="no event of REAL"):
        read_catalog_files([tmp_path / "x.txt"], "real")
