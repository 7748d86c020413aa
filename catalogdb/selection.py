"""What is asked of a view or collection: conditions on its rows, and on the documents that a view is made of."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from catalogdb.documents.free import Query
from catalogdb.errors import InputError
from catalogdb.filters import Filter, condition, fields_of, unknown_field
from catalogdb.geo import EARTH_RADIUS_KM, turned
from catalogdb.schema import views
from catalogdb.view_fields import Fields, fields_of_collection

NEAR = "near"
STATION = "station"
PLACES = (("latitude", "longitude"), ("lat", "lon"))
LONGITUDES = frozenset(longitude for _, longitude in PLACES)


@dataclass(frozen=True)
class Selection:
    """Conditions on a view or collection.

    Attributes:
        name: the view or collection.
        of_rows: conditions on its rows.
        of_source: conditions on the documents of the collection that the view is made of: those on fields that the
            view doesn't have. Events per day of `magnitude>=1` are days of the events above it.
        span: first and last day (since 1970) that a view which lists days is to list, as far as they are asked for.
    """

    name: str
    of_rows: tuple[Query, ...]
    of_source: tuple[Query, ...]
    span: dict[str, int] = field(default_factory=dict)

    @property
    def collection(self) -> str:
        """What the pipeline is to be run on."""
        return views()[self.name].on if self.of_source or self.span else self.name

    def pipeline(self) -> list[Query]:
        """Aggregation stages that give the rows."""
        rows: list[Query] = [{"$match": {"$and": list(self.of_rows)}}] if self.of_rows else []
        if self.collection == self.name:
            return rows
        source: list[Query] = [{"$match": {"$and": list(self.of_source)}}] if self.of_source else []
        source += [{"$set": {"span": self.span}}] if self.span else []
        return [*source, *views()[self.name].pipeline, *rows]


def select(name: str, filters: Sequence[Filter]) -> Selection:
    """Conditions of filters that must all hold.

    Besides fields, `near=latitude,longitude,km` chooses by epicentral distance on a sphere, and `station` by network
    and station code. Longitudes from 179.5 to 180.5, or from 179.5 to -179.5, are those on both sides of the date line.

    Raises:
        InputError: for an unknown field or a value of the wrong type.
    """
    fields, open_ended = fields_of(name)
    source = fields_of_collection(views()[name].on) if name in views() else {}
    of_rows, of_source = [], []
    for either in _across_the_date_line(filters):
        if (found := _any_of(fields, either, open_ended)) is not None:
            of_rows.append(found)
        elif (found := _any_of(source, either, False)) is not None:
            of_source.append(found)
        else:
            one = either[0]
            raise unknown_field(
                name, one.key, [*fields, *(key for key in source if key not in fields)], f"filter {one}"
            )
    days = views()[name].span if name in views() else None
    span = _span(one for one in filters if one.key == days) if days else {}
    return Selection(name, tuple(of_rows), tuple(of_source), span)


def _across_the_date_line(filters: Sequence[Filter]) -> list[list[Filter]]:
    """The filters, each alone, but for a least and a largest longitude of which, across the date line, either holds."""
    alone = [[one] for one in filters]
    bounds = [one for one in filters if one.key in LONGITUDES and one.operator in (">=", ">", "<=", "<")]
    bounds.sort(key=lambda one: one.operator, reverse=True)  # > before <
    if [one.operator[0] for one in bounds] != [">", "<"] or bounds[0].key != bounds[1].key:
        return alone
    try:
        west, east = (float(one.values[0]) for one in bounds)
    except ValueError:  # said where it is compared
        return alone
    if max(abs(west), abs(east)) > 180 and not 0 <= east - west < 360:
        return alone
    west, east = (turned(value) for value in (west, east))
    bounded = [one._replace(values=(repr(value),)) for one, value in zip(bounds, (west, east), strict=True)]
    others = [[one] for one in filters if one not in bounds]
    return [*others, bounded] if west > east else [*others, *([one] for one in bounded)]


def _span(filters: Iterable[Filter]) -> dict[str, int]:
    """The days (since 1970) within which conditions on a field of days hold; what is no bound sets none."""
    span: dict[str, int] = {}
    for one in filters:
        try:
            days = [_day(value) for value in one.values]
        except ValueError:  # such as a wildcard
            continue
        if one.operator in ("=", ">=", ">"):
            span["first"] = max(min(days), span.get("first", min(days)))
        if one.operator in ("=", "<=", "<"):
            span["last"] = min(max(days), span.get("last", max(days)))
    return span


def _day(text: str) -> int:
    """Days since 1970 of 2024-03-27; the first one of 2024-03 or 2024."""
    return date.fromisoformat(f"{text}-01-01"[:10]).toordinal() - date(1970, 1, 1).toordinal()


def _any_of(fields: Fields, either: Sequence[Filter], open_ended: bool) -> Query | None:
    """The condition that one of these holds, None where these fields can't answer it."""
    found = [_condition(fields, one, open_ended) for one in either]
    known = [one for one in found if one is not None]
    if len(known) < len(found):
        return None
    return known[0] if len(known) == 1 else {"$or": known}


