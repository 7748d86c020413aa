"""Picks in the layouts of other programs' tables, and as QuakeML without events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, BinaryIO, cast

from catalogdb.documents.data import Event, Pick
from catalogdb.documents.free import Row
from catalogdb.exchange.quakeml_writer import write_quakeml
from catalogdb.exchange.tables import Kind, write_csv, write_parquet
from catalogdb.phases import phase_type
from catalogdb.times import format_time

OWN_COLUMNS: dict[str, Kind] = {
    "pick_id": "text",
    "network": "text",
    "station": "text",
    "location": "text",
    "channel": "text",
    "phase": "text",
    "time": "time",
    "uncertainty_s": "number",
    "probability": "number",
    "quality": "number",
    "snr": "number",
    "hypo71_weight": "count",
    "polarity": "text",
    "onset": "text",
    "evaluation_mode": "text",
}
PHASENET_COLUMNS: dict[str, Kind] = {
    "station_id": "text",
    "phase_time": "text",
    "phase_score": "number",
    "phase_type": "text",
}
SEISBENCH_COLUMNS: dict[str, Kind] = {"station": "text", "time": "text", "probability": "number", "phase": "text"}
GAMMA_COLUMNS: dict[str, Kind] = {"id": "text", "timestamp": "text", "type": "text", "prob": "number"}
DAY_SECONDS = 86400.0


def own_row(pick: Mapping[str, Any]) -> Row:
    """A pick under the names that `catalogdb ingest catalog` reads."""
    renamed = {"pick_id": pick["_id"], "network": pick["net"], "station": pick["sta"], "location": pick["loc"]}
    renamed |= {"channel": pick["chan"], "uncertainty_s": pick.get("uncertainty")}
    return {name: renamed[name] if name in renamed else pick.get(name) for name in OWN_COLUMNS}


def phasenet_row(pick: Mapping[str, Any]) -> Row:
    """A pick as PhaseNet and QuakeFlow have it: NET.STA.LOC.BI, UTC without its Z."""
    return {
        "station_id": _codes(pick, pick["chan"][:2]),
        "phase_time": format_time(pick["time"]).removesuffix("Z"),
        "phase_score": pick.get("probability"),
        "phase_type": phase_type(pick["phase"]),
    }


def seisbench_row(pick: Mapping[str, Any]) -> Row:
    """A pick as the table of SeisBench's `PickList` has it: NET.STA.LOC and the phase."""
    return {
        "station": f"{pick['net']}.{pick['sta']}.{pick['loc']}",
        "time": format_time(pick["time"]).removesuffix("Z"),
        "probability": pick.get("probability"),
        "phase": phase_type(pick["phase"]),
    }


def gamma_row(pick: Mapping[str, Any]) -> Row:
    """A pick as GaMMA takes it; the stations' table has to name them NET.STA.LOC.BI likewise."""
    return {
        "id": _codes(pick, pick["chan"][:2]),
        "timestamp": format_time(pick["time"]).removesuffix("Z"),
        "type": (phase_type(pick["phase"]) or "").lower(),
        "prob": pick.get("probability"),
    }


Layout = tuple[Callable[[Mapping[str, Any]], Row], dict[str, Kind]]
LAYOUTS: dict[str, Layout] = {
    "csv": (own_row, OWN_COLUMNS),
    "parquet": (own_row, OWN_COLUMNS),
    "phasenet": (phasenet_row, PHASENET_COLUMNS),
    "seisbench": (seisbench_row, SEISBENCH_COLUMNS),
    "gamma": (gamma_row, GAMMA_COLUMNS),
}
FIRST_ARRIVALS_ONLY = ("phasenet", "seisbench", "gamma")
"""Layouts of pickers, which know P and S alone."""


def write_pick_table(picks: Iterable[Pick], stream: BinaryIO, layout: str) -> int:
    """Write picks in a layout of `LAYOUTS`; their number is returned."""
    row, columns = LAYOUTS[layout]
    write = write_parquet if layout == "parquet" else write_csv
    return write((row(pick) for pick in picks), columns, stream)


def write_pick_quakeml(picks: Iterable[Pick], stream: BinaryIO, name: str) -> int:
    """Write picks, which come by time, as QuakeML; their number is returned.

    QuakeML has picks in events only, so those of each UTC day stand in an event without origin that is none.
    `catalogdb ingest catalog` knows it by its note, and keeps the picks as those of no event.
    """
    number = 0

    def days() -> Iterator[tuple[Event, list[Pick]]]:
        nonlocal number
        for day, of_day in groupby(picks, key=lambda pick: pick["time"] // DAY_SECONDS):
            found = list(of_day)
            number += len(found)
            yield _day(name, day * DAY_SECONDS), found

    write_quakeml(days(), stream, name)
    return number


def _day(name: str, start: float) -> Event:
    label = format_time(start)[:10]
    empty = {"_id": f"no-event/{name}/{label}", "place": f"picks of {label}, no event", "is_no_event": True}
    return cast(Event, empty | {"origins": [], "magnitudes": []})


def _codes(pick: Mapping[str, Any], band: str) -> str:
    return f"{pick['net']}.{pick['sta']}.{pick['loc']}.{band}"
