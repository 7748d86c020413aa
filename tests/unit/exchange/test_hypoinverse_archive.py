"""Archives of HYPOINVERSE-2000: every column, halves of the globe, shadows, lines that are wrong."""

import pytest
from obspy import UTCDateTime

from catalogdb.errors import InputError
from catalogdb.exchange.catalog_files import read_catalog_files
from catalogdb.exchange.peers.collect import PeerCollector
from catalogdb.exchange.peers.events import PeerInput
from catalogdb.exchange.peers.hypoinverse import hypoinverse_files
from catalogdb.traveltimes.velocity import VelocityConfig


def laid_out(width, **fields):
    """A line whose fields stand at their columns: c14="IP" begins in column 14."""
    line = [" "] * width
    for name, text in fields.items():
        column = int(name[1:])
        line[column - 1 : column - 1 + len(text)] = text
    return "".join(line).rstrip() + "\n"


HEAD = laid_out(
    164, c1="202403272359", c13="5904", c17="46", c19=" ", c20="1860", c24=" 12", c27="E", c28="4500", c32=" 1234",
    c37="214", c40=" 17", c43="119", c46="  9", c49="  12", c71="231", c83="  5", c86="  45", c90=" 130",
    c118="D", c122="L", c137="    100001", c147="D", c148="231",
)  # fmt: skip
BOTH = laid_out(
    120, c1="S01", c6="OX", c10="HHZ", c14="IPU0", c18="202403272359", c30=" 6133", c35=" -12", c39="100",
    c42=" 6310", c47="ES", c50="2", c51="  34", c64=" 50", c75=" 123", c79="110", c92="275", c112="--",
)  # fmt: skip
NEXT_DAY = laid_out(120, c1="S0002", c6="OX", c10="HHZ", c14="EP", c17="1", c18="202403280000", c30=" 1.81", c112="10")
S_ALONE = laid_out(120, c1="S03", c6="OX", c10="HHN", c17="4", c18="202403272359", c42=" 6500", c47="IS", c50="7")
CODA = laid_out(120, c1="S04", c6="OX", c10="HHZ", c17="4", c18="202403272359", c30="    0", c88="  20")
END = laid_out(72, c63="    100001")
EVENT = HEAD + "$1\n" + BOTH + "$   6 5.49\n" + NEXT_DAY + S_ALONE + CODA + END + "$\n"


def read(folder, text, name="catalog.arc"):
    (folder / name).write_text(text)
    return read_catalog_files([folder / name])


def test_every_column_of_a_head_is_read(tmp_path):
    (event,) = read(tmp_path, EVENT).events
    (origin,) = event["origins"]
    assert origin["time"] == UTCDateTime("2024-03-27T23:59:59.04").timestamp and event["source_id"] == "100001"
    assert (origin["latitude"], origin["longitude"]) == (pytest.approx(46.31), pytest.approx(12.75))
    assert (origin["depth_km"], origin["rms"], origin["azimuthal_gap"]) == (12.34, 0.12, 119)
    assert (origin["n_picks"], origin["n_p"], origin["n_s"], origin["minimum_distance_km"]) == (17, 12, 5, 9)
    assert (origin["horizontal_uncertainty_km"], origin["depth_uncertainty_km"]) == (0.45, 1.3)
    assert [(row["type"], row["value"]) for row in event["magnitudes"]] == [("Md", 2.31), ("ML", 2.14)]
    assert (event["magnitude"], event["magnitude_type"]) == (2.31, "Md")


def test_every_column_of_a_station_is_read(tmp_path):
    catalog = read(tmp_path, EVENT)
    p, s, next_day, s_alone = catalog.picks
    assert (p["phase"], p["net"], p["sta"], p["loc"], p["chan"]) == ("P", "OX", "S01", "", "HHZ")
    assert p["time"] == UTCDateTime("2024-03-28T00:00:01.33").timestamp  # seconds go on past the minute
    assert (p["onset"], p["polarity"], p["first_motion"]) == ("impulsive", "positive", "U")
    assert (p["hypo71_weight"], p["uncertainty"]) == (0, 0.01)
    assert p["arrival"] == {
        **{"residual": -0.12, "weight": 1.0, "distance_km": 12.3, "takeoff_angle": 110, "azimuth": 275},
    }
    assert (s["phase"], s["time"]) == ("S", UTCDateTime("2024-03-28T00:00:03.1").timestamp)
    assert (s["onset"], s["hypo71_weight"], s["arrival"]["residual"], s["arrival"]["weight"]) == (
        "emergent",
        2,
        0.34,
        0.5,
    )
    assert "first_motion" not in s and s["event_key"] == "100001"
    assert (next_day["sta"], next_day["loc"]) == ("S0002", "10")
    assert next_day["time"] == UTCDateTime("2024-03-28T00:00:01.81").timestamp
    assert s_alone["phase"] == "S" and "hypo71_weight" not in s_alone
    said = " ".join(catalog.repaired)
    assert "1 lines without a P and an S" in said and "1 picks of another weight code" in said


