"""Which of the bulletin's formats a file is in: by its lines first, by its suffix where they leave it open."""

from __future__ import annotations

import re
from pathlib import Path

from catalogdb.exchange.csv_catalog import is_header as is_csv_header
from catalogdb.exchange.ogs.bulletin_txt import is_header as is_txt_header
from catalogdb.exchange.ogs.listing_hpl import EVENT_LINE
from catalogdb.exchange.ogs.phases_dat import END
from catalogdb.exchange.ogs.summary_pun import is_header as is_pun_header

SUFFIXES = {
    ".dat": "ogs-dat",
    ".hpl": "ogs-hpl",
    ".hpc": "ogs-hpl",
    ".pun": "ogs-pun",
    ".txt": "ogs-txt",
}

_CARD = re.compile(r"[A-Za-z0-9 ]{4}[ A-Za-z?][Pp ][ A-Za-z+-][ \d][1 ][\d ]{10}[\d. ]{0,5}", re.ASCII)
_SUMMARY = re.compile(r"[1 ]\d{6}[ \d]\d[ \d]\d [ \d]\d\.\d\d [ \d]{2}\d?.[ \d]\d\.\d\d", re.ASCII)
_ALIGNED = re.compile(r"\s*\d{1,5}\s+\d{4}_\d+\s+\d{4}-\d\d-\d\d[T ]", re.ASCII)
_SEPARATED = re.compile(r"\s*\d{1,5}\s*;\s*\d{4}_\d+\s*;\s*\d{4}-\d\d-\d\d[T ]", re.ASCII)


def detect(path: Path, start: bytes) -> str | None:
    """The bulletin's format that a file is in; None where neither its lines nor its suffix are those of one.

    A table with a header that names its columns between delimiters is of none of them.

    Args:
        path: its name.
        start: its first few thousand bytes.
    """
    lines = re.split(r"\r\n|\n|\r", start.decode("utf-8-sig", errors="replace"))
    lines = [line for line in lines if line.strip()][:40]
    # the bulletin's edition with semicolons has a header that is a table's as well
    if lines and is_csv_header(lines[0]) and not (is_txt_header(lines[0]) and ";" in lines[0]):
        return None
    lines = [line.expandtabs(8) for line in lines]
    found = {
        "ogs-txt": sum(bool(is_txt_header(line) or _ALIGNED.match(line) or _SEPARATED.match(line)) for line in lines),
        "ogs-hpl": sum(bool(EVENT_LINE.match(line) and not _SUMMARY.match(line)) for line in lines),
        "ogs-pun": sum(bool(is_pun_header(line) or _SUMMARY.match(line)) for line in lines),
        "ogs-dat": sum(bool(END.fullmatch(line) or _CARD.match(line)) for line in lines),
    }
    by_suffix = SUFFIXES.get(path.suffix.lower())
    best = max(found, key=lambda format: (found[format], format == by_suffix))
    if found[best]:
        return best
    # a .txt may hold a table of any kind
    return by_suffix if by_suffix != "ogs-txt" else None
