"""Choose events as FDSN event services do: one model for queries, counts and exports."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from catalogdb.documents.free import Query
from catalogdb.errors import InputError
from catalogdb.strict_model import StrictModel
from catalogdb.times import format_time, parse_time

Latitude = Field(None, ge=-90, le=90, description="Degrees.")
Longitude = Field(None, ge=-180, le=180, description="Degrees.")


class EventFilter(StrictModel):
    """Bounds on events, under the parameter names of FDSN web services 1.2 (fdsnws-event).

    Bounds include their own value, but for `endtime`: a period is [starttime, endtime), so that neighbouring periods
    share no event.
    """

    starttime: float | None = Field(
        None, description="Earliest origin time (epoch seconds UTC; ISO 8601 is taken too)."
    )
    endtime: float | None = Field(
        None, description="Origin times are before this (epoch seconds UTC; ISO 8601 is taken too)."
    )
    minlatitude: float | None = Latitude
    maxlatitude: float | None = Latitude
    minlongitude: float | None = Longitude
    maxlongitude: float | None = Longitude
    mindepth: float | None = Field(None, description="Kilometres below sea level.")
    maxdepth: float | None = Field(None, description="Kilometres below sea level.")
    minmagnitude: float | None = Field(None, description="Least preferred magnitude; events without one are left out.")
    maxmagnitude: float | None = Field(
        None, description="Largest preferred magnitude; events without one are left out."
    )
    magnitudetype: str | None = Field(None, description="Type of the preferred magnitude, for example ML.")
    eventtype: str | None = Field(None, description="QuakeML event type, for example earthquake.")
    evaluationmode: Literal["automatic", "manual"] | None = Field(None, description="QuakeML evaluationMode.")
    eventid: str | None = Field(None, description="One event's id, the beginning of it, or its id in the source.")
    limit: int | None = Field(None, ge=1, description="At most so many events.")
    offset: int = Field(0, ge=0, description="Events to pass over first.")
    orderby: Literal["time", "time-asc", "magnitude", "magnitude-asc"] = Field(
        "time-asc", description="Without -asc, the latest or the largest comes first."
    )

    @field_validator("starttime", "endtime", mode="before")
    @classmethod
    def _epoch_seconds(cls, value: Any) -> Any:
        if isinstance(value, datetime):
            return value.replace(tzinfo=value.tzinfo or UTC).timestamp()
        if isinstance(value, str):
            try:
                return parse_time(value)  # first, since 20240301 is a day
            except ValueError as error:
                try:
                    return float(value)
                except ValueError:
                    raise error from None
        return value

    @model_validator(mode="after")
    def _ordered(self) -> EventFilter:
        for low, high in (
            ("starttime", "endtime"),
            ("minlatitude", "maxlatitude"),
            ("mindepth", "maxdepth"),
            ("minmagnitude", "maxmagnitude"),
        ):
            least, largest = getattr(self, low), getattr(self, high)
            if least is not None and largest is not None and least > largest:
                if low == "starttime":
                    raise ValueError(f"{low} {format_time(least)} is after {high} {format_time(largest)}")
                raise ValueError(f"{low} {least:g} is above {high} {largest:g}")
        return self

    def query(self, catalog: str) -> Query:
        """MongoDB filter on `event`; every value in it is a number or a literal text, never an operator.

        A `minlongitude` above `maxlongitude` means a box across the 180th meridian.
        """
        query: Query = {"catalog": {"$eq": str(catalog)}}
        for name, low, high in (
            ("time", self.starttime, None),
            ("latitude", self.minlatitude, self.maxlatitude),
            ("depth_km", self.mindepth, self.maxdepth),
            ("magnitude", self.minmagnitude, self.maxmagnitude),
        ):
            if bounds := _bounds(low, high):
                query[name] = bounds
        if self.endtime is not None:
            query.setdefault("time", {})["$lt"] = self.endtime
        west, east = self.minlongitude, self.maxlongitude
        if west is not None and east is not None and west > east:
            query["$or"] = [{"longitude": {"$gte": west}}, {"longitude": {"$lte": east}}]
        elif bounds := _bounds(west, east):
            query["longitude"] = bounds
        for name, value in (
            ("magnitude_type", self.magnitudetype),
            ("event_type", self.eventtype),
            ("evaluation_mode", self.evaluationmode),
        ):
            if value is not None:
                query[name] = {"$eq": value}
        if self.eventid is not None:
            query["$and"] = [{"$or": [{"_id": {"$eq": self.eventid}}, {"source_id": {"$eq": self.eventid}}]}]
        return query

    def sort(self) -> list[tuple[str, int]]:
        """Sort order; ids settle ties, so that a limit always cuts at the same event."""
        field = self.orderby.removesuffix("-asc")
        direction = 1 if self.orderby.endswith("-asc") else -1
        return [(field, direction), ("_id", 1)] if field == "time" else [(field, direction), ("time", 1), ("_id", 1)]


def chosen_events(**filters: Any) -> EventFilter:
    """The filter of these bounds.

    Raises:
        InputError: naming those that are none, and why.
    """
    try:
        return EventFilter(**filters)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, item['loc']))}: {item['msg'].removeprefix('Value error, ')}".removeprefix(": ")
            for item in error.errors()
        )
        raise InputError(f"filters: {problems}", hint=f"there are {', '.join(EventFilter.model_fields)}") from None


def _bounds(low: float | None, high: float | None) -> dict[str, float]:
    return {operator: value for operator, value in (("$gte", low), ("$lte", high)) if value is not None}