def _condition(fields: Fields, one: Filter, open_ended: bool) -> Query | None:
    """The condition, None where these fields can't answer it."""
    if one.key == NEAR and NEAR not in fields:
        places = [keys for keys in PLACES if set(keys) <= set(fields)]
        return _within(*places[0], one) if places else None
    if one.key == STATION and STATION not in fields:
        return _of_stations(fields, one) if {"net", "sta"} <= set(fields) else None
    if open_ended or one.key.split(".")[0] in fields:
        return condition(fields, one)
    return None


def _within(latitude_key: str, longitude_key: str, one: Filter) -> Query:
    """Points of a spherical cap, by the haversine of their distance."""
    try:
        latitude, longitude, km = map(float, one.values)
        if not (abs(latitude) <= 90 and abs(longitude) <= 360 and 0 <= km < math.inf and one.operator == "="):
            raise ValueError
    except ValueError:
        raise InputError(
            f"filter {one}: not near=latitude,longitude,km", hint="for example near=46.3,13.1,30 (degrees, kilometres)"
        ) from None
    angle = min(km / EARTH_RADIUS_KM, math.pi)
    spread = math.degrees(angle) + 1e-9
    north = {"$degreesToRadians": f"${latitude_key}"}

    def half_sine_squared(key: str, degrees: float) -> Query:
        half = {"$degreesToRadians": {"$divide": [{"$subtract": [f"${key}", degrees]}, 2]}}
        return {"$pow": [{"$sin": half}, 2]}

    across = [math.cos(math.radians(latitude)), {"$cos": north}, half_sine_squared(longitude_key, longitude)]
    haversine = {"$add": [half_sine_squared(latitude_key, latitude), {"$multiply": across}]}
    return {
        latitude_key: {"$gte": latitude - spread, "$lte": latitude + spread},
        longitude_key: {"$type": "number"},
        "$expr": {"$lte": [haversine, math.sin(angle / 2) ** 2 + 1e-15]},
    }


def _of_stations(fields: Fields, one: Filter) -> Query:
    """NET.STA or STA, of which either may have wildcards; any of several."""
    if one.operator not in ("=", "!="):
        raise InputError(
            f"filter {one}: stations have no order", hint="station=OX.BAD,OX.BOO; in Python a list, not a tuple"
        )
    either = []
    for value in one.values:
        net, dot, sta = value.rpartition(".")
        wanted = [Filter("sta", "=", (sta,))]
        if dot:
            wanted.append(Filter("net", "=", (net,)))
        either.append({"$and": [condition(fields, part) for part in wanted if part.values != ("*",)] or [{}]})
    return {"$or": either} if one.operator == "=" else {"$nor": either}
