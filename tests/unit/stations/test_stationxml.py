"""StationXML with bad values: each costs its own channel and is named, whatever element or attribute it stands in."""

import gzip

import pytest

from catalogdb.errors import InputError
from catalogdb.stations.documents import channel_documents, site_documents
from catalogdb.stations.read import read_stations

PLACE = "<Latitude>46</Latitude><Longitude>13</Longitude><Elevation>500</Elevation>"
CHANNEL = (
    '<Channel code="HHZ" locationCode="" startDate="2020-01-01T00:00:00Z">' + PLACE + "<Depth>0</Depth>"
    "<Azimuth>0</Azimuth><Dip>-90</Dip><SampleRate>100</SampleRate></Channel>"
)
STATION = '<Station code="%s" startDate="2020-01-01">' + PLACE + "<Site><Name>x</Name></Site>%s</Station>"
HEAD = '<FDSNStationXML xmlns="http://www.fdsn.org/xml/station/1" schemaVersion="1.1">'


def document(*stations, head=HEAD):
    inside = f'<Source>x</Source><Created>2024-01-01</Created><Network code="XX">{"".join(stations)}</Network>'
    return f'<?xml version="1.0"?>{head}{inside}</FDSNStationXML>'


def read(tmp_path, text, name="stations.xml"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_stations(path)


def codes(metadata):
    return [(row["sta"], row["chan"]) for row in channel_documents(metadata.inventory, "x")]


GOOD = STATION % ("GOOD", CHANNEL)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<Azimuth>0<", "<Azimuth>361<"),
        ("<Azimuth>0<", "<Azimuth>north<"),
        ("<Dip>-90<", "<Dip>-91<"),
        ("<Latitude>46<", "<Latitude>91<"),
        ("<Latitude>46</Latitude>", ""),
        ("<Longitude>13<", "<Longitude>361<"),
        ("<Longitude>13<", "<Longitude>130<"),
        ("<Elevation>500<", "<Elevation>10000000<"),
        ("<Elevation>500<", "<Elevation>inf<"),
        ("<Depth>0<", "<Depth>1e9<"),
        ("<SampleRate>100<", "<SampleRate>-100<"),
        ("<SampleRate>100<", "<SampleRate>1e300<"),
        ('startDate="2020-01-01T00:00:00Z"', 'startDate="yesterday"'),
        ('startDate="2020-01-01T00:00:00Z"', 'startDate="2020-01-01" endDate="2019-01-01"'),
        ('startDate="2020-01-01T00:00:00Z"', 'startDate="0020-01-01"'),
        ('code="HHZ"', 'code=""'),
        ('code="HHZ" ', ""),
        ('locationCode=""', 'locationCode="a place"'),
    ],
)
def test_a_bad_value_costs_its_own_channel(tmp_path, old, new):
    bad = CHANNEL.replace(old, new)
    assert bad != CHANNEL
    other = CHANNEL.replace("HHZ", "HHN")
    metadata = read(tmp_path, document(GOOD, STATION % ("BAD", bad + other)))
    assert codes(metadata) == [("GOOD", "HHZ"), ("BAD", "HHN")]
    assert len(metadata.rejected) == 1 and "stations.xml: XX.BAD." in metadata.rejected[0]
    assert {row["lon"] for row in site_documents(metadata.inventory, "x")} == {13.0}


@pytest.mark.parametrize(
    "extra",
    ["<Sensor><Nonsense/></Sensor>", "<ClockDrift>none</ClockDrift>", "<Comment><Value/></Comment>", "<Own>1</Own>"],
)
def test_what_is_not_stored_can_be_wrong(tmp_path, extra):
    odd = CHANNEL.replace("<Azimuth>", extra + "<Azimuth>").replace("code=", 'restrictedStatus="maybe" code=')
    metadata = read(tmp_path, document(STATION % ("ODD", odd)))
    assert codes(metadata) == [("ODD", "HHZ")] and metadata.rejected == []


