"""Spectrograms of known signals, and why stations have none."""

import numpy as np
import pytest
from pydantic import ValidationError

from catalogdb.features.arrivals import wanted_arrivals
from catalogdb.features.config import FeaturesConfig
from catalogdb.features.spectrograms import (
    Arrival,
    LeftOut,
    Record,
    decibels,
    frame_starts,
    frequencies_hz,
    make_spectrogram,
)

CONFIG = FeaturesConfig()
P = 1e9
ARRIVAL = Arrival("e", P - 2.0, "XX", "AAA", P)


def record(rate=100.0, chan="HHZ", start=P - 10.0, seconds=40.0, tone=8.0, level=50.0):
    """Noise of rms 1, and a tone that lasts from P for five seconds."""
    time = start + np.arange(round(seconds * rate)) / rate - P
    noise = np.random.default_rng(4).standard_normal(time.size)
    return Record("", chan, rate, start, noise + level * np.sin(2 * np.pi * tone * time) * ((time > 0) & (time < 5)))


def reason(records, config=CONFIG):
    with pytest.raises(LeftOut) as error:
        make_spectrogram(records, ARRIVAL, config)
    return str(error.value)


@pytest.mark.parametrize("rate", [80.0, 100.0, 200.0, 31.25 * 4])
def test_a_tone_stands_at_its_frequency_and_time(rate):
    found = make_spectrogram([record(rate)], ARRIVAL, CONFIG)
    frames, frequencies = frame_starts(CONFIG), frequencies_hz(CONFIG)
    assert found.decibels.shape == (len(frames), len(frequencies)) == (71, 30)
    loud = found.decibels[(frames >= 0) & (frames <= 4)]
    assert set(frequencies[loud.argmax(axis=1)]) == {8.0}
    assert found.decibels[frames <= -1.0, 7].max() < loud[:, 7].min() - 14.0
    assert found.snr > 20 and found.channel_group == "XX.AAA..HH"


def test_an_instrument_of_another_gain_changes_nothing():
    one = record()
    other = Record("", "HHZ", one.rate, one.starttime, one.samples * 1000.0)
    found = [make_spectrogram([each], ARRIVAL, CONFIG).decibels for each in (one, other)]
    assert found[0] == pytest.approx(found[1], abs=1e-4)


def test_the_median_of_a_frequency_takes_its_response_away():
    power = np.random.default_rng(1).random((71, 30)) + 0.1
    response = np.linspace(1.0, 50.0, 30)
    config = CONFIG.model_copy(update={"median": "frequency", "range_db": None})
    assert decibels(power * response, config) == pytest.approx(decibels(power, config), abs=1e-4)
    assert decibels(power * response, CONFIG) != pytest.approx(decibels(power, CONFIG), abs=1.0)
    assert np.median(decibels(power, config), axis=0) == pytest.approx(np.zeros(30), abs=1e-6)


def test_a_louder_event_in_the_same_noise_looks_the_same():
    quiet, loud = (make_spectrogram([record(level=level)], ARRIVAL, CONFIG).decibels for level in (50.0, 500.0))
    assert quiet == pytest.approx(loud, abs=1.0)
    published = CONFIG.model_copy(update={"range_db": None})
    quiet, loud = (make_spectrogram([record(level=level)], ARRIVAL, published).decibels for level in (50.0, 500.0))
    assert (loud - quiet).max() > 15.0


def test_a_constant_that_is_no_whole_number_is_dead():
    found = record()
    found.samples[1000:1200] = 0.1
    assert reason([found]) == "dead"


def test_a_clipped_sensor_gives_way_to_another():
    clipped = record(level=1e5)
    clipped.samples[:] = np.clip(clipped.samples, -2e4, 2e4)
    assert reason([clipped]) == "clipped"
    found = make_spectrogram([clipped, record(chan="HNZ")], ARRIVAL, CONFIG)
    assert found.channel_group == "XX.AAA..HN"


