"""The grid of a network: ranks and travel times, and what it takes to make them."""

import tracemalloc

import numpy as np

from catalogdb.association.grid import SEED_RANK, Grid
from catalogdb.association.prepared import PreparedStations, Volume
from catalogdb.association.scales import Scales
from catalogdb.geo import Region
from catalogdb.traveltimes.first_arrivals import HomogeneousTimes

REGION = Region(minlatitude=45.0, maxlatitude=47.0, minlongitude=11.0, maxlongitude=14.0)


def grid_of(stations, nodes):
    draw = np.random.default_rng(5)
    x, y = draw.uniform(-100.0, 100.0, (2, stations))
    codes = [("XX", f"S{number:03d}") for number in range(stations)]
    prepared = PreparedStations(codes, y, x, x, y, np.zeros(stations), np.arange(stations), x, y)
    places = draw.uniform([-150.0, -150.0, 0.0], [150.0, 150.0, 30.0], (nodes, 3))
    scales = Scales(spacing_km=5.0, tolerance=1.0, max_residual=2.0, places=places, area_km2=9e4)
    return prepared, Grid(prepared, Volume.around(REGION, 50.0), HomogeneousTimes(6.0, 3.5), scales)


def test_ranks_and_times_are_those_of_each_node():
    stations, grid = grid_of(40, 4500)
    for node in (0, 4095, 4096, 4499):
        x, y, depth = grid.nodes[node]
        distance = np.hypot(stations.x_km - x, stations.y_km - y)
        assert grid.rank[:, node].tolist() == np.argsort(np.argsort(distance)).tolist()
        np.testing.assert_allclose(grid.travel[::2, node], np.hypot(distance, depth) / 6.0, rtol=1e-6)
        np.testing.assert_allclose(grid.travel[1::2, node], np.hypot(distance, depth) / 3.5, rtol=1e-6)
    assert (grid.rank < SEED_RANK).sum() == SEED_RANK * 4500


def test_making_a_grid_takes_little_more_than_it_keeps():
    tracemalloc.start()
    _, grid = grid_of(100, 20_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    kept = grid.travel.nbytes + grid.rank.nbytes + grid.delays.nbytes
    assert peak < 2.5 * kept
