"""Settings of location. Nothing here loads numerical libraries, so the command line can check a job without them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from catalogdb.traveltimes.velocity import VelocityConfig

METHOD = "nonlinear"
"""Of the origins that location makes."""


class LocateConfig(BaseModel):
    """From associated arrivals to locations with uncertainties."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    velocity: VelocityConfig | None = Field(
        None, description="Velocity model; left out: associate.location_velocity, else associate.velocity."
    )
    terms: Literal["none", "static", "source"] = Field(
        "source",
        description="Station terms from the catalog's own residuals: none, one for each station and phase (static), or "
        "also by where the event is (source).",
    )
    min_events: int = Field(20, ge=2, description="Located events that station terms need; a smaller catalog has none.")
