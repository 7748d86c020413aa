"""What is known of the truth, and how locations and their uncertainties agree with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import least_squares
from scipy.sparse import coo_matrix, vstack

from catalogdb.geo import Projection
from catalogdb.location.arrivals import Arrivals
from catalogdb.location.density import Density
from catalogdb.relocation.pairs import clusters

LEVELS = (0.68, 0.90, 0.95)
LEAST_OF_A_HALF = 7
LEAST_OF_A_GROUP = 10


def pair_errors(places: np.ndarray, pairs: pd.DataFrame) -> tuple[float, float]:
    """Mean over events of the rms error of their pairs' distances, horizontal and vertical, km."""
    one, other = pairs.idx1.to_numpy(), pairs.idx2.to_numpy()
    apart = places[one] - places[other]
    found = np.hypot(apart[:, 0], apart[:, 1]) - pairs.hori, np.abs(apart[:, 2]) - pairs.vert
    events, scores = np.concatenate([one, other]), []
    for error in found:
        known = np.isfinite(error.to_numpy())
        both = np.tile(known, 2)
        squares = np.bincount(events[both], weights=np.tile(error.to_numpy() ** 2, 2)[both], minlength=len(places))
        number = np.bincount(events[both], minlength=len(places))
        scores.append(float(np.sqrt(squares[number > 0] / number[number > 0]).mean()))
    return scores[0], scores[1]


def peer(path: Path, plane: Projection) -> np.ndarray:
    """(x, y, depth) of a peer's locations, km; NaN for events that it left out."""
    rows = [line.split() for line in path.read_text().splitlines()]
    places = np.full((1000, 3), np.nan)
    if path.suffix == ".sum":
        found = [(number, *map(float, row[3:6])) for number, row in enumerate(rows[1:])]
    elif path.suffix == ".cat":
        found = [(int(row[6]) - 1, *map(float, row[7:10])) for row in rows]
    else:
        found = [(int(row[0]) - 1, *map(float, row[1:4])) for row in rows]
    for number, latitude, longitude, depth_km in found:
        places[number] = (*plane.to_xy(longitude, latitude), depth_km)
    return places


