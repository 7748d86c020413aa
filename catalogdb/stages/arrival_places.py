"""Arrivals of origins with their picks, and where their sensors stood."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import log2
from typing import Any, NamedTuple

from pymongo.database import Database

from catalogdb.batches import batches
from catalogdb.documents.free import Query, Row
from catalogdb.ledger.parts import digest
from catalogdb.stages.preferred import FURTHER
from catalogdb.stages.station_places import read_places
from catalogdb.stations.places import Place

ORIGIN_FIELDS = (
    *("event_id", "time", "latitude", "longitude", "depth_km"),
    *(f"arrivals.{name}" for name in ("pick_id", "phase", "net", "sta", "time")),
)
"""Of origins that events are located again from."""
PICK_FIELDS = dict.fromkeys(("loc", "chan", "uncertainty", "hypo71_weight", "channel_group"), 1)
BATCH_PICKS = 10_000


class PlacedArrival(NamedTuple):
    """One of an origin's arrivals (pick_id, phase, time), what its pick says, and its sensor's place."""

    arrival: Mapping[str, Any]
    net: str
    sta: str
    pick: Mapping[str, Any]
    place: Place


def placed_arrivals(db: Database, origins: Sequence[Mapping[str, Any]]) -> list[list[PlacedArrival]]:
    """Arrivals of each origin at sensors whose places are known: at the arrival's time, else nearest to it."""
    own = [arrival for origin in origins for arrival in origin["arrivals"]]
    picks: dict[str, Mapping[str, Any]] = {}
    for batch in batches([arrival["pick_id"] for arrival in own], BATCH_PICKS):
        picks |= {row["_id"]: row for row in db.pick.find({"_id": {"$in": batch}}, PICK_FIELDS)}
    places = read_places(db, codes={arrival["sta"] for arrival in own})
    found = []
    for origin in origins:
        event = []
        for arrival in origin["arrivals"]:
            pick, net, sta = picks.get(arrival["pick_id"], {}), arrival.get("net") or "", arrival["sta"]
            place = places.at(net, sta, arrival["time"], pick.get("loc"), pick.get("chan"))
            place = place or places.nearest(net, sta, arrival["time"])
            if place is not None:
                event.append(PlacedArrival(arrival, net, sta, pick, place))
        found.append(event)
    return found


def associated_origins(db: Database, query: Query) -> tuple[list[Row], list[list[PlacedArrival]]]:
    """Origins of a query that association made, in order of time, and their arrivals."""
    fields = dict.fromkeys(ORIGIN_FIELDS, 1) | {"_id": 0}
    wanted = query | {"method": {"$nin": list(FURTHER)}}
    origins = list(db.origin.find(wanted, fields).sort([("time", 1), ("event_id", 1)]))
    return origins, placed_arrivals(db, origins)


def described(own: PlacedArrival) -> dict[str, Any]:
    """An arrival as location takes it (`location.documents.Placed`)."""
    named = {name: own.arrival[name] for name in ("pick_id", "phase", "time")}
    return named | {"net": own.net, "sta": own.sta, "precision": _precision(own.pick)} | own.place._asdict()


def sensor_parts(arrivals: Iterable[PlacedArrival]) -> dict[str, str]:
    """Identity of the places of each station's sensors."""
    sensors: dict[str, set[str]] = defaultdict(set)
    for own in arrivals:
        sensors[f"{own.net}.{own.sta}"].add(" ".join(map(repr, own.place)))
    return {station: digest(*sorted(found)) for station, found in sensors.items()}


def _precision(pick: Mapping[str, Any]) -> str:
    """Class of a pick's precision: the analyst's weight, else its uncertainty to a factor of 1.4."""
    if pick.get("hypo71_weight") is not None:
        return f"weight {pick['hypo71_weight']}"
    uncertainty = pick.get("uncertainty")
    return f"uncertainty {round(2.0 * log2(uncertainty))}" if uncertainty and uncertainty > 0 else "unknown"
