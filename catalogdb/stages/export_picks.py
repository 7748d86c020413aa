"""Picks of a pick set, or the stations that there are -> one file, which is there whole or not at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

from pymongo.database import Database

from catalogdb.database.named import require_pick_set
from catalogdb.documents.data import Pick
from catalogdb.documents.free import Json
from catalogdb.errors import InputError
from catalogdb.exchange.formats import load
from catalogdb.exchange.pick_tables import FIRST_ARRIVALS_ONLY, write_pick_quakeml, write_pick_table
from catalogdb.exchange.simulation_files import utm_zone
from catalogdb.filters import Filter
from catalogdb.output_file import write_atomically
from catalogdb.phases import phase_type
from catalogdb.selection import select
from catalogdb.stages.export import written_format
from catalogdb.stages.read_catalog import picks_by_time
from catalogdb.stages.station_places import stations_in_operation
from catalogdb.stations.places import Place
from catalogdb.times import ALWAYS

NO_FIRST_ARRIVAL = "picks that are no first P or S"
NO_PROBABILITY = "picks without a probability, written with an empty one"


def export_picks(
    db: Database, pick_set: str, output: Path, format: str | None = None, filters: Iterable[Filter] = ()
) -> Json:
    """Write the picks of a set that pass all filters to a file, by time, from one snapshot of the database.

    Args:
        format: csv, parquet, quakeml, phasenet, seisbench or gamma; none: by the suffix.
        filters: on fields of `pick`, as `catalogdb query pick` has them.

    Returns:
        Summary: pick_set, output, format, picks, bytes, and `left_out`: what the format can't hold, by reason.

    Raises:
        InputError: for an unknown pick set or format, or an output that can't be written.
    """
    output = Path(output)
    chosen = written_format("picks", output, format)
    require_pick_set(db, pick_set)
    query = {"$and": [{"pick_set": pick_set}, *select("pick", list(filters)).of_rows]}
    left_out: Counter[str] = Counter()
    with picks_by_time(db, query) as picks:
        taken = _first_arrivals(picks, left_out) if chosen.name in FIRST_ARRIVALS_ONLY else picks
        written: Counter[str] = Counter()

        def write(stream: BinaryIO) -> None:
            if chosen.name == "quakeml":
                written["picks"] = write_pick_quakeml(taken, stream, pick_set)
            else:
                written["picks"] = write_pick_table(taken, stream, chosen.name)

        size = write_atomically(output, write)
    return {
        "pick_set": pick_set,
        "output": str(output),
        "format": chosen.name,
        "picks": written["picks"],
        "bytes": size,
        "left_out": dict(left_out),
    }


def _first_arrivals(picks: Iterator[Pick], left_out: Counter[str]) -> Iterator[Pick]:
    for pick in picks:
        if phase_type(pick["phase"]) is None:
            left_out[NO_FIRST_ARRIVAL] += 1
            continue
        if "probability" not in pick:
            left_out[NO_PROBABILITY] += 1
        yield pick


def export_stations(
    db: Database, output: Path, format: str, starttime: float = ALWAYS[0], endtime: float = ALWAYS[1]
) -> Json:
    """Write the stations with an epoch in a period to a file, each at the place that it kept longest then.

    Args:
        format: specfem, seissol or noisepy.
        starttime, endtime: epoch seconds UTC.

    Returns:
        Summary: output, format, stations, bytes, and for SeisSol the projection of the places.

    Raises:
        InputError: for an unknown format, no station, or an output that can't be written.
    """
    chosen = written_format("stations", Path(output), format)
    rows = stations_in_operation(db, starttime, endtime)
    places = {(row["net"], row["sta"]): Place(row["latitude"], row["longitude"], row["elevation_km"]) for row in rows}
    if not places:
        raise InputError("there are no stations in that period", hint="catalogdb ingest stations FILE")
    size = write_atomically(Path(output), partial(load(chosen.writer or ""), places))
    more = {"projection": utm_zone(places)} if chosen.name == "seissol" else {}
    return {"output": str(output), "format": chosen.name, "stations": len(places), "bytes": size} | more
