"""Writing a figure to a file, and saying what is in it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Literal

from catalogdb.documents.free import Json
from catalogdb.errors import InputError
from catalogdb.output_file import write_atomically
from catalogdb.plots.view import StationPanel, View, gaps
from catalogdb.times import format_time

FORMATS = {".png": "png", ".svg": "svg", ".pdf": "pdf", ".html": "html", ".htm": "html"}
MOST_SAMPLES_OF_A_PAGE = 6_000_000


def figure_format(output: Path) -> str:
    """png, svg, pdf or html, by the file's ending.

    Raises:
        InputError: for another ending, or a folder that isn't there.
    """
    if not (format := FORMATS.get(output.suffix.lower())):
        raise InputError(
            f"{output}: no known format for the suffix {output.suffix!r}", hint=f"use one of {', '.join(FORMATS)}"
        )
    if not output.parent.is_dir():
        raise InputError(f"{output}: there is no folder {output.parent}")
    return format


def write_figure(view: View, output: Path, theme: Literal["light", "dark"] = "light") -> Json:
    """Draw a view into a file, which is there whole or not at all.

    Args:
        output: .png, .svg, .pdf, or .html for a page to zoom in.
        theme: of a picture; a page follows its reader.

    Returns:
        What was drawn, as plain data.
    """
    format = figure_format(output)
    if format == "html":
        from catalogdb.plots.interactive import page

        samples = sum(part.samples.size for panel in view.panels for one in panel.components for part in one.segments)
        if samples > MOST_SAMPLES_OF_A_PAGE:
            raise InputError(
                f"{output}: {samples} samples are more than a page should hold ({MOST_SAMPLES_OF_A_PAGE})",
                hint="show a shorter period or fewer stations, or write a .png",
            )
        content = page(view).encode()
    else:
        from catalogdb.plots.theme import THEMES
        from catalogdb.plots.waveform import picture

        content = picture(view, format, THEMES[theme])
    size = write_atomically(output, lambda stream: stream.write(content))
    return {
        "output": str(output),
        "format": format,
        "bytes": size,
        "title": view.title,
        "starttime": format_time(view.starttime),
        "endtime": format_time(view.endtime),
        "band_hz": view.band,
        "stations": [_station(panel, view) for panel in view.panels],
        "notes": list(view.notes),
    }


def _station(panel: StationPanel, view: View) -> Json:
    place = {} if panel.distance_km is None else {"distance_km": round(panel.distance_km, 3)}
    return {
        "station": panel.station,
        "sensor": panel.sensor,
        **place,
        "components": [
            {
                "channel": one.channel,
                "samples": sum(part.samples.size for part in one.segments),
                "largest": one.peak(),
                "seconds_without_data": round(
                    sum(end - start for start, end in gaps(one, view.starttime, view.endtime)), 3
                ),
            }
            for one in panel.components
        ],
        "arrivals": [
            {
                "name": lane.name,
                "kind": lane.kind,
                "phases": dict(Counter(mark.phase for mark in lane.marks)),
                "in_events": sum(bool(mark.events) for mark in lane.marks),
            }
            for lane in panel.lanes
        ],
        "probabilities": [
            {
                "pick_set": strip.name,
                "labels": list(strip.traces[0].labels),
                "thresholds": [{"pick_set": name, **values} for name, values in strip.thresholds],
            }
            for strip in panel.strips
        ],
    }
