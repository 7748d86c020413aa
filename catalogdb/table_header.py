"""Headers of tables as people write them: blanks, letter case and units in brackets."""

from __future__ import annotations

import re

_UNIT = re.compile(r"[\s_]*[(\[]\s*(?P<unit>[^()\[\]]*?)\s*[)\]]$")
_TAKEN_FOR_GRANTED = ("", "utc", "deg", "degree", "degrees", "°", "°n", "°e", "s", "sec")
"""Units that a column of its name has anyway."""


def column_name(header: str) -> str:
    """A column's name in lower case, with _ for blanks, without '#', and with a unit of metres or km as `depth(km)`.

    "Depth (km)", "depth [km]" and "DEPTH(KM)" are one; "Latitude (deg)" is latitude.
    """
    name = header.strip().lstrip("#").strip().lower()
    if match := _UNIT.search(name):
        unit = match["unit"]
        name = name[: match.start()] + ("" if unit in _TAKEN_FOR_GRANTED else f"({unit})")
    return name.replace(" ", "_")
