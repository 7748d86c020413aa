"""The headers of all miniSEED 2 records in a stretch of bytes, decoded at once.

MsPASS's indexer and ObsPy's reader both tell little about single records. Both the index and the reader here need each
record's place, time and number of samples: to see tears shorter than the indexer's half second, to keep the good part
of a damaged file, and to pass over just the records that can't be decoded.

Source: FDSN SEED Manual 2.4, chapter 8 (fixed section of data header, blockettes 100, 500, 1000 and 1001).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np

from catalogdb.waveforms.bounds import HIGHEST_YEAR, LOWEST_YEAR, outside
from catalogdb.waveforms.clock import CHAIN_TEAR

HEADER_BYTES = 48
SMALLEST_RECORD = 64
LARGEST_LENGTH_EXPONENT = 20
ASCII_ENCODING = 0
UNKNOWN_ENCODING = 255
RATE_TOLERANCE = 1e-4
"""Rates this close (relative) are one rate, as in libmseed."""

# sequence number, quality, reserved, codes, then hour, minute, second in range: libmseed's test of a header
_HEADER = re.compile(
    rb"[0-9 \x00]{6}[DRQM][ \x00][0-9A-Za-z_ \-\x00\x80-\xff]{12}.{4}[\x00-\x17][\x00-\x3b][\x00-\x3c].{21}", re.DOTALL
)
_IN_CODES = np.array([bool(re.match(rb"[0-9A-Za-z_ \-\x00\x80-\xff]", bytes([byte]))) for byte in range(256)])
_TIME_CORRECTION_APPLIED = 2


@dataclass
class Records:
    """One row per record, in file order.

    Attributes:
        offset, length: place in the bytes (bytes).
        sid: network, station, location and channel code as in the header: 12 bytes, `codes` reads them.
        start_ns: time of the first sample (nanoseconds since 1970, UTC), corrections applied.
        npts: number of samples.
        rate: samples per second, 0 for records that hold no time series.
        encoding: SEED data encoding format, 255 where the record doesn't say.
    """

    offset: np.ndarray
    length: np.ndarray
    sid: np.ndarray
    start_ns: np.ndarray
    npts: np.ndarray
    rate: np.ndarray
    encoding: np.ndarray

    def __len__(self) -> int:
        return len(self.offset)

    def select(self, chosen: np.ndarray | slice) -> Records:
        """The chosen rows."""
        return Records(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})

    def has_samples(self) -> np.ndarray:
        """Mask of the records that hold samples of a time series, of whatever rate and time."""
        mask: np.ndarray = (self.npts > 0) & (self.rate > 0) & (self.encoding != ASCII_ENCODING)
        return mask

    def usable(self) -> np.ndarray:
        """Mask of the records that hold samples of a time series within the bounds of real data."""
        usable = self.has_samples()
        for mask, _ in outside(self.npts, self.rate, self.start_ns):
            usable &= ~mask
        return usable

    def has_station(self) -> np.ndarray:
        """Mask of the records that name a station."""
        distinct, row = np.unique(self.sid, return_inverse=True)
        mask: np.ndarray = np.array([bool(codes(bytes(sid))[1]) for sid in distinct], dtype=bool)[row]
        return mask


@dataclass
class Junk:
    """Bytes that are no record; `reason` where they look like one and their time is none."""

    offset: int
    length: int
    reason: str = ""


def codes(sid: bytes) -> tuple[str, str, str, str]:
    """Network, station, location and channel code from a header's 12 bytes."""
    text = "".join(chr(byte) if 32 < byte < 127 else " " for byte in sid.ljust(12))
    return text[10:12].strip(), text[0:5].strip(), location(text[5:7].strip()), text[7:10].strip()


def location(code: str) -> str:
    """The location code, empty for the dashes that some write in place of an empty one."""
    return "" if code == "--" else code


def chain_breaks(records: Records, adjacent: bool) -> np.ndarray:
    """First row of each chain of records that follow one another (ascending row numbers, beginning with 0).

    A chain ends where the channel or the rate changes, or where the next record starts `CHAIN_TEAR` samples or more off
    the end of the one before. With `adjacent`, it also ends where other bytes lie between two records.
    """
    if not len(records):
        return np.empty(0, np.int64)
    interval_ns = 1e9 / records.rate
    after = records.start_ns + np.rint(records.npts * interval_ns).astype(np.int64)
    tear = np.abs(records.start_ns[1:] - after[:-1]) >= CHAIN_TEAR * interval_ns[:-1]
    tear |= records.sid[1:] != records.sid[:-1]
    tear |= np.abs(records.rate[1:] / records.rate[:-1] - 1) > RATE_TOLERANCE
    if adjacent:
        tear |= records.offset[1:] != (records.offset + records.length)[:-1]
    return np.concatenate([[0], np.flatnonzero(tear) + 1])


