"""Bytes and text of input files: gz, bz2 and zip unpacked within limits, and the encodings that tables come in."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import re
import stat
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path, PurePath
from typing import IO, Any, BinaryIO

from catalogdb.errors import InputError

MOST_BYTES = 8 * 1024**3  # of a file once unpacked
MOST_EXPANSION = 250  # times its packed size; csv and QuakeML shrink by 5 to 60 times
FREE_BYTES = 64 * 1024**2  # unpacked, whatever the expansion
PACKED_SUFFIXES = (".gz", ".bz2", ".zip")
CHUNK = 1 << 20
START = 4096  # bytes that tell UTF-16 without a byte order mark

Packed = IO[bytes] | gzip.GzipFile | bz2.BZ2File
GZIP, ZIP = b"\x1f\x8b\x08", (b"PK\x03\x04", b"PK\x05\x06")
BZIP2 = re.compile(rb"BZh[1-9](1AY&SY|\x17\x72\x45\x38\x50\x90)")  # a station may be called BZh
BYTE_ORDER_MARKS = (  # UTF-32's first: its mark begins with UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)
GUESSED = {"cp1252": "Windows-1252", "latin-1": "Latin-1", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16"}  # and named
NOT_IN_CP1252 = bytes((0x81, 0x8D, 0x8F, 0x90, 0x9D))


def open_unpacked(path: Path) -> BinaryIO:
    """Open a regular file for reading; what is packed with gzip, bzip2 or zip is unpacked on the way, by its content.

    Raises:
        InputError: naming the file and the reason. Reading raises it too: for data that are damaged or cut short, and
            for more than `MOST_BYTES`, or more than `MOST_EXPANSION` times the packed size beyond `FREE_BYTES`.
    """
    path = Path(path)
    check_regular(path)
    try:
        file = open(path, "rb")  # noqa: SIM115 (what is returned closes it)
    except OSError as error:
        raise _unreadable(path, error) from error
    try:
        start = file.read(10)
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        if start.startswith(GZIP):
            packed: Packed = gzip.GzipFile(fileobj=file)
        elif BZIP2.match(start):
            packed = bz2.BZ2File(file)
        elif start.startswith(ZIP):
            packed = _member(path, file)
        else:
            return file
    except OSError as error:
        file.close()
        raise _unreadable(path, error) from error
    except BaseException:
        file.close()
        raise
    return io.BufferedReader(_Limited(path, packed, file, min(MOST_BYTES, max(FREE_BYTES, size * MOST_EXPANSION))))


def read_bytes(path: Path) -> bytes:
    """The content of a regular file, unpacked where it is packed.

    Raises:
        InputError: as `open_unpacked`.
    """
    with open_unpacked(path) as stream:
        try:
            return stream.read()
        except OSError as error:
            raise _unreadable(path, error) from error


def decode(path: Path, content: bytes) -> str:
    """The text of a file's content, without a byte order mark; `encoding_of` says how it is found.

    Raises:
        InputError: naming the file, when it is no text.
    """
    encoding = encoding_of(path, [content])
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: no text in {encoding}: {error.reason} at byte {error.start}") from error


def encoding_of(path: Path, chunks: Iterable[bytes]) -> str:
    """Python's name of the encoding of a file, given in blocks of any size.

    The byte order mark decides (UTF-8, UTF-16, UTF-32), then zero bytes (UTF-16 without the mark), then whether all is
    valid UTF-8. What is none of these is Windows-1252, or Latin-1 where it has bytes that Windows-1252 has not.

    Raises:
        InputError: naming the file, when it holds zero bytes other than behind its end, as old systems fill blocks.
    """
    utf8 = codecs.getincrementaldecoder("utf-8")()
    is_first, is_utf8, is_cp1252, is_padding = True, True, True, False
    for chunk in chunks:
        if is_first:
            for mark, encoding in BYTE_ORDER_MARKS:
                if chunk.startswith(mark):
                    return encoding
            if without_mark := _utf16(chunk[:START]):
                return without_mark
            is_first = False
        text = chunk.rstrip(b"\0")
        if b"\0" in text or (is_padding and text):
            raise InputError(f"{path}: no text: it holds zero bytes, as binary files do")
        is_padding = is_padding or len(text) < len(chunk)
        try:
            if is_utf8:
                utf8.decode(chunk)
        except UnicodeDecodeError:
            is_utf8 = False
        is_cp1252 = is_cp1252 and len(chunk.translate(None, NOT_IN_CP1252)) == len(chunk)
    try:
        utf8.decode(b"", final=is_utf8)
    except UnicodeDecodeError:
        is_utf8 = False
    return "utf-8" if is_utf8 else "cp1252" if is_cp1252 else "latin-1"


def unpacked_name(path: PurePath) -> PurePath:
    """The path without the suffix of a packed file: `picks.csv` of `picks.csv.gz`."""
    return path.with_suffix("") if path.suffix.lower() in PACKED_SUFFIXES else path


def check_regular(path: Path) -> None:
    """Refuse folders, pipes and devices: a file is read more than once.

    Raises:
        InputError: naming the path and what it is.
    """
    try:
        mode = Path(path).stat().st_mode
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    if stat.S_ISDIR(mode):
        raise InputError(f"{path}: cannot be read: Is a directory", hint="name the files in it")
    if not stat.S_ISREG(mode):
        raise InputError(f"{path}: no regular file, but a pipe or a device", hint="write its content to a file first")


class _Limited(io.RawIOBase):
    """What a packed file unpacks to, up to a limit, with its errors as `InputError`."""

    def __init__(self, path: Path, packed: Packed, file: BinaryIO, limit: int):
        self._path, self._packed, self._file, self._left, self._limit = path, packed, file, limit, limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._packed.read(len(buffer))
        except (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError) as error:
            raise InputError(f"{self._path}: cannot be unpacked: {error}", hint="is the file whole?") from error
        self._left -= len(data)
        if self._left < 0:
            raise InputError(
                f"{self._path}: unpacks to more than {self._limit // 1024**2} MiB",
                hint="if that is meant, unpack it and give the files in it",
            )
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._packed.close()
            self._file.close()
        super().close()


def _member(path: Path, file: BinaryIO) -> IO[bytes]:
    """The one file in a zip archive."""
    try:
        archive = zipfile.ZipFile(file)
        names = [entry.filename for entry in archive.infolist() if not entry.is_dir()]
        if "[Content_Types].xml" in names or "mimetype" in names:
            raise InputError(f"{path}: an office document, not a text file", hint="save the table in it as csv")
        names = [name for name in names if not name.startswith("__MACOSX/") and not name.endswith(".DS_Store")]
        if len(names) != 1:
            shown = ", ".join(names[:5]) + (" ..." if len(names) > 5 else "")
            raise InputError(
                f"{path}: a zip archive of {len(names)} files, wanted is one" + (f": {shown}" if names else ""),
                hint="unpack it and give the files in it",
            )
        return archive.open(names[0])
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError) as error:  # RuntimeError: encrypted
        raise InputError(f"{path}: cannot be unpacked: {error}", hint="unpack it and give the file in it") from error


def _utf16(start: bytes) -> str | None:
    """UTF-16 without its mark, by the zero bytes that Latin letters, digits and separators have in it."""
    even, odd = start[::2].count(0), start[1::2].count(0)
    half = len(start) // 2
    if half and odd >= 0.7 * half and even <= 0.02 * half:  # a stray zero is no reason to take it for binary
        return "utf-16-le"
    if half and even >= 0.7 * half and odd <= 0.02 * half:
        return "utf-16-be"
    return None


def _unreadable(path: Path, error: Exception) -> InputError:
    return InputError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}")
