"""Units of instrument responses, as the many ways in which networks write them."""

from __future__ import annotations

import re
from dataclasses import dataclass

PREFIXES = {"": 1.0, "N": 1e-9, "U": 1e-6, "µ": 1e-6, "M": 1e-3, "C": 1e-2}
WORDS = {"NANO": "N", "MICRO": "U", "MILLI": "M", "CENTI": "C"}
SI = ("M", "M/S", "M/S**2")
"""Names of ground motion in SI units, by the number of time derivatives of displacement."""

_SECOND = r"(?:S|SEC|SECS|SECOND|SECONDS)"
_SQUARED = r"(?:\*\*2|\^2|2|²)"
_MOTION = re.compile(
    rf"(?P<prefix>{'|'.join(WORDS)}|[NUµMC])?"
    r"(?:M|METERS?|METRES?)"
    rf"(?:(?P<velocity>(?:/|PER){_SECOND}|\*?{_SECOND}(?:\*\*|\^)?\(?-1\)?)"
    rf"|(?P<acceleration>/{_SECOND}{_SQUARED}|/\({_SECOND}{_SQUARED}\)|/{_SECOND}/{_SECOND}|/\({_SECOND}\*{_SECOND}\)"
    rf"|PER{_SECOND}(?:PER{_SECOND}|{_SQUARED}|SQUARED)|/{_SECOND}SQUARED|\*?{_SECOND}(?:\*\*|\^)?\(?-2\)?))?"
)


@dataclass(frozen=True)
class GroundMotionUnit:
    """A unit of ground motion.

    Attributes:
        derivatives: of displacement by time: 0, 1 or 2.
        factor: the unit in m, m/s or m/s**2.
    """

    derivatives: int
    factor: float

    @property
    def si(self) -> str:
        """Name of the SI unit of the same quantity."""
        return SI[self.derivatives]


def ground_motion_unit(text: str | None) -> GroundMotionUnit | None:
    """Read a unit name (`M/S`, `nm/s`, `M/S**2`, `cm/s/s`, ...); None for what is no ground motion, such as V or PA.

    Case carries no meaning: SEED writes capitals, so that `MM` is millimetres and `NM` nanometres.
    """
    plain = re.sub(r"\s+", "", text or "").upper().replace("Μ", "µ")  # the capital of µ
    match = _MOTION.fullmatch(plain)
    if match is None:
        return None
    prefix = match["prefix"] or ""
    derivatives = 1 if match["velocity"] else 2 if match["acceleration"] else 0
    return GroundMotionUnit(derivatives, PREFIXES[WORDS.get(prefix, prefix)])


def is_counts(text: str | None) -> bool:
    """True for digital counts, however they are written."""
    return re.sub(r"\W+", "", text or "").upper() in (
        *("COUNT", "COUNTS", "CT", "CTS", "DIGITALCOUNT", "DIGITALCOUNTS", "DU", "BIT", "BITS"),
    )
