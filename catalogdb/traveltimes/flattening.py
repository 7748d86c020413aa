"""A round Earth as flat layers: the Earth-flattening transformation, exact for the times of rays (Mueller, 1977,
Journal of Geophysics 42, 429-436).

At radius r stands the depth R ln(R/r), and speeds are R/r times as large; distances are those at sea level.
"""

from __future__ import annotations

import numpy as np

from catalogdb.geo import EARTH_RADIUS_KM

THIN_KM, THICK_KM, THIN_ABOVE_KM = 2.0, 10.0, 50.0
"""Thickness of the layers that a shell of one speed becomes, above a depth and below it: speeds of flat ones grow with
depth."""


def flat_depth(depth_km: float) -> float:
    """Depth in flat layers, km, of a depth below sea level in the round Earth, km."""
    return float(-EARTH_RADIUS_KM * np.log1p(-depth_km / EARTH_RADIUS_KM))


def flat_layers(
    tops: np.ndarray, vp: np.ndarray, vs: np.ndarray, highest_km: float, deepest_km: float, farthest_km: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Flat layers in which rays take as long as in shells: tops (km, the first is minus infinity), P and S speeds.

    Args:
        tops: of the shells, km below sea level; the first is minus infinity.
        vp, vs: of the shells, km/s.
        highest_km, deepest_km: between which events and stations lie.
        farthest_km: how far apart, at sea level: straight rays dive below both ends.
    """
    half_way = min(farthest_km / (2.0 * EARTH_RADIUS_KM), np.pi / 2.0)
    dive_km = (EARTH_RADIUS_KM - deepest_km) * (1.0 - np.cos(half_way))
    below = tops[-1] if len(tops) > 1 else highest_km
    edges = np.append(tops, max(deepest_km + max(dive_km, THICK_KM), below + THICK_KM))
    edges[0] = min(highest_km, edges[1] - THIN_KM)
    parts = []
    for top, base in zip(edges[:-1], edges[1:], strict=True):
        step = THIN_KM if top < THIN_ABOVE_KM else THICK_KM
        parts.append(np.linspace(top, base, int(np.ceil((base - top) / step)), endpoint=False))
    shell = np.repeat(np.arange(len(tops)), [len(part) for part in parts])
    top = np.concatenate(parts)
    middle = 0.5 * (top + np.append(top[1:], edges[-1]))
    faster = EARTH_RADIUS_KM / (EARTH_RADIUS_KM - middle)
    flat = np.array([flat_depth(depth) for depth in top])
    flat[0] = -np.inf
    return flat, vp[shell] * faster, vs[shell] * faster
