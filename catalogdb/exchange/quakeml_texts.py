"""Words of a QuakeML element for people: descriptions, comments, and who made it when."""

from __future__ import annotations

from typing import Any

from catalogdb.documents.free import AnyDocument, Json
from catalogdb.exchange.event_parts import present
from catalogdb.exchange.quakeml_notes import LIMITS, NOTE_PREFIX
from catalogdb.exchange.quakeml_values import epoch, word

REGION = "region name"
OF_PLACES = (REGION, "nearest cities", "Flinn-Engdahl region", "earthquake name", None)
"""Types of descriptions that name a place, the best first; None: those without a type."""


def descriptions(event: Any) -> Json:
    """Fields of an event (of ObsPy) that its descriptions become: `place`, and `descriptions` where they say more."""
    found = [present({"text": one.text, "type": word(one.type)}) for one in event.event_descriptions if one.text]
    places = [one for one in found if one.get("type") in OF_PLACES]
    place = min(places, key=lambda one: OF_PLACES.index(one.get("type")), default=None)
    is_all = len(found) == 1 and place is not None and place.get("type") == REGION
    return {"place": place["text"] if place else None, "descriptions": None if is_all or not found else found}


def comments(element: Any) -> list[AnyDocument] | None:
    """Comments of an element, without those that catalogdb writes itself."""
    found = [
        present({"text": one.text, "creation_info": creation_info(one.creation_info)})
        for one in element.comments
        if one.text and not one.text.startswith(NOTE_PREFIX) and one.text not in LIMITS.values()
    ]
    return found or None


def creation_info(creation: Any) -> AnyDocument | None:
    """Who made an element, and when (epoch seconds); None where it does not say."""
    if not creation:
        return None
    found = present(
        {
            "agency_id": creation.agency_id,
            "author": creation.author,
            "version": creation.version,
            "creation_time": epoch(creation.creation_time) if creation.creation_time else None,
        }
    )
    return found or None


def own_creation_info(part: Any, event: Any) -> AnyDocument | None:
    """What a part of an event says of its creation, where the event says something else."""
    own = creation_info(part.creation_info)
    return None if own == creation_info(event.creation_info) else own
