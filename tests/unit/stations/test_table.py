"""Tables of stations: epochs, location codes, depths, fdsnws-station text, bounds, and columns that are not used."""

import pytest

from catalogdb.stations.documents import channel_documents, site_documents
from catalogdb.stations.epochs import OPEN_END, parse_time
from catalogdb.stations.places import StationPlaces
from catalogdb.stations.read import read_stations

SINCE_2015 = 1433116800.0


def read(tmp_path, text):
    path = tmp_path / "stations.csv"
    path.write_text(text)
    return read_stations(path)


@pytest.mark.parametrize(
    ("start", "end"),
    [("starttime", "endtime"), ("StartTime", "EndTime"), ("START", "END"), ("start_date", "end_date")],
)
def test_epochs_of_a_table_count(tmp_path, start, end):
    rows = "XA,S01,46.1,13,500,2005-01-01,2015-06-01T00:00:00\nXA,S01,46.13,13,650,2015-06-01,\n"
    metadata = read(tmp_path, f"network,station,latitude,longitude,elevation,{start},{end}\n{rows}")
    sites = site_documents(metadata.inventory, "x")
    assert [row["endtime"] for row in sites] == [SINCE_2015, OPEN_END]
    assert StationPlaces(sites).at("XA", "S01", 1.7e9).latitude == 46.13
    assert metadata.rejected == metadata.notes == []


def test_locations_and_depths_of_a_table_count(tmp_path):
    text = (
        "network,station,location,latitude,longitude,elevation,depth\nXX,AAA,00,45,10,100,0\nXX,AAA,10,45,10,-50,150\n"
    )
    rows = site_documents(read(tmp_path, text).inventory, "x")
    assert [(row["loc"], row["elev"], row["edepth"]) for row in rows] == [("00", 0.1, 0.0), ("10", -0.05, 0.15)]


def test_ids_of_a_table_keep_their_location_codes(tmp_path):
    lines = ("K9.B.00,46.1,13,100", "K9.B.10,46.2,13,200", "K9.C.--,46.3,13,300", "K9.D.é,46.3,13,300")
    metadata = read(tmp_path, "id,latitude,longitude,elevation\n" + "\n".join(lines))
    rows = site_documents(metadata.inventory, "x")
    assert [(row["sta"], row["loc"], row["lat"]) for row in rows] == [
        ("B", "00", 46.1), ("B", "10", 46.2), ("C", "", 46.3),
    ]  # fmt: skip
    assert metadata.rejected == [f"{tmp_path}/stations.csv: line 5: D: 'é' is no location code"]


def test_the_location_of_a_column_comes_before_that_of_an_id(tmp_path):
    text = "id,location,latitude,longitude,elevation\nK9.B.00,20,46.1,13,100\nK9.C.00,,46.1,13,100\n"
    rows = site_documents(read(tmp_path, text).inventory, "x")
    assert [(row["sta"], row["loc"]) for row in rows] == [("B", "20"), ("C", "00")]


def test_channel_codes_of_ids_are_said_to_be_unused(tmp_path):
    rows = "OX.A.00.HHZ,,46.1,13,100\nOX.B..HH,,46.2,13,200\nOX.C.00.HHZ,HHZ,46.3,13,300\nOX.D.00.HHZ.D,,46.4,13,400\n"
    metadata = read(tmp_path, "id,channel,latitude,longitude,elevation\n" + rows)
    assert [row["sta"] for row in site_documents(metadata.inventory, "x")] == ["A", "B", "C"]
    assert [row["chan"] for row in channel_documents(metadata.inventory, "x")] == ["HHZ"]
    (note,) = metadata.notes
    assert "channel codes of 2 ids such as OX.A.00.HHZ are not used" in note
    assert metadata.rejected == [f"{tmp_path}/stations.csv: line 5: D: 'OX.D.00.HHZ.D' is no id NET.STA.LOC.CHAN"]


def test_names_of_places_are_no_location_codes(tmp_path):
    metadata = read(tmp_path, "network,station,location,latitude,longitude,elevation\nXX,AAA,Trieste,45,10,100\n")
    assert [row["loc"] for row in site_documents(metadata.inventory, "x")] == [""]
    assert metadata.notes == [f"{tmp_path}/stations.csv: columns not used: location"]