@pytest.mark.parametrize(
    ("halves", "latitude", "longitude"),
    [(" E", 46.31, 12.75), ("S ", -46.31, -12.75), ("sW", -46.31, -12.75), ("Ne", 46.31, 12.75)],
)
def test_halves_of_the_globe(tmp_path, halves, latitude, longitude):
    text = HEAD[:18] + halves[0] + HEAD[19:26] + halves[1] + HEAD[27:]
    (event,) = read(tmp_path, text + END).events
    assert (event["latitude"], event["longitude"]) == (pytest.approx(latitude), pytest.approx(longitude))


def test_magnitudes_of_none_and_errors_of_none_are_left_out(tmp_path):
    text = HEAD[:36] + "  0" + HEAD[39:70] + "-9." + HEAD[73:85] + "9999" + "   0" + HEAD[93:147] + "  0\n"
    (event,) = read(tmp_path, text + END).events
    (origin,) = event["origins"]
    assert event["magnitudes"] == [] and "magnitude" not in event
    assert "horizontal_uncertainty_km" not in origin and "depth_uncertainty_km" not in origin


def test_a_summary_without_ids_is_read(tmp_path):
    catalog = read(tmp_path, HEAD[:100] + "\n" + HEAD[:8] + "1000" + HEAD[12:100] + "\n", "catalog.sum")
    assert [event["source_id"] for event in catalog.events] == ["2024032723595904", "2024032710005904"]
    assert catalog.picks == [] and catalog.rejected == []


def test_what_is_wrong_is_rejected_by_line(tmp_path):
    bad_head = HEAD[:19] + "18x0" + HEAD[23:]
    other = HEAD.replace("100001", "100002")
    text = EVENT + bad_head + BOTH + END + other + BOTH[:29] + "     " + BOTH[34:] + "S9   OX\n" + END + HEAD + END
    catalog = read(tmp_path, text)
    path = tmp_path / "catalog.arc"
    lines = EVENT.count("\n")
    assert catalog.rejected == [
        f"{path}: line {lines + 1}: columns 20 to 23: '18x0' is no number",
        f"{path}: line {lines + 2}: readings without an event before them",
        f"{path}: line {lines + 5}: columns 30 to 34 are blank",
        f"{path}: line {lines + 8}: a second location of event 100001",
    ]
    (report,) = catalog.files
    assert (report.format, report.rejected, len(catalog.events)) == ("hypoinverse-arc", 4, 2)


def test_a_file_without_heads_is_refused(tmp_path):
    (tmp_path / "catalog.arc").write_text(BOTH + END)
    with pytest.raises(InputError, match="no head of an event"):
        read_catalog_files([tmp_path / "catalog.arc"], "hypoinverse-arc")


def test_what_our_writer_makes_is_read_with_its_ids(tmp_path):
    positions = {("AA", "STA"): (46.0, 12.0, 0.5), ("AA", "OTHR"): (46.2, 12.1, 0.0)}
    start = 1.7e9
    arrivals = [
        {"pick_id": f"{sta}{phase}", "net": "AA", "sta": sta, "phase": phase, "time": start + seconds}
        for sta, phase, seconds in (("STA", "P", 2.0), ("STA", "S", 4.25), ("OTHR", "S", 61.5))
    ]
    origin = {"_id": "o", "time": start, "latitude": -46.1, "longitude": 12.0, "depth_km": 5.0, "arrivals": arrivals}
    collector = PeerCollector(positions)
    events = collector.take([({"_id": "e", "origins": [origin], "preferred_origin_id": "o"}, [])])
    files = hypoinverse_files(PeerInput(events, collector.stations, VelocityConfig(), left_out=collector.left_out))
    (tmp_path / "event_ids.csv").write_text(files["event_ids.csv"])
    catalog = read(tmp_path, files["catalog.phs"])
    (event,) = catalog.events
    assert catalog.rejected == [] and (event["source_id"], event["time"]) == ("e", start)
    assert (event["latitude"], event["longitude"], event["depth_km"]) == (pytest.approx(-46.1), 12.0, 5.0)
    found = [(pick["sta"], pick["phase"], pick["time"] - start, pick["event_key"]) for pick in catalog.picks]
    assert found == [("STA", "P", 2.0, "e"), ("STA", "S", 4.25, "e"), ("OTHR", "S", 61.5, "e")]
