"""Faults in raw counts are noted and nothing is taken for one that isn't."""

from __future__ import annotations

import numpy as np
import pytest
from obspy import Trace, UTCDateTime, read

from catalogdb.picking.faults import count_faults
from catalogdb.picking.stretches import build_stretches


def noise(samples=60_000, size=100):
    return np.random.default_rng(1).normal(0, size, samples).astype(np.int32)


def test_clipping_at_both_rails_is_counted():
    data = noise()
    data[1000:1100], data[2000:2050], data[3000:3003] = 2**23 - 1, -(2**23), 2**23 - 1
    assert count_faults(data)["clipped_samples"] == 150


def test_spikes_and_steps_are_jumps():
    data = noise()
    data[5000] = 10_000_000
    data[9000:] += 5_000_000
    assert count_faults(data) == {"jumps": 3}


@pytest.mark.parametrize("size", [0.3, 1, 100, 1e6])
def test_noise_of_any_size_has_no_faults(size):
    assert not count_faults(noise(size=size))
    assert not count_faults(np.zeros(3, dtype=np.int32))


def test_an_aftershock_sequence_has_no_jumps(realdata):
    for path in sorted((realdata / "ridgecrest_2019" / "mseed").glob("*B921*")):
        assert not count_faults(read(str(path))[0].data)


def test_faults_are_in_the_counts_and_problems_of_a_channel():
    data = noise()
    data[1000:1100], data[40_000] = 2**23 - 1, -(2**23)
    header = {"network": "XX", "station": "A", "channel": "HHZ", "sampling_rate": 100.0, "starttime": UTCDateTime(0)}
    records = build_stretches([Trace(data, header)], 100.0)
    assert records.counts["clipped_samples"] == 100
    assert records.counts["jumps"] == 4
    assert len(records.stretches) == 1 and any("HHZ: 100 samples are clipped" in text for text in records.problems)
