"""Station files: StationXML and csv in the forms that people have them."""

from __future__ import annotations

import math
from pathlib import Path

import obspy
import pytest
from obspy.core.inventory import Channel, Inventory, Network, Station

from catalogdb.errors import InputError
from catalogdb.schema import collections
from catalogdb.stations.documents import channel_documents, site_documents
from catalogdb.stations.epochs import OPEN_END
from catalogdb.stations.read import read_stations
from catalogdb.stations.response import response_document

OBSPY_XML = Path(obspy.__file__).parent / "io" / "stationxml" / "tests" / "data"
START = obspy.UTCDateTime(2016, 1, 1)


def read_csv(tmp_path, text, **options):
    path = tmp_path / "stations.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_stations(path, **options)


def places(metadata):
    return [
        (row["net"], row["sta"], row["lat"], row["lon"], row["elev"]) for row in site_documents(metadata.inventory, "x")
    ]


BAD = ("OX", "BAD", 46.234, 13.2438, 0.59)


@pytest.mark.parametrize(
    "text",
    [
        "network,station,latitude,longitude,elevation_m\nOX,BAD,46.234,13.2438,590\n",
        "net,sta,lat,lon,elev\nOX,BAD,46.234,13.2438,590",
        "station,network,loc,latitude,longitude,elevation,used\nBAD,OX,00,46.234,13.2438,590,True\n",
        "id,longitude,latitude,elevation\nOX.BAD.,13.2438,46.234,590\n",
        "code;net;lat;lon;elevation_m\r\nBAD;OX;46,234;13,2438;590\r\n",
        "\ufeffNetwork, Station, Latitude, Longitude, Elevation\r\nOX, BAD, 46.234, 13.2438, 590\r\n",
        "net,sta,lat,lon,elevation_km\nOX,BAD,46.234,13.2438,0.59\n",
        "Network,Station,Latitude (deg),Longitude (deg),Elevation (m)\nOX,BAD,46.234,13.2438,590\n",
        '"net","sta","lat","lon","elev"\n\n"OX","BAD","46.234","13.2438","590"\n\n',
        "net\tsta\tlat\tlon\telev\nOX\tBAD\t46.234\t13.2438\t590\n",
    ],
)
def test_csv_headers(tmp_path, text):
    metadata = read_csv(tmp_path, text)
    assert [row[:2] for row in places(metadata)] == [BAD[:2]]
    assert [row[2:] for row in places(metadata)] == [pytest.approx(BAD[2:])]
    assert metadata.rejected == [] and channel_documents(metadata.inventory, "x") == []


def test_csv_without_networks(tmp_path):
    text = "station,latitude,longitude,elevation_m\nBAD,46.234,13.2438,590\n"
    assert places(read_csv(tmp_path, text))[0][0] == ""
    assert places(read_csv(tmp_path, text, default_network="OX"))[0][0] == "OX"


def test_csv_rows_are_rejected_by_line(tmp_path):
    rows = [
        "BAD,46.2,13.2,1",
        "BOO,,,",
        "LAT,91,13,1",
        "LON,46,361,1",
        "TXT,north,13,1",
        "NUL,0,0,1",
        ",46,13,1",
        "BAD,46.2,13.2,1",
        "BAD,47,13.2,1",
    ]
    metadata = read_csv(tmp_path, "sta,lat,lon,elev\n" + "\n".join(rows) + "\n")
    assert [row[1] for row in places(metadata)] == ["BAD"]
    reasons = [
        "no coordinates",
        "latitude 91",
        "longitude 361",
        "is no number",
        "0, 0",
        "no station code",
        "already in line 2",
    ]
    lines = [3, 4, 5, 6, 7, 8, 10]
    assert len(metadata.rejected) == len(reasons)
    for line, reason, text in zip(lines, reasons, metadata.rejected, strict=True):
        assert f"stations.csv: line {line}: " in text and reason in text


def test_csv_without_elevation_is_said_aloud(tmp_path):
    metadata = read_csv(tmp_path, "sta,lat,lon\nBAD,46.2,13.2\n")
    assert places(metadata)[0][4] == 0.0
    assert "line 2: BAD: no elevation" in metadata.warnings[0]


def test_csv_without_the_columns_wanted(tmp_path):
    with pytest.raises(InputError) as caught:
        read_csv(tmp_path, "name,latitude,elevation\nBAD,46.2,590\n")
    message = str(caught.value)
    assert "stations.csv" in message and "name, latitude, elevation" in message
    assert "sta: network" not in message and "station or sta" in message and "longitude or lon" in message


def test_longitudes_beyond_180_are_turned(tmp_path):
    assert places(read_csv(tmp_path, "sta,lat,lon,elev\nBAD,46.2,190,0\n"))[0][3] == -170.0


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"<FDSNStationXML><broken", "not valid StationXML"),
        (b"<?xml version='1.0'?><quakeml/>", "not StationXML"),
        (bytes(range(256)) * 4, "neither StationXML nor text"),
    ],
)
def test_files_that_are_not_usable(tmp_path, content, reason):
    path = tmp_path / "stations.xml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=reason) as caught:
        read_stations(path)
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        read_stations(tmp_path / "nowhere.xml")


def station(channels, start=START, latitude=46.234):
    return Station("BAD", latitude, 13.2438, 590.0, channels=channels, start_date=start, creation_date=start)


def channel(code="HHZ", start=START, end=None, **changes):
    values = {
        "latitude": 46.234,
        "longitude": 13.2438,
        "elevation": 590.0,
        "depth": 2.0,
        "sample_rate": 100.0,
        **changes,
    }
    return Channel(code, "", start_date=start, end_date=end, **values)