def test_a_response_that_cannot_be_read_costs_itself(tmp_path):
    bad = CHANNEL.replace("</Channel>", '<Response><Stage number="x"><StageGain/></Stage></Response></Channel>')
    metadata = read(tmp_path, document(GOOD, STATION % ("BAD", bad)))
    assert codes(metadata) == [("GOOD", "HHZ"), ("BAD", "HHZ")]
    assert any("XX.BAD..HHZ: its response can't be read" in line for line in metadata.warnings)


def test_a_bad_place_of_a_station_gives_way_to_its_channels(tmp_path):
    station = (STATION % ("BAD", CHANNEL)).replace("<Latitude>46<", "<Latitude>nonsense<", 1)
    metadata = read(tmp_path, document(station, (STATION % ("NONE", "")).replace("<Latitude>46<", "<Latitude>95<")))
    assert [(row["sta"], row["lat"]) for row in site_documents(metadata.inventory, "x")] == [("BAD", 46.0)]
    assert "XX.BAD" in metadata.warnings[0] and "XX.NONE: latitude 95" in metadata.rejected[0]


@pytest.mark.parametrize("namespace", ["http://www.fdsn.org/xml/station/2", "http://example.org", ""])
def test_other_namespaces_and_versions_are_read_and_said(tmp_path, namespace):
    head = f'<FDSNStationXML xmlns="{namespace}" schemaVersion="7">'
    metadata = read(tmp_path, document(GOOD, head=head))
    assert codes(metadata) == [("GOOD", "HHZ")]
    assert any("namespace" in line for line in metadata.warnings) and any("'7'" in line for line in metadata.warnings)


def test_an_epoch_under_two_station_epochs_keeps_both_parts(tmp_path):
    first = CHANNEL.replace('code="HHZ"', 'code="BHZ" endDate="2022-01-01"').replace("500<", "1700<")
    second = CHANNEL.replace('code="HHZ"', 'code="BHZ" endDate="2024-01-01"').replace("500<", "1743<")
    stations = [
        (STATION % ("OLD", first)).replace(
            'startDate="2020-01-01">', 'startDate="2020-01-01" endDate="2022-01-01">', 1
        ),
        (STATION % ("OLD", second)).replace('startDate="2020-01-01">', 'startDate="2022-01-01">', 1),
    ]
    metadata = read(tmp_path, document(*stations))
    rows = channel_documents(metadata.inventory, "x")
    assert [row["elev"] for row in rows] == [1.7, 1.743]
    assert rows[0]["endtime"] == rows[1]["starttime"] == 1640995200.0
    assert metadata.rejected == [] and "under two epochs of its station" in metadata.warnings[-1]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "latin-1"])
def test_encodings_read_the_same(tmp_path, encoding):
    text = document(GOOD.replace("<Name>x<", "<Name>Tržič<" if "utf" in encoding else "<Name>Forlì<"))
    assert codes(read(tmp_path, text.encode(encoding))) == [("GOOD", "HHZ")]
    assert codes(read(tmp_path, gzip.compress(text.encode(encoding)), "stations.xml.gz")) == [("GOOD", "HHZ")]


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE r SYSTEM "http://127.0.0.1:9/x.dtd">',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_declared_entities_are_refused(tmp_path, doctype, encoding):
    text = document(GOOD).replace(HEAD, doctype + HEAD)
    with pytest.raises(InputError, match="it declares (the XML entity|its document type elsewhere)"):
        read(tmp_path, text.encode(encoding))


def test_a_valid_file_without_stations(tmp_path):
    metadata = read(tmp_path, f"{HEAD}<Source>x</Source><Created>2024-01-01</Created></FDSNStationXML>")
    assert metadata.rejected == [] and "no station in it" in metadata.notes[0]


def test_longitudes_of_0_to_360_are_turned(tmp_path):
    east = (STATION % ("EAST", CHANNEL)).replace("<Longitude>13<", "<Longitude>181<")
    west = (STATION % ("WEST", CHANNEL)).replace("<Longitude>13<", "<Longitude>-179<", 1).replace("13<", "181<")
    metadata = read(tmp_path, document(east, west))
    assert [row["lon"] for row in site_documents(metadata.inventory, "x")] == [-179.0, -179.0]
    assert metadata.rejected == []
