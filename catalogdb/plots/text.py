"""Words that every form of a figure has in common."""

from __future__ import annotations

from datetime import UTC, datetime

from catalogdb.plots.view import Strip, View


def subtitle(view: View) -> str:
    """Sensor, period and filter."""
    sensor = f"{view.panels[0].sensor}, " if len(view.panels) == 1 else ""
    start, end = clock_text(view.starttime), clock_text(view.endtime)
    if start[:10] == end[:10]:
        end = end[11:]
    return f"{sensor}{start} to {end} UTC, {view.filter_text}"


def threshold_texts(strip: Strip) -> list[tuple[float, str, list[str]]]:
    """(value, text, labels) of each threshold line; where labels have one threshold it is drawn once."""
    lines = []
    for pick_set, thresholds in strip.thresholds:
        by_value: dict[float, list[str]] = {}
        for label, value in thresholds.items():
            by_value.setdefault(value, []).append(label)
        whose = f" {pick_set}" if len(strip.thresholds) > 1 else ""
        lines += [(value, f"{value:g} {'/'.join(labels)}{whose}", labels) for value, labels in by_value.items()]
    return lines


def amplitude(value: float) -> str:
    """A peak amplitude, readable: 19,456 or 0.0123."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def clock_text(time: float) -> str:
    """Epoch seconds -> 2019-07-07 08:28:00, with milliseconds where there are some."""
    stamp = datetime.fromtimestamp(round(time, 3), UTC)
    return stamp.isoformat(sep=" ", timespec="milliseconds")[:-6].removesuffix(".000")
