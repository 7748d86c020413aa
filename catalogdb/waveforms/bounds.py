"""What no record of real data has: rates, lengths and times that only a damaged or a made-up header gives."""

from __future__ import annotations

import numpy as np

LOWEST_YEAR, HIGHEST_YEAR = 1900, 2100
"""As in libmseed."""
LOWEST_RATE = 1e-6
"""Samples per second: below lie SEED's bands for signals of weeks (T, Q)."""
HIGHEST_RATE = 1e7
"""Samples per second: acoustic emission in the laboratory."""
LONGEST_RECORD_SECONDS = 366 * 86_400.0
"""A record of hourly values lasts months, one of a second's values an hour."""


def outside(npts: np.ndarray, rate: np.ndarray, start_ns: np.ndarray) -> list[tuple[np.ndarray, str]]:
    """Masks of the records that lie outside a bound, each with the reason; a record is in one mask at most.

    Args:
        npts: samples of each record (n,).
        rate: samples per second (n,), above 0 where there are samples.
        start_ns: time of the first sample (n,), nanoseconds since 1970.
    """
    sampled = (npts > 0) & (rate > 0)
    # NaN is in no range
    wrong_rate = sampled & ~((rate >= LOWEST_RATE) & (rate <= HIGHEST_RATE))
    seconds = np.divide(npts, rate, out=np.zeros(len(npts)), where=sampled & ~wrong_rate)
    too_long = seconds > LONGEST_RECORD_SECONDS
    last = np.datetime64(f"{HIGHEST_YEAR + 1}-01-01").astype("datetime64[ns]").astype(np.int64)
    too_late = ~too_long & (start_ns / 1e9 + seconds >= last / 1e9)
    return [
        (wrong_rate, f"a sampling rate outside {LOWEST_RATE:g} to {HIGHEST_RATE:g} Hz"),
        (too_long, f"longer than {LONGEST_RECORD_SECONDS / 86_400:g} days"),
        (too_late & sampled & ~wrong_rate, f"it ends after {HIGHEST_YEAR}"),
    ]
