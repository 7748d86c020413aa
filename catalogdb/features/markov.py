"""A hidden Markov model with Gaussian emissions of independent components, for sequences of one length.

Baum and Welch's steps, the most likely states by Viterbi (Rabiner, 1989, doi:10.1109/5.18626), and the expected number
of each transition in a sequence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

Array = NDArray[np.float64]

STAYS = 0.9
"""Probability to stay in a state, to begin with."""
PRIOR_TRANSITIONS = 0.1
"""Each transition, and each state at the start, counts as seen so often besides, so that none is impossible."""
LEAST_VARIANCE = 0.01
"""Part of a component's variance over all frames; below, a state would hold a single value."""
START_FRAMES = 20_000
"""States begin as the clusters of at most so many frames."""
BATCH_SEQUENCES = 2000


@dataclass(frozen=True)
class MarkovModel:
    """Of S states and D components.

    Attributes:
        initial: probability of each state at the start (S).
        transition: from the state of the row to that of the column (S, S).
        means, variances: of the emissions (S, D).
    """

    initial: Array
    transition: Array
    means: Array
    variances: Array


@dataclass(frozen=True)
class Fit:
    """A model, and the mean log-likelihood of a frame after each step."""

    model: MarkovModel
    log_likelihoods: list[float]


@dataclass(frozen=True)
class Expected:
    """What sequences are expected to have gone through.

    Attributes:
        occupied: probability of each state in each frame (sequences, frames, S).
        transitions: expected number of each transition (sequences, S, S).
        log_likelihood: of each sequence.
    """

    occupied: Array
    transitions: Array
    log_likelihood: Array


def fit(sequences: Array, states: int, seed: int, steps: int = 60, tolerance: float = 1e-4) -> Fit:
    """Learn a model; states are in the order of their means' sums.

    Args:
        sequences: shape (sequences, frames, components).
        states: their number.
        seed: of the start.
        steps: most of them.
        tolerance: it ends when a step betters the mean log-likelihood of a frame by less.
    """
    model = _start(sequences, states, seed)
    floor = _least_variance(sequences)
    history: list[float] = []
    for _ in range(steps):
        model, likelihood = _step(model, sequences, floor)
        history.append(likelihood)
        if len(history) > 1 and history[-1] - history[-2] < tolerance:
            break
    order = np.argsort(model.means.sum(axis=1), kind="stable")
    ordered = MarkovModel(
        model.initial[order], model.transition[np.ix_(order, order)], model.means[order], model.variances[order]
    )
    return Fit(ordered, history)


def expected(model: MarkovModel, sequences: Array) -> Expected:
    """Forward and backward probabilities, of all sequences at once."""
    logarithm = _log_emissions(model, sequences)
    largest = logarithm.max(axis=2, keepdims=True)
    emission = np.exp(logarithm - largest)
    number, length, states = emission.shape
    forward, scale = np.empty_like(emission), np.empty((number, length))
    state = model.initial * emission[:, 0]
    for frame in range(length):
        if frame:
            state = (forward[:, frame - 1] @ model.transition) * emission[:, frame]
        scale[:, frame] = np.maximum(state.sum(axis=1), 1e-300)
        forward[:, frame] = state / scale[:, frame, None]
    backward = np.ones((number, states))
    occupied, transitions = np.empty_like(emission), np.zeros((number, states, states))
    occupied[:, -1] = forward[:, -1]
    for frame in range(length - 2, -1, -1):
        coming = emission[:, frame + 1] * backward / scale[:, frame + 1, None]
        transitions += forward[:, frame, :, None] * model.transition * coming[:, None, :]
        backward = coming @ model.transition.T
        occupied[:, frame] = forward[:, frame] * backward
    likelihood = np.log(scale).sum(axis=1) + largest.sum(axis=(1, 2))
    return Expected(occupied / occupied.sum(axis=2, keepdims=True), transitions, likelihood)


