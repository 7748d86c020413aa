"""`catalogdb plot waveform` on a real mongod and real files: what is drawn is what is stored."""

import json

import numpy as np
import obspy
import pytest

from catalogdb.database.connection import mspass_database
from catalogdb.errors import InputError
from catalogdb.identity import content_id
from catalogdb.plots.waveform import event_figure_svg
from catalogdb.probability.documents import hour_documents
from catalogdb.probability.traces import ProbabilityTrace
from catalogdb.stages.ingest_stations import ingest_stations
from catalogdb.stages.ingest_waveforms import ingest_waveforms
from catalogdb.stages.plot import write_figure
from catalogdb.stages.read_waveform import Choice, station_view
from catalogdb.stages.read_waveform_event import event_view
from catalogdb.times import format_time

pytestmark = pytest.mark.integration

HOUR = 472_000 * 3600.0
RATE = 100.0
SETTINGS = {"p_threshold": 0.3, "s_threshold": 0.5, "probability": "sparse", "probability_floor": 0.05}
STATIONS = {"AAA": (46.0, 13.0), "BBB": (46.2, 13.0), "CCC": (46.6, 13.0)}


def traces(sta, family, *spans):
    """Noise of three components for each span (s after HOUR)."""
    made = []
    for first, last in spans:
        for number, letter in enumerate("ZNE"):
            data = np.random.default_rng(number).normal(5000, 100, round((last - first) * RATE)).astype(np.int32)
            header = {"network": "XX", "station": sta, "channel": family + letter, "sampling_rate": RATE}
            made.append(obspy.Trace(data, header | {"starttime": obspy.UTCDateTime(HOUR + first)}))
    return made


def put_pick_set(db, name, picks, kind="automatic", net="XX", settings=None, **fields):
    """Picks as (station, phase, seconds after HOUR, probability)."""
    own = {"config_id": content_id(name), "task_id": "t", "pick_set": name, "net": net, "loc": "", "chan": "HHZ"}
    mode = "manual" if kind == "reference" else "automatic"
    rows = [
        own
        | {"_id": f"{name} {sta} {phase} {time}", "sta": sta, "phase": phase, "time": HOUR + time}
        | {"channel_group": f"{net}.{sta}..{'HH' if net else ''}", "evaluation_mode": mode}
        | ({} if probability is None else {"probability": probability, "quality": 0.7, "snr": 9.0})
        for sta, phase, time, probability in picks
    ]
    if rows:
        db.pick.insert_many(rows)
    config = {"config": {"settings": settings or SETTINGS}} if kind == "automatic" else {}
    db.pick_set.insert_one({"_id": name, "kind": kind, "config_id": content_id(name), **config, **fields})


def put_probability(db, pick_set, sta, peaks):
    """An hour of P and S probability with peaks (row, seconds after HOUR, height)."""
    values = np.zeros((2, 360_000), np.float32)
    for row, time, height in peaks:
        values[row, round(time * RATE)] = height
    trace = ProbabilityTrace(round(HOUR * 1e9), RATE, ("P", "S"), values, "ZNE")
    names = {"pick_set": pick_set, "config_id": "c", "task_id": "t", "net": "XX", "sta": sta, "loc": ""}
    for document in hour_documents([trace], HOUR, HOUR + 3600, 0.05):
        own = {"_id": f"{pick_set} {sta}", "channel_group": f"XX.{sta}..HH"}
        db.probability.insert_one(document | names | own)


def put_event(db, catalog, time, pick_ids=(), pick_set=None, config=None, **fields):
    arrivals = [
        {"pick_id": one, "phase": one.split()[2], "net": "XX", "sta": one.split()[1], "time": HOUR, "residual": 0.25}
        for one in pick_ids
    ]
    origin = {"_id": "o", "method": "scan", "time": HOUR + time, "latitude": 46.0, "longitude": 13.1}
    event = {"_id": f"{catalog}-1", "catalog": catalog, "config_id": "c", "task_id": "t", "time": HOUR + time}
    event |= {"evaluation_mode": "manual", "evaluation_status": "final", "preferred_origin_id": "o", "magnitudes": []}
    db.event.insert_one(event | {"origins": [origin | {"arrivals": arrivals}], **fields})
    made_from = {"pick_set": pick_set} if pick_set else {}
    more = {"config": config} if config else {}
    db.catalog.insert_one({"_id": catalog, "kind": "reference", "config_id": catalog, **made_from, **more})


PLACE = {"latitude": 46.0, "longitude": 13.1, "depth_km": 8.0, "magnitude": 2.3, "magnitude_type": "ML"}


