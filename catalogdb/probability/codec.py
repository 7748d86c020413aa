"""Probabilities <-> bytes.

`u8-zstd-1`: a probability p at or above the floor is the byte round(254 p), one below it is 0, "no window says
anything" is 255. The bytes of all segments of a document follow one another, each segment label by label, and the whole
is one Zstandard frame (RFC 8878) that states its content's size. A byte b reads back as b / 254, so the error is at
most 1/508.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import zstandard

CODEC = "u8-zstd-1"
SCALE = 254
NOTHING_SAID = 255
LARGEST_ERROR = 0.5 / SCALE
"""Largest difference between a probability at or above the floor and what is read back."""
_LEVEL = 3
_READ_BACK = np.append(np.arange(SCALE + 1) / SCALE, np.nan).astype(np.float32)


def quantise(values: np.ndarray, floor: float) -> np.ndarray:
    """Bytes of probabilities: uint8 array of the same shape.

    Args:
        values: float32, 0 to 1 or NaN, any shape.
        floor: probabilities below this become 0; with 0 all are kept.
    """
    codes = np.zeros(values.shape, dtype=np.uint8)
    kept = ~(values < np.float32(floor))  # NaN is not below anything
    scaled = np.rint(values[kept] * np.float32(SCALE))
    codes[kept] = np.fmin(scaled, NOTHING_SAID)  # of NaN and a number, fmin gives the number
    return codes


def read_back(codes: np.ndarray) -> np.ndarray:
    """Probabilities that bytes stand for: float32 array of the same shape."""
    return _READ_BACK[codes]


def compress(codes: Sequence[np.ndarray]) -> bytes:
    """One blob of the segments' bytes, each a uint8 array (labels, samples)."""
    content = b"".join(part.tobytes() for part in codes)
    blob = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).compress(content)
    return bytes(memoryview(blob))  # a copy: zstandard's own holds on to as much memory as the content has


def decompress(blob: bytes, codec: str, shapes: Sequence[tuple[int, int]]) -> list[np.ndarray]:
    """The segments' bytes, uint8 arrays of the given shapes (labels, samples).

    Raises:
        ValueError: for a codec that isn't known, and for a blob that isn't what the codec and the shapes say.
    """
    if codec != CODEC:
        raise ValueError(f"its codec {codec!r} is not known, only {CODEC!r}")
    sizes = [rows * samples for rows, samples in shapes]
    try:
        # Checked first: the stated size is what would be allocated.
        stated = zstandard.frame_content_size(blob)
        if stated != sum(sizes):
            raise ValueError(f"its blob holds {stated} bytes where its segments say {sum(sizes)}")
        content = zstandard.ZstdDecompressor().decompress(blob)
    except zstandard.ZstdError as error:
        raise ValueError(f"its blob can't be decompressed: {error}") from None
    parts = np.split(np.frombuffer(content, dtype=np.uint8), np.cumsum(sizes)[:-1])
    return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]
