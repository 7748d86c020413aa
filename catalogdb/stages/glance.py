"""Whether the waveform index still is, for a shard, what its task was picked from: seen by one sum for each shard.

Every segment has a number, made from its `extent`. The server adds up the numbers of the segments that a padded shard
holds samples of, so that of an archive that has not changed no segment is sent. Equal sums mean equal segments (of
2.8e14 changes one would go unseen); other sums mean that the segments have to be looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pymongo.database import Database

from catalogdb.documents.free import Query
from catalogdb.identity import content_id
from catalogdb.ledger.parts import DIGITS, digest

NO_SEGMENTS = "0"
HAS_NUMBER = {"$gt": ["$extent_number", None]}
GROUPS_TOGETHER = 10_000

Place = tuple[str, str, float]
"""Network, station and start of a shard."""


class Seen(NamedTuple):
    """What the index holds of one shard.

    Attributes:
        glance: as of `glance`.
        inside: whether a segment reaches into the shard itself, padding left out.
    """

    glance: str | None
    inside: bool


NOTHING_SEEN = Seen(NO_SEGMENTS, False)


def extent_number(extent: str) -> int:
    """The number of a segment, from its `extent`."""
    return int(content_id(extent)[:DIGITS], 16)


def glance(segments: Sequence[Mapping[str, Any]], axes: Mapping[str, Any]) -> str | None:
    """What the index holds of one shard; None where segments were indexed before they had numbers.

    Args:
        segments: all `wf_miniseed` documents that reach into the padded shard.
        axes: where the station's channels point whose codes don't say it.
    """
    numbers = [segment["extent_number"] for segment in segments if segment.get("extent_number") is not None]
    return None if len(numbers) < len(segments) else _text(len(numbers), sum(numbers), axes)


def glances(
    db: Database,
    query: Mapping[str, Any],
    length: float,
    padding: float,
    axes: Mapping[tuple[str, str], Mapping[str, Any]],
) -> Iterator[tuple[Place, Seen]]:
    """What the index holds of every padded shard that a segment reaches into.

    Args:
        query: of `wf_miniseed`.
        length, padding: of a shard (s); shards start at its multiples.
        axes: as `glance` wants them, by station.
    """
    reach = {
        "first": _shard_of({"$subtract": ["$starttime", padding]}, length),
        "last": _shard_of({"$add": ["$endtime", padding]}, length),
        "first_inside": _shard_of("$starttime", length),
        "last_inside": _shard_of("$endtime", length),
    }
    sums = {
        "segments": {"$sum": 1},
        "total": {"$sum": "$extent_number"},
        "numbered": {"$sum": {"$cond": [HAS_NUMBER, 1, 0]}},
    }
    found: dict[Place, list[Any]] = {}
    pipeline: list[Query] = [
        {"$match": query},
        {"$group": {"_id": {"net": "$net", "sta": "$sta"} | reach} | sums},
    ]
    for row in db.wf_miniseed.aggregate(pipeline, batchSize=GROUPS_TOGETHER):
        name = row["_id"]
        for number in range(int(name["first"]), int(name["last"]) + 1):
            of_shard = found.setdefault((name["net"], name["sta"], number * length), [0, 0, 0, False])
            of_shard[0] += row["segments"]
            of_shard[1] += row["total"]
            of_shard[2] += row["numbered"]
            of_shard[3] |= name["first_inside"] <= number <= name["last_inside"]
    for place, (segments, total, numbered, inside) in found.items():
        text = _text(segments, total, axes.get(place[:2], {}))
        yield place, Seen(text if numbered == segments else None, inside)


def _shard_of(time: Any, length: float) -> Query:
    return {"$floor": {"$divide": [time, length]}}


def _text(number: int, total: int, axes: Mapping[str, Iterable[Any]]) -> str:
    if number == 0:
        return NO_SEGMENTS
    pointing = digest({sensor: sorted(map(repr, of_sensor)) for sensor, of_sensor in axes.items()}) if axes else "-"
    return f"{number} {total} {pointing}"
