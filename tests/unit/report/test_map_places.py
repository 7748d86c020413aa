"""The region of the report's map."""

import pytest

from catalogdb.report.places import LEAST_KM, map_box, middle_longitude

KM = 111.19


def events(places):
    return [{"latitude": latitude, "longitude": longitude} for latitude, longitude in places]


@pytest.mark.parametrize(
    ("longitudes", "middle"),
    [([13.0, 14.0], 13.5), ([179.5, -179.7, 178.9], 179.6), ([-179.9, 179.8], 179.95), ([-170.0, -160.0], -165.0)],
)
def test_the_map_lies_around_its_events_over_the_date_line(longitudes, middle):
    found = middle_longitude(longitudes)
    assert (found - middle + 180.0) % 360.0 - 180.0 == pytest.approx(0.0, abs=1e-9)


def test_a_map_without_events_has_a_middle_and_no_box():
    assert middle_longitude([]) == 0.0
    assert map_box([]) is None


def test_a_swarm_of_20_km_fills_its_map():
    swarm = events([(46.0, 13.0), (46.0 + 20 / KM, 13.0), (46.1, 13.2)])
    box = map_box(swarm)
    assert 20 <= (box["north"] - box["south"]) * KM <= 24
    assert box["south"] < 46.0 and box["west"] < 13.0 < 13.2 < box["east"]


def test_one_event_has_a_map_of_the_least_size():
    box = map_box(events([(46.0, 13.0)]))
    assert (box["north"] - box["south"]) * KM == pytest.approx(LEAST_KM)


def test_a_few_strays_do_not_shrink_the_map():
    many = [(46.0 + at / 3000, 13.0 + at / 3000) for at in range(300)]
    box = map_box(events([*many, (10.0, -60.0)]))
    assert box["south"] > 45.9 and box["north"] < 46.2 and 12.9 < box["west"] < box["east"] < 13.2
    assert map_box(events([*many[:20], (10.0, 13.0)]))["south"] < 10.0  # one of a few is no stray


def test_the_box_goes_on_over_the_date_line():
    box = map_box(events([(-17.0, 179.0), (-18.0, -179.0)]))
    assert box["east"] - box["west"] < 3.0 and (box["west"] < 180.0 < box["east"] or box["west"] < -180.0 < box["east"])
