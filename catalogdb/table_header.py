"""Headers of tables as people write them: blanks, letter case and units in brackets."""

from __future__ import annotations

import re

_UNIT = re.compile(r"[\s_]*[(\[]\s*(?P<unit>[^()\[\]]*?)\s*[)\]]$")
_TAKEN_FOR_GRANTED = ("", "utc", "gmt", "deg", "degree", "degrees", "°", "°n", "°e", "s", "sec")
"""Units that a column of its name has anyway."""
_DATE = r"(y{2,4}|m{1,2}|d{1,2})([-/. ](y{2,4}|m{1,2}|d{1,2})){2}"
_CLOCK = r"h{1,2}:m{1,2}(:s{1,2}([.,][sf]+)?)?z?"
_WRITTEN = re.compile(f"{_DATE}|{_CLOCK}|{_DATE}[t ]+{_CLOCK}")
"""How a date or a clock is written, as `dd/mm/yyyy` and `hh:mm:ss.ss`: the cells tell that."""


def column_name(header: str) -> str:
    """A column's name in lower case, with _ for blanks, without '#', and with a unit of metres or km as `depth(km)`.

    "Depth (km)", "depth [km]" and "DEPTH(KM)" are one; "Latitude (deg)" is latitude, and "Date (dd/mm/yyyy)" date.
    """
    name = header.strip().lstrip("#").strip().lower()
    if match := _UNIT.search(name):
        unit = match["unit"]
        is_said = unit in _TAKEN_FOR_GRANTED or _WRITTEN.fullmatch(unit)
        name = name[: match.start()] + ("" if is_said else f"({unit})")
    return name.replace(" ", "_")
