"""Coastlines and borders around a region."""

import json

import numpy as np
import pytest

from catalogdb.geo import Box
from catalogdb.report.coast import clipped_ring, coast_around, pieces_inside, thinned

BOX = Box(0.0, 1.0, 0.0, 1.0)


def area(ring):
    x, y = np.array(ring).T
    return abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2


def test_a_ring_is_cut_at_the_box():
    square = np.array([[-1.0, -1.0], [0.5, -1.0], [0.5, 0.5], [-1.0, 0.5]])
    assert area(clipped_ring(square, BOX)) == pytest.approx(0.25)
    assert area(clipped_ring(square - 1.0, Box(-9, 9, -9, 9))) == pytest.approx(2.25)
    assert len(clipped_ring(square + 5.0, BOX)) == 0
    around = np.array([[-5.0, -5.0], [5.0, -5.0], [5.0, 5.0], [-5.0, 5.0]])
    assert area(clipped_ring(around, BOX)) == pytest.approx(1.0)


def test_pieces_of_a_line_keep_a_point_on_either_side():
    line = np.array([[-2.0, 0.5], [-1.0, 0.5], [0.5, 0.5], [2.0, 0.5], [3.0, 0.5], [2.0, 0.7], [0.7, 0.7]])
    found = [piece[:, 0].tolist() for piece in pieces_inside(line, BOX)]
    assert found == [[-1.0, 0.5, 2.0], [2.0, 0.7]]
    across = np.array([[-1.0, 0.2], [2.0, 0.2]])  # without a point inside
    assert len(list(pieces_inside(across, BOX))) == 1


def test_thinning_keeps_both_ends():
    line = np.column_stack([np.linspace(0, 1, 101), np.zeros(101)])
    found = thinned(line, 0.1)
    assert found[0, 0] == 0.0 and found[-1, 0] == 1.0 and 9 <= len(found) <= 12


def test_the_gulf_of_trieste_is_sea_and_udine_is_land():
    land = coast_around(Box(45.0, 47.0, 12.0, 14.5))["land"]
    assert inside(land, 13.4, 45.55) is False
    assert inside(land, 13.24, 46.06) is True


def inside(rings, longitude, latitude):
    """Even-odd rule over all rings."""
    crossings = 0
    for ring in rings:
        for (x1, y1), (x2, y2) in zip(ring, [*ring[1:], ring[0]], strict=True):
            crosses = (y1 > latitude) != (y2 > latitude)
            crossings += crosses and longitude < x1 + (latitude - y1) * (x2 - x1) / (y2 - y1)
    return bool(crossings % 2)


@pytest.mark.parametrize("west", [175.0, -185.0])
def test_islands_at_the_date_line_are_whole(west):
    found = coast_around(Box(-20.0, -14.0, west, west + 10.0))
    for line in found["coast"]:
        longitudes = np.array(line)[:, 0]
        assert np.abs(np.diff(longitudes)).max() < 2.0 and west - 2 < longitudes.min() and longitudes.max() < west + 12
    assert inside(found["land"], west + 3.0, -17.8)  # Viti Levu


@pytest.mark.parametrize(
    "box", [Box(44, 48, 9, 16), Box(-90, 90, -180, 180), Box(25, 50, -130, -65), Box(-90, -60, 0, 30)]
)
def test_the_lines_of_a_map_take_little_space(box):
    found = coast_around(box)
    assert found["land"] and len(json.dumps(found, separators=(",", ":"))) < 130_000
    assert not any(np.isnan(np.array(line)).any() for lines in found.values() for line in lines)


def test_far_out_at_sea_there_is_nothing():
    assert coast_around(Box(30.0, 31.0, -140.0, -139.0)) == {"land": [], "coast": [], "borders": []}
