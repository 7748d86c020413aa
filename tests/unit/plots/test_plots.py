"""Figures from plain data: what is drawn, how small, and that nothing of it is lost or made up."""

import base64
import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
import zlib

import numpy as np
import pytest

from catalogdb.errors import InputError
from catalogdb.plots.interactive import packed_samples, page
from catalogdb.plots.text import subtitle, threshold_texts
from catalogdb.plots.theme import DARK, LIGHT
from catalogdb.plots.view import (
    Component,
    Lane,
    Mark,
    Segment,
    StationPanel,
    Strip,
    View,
    component_order,
    envelope,
    finite_segments,
    gaps,
    prepared,
    spans_with_values,
    two_components,
    without_plateaus,
)
from catalogdb.plots.waveform import draw, event_figure_svg, picture
from catalogdb.probability.traces import ProbabilityTrace

START = 1_562_488_070.0
RATE = 100.0


def noise(first, last, seed=0, offset=0.0):
    samples = np.random.default_rng(seed).normal(offset, 100, round((last - first) * RATE))
    return Segment(START + first, RATE, samples)


def a_strip(seconds=60.0, labels=("P", "S"), thresholds=(("mine", {"P": 0.3, "S": 0.5}),)):
    values = np.zeros((len(labels), round(seconds * RATE)), np.float32)
    values[0, 1000:1040], values[1, 1500:1560] = 0.9, 0.7
    values[:, 3000:3100] = np.nan
    trace = ProbabilityTrace(round(START * 1e9), RATE, labels, values, "ZNE", "XX.AAA..HH")
    return Strip("mine", (trace,), thresholds)


def a_panel(station="XX.AAA", distance=None, lanes=None, seconds=60.0):
    components = tuple(
        Component(f"HH{letter}", (noise(0, 20, 1), noise(25, seconds, 2 + number)))
        for number, letter in enumerate("ZNE")
    )
    if lanes is None:
        p = Mark("Pg", START + 10, probability=0.9, quality=0.8, snr=12.0, uncertainty=0.05, events=("mine e1",))
        lanes = (
            Lane("analysts", "reference", (Mark("S", START + 15.2, hypo71_weight=1),)),
            Lane("mine", "automatic", (p, Mark("S", START + 15))),
        )
    azimuth = None if distance is None else 90.0
    return StationPanel(station, f"{station}..HH", components, lanes, (a_strip(seconds),), distance, azimuth)


def a_view(*panels, seconds=60.0, **fields):
    return View("XX.AAA", START, START + seconds, panels or (a_panel(seconds=seconds),), **fields)


# -- arithmetic


def test_an_envelope_keeps_every_extreme_and_the_order_of_times():
    values = np.random.default_rng(1).normal(size=100_003)
    values[[77, 54_321, 100_002]] = 9, -9, 8
    times = np.arange(values.size) / RATE
    x, y = envelope(times, values, 500)
    assert x.size <= 2 * 500 + 3 and np.all(np.diff(x) >= 0)
    assert np.array_equal(np.interp(x, times, values), y)
    assert {9.0, -9.0, 8.0} <= set(y)


def test_short_curves_are_drawn_as_they_are():
    times, values = np.arange(40.0), np.arange(40.0) ** 2
    assert all(np.array_equal(*pair) for pair in zip(envelope(times, values, 10), (times, values), strict=True))


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([(0, 60)], []),
        ([(0, 20), (25, 60)], [(20, 25)]),
        ([(3, 57)], [(0, 3), (57, 60)]),
        ([], [(0, 60)]),
    ],
)
def test_gaps_are_where_there_are_no_samples(spans, expected):
    component = Component("HHZ", tuple(noise(*span) for span in spans))
    found = [(start - START, end - START) for start, end in gaps(component, START, START + 60)]
    assert np.ravel(found) == pytest.approx(np.ravel(expected), abs=0.5 / RATE)


def test_a_gap_of_one_sample_is_none_and_of_two_is_one():
    for missing, number in ((0, 0), (1, 1), (2, 1)):
        component = Component("HHZ", (noise(0, 30), noise(30 + missing / RATE, 60)))
        assert len(gaps(component, START, START + 60)) == number


