"""The report as one file: styles, scripts and data are inside, and nothing is fetched when it is opened."""

from __future__ import annotations

import base64
import html
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from catalogdb.documents.free import Json
from catalogdb.geo import Box
from catalogdb.output_file import write_atomically
from catalogdb.plots.theme import page_style, theme_script
from catalogdb.report.coast import coast_around

SKELETON = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main id="report"><noscript>This page draws its figures with JavaScript; the same numbers come from
catalogdb report --json.</noscript></main>
<script type="application/json" id="data">{data}</script>
<script type="application/json" id="coast">{coast}</script>
<script>{script}</script>
</body>
</html>
"""
SCRIPTS = ("format.js", "chart.js", "map.js", "catalog.js", "stations.js", "comparison.js", "report.js")
WIDEST, TALLEST = 1.9, 1.2
"""The map fills its frame, which may be as wide as so many times its height, and as tall as so many its width."""


@dataclass(frozen=True)
class Picture:
    """A picture of a missed event, for example its waveforms with what the picker saw."""

    caption: str
    content: bytes
    media_type: str = "image/svg+xml"


PicturesOf = Callable[[Json], list[Picture]]
"""Gives the pictures of one missed event: a row of `missed_events` of the report's data."""


def write_page(path: Path, data: Json, pictures_of: PicturesOf | None = None) -> None:
    """Write the page; it is there whole or not at all.

    Args:
        path: HTML file.
        data: as `gather` or `gather_catalog` makes it.
        pictures_of: called for each missed event that is shown.
    """
    if pictures_of is not None and data.get("missed_events"):
        pictures = [[_embedded(picture) for picture in pictures_of(row)] for row in data["missed_events"]]
        missed = [
            row | {"pictures": shown} if shown else row
            for row, shown in zip(data["missed_events"], pictures, strict=True)
        ]
        data = data | {"missed_events": missed}
    title = f"{data['catalog']} against {data['reference']}" if "reference" in data else data["catalog"]
    page = SKELETON.format(
        title=html.escape(title),
        style=page_style() + _asset("report.css"),
        data=_inside_script(data),
        coast=_inside_script(_coast(data["map_box"])),
        script="\n".join([theme_script(), *(_asset(name) for name in SCRIPTS)]),
    )
    write_atomically(path, lambda stream: stream.write(page.encode()))


def _coast(box: Mapping[str, float] | None) -> Json:
    """Coastlines of all that a map of the box can show, however wide its frame is."""
    if box is None:
        return {}
    narrowing = max(math.cos(math.radians((box["south"] + box["north"]) / 2.0)), 0.01)
    x, y = (box["west"] + box["east"]) / 2.0, (box["south"] + box["north"]) / 2.0
    width, height = (box["east"] - box["west"]) / 2.0 * narrowing, (box["north"] - box["south"]) / 2.0
    width, height = max(width, WIDEST * height), max(height, TALLEST * width)
    return coast_around(Box(y - height, y + height, x - width / narrowing, x + width / narrowing))


def _asset(name: str) -> str:
    return files("catalogdb.report").joinpath("assets", name).read_text(encoding="utf-8")


def _inside_script(data: Mapping[str, Any]) -> str:
    """JSON in which nothing can end the script element; names in a catalog are anybody's."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"), ensure_ascii=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _embedded(picture: Picture) -> dict[str, str]:
    content = base64.b64encode(picture.content).decode()
    return {"caption": picture.caption, "source": f"data:{picture.media_type};base64,{content}"}
