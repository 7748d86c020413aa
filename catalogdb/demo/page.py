"""The demo's page: map, magnitudes over time and residuals of a catalog against its truth, in one file."""

from __future__ import annotations

import base64
import html
import io
from math import cos, radians
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.dates import DateFormatter, date2num
from matplotlib.figure import Figure
from obspy import UTCDateTime
from pymongo.database import Database

from catalogdb.comparisons import filled_pipeline, match_events
from catalogdb.evaluation import MARGIN_GATES, residuals
from catalogdb.output_file import write_atomically

MATCHED, MISSED, PROPOSED, STATION = "#0072b2", "#d55e00", "#009e73", "#777777"  # told apart by colour-blind readers
STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; display: block; overflow-x: auto }
th, td { padding: .3rem .8rem; text-align: right; border-bottom: 1px solid #8886 }
th:first-child, td:first-child { text-align: left }
img { max-width: 100%; height: auto; background: white; border-radius: 6px; margin: .5rem 0 }
"""


def write_page(db: Database, catalog: str, reference: str, evaluation: dict[str, Any], path: Path) -> None:
    """Draw a catalog against its reference.

    Args:
        evaluation: what `catalogdb.comparisons.evaluate` gave for the two.
        path: HTML file to write; the pictures are inside.
    """
    period, gates = evaluation["period"], evaluation["gates"]
    span = {"starttime": period["starttime"], "endtime": period["endtime"]}
    margin = MARGIN_GATES * gates["max_dt"]  # a partner may lie outside the period
    pairs = match_events(
        db,
        catalog,
        reference,
        span["starttime"] - margin,
        span["endtime"] + margin,
        max_dt=gates["max_dt"],
        max_km=gates["max_km"],
    )
    events = {name: _events(db, name, span) for name in (catalog, reference)}
    matched_reference = {pair["reference_id"] for pair in pairs}
    matched_catalog = {pair["catalog_id"] for pair in pairs}
    missed = [event for event in events[reference] if event["_id"] not in matched_reference]
    proposed = [event for event in events[catalog] if event["_id"] not in matched_catalog]
    found = [event for event in events[reference] if event["_id"] in matched_reference]
    groups = [("matched", found, MATCHED, "o"), ("missed", missed, MISSED, "X"), ("proposed", proposed, PROPOSED, "^")]
    stations = list(db.site.find({}, {"sta": 1, "lat": 1, "lon": 1}))
    picks = _pick_differences(db, catalog, reference, span, gates["max_pick_dt"])
    figures = [
        ("Map", _map(groups, stations)),
        ("Magnitude over time", _timeline(groups)),
        (
            "Residuals of picks (catalog minus truth)",
            _histograms({f"{phase} picks (s)": picks[phase] for phase in "PS"}),
        ),
        ("Residuals of events (catalog minus truth)", _event_residuals(pairs)),
    ]
    page = _page(f"{catalog} against {reference}", evaluation, figures)
    write_atomically(path, lambda stream: stream.write(page.encode()))


def _events(db: Database, catalog: str, span: dict[str, float]) -> list[dict[str, Any]]:
    fields = {"time": 1, "latitude": 1, "longitude": 1, "magnitude": 1}
    query = {
        "catalog": catalog,
        "time": {"$gte": span["starttime"], "$lt": span["endtime"]},
        "latitude": {"$exists": True},
    }
    return list(db.event.find(query, fields).sort("time", 1))


def _pick_differences(
    db: Database, catalog: str, reference: str, span: dict[str, float], max_dt: float
) -> dict[str, list[float]]:
    sets = {name: db.catalog.find_one({"_id": name})["pick_set"] for name in (catalog, reference)}
    pipeline = filled_pipeline("match_picks", catalog=sets[catalog], reference=sets[reference], **span, max_dt=max_dt)
    differences: dict[str, list[float]] = {"P": [], "S": []}
    for row in db.pick.aggregate([*pipeline, {"$match": {"outcome": "matched"}}], allowDiskUse=True):
        differences[row["phase"]].append(row["dt"])
    return differences


def _map(groups: list, stations: list[dict[str, Any]]) -> Figure:
    figure, axes = plt.subplots(figsize=(8, 6.5), layout="constrained")
    axes.scatter(
        [s["lon"] for s in stations], [s["lat"] for s in stations], marker="v", s=40, color=STATION, label="station"
    )
    for station in stations:
        axes.annotate(
            station["sta"],
            (station["lon"], station["lat"]),
            fontsize=7,
            xytext=(4, 3),
            textcoords="offset points",
            color=STATION,
        )
    for label, events, colour, marker in groups:
        sizes = [12 * (1.5 + max(event.get("magnitude") or 0, 0)) ** 1.6 for event in events]
        positions = [event["longitude"] for event in events], [event["latitude"] for event in events]
        axes.scatter(
            *positions, s=sizes, marker=marker, color=colour, alpha=0.7, linewidths=0, label=f"{label} ({len(events)})"
        )
    latitudes = [s["lat"] for s in stations] or [46.0]
    axes.set_aspect(1 / _cosine(sum(latitudes) / len(latitudes)))
    axes.set(xlabel="longitude (degrees east)", ylabel="latitude (degrees north)")
    axes.grid(alpha=0.3)
    axes.legend()
    return figure


def _timeline(groups: list) -> Figure:
    figure, axes = plt.subplots(figsize=(9, 3.8), layout="constrained")
    unknown = 0
    for label, events, colour, marker in groups:
        sized = [event for event in events if event.get("magnitude") is not None]
        unknown += len(events) - len(sized)
        times = [date2num(UTCDateTime(event["time"]).datetime) for event in sized]
        axes.plot(times, [event["magnitude"] for event in sized], marker, color=colour, alpha=0.8, label=label)
    axes.xaxis_date()
    axes.xaxis.set_major_formatter(DateFormatter("%d %b %H:%M"))
    axes.tick_params(axis="x", rotation=20)
    axes.set(ylabel="magnitude", title=f"{unknown} events without magnitude are not shown" if unknown else None)
    axes.grid(alpha=0.3)
    axes.legend()
    return figure


def _event_residuals(pairs: list[dict[str, Any]]) -> Figure:
    return _histograms(
        {
            "origin time (s)": [pair["dt"] for pair in pairs],
            "epicentre distance (km)": [pair["distance_km"] for pair in pairs],
            "depth (km)": _known(pairs, "depth_difference_km"),
            "magnitude": _known(pairs, "magnitude_difference"),
        }
    )


def _histograms(series: dict[str, list[float]]) -> Figure:
    figure, all_axes = plt.subplots(1, len(series), figsize=(9, 2.9), layout="constrained", squeeze=False)
    axes: Axes
    for axes, (label, values) in zip(all_axes[0], series.items(), strict=True):
        axes.hist(values, bins=30, color=MATCHED, alpha=0.8)
        axes.set(xlabel=label, title=_summary(values))
        axes.title.set_fontsize(9)
        axes.grid(alpha=0.3)
    return figure


def _summary(values: list[float]) -> str:
    if not values:
        return "none"
    return f"{len(values)}, median {residuals(values)['median']:+.2f}"


def _known(pairs: list[dict[str, Any]], key: str) -> list[float]:
    return [pair[key] for pair in pairs if pair.get(key) is not None]


def _cosine(degrees: float) -> float:
    return max(cos(radians(degrees)), 0.05)


def _page(title: str, evaluation: dict[str, Any], figures: list[tuple[str, Figure]]) -> str:
    rows = [("events", evaluation["events"]), *((f"{phase} picks", row) for phase, row in evaluation["picks"].items())]
    columns = ("matched", "missed", "proposed", "recall", "precision")
    head = "".join(f"<th>{column}</th>" for column in ("", *columns))
    body = "".join(
        f"<tr><td>{name}</td>" + "".join(f"<td>{_number(row.get(column))}</td>" for column in columns) + "</tr>"
        for name, row in rows
    )
    pictures = "".join(
        f"<h2>{html.escape(name)}</h2><img alt='{html.escape(name)}' src='{_embedded(figure)}'>"
        for name, figure in figures
    )
    start, end = (UTCDateTime(evaluation["period"][key]).strftime("%Y-%m-%d %H:%M") for key in ("starttime", "endtime"))
    return (
        f"<!doctype html><html lang='en'><meta charset='utf-8'>"
        f"<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{html.escape(title)}</title><style>{STYLE}</style>"
        f"<h1>{html.escape(title)}</h1><p>{start} to {end} UTC</p>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{pictures}</html>\n"
    )


def _number(value: Any) -> str:
    return "" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)


def _embedded(figure: Figure) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, bbox_inches="tight")
    plt.close(figure)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
