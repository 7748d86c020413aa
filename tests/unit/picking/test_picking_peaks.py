"""Peaks and saddles: the picks of every threshold from one table, as a trigger on the whole trace gives them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from obspy.signal.trigger import trigger_onset

from catalogdb.picking.peaks import peaks_and_saddles, picks_at, separated


def picks(probability, threshold, floor):
    samples, saddles = peaks_and_saddles(probability, floor)
    return samples[picks_at(probability[samples], saddles, threshold)].tolist()


def triggers(probability, threshold):
    """The largest sample of each stretch at or above half the threshold that reaches it, straight from the trace."""
    found, begin = [], None
    for sample, value in enumerate([*probability.tolist(), 0.0]):
        if value >= np.float32(threshold / 2):
            begin = sample if begin is None else begin
        elif begin is not None:
            stretch = probability[begin:sample]
            if stretch.max() >= np.float32(threshold):
                found.append(begin + int(np.argmax(stretch)))
            begin = None
    return found


def test_peaks_agree_with_obspys_trigger():
    rng = np.random.default_rng(1)
    for _ in range(30):
        probability = np.convolve(rng.random(3000) ** 8, np.hanning(25), "same").astype(np.float32)
        probability /= probability.max()
        probability[rng.integers(0, 3000, 5)] = np.nan
        expected = [on + np.nanargmax(probability[on : off + 1]) for on, off in trigger_onset(probability, 0.4, 0.2)]
        assert picks(probability, 0.4, 0.05) == expected
        assert picks(probability, 0.4, 0.4) == expected


@given(
    st.lists(st.one_of(st.integers(0, 12), st.just(-1)), max_size=60),
    st.sampled_from([0.05, 0.1, 0.25]),
    st.sampled_from([0.25, 0.3, 0.5, 0.75, 1.0]),
)
def test_each_threshold_finds_the_triggers_of_the_trace(twelfths, floor, threshold):
    """Few levels make flat tops and equal peaks common."""
    probability = np.array([np.nan if level < 0 else level / 12 for level in twelfths], dtype=np.float32)
    assert picks(probability, threshold, floor) == triggers(probability, threshold)


def test_shoulders_are_left_out_and_separate_peaks_keep_their_saddle():
    probability = np.array([0, 0.9, 0.6, 0.7, 0.1, 0.8, 0], dtype=np.float32)
    samples, saddles = peaks_and_saddles(probability, 0.05)
    assert samples.tolist() == [1, 5]
    assert saddles == pytest.approx([0, 0.1])


@pytest.mark.parametrize(("valley", "expected"), [(0.4, [1]), (0.39, [1, 3])])
def test_of_equal_tops_with_a_high_saddle_the_first_is_the_peak(valley, expected):
    """A twin would be a rival to the pick, and lower its quality."""
    probability = np.array([0, 0.8, valley, 0.8, 0], dtype=np.float32)
    assert peaks_and_saddles(probability, 0.05)[0].tolist() == expected


def test_peaks_do_not_depend_on_the_blocks_that_they_are_sought_in(monkeypatch):
    probability = np.abs(np.sin(np.arange(3000) ** 1.3 / 40)).astype(np.float32) ** 4
    whole = peaks_and_saddles(probability, 0.1)
    assert whole[0].size > 50
    for block in (1, 7, 100):
        monkeypatch.setattr("catalogdb.picking.peaks.BLOCK", block)
        assert np.array_equal(peaks_and_saddles(probability, 0.1), whole)


@pytest.mark.parametrize("probability", [[], [0.1, 0.2], [np.nan, np.nan]])
def test_nothing_above_the_threshold_gives_no_peaks(probability):
    assert picks(np.array(probability, dtype=np.float32), 0.3, 0.3) == []


def test_peaks_at_the_very_ends_are_found():
    assert picks(np.array([0.9, 0.1, 0.1, 0.8], dtype=np.float32), 0.3, 0.3) == [0, 3]


def test_of_close_peaks_the_highest_stays():
    samples = np.array([100, 120, 145, 400])
    assert separated(samples, np.array([0.5, 0.9, 0.8, 0.4]), 50).tolist() == [False, True, False, True]
    assert separated(samples, np.array([0.9, 0.5, 0.8, 0.4]), 30).tolist() == [True, False, True, True]


def test_peaks_just_far_enough_apart_both_stay():
    assert separated(np.array([0, 50]), np.array([0.5, 0.6]), 50).all()
    assert separated(np.array([], dtype=int), np.array([]), 50).size == 0
