"""Waveforms around picks, read by the index and correlated: two alike aftershocks at one borehole station."""

from dataclasses import replace

import numpy as np
import pytest

from catalogdb.relocation.config import CorrelateConfig
from catalogdb.relocation.correlate import correlate_pairs
from catalogdb.relocation.documents import Arrival
from catalogdb.stages.ingest_waveforms import ingest_waveforms
from catalogdb.stages.relocation_waveforms import read_waveforms, segments_needed

pytestmark = pytest.mark.realdata
ORIGINS = [1562486047.597, 1562487975.561]
PICKS = {"P": (1562486049.748, 1562487977.618), "S": (1562486051.218, 1562487979.058)}
CONFIG = CorrelateConfig()
PAIR = np.array([[0, 1]])


def arrivals(event, late=0.0):
    return [
        Arrival(phase, phase, "PB", "B918", times[event] + late, 1.0, 35.9, -117.6, 0.7, "PB.B918..EH")
        for phase, times in PICKS.items()
    ]


@pytest.fixture
def filled(db, realdata):
    files = sorted((realdata / "ridgecrest_2019" / "mseed").glob("PB.B918*"))
    assert ingest_waveforms(db, files).unreadable == 0
    return db


def measured(db, *events, pair=PAIR, origins=ORIGINS):
    needed, segments, parts = segments_needed(db, events, CONFIG)
    waveforms, problems = read_waveforms(db, events, needed, segments, CONFIG)
    assert problems == [] and set(parts) == {"PB.B918..EH"}
    found, _ = correlate_pairs(pair, waveforms, origins, CONFIG)
    return {time.phase: time for time in found}


def test_alike_events_correlate_whatever_their_picks_are_off(filled):
    found = measured(filled, arrivals(0), arrivals(1))
    assert found["P"].cc > 0.95 and found["S"].cc > 0.95
    assert [found[phase].time for phase in "PS"] == pytest.approx([0.0776, 0.0744], abs=0.002)
    shifted = measured(filled, arrivals(0), arrivals(1, late=0.1))
    turned = measured(filled, arrivals(0), arrivals(1), pair=PAIR[:, ::-1])
    for phase in "PS":
        assert shifted[phase].time == pytest.approx(found[phase].time, abs=0.003)
        assert turned[phase].time == pytest.approx(-found[phase].time, abs=0.003)


def test_no_waveform_and_other_files_are_other_inputs(filled):
    events = arrivals(0), arrivals(1)
    _, _, before = segments_needed(filled, events, CONFIG)
    filled.wf_file.update_many({}, {"$set": {"digest": "other"}})
    _, _, after = segments_needed(filled, events, CONFIG)
    assert before.keys() == after.keys() and before != after
    elsewhere = [replace(arrival, channel_group="PB.NONE..EH") for arrival in arrivals(0)]
    needed, segments, parts = segments_needed(filled, [elsewhere], CONFIG)
    assert parts == {} and read_waveforms(filled, [elsewhere], needed, segments, CONFIG) == ({}, [])
