"""Embeddings: what is alike is found, and pictures keep groups together."""

from __future__ import annotations

import numpy as np
import pytest

from catalogdb.errors import InputError
from catalogdb.seislm.embedding import in_two_dimensions, similarities


@pytest.fixture
def groups():
    """Two groups of ten vectors, far from zero and close to one another within a group."""
    random = np.random.default_rng(0)
    middles = np.repeat(random.normal(0, 1, (2, 16)), 10, axis=0)
    return 100 + middles + random.normal(0, 0.1, (20, 16))


def test_vectors_of_the_same_group_are_the_most_alike(groups):
    alike = similarities(groups, np.array([3, 4]))
    assert alike[:10].min() > 0.8 and alike[10:].max() < -0.8


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_a_picture_keeps_groups_apart(groups, method):
    points = in_two_dimensions(groups, method)
    assert points.shape == (20, 2)
    apart = np.linalg.norm(points[:10].mean(axis=0) - points[10:].mean(axis=0))
    assert apart > 1.5 * max(points[:10].std(), points[10:].std())
    np.testing.assert_allclose(points, in_two_dimensions(groups, method))


def test_too_few_windows_make_no_picture(groups):
    with pytest.raises(InputError, match="3 windows make no picture"):
        in_two_dimensions(groups[:3], "pca")