def test_a_cut_takes_samples_at_both_ends():
    cut = noise(0, 60).cut(START + 10, START + 20)
    assert cut.samples.size == 1001
    assert (cut.starttime, cut.endtime) == pytest.approx((START + 10, START + 20), abs=1e-6)
    assert noise(0, 5).cut(START + 10, START + 20).samples.size == 0


def test_without_a_filter_only_the_median_goes():
    segment = Segment(START, RATE, np.array([5, 6, 7, 900], dtype=np.int32))
    assert prepared(segment, None, "HHZ").samples.tolist() == [-1.5, -0.5, 0.5, 893.5]


def test_a_band_pass_keeps_its_band_and_the_onset():
    times = np.arange(6000) / RATE
    slow, fast = 1000 * np.sin(2 * np.pi * 0.1 * times), 100 * np.sin(2 * np.pi * 8 * times)
    kept = prepared(Segment(START, RATE, slow + fast + 50_000), (2, 20), "HHZ").samples[1000:-1000]
    assert np.abs(kept - fast[1000:-1000]).max() < 2
    with pytest.raises(InputError, match="XX.AAA..HHZ has 100 samples per second.*below 50 Hz"):
        prepared(Segment(START, RATE, slow), (1, 50), "XX.AAA..HHZ")


def test_the_shortest_segments_can_be_filtered():
    assert [prepared(noise(0, n / RATE), (1, 20), "HHZ").samples.size for n in (1, 2, 7)] == [1, 2, 7]


def test_samples_that_are_no_numbers_are_a_gap():
    samples = np.array([1.0, 2.0, np.nan, np.inf, 5.0])
    parts = finite_segments(START, RATE, samples)
    assert [(round((part.starttime - START) * RATE), part.samples.tolist()) for part in parts] == [
        (0, [1, 2]),
        (4, [5]),
    ]
    assert finite_segments(START, RATE, np.array([np.nan])) == []
    (whole,) = finite_segments(START, RATE, np.array([7, 8]))
    assert whole.samples.tolist() == [7, 8]


def test_a_pick_without_a_usable_number_is_still_in_the_page():
    odd = Mark("P", START + 1, probability=0.5, snr=float("inf"), quality=float("nan"))
    rows = data_of(page(a_view(a_panel(lanes=(Lane("mine", "automatic", (odd,)),)))))["panels"][0]["rows"]
    assert rows[0]["lanes"][0]["marks"] == [{"phase": "P", "letter": "P", "t": 1.0, "probability": 0.5}]


def test_runs_and_plateaus():
    values = np.array([np.nan, 1, 1, 1, 2, np.nan, np.nan, 3])
    assert spans_with_values(values) == [(1, 5), (7, 8)]
    times, kept = without_plateaus(np.arange(6.0), np.array([0, 0, 0, 5, 5, 0.0]))
    assert (times.tolist(), kept.tolist()) == ([0, 2, 3, 4, 5], [0, 0, 5, 5, 0])


def test_components_come_vertical_first_with_both_phases():
    assert sorted(["HHE", "HH1", "HHZ", "HHN"], key=component_order) == ["HHZ", "HHN", "HHE", "HH1"]
    loud = Component("HHE", (Segment(START, RATE, np.array([900.0])),))
    quiet = Component("HHN", (Segment(START, RATE, np.array([9.0])),))
    vertical = Component("HHZ", (Segment(START, RATE, np.array([1.0])),))
    assert two_components([quiet, loud, vertical]) == (vertical, loud)
    assert two_components([quiet]) == (quiet,)


def test_equal_thresholds_make_one_line():
    shared = a_strip(thresholds=(("mine", {"P": 0.3, "S": 0.3, "D": 0.5}), ("strict", {"P": 0.6, "S": 0.6})))
    texts = [(value, text) for value, text, _ in threshold_texts(shared)]
    assert texts == [(0.3, "0.3 P/S mine"), (0.5, "0.5 D mine"), (0.6, "0.6 P/S strict")]


def test_the_subtitle_names_sensor_period_and_filter():
    assert subtitle(a_view()) == "XX.AAA..HH, 2019-07-07 08:27:50 to 08:28:50 UTC, not filtered, median removed"
    assert subtitle(a_view(band=(1, 20))).endswith("UTC, band-pass 1 to 20 Hz")


