"""Velocity models as figures: map slices of vp and vs through a grid, or speeds of layers by depth."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import matplotlib
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from catalogdb.documents.free import Row
from catalogdb.geo import KM_PER_DEGREE, turned
from catalogdb.plots.still import page, saved, style
from catalogdb.plots.theme import LIGHT, Theme
from catalogdb.plots.velocity_slices import ProfileFigure, Slice, SliceFigure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Values = Literal["difference", "speed"]
WIDTH_INCHES = 12.5
COLUMNS = 2
"""Of slices of P; those of S stand beside them."""
MAPS = {"difference": "RdBu", "speed": "viridis"}
LABELS = {"difference": "{}, per cent from the mean at each depth (blue is fast)", "speed": "{}, km/s"}
FADED = 0.22
"""Opacity of what is not resolved."""
INNER = 98.0
"""Per cent of the resolved pixels that colours reach over."""
LEAST_PER_CENT = 1.0
MANY = 300
"""Events of a slice, from which on their dots are smaller."""


def slices_picture(content: SliceFigure, format: str, theme: Theme = LIGHT, values: Values = "difference") -> bytes:
    """Slices of P and of S: png, svg, pdf or html."""
    with matplotlib.rc_context(style(theme)):
        figure = _slices(content, theme, values)
        return _file(figure, format, theme, content.title, slice_rows(content))


def profile_picture(content: ProfileFigure, format: str, theme: Theme = LIGHT) -> bytes:
    """Speeds of layers by depth, events beside them: png, svg, pdf or html."""
    with matplotlib.rc_context(style(theme)):
        figure = _profile(content, theme)
        corners = zip(content.depths_km, content.vp, content.vs, strict=True)
        rows: list[Row] = [{"depth, km": f"{d:g}", "vp, km/s": f"{p:g}", "vs, km/s": f"{s:g}"} for d, p, s in corners]
        return _file(figure, format, theme, content.title, rows)


def slice_rows(content: SliceFigure) -> list[Row]:
    """Of each slice: depth (km), mean speeds (km/s), what part of the figure is resolved, and events."""
    return [
        {
            "depth_km": one.depth_km,
            "mean_vp": round(one.means[0], 3),
            "mean_vs": round(one.means[1], 3),
            **_resolved(one),
            "events": len(one.events),
        }
        for one in content.slices
    ]


def _resolved(one: Slice) -> Row:
    if one.resolution is None:
        return {}
    p, s = (round(float(own.mean()), 3) for own in one.is_resolved)
    return {"p_resolved": p, "s_resolved": s}


def _file(figure: Figure, format: str, theme: Theme, title: str, rows: list[Row]) -> bytes:
    return page(figure, title, rows).encode() if format == "html" else saved(figure, format, theme, title)


def _slices(content: SliceFigure, theme: Theme, values: Values) -> Figure:
    width = (content.longitudes[-1] - content.longitudes[0]) * _narrowing(content)
    high = min(max((content.latitudes[-1] - content.latitudes[0]) / width, 0.4), 2.0)
    columns = min(COLUMNS, len(content.slices))
    rows = math.ceil(len(content.slices) / columns)
    panel = WIDTH_INCHES / (2 * columns) - 0.5
    figure = Figure(figsize=(WIDTH_INCHES, rows * (panel * high + 0.45) + 1.5), layout="constrained")
    figure.suptitle(content.title, fontsize=12)
    for number, (half, name) in enumerate(zip(figure.subfigures(1, 2, wspace=0.03), ("vp", "vs"), strict=True)):
        half.suptitle(f"speed of {'PS'[number]}, {name}", fontsize=10)
        axes = half.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        colours, norm = matplotlib.colormaps[MAPS[values]], _norm(content, number, values)
        for axis, one in zip(axes.flat, content.slices, strict=False):
            _slice(axis, content, one, number, values, colours, norm, theme)
        for axis in axes.flat[len(content.slices) :]:
            axis.set_visible(False)
        _scale_bar(axes[0, 0], content, theme)
        bar = half.colorbar(ScalarMappable(norm, colours), ax=axes, location="bottom", shrink=0.75, aspect=40, pad=0.02,
                            extend="both")  # fmt: skip
        bar.set_label(LABELS[values].format(name))
        bar.outline.set_linewidth(0.4)
    handles = _key(content, theme)
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False)
    return figure


def _narrowing(content: SliceFigure) -> float:
    return float(np.cos(np.radians(content.latitudes.mean())))


def _norm(content: SliceFigure, number: int, values: Values) -> Normalize:
    """The scale of all slices of P or of S, by what is resolved of them."""
    parts = [(one.differences if values == "difference" else one.speeds)[number] for one in content.slices]
    resolved = [part[one.is_resolved[number]] for part, one in zip(parts, content.slices, strict=True)]
    chosen = np.concatenate(resolved) if any(map(len, resolved)) else np.concatenate([p[np.isfinite(p)] for p in parts])
    if values == "speed":
        return Normalize(*np.percentile(chosen, [100.0 - INNER, INNER]))
    most = max(float(np.percentile(np.abs(chosen), INNER)), LEAST_PER_CENT)
    return Normalize(-most, most)


def _slice(
    axis: Axes, content: SliceFigure, one: Slice, number: int, values: Values, colours: Colormap, norm: Normalize,
    theme: Theme,
) -> None:  # fmt: skip
    shown = (one.differences if values == "difference" else one.speeds)[number]
    pixels = colours(norm(shown))
    pixels[..., 3] = np.where(np.isfinite(shown), np.where(one.is_resolved[number], 1.0, FADED), 0.0)
    x, y = content.longitudes, content.latitudes
    half_x, half_y = (np.diff(values).mean() / 2.0 for values in (x, y))
    extent = (x[0] - half_x, x[-1] + half_x, y[0] - half_y, y[-1] + half_y)
    axis.imshow(pixels, extent=extent, origin="lower", aspect=1.0 / _narrowing(content), interpolation="nearest")
    if one.resolution is not None:
        axis.contour(x, y, one.resolution[number], [0.5], colors=[theme.muted], linewidths=0.7)
    size = 1.2 if len(one.events) > MANY else 2.2
    axis.plot(*one.events.T, "o", color="black", markersize=size, markeredgewidth=0, alpha=0.7)
    axis.plot(*content.stations.T, "^", color="none", markeredgecolor="black", markersize=4.5, markeredgewidth=0.7)
    axis.set(xlim=extent[:2], ylim=extent[2:], facecolor=theme.panel)
    axis.set_title(f"{one.depth_km:g} km, mean {one.means[number]:.2f} km/s", fontsize=9, pad=3)
    for of_axis, axis_extent in ((axis.xaxis, extent[:2]), (axis.yaxis, extent[2:])):
        of_axis.set_major_locator(MaxNLocator(4 if np.ptp(axis_extent) else 1))
        of_axis.set_major_formatter(FuncFormatter(lambda degree, _: f"{round(turned(degree), 6):g}°"))
    axis.tick_params(length=2.5, width=0.5, labelsize=7)


def _scale_bar(axis: Axes, content: SliceFigure, theme: Theme) -> None:
    """A length of 1, 2 or 5 times a power of ten km, at most a third of the map's width."""
    km_per_degree = KM_PER_DEGREE * _narrowing(content)
    (west, east), (south, north) = axis.get_xlim(), axis.get_ylim()
    most = (east - west) * km_per_degree / 3.0
    power = 10.0 ** math.floor(math.log10(most))
    length = max(step for step in (power, 2.0 * power, 5.0 * power) if step <= most)
    start, at = west + 0.05 * (east - west), south + 0.06 * (north - south)
    axis.plot([start, start + length / km_per_degree], [at, at], color="black", linewidth=1.6, solid_capstyle="butt")
    axis.text(start, at + 0.02 * (north - south), f"{length:g} km", fontsize=7, color="black", va="bottom")


