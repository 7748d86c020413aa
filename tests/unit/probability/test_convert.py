"""Probability traces as ObsPy, MsPASS, NumPy and miniSEED: the same samples at the same times."""

import io

import numpy as np
import obspy
import pytest

from catalogdb.probability.convert import channel_code, mspass_timeseries, obspy_stream, write_miniseed, write_npz
from catalogdb.probability.traces import ProbabilityTrace

START_NS = 1_711_500_000_123_456_000


@pytest.fixture
def trace():
    """Ten seconds of which P is unknown in the first and the middle second, S in the first."""
    values = np.random.default_rng(0).random((2, 1000), dtype=np.float32)
    values[:, :100] = np.nan
    values[0, 500:600] = np.nan
    return ProbabilityTrace(START_NS, 100.0, ("P", "S"), values, "ZNE", "OX.BAD.00.HH")


def test_stream_has_gaps_where_nothing_is_said(trace):
    stream = obspy_stream([trace], "OX", "BAD", "00", "PhaseNet")
    assert [part.id for part in stream] == ["OX.BAD.00.PhaseNet_P"] * 2 + ["OX.BAD.00.PhaseNet_S"]
    assert [part.stats.npts for part in stream] == [400, 400, 900]
    assert stream[0].stats.starttime.ns == START_NS + 10**9
    assert stream[1].stats.starttime.ns == START_NS + 6 * 10**9
    assert stream[1].data.dtype == np.float32 and np.array_equal(stream[1].data, trace.values[0, 600:])


def test_channel_codes():
    assert channel_code("D", 100.0, "EQTransformer") == "EQTransformer_Detection"
    assert [channel_code("P", rate) for rate in (1000, 250, 100, 40, 5)] == ["FXP", "CXP", "HXP", "BXP", "MXP"]


def test_mspass_series_are_live_and_in_utc(trace):
    first, second, third = mspass_timeseries(trace, "OX", "BAD", "00", "PhaseNet")
    assert all(series.live and series.time_is_UTC() for series in (first, second, third))
    assert [series["phase"] for series in (first, second, third)] == ["P", "P", "S"]
    assert second.t0 == pytest.approx(START_NS / 1e9 + 6, abs=1e-6) and second.dt == 0.01 and second.npts == 400
    assert second.time(10) == pytest.approx(trace.time(610), abs=1e-6)
    assert np.array_equal(np.array(second.data, dtype=np.float32), trace.values[0, 600:])
    expected = {"net": "OX", "sta": "BAD", "loc": "00", "chan": "PhaseNet_P", "components": "ZNE", "npts": 400}
    assert {key: second[key] for key in expected} == expected
    assert second["starttime"] == pytest.approx(second.t0) and second["sampling_rate"] == 100.0


def test_a_trace_of_nothing_but_nan_gives_no_series(trace):
    trace.values[:] = np.nan
    assert mspass_timeseries(trace, "OX", "BAD", "00") == []


def test_npz_is_read_without_pickles(trace):
    later = ProbabilityTrace(START_NS + 10**12, 99.9998, ("P", "S"), np.zeros((2, 3), np.float32), "Z", "OX.BAD.00.HH")
    content = io.BytesIO()
    write_npz([trace, later], content)
    content.seek(0)
    stored = np.load(content, allow_pickle=False)
    assert stored["labels"].tolist() == ["P", "S"] and stored["values"].dtype == np.float32
    first, second = np.split(stored["values"], np.cumsum(stored["npts"])[:-1], axis=1)
    assert np.array_equal(first, trace.values, equal_nan=True) and np.array_equal(second, later.values)
    assert stored["start_ns"].tolist() == [START_NS, START_NS + 10**12]
    assert stored["rate"].tolist() == [100.0, 99.9998] and stored["components"].tolist() == ["ZNE", "Z"]
    assert stored["channel_group"].tolist() == ["OX.BAD.00.HH"] * 2


def test_npz_of_traces_with_different_labels_is_refused(trace):
    other = ProbabilityTrace(START_NS, 100.0, ("P", "S", "D"), np.zeros((3, 5), np.float32))
    for traces in ([], [trace, other]):
        with pytest.raises(ValueError, match="one kind"):
            write_npz(traces, io.BytesIO())


def test_miniseed_reads_back_equal(trace):
    content = io.BytesIO()
    write_miniseed([trace], "OX", "BAD", content)
    stream = obspy.read(io.BytesIO(content.getvalue()), format="MSEED")
    expected = obspy_stream([trace], "OX", "BAD", "00")
    assert [part.id for part in stream] == ["OX.BAD.00.HXP", "OX.BAD.00.HXP", "OX.BAD.00.HXS"]
    for got, put in zip(stream, expected, strict=True):
        assert got.stats.starttime == put.stats.starttime and np.array_equal(got.data, put.data)


def test_miniseed_of_nothing_is_refused(trace):
    trace.values[:] = np.nan
    with pytest.raises(ValueError, match="no sample"):
        write_miniseed([trace], "OX", "BAD", io.BytesIO())
