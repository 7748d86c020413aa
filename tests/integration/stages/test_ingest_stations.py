"""Station files into `site` and `channel`, through MsPASS, on a real mongod."""

from __future__ import annotations

import math
from pathlib import Path

import obspy
import pytest
from obspy.core.inventory import Channel, Inventory, Network, Station
from obspy.core.inventory.response import InstrumentSensitivity, PolesZerosResponseStage, Response, ResponseStage

from catalogdb.errors import InputError
from catalogdb.stages.ingest_stations import PICKLED, ingest_stations

OBSPY_XML = Path(obspy.__file__).parent / "io" / "stationxml" / "tests" / "data"
START = obspy.UTCDateTime(2016, 1, 1)


def a_channel(code="HHZ", location="", start=START, end=None, azimuth=0.0, dip=-90.0, latitude=46.234, elevation=590.0):
    return Channel(
        code,
        location,
        latitude,
        13.2438,
        elevation,
        0.0,
        azimuth=azimuth,
        dip=dip,
        sample_rate=100.0,
        start_date=start,
        end_date=end,
    )


def write_station(path, channels, end=None):
    station = Station(
        "BAD", 46.234, 13.2438, 590.0, channels=channels, start_date=START, end_date=end, creation_date=START
    )
    Inventory([Network("OX", stations=[station])]).write(str(path), "STATIONXML")
    return path


def contents(db):
    return [list(db[name].find().sort("_id")) for name in ("site", "channel")]


def test_units_are_those_of_mspass(db, mspass_db, tmp_path):
    path = write_station(tmp_path / "bad.xml", [a_channel(), a_channel("HHN", dip=0.0)])
    summary = ingest_stations(db, mspass_db, [path])
    site, channel = db.site.find_one(), db.channel.find_one({"chan": "HHZ"})
    assert (summary.sites, summary.channels, summary.new) == (1, 2, 3)
    assert site["elev"] == channel["elev"] == pytest.approx(0.59)
    assert (site["site_id"], channel["chan_id"]) == (site["_id"], channel["_id"])
    assert site["location"] == {"type": "Point", "coordinates": [13.2438, 46.234]}
    assert (channel["hang"], channel["vang"], channel["sampling_rate"]) == (0.0, 0.0, 100.0)
    assert db.channel.find_one({"chan": "HHN"})["vang"] == 90.0
    assert channel["source"] == site["source"] == "bad.xml"


def test_unknown_orientation_is_absent(db, mspass_db, tmp_path):
    ingest_stations(db, mspass_db, [write_station(tmp_path / "bad.xml", [a_channel("HH1", azimuth=None, dip=None)])])
    channel = db.channel.find_one()
    assert "hang" not in channel and "vang" not in channel


def test_no_pickle_and_a_plain_response(db, mspass_db):
    ingest_stations(db, mspass_db, [OBSPY_XML / "IRIS_single_channel_with_response.xml"])
    channel = db.channel.find_one()
    assert PICKLED not in channel
    assert channel["response"]["sensitivity"] == pytest.approx(3.31283e10)
    assert not any(isinstance(value, bytes) for value in channel.values())
    assert all(math.isfinite(number) for pole in channel["response"]["poles"] for number in pole)


def test_channels_stay_with_their_location(db, mspass_db, tmp_path):
    channels = [a_channel(location="00"), a_channel("HNZ", location="10", elevation=580.0)]
    ingest_stations(db, mspass_db, [write_station(tmp_path / "bad.xml", channels)])
    assert {(row["loc"], row["chan"], row["elev"]) for row in db.channel.find()} == {
        ("00", "HHZ", 0.59),
        ("10", "HNZ", 0.58),
    }
    assert sorted(row["loc"] for row in db.site.find()) == ["00", "10"]