def most_likely_states(model: MarkovModel, sequences: Array) -> NDArray[np.intp]:
    """The one path through the states that explains a sequence best, shape (sequences, frames)."""
    emission = _log_emissions(model, sequences)
    with np.errstate(divide="ignore"):
        initial, transition = np.log(model.initial), np.log(model.transition)
    number, length, _ = emission.shape
    best = initial + emission[:, 0]
    came_from = np.zeros(emission.shape, dtype=np.intp)
    for frame in range(1, length):
        ways = best[:, :, None] + transition
        came_from[:, frame] = ways.argmax(axis=1)
        best = ways.max(axis=1) + emission[:, frame]
    path = np.empty((number, length), dtype=np.intp)
    path[:, -1] = best.argmax(axis=1)
    rows = np.arange(number)
    for frame in range(length - 2, -1, -1):
        path[:, frame] = came_from[rows, frame + 1, path[:, frame + 1]]
    return path


def _start(sequences: Array, states: int, seed: int) -> MarkovModel:
    """States as the clusters of frames, each likely to stay."""
    frames = sequences.reshape(-1, sequences.shape[2])
    if len(frames) > START_FRAMES:
        frames = frames[np.random.default_rng(seed).choice(len(frames), START_FRAMES, replace=False)]
    clusters = KMeans(states, n_init=4, random_state=seed).fit(frames)
    floor = _least_variance(sequences)
    variances = [
        np.maximum(frames[clusters.labels_ == state].var(axis=0), floor)
        if (clusters.labels_ == state).any()
        else np.maximum(frames.var(axis=0), floor)
        for state in range(states)
    ]
    leaves = (1.0 - STAYS) / max(states - 1, 1)
    transition = np.full((states, states), leaves) + np.eye(states) * (STAYS - leaves)
    return MarkovModel(np.full(states, 1.0 / states), transition, clusters.cluster_centers_, np.array(variances))


def _step(model: MarkovModel, sequences: Array, floor: Array) -> tuple[MarkovModel, float]:
    """One step of Baum and Welch, and the mean log-likelihood of a frame under the model before it."""
    states, components = model.means.shape
    initial, transitions = np.full(states, PRIOR_TRANSITIONS), np.full((states, states), PRIOR_TRANSITIONS)
    weight, total, squares = np.zeros(states), np.zeros((states, components)), np.zeros((states, components))
    likelihood = 0.0
    for first in range(0, len(sequences), BATCH_SEQUENCES):
        batch = sequences[first : first + BATCH_SEQUENCES]
        found = expected(model, batch)
        initial += found.occupied[:, 0].sum(axis=0)
        transitions += found.transitions.sum(axis=0)
        occupied, frames = found.occupied.reshape(-1, states), batch.reshape(-1, components)
        weight += occupied.sum(axis=0)
        total += occupied.T @ frames
        squares += occupied.T @ frames**2
        likelihood += float(found.log_likelihood.sum())
    share = np.maximum(weight, 1e-12)[:, None]
    means = total / share
    variances = np.maximum(squares / share - means**2, floor)
    updated = MarkovModel(
        initial / initial.sum(), transitions / transitions.sum(axis=1, keepdims=True), means, variances
    )
    return updated, likelihood / (sequences.shape[0] * sequences.shape[1])


def _log_emissions(model: MarkovModel, sequences: Array) -> Array:
    """Logarithm of the density of each frame in each state, shape (sequences, frames, S)."""
    precision = 1.0 / model.variances
    constant = np.log(2.0 * np.pi * model.variances).sum(axis=1) + (model.means**2 * precision).sum(axis=1)
    distance = sequences**2 @ precision.T - 2.0 * sequences @ (model.means * precision).T + constant
    density: Array = -0.5 * distance
    return density


def _least_variance(sequences: Array) -> Array:
    floor: Array = np.maximum(LEAST_VARIANCE * sequences.var(axis=(0, 1)), 1e-9)
    return floor
