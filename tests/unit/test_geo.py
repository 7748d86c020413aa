"""Region, projection, distances and azimuths."""

import numpy as np
import pytest
from pydantic import ValidationError

from catalogdb.errors import InputError
from catalogdb.geo import Projection, Region, azimuthal_gap, coordinates, distance_azimuth, turned

OGS_PLANE = "+proj=sterea +lon_0=12 +lat_0=46 +units=km"
STATIONS = [
    {"net": "OX", "sta": "BAD", "latitude": 46.234, "longitude": 13.2438, "elevation_km": 0.59},
    {"net": "OX", "sta": "CIMO", "latitude": 46.3116, "longitude": 12.4448, "elevation_km": 0.71},
    {"net": "OX", "sta": "NONE", "latitude": float("nan"), "longitude": float("nan"), "elevation_km": 0.0},
]


def test_distance_and_azimuth_agree_with_another_implementation():
    from obspy.geodetics import gps2dist_azimuth

    latitude, longitude = [46.0, -21.0, 0.0], [12.0, -69.5, 179.9]
    to_latitude, to_longitude = [46.5, -23.0, 0.1], [13.0, -70.2, -179.9]
    distance_km, azimuth = distance_azimuth(latitude, longitude, to_latitude, to_longitude)
    for number in range(3):
        metres, expected, _ = gps2dist_azimuth(
            latitude[number], longitude[number], to_latitude[number], to_longitude[number]
        )
        assert distance_km[number] == pytest.approx(metres / 1000.0, abs=0.01)
        assert azimuth[number] == pytest.approx(expected, abs=0.01)


def test_distance_broadcasts_one_event_to_many_stations():
    distance_km, azimuth = distance_azimuth(46.0, 12.0, [46.0, 47.0], [12.0, 12.0])
    assert distance_km.shape == azimuth.shape == (2,)
    assert distance_km[0] == 0.0
    assert azimuth[1] == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("azimuths", "gap"),
    [([], 360.0), ([10.0], 360.0), ([10.0, 10.0], 360.0), ([0.0, 90.0, 180.0, 270.0], 90.0), ([350.0, 10.0], 340.0)],
)
def test_azimuthal_gap(azimuths, gap):
    assert azimuthal_gap(azimuths) == pytest.approx(gap)


@pytest.mark.parametrize("definition", [OGS_PLANE, "+proj=utm +zone=33", "EPSG:32633"])
def test_projection_is_in_km_and_comes_back(definition):
    plane = Projection(definition)
    longitude, latitude = np.array([11.0, 13.2438]), np.array([45.5, 46.234])
    x, y = plane.to_xy(longitude, latitude)
    back_longitude, back_latitude = plane.to_lonlat(x, y)
    assert np.allclose(back_longitude, longitude, atol=1e-8)
    assert np.allclose(back_latitude, latitude, atol=1e-8)
    geodesic_km, _ = distance_azimuth(latitude[0], longitude[0], latitude[1], longitude[1])
    assert np.hypot(*np.diff([x, y], axis=1)) == pytest.approx(geodesic_km, rel=2e-3)


@pytest.mark.parametrize("definition", ["EPSG:4326", "+proj=nonsense", "no such plane"])
def test_projection_that_is_no_plane_is_refused(definition):
    with pytest.raises(InputError, match="projection"):
        Projection(definition)


def test_limits_come_from_the_stations_with_a_margin():
    region = Region(margin_km=30.0).completed(STATIONS)
    assert region.is_complete
    assert region.minlatitude == pytest.approx(46.234 - 30 / 111.19)
    assert bool(region.contains(46.27, 12.9))
    corner_km, _ = distance_azimuth(46.234, 12.4448, 46.234, region.minlongitude)
    assert corner_km >= 29.9


def test_given_limits_stay_and_the_polygon_is_used():
    region = Region(polygon=[[10, 45.5], [11.5, 47], [14.5, 46.5], [14.5, 45.5]], maxlatitude=46.9).completed([])
    assert (region.minlongitude, region.maxlongitude, region.minlatitude, region.maxlatitude) == (10, 14.5, 45.5, 46.9)
    assert region.contains([46.0, 46.8], [12.0, 10.2]).tolist() == [True, False]


def test_depth_counts_only_when_given():
    region = Region(minlatitude=44, maxlatitude=47, minlongitude=9, maxlongitude=15, maxdepth_km=40)
    assert bool(region.contains(46, 12))
    assert region.contains([46, 46, 46], [12, 12, 12], [-1.0, 10.0, 41.0]).tolist() == [False, True, False]


