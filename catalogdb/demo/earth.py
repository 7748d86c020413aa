"""Layered Earth: travel times, take-off angles and attenuation of P and S.

The velocities are those used for North-East Italy at OGS (5.85, 6.80 and 8.00 km/s with Vp/Vs 1.78).
Layers are flat and homogeneous, so a ray is fixed by its ray parameter p (Aki & Richards 2002, section 9.3):

    X(p) = sum h_k p v_k / sqrt(1 - p^2 v_k^2)        T(p) = sum h_k / (v_k sqrt(1 - p^2 v_k^2))

and a head wave along a refractor of velocity v_r has p = 1 / v_r.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

_BISECTIONS = 60


@dataclass(frozen=True)
class LayeredEarth:
    """Flat layers over a half-space; the first layer reaches up to the highest station.

    Attributes
    ----------
    top_km : depth of each layer's top below sea level (km), the first being 0
    vp_km_s : P velocity of each layer (km/s), increasing with depth
    vp_vs : ratio of P to S velocity, the same in all layers
    density_kg_m3 : density of each layer (kg/m^3)
    qp, qs : quality factors of each layer
    """

    top_km: tuple[float, ...] = (0.0, 22.0, 39.5)
    vp_km_s: tuple[float, ...] = (5.85, 6.80, 8.00)
    vp_vs: float = 1.78
    density_kg_m3: tuple[float, ...] = (2700.0, 2900.0, 3300.0)
    qp: tuple[float, ...] = (400.0, 600.0, 800.0)
    qs: tuple[float, ...] = (250.0, 400.0, 600.0)

    def __post_init__(self) -> None:
        if len({len(self.top_km), len(self.vp_km_s), len(self.density_kg_m3), len(self.qp), len(self.qs)}) != 1:
            raise ValueError("every layer needs a top, a velocity, a density and quality factors")
        if self.top_km[0] != 0.0 or np.any(np.diff(self.top_km) <= 0) or np.any(np.diff(self.vp_km_s) <= 0):
            raise ValueError("layer tops must start at 0 and increase, and so must velocities")

    def velocity_km_s(self, phase: str) -> NDArray[np.float64]:
        """Velocity of each layer for ``phase`` "P" or "S" (km/s)."""
        vp = np.asarray(self.vp_km_s)
        return vp / _ratio(phase, self.vp_vs)

    def quality(self, phase: str) -> NDArray[np.float64]:
        """Quality factor of each layer for ``phase`` "P" or "S"."""
        return np.asarray(self.qp if _ratio(phase, self.vp_vs) == 1.0 else self.qs)

    def layer_at(self, depth_km: float) -> int:
        """Index of the layer that holds ``depth_km``; an interface belongs to the layer above it."""
        return max(0, int(np.searchsorted(self.top_km, depth_km, side="left")) - 1)

    def thickness_km(self, upper_km: NDArray[np.float64], lower_km: NDArray[np.float64]) -> NDArray[np.float64]:
        """Thickness of each layer between two depths (km): shape ``upper_km.shape + (layers,)``."""
        tops = np.array((-np.inf, *self.top_km[1:]))
        bottoms = np.array((*self.top_km[1:], np.inf))
        upper, lower = np.broadcast_arrays(upper_km, lower_km)
        return np.clip(np.minimum(lower[..., None], bottoms) - np.maximum(upper[..., None], tops), 0.0, None)


@dataclass(frozen=True)
class Rays:
    """Rays from a source to receivers; every array has the broadcast shape of the inputs.

    Attributes
    ----------
    time_s : travel time (s); infinite where the wave does not exist
    ray_parameter_s_km : horizontal slowness (s/km)
    takeoff_deg : angle at the source from the downward vertical (degrees): above 90 for up-going rays
    t_star_s : attenuation operator t* = sum of time over Q (s)
    refractor : layer index along which a head wave runs, -1 for the direct wave
    """

    time_s: NDArray[np.float64]
    ray_parameter_s_km: NDArray[np.float64]
    takeoff_deg: NDArray[np.float64]
    t_star_s: NDArray[np.float64]
    refractor: NDArray[np.int64]


def direct_wave(
    earth: LayeredEarth, phase: str, distance_km: ArrayLike, depth_km: ArrayLike, elevation_m: ArrayLike = 0.0
) -> Rays:
    """Up-going direct wave, by bisection for the ray parameter (Aki & Richards 2002, eq. 9.29 for flat layers).

    Parameters
    ----------
    phase : "P" or "S"
    distance_km : epicentral distance (km)
    depth_km : source depth below sea level (km)
    elevation_m : receiver elevation above sea level (m)

    Raises
    ------
    ValueError if the source is not below the receiver, a distance is negative or the phase is unknown.
    """
    distance, depth, receiver = _geometry(distance_km, depth_km, elevation_m)
    velocity, quality = earth.velocity_km_s(phase), earth.quality(phase)
    thickness = earth.thickness_km(receiver, depth)
    crossed = thickness > 0
    fastest = np.max(np.where(crossed, velocity, 0.0), axis=-1)
    # Bisect the tangent of the angle in the fastest layer: it stays well scaled where p comes near 1 / v.
    low = np.zeros(distance.shape)
    high = distance / np.max(np.where(velocity == fastest[..., None], thickness, 0.0), axis=-1)
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        reach = np.sum(thickness * _tangent(_slowness(middle, fastest), velocity, crossed), axis=-1)
        low, high = np.where(reach < distance, middle, low), np.where(reach < distance, high, middle)
    p = _slowness(0.5 * (low + high), fastest)
    layer_time = thickness / velocity / _cosine(p, velocity, crossed)
    source_velocity = velocity[np.array([earth.layer_at(d) for d in depth.ravel()], dtype=int)].reshape(depth.shape)
    takeoff = 180.0 - np.degrees(np.arcsin(np.clip(p * source_velocity, 0.0, 1.0)))
    return Rays(layer_time.sum(axis=-1), p, takeoff, (layer_time / quality).sum(axis=-1), np.full(distance.shape, -1))


def head_wave(
    earth: LayeredEarth,
    phase: str,
    distance_km: ArrayLike,
    depth_km: ArrayLike,
    elevation_m: ArrayLike = 0.0,
    *,
    refractor: int,
) -> Rays:
    """Head wave along the top of layer ``refractor``; its time is infinite before the critical distance.

    T = p X + sum over both legs of h_k sqrt(1/v_k^2 - p^2), p = 1/v_r (Aki & Richards 2002, section 6.4).
    Arguments and errors as in :func:`direct_wave`.
    """
    distance, depth, receiver = _geometry(distance_km, depth_km, elevation_m)
    velocity, quality = earth.velocity_km_s(phase), earth.quality(phase)
    top = np.full(depth.shape, earth.top_km[refractor])
    legs = earth.thickness_km(receiver, top) + earth.thickness_km(np.minimum(depth, top), top)
    p = np.full(distance.shape, 1.0 / velocity[refractor])
    crossed = legs > 0
    leg_time = np.where(crossed, legs / velocity / _cosine(p, velocity, crossed), 0.0)
    run = distance - np.sum(legs * _tangent(p, velocity, crossed), axis=-1)
    time = leg_time.sum(axis=-1) + run * p
    t_star = (leg_time / quality).sum(axis=-1) + run * p / quality[refractor]
    source_velocity = velocity[np.array([earth.layer_at(d) for d in depth.ravel()], dtype=int)].reshape(depth.shape)
    takeoff = np.degrees(np.arcsin(np.clip(p * source_velocity, 0.0, 1.0)))
    exists = (run >= 0) & (depth < top)
    return Rays(
        np.where(exists, time, np.inf), p, takeoff, np.where(exists, t_star, np.inf), np.full(distance.shape, refractor)
    )


def first_arrival(
    earth: LayeredEarth, phase: str, distance_km: ArrayLike, depth_km: ArrayLike, elevation_m: ArrayLike = 0.0
) -> Rays:
    """The earliest of the direct wave and the head waves. Arguments and errors as in :func:`direct_wave`."""
    best = direct_wave(earth, phase, distance_km, depth_km, elevation_m)
    for refractor in range(1, len(earth.top_km)):
        other = head_wave(earth, phase, distance_km, depth_km, elevation_m, refractor=refractor)
        sooner = other.time_s < best.time_s
        best = Rays(
            *(
                np.where(sooner, getattr(other, name), getattr(best, name))
                for name in ("time_s", "ray_parameter_s_km", "takeoff_deg", "t_star_s", "refractor")
            )
        )
    return best


def _ratio(phase: str, vp_vs: float) -> float:
    if phase not in ("P", "S"):
        raise ValueError(f"phase must be 'P' or 'S', not {phase!r}")
    return 1.0 if phase == "P" else vp_vs


def _geometry(distance_km: ArrayLike, depth_km: ArrayLike, elevation_m: ArrayLike) -> tuple[NDArray[np.float64], ...]:
    distance, depth, elevation = np.broadcast_arrays(
        np.asarray(distance_km, float), np.asarray(depth_km, float), np.asarray(elevation_m, float)
    )
    receiver = -elevation / 1000.0
    if np.any(distance < 0):
        raise ValueError("epicentral distances must not be negative")
    if np.any(depth <= receiver):
        raise ValueError("the source must lie below the receiver")
    return distance, depth, receiver


def _slowness(tangent: NDArray[np.float64], velocity: NDArray[np.float64]) -> NDArray[np.float64]:
    return tangent / np.sqrt(1.0 + tangent**2) / velocity


def _cosine(p: NDArray[np.float64], velocity: NDArray[np.float64], crossed: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Cosine of the ray's angle in each layer; 1 in layers that the ray does not cross."""
    return np.where(crossed, np.sqrt(np.clip(1.0 - (p[..., None] * velocity) ** 2, 1e-12, None)), 1.0)


def _tangent(p: NDArray[np.float64], velocity: NDArray[np.float64], crossed: NDArray[np.bool_]) -> NDArray[np.float64]:
    return np.where(crossed, p[..., None] * velocity / _cosine(p, velocity, crossed), 0.0)
