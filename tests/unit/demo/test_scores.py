"""Matching of picks with the truth."""

import pytest

pytest.importorskip("seisbench.models")

from catalogdb.demo.scores import match  # noqa: E402


def test_pairs_are_one_to_one_and_nearest_first():
    assert match([10.0, 10.3], [10.25]) == [(1, 0)]
    assert sorted(match([10.0, 10.3], [10.25, 9.8])) == [(0, 1), (1, 0)]


def test_the_tolerance_is_inclusive_and_binding():
    assert match([10.5], [10.0]) == [(0, 0)]
    assert match([10.51], [10.0]) == []


@pytest.mark.parametrize(("picks", "truth"), [([], []), ([1.0], []), ([], [1.0])])
def test_nothing_matches_nothing(picks, truth):
    assert match(picks, truth) == []
