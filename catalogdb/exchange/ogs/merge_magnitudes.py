"""Magnitudes that several files give of one event, each of its own origin: those that differ by rounding are one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from catalogdb.documents.data import Magnitude
from catalogdb.exchange.reference_catalog import ReadEvent

DECIMALS = {
    ("ogs-hpl", "MD"): 2,
    ("ogs-pun", "MD"): 2,
    ("ogs-hpl", "ML"): 1,
    ("ogs-txt", "ML"): 1,
    ("ogs-txt", "MD"): 1,
}


def name_origins(event: ReadEvent, names: Mapping[str, str]) -> None:
    """Let each magnitude of a file's event name its origin, the preferred one too: of several files another may be.

    Args:
        names: ids of the origins in the file -> those that they have from now on.
    """
    for magnitude in event["magnitudes"]:
        name = names.get(magnitude.get("origin_id") or event.get("preferred_origin_id") or "")
        if name is None or "assumed" in magnitude:
            magnitude["assumed"] = ["origin_id"]
        else:
            magnitude["origin_id"] = name


def merged_magnitudes(given: Iterable[tuple[str, Magnitude]], preferred_origin_id: str | None) -> list[Magnitude]:
    """Each magnitude once, under ids of their own.

    Args:
        given: formats of the files and what they give, after `name_origins`.
        preferred_origin_id: of the merged event; what is of this origin names none.
    """
    kept: list[tuple[int, Magnitude]] = []
    for format, magnitude in given:
        decimals = DECIMALS.get((format, magnitude["type"]), _decimals(magnitude["value"]))
        place = next(
            (
                place
                for place, (other_decimals, other) in enumerate(kept)
                if other["type"] == magnitude["type"]
                and abs(other["value"] - magnitude["value"]) <= 0.5 * 10.0 ** -min(decimals, other_decimals) + 1e-9
            ),
            None,
        )
        if place is None:
            kept.append((decimals, magnitude))
        elif decimals > kept[place][0]:
            kept[place] = (decimals, _one_magnitude(magnitude, kept[place][1]))
        else:
            kept[place] = (kept[place][0], _one_magnitude(kept[place][1], magnitude))
    for _, magnitude in kept:
        if magnitude.get("origin_id") == preferred_origin_id:
            magnitude.pop("origin_id", None)
        if preferred_origin_id is None:
            magnitude.pop("assumed", None)  # there is none that it could be taken for
    return [magnitude | {"_id": str(number)} for number, (_, magnitude) in enumerate(kept, 1)]


def _one_magnitude(finer: Magnitude, coarser: Magnitude) -> Magnitude:
    """One magnitude of two that differ by rounding, with what each format gave: it goes back into that format."""
    given_as = coarser.get("given_as", {}) | finer.get("given_as", {})
    both = coarser | finer
    if given_as:
        both["given_as"] = given_as
    if "origin_id" in both:
        both.pop("assumed", None)
    return both


def _decimals(value: float) -> int:
    return len(repr(value).partition(".")[2])