def test_a_clock_that_is_a_little_slow_is_no_low_rate():
    config = CONFIG.model_copy(update={"freqmax": 40.0})
    assert make_spectrogram([record(99.9996)], ARRIVAL, config).decibels.shape == (71, 40)


@pytest.mark.parametrize(
    "block",
    [
        {"before_seconds": 1, "after_seconds": 1, "step_seconds": 1, "states": 50},
        {"before_seconds": 1, "after_seconds": 1, "step_seconds": 1, "min_events": 4},
    ],
)
def test_too_few_frames_to_learn_from_are_refused(block):
    with pytest.raises(ValidationError, match="too few to learn"):
        FeaturesConfig.model_validate(block)


def test_power_of_components_adds_up_however_they_are_turned():
    config = CONFIG.model_copy(update={"components": "all"})
    generator = np.random.default_rng(0)
    samples = generator.standard_normal((3, 4000)) * (1 + 30 * (np.arange(4000) > 1000))
    turn = np.linalg.qr(generator.standard_normal((3, 3)))[0]
    found = [
        make_spectrogram(
            [Record("", chan, 100.0, P - 10.0, row) for chan, row in zip(("HHZ", "HH1", "HH2"), rows, strict=True)],
            ARRIVAL, config,
        ).decibels
        for rows in (samples, turn @ samples)
    ]  # fmt: skip
    assert found[0] == pytest.approx(found[1], abs=1e-4)


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([], "no_waveform"),
        ([record(chan="LHZ")], "other_channels"),
        ([record(chan="HHN")], "no_component"),
        ([record(rate=50.0)], "low_rate"),
        ([record(start=P - 2.0)], "gap"),
        ([record(seconds=15.0)], "gap"),
        ([record(start=P - 10.0, seconds=12.0), record(start=P + 2.0, seconds=20.0)], "gap"),
        ([Record("", "HHZ", 100.0, P - 10.0, np.full(4000, 7))], "dead"),
        ([Record("", "HHZ", 100.0, P - 10.0, np.full(4000, np.nan))], "dead"),
        ([record(level=0.0)], "low_snr"),
    ],
)
def test_what_can_not_be_used_has_a_reason(records, expected):
    assert reason(records) == expected


def test_the_next_sensor_serves_where_the_first_has_a_gap():
    found = make_spectrogram([record(start=P - 2.0), record(chan="HNZ")], ARRIVAL, CONFIG)
    assert found.channel_group == "XX.AAA..HN"


def event(name, time, *arrivals):
    rows = [{"net": "XX", "sta": sta, "phase": phase, "time": at} for sta, phase, at in arrivals]
    return {"event_id": name, "time": time, "arrivals": rows}


def test_arrivals_left_out_are_counted():
    events = [
        event("a", 0.0, ("A", "P", 10.0), ("A", "S", 14.0), ("B", "S", 15.0), ("C", "Pn", 12.0)),
        event("b", 12.0, ("A", "P", 16.0), ("C", "P", 60.0)),
    ]
    found, counts = wanted_arrivals(events, CONFIG)
    assert [(one.event_id, one.sta) for one in found] == [("a", "C"), ("b", "C")]
    assert counts == {"event_stations": 5, "no_p": 1, "overlapping": 2}
    found, counts = wanted_arrivals(events, CONFIG.model_copy(update={"overlapping": True, "stations": ("XX.A",)}))
    assert [(one.event_id, one.p_time) for one in found] == [("a", 10.0), ("b", 16.0)]
    assert counts["event_stations"] == 2


@pytest.mark.parametrize(
    "wrong", [{"freqmin": 40.0}, {"frame_seconds": 4.0}, {"patterns": 20}, {"step_seconds": 2.0}, {"stations": []}]
)
def test_settings_that_contradict_one_another_are_refused(wrong):
    with pytest.raises(ValidationError):
        FeaturesConfig(**wrong)
