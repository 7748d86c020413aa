"""Probability traces as ObsPy, MsPASS, NumPy (.npz) and miniSEED.

Channel codes. SeisBench names annotations by model and phase, `PhaseNet_P`; that is taken where a model is given. The
three characters of a miniSEED channel code don't hold it. There the code is band, `X`, label: `HXP`, `HXS`, `HXD` at
100 Hz. `X` is the instrument code of derived or generated data (SEED manual, appendix A, channel naming), the band code
follows from the sampling rate, and P, S and D (detection) stand where sensors have their orientation. The location
code stays that of the sensor.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from catalogdb.probability.traces import ProbabilityTrace
from catalogdb.spans import true_spans

if TYPE_CHECKING:
    from mspasspy.ccore.seismic import TimeSeries
    from obspy import Stream

_BANDS = ((1000.0, "F"), (250.0, "C"), (80.0, "H"), (10.0, "B"))
_RECORD_BYTES = 4096


def channel_code(label: str, rate: float, model: str = "") -> str:
    """Channel code of one row.

    Args:
        label: P, S or D.
        rate: samples per second.
        model: name of the model, for example PhaseNet; none: a code of three characters that miniSEED can hold.
    """
    if model:
        return f"{model}_{'Detection' if label == 'D' else label}"
    band = next((letter for least, letter in _BANDS if rate >= least), "M")
    return f"{band}X{label}"


def obspy_stream(traces: Iterable[ProbabilityTrace], net: str, sta: str, loc: str, model: str = "") -> Stream:
    """An ObsPy Stream: one float32 Trace for each row and stretch of samples; where nothing is said is a gap.

    Args:
        traces: any number of them.
        net, sta, loc: codes for the headers.
        model: as for `channel_code`.
    """
    from obspy import Stream, Trace, UTCDateTime

    stream = Stream()
    for trace in traces:
        for label, values in zip(trace.labels, trace.values, strict=True):
            for first, last in true_spans(~np.isnan(values)).tolist():
                header = {
                    "network": net,
                    "station": sta,
                    "location": loc,
                    "channel": channel_code(label, trace.rate, model),
                    "sampling_rate": trace.rate,
                    "starttime": UTCDateTime(ns=trace.sample_ns(first)),
                }
                stream.append(Trace(np.ascontiguousarray(values[first:last]), header))
    return stream


def mspass_timeseries(trace: ProbabilityTrace, net: str, sta: str, loc: str, model: str = "") -> list[TimeSeries]:
    """MsPASS TimeSeries, live and in UTC, one for each row and stretch of samples; where nothing is said is a gap.

    Metadata: net, sta, loc, chan (as `channel_code`), delta, sampling_rate, npts, starttime, `phase` (the label) and
    `components`.
    """
    from mspasspy.util.converter import Trace2TimeSeries

    made = []
    for row, label in enumerate(trace.labels):
        only = ProbabilityTrace(trace.start_ns, trace.rate, (label,), trace.values[row : row + 1])
        for part in obspy_stream([only], net, sta, loc, model):
            series = Trace2TimeSeries(part)
            series["phase"] = label
            series["components"] = trace.components
            made.append(series)
    return made


def write_npz(traces: Sequence[ProbabilityTrace], stream: BinaryIO) -> None:
    """Write traces as a compressed .npz file that NumPy reads without pickles.

    Arrays: `labels` (rows,), `values` float32 (rows, samples of all traces one after the other; NaN where nothing is
    said), and with one item for each trace: `start_ns` int64, `rate` float64 (Hz), `npts` int64, `components` and
    `channel_group`.

    Raises:
        ValueError: for no traces, and for traces with different labels.
    """
    kinds = {trace.labels for trace in traces}
    if len(kinds) != 1:
        raise ValueError(f"traces of one kind are needed, not of {len(kinds)}")
    (labels,) = kinds
    np.savez_compressed(
        stream,
        labels=np.array(labels),
        values=np.concatenate([trace.values for trace in traces], axis=1),
        start_ns=np.array([trace.start_ns for trace in traces], dtype=np.int64),
        rate=np.array([trace.rate for trace in traces], dtype=np.float64),
        npts=np.array([trace.samples for trace in traces], dtype=np.int64),
        components=np.array([trace.components for trace in traces]),
        channel_group=np.array([trace.channel_group for trace in traces]),
    )


def write_miniseed(traces: Iterable[ProbabilityTrace], net: str, sta: str, stream: BinaryIO) -> None:
    """Write traces as miniSEED 2, 32-bit floats, channel codes as `channel_code` without a model.

    miniSEED 2 keeps times to the microsecond and cannot say NaN apart from a gap.

    Raises:
        ValueError: when no sample says anything.
    """
    from obspy import Stream

    whole = Stream()
    for trace in traces:
        location = trace.channel_group.split(".")[2] if trace.channel_group else ""
        whole += obspy_stream([trace], net, sta, location)
    if not whole:
        raise ValueError("no sample says anything")
    whole.write(stream, format="MSEED", encoding="FLOAT32", reclen=_RECORD_BYTES)
