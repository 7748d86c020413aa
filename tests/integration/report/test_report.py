"""The report: its numbers are those of the views, and the page is one file that needs nothing else."""

import json
import re
import shutil
import subprocess
from importlib.resources import files

import pytest
from catalogs import T0, put_catalog
from scipy.stats import binomtest
from test_comparison_views import put_comparison

from catalogdb.cli import common
from catalogdb.cli.report import report
from catalogdb.comparisons import evaluate
from catalogdb.errors import InputError
from catalogdb.report import Picture, gather, write_page
from catalogdb.report.comparison import wilson

PERIOD = {"starttime": T0 - 100, "endtime": T0 + 1000}


def test_intervals_are_wilsons():
    for successes, trials in ((0, 10), (7, 10), (10, 10), (493, 512)):
        expected = binomtest(successes, trials).proportion_ci(method="wilson")
        assert wilson(successes, trials) == pytest.approx((expected.low, expected.high), abs=1e-6)
    assert wilson(0, 0) is None


def test_numbers_are_those_of_the_views(db):
    put_comparison(db)
    evaluation = evaluate(db, "cat", "ref", **PERIOD)
    data = gather(db, evaluation)
    assert data["events"] == evaluation["events"] and data["picks"] == evaluation["picks"] | {
        "PS": evaluation["both_phases"]
    }
    assert data["confusion"]["P"] == {"P": 1, "S": 0, "none": 2, "no data": 1}
    assert data["confusion"]["none"] == {"P": 0, "S": 1}
    assert {name: group["total"] for name, group in data["map"].items()} == {"matched": 1, "missed": 1, "proposed": 1}
    assert sum(data["residuals"]["picks"]["P"]["dt"]["histogram"]["counts"]) == 1
    (missed,) = data["missed_events"]
    assert missed["reason"] == "no_data"
    stations = {row["sta"]: row for row in data["stations"]}
    assert stations["A"]["P"]["matched"] == 1 and stations["C"]["PS"]["no_data"] == 1
    row = next(row for row in data["events_by"]["magnitude"] if row["value"] == "1.0-1.5")
    assert row["recall_interval"] == pytest.approx(wilson(1, 1))
    assert json.loads(json.dumps(data, allow_nan=False)) == json.loads(json.dumps(data))


def test_picks_of_missed_events(db):
    put_comparison(db)
    arrivals = [
        {"pick_id": f"refpick{at:06d}", "phase": "P", "sta": sta, "time": T0 + at + 298}
        for at, sta in ((3, "A"), (4, "C"))
    ]
    db.event.update_one({"_id": "ref000001"}, {"$set": {"origins": [{"_id": "o", "arrivals": arrivals}]}})
    data = gather(db, evaluate(db, "cat", "ref", **PERIOD, refresh=True))
    picks = data["missed_events"][0]["picks_of_event"]
    assert [(row["sta"], row["outcome"]) for row in picks] == [("A", "missed"), ("C", "no_data")]
    assert gather(db, evaluate(db, "cat", "ref", **PERIOD), missed_shown=0)["missed_events"] == []


def test_page_is_one_file_with_the_same_numbers(db, tmp_path):
    put_comparison(db)
    data = gather(db, evaluate(db, "cat", "ref", **PERIOD))
    asked = []

    def pictures(event):
        asked.append(event["event_id"])
        return [Picture("seen <here>", b"<svg xmlns='http://www.w3.org/2000/svg'/>")]

    path = tmp_path / "report.html"
    write_page(path, data, pictures)
    text = path.read_text()
    inside = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1])
    assert asked == ["ref000001"]
    assert inside["missed_events"][0].pop("pictures")[0]["source"].startswith("data:image/svg+xml;base64,")
    assert inside == json.loads(json.dumps(data))
    # nothing is fetched when it is opened
    assert not re.search(r"(src|href)\s*=\s*[\"']?(?!data:)\w+:?//|@import|url\((?!#)|fetch\(|XMLHttpRequest", text)
    assert re.findall(r"https?://[^\"'\s]+", text) == ["http://www.w3.org/2000/svg"]  # a name space, not an address
    assert "prefers-color-scheme: dark" in text and 'name="viewport"' in text
    assert list(tmp_path.iterdir()) == [path]


def test_names_in_a_catalog_cannot_end_the_script(db, tmp_path):
    name = "</script><script>alert(1)</script>"
    put_catalog(db, name, [(0, 46, 13)])
    put_catalog(db, "ref", [(0, 46, 13)])
    write_page(tmp_path / "report.html", gather(db, evaluate(db, name, "ref", **PERIOD)))
    text = (tmp_path / "report.html").read_text()
    assert "alert(1)" in text and text.count("</script>") == 3 and text.count("<script>") == 1


@pytest.mark.skipif(shutil.which("node") is None, reason="no node")
def test_times_of_picks_are_rounded_with_their_seconds():
    script = files("catalogdb.report").joinpath("assets", "comparison.js").read_text()
    format_script = files("catalogdb.report").joinpath("assets", "format.js").read_text()
    shown = re.search(r'name: "time", show: (\(row\) => .*?) \},', script)[1]
    formats = "\n".join(re.findall(r"^const (?:clock|moment) = .*;$", format_script, re.MULTILINE))
    times = [T0 + 0.997, T0 + 0.994, T0 + 0.5, T0, 86399.996]
    program = f"{formats}\nconst show = {shown};\n"
    program += f"console.log(JSON.stringify({times}.map((time) => show({{ time }}))));"
    found = subprocess.run(["node", "-e", program], capture_output=True, text=True, check=True).stdout
    assert json.loads(found) == ["22:13:21.00", "22:13:20.99", "22:13:20.50", "22:13:20.00", "00:00:00.00"]


def test_catalogs_without_picks_or_events_make_a_page(db, tmp_path):
    put_catalog(db, "ref", [(0, None, None)])
    put_catalog(db, "cat", [])
    data = gather(db, evaluate(db, "cat", "ref", **PERIOD))
    write_page(tmp_path / "report.html", data)
    assert data["picks_by"]["distance"] == [] and data["events"]["unlocated"] == 1
    assert data["notes"] == [
        "no events of cat in the period",
        "1 event of the reference and 0 of the catalog in the period have no position and take no part",
    ]
    assert all(json.dumps(note) in (tmp_path / "report.html").read_text() for note in data["notes"])
    assert (tmp_path / "report.html").stat().st_size > 10_000


def call(settings, monkeypatch, **arguments):
    monkeypatch.setattr(common, "settings", lambda **_: settings)
    values = {"catalog": "cat", "reference": "ref", "output": None, "min_magnitude": None, "max_dt": 2.0, "max_km": 8.0}
    values |= {"max_pick_dt": 0.5, "starttime": None, "endtime": None, "missed": 50, "json": False}
    values |= {"event_types": None, "event": None, "waveforms": True}
    report(**values | arguments)


def test_command_writes_the_page_and_prints_its_numbers(db, settings, tmp_path, monkeypatch, capsys):
    put_comparison(db)
    period = {"starttime": "2023-11-14T22:00:00", "endtime": "2023-11-14T23:00:00"}
    call(settings, monkeypatch, output=tmp_path / "r.html", json=True, **period)
    printed = json.loads(capsys.readouterr().out)
    assert printed["picks"]["P"]["matched"] == 1
    text = (tmp_path / "r.html").read_text()
    inside = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1])
    assert inside == printed
    with pytest.raises(InputError, match="no output"):
        call(settings, monkeypatch)
    with pytest.raises(InputError, match="folder does not exist"):
        call(settings, monkeypatch, output=tmp_path / "no" / "r.html")
