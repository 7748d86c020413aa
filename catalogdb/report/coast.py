"""Coastlines and borders around a region, from the data of Natural Earth that come with the package.

Natural Earth (naturalearthdata.com) is in the public domain; `natural_earth/SOURCE.md` says what the file is. Its scale
of 1 to 50 million leaves out islands and bays of a few kilometres: on the map of a small swarm the coast is a hint.
"""

from __future__ import annotations

import gzip
import itertools
import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from catalogdb.documents.free import Json
from catalogdb.geo import Box

FILE = "countries-50m.json.gz"
STEPS = 1500.0
"""Points closer together than the box's longer side over this are left out."""
MOST_POINTS = 6000
COARSER = 1.5
"""With more points than that in the box, the distance between points is widened by this factor, and again."""
EDGE_DEGREES = 1e-3
"""The data are cut at 180 degrees and at the poles; lines along these cuts are no coast."""


@dataclass(frozen=True)
class _Atlas:
    coasts: list[np.ndarray]
    borders: list[np.ndarray]
    land: list[np.ndarray]


def coast_around(box: Box) -> dict[str, list[list[list[float]]]]:
    """Land, coastlines and borders inside a box.

    Returns:
        `land`: closed rings to be filled by the even-odd rule, cut at the box; `coast` and `borders`: lines. Each is a
        list of [longitude, latitude] (degrees), longitudes going on over the date line as the box's do. Points and
        islands too small to be seen on a map of the box are left out.
    """
    step = max(box.east - box.west, box.north - box.south) / STEPS
    while sum(map(len, itertools.chain(*(parts := _parts(box, step)).values()))) > MOST_POINTS:
        step *= COARSER
    digits = max(0, math.ceil(-math.log10(step / 4.0)))
    return {name: [np.round(line, digits).tolist() for line in lines] for name, lines in parts.items()}


def _parts(box: Box, step: float) -> dict[str, list[np.ndarray]]:
    atlas = _atlas()
    rings = [clipped_ring(thinned(ring, step), box) for ring in _near(atlas.land, box, step)]

    def lines(found: list[np.ndarray]) -> list[np.ndarray]:
        return [thinned(piece, step) for line in _near(found, box, step) for piece in pieces_inside(line, box)]

    return {
        "land": [ring for ring in rings if len(ring)],
        "coast": lines(atlas.coasts),
        "borders": lines(atlas.borders),
    }


def thinned(line: np.ndarray, step: float) -> np.ndarray:
    """A line without the points that lie within a step of the last one kept; its ends stay.

    Args:
        line: (n, 2) degrees.
        step: degrees.
    """
    kept = [0]
    for at in range(1, len(line) - 1):
        if np.abs(line[at] - line[kept[-1]]).max() >= step:
            kept.append(at)
    return line[[*kept, len(line) - 1]] if len(line) > 1 else line


def clipped_ring(ring: np.ndarray, box: Box) -> np.ndarray:
    """The part of a ring's area inside a box (Sutherland and Hodgman, 1974); its outline may run along the box.

    Args:
        ring: (n, 2) degrees, closed or not.

    Returns:
        (m, 2), empty where nothing is inside.
    """
    for axis, limit, sign in ((0, box.west, 1), (0, box.east, -1), (1, box.south, 1), (1, box.north, -1)):
        if not len(ring):
            return ring
        inside = sign * (ring[:, axis] - limit) >= 0
        cut = []
        for at in range(len(ring)):
            before, here = ring[at - 1], ring[at]
            if inside[at] != inside[at - 1]:
                cut.append(before + (here - before) * (limit - before[axis]) / (here[axis] - before[axis]))
            if inside[at]:
                cut.append(here)
        ring = np.array(cut).reshape(-1, 2)
    return ring


def pieces_inside(line: np.ndarray, box: Box) -> Iterator[np.ndarray]:
    """The pieces of a line that come into a box, each with the points before and behind it: (n, 2) degrees."""
    inside = (line[:, 0] >= box.west) & (line[:, 0] <= box.east) & (line[:, 1] >= box.south) & (line[:, 1] <= box.north)
    low, high = np.minimum(line[:-1], line[1:]), np.maximum(line[:-1], line[1:])
    meets = (low[:, 0] <= box.east) & (high[:, 0] >= box.west) & (low[:, 1] <= box.north) & (high[:, 1] >= box.south)
    wanted = meets | inside[:-1] | inside[1:]
    edges = np.flatnonzero(np.diff(np.concatenate([[False], wanted, [False]]).astype(int)))
    for first, end in zip(edges[::2], edges[1::2], strict=True):
        yield line[first : end + 1]


def _near(lines: Iterable[np.ndarray], box: Box, step: float) -> Iterator[np.ndarray]:
    """The lines that may come into the box and are large enough to be seen, their longitudes as the box has them."""
    for line in lines:
        (west, south), (east, north) = line.min(axis=0), line.max(axis=0)
        if south > box.north or north < box.south or max(east - west, north - south) < 2.0 * step:
            continue
        for by in (-360.0, 0.0, 360.0):
            if west + by <= box.east and east + by >= box.west:
                yield line + np.array([by, 0.0])


@cache
def _atlas() -> _Atlas:
    """The whole world's lines: TopoJSON, whose arcs are shared by the countries on both sides."""
    packed = files("catalogdb.report").joinpath("natural_earth", FILE).read_bytes()
    topology = json.loads(gzip.decompress(packed))
    scale, origin = (np.array(topology["transform"][key]) for key in ("scale", "translate"))
    arcs = [np.cumsum(np.array(arc), axis=0) * scale + origin for arc in topology["arcs"]]
    uses = Counter(at if at >= 0 else ~at for ring in _rings(topology["objects"]["countries"]) for at in ring)
    coasts = [part for at, number in uses.items() if number == 1 for part in _without_cuts(arcs[at])]
    borders = [arcs[at] for at, number in uses.items() if number > 1]
    rings = (
        np.concatenate([(arcs[at] if at >= 0 else arcs[~at][::-1])[:-1] for at in ring])
        for ring in _rings(topology["objects"]["land"])
    )
    return _Atlas(coasts, borders, [_over_the_date_line(ring) for ring in rings])


def _rings(thing: Json) -> Iterator[list[int]]:
    """The rings of a TopoJSON geometry, each a list of arcs; ~n is arc n backwards."""
    for one in thing.get("geometries", ()):
        yield from _rings(one)
    if thing["type"] == "Polygon":
        yield from thing["arcs"]
    elif thing["type"] == "MultiPolygon":
        for polygon in thing["arcs"]:
            yield from polygon


def _over_the_date_line(ring: np.ndarray) -> np.ndarray:
    """A ring whose longitudes go on over the date line; Antarctica's runs along the pole instead."""
    if ring[:, 1].min() < -90.0 + EDGE_DEGREES:
        return ring
    return np.column_stack([np.unwrap(ring[:, 0], period=360.0), ring[:, 1]])


def _without_cuts(arc: np.ndarray) -> Iterator[np.ndarray]:
    """An arc without its segments along the date line and the south pole, and cut where it goes over the date line."""
    at_cut = (np.abs(np.abs(arc[:, 0]) - 180.0) < EDGE_DEGREES) | (arc[:, 1] < -90.0 + EDGE_DEGREES)
    along = (at_cut[:-1] & at_cut[1:]) | (np.abs(np.diff(arc[:, 0])) > 180.0)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], ~along, [False]]).astype(int)))
    for first, end in zip(edges[::2], edges[1::2], strict=True):
        yield arc[first : end + 1]
