"""Origins of a catalog -> a velocity model in three dimensions: documents in, a model out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import astuple, fields
from typing import Any

import numpy as np

from catalogdb.errors import InputError
from catalogdb.geo import KM_PER_DEGREE, Region
from catalogdb.location.documents import LEAST_PICKS, Frame, Placed, refused
from catalogdb.tomography.given import Given
from catalogdb.tomography.invert import ImpossibleSpeeds, Inverted, Progress, closest_spacing, invert_apart
from catalogdb.tomography.prior import Scales
from catalogdb.traveltimes.velocity import VelocityConfig
from catalogdb.traveltimes.velocity_grid import VelocityGrid

FEWEST_EVENTS, MOST_EVENTS = 50, 2000
CELL_KM = 2.0
"""Where there are more events than that, those of most arrivals in each cube of this size come first."""


def model_of_arrivals(
    origins: Sequence[Mapping[str, Any]],
    arrivals: Sequence[Sequence[Placed]],
    region: Region,
    margin_km: float,
    velocity: VelocityConfig,
    spacing_km: float | None = None,
    progress: Progress = lambda done, total: None,
) -> tuple[VelocityGrid, dict[str, Any]]:
    """Invert the arrivals of a catalog.

    Args:
        origins: as of `locate_origins`: first guesses.
        arrivals: of each of them.
        region, margin_km: volume that the model is to reach over.
        velocity: 1-D model to begin with.
        spacing_km: of nodes, horizontally; left out: 4 km, or as many more as their number asks for.
        progress: called with the rounds done, and how many there are.

    Returns:
        The model, and facts: events, arrivals, nodes that rays pass, in what part of the nodes' volume more than half
        of the prior variance of P and of S is gone, scales that the arrivals chose, residuals before and after (s).

    Raises:
        InputError: for too few events, where the volume has or rays pass too many nodes of the spacing given, and where
            the arrivals lead to speeds that no rock has, naming the station that fits least.
    """
    counts: Counter[str] = Counter()
    usable = [row for row in range(len(origins)) if not refused(arrivals[row], counts)]
    if len(usable) < FEWEST_EVENTS:
        raise InputError(
            f"tomography: {len(usable)} of {len(origins)} events have 4 arrivals at 2 stations or more, fewer than "
            f"{FEWEST_EVENTS}",
            hint="take a catalog of more events",
        )
    frame = Frame.of([arrivals[row] for row in usable], region, margin_km, velocity, LEAST_PICKS)
    usable = _chosen(usable, origins, arrivals)
    origins, arrivals = [origins[row] for row in usable], [arrivals[row] for row in usable]
    earth, own = frame.earth, frame.arrivals(arrivals)
    stations = np.column_stack([earth.network.x_km, earth.network.y_km, earth.network.depth_km])
    lower, upper = np.minimum(earth.lower, stations.min(axis=0)), np.maximum(earth.upper, stations.max(axis=0))
    closest_km = closest_spacing(lower, upper, spacing_km)
    given = Given.located(velocity, frame.projection, earth, own, frame.guesses(origins, own.reference))
    try:
        found = invert_apart(given, closest_km, spacing_km is not None, progress)
    except ImpossibleSpeeds as error:
        name = ".".join(part for part in frame.stations[error.station][:2] if part)
        raise InputError(
            f"{error}; those of {name} fit the 1-D model least, with a median residual of {error.median_s:.2f} s",
            hint=f"check the coordinates and the clock of {name}, or leave it out",
        ) from None
    facts = {"events": len(own), "arrivals": int(own.count.sum()), "spacing_km": found.spacing_km}
    return found.model.grid(frame.projection, lower, upper), facts | _facts(found)


def _chosen(rows: list[int], origins: Sequence[Mapping[str, Any]], arrivals: Sequence[Sequence[Placed]]) -> list[int]:
    """At most so many events, spread over the volume, in their order."""
    if len(rows) <= MOST_EVENTS:
        return rows
    rank: Counter[tuple[float, ...]] = Counter()
    turn = {}
    for row in sorted(rows, key=lambda row: -len(arrivals[row])):
        own = origins[row]
        shrunk = np.cos(np.radians(own["latitude"]))
        degrees = own["latitude"], own["longitude"] * shrunk
        km = *(KM_PER_DEGREE * value for value in degrees), own.get("depth_km") or 0.0
        cell = tuple(np.floor(np.array(km) / CELL_KM).tolist())
        rank[cell] += 1
        turn[row] = rank[cell]
    return sorted(sorted(rows, key=lambda row: (turn[row], -len(arrivals[row])))[:MOST_EVENTS])


def _facts(found: Inverted) -> dict[str, Any]:
    names = (field.name for field in fields(Scales))
    scales = {name: round(value, 4) for name, value in zip(names, astuple(found.scales), strict=True)}
    residuals = {
        f"{phase}_residual_s": [round(before, 4), round(after, 4)]
        for phase, before, after in zip("ps", found.before, found.after, strict=True)
    }
    resolved = {f"{phase}_resolved_volume": round(part, 3) for phase, part in zip("ps", found.resolved, strict=True)}
    return {"nodes": found.passed, **resolved, "scales": scales} | residuals
