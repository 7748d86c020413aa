"""Waveforms, arrivals and probabilities as a still picture: PNG, SVG, PDF, or a small SVG for a page."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from catalogdb.plots.svg import page_svg
from catalogdb.plots.text import amplitude, subtitle, threshold_texts
from catalogdb.plots.theme import LIGHT, Theme
from catalogdb.plots.view import (
    Component,
    Lane,
    StationPanel,
    Strip,
    View,
    envelope,
    gaps,
    marks_between,
    phase_letter,
    spans_with_values,
    without_plateaus,
)

SECONDS_PER_DAY = 86_400.0
WIDTH_INCHES = 12.0
PNG_DPI = 140
BINS = 1600
PAGE_WIDTH_INCHES, PAGE_BINS = 8.6, 300
MOST_LETTERS = 60
"""With more arrivals on a station, lanes show ticks (P above S) without letters, and no lines cross the waveforms."""
LABEL_WIDTH = 22
FEW_PANELS = 1
"""With more stations than this rows are low, and each station has a heading."""
CLOCK = ["%Y-%m-%d", "%Y-%m-%d", "%Y-%m-%d", "%H:%M", "%H:%M", "%H:%M:%S.%f"]
"""Labels of the time axis where years, months, days, hours, minutes and seconds change."""
DASHES = {"reference": (0, (5, 2)), "predicted": (0, (1, 2))}
"""Lines of other lanes are solid."""
FONT_POINTS = 8
TITLE_LETTERS_PER_INCH = 12


def picture(view: View, format: str, theme: Theme = LIGHT) -> bytes:
    """The figure as a file's content.

    Args:
        format: png, svg or pdf.
    """
    figure = draw(view, theme)
    buffer = io.BytesIO()
    metadata = {"Title": view.title}
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "catalogdb"}):
        figure.savefig(buffer, format=format, dpi=PNG_DPI, facecolor=theme.background, metadata=metadata)
    return buffer.getvalue()


def event_figure_svg(view: View) -> str:
    """A small <svg> element to put into a page: it follows the reader's light or dark scheme, and needs no file.

    Meant for an event and a few stations, with two components each; an hour of ten stations is no small figure.

    Args:
        view: what to show, for example of `catalogdb.stages.read_waveform.event_view`.
    """
    figure = draw(view, LIGHT, width_inches=PAGE_WIDTH_INCHES, bins=PAGE_BINS)
    buffer = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "catalogdb"}):
        figure.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    return page_svg(buffer.getvalue(), view.title)


def draw(view: View, theme: Theme = LIGHT, width_inches: float = WIDTH_INCHES, bins: int = BINS) -> Figure:
    """The figure as Matplotlib has it: for each station its arrivals, its components, and what the pickers saw.

    Args:
        width_inches: of the figure; its height follows from what is in it.
        bins: points that a curve is drawn with, at most twice as many.
    """
    rows = [row for panel in view.panels for row in _rows(panel, compact=len(view.panels) > FEW_PANELS)]
    heights = [height for *_, height in rows]
    style = {
        "font.size": FONT_POINTS,
        "text.color": theme.text,
        "axes.edgecolor": theme.muted,
        "axes.labelcolor": theme.text,
        "axes.linewidth": 0.5,
        "xtick.color": theme.text,
        "ytick.color": theme.text,
        "axes.facecolor": "none",
        "legend.facecolor": "none",
        "legend.edgecolor": "none",
    }
    with matplotlib.rc_context(style):
        layout = ConstrainedLayoutEngine(h_pad=0.015, hspace=0.0, w_pad=0.06)
        figure = Figure(figsize=(width_inches, sum(heights) + 1.25), layout=layout, facecolor=theme.background)
        axes_of_rows = figure.subplots(len(rows), sharex=True, height_ratios=heights, squeeze=False)[:, 0]
        for axes, (kind, content, panel, _) in zip(axes_of_rows, rows, strict=True):
            _frame(axes, view, panel, kind, theme)
            DRAWERS[kind](axes, content, view, panel, theme, bins)
        _time_axis(axes_of_rows[-1], view)
        title = textwrap.fill(view.title, int(width_inches * TITLE_LETTERS_PER_INCH))
        figure.suptitle(f"{title}\n{subtitle(view)}", fontsize=FONT_POINTS + 2, x=0.01, ha="left")
        handles = _key(view, theme)
        if handles:
            figure.legend(handles=handles, loc="outside lower left", ncols=len(handles), handlelength=1.8)
        if view.notes:
            axes_of_rows[-1].annotate(
                "\n".join(textwrap.fill(note, int(width_inches * 14)) for note in view.notes),
                (0, 0),
                xytext=(0, -34),
                xycoords="axes fraction",
                textcoords="offset points",
                va="top",
                fontsize=FONT_POINTS - 1,
                color=theme.muted,
            )
    return figure


def _rows(panel: StationPanel, compact: bool) -> list[tuple[str, object, StationPanel, float]]:
    """(kind, content, panel, height in inches) of each row of a station."""
    wave, probability = (0.55, 0.42) if compact else (1.25, 0.85)
    heading = 0.2 if compact else 0.05
    rows: list[tuple[str, object, StationPanel, float]] = [
        ("lanes", panel.lanes, panel, heading + 0.19 * max(len(panel.lanes), 1))
    ]
    rows += [("wave", component, panel, wave) for component in panel.components]
    rows += [("strip", strip, panel, probability) for strip in panel.strips]
    return rows


def _frame(axes: Axes, view: View, panel: StationPanel, kind: str, theme: Theme) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlim(_days(view.starttime), _days(view.endtime))
    axes.tick_params(length=2.5, width=0.5)
    if kind == "lanes":
        axes.spines[["bottom", "left"]].set_visible(False)
        axes.tick_params(axis="y", length=0)
        if len(view.panels) > FEW_PANELS:
            axes.set_title(panel.heading(), loc="left", fontsize=FONT_POINTS, fontweight="bold", pad=2)
    axes.tick_params(axis="x", bottom=False, labelbottom=False)
    axes.grid(axis="x", color=theme.gap, linewidth=0.4)
    axes.set_axisbelow(True)


def _lanes(axes: Axes, lanes: tuple[Lane, ...], view: View, panel: StationPanel, theme: Theme, bins: int) -> None:
    few = _few(panel, view)
    ticks = []
    for row, lane in enumerate(lanes):
        for mark in lane.marks:
            if not view.starttime <= mark.time <= view.endtime:
                continue
            colour = theme.of_phase(mark.phase)
            x = _days(mark.time)
            if not few:
                letter = phase_letter(mark.phase)
                ticks.append((x, row - 0.42 * (letter != "S"), row + 0.42 * (letter != "P"), colour))
                continue
            filled = bool(mark.events)
            axes.text(
                x,
                row,
                phase_letter(mark.phase) or mark.phase,
                ha="center",
                va="center_baseline",
                fontsize=FONT_POINTS - 1,
                fontweight="bold",
                color=theme.background if filled else colour,
                clip_on=True,
                bbox={
                    "boxstyle": "square,pad=0.12",
                    "facecolor": colour if filled else "none",
                    "edgecolor": colour,
                    "linewidth": 0.6,
                    "linestyle": "solid" if filled else DASHES.get(lane.kind, "solid"),
                },
            )
    if ticks:
        places, top, bottom, colours = zip(*ticks, strict=True)
        axes.vlines(places, top, bottom, colors=colours, linewidth=0.8)
    axes.set_ylim(max(len(lanes), 1) - 0.5, -0.5)
    axes.set_yticks(range(len(lanes)), [_wrapped(lane.name, lines=1) for lane in lanes])
    if not lanes:
        axes.set_yticks([0], ["no picks"])


def _few(panel: StationPanel, view: View) -> bool:
    return marks_between(panel.lanes, view.starttime, view.endtime) <= MOST_LETTERS


def _wave(axes: Axes, component: Component, view: View, panel: StationPanel, theme: Theme, bins: int) -> None:
    for start, end in gaps(component, view.starttime, view.endtime):
        axes.axvspan(_days(start), _days(end), color=theme.gap, linewidth=0)
    for segment in component.segments:
        share = segment.samples.size / segment.rate / (view.endtime - view.starttime)
        times, values = envelope(segment.times, segment.samples, max(1, round(bins * share)))
        axes.plot(times / SECONDS_PER_DAY, values, color=theme.waveform, linewidth=0.6)
    peak = component.peak()
    if peak > 0:
        axes.set_ylim(-1.06 * peak, 1.06 * peak)
    if len(view.panels) > FEW_PANELS:
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        label = (
            f"{component.channel}\n±{amplitude(peak)} {view.unit}"
            if component.segments
            else f"{component.channel}\nno data"
        )
        axes.set_ylabel(label, rotation=0, ha="right", va="center")
    else:
        axes.yaxis.set_major_locator(MaxNLocator(5, symmetric=True))
        axes.set_ylabel(f"{component.channel} ({view.unit})")
    _lines(axes, view, panel, theme)


def _lines(axes: Axes, view: View, panel: StationPanel, theme: Theme) -> None:
    if view.origin_time is not None:
        axes.axvline(_days(view.origin_time), color=theme.text, linewidth=0.8, linestyle=(0, (1, 1)))
    if not _few(panel, view):
        return
    for lane in panel.lanes:
        for mark in lane.marks:
            axes.axvline(
                _days(mark.time),
                color=theme.of_phase(mark.phase),
                linewidth=1.2 if lane.kind in DASHES else 0.7,
                linestyle=DASHES.get(lane.kind, "solid"),
                alpha=0.9,
                zorder=1.5,
            )


def _strip(axes: Axes, strip: Strip, view: View, panel: StationPanel, theme: Theme, bins: int) -> None:
    for trace in strip.traces:
        share = trace.samples / trace.rate / (view.endtime - view.starttime)
        times = trace.start_ns / 1e9 + np.arange(trace.samples) / trace.rate
        for label, values in zip(trace.labels, trace.values, strict=True):
            colour = theme.of_phase(label)
            for first, end in spans_with_values(values):
                points = max(1, round(bins * share * (end - first) / trace.samples))
                x, y = without_plateaus(*envelope(times[first:end], values[first:end], points))
                # A detection lasts as long as the signal: filled, it would hide the phases.
                if label != "D":
                    axes.fill_between(x / SECONDS_PER_DAY, 0, y, color=colour, alpha=0.3, linewidth=0)
                axes.plot(x / SECONDS_PER_DAY, y, color=colour, linewidth=0.7)
    for value, label, labels in threshold_texts(strip):
        colour = theme.of_phase(labels[0]) if len(labels) == 1 else theme.muted
        axes.axhline(value, color=colour, linewidth=0.7, linestyle=(0, (4, 3)))
        axes.annotate(
            label,
            (1, value),
            xytext=(3, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            va="center",
            fontsize=FONT_POINTS - 2,
            color=colour,
        )
    axes.set_ylim(0, 1.05)
    axes.set_yticks([0, 1] if len(view.panels) > FEW_PANELS else [0, 0.5, 1])
    axes.set_ylabel(f"probability\n{_wrapped(strip.name, lines=2)}", rotation=0, ha="right", va="center")


DRAWERS: dict[str, Callable[..., None]] = {"lanes": _lanes, "wave": _wave, "strip": _strip}


def _time_axis(axes: Axes, view: View) -> None:
    locator = AutoDateLocator(minticks=4, maxticks=12)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, formats=CLOCK, zero_formats=CLOCK, show_offset=False))
    axes.tick_params(axis="x", bottom=True, labelbottom=True)
    axes.set_xlabel(f"UTC, {_day(view.starttime)}")


def _key(view: View, theme: Theme) -> list[Any]:
    lanes = [lane for panel in view.panels for lane in panel.lanes if lane.marks]
    phases = {phase_letter(mark.phase) for lane in lanes for mark in lane.marks}
    labels = {
        label for panel in view.panels for strip in panel.strips for trace in strip.traces for label in trace.labels
    }
    handles: list[Any] = [
        Patch(color=theme.of_phase(letter), label=letter, linewidth=0) for letter in "PS" if letter in phases | labels
    ]
    if "D" in labels:
        handles.append(Line2D([], [], color=theme.detection, linewidth=1, label="detection"))
    kinds = {lane.kind for lane in lanes}
    for kind in ("automatic", "reviewed", "reference", "predicted"):
        if kind in kinds:
            handles.append(Line2D([], [], color=theme.text, linestyle=DASHES.get(kind, "solid"), label=kind))
    if any(_few(panel, view) and mark.events for panel in view.panels for lane in panel.lanes for mark in lane.marks):
        handles.append(Patch(facecolor=theme.text, label="filled: belongs to an event"))
    if any(strip.thresholds for panel in view.panels for strip in panel.strips):
        handles.append(Line2D([], [], color=theme.muted, linewidth=0.7, linestyle=(0, (4, 3)), label="threshold"))
    if view.origin_time is not None:
        handles.append(Line2D([], [], color=theme.text, linewidth=0.8, linestyle=(0, (1, 1)), label="origin time"))
    if any(gaps(component, view.starttime, view.endtime) for panel in view.panels for component in panel.components):
        handles.append(Patch(color=theme.gap, label="no data"))
    return handles


def _wrapped(text: str, lines: int) -> str:
    parts = textwrap.wrap(text, LABEL_WIDTH) or [text]
    return "\n".join(parts) if len(parts) <= lines else "\n".join([*parts[: lines - 1], f"{parts[lines - 1][:-1]}…"])


def _days(time: float) -> float:
    """Epoch seconds -> days since 1970, the number that Matplotlib has for dates."""
    return time / SECONDS_PER_DAY


def _day(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d")