def test_each_epoch_keeps_its_own_place(db, mspass_db, tmp_path):
    moved = obspy.UTCDateTime(2020, 1, 1)
    channels = [a_channel(end=moved), a_channel(start=moved, latitude=46.3)]
    ingest_stations(db, mspass_db, [write_station(tmp_path / "bad.xml", channels)])
    rows = list(db.channel.find().sort("starttime"))
    assert [(row["lat"], row["endtime"]) for row in rows] == [(46.234, moved.timestamp), (46.3, 2556144000.0)]


def test_a_second_run_changes_nothing(db, mspass_db, tmp_path):
    paths = [
        write_station(
            tmp_path / "bad.xml", [a_channel(), a_channel("HH1", azimuth=None, dip=0.0), a_channel(location="10")]
        ),
        OBSPY_XML / "IRIS_single_channel_with_response.xml",
        OBSPY_XML / "full_random_stationxml.xml",
    ]
    first = ingest_stations(db, mspass_db, paths)
    before = contents(db)
    again = ingest_stations(db, mspass_db, paths)
    assert first.new == len(before[0]) + len(before[1]) == first.sites + first.channels
    assert (again.new, again.changed, again.removed, again.unchanged) == (0, 0, 0, first.new)
    assert contents(db) == before


def test_changed_metadata_replace_the_row(db, mspass_db, tmp_path):
    ingest_stations(db, mspass_db, [write_station(tmp_path / "bad.xml", [a_channel(), a_channel("HHN", dip=0.0)])])
    ids = {row["chan"]: row["_id"] for row in db.channel.find()}
    end = obspy.UTCDateTime(2024, 1, 1)
    summary = ingest_stations(
        db,
        mspass_db,
        [write_station(tmp_path / "bad.xml", [a_channel(end=end), a_channel("HHN", dip=0.0, latitude=46.3)])],
    )
    assert (summary.new, summary.changed, summary.unchanged) == (0, 2, 1)
    assert {row["chan"]: row["_id"] for row in db.channel.find()} == ids
    assert db.channel.find_one({"chan": "HHZ"})["endtime"] == end.timestamp
    assert db.channel.find_one({"chan": "HHN"})["lat"] == 46.3


def test_an_epoch_that_its_file_dropped_goes(db, mspass_db, tmp_path):
    ingest_stations(db, mspass_db, [write_station(tmp_path / "bad.xml", [a_channel()])])
    later = START + 86400
    summary = ingest_stations(db, mspass_db, [write_station(tmp_path / "bad.xml", [a_channel(start=later)])])
    assert (summary.new, summary.removed) == (1, 1)
    assert [row["starttime"] for row in db.channel.find()] == [later.timestamp]


def test_csv_stations_are_sites_only(db, mspass_db, tmp_path):
    path = tmp_path / "stations.csv"
    path.write_text("station,latitude,longitude,elevation_m\nBAD,46.234,13.2438,590\nNOWHERE,,,\n")
    summary = ingest_stations(db, mspass_db, [path], default_network="OX")
    assert (summary.sites, summary.channels, summary.new, summary.rejected) == (1, 0, 1, 1)
    assert db.site.find_one()["elev"] == pytest.approx(0.59)
    assert (db.site.find_one()["net"], db.channel.count_documents({})) == ("OX", 0)
    assert "line 3" in summary.problems[0]
    before = contents(db)
    assert ingest_stations(db, mspass_db, [path], default_network="OX").unchanged == 1
    assert contents(db) == before


def test_a_bad_file_stops_nothing_else(db, mspass_db, tmp_path):
    bad = tmp_path / "a.xml"
    bad.write_text("<FDSNStationXML><broken")
    good = write_station(tmp_path / "b.xml", [a_channel()])
    summary = ingest_stations(db, mspass_db, [tmp_path])
    assert (summary.files, summary.unreadable, summary.new) == (1, 1, 2)
    assert str(bad) in summary.problems[0]
    assert good.exists()
    with pytest.raises(InputError, match="no usable station file"):
        ingest_stations(db, mspass_db, [bad])
    with pytest.raises(InputError, match="no such file"):
        ingest_stations(db, mspass_db, [tmp_path / "nowhere.xml"])


