"""The report of a catalog alone: numbers of the views, a page that draws itself, a record section of real files."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import obspy
import pytest

from catalogdb.comparisons import evaluate
from catalogdb.database.connection import mspass_database
from catalogdb.errors import InputError
from catalogdb.report import gather, gather_catalog, write_page
from catalogdb.stages.ingest_stations import ingest_stations
from catalogdb.stages.ingest_waveforms import ingest_waveforms
from catalogdb.stages.report_page import report_data

pytestmark = pytest.mark.integration

DAY = 86400.0
T0 = 19_700 * DAY  # a midnight
STATIONS = {"AAA": (46.0, 13.0), "BBB": (46.2, 13.0), "CCC": (46.5, 13.1)}
STUB = Path(__file__).with_name("page_stub.js")


def put(db, name="mine", magnitudes=(1.0, 1.2, 2.0), net="XX", **fields):
    """A catalog of events ten minutes apart, each with a P at all stations and an S at the first."""
    own = {"config_id": name, "task_id": "t"}
    events, picks = [], []
    for number, magnitude in enumerate(magnitudes):
        time = T0 + 3600.0 + 600.0 * number
        arrivals = []
        for at, sta in enumerate([*STATIONS, "AAA"]):
            phase = "PS"[at == len(STATIONS)]
            pick = {"_id": f"{name}{number}{at}", "net": net, "sta": sta, "phase": phase, "time": time + 1.0 + at}
            picks.append(
                pick
                | own
                | {"pick_set": name, "channel_group": f"{net}.{sta}..HH", "loc": "", "chan": "HHZ"}
                | {"uncertainty": 0.1, "evaluation_mode": "automatic"}
            )
            arrivals.append(
                {"pick_id": pick["_id"], "net": net, "sta": sta, "phase": phase, "time": pick["time"]}
                | {"residual": 0.1 * (number - 1) + 0.05 * at}
            )
        origin = {
            "_id": f"o{number}",
            "method": "scan",
            "arrivals": arrivals,
            "horizontal_uncertainty_km": 0.5 + number,
        }
        event = {
            "_id": f"{name}{number:06d}",
            "catalog": name,
            "time": time,
            "latitude": 46.0 + 0.1 * number,
            "longitude": 13.0,
        }
        event |= own | {"depth_km": 5.0 + number, "n_picks": 4, "origins": [origin], "magnitudes": [], **fields}
        event |= {"evaluation_mode": "automatic", "evaluation_status": "preliminary", "rms": 0.1}
        events.append(event | ({} if magnitude is None else {"magnitude": magnitude}))
    if events:
        db.event.insert_many(events)
        db.pick.insert_many(picks)
    db.pick_set.insert_one({"_id": name, "kind": "automatic", "config_id": name})
    made = {"starttime": T0, "endtime": T0 + 2 * DAY, "pick_set": name}
    db.catalog.insert_one({"_id": name, "kind": "automatic", "config_id": name} | made)


@pytest.fixture
def archive(db, settings, tmp_path):
    """Stations, and an hour and a half of waveforms at two of them on the first of two days."""
    rows = "\n".join(f"XX,{sta},{lat},{lon},100" for sta, (lat, lon) in STATIONS.items())
    (tmp_path / "stations.csv").write_text(f"network,station,latitude,longitude,elevation\n{rows}\n")
    ingest_stations(db, mspass_database(settings), [tmp_path / "stations.csv"])
    noise = np.random.default_rng(1)
    for sta in ("AAA", "BBB"):
        data = noise.normal(0, 100, 54_000).astype(np.int32)
        header = {"network": "XX", "station": sta, "channel": "HHZ", "sampling_rate": 10.0}
        trace = obspy.Trace(data, header | {"starttime": obspy.UTCDateTime(T0 + 1800)})
        trace.write(str(tmp_path / f"{sta}.mseed"), format="MSEED")
    ingest_waveforms(db, [tmp_path])


def test_numbers_of_a_catalog_are_those_of_the_views(db, archive):
    put(db)
    data = gather_catalog(db, "mine")
    own = data["of_catalog"]
    assert data["period"] == {"starttime": T0, "endtime": T0 + 2 * DAY}
    assert own["events"] == {
        **{"total": 3, "located": 3, "with_magnitude": 3, "picks": 12, "days": 1, "largest_magnitude": 2.0}
    }
    (hour,) = own["rates"]["rows"]
    assert own["rates"]["unit"] == "hour" and hour["events"] == 3 and hour["start"].endswith("T01:00:00Z")
    (relation,) = db.gutenberg_richter.find({"catalog": "mine"})
    assert own["gutenberg_richter"]["b"] == relation["b"] and own["gutenberg_richter"]["is_uncertain"]
    assert [row["from_here"] for row in own["magnitude_distribution"]] == [3, 2, 1]
    (quality,) = db.station_quality.find({"catalog": "mine", "sta": "BBB", "phase": "P"})
    stations = {row["sta"]: row for row in own["stations"]}
    assert stations["BBB"]["P"]["residual_median"] == quality["residual_median"] == pytest.approx(0.05)
    assert stations["AAA"]["S"] == {
        **{"picks": 3, "arrivals": 3},
        **{"residual_median": pytest.approx(0.15), "residual_mad": pytest.approx(0.1)},
    }
    assert stations["AAA"]["latitude"] == 46.0 and "days" not in stations["CCC"]
    assert own["picks"]["P"] == {"picks": 9, "arrivals": 9} and own["residuals"]["P"]["n"] == 9
    assert own["uncertainties"]["horizontal_uncertainty_km"]["median"] == 1.5
    assert "depth_uncertainty_km" not in own["uncertainties"]  # nobody knows it: nothing is drawn


def test_availability_counts_days_of_the_period(db, archive):
    put(db)
    own = gather_catalog(db, "mine")["of_catalog"]
    available = own["availability"]
    assert available["days"] == 2 and [row["sta"] for row in available["stations"]] == ["AAA", "BBB"]
    assert available["stations"][0]["runs"] == [(0, 1, 0.05)]  # 5400 s of a day
    (row,) = [row for row in own["stations"] if row["sta"] == "AAA"]
    assert row["days"] == 1 and row["availability"] == pytest.approx(5400 / DAY / 2)
    # a period of which all was recorded
    cut = gather_catalog(db, "mine", T0 + 3600, T0 + 5400)["of_catalog"]
    assert [row["availability"] for row in cut["stations"] if row["sta"] == "AAA"] == [1.0]
    assert cut["events"]["total"] == 3


def test_events_that_never_count_are_not_shown(db):
    put(db, evaluation_status="rejected")
    db.event.update_many({}, {"$set": {"evaluation_status": "rejected"}})
    own = gather_catalog(db, "mine")["of_catalog"]
    assert own["events"]["total"] == own["map"]["total"] == own["events"]["located"] == 0
    assert own["residuals"] == {} and own["uncertainties"] == {} and own["gutenberg_richter"] is None


def test_an_unknown_catalog_and_an_empty_period_are_refused(db):
    put(db)
    with pytest.raises(InputError, match="no catalog 'mind'") as caught:
        gather_catalog(db, "mind")
    assert "mine" in caught.value.hint
    with pytest.raises(InputError, match="is empty"):
        gather_catalog(db, "mine", T0 + 10, T0)
    db.catalog.insert_one({"_id": "void", "kind": "reference", "config_id": "void"})
    with pytest.raises(InputError, match="'void' has no events or picks"):
        gather_catalog(db, "void")


def test_record_section_shows_stations_by_distance(db, archive):
    put(db)
    record = report_data(db, "mine")["record_section"]
    assert record["event_id"] == "mine000002"  # the largest
    assert [trace["sta"] for trace in record["traces"]] == ["BBB", "AAA"]
    trace = record["traces"][1]
    assert trace["distance_km"] == pytest.approx(22.2, abs=0.1)
    values = [value for line in trace["lines"] for value in line[1::2]]
    assert max(map(abs, values)) == 100 and len(values) > 50
    own = {(arrival["phase"], arrival["kind"]) for arrival in trace["arrivals"] if arrival["is_of_event"]}
    assert own == {("P", "automatic"), ("S", "automatic")}
    assert report_data(db, "mine", event_id="mine000000")["record_section"]["event_id"] == "mine000000"
    with pytest.raises(InputError, match="no event 'nothing'"):
        report_data(db, "mine", event_id="nothing")
    assert report_data(db, "mine", waveforms=False)["record_section"] is None


def test_command_writes_a_page_without_a_reference(cli, db, tmp_path):
    put(db)
    page = tmp_path / "mine.html"
    printed = cli("report", "--catalog", "mine", "-o", page, "--json").json
    assert "reference" not in printed and data_of(page) == printed
    alone = cli("report", "--catalog", "mine", "-o", page)
    assert alone.code == 0 and "bytes" in alone.out
    refused = cli("report", "--catalog", "mine", "--max-km", "5", "-o", page)
    assert refused.code == 2 and "--max-km" in refused.err and "--reference" in refused.err


def data_of(page):
    return json.loads(re.search(r'id="data">(.*?)</script>', page.read_text(), re.DOTALL)[1])


def drawn(page):
    """What the page's own script makes of it: headings, and number of marks; without node there is no knowing."""
    text = page.read_text()
    script = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)[0]
    inside = dict(re.findall(r'<script type="application/json" id="(\w+)">(.*?)</script>', text, re.DOTALL))
    program = f"const INSIDE = {json.dumps(inside)};\n{STUB.read_text()}\n{script}\nreport();"
    done = subprocess.run(["node", "-"], input=program, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.skipif(shutil.which("node") is None, reason="no node")
def test_headings_stand_over_nothing_that_is_empty(db, archive, tmp_path):
    put(db)
    put(db, "plain", magnitudes=(None, None))
    put(db, "empty", magnitudes=())
    for name in ("mine", "plain", "empty"):
        write_page(tmp_path / f"{name}.html", report_data(db, name))
    full = drawn(tmp_path / "mine.html")
    assert full["sections"] == [
        *("Map", "Depth", "Time", "Magnitudes", "Picks", "Residuals", "Locations", "Stations", "Records of an event")
    ]
    assert full["undefined"] == [] and full["marks"] > 30 and full["names"] == ["AAA", "BBB"]
    plain = drawn(tmp_path / "plain.html")
    assert "Magnitudes" not in plain["sections"] and "Depth over time" in plain["figures"]
    assert drawn(tmp_path / "empty.html")["sections"] == ["Stations"]  # that recorded in the period


@pytest.mark.skipif(shutil.which("node") is None, reason="no node")
def test_a_comparison_draws_the_same_page_with_its_own(db, archive, tmp_path):
    put(db)
    put(db, "other", magnitudes=(1.0, 1.2, 2.0, 2.2))
    write_page(tmp_path / "page.html", gather(db, evaluate(db, "mine", "other")))
    found = drawn(tmp_path / "page.html")
    assert found["undefined"] == []
    assert {"Map", "Recall", "Differences", "Missed events", "Magnitudes", "Residuals"} <= set(found["sections"])


@pytest.mark.skipif(shutil.which("node") is None, reason="no node")
def test_a_map_over_the_date_line_holds_its_events(db, tmp_path):
    put(db)
    for number, longitude in enumerate((179.9, -179.9, 179.5)):
        db.event.update_one({"_id": f"mine{number:06d}"}, {"$set": {"longitude": longitude, "latitude": -17.5}})
    write_page(tmp_path / "page.html", gather_catalog(db, "mine"))
    assert data_of(tmp_path / "page.html")["map_box"]["east"] - data_of(tmp_path / "page.html")["map_box"]["west"] < 1.0
    found = drawn(tmp_path / "page.html")
    assert found["outside"] == 0 and found["scale"].endswith(" km")
