"""One-to-one assignment over sparse pairs against one over the whole matrix."""

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from catalogdb.evaluation import assignment
from catalogdb.evaluation.assignment import best_assignment


def random_pairs(seed, rows=60, columns=70, share=0.06):
    random = np.random.default_rng(seed)
    first, second = np.nonzero(random.random((rows, columns)) < share)
    return first, second, random.uniform(0.01, 1, len(first))


def whole_matrix(first, second, weight):
    matrix = np.zeros((first.max() + 1, second.max() + 1))
    matrix[first, second] = weight
    return matrix[linear_sum_assignment(matrix, maximize=True)].sum()


@pytest.mark.parametrize("largest_matrix", [1_000_000, 0], ids=["matrix", "sparse"])
@pytest.mark.parametrize("share", [0.01, 0.03, 0.3])
@pytest.mark.parametrize("seed", range(3))
def test_total_weight_is_that_of_the_whole_matrix(monkeypatch, seed, share, largest_matrix):
    monkeypatch.setattr(assignment, "LARGEST_MATRIX", largest_matrix)
    first, second, weight = random_pairs(seed, share=share)
    chosen = best_assignment(first, second, weight)
    assert weight[chosen].sum() == pytest.approx(whole_matrix(first, second, weight))
    assert len(set(first[chosen])) == len(set(second[chosen])) == len(chosen)
    assert (np.diff(chosen) > 0).all()


def test_the_order_of_pairs_decides_nothing():
    first, second, weight = random_pairs(7)
    weight = np.round(weight, 1) + 0.1  # with many equal ones
    shuffled = np.random.default_rng(0).permutation(len(first))
    chosen = best_assignment(first, second, weight)
    again = shuffled[best_assignment(first[shuffled], second[shuffled], weight[shuffled])]
    assert weight[chosen].sum() == pytest.approx(weight[again].sum())
    stars = np.array([0, 0, 1, 2]), np.array([5, 6, 7, 7]), np.array([0.5, 0.5, 0.5, 0.5])
    for order in ([0, 1, 2, 3], [3, 2, 1, 0]):
        pairs = [part[order] for part in stars]
        kept = best_assignment(*pairs)
        assert {(int(pairs[0][at]), int(pairs[1][at])) for at in kept} == {(0, 5), (1, 7)}


def test_nothing_to_choose_from():
    nothing = np.zeros(0, int)
    assert len(best_assignment(nothing, nothing, np.zeros(0))) == 0
