"""What a stage of a run says of waveforms that were not picked: one line per reason, however many tasks."""

from __future__ import annotations

from catalogdb.ledger.execute import TaskReport
from catalogdb.ledger.stage import Shard
from catalogdb.picking.unpicked import REASONS
from catalogdb.runs.run_report import StageReport


def report_of(*tasks):
    report = StageReport()
    for sta, counts in tasks:
        report.add(TaskReport("id", Shard({"net": "XX", "sta": sta}, 0.0, 86400.0), "done", counts))
    return report


def test_seconds_add_up_by_reason_and_station():
    report = report_of(
        ("AAA", {"short_run_seconds": 600, "picked_seconds": 9}),
        ("AAA", {"short_run_seconds": 300}),
        ("BBB", {"short_run_seconds": 60, "unnamed_sensor_seconds": 5000}),
    )
    assert report.unpicked_lines() == [
        f"5000 s at 1 station {REASONS['unnamed_sensor_seconds']}: XX.BBB 5000 s",
        f"960 s at 2 stations {REASONS['short_run_seconds']}: XX.AAA 900 s, XX.BBB 60 s",
    ]


def test_many_stations_are_one_line():
    (line,) = report_of(*((f"S{n:03}", {"incomplete_seconds": n}) for n in range(1, 500))).unpicked_lines()
    assert line.endswith("XX.S499 499 s, XX.S498 498 s, XX.S497 497 s and 496 more") and "at 499 stations" in line


def test_a_run_that_picked_everything_says_nothing():
    assert report_of(("AAA", {"picked_seconds": 86400, "P_picks": 3, "short_run_seconds": 0})).unpicked_lines() == []


def test_what_several_tasks_say_alike_is_one_line():
    report = StageReport()
    for hour, problems in enumerate((["AA: no response", "BB: gap"], ["AA: no response"], ["AA: no response"])):
        report.add(TaskReport("id", Shard({}, hour * 3600.0, hour * 3600.0 + 3600.0), "done", {}, problems))
    assert report.problems == [
        "window 1970-01-01T00:00:00: AA: no response (and 2 more tasks)",
        "window 1970-01-01T00:00:00: BB: gap",
    ]
