"""Files that are no catalog of ours: what they are called, and whether the way out works."""

from pathlib import Path

import pytest

from catalogdb.errors import InputError
from catalogdb.exchange.catalog_files import read_catalog_files
from catalogdb.file_formats import FileFormat, identify, misplaced
from catalogdb.waveforms.errors import UnreadableWaveform
from catalogdb.waveforms.index import scan_miniseed

NORDIC = (
    " 2024  327 2359 54.9 L  46.310  12.750 10.0  TES  4 0.6 2.1LTES                1\n"
    " STAT SP IPHASW D HRMM SECON CODA AMPLIT PERI AZIMU VELO AIN AR TRES W  DIS CAZ7\n"
    " S01  HZ IP      2359 57.33                             101   -0.0810 16.7 238 \n\n"
)
HYPODD = "# 2024  3 27 23 59 54.90  46.3100  12.7500  10.00  2.1  0.20  0.30  0.10  100001\nS01   2.430  1.000   P\n"
SCML = (
    '<?xml version="1.0"?>\n<seiscomp xmlns="http://geofon.gfz-potsdam.de/ns/seiscomp3-schema/0.12" version="0.12">'
    '<EventParameters><origin publicID="Origin/1"><time><value>2024-03-27T23:59:54.9Z</value></time><latitude><value>'
    "46.31</value></latitude><longitude><value>12.75</value></longitude></origin><event publicID="
    '"x2024"><preferredOriginID>Origin/1</preferredOriginID><originReference>Origin/1</originReference></event>'
    "</EventParameters></seiscomp>"
)

NAMES = {
    "a NonLinLoc location": 'NLLOC "loc/x.hyp" "LOCATED" "Location completed."\nSIGNATURE "x"\n',
    "NonLinLoc phase observations": "S01    ?    ?    ? P      U 20240327 2359   57.3300 GAU  5.00e-02 -1.00e+00\n",
    "an IMS bulletin": "BEGIN IMS1.0\nMSG_TYPE DATA\n",
    "a GSE bulletin": "BEGIN GSE2.0\nMSG_TYPE DATA\n",
    "an ISF, IMS or GSE bulletin": "DATA_TYPE BULLETIN IMS1.0:short\nISC Bulletin\n",
    "a Nordic file (SEISAN)": NORDIC,
    "a PDE bulletin (mchedr)": "HY20120101000000000 42.685N 0.123W 14.0\n",
    "a PDE listing": " PDE  2012  04  04 142142.30  41.82   79.69   1 4.3 mb\n",
    "SeisComP XML": SCML,
    "a SeisComP inventory": "<seiscomp><Inventory></Inventory></seiscomp>",
    "StationXML": '<?xml version="1.0"?>\n<!-- a remark --><FDSNStationXML schemaVersion="1.1"></FDSNStationXML>',
    "GeoJSON": '{"type": "FeatureCollection", "features": []}',
    "JSON": '[{"time": 1}]',
    "hypoDD phases": HYPODD,
    "hypoDD differential times": "#  1  2  0.0\nS01  0.123 1.0 P\n",
    "a hypoDD event list": "20240327  23595490  46.3100  12.7500  10.000  2.1  0.20  0.30  0.10  100001\n",
    "a HypoInverse archive": "202403272359549046 1860 12E4500 1000  0  4 119 17   9  0\n",
    "an NDK catalog of moment tensors": "PDE  2005/01/01 01:20:05.4  13.78  -88.78 193.1 5.0 0.0 EL SALVADOR\n",
    "a CMTSOLUTION": " PDE 2005  1  1  1 20  5.40  13.78 -88.78 193.1 5.0 0.0 HERE\nevent name:     C200501010120A\n",
    "fdsnws-station text": "#Network | Station | Latitude | Longitude | Elevation | SiteName | StartTime | EndTime\n",
    "a table of stations": "station,latitude,longitude,elevation_m\nABC,46,13,500\n",
    "a list of station places, or another table without a header": "S01 46.1 13.0 500\nS02 46.2 13.1 600\n",
    "a web page": "<!DOCTYPE html>\n<html><body>Error 404</body></html>",
    "KML, drawings for a map": '<kml xmlns="x"><Document/></kml>',
    "XML with the root element gpx": "<gpx></gpx>",
    "GSE2 waveforms": "WID2 2005/08/31 02:33:49.850 RJOB      Z RJOB CM6    12000  200.0\n",
}
THROUGH_OBSPY = (
    *("a NonLinLoc location", "an IMS bulletin", "a GSE bulletin", "a Nordic file (SEISAN)"),
    *("a PDE bulletin (mchedr)", "SeisComP XML", "hypoDD phases", "an NDK catalog of moment tensors", "a CMTSOLUTION"),
)
BYTES = {
    "miniSEED": b"000001D ABC    HHZXX",
    "a SEED volume": b"000001V 010009302.3121970,001,00:00:00.0000~",
    "a SAC file": b"\x00" * 304 + b"\x06\x00\x00\x00" + b"\x00" * 324,
    "a PDF document": b"%PDF-1.7\n%\xe2\xe3",
    "an image": b"\x89PNG\r\n\x1a\n",
    "an HDF5 file": b"\x89HDF\r\n\x1a\n",
    "an SQLite database": b"SQLite format 3\x00",
    "an office document": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
}


