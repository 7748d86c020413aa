"""Windows of association."""

import pytest

from catalogdb.association.windows import association_windows, owned
from catalogdb.errors import InputError


def test_cores_tile_the_period_on_an_epoch_grid():
    windows = association_windows(5000.0, 12000.0, 3600.0, 300.0)
    assert [window.starttime for window in windows] == [3600.0, 7200.0, 10800.0]
    assert all(a.endtime == b.starttime for a, b in zip(windows, windows[1:], strict=False))
    assert all(window.read_starttime == window.starttime - 300.0 for window in windows)
    assert all(window.read_endtime == window.endtime + 300.0 for window in windows)


def test_another_period_gives_the_same_windows_where_both_overlap():
    long = association_windows(0.0, 86400.0, 3600.0, 300.0)
    assert set(association_windows(40000.0, 50000.0, 3600.0, 300.0)) <= set(long)


def test_a_period_that_ends_on_the_grid_has_no_window_more():
    assert len(association_windows(0.0, 7200.0, 3600.0, 300.0)) == 2
    assert len(association_windows(-3600.0, 0.0, 3600.0, 300.0)) == 1


def test_every_origin_has_one_owner():
    windows = association_windows(0.0, 10800.0, 3600.0, 300.0)
    origins = [{"time": time} for time in (0.0, 3599.999, 3600.0, 7200.0, 10799.9)]
    shares = [owned(origins, window) for window in windows]
    assert [len(share) for share in shares] == [2, 1, 2]
    assert sum(shares, []) == origins


@pytest.mark.parametrize(
    "arguments", [(10.0, 10.0, 60.0, 5.0), (10.0, 5.0, 60.0, 5.0), (0.0, float("inf"), 60.0, 5.0), (0, 9, 0.0, 5.0),
                  (0, 9, 60.0, -1.0), (float("nan"), 9, 60.0, 1.0)]
)  # fmt: skip
def test_bad_periods_and_lengths_are_errors(arguments):
    with pytest.raises(InputError):
        association_windows(*arguments)
