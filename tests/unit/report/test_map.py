"""The middle of the report's map."""

import pytest

from catalogdb.report.data import middle_longitude


@pytest.mark.parametrize(
    ("longitudes", "middle"),
    [([13.0, 14.0], 13.5), ([179.5, -179.7, 178.9], 179.6), ([-179.9, 179.8], 179.95), ([-170.0, -160.0], -165.0)],
)
def test_the_map_lies_around_its_events_over_the_date_line(longitudes, middle):
    found = middle_longitude(longitudes)
    assert (found - middle + 180.0) % 360.0 - 180.0 == pytest.approx(0.0, abs=1e-9)


def test_a_map_without_events_has_a_middle():
    assert middle_longitude([]) == 0.0
