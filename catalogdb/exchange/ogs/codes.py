"""Letters that the bulletin's files write for zones, event types, onsets, first motions and phase branches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from catalogdb.documents.data import Branch, Onset, Polarity, Zone

ZONES: dict[Zone, str] = {
    "A": "Alto Adige",
    "C": "Croatia",
    "E": "Emilia",
    "F": "Friuli",
    "G": "Venezia Giulia",
    "L": "Lombardia",
    "O": "Austria",
    "R": "Romagna",
    "S": "Slovenia",
    "T": "Trentino",
    "V": "Veneto",
}

EVENT_TYPES = {"L": "earthquake", "E": "explosion", "B": "blast", "F": "landslide", "U": "unknown"}

# Types that the text bulletin and other sources write, as the letter that comes nearest.
_TYPE_LETTERS = {name: letter for letter, name in EVENT_TYPES.items()} | {
    "chemical explosion": "B",
    "quarry blast": "B",
    "mine blast": "B",
    "mining explosion": "B",
    "suspected blast": "B",
    "suspected explosion": "E",
    "suspected slide": "F",
    "slide": "F",
    "not reported": "U",
    "other event": "U",
}

ONSETS: dict[str, Onset] = {"e": "emergent", "i": "impulsive", "?": "questionable"}
ONSET_LETTERS: dict[str, str] = {name: letter for letter, name in ONSETS.items()}

# HYPO71 (Lee and Lahr, 1975, USGS OFR 75-311): C or U and D are clear, + and - poor first motions of the vertical.
POLARITIES: dict[str, Polarity] = {
    **{mark: "positive" for mark in "cCuU+"},
    **{mark: "negative" for mark in "dD-"},
}
_POLARITY_LETTERS = {"positive": "C", "negative": "D"}

BRANCHES: dict[str, Branch] = {"g": "g", "n": "n"}


def type_letter(event_type: str | None) -> str:
    """The letter of an event type; blank where none comes near."""
    return _TYPE_LETTERS.get(event_type or "", " ")


def first_motion_letter(pick: Mapping[str, Any]) -> str:
    """The analyst's own mark where the pick has one that agrees with its polarity, else C or D; blank for none."""
    mark: str | None = pick.get("first_motion")
    polarity: str | None = pick.get("polarity")
    if mark and POLARITIES.get(mark) == polarity:
        return mark
    return _POLARITY_LETTERS.get(polarity or "", " ")
