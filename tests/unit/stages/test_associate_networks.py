"""Problems of picks whose station is known in another network alone."""

from catalogdb.stages.associate import _of_other_networks

PICKS = [{"net": "AA", "sta": "ONE"}, {"net": "AA", "sta": "TWO"}]
SILENT = [{"net": "XX", "sta": "ONE"}, {"net": "XX", "sta": "TWO"}]


def test_a_second_network_without_data_is_no_problem():
    assert _of_other_networks(PICKS, PICKS, SILENT) == []


def test_a_station_known_in_another_network_alone_is_named():
    (line,) = _of_other_networks(PICKS, PICKS[:1], SILENT)
    assert "AA.TWO" in line and "XX.TWO" in line