def _key(content: SliceFigure, theme: Theme) -> list[Line2D | Patch]:
    handles: list[Line2D | Patch] = []
    if len(content.stations):
        triangle = Line2D([], [], color="none", marker="^", markeredgecolor="black", markersize=5, label="station")
        handles.append(triangle)
    if any(len(one.events) for one in content.slices):
        dot = Line2D([], [], color="none", marker="o", markerfacecolor="black", markeredgewidth=0, markersize=3)
        dot.set_label("event, in the slice nearest in depth")
        handles.append(dot)
    if any(one.resolution is not None for one in content.slices):
        faded = Patch(facecolor=theme.gap, edgecolor=theme.muted, label="faded: resolution below one half")
        handles.append(faded)
    return handles


def _profile(content: ProfileFigure, theme: Theme) -> Figure:
    with_events = len(content.event_depths_km) > 0
    figure = Figure(figsize=(7.0 if with_events else 5.5, 6.5), layout="constrained")
    figure.suptitle(content.title, fontsize=11)
    axes = figure.subplots(1, 1 + with_events, sharey=True, squeeze=False, width_ratios=(2.5, 1.0)[: 1 + with_events])[
        0
    ]
    for name, speeds, colour in (("vp", content.vp, theme.p), ("vs", content.vs, theme.s)):
        axes[0].plot(speeds, content.depths_km, color=colour, label=name, linewidth=1.8)
    axes[0].set(xlabel="speed, km/s", ylabel="depth, km below sea level", xlim=(0.0, None))
    axes[0].set_ylim(content.depths_km.max(), content.depths_km.min())
    axes[0].legend(loc="lower left", frameon=False)
    if with_events:
        axes[1].hist(content.event_depths_km, bins=30, orientation="horizontal", color=theme.station)
        axes[1].set(xlabel=f"{len(content.event_depths_km)} events")
    for axis in axes:
        axis.grid(color=theme.gap, linewidth=0.5)
        axis.set_axisbelow(True)
        axis.spines[["top", "right"]].set_visible(False)
    return figure
