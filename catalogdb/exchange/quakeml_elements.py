"""Elements of QuakeML as they are written: their texts, quantities with uncertainties, units."""

from __future__ import annotations

import re
from typing import Any

from lxml import etree

from catalogdb.geo import KM_PER_DEGREE

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def add(parent: Any, tag: str, value: str | float | None) -> None:
    """Add an element that holds a value; none where it is not known."""
    if value is None:
        return
    element = etree.SubElement(parent, tag)
    try:
        element.text = str(value)
    except ValueError:
        element.text = xml_text(str(value))


def add_texts(parent: Any, **values: str | float | None) -> None:
    """Add an element for each value that is known."""
    for tag, value in values.items():
        add(parent, tag, value)


def add_quantity(parent: Any, tag: str, value: str | float | None, uncertainty: float | None = None) -> None:
    """Add a value with its uncertainty; nothing where the value is not known."""
    if value is not None:
        element = etree.SubElement(parent, tag)
        etree.SubElement(element, "value").text = str(value)
        if uncertainty is not None:
            etree.SubElement(element, "uncertainty").text = str(float(uncertainty))


def xml_text(text: str) -> str:
    """A text, with blanks for the characters that XML can't hold."""
    return _NOT_IN_XML.sub(" ", text)


def metres(kilometres: float | None) -> float | None:
    """Kilometres in metres, to the micrometre."""
    return None if kilometres is None else round(kilometres * 1000.0, 6)


def degrees(kilometres: float | None) -> float | None:
    """Kilometres along the surface in degrees."""
    return None if kilometres is None else kilometres / KM_PER_DEGREE
