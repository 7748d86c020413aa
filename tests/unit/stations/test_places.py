"""Where a station stands at a time: parted site epochs, sensors that move, location codes that stand apart."""

import obspy
import pytest
from obspy.core.inventory import Channel, Inventory, Network, Station

from catalogdb.association.associate import associate
from catalogdb.association.config import AssociateConfig
from catalogdb.geo import Region, distance_azimuth
from catalogdb.stations.documents import channel_documents, site_documents
from catalogdb.stations.epochs import OPEN_END
from catalogdb.stations.places import StationPlaces
from catalogdb.traveltimes.first_arrivals import HomogeneousTimes

START, MOVED = obspy.UTCDateTime(2005, 1, 1), obspy.UTCDateTime(2015, 6, 1)
T0 = 1711584000.0


def channel(code="HHZ", loc="", start=START, end=None, latitude=46.0):
    return Channel(code, loc, latitude, 13.0, 500.0, 0.0, start_date=start, end_date=end, sample_rate=100.0)


def inventory(*channels, start=START, end=None):
    station = Station("S01", 46.0, 13.0, 500.0, channels=list(channels), start_date=start, end_date=end)
    return Inventory([Network("XA", stations=[station])])


def found_places(*channels, **epoch):
    return [
        (row["lat"], row["starttime"], row["endtime"]) for row in site_documents(inventory(*channels, **epoch), "x")
    ]


def test_a_station_epoch_is_parted_where_its_channels_move():
    moves = [channel(code, end=MOVED, latitude=46.1) for code in ("HHZ", "HHN")]
    moves += [channel(code, start=MOVED) for code in ("HHZ", "HHN")]
    assert found_places(*moves) == [(46.1, START.timestamp, MOVED.timestamp), (46.0, MOVED.timestamp, OPEN_END)]


def test_a_place_holds_through_gaps_and_from_the_station_s_start():
    later = [channel(start=START + 86400, end=MOVED), channel(start=MOVED + 86400, latitude=46.1)]
    assert found_places(*later) == [
        (46.0, START.timestamp, MOVED.timestamp + 86400),
        (46.1, MOVED.timestamp + 86400, OPEN_END),
    ]


def test_the_best_sensor_s_place_counts_until_it_ends():
    found = found_places(channel("BHZ", latitude=46.2), channel("HHZ", end=MOVED))
    assert found == [(46.0, START.timestamp, MOVED.timestamp), (46.2, MOVED.timestamp, OPEN_END)]
    assert found_places(channel("HHZ", end=MOVED), channel("HHN", latitude=46.2)) == [(46.0, START.timestamp, OPEN_END)]


def known_places(*channels):
    found = inventory(*channels)
    return StationPlaces(site_documents(found, "x"), channel_documents(found, "x"))


def test_a_place_is_that_of_its_time():
    known = known_places(channel(end=MOVED, latitude=46.1), channel(start=MOVED))
    edge = MOVED.timestamp
    assert [known.at("XA", "S01", time).latitude for time in (edge - 1, edge, edge + 1)] == [46.1, 46.0, 46.0]
    assert known.at("XA", "S01", START.timestamp - 1) is None
    assert known.at("XA", "S01", START.timestamp).latitude == 46.1
    nearest = [known.nearest("XA", "S01", time).latitude for time in (START.timestamp - 1, OPEN_END + 1)]
    assert nearest == [46.1, 46.0] and known.nearest("XA", "S02", edge) is None
    assert known.stations(0.0, START.timestamp) == [] and known.stations(0.0, START.timestamp + 1) == [("XA", "S01")]


def test_a_pick_s_sensor_has_its_own_place():
    known = known_places(
        channel(loc="00"), channel("HNZ", loc="10", latitude=46.2), channel("HNZ", "00", latitude=46.3)
    )
    pick = {"net": "XA", "sta": "S01", "time": T0}
    named = [("00", "HHZ"), ("00", "HHN"), ("10", "HNZ"), ("00", "HNZ"), ("", ""), ("10", "")]
    found = [known.of_pick(pick | {"loc": loc, "chan": chan}).latitude for loc, chan in named]
    assert found == [46.0, 46.0, 46.2, 46.3, 46.0, 46.2]


def test_the_only_network_counts_for_picks_that_name_none():
    row = {"sta": "BAD", "loc": "", "lat": 46.0, "lon": 13.0, "elev": 0.0, "starttime": 0.0, "endtime": OPEN_END}
    pick = {"net": "", "sta": "BAD", "time": T0}
    assert StationPlaces([row | {"net": "OX"}]).of_pick(pick).latitude == 46.0
    assert StationPlaces([row | {"net": net} for net in ("OX", "IV")]).of_pick(pick) is None


def test_windows_have_a_row_for_each_place_that_was_recorded_at():
    known = known_places(channel(end=MOVED, latitude=46.1), channel(start=MOVED))
    edge = MOVED.timestamp
    picks = [{"net": "XA", "sta": "S01", "time": edge + seconds} for seconds in (-5.0, 5.0)]
    stations, placed = known.rows(picks, edge - 100, edge + 1000)
    assert [(row["latitude"], row.get("place", 0)) for row in stations] == [(46.1, 0), (46.0, 1)]
    assert [pick.get("place", 0) for pick in placed] == [0, 1]
    assert [row["latitude"] for row in known.rows([], edge - 100, edge + 1000)[0]] == [46.0]
    assert [row["latitude"] for row in known.rows([], edge - 1000, edge + 100)[0]] == [46.1]


@pytest.mark.parametrize("associator", ["gamma", "pyocto", "scan"])
def test_an_event_is_located_with_the_places_of_its_time(associator):
    codes = [("AAA", 46.26, 13.28), ("BBB", 46.46, 12.88), ("CCC", 46.20, 13.05), ("DDD", 46.32, 13.10)]
    codes += [("EEE", 46.26, 12.71), ("FFF", 46.43, 12.74), ("GGG", 46.41, 13.00), ("HHH", 46.55, 13.15)]
    sites, picks, times = [], [], HomogeneousTimes(5.85, 3.28)
    for sta, lat, lon in codes:  # all move 11 km within the window
        for north, start, end in ((0.1, 0.0, T0 + 1000), (0.0, T0 + 1000, OPEN_END)):
            place = {"lat": lat + north, "lon": lon, "elev": 0.5}
            sites.append({"net": "XA", "sta": sta, "loc": "", "starttime": start, "endtime": end} | place)
    for number, (time, north) in enumerate(((500.0, 0.1), (1500.0, 0.0))):
        for sta, lat, lon in codes:
            distance, _ = distance_azimuth(46.36, 12.95, lat + north, lon)
            for phase in "PS":
                arrival = T0 + time + float(times(distance, 8.0, -0.5, phase == "S"))
                picks.append({"_id": f"{number}{sta}{phase}", "net": "XA", "sta": sta, "phase": phase, "time": arrival})
    stations, placed = StationPlaces(sites).rows(picks, T0, T0 + 3600)
    region = Region(minlatitude=45.5, maxlatitude=47.0, minlongitude=11.5, maxlongitude=14.0)
    config = AssociateConfig(associator=associator, velocity={"vp": 5.85, "vs": 3.28}, overlap_seconds=300.0)
    origins = associate(placed, stations, region, config).origins
    assert len(origins) == 2
    for origin in origins:
        assert (origin["latitude"], origin["longitude"]) == pytest.approx((46.36, 12.95), abs=0.01)
        assert origin["rms"] < 0.05 and len(origin["arrivals"]) == 16
