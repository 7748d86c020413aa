"""Nodes, rays, the linear problem, and a made catalog whose model is found again."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from catalogdb.errors import InputError
from catalogdb.geo import Projection
from catalogdb.location.arrivals import Arrivals, Network, predicted
from catalogdb.tomography import invert as inversion
from catalogdb.tomography import rays
from catalogdb.tomography.given import Given
from catalogdb.tomography.invert import invert
from catalogdb.tomography.model import Model, one_dimensional
from catalogdb.tomography.nodes import Nodes
from catalogdb.tomography.prior import Scales, between, covariance, expected, resolution
from catalogdb.tomography.rays import Equations, equations
from catalogdb.tomography.system import DELAY_SECONDS, System
from catalogdb.traveltimes.eikonal import Lattice
from catalogdb.traveltimes.grid_times import GridTimes, TimeGrid, solved
from catalogdb.traveltimes.velocity import VelocityConfig, VelocityLayer

PLANE = Projection("+proj=tmerc +lat_0=46 +lon_0=13 +units=km +ellps=WGS84")
VELOCITY = VelocityConfig(
    layers=(VelocityLayer(depth_km=0.0, vp=5.2, vs=3.0), VelocityLayer(depth_km=20.0, vp=6.8, vs=3.9)), gradient=True
)
LIMITS = (0.0, 16.0)


def network(count=10):
    rng = np.random.default_rng(1)
    return Network(*rng.uniform(-18.0, 18.0, (2, count)), -rng.uniform(0.0, 1.0, count))


def times_of(model, stations):
    lower, upper = model.nodes.places[0], model.nodes.places[-1]
    grid, pairs = model.grid(PLANE, lower, upper), []
    for place in np.column_stack([stations.x_km, stations.y_km, stations.depth_km]):
        lattice = Lattice.around(place, lower, upper, grid.spacing_km, 60_000)
        pairs.append(tuple(TimeGrid(lattice, place, solved(grid, PLANE, lattice, is_s)) for is_s in (False, True)))
    return GridTimes(pairs, *grid.mean_speeds)


def made(model, stations, count=60, seconds=0.01, seed=2):
    rng = np.random.default_rng(seed)
    truth = np.column_stack([rng.uniform(-13.0, 13.0, (count, 2)), rng.uniform(3.0, 13.0, count), np.zeros(count)])
    number = len(stations.x_km)
    station = np.tile(np.repeat(np.arange(number), 2), (count, 1))
    is_s = np.tile([False, True], (count, number))
    travel = predicted(truth[:, None, :3], station, is_s, stations, times_of(model, stations))[:, 0]
    time = travel + seconds * np.where(is_s, 2.0, 1.0) * rng.standard_normal(travel.shape)
    zero = np.zeros(time.shape)
    return truth, Arrivals(time, station, is_s, is_s.astype(int), zero == 0.0, zero, zero[:, 0])


def slow_side(nodes):
    """7 % slower in the west, and vp/vs 2 % higher."""
    change = -0.035 * np.tanh(nodes.places[:, 0] / 4.0)
    return np.stack([change, change * 1.3])


def given(stations, arrivals, start):
    return Given(VELOCITY, PLANE, stations, arrivals, start, np.array([0.02, 0.04]), LIMITS)


@pytest.fixture
def coarse(monkeypatch):
    pytest.importorskip("eikonalfm")
    monkeypatch.setattr(rays, "MOST_NODES", 30_000)


def test_linear_fields_are_exact_between_nodes():
    nodes = Nodes.over(np.array([-3.0, 1.0, -1.0]), np.array([8.5, 9.0, 12.0]), np.array([2.0, 3.0, 1.5]))
    assert nodes.axes[0][-1] >= 8.5 and len(nodes.places) == len(nodes)
    values = nodes.places @ np.array([0.3, -0.2, 0.5]) + 1.0
    places = np.random.default_rng(3).uniform([-3.0, 1.0, -1.0], [8.5, 9.0, 12.0], (50, 3))
    assert nodes.at(values, places) == pytest.approx(places @ np.array([0.3, -0.2, 0.5]) + 1.0, abs=1e-12)
    beyond = np.array([[-40.0, 1.0, -1.0]])
    assert nodes.at(values, beyond) == pytest.approx(values[:1])


def test_straight_lines_pass_the_nodes_around_them():
    stations, none = Network(np.array([8.0, 90.0]), np.array([0.0, 90.0]), np.zeros(2)), np.zeros((1, 2))
    arrivals = Arrivals(none, np.array([[0, 0]]), none == 1.0, none.astype(int), none == 0.0, none, none[:, 0])
    nodes = Nodes(np.array([-4.0, -2.0, -1.0]), np.array([4.0, 4.0, 2.0]), (6, 3, 4))
    along_x = given(stations, arrivals, np.array([[-1.0, 0.0, 0.0, 0.0]]))
    assert along_x.straight_rays_pass(nodes) == 4 * 2 * 2
    assert replace(along_x, start=np.array([[7.9, 0.0, 4.5, 0.0]])).straight_rays_pass(nodes) == 2 * 2 * 4


def test_layers_count_by_their_share_of_an_interval():
    two = VelocityConfig(
        layers=(VelocityLayer(depth_km=0.0, vp=5.0, vs=2.5), VelocityLayer(depth_km=4.0, vp=8.0, vs=4.0))
    )
    p, s = one_dimensional(two, np.array([-3.0, 4.0, 9.0]), 1.0)
    assert p == pytest.approx([1 / 5, 0.5 / 5 + 0.5 / 8, 1 / 8], abs=0.003) and s == pytest.approx(2.0 * p)
    assert one_dimensional(VelocityConfig(vp=6.0, vs=3.0), np.zeros(2), 1.0) == pytest.approx(
        np.array([[1 / 6] * 2, [1 / 3] * 2])
    )


def test_rays_say_how_times_change_with_slowness(coarse, monkeypatch):
    monkeypatch.setattr(rays, "MOST_NODES", 200_000)
    stations = network(3)
    nodes = given(stations, None, np.array([[-15.0, -15, 3, 0], [15.0, 15, 13, 0]])).nodes(8.0)
    model = Model(VELOCITY, nodes, slow_side(nodes))
    truth, arrivals = made(model, stations, count=8, seconds=0.0)
    found = equations(model, PLANE, stations, arrivals, truth)
    travel = (arrivals.time - truth[:, 3:4])[found.event, np.nonzero(arrivals.present)[1]] - found.residual
    assert pytest.approx(travel, rel=0.01) == found.rays.sum(axis=1).A1
    other = replace(model, change=model.change + 0.002 * np.random.default_rng(5).standard_normal(model.change.shape))
    moved = equations(other, PLANE, stations, arrivals, truth)
    by_rays = found.rays @ (other.change - model.change).ravel()
    apart = found.residual - moved.residual - by_rays
    assert np.linalg.norm(apart) < 0.1 * np.linalg.norm(by_rays)


def test_projection_is_the_joint_solution():
    rng = np.random.default_rng(6)
    events, stations, nodes, rows = 5, 4, 6, 60
    event, station = np.repeat(np.arange(events), 12), np.tile(np.arange(4), 15)
    is_s = np.tile([False] * 4 + [True] * 4, 8)[:rows]
    dense = rng.uniform(0.0, 2.0, (rows, 2 * nodes))
    found = Equations(
        event, station, is_s, is_s.astype(int), rng.normal(size=rows), rng.normal(size=(rows, 4)), csr_matrix(dense)
    )
    deviation = rng.uniform(0.5, 2.0, rows)
    system = System.of(found, np.arange(2 * nodes), found.residual, deviation, events)
    expected_of = covariance(Scales(0.3, 0.2, 0.1), rng.uniform(0.0, 20.0, (nodes, 3)))
    under = system.under(expected_of)
    unknowns = under.unknowns
    hypocentres = np.zeros((rows, 4 * events))
    for row in range(rows):
        hypocentres[row, 4 * event[row] : 4 * event[row] + 4] = found.slopes[row]
    left = np.hstack([dense, np.eye(2 * stations)[2 * station + is_s], hypocentres]) / deviation[:, None]
    inverse = np.zeros((left.shape[1],) * 2)
    inverse[: 2 * nodes, : 2 * nodes] = np.linalg.inv(expected_of)
    delays = np.arange(2 * nodes, 2 * nodes + 2 * stations)
    inverse[delays, delays] = DELAY_SECONDS**-2
    joint = np.linalg.solve(left.T @ left + inverse, left.T @ (found.residual / deviation))
    assert unknowns == pytest.approx(joint[: len(unknowns)], abs=1e-5)
    assert system.shifts(unknowns).ravel() == pytest.approx(joint[len(unknowns) :], abs=1e-4)
    assert under.of(system.right) == pytest.approx(unknowns, abs=1e-12)
    assert under.covariance == pytest.approx(np.linalg.inv(left.T @ left + inverse)[: 2 * nodes, : 2 * nodes], abs=1e-6)
    # by the density of the data themselves, hypocentres without a prior
    known = np.zeros((len(unknowns),) * 2)
    known[: 2 * nodes, : 2 * nodes], known[delays, delays] = expected_of, DELAY_SECONDS**2

    def density(scale):
        prior = known.copy()
        prior[: 2 * nodes, : 2 * nodes] *= scale
        of_data = left[:, : len(unknowns)] @ prior @ left[:, : len(unknowns)].T + np.eye(rows)
        precision, slopes = np.linalg.inv(of_data), left[:, len(unknowns) :]
        normal, data = slopes.T @ precision @ slopes, found.residual / deviation
        best = np.linalg.solve(normal, slopes.T @ precision @ data)
        rest = data - slopes @ best
        return rest @ precision @ rest + np.linalg.slogdet(of_data)[1] + np.linalg.slogdet(normal)[1]

    other = system.under(4.0 * expected_of)
    assert under.unlikely - other.unlikely == pytest.approx(density(1.0) - density(4.0), abs=1e-3)


def test_nodes_without_rays_follow_their_neighbours():
    known = np.array([[0.0, 0.0, 5.0], [5.0, 0.0, 5.0]])
    scales = Scales(0.05, 0.03, 0.001)
    p, s = expected(
        scales, known, np.array([0.04, 0.04, 0.05, 0.05]), np.array([[0.0, 0, 5], [5.0, 1, 5], [90.0, 0, 5]])
    )
    assert p == pytest.approx([0.04, 0.037, 0.0], abs=0.003) and s == pytest.approx([0.05, 0.046, 0.0], abs=0.004)


def test_resolution_is_the_variance_that_arrivals_take_away():
    """Against a normal field at all places at once, of which the known ones are observed."""
    rng = np.random.default_rng(9)
    known, others = rng.uniform(0.0, 20.0, (5, 3)), rng.uniform(0.0, 20.0, (4, 3))
    scales = Scales(0.05, 0.03, 0.02, 8.0, 5.0)
    rows, every = rng.normal(size=(7, 10)) / 0.03, np.concatenate([known, others])
    prior = between(scales, every, every)
    at = np.concatenate([np.arange(5), 9 + np.arange(5)])
    prior[at, at] += (0.02 * 0.05) ** 2  # as of known ones
    seen = np.zeros((7, 18))
    seen[:, at] = rows
    after = prior - prior @ seen.T @ np.linalg.solve(seen @ prior @ seen.T + np.eye(7), seen @ prior)
    share = (1.0 - np.diag(after) / np.diag(prior)).reshape(2, 9)
    found = resolution(scales, known, after[np.ix_(at, at)], every)
    assert found[:, 5:] == pytest.approx(share[:, 5:], abs=1e-6)
    assert found[:, :5] == pytest.approx(share[:, :5], abs=2e-3)  # but for the nugget
    assert 0.0 < found.min() < 0.3 and found.max() > 0.8
    assert resolution(scales, known, covariance(scales, known), others) == pytest.approx(0.0, abs=1e-12)
    far = resolution(Scales(layers=1e-9), known, after[np.ix_(at, at)], np.array([[500.0, 0.0, 10.0]]))
    assert far == pytest.approx(0.0, abs=1e-6)


def test_a_made_model_is_found_and_events_come_nearer(coarse, monkeypatch):
    stations = network()
    nodes = given(stations, None, np.array([[-15.0, -15, 3, 0], [15.0, 15, 13, 0]])).nodes(7.0)
    true = Model(VELOCITY, nodes, slow_side(nodes))
    truth, arrivals = made(true, stations)
    start = truth + np.random.default_rng(8).normal(scale=[0.8, 0.8, 1.0, 0.1], size=truth.shape)
    found = invert(given(stations, arrivals, start), nodes)
    off = [np.sqrt(((places - truth)[:, :3] ** 2).sum(axis=1)) for places in (start, found.places)]
    assert np.median(off[1]) < 0.35 * np.median(off[0])
    inside = (np.abs(nodes.places[:, :2]) < 13.0).all(axis=1) & (nodes.places[:, 2] > 1.0) & (nodes.places[:, 2] < 11.0)
    for number in (0, 1):
        assert np.corrcoef(found.model.change[number, inside], true.change[number, inside])[0, 1] > 0.9
    corner = (np.abs(nodes.places[:, :2]) > 20.0).all(axis=1)
    taken = found.model.resolution
    assert np.median(taken[0, inside]) > 0.7 and np.median(taken[0, inside]) > np.median(taken[0, corner]) + 0.1
    assert found.resolved == pytest.approx((taken > 0.5).mean(axis=1)) and 0.1 < found.resolved[0] < 1.0
    grid = found.model.grid(PLANE, nodes.places[0] - 30.0, nodes.places[-1] + 30.0)
    assert grid.resolution.max() == pytest.approx(taken.max(), abs=0.05) and not grid.resolution[:, :2].any()
    assert found.after[0] < 0.5 * found.before[0] and found.after[1] < 0.5 * found.before[1]
    monkeypatch.setattr(inversion, "MOST_PASSED", 20)
    with pytest.raises(InputError, match=r"rays pass \d+ nodes 7 km apart, more than 20") as error:
        invert(given(stations, arrivals, start), nodes)
    assert error.value.spacing_km > 7.0
