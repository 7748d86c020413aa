"""Differential times as HypoDD reads them: dt.ct of picks and dt.cc by cross-correlation (Waldhauser, 2001, hypoDD,
USGS Open-File Report 01-113, sections 4.2 and 4.3)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from catalogdb.errors import InputError

Kind = Literal["ct", "cc"]
UNKNOWN_CORRECTION = -999.0
HINT = {
    "ct": "dt.ct has '# ID1 ID2' and under it lines of station, two travel times, weight and P or S",
    "cc": "dt.cc has '# ID1 ID2 OTC' and under it lines of station, differential time, weight and P or S",
}


@dataclass(frozen=True)
class PeerTime:
    """One differential time of two events by their numbers.

    Args:
        first, second: numbers of the events.
        station: code.
        phase: P or S.
        time: travel time of the first event minus that of the second one, after their origin times, s; NaN where the
            file has no correction of these (OTC of -999), and HypoDD leaves the time out too.
        weight: 0..1; of correlated ones mostly the coefficient.
        line: where it stands in the file.
    """

    first: int
    second: int
    station: str
    phase: str
    time: float
    weight: float
    line: int


def read_times(path: Path, kind: Kind) -> Iterator[PeerTime]:
    """Differential times of a file in its order.

    Raises:
        InputError: naming the file and the line that can't be read.
    """
    try:
        lines = path.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror}") from None
    pair: tuple[int, int, float] | None = None
    for number, text in enumerate(lines, 1):
        fields = text.split()
        if not fields:
            continue
        try:
            if fields[0].startswith("#"):
                values = text.replace("#", " ").split()
                pair = int(values[0]), int(values[1]), float(values[2]) if kind == "cc" else 0.0
                continue
            if pair is None:
                raise ValueError
            yield _time(fields, kind, pair, number)
        except (ValueError, IndexError):
            raise InputError(f"{path}: line {number}: no differential time: {text[:60]!r}", hint=HINT[kind]) from None


def _time(fields: list[str], kind: Kind, pair: tuple[int, int, float], number: int) -> PeerTime:
    """A line below the head of its pair; the correction of origin times is taken off, as HypoDD does."""
    first, second, correction = pair
    phase = fields[-1].upper()
    if phase not in ("P", "S"):
        raise ValueError
    if kind == "cc":
        time, weight = float(fields[1]) - correction, float(fields[2])
    else:
        time, weight = float(fields[1]) - float(fields[2]), float(fields[3])
    if not math.isfinite(time) or not 0.0 <= weight < math.inf:
        raise ValueError
    if kind == "cc" and correction == UNKNOWN_CORRECTION:
        time = math.nan
    return PeerTime(first, second, fields[0], phase, time, weight, number)
