"""miniSEED records -> their samples, by ObsPy's decoder."""

from __future__ import annotations

import io
import warnings
from collections import Counter, defaultdict
from itertools import pairwise

import numpy as np

from catalogdb.waveforms.records import Records, codes, location

DECODED_TOGETHER_BYTES = 2**18
"""ObsPy's decoder holds what it decodes at a time twice, in memory that is used again only where it is not much."""


def decoded_samples(content: bytes, records: Records) -> dict[bytes, np.ndarray] | str:
    """Samples of each channel, by its `Records.sid`, in the records' order; or why they can't be had.

    Args:
        content: bytes that hold the records.
        records: rows of `read_records`, in the order of the file.
    """
    borders = np.flatnonzero(np.diff((records.offset - records.offset[0]) // DECODED_TOGETHER_BYTES)) + 1
    samples: dict[bytes, np.ndarray] = {}
    filled: Counter[bytes] = Counter()
    for first, end in pairwise([0, *borders.tolist(), len(records)]):
        decoded = _by_obspy(content, records.select(slice(first, end)))
        if isinstance(decoded, str):
            return decoded
        for sid, data in decoded.items():
            if sid not in samples:
                samples[sid] = np.zeros(int(records.npts[records.sid == sid].sum()), data.dtype)
            kind = np.result_type(samples[sid], data)  # another one where the encoding changes
            samples[sid] = samples[sid].astype(kind, copy=False)
            samples[sid][filled[sid] : filled[sid] + len(data)] = data
            filled[sid] += len(data)
    return samples


def _by_obspy(content: bytes, records: Records) -> dict[bytes, np.ndarray] | str:
    """The same, all at once."""
    from obspy.io.mseed.core import _read_mseed  # obspy.read looks for plugins each time, which takes longer than this

    first, end = int(records.offset[0]), int(records.offset[-1] + records.length[-1])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            stream = _read_mseed(io.BytesIO(content[first:end]))
        except Exception as error:  # the decoder raises whatever the bytes lead it to
            return _short(error)
    if corrupt := [warning for warning in caught if "integrity check" in str(warning.message)]:
        return _short(corrupt[0].message)
    decoded: dict[tuple[str, ...], list[np.ndarray]] = defaultdict(list)
    for trace in stream:
        stats = trace.stats
        decoded[stats.network, stats.station, location(stats.location), stats.channel].append(trace.data)
    samples = {}
    for sid in np.unique(records.sid):
        parts = decoded.get(codes(bytes(sid)), [])
        expected = int(records.npts[records.sid == sid].sum())
        if sum(map(len, parts)) != expected:
            return f"{sum(map(len, parts))} samples decoded where the headers promise {expected}"
        samples[sid] = parts[0] if len(parts) == 1 else np.concatenate(parts)
    return samples


def _short(error: object) -> str:
    return " ".join(str(error).split())[:160]
