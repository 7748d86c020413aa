"""Settings of event types: the block `event_type` of a job. Importable without any heavy library."""

from __future__ import annotations

from typing import Self

from pydantic import Field, field_validator, model_validator

from catalogdb.discrimination.classes import ClassName
from catalogdb.event_types import NEVER_COUNTED, quakeml_types
from catalogdb.strict_model import StrictModel

REVISION = 3
"""Raise this number whenever a change of the code in this package changes what events are found to be."""
LEAST_PROBABILITY = 0.9
"""Of an explosion, or of something at the surface, for an event to be called so."""
EARTHQUAKE_PROBABILITY = 0.85
"""Likewise of an earthquake: the smallest of 0.5 to 0.9 at which no more than 2 in 100 made blasts, and slides, are
called earthquakes by a single station (on seeds that nothing else uses)."""


class PriorConfig(StrictModel):
    """How common each class is in the region, in any unit; the waveforms have to speak against it."""

    earthquake: float = Field(default=1.0, gt=0, description="Earthquakes, for example so many in a year.")
    explosion: float = Field(default=1.0, gt=0, description="Explosions, likewise.")
    surface: float = Field(default=1.0, gt=0, description="Slides, rockfalls and the like, likewise.")


class WorkingHours(StrictModel):
    """Hours of the day in which blasts are fired."""

    from_hour: float = Field(ge=0, lt=24, description="Begin, UTC.")
    to_hour: float = Field(ge=0, le=24, description="End, UTC; before from_hour where they span midnight.")
    odds: float = Field(
        default=10.0, ge=1, description="An explosion outside of these hours is so many times less probable."
    )

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.from_hour == self.to_hour:
            raise ValueError(f"from_hour and to_hour are both {self.from_hour:g}: no hour lies in them")
        return self

    def hold(self, hour: float) -> bool:
        """Whether an hour of the day lies in them."""
        if self.from_hour <= self.to_hour:
            return self.from_hour <= hour < self.to_hour
        return hour >= self.from_hour or hour < self.to_hour


class EventTypeConfig(StrictModel):
    """What kind of event each one was, by the waveforms of its stations."""

    weights: str = Field(
        default="packaged",
        description="packaged (trained on made waveforms only), model:NAME of a model trained with task: event_type, "
        "or the path of a .pt file.",
    )
    least_probability: float = Field(
        default=LEAST_PROBABILITY,
        gt=1 / 3,
        lt=1,
        description="Of an explosion or a surface event; below this, an event keeps the type that it has.",
    )
    earthquake_probability: float = Field(
        default=EARTHQUAKE_PROBABILITY,
        gt=1 / 3,
        lt=1,
        description="Likewise of an earthquake. It may be less, for what is left open counts as an earthquake, too.",
    )
    min_stations: int = Field(default=1, ge=1, description="Events with fewer stations that vote keep it, too.")
    max_stations: int = Field(default=12, ge=1, description="The nearest so many of an event's stations are asked.")
    prior: PriorConfig = PriorConfig()
    working_hours: WorkingHours | None = Field(
        default=None, description="Take the time of day into account; none: it is shown and not used."
    )
    explosion_type: str = Field(default="explosion", description="QuakeML's type of what is found to be an explosion.")
    surface_type: str = Field(
        default="other event",
        description="Likewise at the surface; waveforms alone don't tell a landslide from an ice quake.",
    )

    @field_validator("explosion_type", "surface_type")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in quakeml_types() or value in NEVER_COUNTED:
            raise ValueError(f"{value!r} is no type of QuakeML that an event may have")
        return value

    def least(self, name: ClassName) -> float:
        """Probability from which an event is called so."""
        return self.earthquake_probability if name == "earthquake" else self.least_probability

    def type_of(self, name: ClassName) -> str:
        """QuakeML's type of a class."""
        return {"earthquake": "earthquake", "explosion": self.explosion_type, "surface": self.surface_type}[name]

    def prior_at(self, hour: float) -> tuple[float, float, float]:
        """How common each class is at an hour of the day (UTC)."""
        odds = self.working_hours.odds if self.working_hours and not self.working_hours.hold(hour) else 1.0
        return self.prior.earthquake, self.prior.explosion / odds, self.prior.surface
