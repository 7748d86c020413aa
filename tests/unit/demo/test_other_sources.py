"""Made blasts and slides: what sets them apart from earthquakes, and that the same seed makes the same."""

import numpy as np
import pytest

from catalogdb.demo.catalog import Earthquake
from catalogdb.demo.other_sources import Blast, Slide, synthesize_blast, synthesize_slide
from catalogdb.demo.seismogram import Receivers, synthesize
from catalogdb.demo.typed_records import typed_records

BLAST = Blast(0.3, 1.5, shots=1, delay_s=0.02, corner_hz=10.0, s_share=0.7, rg_share=0.8)
SAMPLES = 8192


def places(*distances):
    count = len(distances)
    azimuth = np.linspace(0, 300, count)
    zero = np.zeros(count)
    return Receivers(np.array(distances), azimuth, (azimuth + 180) % 360, zero, np.full(count, 0.02), zero)


def rms(rows, begin, end):
    return np.sqrt((rows[:, round(100 * begin) : round(100 * end)] ** 2).mean())


def s_over_p(made, number=0):
    p, s = made.p_time_s[number], made.s_time_s[number]
    return rms(made.velocity_m_s[number], s, s + 2) / rms(made.velocity_m_s[number], p, p + 2)


def test_a_blast_makes_less_s_than_an_earthquake():
    stations = places(*[30.0] * 12)
    quake = Earthquake(0.0, 46.3, 13.1, 8.0, 1.5, 30.0, 60.0, 20.0, 3e6)
    shaken = synthesize(quake, stations, np.random.default_rng(1), samples=SAMPLES)
    blown = synthesize_blast(BLAST, stations, np.random.default_rng(1), samples=SAMPLES)
    ratios = [np.median([s_over_p(made, number) for number in range(12)]) for made in (shaken, blown)]
    assert ratios[0] > 2 * ratios[1]


def test_ripple_firing_takes_high_frequencies_away():
    spectra = []
    for shots in (1, 20):
        blast = Blast(**{**vars(BLAST), "shots": shots, "rg_share": 0.0})
        made = synthesize_blast(blast, places(20.0), np.random.default_rng(2), samples=SAMPLES)
        power = np.abs(np.fft.rfft(made.velocity_m_s[0, 0])) ** 2
        spectra.append(power[round(81.92 * 15) : round(81.92 * 20)].mean() / power[81:246].mean())
    assert spectra[1] < 0.5 * spectra[0]


def test_a_slide_is_slow_to_rise():
    slide = Slide(12.0, 15.0, 3.0, 2.0, impacts=0)
    made = synthesize_slide(slide, places(10.0), np.random.default_rng(3), samples=SAMPLES)
    first = made.p_time_s[0]
    early, late = (rms(made.velocity_m_s[0], first + at, first + at + 2) for at in (0.0, 9.0))
    assert late > 2 * early


def test_nothing_moves_before_the_first_onset():
    for made in (
        synthesize_blast(BLAST, places(40.0), np.random.default_rng(4), samples=SAMPLES),
        synthesize_slide(Slide(5.0, 5.0, 3.0, 2.0, 0), places(40.0), np.random.default_rng(4), samples=SAMPLES),
    ):
        first = made.p_time_s[0]
        assert rms(made.velocity_m_s[0], 0.0, 3.0) < 0.1 * rms(made.velocity_m_s[0], first, first + 10)


def test_typed_records_repeat_and_hold_three_types():
    first, second = (list(typed_records(5, 3)) for _ in range(2))
    assert {record.event_type for record in first} == {"earthquake", "quarry blast", "slide"}
    assert all(np.array_equal(a.traces[0].data, b.traces[0].data) for a, b in zip(first, second, strict=True))
    assert first[0].onsets[0].time == pytest.approx(first[0].starttime + 15.0, abs=0.5)
