"""Readers of catalogs: QuakeML, csv, the OGS bulletin, and some formats of others."""

import tempfile
from pathlib import Path

from pinning import Case

from catalogdb.exchange.catalog_files import read_catalog_files
from catalogdb.exchange.documents import catalog_documents

READERS = "catalogdb/stages/ingest_catalog.py:REVISION"

QUAKEML = """<?xml version="1.0"?>
<q:quakeml xmlns:q="http://quakeml.org/xmlns/quakeml/1.2" xmlns="http://quakeml.org/xmlns/bed/1.2">
<eventParameters publicID="smi:local/c">
<event publicID="smi:local/e1"><preferredOriginID>smi:local/o2</preferredOriginID><type>earthquake</type>
<pick publicID="smi:local/p1"><time><value>2024-02-03T04:05:10.180Z</value><uncertainty>0.04</uncertainty></time>
<waveformID networkCode="XX" stationCode="AAA" channelCode="HHZ"/><phaseHint>Pg</phaseHint>
<onset>impulsive</onset><polarity>positive</polarity><evaluationMode>manual</evaluationMode></pick>
<pick publicID="smi:local/p2"><time><value>2024-02-03T04:05:11.940Z</value></time>
<waveformID networkCode="XX" stationCode="AAA" channelCode="HHN"/><phaseHint>S</phaseHint></pick>
<origin publicID="smi:local/o1"><time><value>2024-02-03T04:05:08.1Z</value></time>
<latitude><value>46.3</value></latitude><longitude><value>13.1</value></longitude></origin>
<origin publicID="smi:local/o2"><time><value>2024-02-03T04:05:08.5Z</value><uncertainty>0.2</uncertainty></time>
<latitude><value>46.34</value><uncertainty>0.01</uncertainty></latitude>
<longitude><value>13.10</value><uncertainty>0.02</uncertainty></longitude>
<depth><value>8250</value><uncertainty>900</uncertainty></depth>
<quality><standardError>0.11</standardError><azimuthalGap>120</azimuthalGap></quality>
<evaluationMode>manual</evaluationMode><evaluationStatus>reviewed</evaluationStatus>
<arrival publicID="smi:local/a1"><pickID>smi:local/p1</pickID><phase>Pg</phase><timeResidual>0.05</timeResidual>
<distance>0.08</distance><azimuth>77</azimuth><timeWeight>1</timeWeight></arrival>
<arrival publicID="smi:local/a2"><pickID>smi:local/p2</pickID><phase>Sg</phase></arrival></origin>
<magnitude publicID="smi:local/m1"><mag><value>1.5</value><uncertainty>0.2</uncertainty></mag><type>ML</type>
<originID>smi:local/o2</originID><stationCount>7</stationCount></magnitude></event>
<event publicID="smi:local/e2"><type>quarry blast</type>
<origin publicID="smi:local/o3"><time><value>2024-02-03T06:00:00Z</value></time>
<latitude><value>45.9</value></latitude><longitude><value>12.4</value></longitude></origin></event>
</eventParameters></q:quakeml>
"""
EVENTS = """event_id,time,latitude,longitude,depth_km,magnitude,magnitude_type
1,2024-02-03T04:05:08.5Z,46.34,13.10,8.25,1.5,ML
2,2024-02-03 06:00:00,45.9,192.4,3,0.7,MD
3,2024-02-03T07:00:00Z,95,13,3,0.7,MD
"""
PICKS = """event_id,time,station,network,phase,probability
1,2024-02-03T04:05:10.18Z,AAA,XX,P,0.9
1,2024-02-03T04:05:11.94Z,AAA,XX,S,0.8
2,2024-02-03T06:00:03.5Z,BBB,XX,Pg,0.7
9,2024-02-03T09:00:03.5Z,BBB,XX,P,0.6
"""


