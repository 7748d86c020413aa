"""Files unpacked and decoded: the same text whatever the packing and the encoding, one clear error for the rest."""

import bz2
import gzip
import io
import os
import zipfile
from pathlib import Path

import pytest

from catalogdb import decoding
from catalogdb.decoding import decode, open_unpacked, read_bytes, unpacked_name
from catalogdb.errors import InputError

TEXT = "time,place\n2024-03-27T21:19:36,Forlì\n" * 3


def zipped(*members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def stored(tmp_path, content, name="x.csv"):
    path = tmp_path / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lambda data: zipped(("a/x.csv", data))])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252"]
)
def test_text_is_the_same_in_any_packing_and_encoding(tmp_path, pack, encoding):
    path = stored(tmp_path, pack(TEXT.encode(encoding)))
    assert decode(path, read_bytes(path)) == TEXT


def test_windows_1252_is_told_from_latin_1(tmp_path):
    assert decode(tmp_path, "“Ò”".encode("cp1252")) == "“Ò”"
    assert decode(tmp_path, b"\xd2 \x81") == "Ò \x81"


def test_a_letter_across_two_blocks_is_utf_8(tmp_path):
    assert decoding.encoding_of(tmp_path, [b"Forl\xc3", b"\xac"]) == "utf-8"
    assert decoding.encoding_of(tmp_path, [b"Forl\xc3"]) == "cp1252"


def test_zero_bytes_are_no_text_but_for_those_behind_the_end(tmp_path):
    assert decode(tmp_path, b"text" + bytes(100)).rstrip("\0") == "text"
    with pytest.raises(InputError, match="zero bytes"):
        decode(tmp_path, b"\x01\x02\x00\x03\x04\x05\x06\x07\x08")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (zipped(("a.csv", "1"), ("b.csv", "2")), "a zip archive of 2 files, wanted is one: a.csv, b.csv"),
        (zipped(), "a zip archive of 0 files"),
        (zipped(("[Content_Types].xml", "<x/>"), ("xl/workbook.xml", "<x/>")), "an office document"),
        (zipped(("a.csv", TEXT))[:60], "cannot be unpacked"),
        (gzip.compress(TEXT.encode())[:-9], "cannot be unpacked"),
        (gzip.compress(TEXT.encode())[:20] + b"\xff" * 20, "cannot be unpacked"),
        (bz2.compress(TEXT.encode())[:-9], "cannot be unpacked"),
        (b"BZh91AY&SY" + b"\xff" * 40, "cannot be unpacked"),
    ],
    ids=["two", "none", "workbook", "zip cut", "gzip cut", "gzip damaged", "bzip2 cut", "bzip2 damaged"],
)
def test_bad_archives_are_one_error_that_names_file_and_reason(tmp_path, content, reason):
    path = stored(tmp_path, content)
    with pytest.raises(InputError) as error:
        read_bytes(path)
    assert str(error.value).startswith(f"{path}: {reason}")


def test_a_mac_s_side_files_do_not_count(tmp_path):
    path = stored(tmp_path, zipped(("x.csv", TEXT), ("__MACOSX/._x.csv", "y"), ("dir/", "")))
    assert read_bytes(path).decode() == TEXT


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lambda data: zipped(("x.csv", data))])
def test_a_bomb_ends_at_the_limit(tmp_path, monkeypatch, pack):
    monkeypatch.setattr(decoding, "FREE_BYTES", 1 << 20)
    path = stored(tmp_path, pack(bytes(8 << 20)))
    with pytest.raises(InputError, match="unpacks to more than"):
        read_bytes(path)


def test_only_regular_files_are_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, reason in (
        (tmp_path, "Is a directory"),
        (tmp_path / "pipe", "a pipe or a device"),
        (Path("/dev/null"), "a pipe or a device"),
        (tmp_path / "none", "No such file"),
        (Path("a\0b"), "cannot be read"),
    ):
        with pytest.raises(InputError, match=reason):
            open_unpacked(path)


def test_the_name_without_the_packing():
    assert [unpacked_name(Path(name)).name for name in ("a.csv.gz", "A.XML.BZ2", "b.zip", "c.csv")] == [
        "a.csv",
        "A.XML",
        "b",
        "c.csv",
    ]
