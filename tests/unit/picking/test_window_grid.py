"""The grid of windows and the peaks of probability traces."""

from __future__ import annotations

import numpy as np
import pytest

from catalogdb.picking.window_grid import overlap_samples, window_starts

T0_NS = 1_700_000_000_123_456_789


def test_windows_of_two_reads_lie_on_the_same_samples():
    whole = window_starts(T0_NS, 100.0, 100_000, 3001, 1501, 100.0)
    for skip in (1, 700, 1501, 12_345):
        part = window_starts(T0_NS + skip * 10_000_000, 100.0, 100_000 - skip, 3001, 1501, 100.0)
        assert set(part[1:-1] + skip) <= set(whole)
        assert part[0] == 0


def test_windows_cover_a_run_to_its_ends():
    starts = window_starts(T0_NS, 100.0, 50_000, 3001, 1501, 100.0)
    assert starts[0] == 0 and starts[-1] == 50_000 - 3001
    assert np.diff(starts).max() <= 1501
    assert (np.diff(starts) > 0).all()


def test_windows_start_nearest_to_multiples_of_the_stride():
    starts = window_starts(T0_NS, 100.0, 50_000, 3001, 1501, 100.0)[1:-1]
    multiples = (T0_NS / 1e9 + starts / 100) / 15.01
    assert np.abs(multiples - np.round(multiples)).max() * 15.01 <= 0.0054


@pytest.mark.parametrize("jitter_ns", [-90_000, -1, 1, 90_000])
@pytest.mark.parametrize("phase_ms", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
def test_clock_jitter_does_not_move_windows(phase_ms, jitter_ns):
    start_ns = 1_700_000_000_000_000_000 + phase_ms * 1_000_000
    calm = window_starts(start_ns, 100.0, 50_000, 3000, 1500, 100.0)
    assert np.array_equal(calm, window_starts(start_ns + jitter_ns, 100.0, 50_000, 3000, 1500, 100.0))


def test_a_stretch_has_a_window_from_a_window_s_length_on():
    assert window_starts(T0_NS, 100.0, 3000, 3001, 1501, 100.0).size == 0
    assert window_starts(T0_NS, 100.0, 3001, 3001, 1501, 100.0).tolist() == [0]


def test_overlap_in_fractions_and_samples():
    assert overlap_samples(0.5, 3001) == 1500
    assert overlap_samples(1800, 3001) == 1800
    with pytest.raises(ValueError, match="stride"):
        overlap_samples(3001, 3001)
