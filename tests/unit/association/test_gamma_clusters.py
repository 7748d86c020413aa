"""What two windows read is given to GaMMA once, and both find the same events."""

from test_association_associate import EVENTS, REGION, STATIONS, config, synthetic_picks

from catalogdb.association import gamma
from catalogdb.association.associate import associate


def found(picks, core):
    return {origin["time"] for origin in associate(picks, STATIONS, REGION, config(), core).origins}


def test_a_cluster_that_two_windows_read_is_computed_once():
    gamma._events_of.cache_clear()
    picks = synthetic_picks(EVENTS[:2])
    earlier, later = found(picks, (0.0, 1050.0)), found(picks, (1050.0, 2000.0))
    info = gamma._events_of.cache_info()
    assert info.hits == info.misses > 0
    assert earlier | later == found(picks, (0.0, 2000.0)) and len(earlier) == len(later) == 1


def test_a_cluster_of_other_settings_is_computed_again():
    gamma._events_of.cache_clear()
    picks = synthetic_picks(EVENTS[:1])
    associate(picks, STATIONS, REGION, config())
    associate(picks, STATIONS, REGION, config(gamma={"max_sigma11": 1.0}))
    assert gamma._events_of.cache_info().hits == 0
