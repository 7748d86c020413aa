"""The hidden Markov model against what is known: enumeration of all paths, and chains of known transitions."""

import itertools

import numpy as np
import pytest

from catalogdb.features import markov

KNOWN = markov.MarkovModel(
    np.array([0.6, 0.3, 0.1]),
    np.array([[0.90, 0.08, 0.02], [0.05, 0.85, 0.10], [0.20, 0.05, 0.75]]),
    np.array([[0.0, 0.0], [2.0, 1.0], [4.0, 5.0]]),
    np.array([[0.3, 0.2], [0.4, 0.3], [0.5, 0.5]]),
)


def drawn(model, number, length, seed):
    """Sequences of the model, and the states that they went through."""
    generator = np.random.default_rng(seed)
    states = np.empty((number, length), dtype=int)
    for row in range(number):
        for frame in range(length):
            chances = model.initial if frame == 0 else model.transition[states[row, frame - 1]]
            states[row, frame] = generator.choice(len(chances), p=chances)
    scatter = np.sqrt(model.variances)[states]
    return model.means[states] + scatter * generator.standard_normal(scatter.shape), states


@pytest.fixture(scope="module")
def paths():
    """A short sequence, all paths through the states, and the joint log-probability of each with the sequence."""
    (sequence,), _ = drawn(KNOWN, 1, 5, seed=3)
    density = -0.5 * (np.log(2 * np.pi * KNOWN.variances) + (sequence[:, None] - KNOWN.means) ** 2 / KNOWN.variances)
    emission = density.sum(axis=2)
    found = list(itertools.product(range(3), repeat=5))
    joint = [
        np.log(KNOWN.initial[path[0]])
        + sum(np.log(KNOWN.transition[path[at], path[at + 1]]) for at in range(4))
        + sum(emission[at, path[at]] for at in range(5))
        for path in found
    ]
    return sequence, found, np.array(joint)


def test_expectations_are_those_of_all_paths(paths):
    sequence, found, joint = paths
    total = np.logaddexp.reduce(joint)
    chance = np.exp(joint - total)
    occupied, transitions = np.zeros((5, 3)), np.zeros((3, 3))
    for path, weight in zip(found, chance, strict=True):
        for at, state in enumerate(path):
            occupied[at, state] += weight
        for pair in itertools.pairwise(path):
            transitions[pair] += weight
    result = markov.expected(KNOWN, sequence[None])
    assert result.log_likelihood[0] == pytest.approx(total, abs=1e-9)
    assert result.occupied[0] == pytest.approx(occupied, abs=1e-9)
    assert result.transitions[0] == pytest.approx(transitions, abs=1e-9)


def test_viterbi_finds_the_best_of_all_paths(paths):
    sequence, found, joint = paths
    assert tuple(markov.most_likely_states(KNOWN, sequence[None])[0]) == found[joint.argmax()]


def test_known_transitions_are_recovered():
    sequences, states = drawn(KNOWN, 300, 60, seed=11)
    fit = markov.fit(sequences, 3, seed=0)
    assert fit.model.transition == pytest.approx(KNOWN.transition, abs=0.02)
    assert fit.model.means == pytest.approx(KNOWN.means, abs=0.05)
    assert fit.model.variances == pytest.approx(KNOWN.variances, abs=0.05)
    assert fit.model.initial == pytest.approx(KNOWN.initial, abs=0.1)
    assert (markov.most_likely_states(fit.model, sequences) == states).mean() > 0.98


def test_each_step_makes_the_data_more_likely():
    sequences, _ = drawn(KNOWN, 40, 30, seed=5)
    history = markov.fit(sequences, 4, seed=1, tolerance=0.0, steps=20).log_likelihoods
    # steps maximise the likelihood with the prior of transitions, so that alone may fall by a trace of it
    assert np.diff(history).min() > -1e-4 and history[-1] > history[0]


def test_transitions_of_a_sequence_do_not_depend_on_others():
    sequences, _ = drawn(KNOWN, 7, 20, seed=2)
    together = markov.expected(KNOWN, sequences).transitions
    alone = markov.expected(KNOWN, sequences[3:4]).transitions[0]
    assert together[3] == pytest.approx(alone, abs=1e-12)
    assert together.sum(axis=(1, 2)) == pytest.approx(19.0)


def test_a_start_that_was_never_seen_is_described_too():
    """All that is learned from begins quietly; what is described then is loud from its first frame on."""
    generator = np.random.default_rng(0)
    parts = generator.normal(0.0, 0.05, (60, 10, 12)), generator.normal(4.0, 0.5, (60, 30, 12))
    model = markov.fit(np.concatenate(parts, axis=1), 4, seed=0).model
    found = markov.expected(model, generator.normal(4.0, 0.5, (1, 40, 12)))
    assert found.transitions.sum() == pytest.approx(39.0) and np.isfinite(found.occupied).all()