def read_records(content: bytes) -> tuple[Records, list[Junk]]:
    """Find and decode the record headers; bytes between records come back as junk (full-SEED headers included)."""
    offsets, lengths, junk = _uniform(content) or _walk(content)
    if not len(offsets):
        return _no_records(), junk
    records, valid = _decode(np.frombuffer(content, np.uint8), offsets, lengths)
    if not valid.all():
        reason = f"a header whose year is not in {LOWEST_YEAR} to {HIGHEST_YEAR}, or that names no day of it"
        junk += [
            Junk(int(offset), int(length), reason)
            for offset, length in zip(offsets[~valid], lengths[~valid], strict=True)
        ]
        records = records.select(valid)
    return records, sorted(junk, key=lambda item: item.offset)


def _uniform(content: bytes) -> tuple[np.ndarray, np.ndarray, list[Junk]] | None:
    """The usual file: nothing but records of one length."""
    length = _record_length(content, 0) if _HEADER.match(content, 0) else None
    if not length or len(content) % length:
        return None
    rows = np.frombuffer(content, np.uint8).reshape(-1, length)[:, : min(length, 256)]
    if not _looks_like_headers(rows).all():
        return None
    offsets = np.arange(0, len(content), length)
    if not (_lengths(np.frombuffer(content, np.uint8), offsets) == length).all():
        return None
    return offsets, np.full(len(offsets), length), []


def _looks_like_headers(rows: np.ndarray) -> np.ndarray:
    sequence = rows[:, :6]
    fit: np.ndarray = (
        (((sequence >= ord("0")) & (sequence <= ord("9"))) | (sequence == ord(" ")) | (sequence == 0)).all(axis=1)
        & np.isin(rows[:, 6], np.frombuffer(b"DRQM", np.uint8))
        & ((rows[:, 7] == ord(" ")) | (rows[:, 7] == 0))
        & _IN_CODES[rows[:, 8:20]].all(axis=1)
        & (rows[:, 24] <= 23)
        & (rows[:, 25] <= 59)
        & (rows[:, 26] <= 60)
    )
    return fit


def _walk(content: bytes) -> tuple[np.ndarray, np.ndarray, list[Junk]]:
    offsets, lengths = [], []
    junk: list[Junk] = []
    position = 0
    while position < len(content):
        length = _record_length(content, position) if _HEADER.match(content, position) else None
        if length and position + length <= len(content):
            offsets.append(position)
            lengths.append(length)
            position += length
            continue
        following = _HEADER.search(content, position + 1)
        end = following.start() if following else len(content)
        if junk and junk[-1].offset + junk[-1].length == position:
            junk[-1].length += end - position
        else:
            junk.append(Junk(position, end - position))
        position = end
    return np.array(offsets, np.int64), np.array(lengths, np.int64), junk


def _record_length(content: bytes, offset: int) -> int | None:
    """Length that blockette 1000 gives; without one, the distance to the next header or to the end."""
    head = np.frombuffer(content, np.uint8, count=min(len(content) - offset, 4096), offset=offset)
    if len(head) < HEADER_BYTES:
        return None
    length = int(_lengths(head, np.zeros(1, np.int64))[0])
    if length:
        return length
    exponent = SMALLEST_RECORD.bit_length()
    while (length := 1 << exponent) <= min(len(content) - offset, 1 << 14):
        if offset + length == len(content) or _HEADER.match(content, offset + length):
            return length
        exponent += 1
    return None


