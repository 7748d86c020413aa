"""Waveforms, arrivals and probabilities as one HTML file that opens offline: zoom, move, look at values."""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import asdict
from html import escape
from math import isfinite
from pathlib import Path

import numpy as np

from catalogdb.documents.free import Json, Row
from catalogdb.plots.text import subtitle, threshold_texts
from catalogdb.plots.theme import page_style, theme_script
from catalogdb.plots.view import Component, Lane, StationPanel, Strip, View, gaps, phase_letter
from catalogdb.probability.codec import quantise

FOLDER = Path(__file__).parent
STEPS_OF_PEAK = 2**18
"""Filtered samples are kept to this part of the largest; counts are kept as they are."""

BODY = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>{style}</style></head>
<body><h1>{title}</h1><p>{subtitle}</p>{notes}
<div id="tools"><button id="in" aria-label="zoom in">+</button><button id="out" aria-label="zoom out">−</button>
<button id="all">all</button><button id="theme">light / dark</button>
<label><input type="checkbox" id="scale" checked> scale to what is seen</label>
<span id="lanes"></span><span id="at"></span></div>
<div id="plot">
<canvas tabindex="0" role="img" aria-label="{title}: {subtitle}"></canvas>
<div id="tip" class="tip" role="status"></div></div>
<p><span class="key" style="color:var(--p)">P</span><span class="key" style="color:var(--s)">S</span>{key}</p>
<p id="hint"></p><details><summary>Arrivals as a table</summary><table><thead></thead><tbody></tbody></table></details>
<script type="application/json" id="view">{view}</script><script>{script}</script></body></html>
"""
KEY = (
    "filled: belongs to an event; lines solid: automatic or reviewed, dashed: reference, dotted: predicted; "
    "grey field: no data"
)


def page(view: View) -> str:
    """The figure as an HTML document with everything in it, samples included."""
    data = json.dumps(_plain(view), separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return BODY.format(
        title=escape(view.title),
        subtitle=escape(subtitle(view)),
        notes="".join(f"<p>{escape(note)}</p>" for note in view.notes),
        style=page_style() + (FOLDER / "viewer.css").read_text(encoding="utf-8"),
        key=escape("; ".join([KEY, *_more_keys(view)])),
        view=data,
        script=theme_script() + (FOLDER / "viewer.js").read_text(encoding="utf-8"),
    )


def _plain(view: View) -> Json:
    """The view as JSON takes it, times in seconds after its start."""
    return {
        "starttime": view.starttime,
        "endtime": view.endtime,
        "origin": None if view.origin_time is None else view.origin_time - view.starttime,
        "unit": view.unit,
        "panels": [_panel(panel, view) for panel in view.panels],
    }


def _panel(panel: StationPanel, view: View) -> Json:
    start = view.starttime
    rows: list[Row] = [{"kind": "lanes", "lanes": [_lane(lane, start) for lane in panel.lanes]}]
    rows += [_wave(component, view) for component in panel.components]
    rows += [_strip(strip, start) for strip in panel.strips]
    heading = panel.heading() if len(view.panels) > 1 else ""
    return {"station": panel.station, "heading": heading, "rows": rows}


def _lane(lane: Lane, start: float) -> Json:
    marks = []
    for mark in lane.marks:
        known = {name: value for name, value in asdict(mark).items() if value is not None and value != ()}
        known = {name: value for name, value in known.items() if not isinstance(value, float) or isfinite(value)}
        letter = phase_letter(mark.phase) or mark.phase
        marks.append(known | {"t": round(known.pop("time") - start, 6), "letter": letter})
    return {"name": lane.name, "kind": lane.kind, "marks": marks}


def _wave(component: Component, view: View) -> Json:
    # A median of whole counts may end in a half.
    scale = 0.5 if view.band is None else max(component.peak() / STEPS_OF_PEAK, float(np.finfo(np.float32).tiny))
    return {
        "kind": "wave",
        "name": component.channel,
        "gaps": [[a - view.starttime, b - view.starttime] for a, b in gaps(component, view.starttime, view.endtime)],
        "segments": [
            {
                "t": round(part.starttime - view.starttime, 6),
                "rate": part.rate,
                "n": part.samples.size,
                "scale": scale,
                "data": packed_samples(part.samples, scale),
            }
            for part in component.segments
        ],
    }


def packed_samples(samples: np.ndarray, scale: float) -> str:
    """Samples as whole multiples of a scale, differences of neighbours, byte by byte apart, deflated, base64."""
    codes = np.rint(np.asarray(samples) / scale).astype("<i4")
    with np.errstate(over="ignore"):
        differences = np.diff(codes, prepend=np.int32(0)).astype("<i4")
    planes = np.ascontiguousarray(differences.view(np.uint8).reshape(-1, 4).T)
    return _text(planes.tobytes())


def _strip(strip: Strip, start: float) -> Json:
    return {
        "kind": "strip",
        "name": strip.name,
        "thresholds": [
            {"value": value, "text": text, "labels": labels} for value, text, labels in threshold_texts(strip)
        ],
        "traces": [
            {
                "t": round(trace.start_ns / 1e9 - start, 6),
                "rate": trace.rate,
                "n": trace.samples,
                "labels": list(trace.labels),
                "data": _text(np.ascontiguousarray(quantise(trace.values, 0.0)).tobytes()),
            }
            for trace in strip.traces
        ],
    }


def _text(content: bytes) -> str:
    return base64.b64encode(zlib.compress(content, 9)).decode("ascii")


def _more_keys(view: View) -> list[str]:
    labels = {
        label for panel in view.panels for strip in panel.strips for trace in strip.traces for label in trace.labels
    }
    keys = ["curve that is not filled: detection"] if "D" in labels else []
    return keys if view.origin_time is None else [*keys, "fine dots: origin time"]
