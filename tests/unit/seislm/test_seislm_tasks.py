"""Detection, phase identification and onset regression are scored as Muenchmeyer et al. (2022) define them."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import _picker_tasks as tasks


def curves(peaks, samples=1000):
    """Probabilities (windows, samples) with one sharp peak each: (sample, height)."""
    values = np.full((len(peaks), samples), 0.01)
    for row, (at, height) in zip(values, peaks, strict=True):
        row[at] = height
    return values


def test_detection_is_the_least_probability_of_noise():
    noise = 1 - curves([(500, 0.9), (10, 0.2), (900, 0.6)])
    score = tasks.detection_score(noise)
    np.testing.assert_allclose(score, [0.9, 0.2, 0.6])
    assert tasks.detection_auc(score, np.array([True, False, True])) == 1.0
    assert tasks.detection_auc(score, np.array([False, True, False])) == 0.0
    assert np.isnan(tasks.detection_auc(score, np.ones(3, bool)))


def test_blinded_samples_take_no_part():
    noise = 1 - curves([(500, 0.9)])
    noise[:, :10] = np.nan
    assert tasks.detection_score(noise)[0] == pytest.approx(0.9)


def test_the_phase_is_that_of_the_larger_peak():
    p, s = curves([(5, 0.8), (5, 0.1), (5, 0.3)]), curves([(7, 0.1), (7, 0.6), (7, 0.4)])
    score = tasks.phase_score(p, s)
    is_s = np.array([False, True, True])
    assert tasks.phase_mcc(score, is_s, 0.0) == 1.0
    assert tasks.phase_mcc(score, ~is_s, 0.0) == -1.0


def test_the_phase_threshold_is_chosen_for_the_best_correlation():
    score = np.array([-3.0, -2.5, -2.0, -1.5, -1.0, -0.5])  # a picker that always prefers P
    is_s = np.array([False, False, False, True, True, True])
    threshold = tasks.best_phase_threshold(score, is_s)
    assert tasks.phase_mcc(score, is_s, 0.0) == 0.0
    assert tasks.phase_mcc(score, is_s, threshold) == 1.0


def test_the_onset_is_the_largest_probability():
    assert tasks.onset_samples(curves([(123, 0.2), (7, 0.9)])).tolist() == [123, 7]