@pytest.mark.parametrize(
    ("name", "content"),
    [(name, text.encode()) for name, text in NAMES.items()] + list(BYTES.items()),
    ids=[*NAMES, *BYTES],
)
@pytest.mark.parametrize("suffix", [".dat", ".xml", ".txt"])
def test_files_are_called_by_their_format(tmp_path, name, content, suffix):
    path = tmp_path / f"x{suffix}"
    path.write_bytes(content)
    if name in (*THROUGH_OBSPY, "GeoJSON", "a HypoInverse archive"):
        assert identify(content).name == name
        return
    with pytest.raises(InputError) as caught:
        read_catalog_files([path])
    is_tried = "ObsPy's reader of IMS10BULLETIN" in str(caught.value)  # which takes what says IMS1.0 anywhere
    assert (f"it is {name}" in str(caught.value) or is_tried) and caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "time,latitude,longitude\n2024-01-01T00:00:00,46,13\n",
        "station,phase,time,latitude,longitude\nABC,P,2024-01-01T00:00:00,46,13\n",
        "ABC iPC112402030405 1018        1250eS 2                      FLD       480   6 gg\n",
        '<?xml version="1.0"?>\n<q:quakeml xmlns:q="http://quakeml.org/xmlns/quakeml/1.2"/>',
        "",
    ],
)
def test_what_is_read_here_is_called_nothing(text):
    assert identify(text.encode()) is None
    assert identify(b"\xef\xbb\xbf" + text.encode()) is None


@pytest.mark.parametrize(("name", "text"), [("n.out", NORDIC), ("p h.pha", HYPODD), ("it's.xml", SCML)])
def test_what_obspy_knows_is_read_through_it(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    assert [round(event["latitude"], 2) for event in read_catalog_files([path]).events] == [46.31]


@pytest.mark.parametrize("name", THROUGH_OBSPY)
def test_a_cut_file_is_refused_or_empty_with_a_reason(tmp_path, name):
    path = tmp_path / "x.txt"
    path.write_text(NAMES[name][:25])
    with pytest.raises(InputError, match="x.txt: "):
        read_catalog_files([path])


def test_lines_that_fit_loosely_are_no_bulletin(tmp_path):
    card = "ABC iPC112402030405 1018        1250eS 2                      FLD       480   6 gg\n"
    for others, is_read in ((1, True), (3, False)):
        path = tmp_path / f"{others}.dat"
        path.write_text(card * 2 + "some remark of someone, not a card\n" * others)
        if is_read:
            assert len(read_catalog_files([path]).events) == 1
        else:
            with pytest.raises(InputError, match="most of its lines do not fit ogs-dat"):
                read_catalog_files([path])
        assert len(read_catalog_files([path], "ogs-dat").events) == 1


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('<?xml version="1.0"?><q:quakeml xmlns:q="http://quakeml.org/xmlns/quakeml/1.2"/>', "QuakeML"),
        ("time,latitude,longitude,depth,mag,id\n2024-01-01T00:00:00,46,13,5,1,nc1\n", "a table of events"),
        (NORDIC, "a Nordic file (SEISAN)"),
        ("station,latitude,longitude\nABC,46,13\n", None),
        ("id,latitude,longitude\nABC,46,13\n", None),
        ("#Network | Station | Latitude | Longitude | Elevation | SiteName | StartTime | EndTime\n", None),
    ],
)
def test_files_without_stations_are_told(tmp_path, text, name):
    path = tmp_path / "x"
    path.write_text(text)
    found = misplaced(path, "stations")
    assert (found and found.name) == name


def test_waveforms_of_other_formats_are_named(tmp_path):
    path = tmp_path / "x.sac"
    path.write_bytes(BYTES["a SAC file"])
    with pytest.raises(UnreadableWaveform, match="it is a SAC file; obspy.read"):
        scan_miniseed(path)


@pytest.mark.parametrize(
    ("obspy", "way_out"), [("SAC", "catalogdb ingest waveforms"), ("CSS", "convert it: python -c")]
)
def test_only_waveforms_of_several_files_need_conversion(obspy, way_out):
    said = FileFormat("waveforms", "waveforms", obspy).way_out(Path("x.sac"))
    assert said.startswith(way_out) and "ingest waveforms x." in said
