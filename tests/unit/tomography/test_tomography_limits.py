"""What tomography does with catalogs of few readings, of wrong stations and of large volumes."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import cholesky
from scipy.sparse import csr_matrix
from test_location_documents import REGION, VELOCITY, catalog, stations

from catalogdb.errors import InputError
from catalogdb.tomography import documents, invert, rays
from catalogdb.tomography.documents import model_of_arrivals
from catalogdb.tomography.freedom import deviations, fitted_shares
from catalogdb.tomography.invert import ImpossibleSpeeds, closest_spacing
from catalogdb.tomography.prior import Scales, covariance
from catalogdb.tomography.rays import Equations
from catalogdb.tomography.system import System

NODES, EVENTS, STATIONS = 6, 80, 5


def readings(seconds, seed=1):
    """Equations of events with P and S at five stations, whose residuals are noise alone."""
    rng = np.random.default_rng(seed)
    event, station = np.repeat(np.arange(EVENTS), 2 * STATIONS), np.tile(np.arange(STATIONS), 2 * EVENTS)
    is_s = np.tile(np.repeat([False, True], STATIONS), EVENTS)
    slopes = rng.normal(size=(len(event), 4)) * np.where(is_s, 0.3, 0.17)[:, None]
    slopes[:, 3] = 1.0
    paths = csr_matrix(rng.uniform(0.0, 2.0, (len(event), 2 * NODES)))
    noise = np.array(seconds)[is_s.astype(int)] * rng.standard_normal(len(event))
    return Equations(event, station, is_s, is_s.astype(int), noise, slopes, paths)


def test_shares_fitted_are_those_of_the_hat_matrix():
    found, prior = readings([0.03, 0.06]), 1e-4 * np.eye(2 * NODES)
    sigma = np.array([0.03, 0.06])[found.grade]
    system = System.of(found, np.arange(2 * NODES), found.residual, sigma, EVENTS)
    shares = fitted_shares(system, system.under(prior), found, sigma)
    hypocentres = np.zeros((len(sigma), 4 * EVENTS))
    for row, event in enumerate(found.event):
        hypocentres[row, 4 * event : 4 * event + 4] = found.slopes[row]
    unknowns = np.hstack([system.unknowns.toarray(), hypocentres]) / sigma[:, None]
    inverse = np.zeros((unknowns.shape[1],) * 2)
    inverse[: 2 * NODES, : 2 * NODES] = np.linalg.inv(prior)
    delays = np.arange(2 * NODES, 2 * NODES + 2 * STATIONS)
    inverse[delays, delays] = 0.03**-2
    diagonal = np.diag(unknowns @ np.linalg.pinv(unknowns.T @ unknowns + inverse) @ unknowns.T)
    expected = [diagonal[found.grade == grade].mean() for grade in (0, 1)]
    assert shares == pytest.approx(expected, abs=0.06) and expected[0] > expected[1] + 0.1


def test_precision_of_p_stays_where_few_stations_fit_it():
    found, deviation = readings([0.03, 0.06]), np.array([0.03, 0.06])
    prior = 1e-4 * np.eye(2 * NODES)
    for _ in range(12):
        sigma = deviation[found.grade]
        sigma = sigma * np.sqrt((4.0 + (found.residual / sigma) ** 2) / 5.0)
        system = System.of(found, np.arange(2 * NODES), found.residual, sigma, EVENTS)
        posterior = system.under(prior)
        shifts = system.shifts(posterior.unknowns)
        rest = found.residual - system.unknowns @ posterior.unknowns - (found.slopes * shifts[found.event]).sum(axis=1)
        deviation = deviations(found, rest, sigma, deviation, fitted_shares(system, posterior, found, sigma))
    assert 0.018 < deviation[0] < 0.036 and 0.040 < deviation[1] < 0.072


def test_layers_alone_leave_the_prior_regular():
    places = np.array(np.meshgrid(np.arange(6) * 4.0, np.arange(6) * 4.0, np.arange(4) * 1.3)).reshape(3, -1).T
    cholesky(covariance(Scales(common=1e-9, ratio=1e-9, layers=0.1, reach_km=500.0), places))


def test_large_volumes_have_nodes_farther_apart():
    lower, upper = np.zeros(3), np.array([100.0, 100.0, 30.0])
    assert closest_spacing(lower, upper) == invert.CLOSEST_KM and closest_spacing(lower, upper, 3.0) == 3.0
    upper = np.array([700.0, 700.0, 600.0])
    apart = closest_spacing(lower, upper)
    assert 12.0 < apart < 20.0
    with pytest.raises(InputError, match="with nodes 2 km apart the model of the search volume has") as refused:
        closest_spacing(lower, upper, 2.0)
    assert f"--spacing {apart:.1f}"[:11] in refused.value.hint


def test_speeds_that_no_rock_has_name_the_station(monkeypatch):
    pytest.importorskip("eikonalfm")
    monkeypatch.setattr(rays, "MOST_NODES", 8_000)
    monkeypatch.setattr(invert, "ROUNDS", 1)
    monkeypatch.setattr(invert, "expected", lambda scales, known, values, places: np.full((2, len(places)), -1.0))
    origins, arrivals = catalog(60, stations(8))
    arrivals = [
        [replace(arrival, longitude=arrival.longitude + 0.2 * (arrival.sta == "S03")) for arrival in event]
        for event in arrivals
    ]
    with pytest.raises(InputError, match=r"speeds that no rock has .*those of XX\.S03 fit .* residual of \d") as error:
        model_of_arrivals(origins, arrivals, REGION, 20.0, VELOCITY, 15.0)
    assert "XX.S03" in error.value.hint and not isinstance(error.value, ImpossibleSpeeds)
    monkeypatch.setattr(documents, "invert_apart", None)
    with pytest.raises(InputError, match="nodes 0.5 km apart the model of the search volume"):
        model_of_arrivals(origins, arrivals, REGION, 20.0, VELOCITY, 0.5)