FDSN_STATIONS = """#Network | Station | Latitude | Longitude | Elevation | SiteName | StartTime | EndTime
XA|S01|46.1|13.0|500.0|The "first", site|2005-01-01T00:00:00|2015-06-01T00:00:00
XA|S01|46.13|13.05|650.0|Second site|2015-06-01T00:00:00|2599-12-31T23:59:59
"""
FDSN_CHANNELS = """#Network|Station|Location|Channel|Latitude|Longitude|Elevation|Depth|Azimuth|Dip|SensorDescription|\
Scale|ScaleFreq|ScaleUnits|SampleRate|StartTime|EndTime
XA|S01|00|HHZ|46.1|13.0|500.0|0.0|0.0|-90.0|Sensor|1500000000.0|1.0|M/S|100.0|2005-01-01T00:00:00|2015-06-01T00:00:00
XA|S01|00|HHZ|46.13|13.05|650.0|2.0|0.0|-90.0|Sensor|1600000000.0|1.0|M/S|100.0|2015-06-01T00:00:00|
"""


@pytest.mark.parametrize("text", [FDSN_STATIONS, FDSN_STATIONS.partition("\n")[2], FDSN_CHANNELS])
def test_fdsn_text_is_read_with_its_epochs(tmp_path, text):
    metadata = read(tmp_path, text)
    sites = site_documents(metadata.inventory, "x")
    found = [(row["lat"], row["elev"], row["endtime"]) for row in sites]
    assert found == [(46.1, 0.5, SINCE_2015), (46.13, 0.65, OPEN_END)]
    assert metadata.rejected == metadata.notes == metadata.warnings == []


def test_fdsn_text_of_channels_has_orientation_and_response(tmp_path):
    rows = channel_documents(read(tmp_path, FDSN_CHANNELS).inventory, "x")
    assert [row["response"]["sensitivity"] for row in rows] == [1.5e9, 1.6e9]
    assert (rows[1]["vang"], rows[1]["edepth"], rows[1]["sampling_rate"]) == (0.0, 0.002, 100.0)


def test_fdsn_text_of_networks_says_what_to_ask_for(tmp_path):
    header = "#Network | Description | StartTime | EndTime | TotalStations"
    metadata = read(tmp_path, f"{header}\nXA|A network|2005-01-01T00:00:00||12\n")
    assert list(metadata.inventory) == [] and "level=station" in metadata.notes[0]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("45,10,inf,,", "elevation inf"),
        ("45,10,-20000,,", "elevation -20000"),
        ("45,10,1e7,,", "elevation 1e+07"),
        ("45,10,1,2020-01-01,2019-01-01", "ends"),
        ("45,10,1,soon,", "start 'soon' is no date"),
        ("45,10,1,,,7", "7 cells"),
    ],
)
def test_values_out_of_bounds_are_rejected_by_line(tmp_path, row, reason):
    metadata = read(tmp_path, f"station,latitude,longitude,elevation,start,end\nAAA,{row}\nBBB,45,10,100,,\n")
    assert [row["sta"] for row in site_documents(metadata.inventory, "x")] == ["BBB"]
    assert len(metadata.rejected) == 1 and "line 2: AAA: " in metadata.rejected[0] and reason in metadata.rejected[0]


def test_kilometres_in_a_column_of_metres_are_said(tmp_path):
    metadata = read(tmp_path, "station,latitude,longitude,elevation_m\nBAD,46.2,13.2,0.59\nBOO,46.3,13.1,0.44\n")
    assert "name the column elevation_km" in metadata.warnings[0]
    assert read(tmp_path, "station,latitude,longitude,elevation_m\nA,46,13,590.5\nB,46,13,0.4\n").warnings == []


@pytest.mark.parametrize(
    "text", ["2015-06-01", "2015/06/01", "20150601", "2015,152", "1433116800", "2015-06-01T00:00Z"]
)
def test_dates_as_people_write_them(text):
    assert parse_time(text).timestamp == SINCE_2015


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("1433116800000", "milliseconds"),
        ("1433116800000.0", "milliseconds"),
        ("1433116800000000", "microseconds"),
        ("1433116800000000000", "nanoseconds"),
        ("1.4331168e9", "seconds"),
    ],
)
def test_a_number_for_a_date_says_what_it_looks_like(text, unit):
    with pytest.raises(ValueError, match=f"{text}' is no date: it looks like {unit} since 1970; write 2015-06-01T00"):
        parse_time(text)


def test_milliseconds_are_not_taken_for_a_compact_date():
    with pytest.raises(ValueError, match="milliseconds since 1970; write 2027-01-"):
        parse_time("1801010112345")