def test_region_across_the_date_line():
    stations = [{"latitude": -18.0, "longitude": 179.5}, {"latitude": -19.0, "longitude": -179.0}]
    region = Region().completed(stations)
    assert region.maxlongitude - region.minlongitude < 4.0
    assert region.contains([-18.5, -18.5, -18.5], [179.9, -179.9, 0.0]).tolist() == [True, True, False]
    x, _ = region.map_projection().to_xy([179.5, -179.0], [-18.0, -19.0])
    assert np.abs(x).max() < 200.0


@pytest.mark.parametrize("longitudes", [(83.0, -160.0, -60.0, 23.0), (0.0, 5.0), (-170.0, -40.0, 60.0, 150.0)])
@pytest.mark.parametrize("latitude", [-89.7, 89.7])
def test_stations_around_a_pole_have_a_region_over_it(latitude, longitudes):
    region = Region().completed([{"latitude": latitude, "longitude": longitude} for longitude in longitudes])
    assert abs(region.maxlatitude if latitude > 0 else region.minlatitude) == 90.0
    assert region.contains(latitude, [*longitudes, 180.0, -90.0]).all()


def test_a_ring_of_stations_wider_than_half_the_globe_is_held():
    stations = [{"latitude": -65.0, "longitude": longitude} for longitude in (83.0, 170.0, -110.0, 23.0)]
    region = Region().completed(stations)
    assert region.contains(-65.0, [station["longitude"] for station in stations]).all()


def test_bounds_hold_the_whole_box():
    region = Region(minlatitude=44.3, maxlatitude=47.5, minlongitude=9.5, maxlongitude=15, projection=OGS_PLANE)
    plane = region.map_projection()
    minx, maxx, miny, maxy = region.bounds_xy(plane)
    random = np.random.default_rng(3)
    x, y = plane.to_xy(random.uniform(9.5, 15, 500), random.uniform(44.3, 47.5, 500))
    assert minx <= x.min() and x.max() <= maxx and miny <= y.min() and y.max() <= maxy


def test_no_stations_and_no_limits_is_an_error():
    with pytest.raises(InputError, match="limits are missing"):
        Region(minlatitude=44.0).completed([])


def test_limits_that_leave_out_every_station_are_an_error():
    with pytest.raises(InputError, match="leave out"):
        Region(minlatitude=60.0).completed(STATIONS)


@pytest.mark.parametrize(
    "settings",
    [
        {"minlatitude": 47, "maxlatitude": 44},
        {"mindepth_km": 5, "maxdepth_km": 5},
        {"polygon": [[10, 45], [11, 46]]},
        {"latitude": 3},
        {"maxlatitude": 91},
    ],
)
def test_bad_regions_are_refused(settings):
    with pytest.raises(ValidationError):
        Region(**settings)


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"maxdepth_km": 40_000}, "not metres"),
        ({"mindepth_km": 50, "maxdepth_km": 40}, "mindepth_km"),
        ({"minlatitude": 47, "maxlatitude": 45}, "minlatitude"),
        ({"minlongitude": 170, "maxlongitude": -170}, "170 to 190"),
        ({"minlongitude": -170, "maxlongitude": 300, "minlatitude": 0, "maxlatitude": 1}, "360"),
        ({"minlatitude": 45, "maxlatitude": 47, "polygon": [[46, 11], [46, 14], [45, 12]]}, "nothing in common"),
        ({"minlongitude": 11, "maxlongitude": 14, "polygon": [[45, 46], [46, 46], [46, 47]]}, "nothing in common"),
    ],
)
def test_limits_that_cannot_be_meant_are_refused(limits, words):
    with pytest.raises(ValueError, match=words):
        Region(**limits)


def test_a_polygon_over_the_date_line_meets_its_box():
    polygon = [[175, -20], [185, -20], [185, -10], [175, -10]]
    region = Region(minlongitude=170, maxlongitude=190, polygon=polygon, minlatitude=-30, maxlatitude=0)
    assert region.contains(-15.0, -178.0) and not region.contains(-15.0, 172.0)


@pytest.mark.parametrize(
    ("given", "wanted"), [(190.1, 190.1 - 360.0), (360, 0), (180, 180), (-180, -180), (-190, 170), (12.8, 12.8)]
)
def test_longitudes_are_turned_without_rounding(given, wanted):
    assert turned(given) == wanted
    if given >= -180:
        assert coordinates(46.0, given) == (46.0, wanted)
