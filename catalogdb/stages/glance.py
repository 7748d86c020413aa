"""Whether the waveform index still is, for a shard, what its task was picked from: seen by one sum for each shard.

Every piece has a number, made from its `extent`. The server adds up the numbers of the pieces that a padded shard holds
samples of, so that of an archive that has not changed no piece is sent. Equal sums mean equal pieces (of 2.8e14 changes
one would go unseen); other sums mean that the pieces have to be looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pymongo.database import Database

from catalogdb.identity import content_id
from catalogdb.ledger.parts import DIGITS, digest

NO_PIECES = "0"

Place = tuple[str, str, float]
"""Network, station and start of a shard."""


class Seen(NamedTuple):
    """What the index holds of one shard.

    Attributes:
        glance: as of `glance`.
        inside: whether a piece reaches into the shard itself, padding left out.
    """

    glance: str | None
    inside: bool


def extent_number(extent: str) -> int:
    """The number of a piece, from its `extent`."""
    return int(content_id(extent)[:DIGITS], 16)


def glance(pieces: Sequence[Mapping[str, Any]], axes: Mapping[str, Any]) -> str | None:
    """What the index holds of one shard; None where pieces were indexed before they had numbers.

    Args:
        pieces: all `wf_miniseed` documents that reach into the padded shard.
        axes: where the station's channels point whose codes don't say it.
    """
    numbers = [piece.get("extent_number") for piece in pieces]
    return None if None in numbers else _text(len(numbers), sum(numbers), axes)


def glances(
    db: Database,
    query: Mapping[str, Any],
    length: float,
    padding: float,
    axes: Mapping[tuple[str, str], Mapping[str, Any]],
) -> Iterator[tuple[Place, Seen]]:
    """What the index holds of every padded shard that a piece reaches into.

    Args:
        query: of `wf_miniseed`.
        length, padding: of a shard (s); shards start at its multiples.
        axes: as `glance` wants them, by station.
    """
    first = {"$floor": {"$divide": [{"$subtract": ["$starttime", padding]}, length]}}
    last = {"$floor": {"$divide": [{"$add": ["$endtime", padding]}, length]}}
    numbers = {"$range": [{"$toInt": first}, {"$add": [{"$toInt": last}, 1]}]}
    start = {"$multiply": ["$shard", length]}
    is_inside = [{"$lt": ["$starttime", {"$add": [start, length]}]}, {"$gte": ["$endtime", start]}]
    is_old = {"$cond": [{"$eq": [{"$type": "$extent_number"}, "missing"]}, 1, 0]}
    rows = db.wf_miniseed.aggregate(
        [
            {"$match": query},
            {"$set": {"shard": numbers}},
            {"$unwind": "$shard"},
            {
                "$group": {
                    "_id": {"net": "$net", "sta": "$sta", "shard": "$shard"},
                    "pieces": {"$sum": 1},
                    "total": {"$sum": "$extent_number"},
                    "old": {"$sum": is_old},
                    "inside": {"$max": {"$and": is_inside}},
                }
            },
        ],
        batchSize=10_000,
    )
    for row in rows:
        name = row["_id"]
        text = _text(row["pieces"], row["total"], axes.get((name["net"], name["sta"]), {}))
        yield (name["net"], name["sta"], name["shard"] * length), Seen(None if row["old"] else text, row["inside"])


def _text(number: int, total: float, axes: Mapping[str, Iterable[Any]]) -> str:
    if number == 0:
        return NO_PIECES
    pointing = digest({sensor: sorted(map(repr, of_sensor)) for sensor, of_sensor in axes.items()}) if axes else "-"
    return f"{number} {total:.0f} {pointing}"
