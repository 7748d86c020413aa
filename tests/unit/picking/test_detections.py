"""Detections: SeisBench's triggers, and the same whatever the shard."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from obspy.signal.trigger import trigger_onset

from catalogdb.picking.detections import REACH_SECONDS, detections_in
from catalogdb.probability.traces import ProbabilityTrace

T0 = 1_700_000_000.0
RATE = 2.0


def trace_of(detection, start=T0, rate=RATE):
    values = np.zeros((3, len(detection)), dtype=np.float32)
    values[2] = detection
    return ProbabilityTrace(round(start * 1e9), rate, ("P", "S", "D"), values)


def spans(documents, rate=RATE):
    return [(round((d["starttime"] - T0) * rate), round((d["endtime"] - T0) * rate)) for d in documents]


def test_a_detection_begins_at_the_threshold_and_ends_at_half_of_it():
    (found,) = detections_in(trace_of([0, 0.2, 0.3, 0.9, 0.4, 0.15, 0.1, 0]), 0.3, T0, T0 + 100)
    assert found == {"starttime": T0 + 1, "endtime": T0 + 2.5, "probability": pytest.approx(0.9)}


def test_what_never_reaches_the_threshold_is_none():
    assert detections_in(trace_of([0, 0.29, 0.29, 0, np.nan]), 0.3, T0, T0 + 100) == []
    assert detections_in(trace_of([np.nan] * 5), 0.3, T0, T0 + 100) == []


@settings(max_examples=60)
@given(st.lists(st.sampled_from([0.0, 0.1, 0.15, 0.2, 0.3, 0.5, np.nan]), min_size=1, max_size=100))
def test_they_are_obspys_triggers(levels):
    probability = np.array(levels, dtype=np.float32)
    expected = trigger_onset(probability, np.float32(0.3), np.float32(0.15))
    assert spans(detections_in(trace_of(probability), 0.3, T0, T0 + 1000)) == [tuple(pair) for pair in expected]


def test_no_detection_lasts_longer_than_the_reach():
    samples = round(3 * REACH_SECONDS * RATE)
    (found,) = detections_in(trace_of(np.full(samples, 0.8)), 0.3, T0, T0 + 1000)
    assert found["endtime"] - found["starttime"] == REACH_SECONDS


@settings(max_examples=40)
@given(st.data())
def test_detections_do_not_depend_on_the_shard(data):
    """Long stretches near the threshold, cut anywhere, with just the reach on both sides."""
    lengths = data.draw(st.lists(st.integers(1, 150), min_size=3, max_size=8))
    levels = data.draw(st.lists(st.sampled_from([0.0, 0.2, 0.3, 0.6]), min_size=len(lengths), max_size=len(lengths)))
    values = np.repeat(levels, lengths)
    border = data.draw(st.integers(1, values.size - 1))
    end = values.size / RATE
    whole = detections_in(trace_of(values), 0.3, T0, T0 + end)
    reach = round(REACH_SECONDS * RATE) + 1
    parts = []
    for first, last in ((0, border), (border, values.size)):
        begin = max(0, first - reach)
        part = trace_of(values[begin : last + reach], T0 + begin / RATE)
        parts += detections_in(part, 0.3, T0 + first / RATE, T0 + last / RATE)
    assert parts == whole


def test_only_detections_that_start_in_the_shard_are_returned():
    trace = trace_of([0, 0, 0.9, 0.9, 0, 0.9, 0])
    assert spans(detections_in(trace, 0.3, T0, T0 + 1)) == []
    assert spans(detections_in(trace, 0.3, T0 + 1, T0 + 2.5)) == [(2, 3)]
    assert spans(detections_in(trace, 0.3, T0 + 2.5, T0 + 9)) == [(5, 5)]