@pytest.fixture
def stored(db, settings, tmp_path):
    """Three stations of which CCC has no waveforms, AAA a gap and a second sensor; picks, probabilities, two events."""
    places = "\n".join(f"XX,{sta},{lat},{lon},0" for sta, (lat, lon) in STATIONS.items())
    (tmp_path / "s.csv").write_text(f"network,station,latitude,longitude,elevation_m\n{places}\n")
    ingest_stations(db, mspass_database(settings), [tmp_path / "s.csv"])
    data = traces("AAA", "HH", (0, 620), (630, 1500)) + traces("AAA", "HN", (0, 1500)) + traces("BBB", "HH", (0, 1500))
    obspy.Stream(data).write(str(tmp_path / "w.mseed"), format="MSEED")
    ingest_waveforms(db, [tmp_path / "w.mseed"])
    put_pick_set(db, "mine", [("AAA", "P", 602.0, 0.9), ("AAA", "S", 604.5, 0.4), ("BBB", "P", 604.0, 0.8)])
    stricter = SETTINGS | {"p_threshold": 0.6, "station_thresholds": [{"station": "XX.BBB", "p_threshold": 0.8}]}
    put_pick_set(db, "strict", [("AAA", "P", 602.0, 0.9)], settings=stricter, repicked_from="mine")
    put_pick_set(db, "ogs", [("AAA", "Pg", 602.1, None), ("CCC", "S", 625.0, None)], kind="reference", net="")
    put_probability(db, "mine", "AAA", [(0, 602.0, 0.9), (1, 604.5, 0.4)])
    put_probability(db, "mine", "BBB", [(0, 604.0, 0.8)])
    velocity = {"associate": {"velocity": {"vp": 5.0, "vs": 2.5}}}
    put_event(db, "cat", 600.0, ["mine AAA P 602.0"], "mine", velocity, **PLACE)
    put_event(db, "bulletin", 599.5, ["ogs AAA Pg 602.1", "ogs CCC S 625.0"], "ogs", source_id="2024_7", **PLACE)
    return tmp_path


def lanes(panel):
    return {lane.name: [mark.phase for mark in lane.marks] for lane in panel.lanes}


# -- what is read


def test_a_station_shows_all_that_is_there(db, stored):
    view = station_view(db, "XX.AAA", HOUR + 590, HOUR + 650, Choice())
    (panel,) = view.panels
    assert panel.sensor == "XX.AAA..HH"
    assert [component.channel for component in panel.components] == ["HHZ", "HHN", "HHE"]
    for component in panel.components:
        spans = [(part.starttime - HOUR, part.endtime - HOUR) for part in component.segments]
        assert np.ravel(spans) == pytest.approx([590, 619.99, 630, 650])
        assert 100 < component.peak() < 600  # not the 5000 that the noise lies on
    assert lanes(panel) == {"ogs": ["Pg"], "mine": ["P", "S"], "strict": ["P"]}
    assert [lane.kind for lane in panel.lanes] == ["reference", "automatic", "automatic"]
    p, s = panel.lanes[1].marks
    assert (p.probability, p.quality, p.snr, p.events, s.events) == (0.9, 0.7, 9.0, ("cat cat-1",), ())
    assert panel.lanes[0].marks[0].events == ("bulletin bulletin-1",)
    (strip,) = panel.strips
    assert dict(strip.thresholds) == {"mine": {"P": 0.3, "S": 0.5}, "strict": {"P": 0.6, "S": 0.5}}
    assert strip.traces[0].values[0].max() == pytest.approx(0.9, abs=0.002)
    assert view.notes == (
        "XX.AAA has other sensors too: XX.AAA..HN (--sensor)",
        "probability below 0.05 is not kept and drawn as 0",
    )


def test_what_was_asked_for_by_name_is_all_there_is(db, stored):
    choice = Choice(pick_sets=("strict",), references=("bulletin",), band=(1, 20), sensor="HN")
    view = station_view(db, "XX.AAA", HOUR + 590, HOUR + 650, choice)
    (panel,) = view.panels
    assert panel.sensor == "XX.AAA..HN" and lanes(panel) == {"ogs": ["Pg"], "strict": ["P"]}
    assert dict(panel.strips[0].thresholds) == {"strict": {"P": 0.6, "S": 0.5}}
    assert "probability of mine is of XX.AAA..HH" in view.notes


def test_a_pick_set_without_anything_there_is_said(db, stored):
    put_pick_set(db, "empty", [])
    view = station_view(db, "XX.AAA", HOUR + 590, HOUR + 650, Choice(pick_sets=("empty", "mine")))
    assert lanes(view.panels[0]) == {"ogs": ["Pg"], "mine": ["P", "S"]}
    assert "pick set empty has nothing there" in view.notes


