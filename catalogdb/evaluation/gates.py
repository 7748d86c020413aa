"""What may be paired, and the weight by which pairs compete: the definitions of OGS's own comparison."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from catalogdb.documents.comparisons import ComparisonGates
from catalogdb.errors import InputError

# what lies this many gates outside the period takes part in the matching, so that its borders make no misses
MARGIN_GATES = 10
ARRIVALS_S = 180.0
"""Arrivals of an event are looked for this long after its origin, also across the borders of the period."""

# a pair on the very gate is better than none
SMALLEST_WEIGHT = 1e-9
# two picks that both follow two others have the same sum of |dt| paired either way: of such ties the more even one wins
EVENNESS = 1e-7


class Gates(BaseModel):
    """Largest differences of a pair, and which events count; stored with every result.

    `max_dt` (s) and `max_km` (km) are those of origin times and epicentres, depth is ignored; `max_pick_dt` (s) is that
    of picks at one station. `event_types` are the types of events that count, as `wanted_types` gives them; without any
    all events that exist do.
    """

    model_config = ConfigDict(frozen=True)

    max_dt: float = 2.0
    max_km: float = 8.0
    max_pick_dt: float = 0.5
    event_types: tuple[str, ...] = ()

    def model_post_init(self, _: Any) -> None:
        for name in ("max_dt", "max_km", "max_pick_dt"):
            width = getattr(self, name)
            if not 0 < width < float("inf"):
                raise InputError(f"{name} {width:g} is not a positive number")

    def document(self) -> ComparisonGates:
        """As stored with results: `event_types` stands there where not all events count."""
        gates: ComparisonGates = {"max_dt": self.max_dt, "max_km": self.max_km, "max_pick_dt": self.max_pick_dt}
        if self.event_types:
            gates["event_types"] = list(self.event_types)
        return gates

    def __str__(self) -> str:
        types = f", {', '.join(self.event_types)}" if self.event_types else ""
        return f"{self.max_dt:g} s, {self.max_km:g} km, picks {self.max_pick_dt:g} s{types}"


def with_arrivals(period: tuple[float, float]) -> tuple[float, float]:
    """The period widened to where its picks' events begin and its events' picks end, [start, end) in epoch seconds."""
    return period[0] - ARRIVALS_S, period[1] + ARRIVALS_S


def pick_weights(
    dt: NDArray[np.float64], same_phase: NDArray[np.bool_], probability: NDArray[np.float64], max_dt: float
) -> NDArray[np.float64]:
    """Weight of pairs of picks: 0.97 (1 - |dt| / max_dt) + 0.02 for the same phase + 0.01 times the probability.

    Args:
        dt: differences of pick times, s, shape (n,); the others likewise.
        probability: of the judged catalog's picks, 0..1; NaN counts as 0.
    """
    share = np.abs(dt) / max_dt
    tie_break = SMALLEST_WEIGHT + EVENNESS * (1.0 - share**2)
    return 0.97 * (1.0 - share) + 0.02 * same_phase + 0.01 * np.nan_to_num(probability) + tie_break


def event_weights(
    dt: NDArray[np.float64], distance_km: NDArray[np.float64], max_dt: float, max_km: float
) -> NDArray[np.float64]:
    """Weight of pairs of events: 0.99 (1 - |dt| / max_dt) + 0.01 (1 - distance / max_km)."""
    return 0.99 * (1.0 - np.abs(dt) / max_dt) + 0.01 * (1.0 - distance_km / max_km) + SMALLEST_WEIGHT
