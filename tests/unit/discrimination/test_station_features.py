"""Features of a station: what they measure, and when there are none."""

import numpy as np
import pytest
from labelled_records import P_SAMPLE, RATE, S_SAMPLE, START, record
from typed_waveforms import records_of

from catalogdb.discrimination.features import NAMES, NoFeatures, Onsets, expected_onsets, station_features

ONSETS = Onsets(START + P_SAMPLE / RATE, START + S_SAMPLE / RATE)


def features(traces, onsets=ONSETS):
    return dict(zip(NAMES, station_features(traces, onsets), strict=True))


def test_a_station_gives_every_feature_as_a_number():
    found = features(record(0).traces)
    assert len(found) == len(NAMES) and np.isfinite(list(found.values())).all()
    assert found["apart"] == pytest.approx(np.log10(6.0))


def test_a_larger_s_lowers_p_over_s():
    before = features(record(0).traces)
    traces = record(0).traces
    for trace in traces:
        trace.data[S_SAMPLE:] *= 3
    after = features(traces)
    falls = [before[name] - after[name] for name in NAMES if name.startswith("p_over_s")]
    assert min(falls[2:4]) > 0.7  # of power, where the wavelets are: close to log10(9)


def test_features_do_not_depend_on_the_unit():
    traces = record(0).traces
    for trace in traces:
        trace.data *= 1e-6
    assert list(features(traces).values()) == pytest.approx(list(features(record(0).traces).values()), abs=1e-4)


def test_a_vertical_alone_lacks_horizontals_only():
    found = features(record(0).traces[:1])
    assert {name for name, value in found.items() if np.isnan(value)} == {"p_horizontal", "s_horizontal"}


@pytest.mark.parametrize(
    ("reason", "change"),
    [
        ("no_waveform", lambda traces: []),
        ("no_vertical", lambda traces: traces[1:]),
        ("gap", lambda traces: [trace.slice(endtime=trace.stats.starttime + 25) for trace in traces]),
        ("low_rate", lambda traces: [trace.decimate(5) for trace in traces]),
        ("low_snr", lambda traces: [_noise_of(trace) for trace in traces]),
        ("dead", lambda traces: [_filled_up(trace, S_SAMPLE, 60) for trace in traces]),
        ("dead", lambda traces: [_filled_up(traces[0], P_SAMPLE - 300, 100), *traces[1:]]),
        ("clipped", lambda traces: [_clipped(trace) for trace in traces]),
    ],
)
def test_what_can_not_be_measured_says_why(reason, change):
    with pytest.raises(NoFeatures, match=f"^{reason}$"):
        station_features(change(record(0).traces), ONSETS)


def _filled_up(trace, first, samples):
    """As where a gap was filled with zeros."""
    trace.data[first : first + samples] = 0
    return trace


def _clipped(trace):
    samples = np.repeat(trace.data, 4)[: trace.data.size] * 1e5
    trace.data = np.clip(samples, -0.2 * samples.max(), 0.2 * samples.max())
    return trace


def test_a_dead_horizontal_leaves_the_vertical():
    traces = record(0).traces
    found = features([traces[0], _filled_up(traces[1], S_SAMPLE, 100), traces[2]])
    assert {name for name, value in found.items() if np.isnan(value)} == {"p_horizontal", "s_horizontal"}


def test_a_clock_that_is_a_little_slow_is_no_low_rate():
    traces = [trace.resample(40.0) for trace in record(0).traces]
    for trace in traces:
        trace.stats.sampling_rate = 39.9996
    assert np.isfinite(list(features(traces).values())).all()


@pytest.mark.parametrize("kind", ["earthquake", "quarry blast"])
def test_an_accelerometer_gives_the_features_of_velocity(kind):
    one = records_of(kind)[0]
    onsets = Onsets(*(onset.time for onset in one.onsets))
    traces = [trace.copy() for trace in one.traces]
    for trace in traces:
        trace.data = np.gradient(trace.data.astype(np.float64)) * trace.stats.sampling_rate
    as_velocity = station_features(traces, onsets)
    for trace in traces:
        trace.stats.channel = "HN" + trace.stats.channel[-1]
    expected = station_features(one.traces, onsets)
    assert station_features(traces, onsets) == pytest.approx(expected, abs=0.06, nan_ok=True)
    assert as_velocity != pytest.approx(expected, abs=0.5, nan_ok=True)


@pytest.mark.parametrize(("reason", "apart"), [("too_near", 0.2), ("too_far", 60.0)])
def test_stations_too_near_or_too_far_give_none(reason, apart):
    with pytest.raises(NoFeatures, match=reason):
        station_features(record(0).traces, Onsets(ONSETS.p, ONSETS.p + apart))


def _noise_of(trace):
    trace.data = np.random.default_rng(1).normal(0, 10, trace.data.size).astype(np.float32)
    return trace


@pytest.mark.parametrize(
    ("p", "s", "origin", "expected"),
    [
        (10.0, 15.0, None, (10.0, 15.0)),
        (10.0, None, 0.0, (10.0, 17.3)),
        (None, 17.3, 0.0, (10.0, 17.3)),
        (10.0, 8.0, 0.0, (10.0, 17.3)),
        (10.0, None, None, None),
        (None, None, 0.0, None),
    ],
)
def test_a_missing_phase_follows_from_the_origin(p, s, origin, expected):
    found = expected_onsets(p, s, origin)
    assert (found and (found.p, found.s)) == (expected and pytest.approx(expected))


def test_a_blast_has_more_p_over_s_than_an_earthquake():
    mean = {}
    for kind in ("earthquake", "quarry blast"):
        rows = []
        for each in records_of(kind, stations=6):
            try:
                onsets = Onsets(*(onset.time for onset in each.onsets))
                rows.append(features(each.traces, onsets)["p_over_s_6_12"])
            except NoFeatures:
                continue
        mean[kind] = np.mean(rows)
    assert mean["quarry blast"] > mean["earthquake"] + 0.5