def test_thresholds_of_a_station_are_its_own(db, stored):
    (panel,) = station_view(db, "XX.BBB", HOUR + 590, HOUR + 650, Choice()).panels
    assert dict(panel.strips[0].thresholds)["strict"] == {"P": 0.8, "S": 0.5}


def test_a_filter_is_fed_with_data_from_outside_the_figure(db, stored):
    whole = station_view(db, "XX.BBB", HOUR + 100, HOUR + 700, Choice(band=(1, 20))).panels[0].components[0]
    part = station_view(db, "XX.BBB", HOUR + 300, HOUR + 310, Choice(band=(1, 20))).panels[0].components[0]
    expected = whole.segments[0].cut(HOUR + 300, HOUR + 310).samples
    assert part.segments[0].samples == pytest.approx(expected, abs=0.05 * np.abs(expected).max())


def test_an_event_shows_stations_by_distance_with_predictions(db, stored):
    view = event_view(db, "cat-1", Choice())
    assert [panel.station for panel in view.panels] == ["XX.AAA", "XX.BBB"]
    near, far = view.panels
    assert near.distance_km == pytest.approx(7.74, abs=0.05) and far.distance_km == pytest.approx(23.5, abs=0.1)
    predicted = near.lanes[0]
    assert (predicted.name, predicted.kind) == ("predicted", "predicted")
    path = np.hypot(near.distance_km, 8.0)
    assert [mark.time - HOUR - 600 for mark in predicted.marks] == pytest.approx([path / 5.0, path / 2.5])
    assert near.lanes[2].marks[0].residual == 0.25
    assert len(near.components) == 2 and near.components[0].channel == "HHZ"
    assert view.starttime == HOUR + 595 and view.origin_time == HOUR + 600
    assert view.endtime == pytest.approx(far.lanes[0].marks[1].time + 10)
    assert "predicted arrivals: velocity model of catalog cat" in view.notes
    time = format_time(HOUR + 600)[:19].replace("T", " ")
    assert view.title == f"cat: event cat-1, {time} UTC, ML 2.3, 46.000°N 13.100°E, depth 8.0 km"


def test_an_event_of_a_bulletin_is_found_by_its_own_id(db, stored):
    view = event_view(db, "2024_7", Choice(references=("bulletin",)), before=20, after=40, stations=1)
    assert [panel.station for panel in view.panels] == ["XX.AAA"]
    assert (view.starttime, view.endtime) == (HOUR + 579.5, HOUR + 639.5)
    assert "the 1 nearest of 2 stations with waveforms" in view.notes
    assert "stations with arrivals but without waveforms: CCC" in view.notes
    assert view.panels[0].lanes[1].marks[0].residual == 0.25


def test_an_event_without_a_place_is_shown_without_predictions(db, stored):
    put_event(db, "felt", 601.0)
    view = event_view(db, "felt-1", Choice(), all_components=True)
    assert [panel.station for panel in view.panels] == ["XX.AAA", "XX.BBB"]
    assert all(panel.distance_km is None and "predicted" not in lanes(panel) for panel in view.panels)
    assert [len(panel.components) for panel in view.panels] == [3, 3]
    assert "the event is not located: stations are in order of code" in view.notes


def test_the_figure_for_a_page_is_small(db, stored):
    svg = event_figure_svg(event_view(db, "bulletin-1", Choice(band=(1, 20)), stations=3))
    assert svg.startswith("<svg") and svg.endswith("</svg>") and len(svg) < 150_000
    assert "2024_7" in svg and "XX.BBB" in svg


# -- what is wrong


