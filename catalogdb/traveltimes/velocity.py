"""Velocity models as jobs give them: two numbers, or layers."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from catalogdb.identity import content_id
from catalogdb.strict_model import StrictModel

DEFAULT_VP, DEFAULT_VS = 6.0, 3.45
FASTEST = 15.0  # km/s; nothing in the Earth is faster
EARTH_MODEL_DIGITS = 12
DEEPEST_KM, HIGHEST_KM = 2900.0, -10.0


def _km_per_second(value: float) -> float:
    if value > FASTEST:
        raise ValueError(f"{value:g} km/s is no speed in the Earth: speeds are in km/s, not m/s")
    return value


def _km_below_sea(value: float) -> float:
    if not HIGHEST_KM <= value <= DEEPEST_KM:
        raise ValueError(f"{value:g} km is no depth: depths are in km below sea level, not metres")
    return value


Speed = Annotated[float, AfterValidator(_km_per_second)]
DepthKm = Annotated[float, AfterValidator(_km_below_sea)]


class VelocityLayer(StrictModel):
    """One layer, or one node of a gradient model."""

    depth_km: DepthKm = Field(description="Top of the layer (or depth of the node), km below sea level.")
    vp: Speed = Field(gt=0.0, description="P speed, km/s.")
    vs: Speed = Field(gt=0.0, description="S speed, km/s.")


AS_FLAT = "the layers are shells of a round Earth (spherical) and are taken as flat, so P is 0.3 s late over 4 degrees"
"""Said where a spherical model becomes one that isn't."""


class VelocityConfig(StrictModel):
    """Speed of P and S: two numbers, or layers."""

    vp: Speed | None = Field(
        None,
        gt=0.0,
        description=f"P speed of the homogeneous model, km/s; left out: {DEFAULT_VP}, or the layers'.",
    )
    vs: Speed | None = Field(
        None,
        gt=0.0,
        description=f"S speed of the homogeneous model, km/s; left out: {DEFAULT_VS}, or the layers'.",
    )
    layers: tuple[VelocityLayer, ...] | None = Field(
        None,
        description="1-D model, shallowest first, instead of vp and vs. The first layer reaches up to the stations.",
    )
    gradient: bool = Field(False, description="Speeds vary linearly between the depths listed instead of in steps.")
    spherical: bool = Field(
        False,
        description="The layers are shells of a round Earth, as global models have them. False: they are flat, as "
        "models of a region are made and used; over 4 degrees that makes P 0.3 s late in the crust, 1.5 s from 600 km.",
    )

    @model_serializer(mode="wrap")
    def _without_flat(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Flat models are written as before there were others, so that what they are part of keeps its identity."""
        values: dict[str, Any] = handler(self)
        return values if self.spherical else {name: value for name, value in values.items() if name != "spherical"}

    @model_validator(mode="before")
    @classmethod
    def _with_defaults(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        defaults = {"vp": DEFAULT_VP, "vs": DEFAULT_VS}
        if values.get("layers") is None:
            return values | {name: default for name, default in defaults.items() if values.get(name) is None}
        if defaults.items() <= values.items():  # jobs on record, of versions that wrote them beside the layers
            return {name: value for name, value in values.items() if name not in defaults}
        return values

    @property
    def homogeneous(self) -> tuple[float, float] | None:
        """Speeds of P and S, km/s; None for a model of layers."""
        return None if self.vp is None or self.vs is None else (self.vp, self.vs)

    @property
    def rows(self) -> list[tuple[float, float, float]]:
        """Top (km below sea level), P and S speed (km/s) of each layer, or of each node of a gradient; of two speeds
        one layer from sea level down."""
        if self.homogeneous is not None:
            return [(0.0, *self.homogeneous)]
        return [(layer.depth_km, layer.vp, layer.vs) for layer in self.layers or ()]

    @property
    def earth_model_id(self) -> str:
        """Name of the model by its content: its speeds, or its number of layers, and a hash of all that it says."""
        kind = f"{len(self.layers)}_layers" if self.layers else f"vp_{self.vp:g}_vs_{self.vs:g}"
        return f"{kind}_{content_id(self.model_dump(mode='json'))[:EARTH_MODEL_DIGITS]}"

    @model_validator(mode="after")
    def _consistent(self) -> VelocityConfig:
        if self.layers is None and self.homogeneous and self.homogeneous[1] >= self.homogeneous[0]:
            raise ValueError(f"vs ({self.vs}) must be below vp ({self.vp})")
        if self.spherical and self.layers is None:
            raise ValueError("spherical without layers: two speeds are those of straight rays")
        if self.layers is not None:
            if given := [name for name in ("vp", "vs") if getattr(self, name) is not None]:
                raise ValueError(f"{' and '.join(given)} beside layers: give the one or the other")
            if not self.layers:
                raise ValueError("layers is empty: leave it out for a homogeneous model")
            depths = [layer.depth_km for layer in self.layers]
            if any(below <= above for above, below in zip(depths, depths[1:], strict=False)):
                raise ValueError(f"layers must be listed from the shallowest to the deepest, not {depths}")
            for layer in self.layers:
                if layer.vs >= layer.vp:
                    raise ValueError(f"vs ({layer.vs}) must be below vp ({layer.vp}), layer at {layer.depth_km} km")
        return self
