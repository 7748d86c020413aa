"""Statistics of the report."""

import numpy as np
import pytest

from catalogdb.report.rows import statistics


def test_statistics_count_every_value_once():
    values = np.random.default_rng(1).normal(0.1, 0.3, 1000)
    found = statistics(values, signed=True)
    drawn = found["histogram"]
    assert found["n"] == 1000 == sum(drawn["counts"]) + drawn["below"] + drawn["above"]
    assert found["median"] == pytest.approx(np.median(values))
    assert drawn["low"] == pytest.approx(-drawn["width"] * len(drawn["counts"]) / 2)


def test_statistics_leave_out_what_is_no_number():
    assert statistics([]) is None and statistics([float("nan")]) is None
    found = statistics([0.0, 0.0, float("inf")])
    assert (found["n"], found["median"], sum(found["histogram"]["counts"])) == (2, 0.0, 2)
