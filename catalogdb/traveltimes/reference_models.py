"""A velocity model for where none is known."""

from __future__ import annotations

from catalogdb.geo import EARTH_RADIUS_KM
from catalogdb.traveltimes.velocity import VelocityConfig, VelocityLayer

_CRUST = ((0.0, 5.8, 3.36), (20.0, 6.5, 3.75))
_MANTLE = (
    (35.0, 120.0, (8.78541, -0.74953), (6.706231, -2.248585)),
    (120.0, 210.0, (25.41389, -17.69722), (5.75020, -1.27420)),
    (210.0, 410.0, (30.78765, -23.25415), (15.24213, -11.08552)),
    (410.0, 660.0, (29.38896, -21.40656), (17.70732, -13.50652)),
    (660.0, 760.0, (25.96984, -16.93412), (20.76890, -16.53147)),
)
"""From and to (km), and P and S speed as polynomials of radius over the Earth's."""
_STEP_KM = 50.0


def _layers() -> list[VelocityLayer]:
    layers = [VelocityLayer(depth_km=depth, vp=vp, vs=vs) for depth, vp, vs in _CRUST]
    for top, base, *polynomials in _MANTLE:
        number = -int(-(base - top) // _STEP_KM)
        thick = (base - top) / number
        for at in range(number):
            depth = top + at * thick
            radius = 1.0 - (depth + thick / 2.0) / EARTH_RADIUS_KM
            vp, vs = (round(constant + slope * radius, 3) for constant, slope in polynomials)
            layers.append(VelocityLayer(depth_km=depth, vp=vp, vs=vs))
    return layers


IASP91 = VelocityConfig(layers=tuple(_layers()), spherical=True)
"""IASP91 down to 760 km (Kennett and Engdahl, 1991, table 2), the mantle in layers of at most 50 km with the speeds of
their middles."""