# -- pictures


def lines_of(axes, style=None):
    """x (s after START) of vertical lines across a row."""
    vertical = [line for line in axes.get_lines() if len(set(line.get_xdata())) == 1 and len(line.get_xdata()) == 2]
    chosen = [line for line in vertical if style is None or line.get_linestyle() == style]
    return sorted(round(line.get_xdata()[0] * 86_400 - START, 3) for line in chosen)


def test_a_station_has_rows_for_lanes_components_and_strips():
    figure = draw(a_view(notes=("something to know",)))
    assert len(figure.axes) == 5
    lanes, *waves, strip = figure.axes
    assert [label.get_text() for label in lanes.get_yticklabels()] == ["analysts", "mine"]
    assert [text.get_text() for text in lanes.texts] == ["S", "P", "S"]
    assert [axes.get_ylabel() for axes in waves] == ["HHZ (counts)", "HHN (counts)", "HHE (counts)"]
    assert all(lines_of(axes) == [10, 15, 15.2] for axes in waves)
    assert all(len(axes.patches) == 1 for axes in waves)  # the gap
    assert [text.get_text() for text in strip.texts][:2] == ["0.3 P", "0.5 S"]
    assert strip.get_xlabel() == "UTC, 2019-07-07"
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["P", "S", "automatic", "reference", "filled: belongs to an event", "threshold", "no data"]


def test_no_line_is_drawn_over_a_gap():
    wave = draw(a_view()).axes[1]
    curves = [line for line in wave.get_lines() if len(line.get_xdata()) > 2]
    ends = [tuple(np.round(line.get_xdata()[[0, -1]] * 86_400 - START, 2)) for line in curves]
    assert ends == [(0.0, 19.99), (25.0, 59.99)]


def test_many_arrivals_are_ticks_and_no_lines():
    marks = tuple(Mark("PS"[number % 2], START + number / 2) for number in range(100))
    figure = draw(a_view(a_panel(lanes=(Lane("mine", "automatic", marks),))))
    lanes, wave = figure.axes[:2]
    (ticks,) = lanes.collections
    segments = np.array(ticks.get_segments())
    assert (len(segments), len(lanes.texts), lines_of(wave)) == (100, 0, [])
    assert np.all(segments[0::2, :, 1].max(axis=1) <= 0) and np.all(segments[1::2, :, 1].min(axis=1) >= 0)


def test_an_event_has_its_stations_by_distance_and_its_origin_time():
    near, far = a_panel("XX.AAA", 8.3), a_panel("XX.BBB", 24.5)
    figure = draw(a_view(near, far, origin_time=START + 5))
    titles = [title for axes in figure.axes if (title := axes.get_title(loc="left"))]
    assert titles == ["XX.AAA..HH  8.3 km, azimuth 90°", "XX.BBB..HH  24.5 km, azimuth 90°"]
    assert 5 in lines_of(figure.axes[1])


def test_an_hour_is_drawn_with_few_points():
    figure = draw(a_view(seconds=3600.0), bins=800)
    points = [len(line.get_xdata()) for axes in figure.axes[1:4] for line in axes.get_lines()]
    assert 1500 < max(points) <= 1700


def test_a_station_without_picks_or_probability_says_so():
    bare = StationPanel("XX.AAA", "XX.AAA..HH", (Component("HHZ", (noise(0, 60),)),))
    figure = draw(a_view(bare))
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["no picks"]
    assert figure.legends == []


