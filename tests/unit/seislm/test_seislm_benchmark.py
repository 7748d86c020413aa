"""The benchmark's windows and scores: the truth scores full marks, and noise scores chance."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks._made_windows import FixedWindows, FreshWindows, fixed_windows, pool_of
from benchmarks._window_scores import TASKS, answers, scorer_of
from benchmarks.seislm import rows_of


@pytest.fixture(scope="module")
def pool():
    return pool_of(1, earthquakes=4, noise_sites=3)


@pytest.fixture(scope="module")
def windows(pool):
    return fixed_windows(pool, 1, 60)


@pytest.fixture(scope="module")
def truth(windows):
    return answers(windows.labels, windows)


@pytest.fixture(scope="module")
def chance(windows):
    noise = np.random.default_rng(0).dirichlet((30, 1, 1), (60, windows.data.shape[-1])).transpose(0, 2, 1)
    return answers(noise, windows)


@pytest.mark.parametrize("task", TASKS)
def test_the_truth_scores_full_marks(task, truth):
    score = scorer_of(task, truth, truth)(np.arange(60))
    assert score == pytest.approx(0.0, abs=0.006) if task.startswith("onset") else score > 0.95


@pytest.mark.parametrize(("task", "most"), [("pick_p", 0.3), ("pick_s", 0.3), ("detection", 0.7), ("phase", 0.4)])
def test_noise_scores_little(task, most, chance):
    assert scorer_of(task, chance, chance)(np.arange(60)) < most


def test_rows_have_the_difference_with_its_interval(truth, chance):
    rows = rows_of(50, {"pretrained": [truth_pair(truth)], "random": [truth_pair(chance)]})
    assert {row["task"] for row in rows} == set(TASKS)
    (row,) = [row for row in rows if row["task"] == "pick_p" and row["model"] == "pretrained - random"]
    assert row["labels"] == 50 and 0 < row["interval"][0] < row["score"] < row["interval"][1]


def truth_pair(found):
    return found, found


def test_windows_depend_on_their_seed_alone(pool, windows):
    for source in (FixedWindows(windows, 10), FreshWindows(pool, 10)):
        one, again, other = ([batch.data for batch in source.batches(4, seed)] for seed in ([1, 2], [1, 2], [1, 3]))
        assert [len(data) for data in one] == [4, 4, 2]
        assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True))
        assert not np.array_equal(one[0], other[0])
