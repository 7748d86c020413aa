"""The classes of events that are told apart, and QuakeML's types of each. Importable without any heavy library."""

from __future__ import annotations

from typing import Literal

ClassName = Literal["earthquake", "explosion", "surface"]
CLASSES: tuple[ClassName, ...] = ("earthquake", "explosion", "surface")

_TYPES: dict[ClassName, tuple[str, ...]] = {
    "earthquake": (
        *("earthquake", "induced or triggered event", "reservoir loading", "fluid injection", "fluid extraction"),
    ),
    "explosion": (
        *("explosion", "accidental explosion", "chemical explosion", "controlled explosion", "experimental explosion"),
        *("industrial explosion", "mining explosion", "quarry blast", "road cut", "blasting levee"),
        "nuclear explosion",
    ),
    "surface": (
        *("slide", "landslide", "rockslide", "avalanche", "snow avalanche", "debris avalanche", "ice quake"),
        *("rockfall", "rock fall", "surface event", "icequake"),
    ),
}
"""Types of QuakeML (BED 1.2), and what catalogs call those that it has no word for."""
_CLASS_OF = {kind: name for name, kinds in _TYPES.items() for kind in kinds}
_ABBREVIATIONS: dict[str, ClassName] = {"eq": "earthquake", "px": "explosion", "su": "surface"}
"""PNSN's and ComCat's."""


def class_of(event_type: str) -> ClassName | None:
    """The class of a type of events, in any letter case; None for those that belong to none, and for an empty text."""
    plain = " ".join(event_type.replace("_", " ").lower().split())
    return _CLASS_OF.get(plain) or _ABBREVIATIONS.get(plain)
