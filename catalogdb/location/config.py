"""Settings of location. Nothing here loads numerical libraries, so the command line can check a job without them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from catalogdb.names import NAME_PATTERN
from catalogdb.strict_model import StrictModel
from catalogdb.traveltimes.velocity import VelocityConfig

METHOD = "nonlinear"
"""Of the origins that location makes."""


class LocateConfig(StrictModel):
    """From associated arrivals to locations with uncertainties."""

    velocity: VelocityConfig | None = Field(
        None, description="Velocity model; left out: associate.location_velocity, else associate.velocity."
    )
    velocity_model: str | None = Field(
        None,
        pattern=NAME_PATTERN,
        description="Name of a velocity model in the database, of layers or a 3-D grid, instead of velocity "
        "(`catalogdb ingest velocity-model`).",
    )
    terms: Literal["none", "static", "source"] = Field(
        "source",
        description="Station terms from the catalog's own residuals: none, one for each station and phase (static), or "
        "also by where the event is (source).",
    )
    elevations: bool = Field(
        True,
        description="Stations stand at their elevations. False: at sea level, as Hypo71 takes them; for comparison "
        "with catalogs that were located so.",
    )
    errors: Literal["estimated", "hypo71"] = Field(
        "estimated",
        description="What arrival times are off: from the catalog's residuals, with correlated paths and outliers "
        "(estimated); or as Hypo71 weighs them, P and S alike, by the picks' hypo71_weight alone (hypo71), for "
        "comparison with catalogs that were located so.",
    )
    min_events: int = Field(20, ge=2, description="Located events that station terms need; a smaller catalog has none.")

    @model_validator(mode="after")
    def _one_model(self) -> LocateConfig:
        if self.velocity is not None and self.velocity_model is not None:
            raise ValueError("velocity beside velocity_model: give the one or the other")
        return self
