"""Where one sensor follows another without data of both, the task says that arrivals there may be missed."""

from __future__ import annotations

import pytest

from catalogdb.picking.sensors import Terms, choose_sensors

SHARD = (1_700_000_000.0 // 3600 * 3600, 1_700_000_000.0 // 3600 * 3600 + 3600.0)
TERMS = Terms(("HH", "EH"), 30.0, 1.0, 0.5, 5, 30.0)


def segments(code, start, end):
    return [
        {
            "channel_group": f"XX.A..{code}",
            "chan": code + component,
            "starttime": SHARD[0] + start,
            "endtime": SHARD[0] + end - 0.01,
            "delta": 0.01,
            "file_id": f"{code}{component}",
            "foff": 0,
        }
        for component in "ZNE"
    ]


def problems(*sensors):
    return choose_sensors([segment for sensor in sensors for segment in sensor], {}, SHARD, TERMS).problems


def test_a_sensor_that_begins_where_another_ends_is_said():
    (line,) = problems(segments("HH", 0, 1800), segments("EH", 1800, 3600))
    assert line.startswith(
        "XX.A..EH follows XX.A..HH 1 times, first at 2023-11-14T22:30:00, with 0 s of its own before"
    )
    assert "0 s of the other's after" in line and "may be missed" in line


@pytest.mark.parametrize("gap", [60.0, 600.0])
def test_a_gap_between_two_sensors_is_no_takeover(gap):
    assert problems(segments("HH", 0, 1800), segments("EH", 1800 + gap, 3600)) == []


def test_one_sensor_alone_takes_over_from_none():
    assert problems(segments("HH", 0, 3600)) == []


def test_takeovers_of_the_same_sensors_make_one_line():
    lines = problems(
        segments("HH", 0, 600), segments("EH", 600, 1200), segments("HH", 1200, 1800), segments("EH", 1800, 3600)
    )
    assert [line.split(", ")[0] for line in lines] == [
        "XX.A..EH follows XX.A..HH 2 times",
        "XX.A..HH follows XX.A..EH 1 times",
    ]