def test_the_first_file_wins(db, mspass_db, tmp_path):
    one = write_station(tmp_path / "one.xml", [a_channel()])
    two = write_station(tmp_path / "two.xml", [a_channel(latitude=46.3)])
    summary = ingest_stations(db, mspass_db, [one, two])
    assert db.channel.find_one()["lat"] == 46.234
    assert any("two.xml" in problem and "differs from one.xml" in problem for problem in summary.problems)


def test_mspass_matches_our_rows(db, mspass_db, tmp_path):
    ingest_stations(db, mspass_db, [write_station(tmp_path / "bad.xml", [a_channel(location="00")])])
    found = mspass_db.get_seed_channel("OX", "BAD", "HHZ", loc="00", time=START.timestamp + 1)
    assert (found["chan"], found["elev"]) == ("HHZ", 0.59)
    assert mspass_db.get_seed_site("OX", "BAD", loc="00", time=START.timestamp + 1)["lat"] == 46.234


def test_real_station_files(db, mspass_db, realdata):
    summary = ingest_stations(
        db, mspass_db, [realdata / "ridgecrest_2019" / "stations.xml", realdata / "hengill_2018" / "stations.csv"]
    )
    assert (summary.sites, summary.channels, summary.rejected) == (24, 12, 0)
    assert db.channel.count_documents({"hang": {"$exists": True}}) == 4


def with_response(channel, gain=1500.0, sensitivity=6e8, unit="M/S"):
    sensor = PolesZerosResponseStage(
        1, gain, 1.0, unit, "V", "LAPLACE (RADIANS/SECOND)", 1.0, [0j, 0j], [-0.037 + 0.037j, -0.037 - 0.037j]
    )
    sensor.normalization_factor = 1.0
    stages = [sensor, ResponseStage(2, 4e5, 1.0, "V", "COUNTS")]
    total = InstrumentSensitivity(sensitivity, 1.0, unit, "COUNTS") if sensitivity else None
    channel.response = Response(instrument_sensitivity=total, response_stages=stages)
    return channel


def test_responses_that_are_odd_are_said(db, mspass_db, tmp_path):
    channels = [with_response(a_channel(code), sensitivity=None) for code in ("HHE", "HHN")]
    channels += [with_response(a_channel("HDF"), unit="PA"), with_response(a_channel("HHZ"))]
    path = write_station(tmp_path / "bad.xml", channels)
    summary = ingest_stations(db, mspass_db, [path])
    assert summary.problems == [
        f"{path}: OX.BAD..HHE, OX.BAD..HHN: response: no InstrumentSensitivity: the product of the stage gains, "
        "6e+08 at 1 Hz, is used",
        f"{path}: OX.BAD..HDF: response: no magnitudes from it: input units PA of InstrumentSensitivity are not of "
        "ground motion",
    ]
    assert db.channel.find_one({"chan": "HHE"})["response"]["sensitivity"] == pytest.approx(6e8)
    assert "unusable" in db.channel.find_one({"chan": "HDF"})["response"]


def test_epochs_that_overlap_are_said_also_of_two_files(db, mspass_db, tmp_path):
    later = obspy.UTCDateTime(2018, 1, 1)
    first = [with_response(a_channel(code)) for code in ("HHE", "HHN")]
    second = [with_response(a_channel(code, start=later), sensitivity=2.4e8, gain=600.0) for code in ("HHE", "HHN")]
    said = (
        "OX.BAD..HHE, OX.BAD..HHN: channel: two epochs are valid from 2018-01-01T00:00:00 to now and differ in "
        "response (sensitivity 6e+08 and 2.4e+08: ML differs by 0.40); the one that starts later is used"
    )
    one = write_station(tmp_path / "one.xml", first)
    assert ingest_stations(db, mspass_db, [one]).problems == []
    assert said in ingest_stations(db, mspass_db, [write_station(tmp_path / "two.xml", second)]).problems
