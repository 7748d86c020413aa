"""Stations without a network, epochs that overlap, moved sensors and removal, from the command line to the database."""

import json

from obspy import UTCDateTime
from obspy.core.inventory import Channel, Inventory, Network, Station

from catalogdb.stages.ingest_catalog import ingest_catalog
from catalogdb.stages.ingest_stations import ingest_stations
from catalogdb.stages.station_places import StationNetworks, read_places

START, MOVED = UTCDateTime(2005, 1, 1), UTCDateTime(2015, 6, 1)
TABLE = "station,latitude,longitude,elevation_m\nBAD,46.234,13.243,590\nBOO,46.32,13.10,444\n"


def write(path, text):
    path.write_text(text)
    return path


def codes(db):
    return sorted(f"{row['net']}.{row['sta']}" for row in db.site.find())


def test_a_second_ingest_with_the_network_repairs(db, mspass_db, tmp_path):
    path = write(tmp_path / "stations.csv", TABLE)
    first = ingest_stations(db, mspass_db, [path])
    assert codes(db) == [".BAD", ".BOO"] and "--network CODE" in first.notes[0]
    second = ingest_stations(db, mspass_db, [path], default_network="OX")
    assert codes(db) == ["OX.BAD", "OX.BOO"] and (second.new, second.replaced) == (2, 2)
    again = ingest_stations(db, mspass_db, [path])
    assert codes(db) == ["OX.BAD", "OX.BOO"] and (again.new, again.changed, again.replaced) == (0, 0, 0)
    assert "taken for it: BAD as OX.BAD" in again.notes[0]


def test_stations_that_stand_twice_are_said(db, mspass_db, tmp_path):
    ingest_stations(db, mspass_db, [write(tmp_path / "one.csv", TABLE)])
    moved = "network,station,latitude,longitude,elevation_m\nOX,BAD,47.5,13.2,590\n"
    summary = ingest_stations(db, mspass_db, [write(tmp_path / "two.csv", moved)])
    assert codes(db) == [".BAD", ".BOO", "OX.BAD"]
    assert "catalogdb remove station .BAD" in summary.notes[-1]


def test_the_same_content_in_another_file_is_no_change(db, mspass_db, tmp_path):
    ingest_stations(db, mspass_db, [write(tmp_path / "one.csv", TABLE)], default_network="OX")
    summary = ingest_stations(db, mspass_db, [write(tmp_path / "two.csv", TABLE)], default_network="OX")
    assert (summary.new, summary.changed, summary.unchanged) == (0, 0, 2)


def station_file(path, *channels):
    station = Station("S01", 46.0, 13.0, 500.0, channels=list(channels), start_date=START, creation_date=START)
    Inventory([Network("XA", stations=[station])]).write(str(path), "STATIONXML")
    return path


def channel(code="HHZ", start=START, end=None, latitude=46.0):
    return Channel(code, "", latitude, 13.0, 500.0, 0.0, 0.0, -90.0, sample_rate=100.0, start_date=start, end_date=end)


def test_moved_sensors_have_sites_that_mspass_matches(db, mspass_db, tmp_path):
    moved = [channel(end=MOVED, latitude=46.1), channel(start=MOVED)]
    path = station_file(tmp_path / "stations.xml", *moved)
    first = ingest_stations(db, mspass_db, [path])
    assert (first.sites, first.channels, first.new) == (2, 2, 4)
    for time, latitude in ((MOVED.timestamp - 10, 46.1), (MOVED.timestamp + 10, 46.0)):
        assert mspass_db.get_seed_site("XA", "S01", loc="", time=time)["lat"] == latitude
        assert read_places(db).at("XA", "S01", time).latitude == latitude
    station_file(path, *moved, channel("HHN", start=MOVED))
    more = ingest_stations(db, mspass_db, [path])
    assert (more.new, more.changed, more.unchanged) == (1, 0, 4)
    assert db.site.count_documents({}) == 2


def test_overlapping_epochs_are_said_at_ingest(db, mspass_db, tmp_path):
    path = station_file(tmp_path / "stations.xml", channel(end=MOVED + 86400), channel(start=MOVED, latitude=46.001))
    summary = ingest_stations(db, mspass_db, [path])
    (line,) = [line for line in summary.problems if "two epochs are valid" in line]
    assert "XA.S01..HHZ" in line and "from 2015-06-01" in line and "to 2015-06-02" in line and "differ in" in line


def test_stations_are_removed_by_pattern(db, mspass_db, cli, tmp_path):
    named = "network,station,latitude,longitude,elevation_m\n"
    named += "OX,BAD,46.2,13.2,590\nXX,BAD,47.5,13.2,590\nXX,BOO,46.3,13.1,4\n,LOST,46,13,1\n"
    ingest_stations(db, mspass_db, [write(tmp_path / "stations.csv", named)])
    done = cli("remove", "station", "XX.*", "--dry-run", "--json")
    assert json.loads(done.out)["removed"] == {"site": 2, "channel": 0}
    assert len(codes(db)) == 4
    done = cli("remove", "station", "XX.*", ".LOST", "--yes")
    assert done.code == 0 and codes(db) == ["OX.BAD"]
    done = cli("remove", "station", "ZZ.*", "--yes")
    assert done.code == 2 and "no station 'ZZ.*'" in done.err


def test_a_code_in_several_networks_is_that_with_data(db):
    site = {"sta": "BAD", "loc": "", "lat": 46.0, "lon": 13.0, "elev": 0.0, "starttime": 0.0, "endtime": 4e9}
    db.site.insert_many([site | {"net": net} for net in ("", "OX", "IV")])
    assert StationNetworks(db).only("BAD") == ""
    db.wf_miniseed.insert_one({"net": "IV", "sta": "BAD"}, bypass_document_validation=True)
    assert StationNetworks(db).only("BAD") == "IV"
    assert StationNetworks(db).named({"net": "", "sta": "BAD"})["net"] == "IV"
    assert StationNetworks(db).named({"net": "OX", "sta": "BAD"})["net"] == "OX"


def test_a_bulletin_is_linked_once_its_stations_are_known(db, mspass_db, tmp_path):
    events = write(
        tmp_path / "events.csv", "event_id,time,latitude,longitude,depth_km\n1,2024-03-27T01:00:00,46,13,8\n"
    )
    picks = write(tmp_path / "picks.csv", "event_id,station,phase,time\n1,BAD,P,2024-03-27T01:00:05\n")
    assert ingest_catalog(db, [events, picks], "people")["changed"]
    assert db.pick.distinct("net") == [""]
    ingest_stations(db, mspass_db, [write(tmp_path / "stations.csv", TABLE)], default_network="OX")
    assert ingest_catalog(db, [events, picks], "people")["changed"]
    assert db.pick.distinct("net") == ["OX"]
    used = db.event.find_one()["origins"][0]["arrivals"][0]["pick_id"]
    assert db.pick.find_one({"_id": used})["net"] == "OX"
    assert not ingest_catalog(db, [events, picks], "people")["changed"]
