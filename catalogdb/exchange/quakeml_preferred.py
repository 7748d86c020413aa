"""Which origin and which magnitude of an event is the preferred one: QuakeML says it, or nothing, or a wrong id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from catalogdb.exchange.quakeml_values import Tally, evaluation

REVIEWED = ("reviewed", "confirmed", "final")
RULE = "a reviewed or manual one before automatic ones, a rejected one last, of equals the newest"


@dataclass(frozen=True)
class Rank:
    """What speaks for an origin or a magnitude, the most important first.

    review: 2 for reviewed or manual, 0 for automatic, 1 where nothing is said.
    created: epoch seconds; what has none counts as the oldest.
    """

    is_not_rejected: bool
    review: int
    is_of_preferred: bool
    created: float

    @classmethod
    def of(cls, part: Any, source: Any = None, is_of_preferred: bool = True) -> Rank:
        """Rank of ObsPy's `Origin` or `Magnitude`; what a magnitude does not say is that of its origin, `source`."""
        mode, status = evaluation(part)
        if source is not None and mode is None and status is None:
            mode, status = evaluation(source)
        created = part.creation_info.creation_time if part.creation_info else None
        return cls(
            status != "rejected",
            2 if status in REVIEWED or mode == "manual" else 1 if mode is None else 0,
            is_of_preferred,
            float("-inf") if created is None else created.timestamp,
        )

    def key(self) -> tuple[bool, int, bool, float]:
        """For comparing."""
        return self.is_not_rejected, self.review, self.is_of_preferred, self.created


def preferred(
    wanted: Any, ranks: dict[str, Rank], what: str, record: str, said: Tally, repaired: list[str]
) -> str | None:
    """Id of the preferred part of an event: the one that the event names, else the one that its rank speaks for.

    Args:
        wanted: ObsPy's `ResourceIdentifier` of the one that the event prefers, or None.
        ranks: the parts that are there by their ids, in the file's order, which decides among equals.
        what: origin or magnitude.
        said: counts the choices.
        repaired: takes what is to be said of ids that name nothing.

    Returns:
        None without parts.
    """
    wanted_id: str | None = wanted.id if wanted is not None else None
    if wanted_id in ranks:
        return wanted_id
    best = max(ranks, key=lambda name: ranks[name].key(), default=None)  # of equals, the first
    if wanted_id and best is not None:
        repaired.append(f"{record}: the preferred {what} {wanted_id} is not among its {what}s; taken is {best}: {RULE}")
    elif len(ranks) > 1:
        said.add(f"events of several {what}s that name no preferred one: {RULE}", f"{record}: {best}")
    return best