def places_of_separations(start: np.ndarray, pairs: pd.DataFrame) -> np.ndarray:
    """Places near to `start` whose distances from one another are the true ones, km."""
    start = np.where(np.isfinite(start), start, np.nanmean(start, axis=0))
    one, other, rows = pairs.idx1.to_numpy(), pairs.idx2.to_numpy(), np.arange(len(pairs))
    sign = np.sign(start[one, 2] - start[other, 2])
    shape = (2 * len(pairs), start.size)

    def parts(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        apart = values.reshape(start.shape)[one] - values.reshape(start.shape)[other]
        return apart, np.maximum(np.hypot(apart[:, 0], apart[:, 1]), 1e-6)

    def misfit(values: np.ndarray) -> np.ndarray:
        apart, far = parts(values)
        weak = 0.01 * (values - start.ravel())
        return np.concatenate([far - pairs.hori, sign * apart[:, 2] - pairs.vert, weak])

    def slopes(values: np.ndarray) -> Any:
        apart, far = parts(values)
        data = np.concatenate([apart[:, 0] / far, apart[:, 1] / far, sign])
        row = np.concatenate([rows, rows, rows + len(pairs)])
        axis = np.repeat([0, 1, 2], len(pairs))
        at = (np.tile(row, 2), np.concatenate([3 * np.tile(one, 3) + axis, 3 * np.tile(other, 3) + axis]))
        upper = coo_matrix((np.concatenate([data, -data]), at), shape=shape)
        weak = coo_matrix((np.full(start.size, 0.01), (np.arange(start.size), np.arange(start.size))))
        return vstack([upper, weak]).tocsr()

    answer = least_squares(misfit, start.ravel(), jac=slopes, method="trf", tr_solver="lsmr", max_nfev=60)
    return answer.x.reshape(start.shape)


def shifted_by_group(best: np.ndarray, truth: np.ndarray, pairs: pd.DataFrame) -> np.ndarray:
    """The truth where only separations are known: each group of events that pairs link is moved, as a whole, by its
    median distance from the locations; NaN for events of smaller groups, of which nothing is known.

    Args:
        best: locations, rows of (x, y, depth) and more, km.
        truth: places with the true separations, (x, y, depth), km.
        pairs: whose separations are known.
    """
    found = np.full(truth.shape, np.nan)
    for group in clusters(len(truth), pairs[["idx1", "idx2"]].to_numpy()):
        if len(group) >= LEAST_OF_A_GROUP:
            found[group] = truth[group] + np.median(best[group, :3] - truth[group], axis=0)
    return found


def coverage(found: Density, truth: np.ndarray) -> dict[str, float]:
    """Shares of events whose epicentre and depth lie in the regions of 68, 90 and 95 %.

    Args:
        found: densities.
        truth: (x, y, depth), km; NaN where it is not known.
    """
    known = np.isfinite(truth[:, 0])
    far = np.hypot(found.best[:, 0] - truth[:, 0], found.best[:, 1] - truth[:, 1])
    shares: dict[str, float] = {}
    for level in LEVELS:
        low, high = getattr(found, f"depth_{100 * level:.0f}").T
        inside = far <= getattr(found, f"radius_{100 * level:.0f}")
        shares[f"coverage_{100 * level:.0f}"] = float(np.mean(inside[known]))
        inside = (low <= truth[:, 2]) & (truth[:, 2] <= high)
        shares[f"depth_coverage_{100 * level:.0f}"] = float(np.mean(inside[known]))
    return shares


def halves(arrivals: Arrivals, seed: int) -> tuple[Arrivals, Arrivals]:
    """Events with enough arrivals, from one half of their stations and from the other half."""
    rng = np.random.default_rng(seed)
    first = np.zeros(arrivals.present.shape, dtype=bool)
    for row in range(len(arrivals)):
        stations = np.unique(arrivals.station[row][arrivals.present[row]])
        first[row] = np.isin(arrivals.station[row], rng.permutation(stations)[: len(stations) // 2])
    one, other = arrivals.where(first), arrivals.where(~first)
    rich = np.flatnonzero((one.count >= LEAST_OF_A_HALF) & (other.count >= LEAST_OF_A_HALF))
    return one.take(rich).trimmed(), other.take(rich).trimmed()


def half_coverage(one: Density, other: Density) -> dict[str, float]:
    """How far apart two locations of each event are, and how often that is within what their densities say.

    The error of an expectation is distributed as the density around it, turned round; so the difference of two lies
    among the differences of what was drawn from both. Epicentres are measured in standard deviations, since the
    direction of longest error differs.
    """
    off = one.expected[:, :3] - other.expected[:, :3]
    drawn = (one.samples - one.expected[:, None, :3]) - (other.samples - other.expected[:, None, :3])
    flat = np.linalg.inv(one.covariance[:, :2, :2] + other.covariance[:, :2, :2])
    far = np.einsum("mi,mij,mj->m", off[:, :2], flat, off[:, :2])
    drawn_far = np.einsum("mki,mij,mkj->mk", drawn[..., :2], flat, drawn[..., :2], optimize=True)
    inside = (drawn_far < far[:, None]).mean(axis=1)
    below = (-drawn[..., 2] < off[:, None, 2]).mean(axis=1)
    apart = np.median(np.hypot(off[:, 0], off[:, 1])), np.median(np.abs(off[:, 2]))
    row = {"horizontal_km": float(apart[0]), "vertical_km": float(apart[1])}
    for level in LEVELS:
        row[f"coverage_{100 * level:.0f}"] = float(np.mean(inside <= level))
        row[f"depth_coverage_{100 * level:.0f}"] = float(np.mean(np.abs(2.0 * below - 1.0) <= level))
    return row
