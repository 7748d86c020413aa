"""Axes of the page: labels of one axis have the same decimals, counts are whole, and midnights say which day."""

import json
import shutil
import subprocess
from importlib.resources import files

import pytest

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="no node")
CHART = files("catalogdb.report").joinpath("assets", "chart.js").read_text()
DAY = 86400.0
T0 = 19_783 * DAY  # 2024-03-01


def labels(call):
    program = f"{CHART}\nconst made = {call};\nconsole.log(JSON.stringify(made.ticks.map(made.text)));"
    done = subprocess.run(["node", "-"], input=program, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (46.31, 46.43, ["46.32", "46.34", "46.36", "46.38", "46.40", "46.42"]),
        (0.1, 9.9, ["2.5", "5.0", "7.5"]),
        (-1500.0, 1500.0, ["-1,500", "-1,000", "-500", "0", "500", "1,000", "1,500"]),
    ],
)
def test_labels_of_an_axis_have_the_same_decimals(low, high, expected):
    assert labels(f"niceTicks({low}, {high}, {len(expected) + 1})") == expected


@pytest.mark.parametrize(("high", "expected"), [(9.45, ["0", "2", "4", "6", "8"]), (2.1, ["0", "1", "2"])])
def test_numbers_of_things_have_no_halves(high, expected):
    assert labels(f"niceTicks(0, {high}, 5, true)") == expected


def test_midnights_of_several_days_are_dates():
    assert labels(f"timeTicks({T0}, {T0 + 1.5 * DAY}, 4)") == ["03-01", "12:00", "03-02", "12:00"]
    assert labels(f"timeTicks({T0}, {T0 + DAY}, 4)") == ["00:00", "06:00", "12:00", "18:00", "00:00"]
