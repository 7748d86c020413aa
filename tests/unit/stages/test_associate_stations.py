"""Which stations take part in the association of a window: those in operation."""

import pytest

from catalogdb.stations.places import StationPlaces


def site(sta, start, end):
    place = {"lat": 46.0, "lon": 13.0, "elev": 0.1}
    return {"net": "XX", "sta": sta, "loc": "", "starttime": start, "endtime": end} | place


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (150.0, 160.0, {"OLD", "LONG"}),
        (250.0, 260.0, {"NEW", "LONG"}),
        (200.0, 300.0, {"NEW", "LONG"}),  # epochs and windows hold their start and not their end
        (100.0, 200.0, {"OLD", "LONG"}),
        (199.0, 201.0, {"OLD", "NEW", "LONG"}),
        (2000.0, 2100.0, set()),
    ],
)
def test_only_stations_in_operation_take_part(start, end, expected):
    sites = [site("OLD", 0.0, 200.0), site("NEW", 200.0, 400.0), site("LONG", 0.0, 1000.0)]
    stations, _ = StationPlaces(sites).rows([], start, end)
    assert {station["sta"] for station in stations} == expected
