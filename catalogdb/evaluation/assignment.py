"""The one-to-one assignment of largest total weight over sparse candidate pairs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# up to this many cells a component is solved as a full matrix
LARGEST_MATRIX = 1_000_000


def best_assignment(
    first: NDArray[np.int64], second: NDArray[np.int64], weight: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Choose, of candidate pairs, those of the one-to-one assignment of largest total weight.

    Only pairs that compete for an item need work: they fall into connected components, each of which is solved for
    itself (Crouse 2016, or for large sparse ones Jonker & Volgenant 1987, both as SciPy has them). The result is that
    of one assignment over the whole matrix.

    Args:
        first, second: item numbers of either side, shape (n,); each pair occurs once.
        weight: above 0, shape (n,).

    Returns:
        Indices of the chosen pairs, ascending. Among equal weights the lower item numbers win.
    """
    if not len(first):
        return np.zeros(0, np.int64)
    rivals = (np.bincount(first)[first] > 1) | (np.bincount(second)[second] > 1)
    chosen = [np.flatnonzero(~rivals)]
    contested = np.flatnonzero(rivals)
    if len(contested):
        chosen += _contested(first[contested], second[contested], weight[contested], contested)
    return np.sort(np.concatenate(chosen))


def _contested(first: np.ndarray, second: np.ndarray, weight: np.ndarray, index: np.ndarray) -> list[NDArray[np.int64]]:
    """Chosen entries of `index` among pairs that all have rivals."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    _, row = np.unique(first, return_inverse=True)
    _, column = np.unique(second, return_inverse=True)
    rows, columns = row.max() + 1, column.max() + 1
    size = rows + columns
    graph = coo_array((np.ones(len(row), np.int8), (row, rows + column)), shape=(size, size))
    number, label = connected_components(graph, directed=False)
    rows_of, columns_of = np.bincount(label[:rows], minlength=number), np.bincount(label[rows:], minlength=number)
    component = label[row]
    order = np.lexsort((column, row, -weight, component))
    starts = np.flatnonzero(np.r_[True, np.diff(component[order]) != 0])
    is_star = (rows_of == 1) | (columns_of == 1)  # one item with several suitors: it takes the best
    stars = is_star[component[order[starts]]]
    chosen = [index[order[starts[stars]]]]
    ends = np.r_[starts[1:], len(order)]
    for begin, end in zip(starts[~stars], ends[~stars], strict=True):
        pairs = np.sort(order[begin:end])
        chosen.append(index[pairs[_solved(row[pairs], column[pairs], weight[pairs])]])
    return chosen


def _solved(row: np.ndarray, column: np.ndarray, weight: np.ndarray) -> NDArray[np.int64]:
    """Chosen pairs of one connected component."""
    from scipy.optimize import linear_sum_assignment

    _, row = np.unique(row, return_inverse=True)
    _, column = np.unique(column, return_inverse=True)
    rows, columns = row.max() + 1, column.max() + 1
    if rows * columns > LARGEST_MATRIX:
        return _solved_sparse(row, column, weight, rows, columns)
    weights, pair_at = np.zeros((rows, columns)), np.full((rows, columns), -1)
    weights[row, column], pair_at[row, column] = weight, np.arange(len(row))
    pairs = pair_at[linear_sum_assignment(weights, maximize=True)]
    return pairs[pairs >= 0]


def _solved_sparse(
    row: np.ndarray, column: np.ndarray, weight: np.ndarray, rows: int, columns: int
) -> NDArray[np.int64]:
    """The same without a full matrix: each row has a column of its own beside, which stands for no partner."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    nothing = weight.min() * 1e-6
    own = np.arange(rows)
    values, places = np.r_[weight, np.full(rows, nothing)], (np.r_[row, own], np.r_[column, columns + own])
    matrix = csr_array((values, places), shape=(rows, columns + rows))
    chosen_row, chosen_column = min_weight_full_bipartite_matching(matrix, maximize=True)
    real = chosen_column < columns
    key = row * columns + column
    order = np.argsort(key)
    return order[np.searchsorted(key[order], chosen_row[real] * columns + chosen_column[real])]
