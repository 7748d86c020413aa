"""Flat tables of events and of arrivals, written as csv or Parquet; units stand in the columns' names."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, BinaryIO, Literal

from catalogdb.batches import batches
from catalogdb.documents.data import Event, Pick
from catalogdb.documents.free import Row
from catalogdb.errors import CatalogdbError
from catalogdb.exchange.csv_catalog import read_csv
from catalogdb.exchange.event_parts import preferred_origin
from catalogdb.times import format_time, utc_datetime

__all__ = ["ARRIVAL_COLUMNS", "EVENT_COLUMNS", "arrival_rows", "event_row", "read_csv", "write_csv", "write_parquet"]

Kind = Literal["text", "time", "number", "count"]

# column -> kind of its values
EVENT_COLUMNS: dict[str, Kind] = {
    "event_id": "text",
    "time": "time",
    "latitude": "number",
    "longitude": "number",
    "depth_km": "number",
    "magnitude": "number",
    "magnitude_type": "text",
    "time_uncertainty_s": "number",
    "horizontal_uncertainty_km": "number",
    "depth_uncertainty_km": "number",
    "rms_s": "number",
    "azimuthal_gap_degree": "number",
    "minimum_distance_km": "number",
    "limits": "text",
    "n_picks": "count",
    "n_p": "count",
    "n_s": "count",
    "n_stations": "count",
    "origin_method": "text",
    "event_type": "text",
    "place": "text",
    "evaluation_mode": "text",
    "evaluation_status": "text",
    "source_id": "text",
    "depth_68_low_km": "number",
    "depth_68_high_km": "number",
    "depth_90_low_km": "number",
    "depth_90_high_km": "number",
    "epicentre_68_km": "number",
    "epicentre_90_km": "number",
    "covariance_ee_km2": "number",
    "covariance_en_km2": "number",
    "covariance_ed_km2": "number",
    "covariance_nn_km2": "number",
    "covariance_nd_km2": "number",
    "covariance_dd_km2": "number",
    "bimodal": "text",
}
"""East, north and down of the covariance are e, n and d."""
ARRIVAL_COLUMNS: dict[str, Kind] = {
    "event_id": "text",
    "pick_id": "text",
    "network": "text",
    "station": "text",
    "location": "text",
    "channel": "text",
    "phase": "text",
    "time": "time",
    "uncertainty_s": "number",
    "probability": "number",
    "hypo71_weight": "count",
    "polarity": "text",
    "onset": "text",
    "evaluation_mode": "text",
    "residual_s": "number",
    "distance_km": "number",
    "azimuth_degree": "number",
    "weight": "number",
}

PARQUET_BATCH_ROWS = 20_000
FORMULA = re.compile(r"'*[=+\-@\t\r\n]")  # what spreadsheets run, or did once a quote before it was taken off
NUMBER = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)


def event_row(event: Event) -> Row:
    """One row of the event table: the preferred origin and magnitude."""
    origin = preferred_origin(event)
    renamed = {"event_id": event["_id"], "rms_s": event.get("rms"), "azimuthal_gap_degree": event.get("azimuthal_gap")}
    renamed["limits"] = " ".join(origin.get("limits", ())) or None
    renamed |= {"time_uncertainty_s": origin.get("time_uncertainty"), "origin_method": origin.get("method")}
    renamed |= _intervals(origin)
    return {name: renamed[name] if name in renamed else event.get(name, origin.get(name)) for name in EVENT_COLUMNS}


def _intervals(origin: Mapping[str, Any]) -> Row:
    """Limits of depth, covariance and what else an origin by a probability density says."""
    row: Row = {"bimodal": "yes" if origin.get("bimodal") else None}
    for level in ("68", "90"):
        low, high = origin.get(f"depth_{level}_km") or (None, None)
        row |= {f"depth_{level}_low_km": low, f"depth_{level}_high_km": high}
    covariance = origin.get("covariance_km2")
    for number, name in enumerate("end"):
        for other in range(number, 3):
            row[f"covariance_{name}{'end'[other]}_km2"] = covariance[number][other] if covariance else None
    return row


def arrival_rows(event: Event, picks: list[Pick]) -> Iterator[Row]:
    """One row for each arrival of the preferred origin, with what its pick says."""
    known = {pick["_id"]: pick for pick in picks}
    for arrival in preferred_origin(event).get("arrivals", []):
        pick: Mapping[str, Any] = known.get(arrival["pick_id"]) or {}
        row = {
            name: pick.get(name) for name in ("probability", "hypo71_weight", "polarity", "onset", "evaluation_mode")
        }
        row |= {
            "event_id": event["_id"],
            "pick_id": arrival["pick_id"],
            "network": arrival.get("net", pick.get("net")),
            "station": arrival["sta"],
            "location": pick.get("loc"),
            "channel": pick.get("chan"),
            "phase": arrival["phase"],
            "time": arrival["time"],
            "uncertainty_s": pick.get("uncertainty"),
            "residual_s": arrival.get("residual"),
            "distance_km": arrival.get("distance_km"),
            "azimuth_degree": arrival.get("azimuth"),
            "weight": arrival.get("weight"),
        }
        yield {name: row[name] for name in ARRIVAL_COLUMNS}


def write_csv(rows: Iterable[Row], columns: dict[str, Kind], stream: BinaryIO) -> int:
    """Write rows as csv; their number is returned.

    UTF-8, a header line, ISO 8601 times in UTC, empty cells for what is not known. A text that a spreadsheet would take
    for a formula gets a quote in front, which `csv_columns.text` takes off again.
    """
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
    writer = csv.DictWriter(text, list(columns), lineterminator="\n")
    writer.writeheader()
    number = 0
    times = [name for name, kind in columns.items() if kind == "time"]
    texts = [name for name, kind in columns.items() if kind == "text"]
    for row in rows:
        changed = {name: format_time(row[name]) for name in times if row[name] is not None}
        changed |= {name: _no_formula(row[name]) for name in texts if row[name]}
        writer.writerow(row | changed)
        number += 1
    text.detach()
    return number


def write_parquet(rows: Iterable[Row], columns: dict[str, Kind], stream: BinaryIO) -> int:
    """Write rows as Parquet, a batch at a time, times as timestamps in UTC with microseconds; their number is returned.

    Raises:
        CatalogdbError: where pyarrow is missing or doesn't fit the NumPy installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise CatalogdbError(f"Parquet needs pyarrow: {error}", hint="pip install 'catalogdb[parquet]'") from error
    types = {
        "text": pyarrow.string(),
        "time": pyarrow.timestamp("us", tz="UTC"),
        "number": pyarrow.float64(),
        "count": pyarrow.int64(),
    }
    schema = pyarrow.schema([(name, types[kind]) for name, kind in columns.items()])
    number = 0
    with pyarrow.parquet.ParquetWriter(stream, schema) as writer:
        for batch in batches(rows, PARQUET_BATCH_ROWS):
            values = {
                name: [_timestamp(row[name]) if kind == "time" else row[name] for row in batch]
                for name, kind in columns.items()
            }
            writer.write_table(pyarrow.Table.from_pydict(values, schema=schema))
            number += len(batch)
    return number


def _no_formula(text: str) -> str:
    return f"'{text}" if FORMULA.match(text) and not NUMBER.fullmatch(text) else text


def _timestamp(time: float | None) -> datetime | None:
    return None if time is None else utc_datetime(time)
