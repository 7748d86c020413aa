"""What kind of line a line of a `.hpl` or `.hpc` listing is."""

from __future__ import annotations

import re

from catalogdb.exchange.ogs.columns import cut

EVENT_LINE = re.compile(r"[ \d]{6}[ 1]\d\d[ \d]\d[ \d]\d [ \d]{3}\d( |$)", re.ASCII)
HEADER_WORDS = ({"DATE", "ORIGIN"}, {"STN", "DIST"})  # of the two lines that HYPO71 prints above an event


def is_head(text: str) -> bool:
    """True for the lines that name the columns above events and stations."""
    return any(words <= set(text.upper().split()) for words in HEADER_WORDS)


def is_station_line(text: str) -> bool:
    """By the remarks of P and S, or the hour and minute between blanks, in their columns."""
    remarks = cut(text, 28).upper() + cut(text, 107).upper()
    clock = cut(text, 31, 36)
    return (
        (text[:7].strip().isdigit() or not text[:7].strip())
        and bool(cut(text, 8, 11).strip())
        and ("P" in remarks or "S" in remarks or bool(re.fullmatch(r" [ \d]{3}\d ", clock, re.ASCII)))
    )


def may_be_a_place(text: str) -> bool:
    """`PLACE (REGION)`: begins with a letter in the first columns and holds no digits."""
    return text[:1].isalpha() and not any(character.isdigit() for character in text)