def _headers(raw: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fixed headers (n, 48) and, per record, whether its numbers are little-endian."""
    heads = raw[offsets[:, None] + np.arange(HEADER_BYTES)]
    year = heads[:, 20:22].copy().view(">u2")[:, 0]
    day = heads[:, 22:24].copy().view(">u2")[:, 0]
    return heads, ~((year >= LOWEST_YEAR) & (year <= HIGHEST_YEAR) & (day >= 1) & (day <= 366))


def _number(heads: np.ndarray, place: slice, kind: str, little: np.ndarray) -> np.ndarray:
    field = np.ascontiguousarray(heads[:, place])
    return np.where(little, field.view("<" + kind)[:, 0], field.view(">" + kind)[:, 0])


def _blockettes(
    raw: np.ndarray, offsets: np.ndarray, heads: np.ndarray, little: np.ndarray
) -> Iterator[tuple[int, np.ndarray, np.ndarray, np.ndarray]]:
    """Yield (type, row numbers, first bytes) for each blockette, one step along all chains at a time."""
    place = _number(heads, slice(46, 48), "u2", little).astype(np.int64)
    rows = np.arange(len(offsets))
    for _ in range(int(heads[:, 39].max(initial=0)) + 2):
        inside = (place >= HEADER_BYTES) & (offsets[rows] + place + 8 <= len(raw))
        rows, place = rows[inside], place[inside]
        if not len(rows):
            return
        body = raw[(offsets[rows] + place)[:, None] + np.arange(min(8, len(raw)))]
        kinds = _number(body, slice(0, 2), "u2", little[rows])
        for kind in np.unique(kinds):
            yield int(kind), rows[kinds == kind], place[kinds == kind], body[kinds == kind]
        following = _number(body, slice(2, 4), "u2", little[rows]).astype(np.int64)
        onward = following > place
        rows, place = rows[onward], following[onward]


def _lengths(raw: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Record lengths by blockette 1000 (bytes), 0 where there is none."""
    lengths = np.zeros(len(offsets), np.int64)
    heads, little = _headers(raw, offsets)
    for kind, rows, _, body in _blockettes(raw, offsets, heads, little):
        if kind == 1000:
            exponent = body[:, 6].astype(np.int64)
            sensible = (exponent >= SMALLEST_RECORD.bit_length() - 1) & (exponent <= LARGEST_LENGTH_EXPONENT)
            lengths[rows] = np.where(sensible, 1 << np.minimum(exponent, LARGEST_LENGTH_EXPONENT), 0)
    return lengths


def _decode(raw: np.ndarray, offsets: np.ndarray, lengths: np.ndarray) -> tuple[Records, np.ndarray]:
    heads, little = _headers(raw, offsets)
    year = _number(heads, slice(20, 22), "u2", little).astype(np.int64)
    day = _number(heads, slice(22, 24), "u2", little).astype(np.int64)
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    valid = (year >= LOWEST_YEAR) & (year <= HIGHEST_YEAR) & (day >= 1) & (day <= 365 + leap)
    days = (
        (np.where(valid, year, 1970) - 1970).astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64) + day - 1
    )
    seconds = days * 86400 + heads[:, 24].astype(np.int64) * 3600 + heads[:, 25].astype(np.int64) * 60 + heads[:, 26]
    ticks = _number(heads, slice(28, 30), "u2", little).astype(np.int64)
    correction = _number(heads, slice(40, 44), "i4", little).astype(np.int64)
    ticks += np.where(heads[:, 36] & _TIME_CORRECTION_APPLIED, 0, correction)
    start_ns = seconds * 1_000_000_000 + ticks * 100_000
    rate = _nominal_rate(
        _number(heads, slice(32, 34), "i2", little).astype(float),
        _number(heads, slice(34, 36), "i2", little).astype(float),
    )
    encoding = np.full(len(offsets), UNKNOWN_ENCODING, np.int64)
    for kind, rows, place, body in _blockettes(raw, offsets, heads, little):
        if kind == 1000:
            encoding[rows] = body[:, 4]
        elif kind == 1001:
            start_ns[rows] += np.ascontiguousarray(body[:, 5]).view(np.int8).astype(np.int64) * 1000
        elif kind == 100:
            actual = _number(body, slice(4, 8), "f4", little[rows]).astype(float)
            rate[rows] = np.where(np.isfinite(actual) & (actual > 0), actual, rate[rows])
        elif kind == 500:
            inside = offsets[rows] + place + 19 < len(raw)
            micro = raw[(offsets[rows] + place + 18)[inside]].view(np.int8).astype(np.int64)
            start_ns[rows[inside]] += micro * 1000
    sid = np.ascontiguousarray(heads[:, 8:20]).view("S12")[:, 0]
    npts = _number(heads, slice(30, 32), "u2", little).astype(np.int64)
    return Records(offsets, lengths, sid, start_ns, npts, rate, encoding), valid


def _nominal_rate(factor: np.ndarray, multiplier: np.ndarray) -> np.ndarray:
    """Samples per second from the header's factor and multiplier; negative ones are periods and divisors."""
    rate = np.zeros(len(factor))
    given = (factor != 0) & (multiplier != 0)
    factor, multiplier = factor[given], multiplier[given]
    rate[given] = np.where(factor > 0, factor, -1 / factor) * np.where(multiplier > 0, multiplier, -1 / multiplier)
    return rate


def _no_records() -> Records:
    empty = np.empty(0, np.int64)
    return Records(empty, empty, np.empty(0, "S12"), empty, empty, np.empty(0), empty)