def read_back(tmp_path, *stations):
    path = tmp_path / "bad.xml"
    Inventory([Network("OX", stations=list(stations))]).write(str(path), "STATIONXML")
    return read_stations(path)


def test_a_station_repeated_for_each_channel_is_one(tmp_path):
    metadata = read_back(tmp_path, *(station([channel(code)]) for code in ("HHZ", "HHN", "HHE", "HHZ")))
    assert len(site_documents(metadata.inventory, "x")) == 1
    assert [row["chan"] for row in channel_documents(metadata.inventory, "x")] == ["HHZ", "HHN", "HHE"]
    assert metadata.rejected == []


def test_two_versions_of_one_epoch(tmp_path):
    metadata = read_back(tmp_path, station([channel()]), station([channel(elevation=100.0)]))
    assert [row["elev"] for row in channel_documents(metadata.inventory, "x")] == [0.59]
    assert "OX.BAD..HHZ" in metadata.rejected[0] and "different metadata" in metadata.rejected[0]


def test_epochs_are_kept(tmp_path):
    moved = obspy.UTCDateTime(2020, 1, 1)
    metadata = read_back(tmp_path, station([channel(end=moved), channel(start=moved)]), station([], start=moved))
    epochs = [(row["starttime"], row["endtime"]) for row in channel_documents(metadata.inventory, "x")]
    assert epochs == [(START.timestamp, moved.timestamp), (moved.timestamp, OPEN_END)]
    assert [row["starttime"] for row in site_documents(metadata.inventory, "x")] == [START.timestamp, moved.timestamp]


def test_orientation_is_never_made_up(tmp_path):
    metadata = read_back(
        tmp_path,
        station([channel("HHZ", azimuth=0.0, dip=-90.0), channel("HH1", dip=0.0), channel("HH2", azimuth=90.0)]),
    )
    vertical, first, second = channel_documents(metadata.inventory, "x")
    assert (vertical["hang"], vertical["vang"], vertical["edepth"]) == (0.0, 0.0, 0.002)
    assert "hang" not in first and first["vang"] == 90.0
    assert second["hang"] == 90.0 and "vang" not in second


def test_a_channel_without_coordinates_is_rejected_alone():
    metadata = read_stations(OBSPY_XML / "channel_without_coordinates.xml")
    assert (
        len(metadata.rejected) == 1
        and "BHZ" in metadata.rejected[0]
        and "channel_without_coordinates.xml" in metadata.rejected[0]
    )
    assert len(site_documents(metadata.inventory, "x")) == 1


def test_the_response_in_plain_numbers():
    metadata = read_stations(OBSPY_XML / "IRIS_single_channel_with_response.xml")
    response = response_document(metadata.inventory[0][0][0])
    assert (response["input_units"], response["sensitivity_frequency"]) == ("M/S", 0.02)
    assert response["sensitivity"] == pytest.approx(3.31283e10)
    # the poles and zeros with A0 give gain 1 at the frequency of normalisation, whatever unit the file has them in
    omega = 2j * math.pi * 0.02
    numerator = math.prod(abs(omega - complex(*zero)) for zero in response["zeros"])
    denominator = math.prod(abs(omega - complex(*pole)) for pole in response["poles"])
    assert response["normalization_factor"] * numerator / denominator == pytest.approx(1, rel=1e-3)
    assert response_document(channel()) is None


@pytest.mark.parametrize("path", sorted(OBSPY_XML.glob("*.xml")), ids=lambda path: path.name)
def test_documents_have_the_schema_s_fields(path):
    metadata = read_stations(path)
    schemas = collections()
    for name, documents in (
        ("site", site_documents(metadata.inventory, "x")),
        ("channel", channel_documents(metadata.inventory, "x")),
    ):
        for document in documents:
            assert set(document) <= set(schemas[name].fields)
            assert all(
                key in document for key, field in schemas[name].fields.items() if field.required and key != "_id"
            )
            assert not any(value is None for value in document.values())


def test_all_real_station_files(realdata):
    expected = {"chile_pyocto": 20, "hengill_2018": 20, "ogs_2024_h1": 92, "oklahoma_2013": 7, "ridgecrest_2019": 4}
    found = {folder: places(read_stations(realdata / folder / "stations.csv")) for folder in expected}
    assert {folder: len(stations) for folder, stations in found.items()} == expected
    assert found["chile_pyocto"][0] == ("CX", "PB01", -21.04323, -69.4874, 0.9)
    assert len(read_stations(realdata / "ogs_2024_h1" / "stations.csv").rejected) == 14
    assert len(site_documents(read_stations(realdata / "oklahoma_2013" / "stations_all.csv").inventory, "x")) == 214


def test_dashes_are_an_empty_location(tmp_path):
    channels = [
        Channel(code, location, 46.0, 13.0, 100.0, 0.0, start_date=START)
        for code, location in (("HHZ", "--"), ("HHN", ""), ("HHE", "00"))
    ]
    station = Station("BAD", 46.0, 13.0, 100.0, channels=channels, creation_date=START, start_date=START)
    path = tmp_path / "stations.xml"
    Inventory(networks=[Network("OX", stations=[station])]).write(str(path), format="STATIONXML")
    metadata = read_stations(path)
    assert {row["chan"]: row["loc"] for row in channel_documents(metadata.inventory, "x")} == {
        "HHZ": "",
        "HHN": "",
        "HHE": "00",
    }
    assert sorted(row["loc"] for row in site_documents(metadata.inventory, "x")) == ["", "00"]
