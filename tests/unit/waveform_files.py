"""Made miniSEED files, whole or record by record."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import obspy

from catalogdb.waveforms import scan_miniseed

MSEED = Path(obspy.__file__).parent / "io" / "mseed" / "tests" / "data"
START = obspy.UTCDateTime(2024, 3, 27)
EVER = (0.0, 4e9)


def wander(samples, seed=0, dtype=np.int32):
    return np.random.default_rng(seed).normal(0, 100, samples).cumsum().astype(dtype)


def trace(data, start=START, chan="HHZ", rate=100.0, sta="BAD"):
    return obspy.Trace(
        data, {"network": "OX", "station": sta, "channel": chan, "sampling_rate": rate, "starttime": start}
    )


def write(path, *traces, **options):
    obspy.Stream(list(traces)).write(str(path), format="MSEED", **{"reclen": 512, **options})
    return path


def scan_all(*paths):
    return [segment for path in paths for segment in scan_miniseed(path).segments]


def in_order(stream):
    """Samples per channel, in the order of the file."""
    samples = {}
    for item in stream:
        samples.setdefault(item.id, []).append(item.data)
    return {name: np.concatenate(parts) for name, parts in samples.items()}


def write_records(path, data, starts, samples=400, rate=100.0):
    """One record per start time, whatever the times are."""
    with open(path, "wb") as stream:
        for number, start in enumerate(starts):
            record = trace(data[number * samples : (number + 1) * samples], START + float(start), rate=rate)
            record.write(stream, format="MSEED", reclen=4096, encoding="INT32")
    return path


def scattered(jitter_ms, drift, records=900, seconds=4.0):
    """Start times (s) of an hour's records by a bad clock, to the 0.1 ms of a record header."""
    true = np.arange(records) * seconds * (1 - drift)
    return np.round(true + np.random.default_rng(5).uniform(-jitter_ms, jitter_ms, records) / 1000, 4)


def largest_error(item, starts, samples=400):
    """Of the trace's sample times, held against the record times (s)."""
    interval = 1 / item.stats.sampling_rate
    return np.abs(item.stats.starttime - START + np.arange(len(starts)) * samples * interval - starts).max()