def test_errors_say_what_there_is(db, stored):
    put_event(db, "old", -90_000.0, **PLACE)
    period = (HOUR + 590, HOUR + 650)
    day = format_time(HOUR)[:10]
    for make, named, hint in (
        (lambda: station_view(db, "XX.NONE", *period, Choice()), "XX.NONE", "XX.AAA, XX.BBB"),
        (lambda: station_view(db, "XX.CCC", HOUR + 600, HOUR + 650, Choice()), "none at all", "XX.AAA, XX.BBB"),
        (lambda: station_view(db, "XX.AAA", HOUR + 3000, HOUR + 3060, Choice()), "from", f"{day}; pick sets: mine (0"),
        (lambda: station_view(db, "AAA", *period, Choice()), "NET.STA", "OX.BAD"),
        (lambda: station_view(db, "XX.AAA", *period, Choice(("nobody",))), "--pick-set nobody", "mine, ogs, strict"),
        (lambda: station_view(db, "XX.AAA", *period, Choice((), ("old",))), "--reference old", None),
        (lambda: station_view(db, "XX.AAA", *period, Choice(sensor="BH")), "--sensor BH", "XX.AAA..HH, XX.AAA..HN"),
        (lambda: station_view(db, "XX.AAA", *period, Choice(band=(1, 60))), "XX.AAA..HHE has 100 samples", None),
        (lambda: Choice(band=(20, 1)), "--filter 20 1", None),
        (lambda: station_view(db, "XX.AAA", HOUR, HOUR, Choice()), "empty", "--after"),
        (lambda: station_view(db, "XX.AAA", HOUR, HOUR + 90_000, Choice()), "90000 s", "86400 s"),
        (lambda: event_view(db, "nothing", Choice()), "no event 'nothing'", "query events"),
        (lambda: event_view(db, "cat-1", Choice(), catalog="ogs"), "in catalog 'ogs'", None),
        (lambda: event_view(db, "old-1", Choice()), "no waveforms of any station", "ingest waveforms"),
    ):
        with pytest.raises(InputError) as caught:
            make()
        assert named in str(caught.value)
        assert hint is None or hint in caught.value.hint


def test_one_id_in_two_catalogs_asks_which(db, stored):
    put_event(db, "copy", 600.0, source_id="2024_7", **PLACE)
    with pytest.raises(InputError, match="several catalogs: bulletin, copy"):
        event_view(db, "2024_7", Choice())
    assert event_view(db, "2024_7", Choice(), catalog="copy").title.startswith("copy: event 2024_7")


def test_a_file_that_vanished_is_named(db, stored):
    (stored / "w.mseed").unlink()
    with pytest.raises(InputError, match="w.mseed: indexed, but can't be read now"):
        station_view(db, "XX.AAA", HOUR + 590, HOUR + 650, Choice())


def test_what_cannot_be_written_leaves_nothing(db, stored, tmp_path):
    view = station_view(db, "XX.AAA", HOUR + 590, HOUR + 600, Choice())
    before = sorted(tmp_path.iterdir())
    for name, named in (("a.gif", "'.gif'"), ("nowhere/a.png", "there is no folder")):
        with pytest.raises(InputError, match=named):
            write_figure(view, tmp_path / name)
    assert sorted(tmp_path.iterdir()) == before


# -- the command


@pytest.mark.parametrize(
    ("suffix", "magic"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF"), (".html", b"<!doctype html>")]
)
def test_command_writes_a_figure_and_says_what_is_in_it(cli, stored, suffix, magic):
    output = stored / f"a{suffix}"
    where = ("plot", "waveform", "--station", "XX.AAA", "--time", format_time(HOUR + 600), "--filter", "1", "20")
    code, out, err = cli(*where, "-o", output, "--json")
    summary = json.loads(out)
    assert code == 0 and output.read_bytes().startswith(magic)
    assert summary["bytes"] == output.stat().st_size and summary["format"] == suffix[1:]
    assert (summary["starttime"], summary["endtime"]) == (format_time(HOUR + 590), format_time(HOUR + 650))
    (station,) = summary["stations"]
    assert [row["seconds_without_data"] for row in station["components"]] == [10.0, 10.0, 10.0]
    assert station["arrivals"][1] == {"name": "mine", "kind": "automatic", "phases": {"P": 1, "S": 1}, "in_events": 1}
    assert station["probabilities"][0]["thresholds"][0] == {"pick_set": "mine", "P": 0.3, "S": 0.5}


def test_command_draws_an_event(cli, stored):
    code, out, err = cli("plot", "waveform", "--event", "cat-1", "--theme", "dark", "-o", stored / "e.png")
    assert code == 0 and "XX.AAA, XX.BBB" in out and "velocity model of catalog cat" in err
    assert (stored / "e.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((), "either --station and --time, or --event"),
        (("--station", "XX.AAA"), "either --station and --time, or --event"),
        (("--station", "XX.AAA", "--time", "noon", "--event", "cat-1"), "either --station and --time, or --event"),
        (("--station", "XX.AAA", "--time", "noon"), "--time noon"),
        (("--station", "XX.NONE", "--time", "2024-03-27"), "stations with waveforms: XX.AAA, XX.BBB"),
    ],
)
def test_command_says_what_is_wrong(cli, stored, arguments, named):
    code, _, err = cli("plot", "waveform", *arguments, "-o", stored / "a.png")
    assert code == 2 and named in err and "Traceback" not in err
    assert not (stored / "a.png").exists()