GEOJSON = """{"type": "FeatureCollection", "features": [{"type": "Feature", "id": "nc1", "properties": {"mag": 1.5,
"place": "somewhere", "time": 1706933108500, "updated": 1706940000000, "status": "reviewed", "net": "nc", "nst": 7,
"dmin": 0.05, "rms": 0.11, "gap": 120, "magType": "ml", "type": "quarry blast"},
"geometry": {"type": "Point", "coordinates": [13.1, 46.34, 8.25]}}]}
"""
REAL = """    1   2024 02 03 04:05:08.500    14708.500  0.0420 46.3400  13.1000   8.25  1.500 0.200  1  1  2  1 120.00
   XX     AAA     P   14710.1800    1.6800 1.20e-03  0.0500   0.9300 257.0000
   XX     AAA     S   14711.9400    3.4400 2.20e-03 -0.0200   0.8100 257.0000
"""
NORDIC = (
    " 2024  2 3  4 5  8.5 L  46.340  13.100  8.2  TES  4 0.1 1.5LTES                1\n"
    " STAT SP IPHASW D HRMM SECON CODA AMPLIT PERI AZIMU VELO AIN AR TRES W  DIS CAZ7\n"
    " AAA  HZ IP       4 5 10.18                             101   -0.0810 16.7 238 \n\n"
)


def line(fields: dict[int, str], width: int = 0) -> str:
    """A line with each text beginning in its column (1-based)."""
    text = [" "] * max(width, *(first + len(value) - 1 for first, value in fields.items()))
    for first, value in fields.items():
        text[first - 1 : first - 1 + len(value)] = value
    return "".join(text)


CARDS = [
    line({1: "AAA ", 5: "iP 1", 9: "12402030405", 20: " 1018", 32: " 1194", 37: "eS 2", 63: "FLD", 76: "   7"}),
    line({1: "BBB ", 5: "eP 3", 9: "12402030405", 20: " 6102", 63: "FLD", 71: "   48", 76: "   7"}),
    line({18: "1", 65: "D"}),
]
LISTING = [
    line(
        {
            1: "     7",
            7: "1240203  4 5",
            20: " 8.50",
            26: "46-20.50",
            36: "13- 6.25",
            46: " 8.25",
            52: "  1.50",
            158: "  2",
        },
        160,
    ),
    line({1: "     7", 8: "AAA ", 27: "iP 1", 32: " 4 5", 37: "10.18", 106: "eS 2", 111: "11.94"}, 152),
    line({1: "     7", 8: "BBB ", 27: "eP 3", 32: " 4 5", 37: "12.02"}, 152),
]
BULLETIN = [
    "index event-id     origin_time(UTC)      t_err   lat     lon   h_err depth v_err gap  ml   md  place event_type",
    "00007 2024_00007 2024-02-03T04:05:08.500  0.12 46.3417 13.1042   0.5   8.2   0.9 120  1.3  1.5 "
    "MONTE FINTO (FRIULI) [earthquake]",
]
SUMMARY = [
    " DATE    ORIGIN    LAT N    LONG E    DEPTH    MAG NO GAP DMIN  RMS  ERH  ERZ QM",
    "12402030405  8.50 46-20.50  13- 6.25   8.25   1.50 12 117  4.1 0.21  0.6  1.3 B1",
]


def documents(**texts: str):
    """Documents that are stored of files with these contents, without the files' own place."""
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for name, text in texts.items():
            paths.append(Path(folder) / name.replace("_", "."))
            paths[-1].write_text(text)
        catalog = read_catalog_files(paths)
        made = catalog_documents(catalog, "name", "config", "task", {})
        rejected = [text.replace(folder, "") for text in catalog.rejected]
    return {"events": made.events, "picks": made.picks, "counts": made.counts, "rejected": len(rejected)}


CASES = tuple(
    Case(f"reader-{name}", READERS, lambda texts=texts: documents(**texts), decimals=6)
    for name, texts in {
        "quakeml": {"events_xml": QUAKEML},
        "csv": {"events_csv": EVENTS, "picks_csv": PICKS},
        "ogs-dat": {"cards_dat": "\n".join(CARDS) + "\n"},
        "ogs-hpl": {"list_hpl": "\n".join(LISTING) + "\n"},
        "ogs-pun": {"summary_pun": "\n".join(SUMMARY) + "\n"},
        "ogs-merged": {"list_hpl": "\n".join(LISTING) + "\n", "bulletin_txt": "\n".join(BULLETIN) + "\n"},
        "geojson": {"events_json": GEOJSON},
        "real": {"phase_txt": REAL},
        "nordic": {"select_out": NORDIC},
    }.items()
)
