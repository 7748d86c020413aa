"""Picks as the database wants them: identities by content, and the name of their pick set."""

from __future__ import annotations

from collections import defaultdict
from typing import cast

from catalogdb.documents.data import Pick, PickFields
from catalogdb.identity import milliseconds, numbered_ids


def identified_picks(made: list[PickFields], config_id: str, pick_set: str) -> list[Pick]:
    """Picks as the `pick` collection wants them, but for what every stage's documents are given."""
    picks = cast(list[Pick], made)
    of_phase: dict[tuple[str, str], list[Pick]] = defaultdict(list)
    for pick in picks:
        of_phase[pick["channel_group"], pick["phase"]].append(pick)
    for (sensor, phase), some in of_phase.items():
        ids = numbered_ids((config_id, sensor, phase), (milliseconds(pick["time"]) for pick in some))
        for pick, identity in zip(some, ids, strict=True):
            pick["_id"] = identity
            pick["pick_set"] = pick_set
    return picks
