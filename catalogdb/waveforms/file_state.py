"""Which bytes a file held when it was indexed, and whether they are still there when they are read.

Size and both times equal: the file is the one that was indexed. (The time of the last change to the inode, ctime, can't
be set: a file that was replaced by one of equal size and modification time differs in it.) Otherwise the digest
decides: a file that was only touched, copied back or appended to holds what was indexed in its first bytes.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from catalogdb.waveforms.errors import ChangedWaveform, UnreadableWaveform, WaveformUnavailable

DIGEST_DIGITS = 32
CHUNK_BYTES = 2**20
CLOCK_TICK_NS = 20_000_000
"""A file written to twice within a tick of the file system's clock shows one time (Linux: 10 ms at most)."""
COARSE_TICK_NS = 2_000_000_000
"""The same where times are whole seconds (FAT counts in twos)."""
SECOND_NS = 1_000_000_000
DIGESTS_KEPT = 10_000


@dataclass(frozen=True)
class FileState:
    """A file as it was indexed.

    Attributes:
        size: bytes.
        mtime_ns, ctime_ns: times of the last change to its content and to its inode (nanoseconds since 1970); ctime_ns
            is None where it was not kept.
        digest: of its first `size` bytes, see `digest_of`; None where it was not kept.
    """

    size: int
    mtime_ns: int
    ctime_ns: int | None = None
    digest: str | None = None

    @classmethod
    def of(cls, status: os.stat_result, digest: str | None = None) -> FileState:
        """The state that a stat shows."""
        return cls(status.st_size, status.st_mtime_ns, status.st_ctime_ns, digest)

    def shows(self, status: os.stat_result) -> bool:
        """True where size and times are those of the stat."""
        times = self.mtime_ns == status.st_mtime_ns and self.ctime_ns in (None, status.st_ctime_ns)
        return times and self.size == status.st_size


def digest_of(content: bytes) -> str:
    """SHA-256, its first 128 bits as hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()[:DIGEST_DIGITS]


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a regular file to read; one that is none (a pipe, a device) is refused without waiting for it.

    Raises:
        UnreadableWaveform: for what is no regular file.
        WaveformUnavailable: where it can't be opened or read.
    """
    try:
        _require_regular(path, os.stat(path))  # opening a device may do things
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as stream:
            _require_regular(path, os.fstat(descriptor))
            yield stream
    except OSError as error:
        raise WaveformUnavailable(f"{path}: {error.strerror or error}") from error


def _require_regular(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = "a directory" if stat.S_ISDIR(status.st_mode) else "a pipe, socket or device"
        raise UnreadableWaveform(f"{path}: not a regular file, but {kind}")


def wait_for_clock(stream: BinaryIO) -> None:
    """Wait until a file that was written to just now would show a later time if it were written to again."""
    status = os.fstat(stream.fileno())
    newest = max(status.st_mtime_ns, status.st_ctime_ns)
    whole_seconds = status.st_mtime_ns % SECOND_NS == 0 and status.st_ctime_ns % SECOND_NS == 0
    remaining = newest + (COARSE_TICK_NS if whole_seconds else CLOCK_TICK_NS) - time.time_ns()
    if 0 < remaining <= COARSE_TICK_NS:  # a time in the future is another clock's, and tells nothing
        time.sleep(remaining / SECOND_NS)


def check_unchanged(stream: BinaryIO, path: Path, expected: FileState) -> None:
    """Refuse a file that does not hold what was indexed.

    Raises:
        ChangedWaveform: saying in what it differs.
    """
    status = os.fstat(stream.fileno())
    if expected.shows(status):
        return
    if status.st_size < expected.size:
        raise ChangedWaveform(path, f"{expected.size} bytes when it was indexed, {status.st_size} now")
    if expected.digest is None:
        raise ChangedWaveform(path, "written to since it was indexed")
    check_digest(stream, path, expected)


def check_digest(stream: BinaryIO, path: Path, expected: FileState) -> None:
    """Refuse a file whose first bytes are not those that were indexed.

    Raises:
        ChangedWaveform: where they differ.
    """
    if _digest(stream, expected.size) != expected.digest:
        raise ChangedWaveform(path, "other content than when it was indexed")


_digests: dict[tuple[int, ...], str] = {}


def _digest(stream: BinaryIO, size: int) -> str:
    """Digest of the first bytes; not computed again while the inode's size and times are as they were."""
    status = os.fstat(stream.fileno())
    key = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns, size)
    if key in _digests:
        return _digests[key]
    digest = hashlib.sha256()
    place = 0
    while place < size and (chunk := os.pread(stream.fileno(), min(CHUNK_BYTES, size - place), place)):
        digest.update(chunk)
        place += len(chunk)
    found = digest.hexdigest()[:DIGEST_DIGITS]
    if time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > COARSE_TICK_NS:
        if len(_digests) >= DIGESTS_KEPT:
            _digests.clear()
        _digests[key] = found
    return found