@pytest.mark.parametrize(("format", "magic"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_files_are_of_their_format(format, magic):
    content = picture(a_view(), format)
    assert content.startswith(magic) and len(content) > 5000


def test_dark_pictures_are_dark():
    assert draw(a_view(), DARK).get_facecolor()[:3] < (0.2, 0.2, 0.2)
    assert draw(a_view(), LIGHT).get_facecolor()[:3] == (1, 1, 1)


# -- the small SVG


def test_the_svg_for_a_page_is_small_and_follows_the_page():
    panels = [a_panel(f"XX.S{number}", 10.0 * number) for number in range(1, 5)]
    panels = [StationPanel(**{**vars(panel), "components": two_components(panel.components)}) for panel in panels]
    svg = event_figure_svg(View("a <missed> event 36.086°N", START, START + 60, tuple(panels), (1, 20), START + 5))
    root = ET.fromstring(svg)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.get("aria-label") == "a <missed> event 36.086°N"
    assert len(svg) < 150_000
    assert "prefers-color-scheme:dark" in svg and "data-theme=dark" in svg
    drawing = svg[svg.index("</style>") :]
    assert set(re.findall(r"#[0-9a-f]{6}\b", drawing)) <= {"#000000"}
    texts = "".join(root.itertext())
    assert "a <missed> event 36.086°N" in texts and "XX.S4..HH" in texts and "azimuth 90°" in texts


def test_references_inside_the_svg_are_kept():
    svg = event_figure_svg(a_view())
    wanted = set(re.findall(r'(?:url\(#|href="#)([^")]+)', svg))
    assert wanted and wanted <= set(re.findall(r' id="([^"]+)"', svg))


# -- the page


def unpacked(text, count, scale):
    planes = np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8).reshape(4, count)
    return np.cumsum(np.ascontiguousarray(planes.T).view("<i4")[:, 0], dtype=np.int32) * scale


@pytest.mark.parametrize("values", [[1, 2, 3.5], [0], [-8_388_608, 8_388_607, -8_388_608], []])
def test_counts_are_kept_as_they_are(values):
    assert unpacked(packed_samples(np.array(values), 0.5), len(values), 0.5).tolist() == values


def data_of(html):
    return json.loads(re.search(r'<script type="application/json" id="view">(.*?)</script>', html, re.DOTALL)[1])


def test_the_page_holds_everything_and_needs_nothing():
    html = page(a_view(notes=("a note",)))
    data = data_of(html)
    (panel,) = data["panels"]
    assert [row["kind"] for row in panel["rows"]] == ["lanes", "wave", "wave", "wave", "strip"]
    mark = panel["rows"][0]["lanes"][1]["marks"][0]
    known = {"phase": "Pg", "letter": "P", "t": 10.0, "probability": 0.9, "quality": 0.8, "snr": 12.0}
    assert mark == known | {"uncertainty": 0.05, "events": ["mine e1"]}
    wave = panel["rows"][1]
    assert wave["gaps"] == [pytest.approx([20, 25], abs=1e-6)]
    assert [(part["t"], part["n"]) for part in wave["segments"]] == [(0, 2000), (25, 3500)]
    trace = panel["rows"][4]["traces"][0]
    codes = np.frombuffer(zlib.decompress(base64.b64decode(trace["data"])), np.uint8).reshape(2, -1)
    assert (codes[0, 1000], codes[1, 1500], codes[0, 3050], codes[0, 0]) == (229, 178, 255, 0)
    assert not re.search(r"(src|href)\s*=|https?://|@import|url\(", html)


def test_filtered_samples_are_kept_to_a_part_in_a_hundred_thousand():
    view = a_view(band=(1, 20))
    wave = data_of(page(view))["panels"][0]["rows"][1]
    part, segment = wave["segments"][1], view.panels[0].components[0].segments[1]
    back = unpacked(part["data"], part["n"], part["scale"])
    assert np.abs(back - segment.samples).max() < 1e-5 * np.abs(segment.samples).max()


def test_names_cannot_become_markup():
    nasty = "</script><img src=x onerror=alert(1)>"
    html = page(View(nasty, START, START + 60, (a_panel(lanes=(Lane(nasty, "automatic", ()),)),), notes=(nasty,)))
    assert "<img" not in html and html.count("</script>") == 2
    assert data_of(html)["panels"][0]["rows"][0]["lanes"][0]["name"] == nasty


def test_a_browser_draws_the_page(tmp_path):
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no chromium here")
    path = tmp_path / "a.html"
    path.write_text(page(a_view(notes=("a note",))), encoding="utf-8")
    arguments = ("--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}")
    command = [browser, *arguments, "--virtual-time-budget=5000", "--dump-dom", f"file://{path}"]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=120).stdout
    assert 'data-ready="yes"' in shown
    assert shown.count("<tr>") == 1 + 3
    assert "08:28:00.000" in shown and "0.9" in shown
