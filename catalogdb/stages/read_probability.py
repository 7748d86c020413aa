"""Reading stored probability traces, and taking them away as a file. Nothing else queries the collection."""

from __future__ import annotations

from pathlib import Path

from pymongo.database import Database

from catalogdb.database.named import require_pick_set
from catalogdb.documents.free import Json
from catalogdb.documents.records import PickSet
from catalogdb.errors import InputError
from catalogdb.output_file import write_atomically
from catalogdb.probability import convert
from catalogdb.probability.documents import HOUR_SECONDS, joined, traces_of
from catalogdb.probability.traces import ProbabilityTrace
from catalogdb.times import format_time
from catalogdb.wording import first_few

FORMATS = {".npz": "npz", ".mseed": "miniseed", ".ms": "miniseed"}


def read_probability(
    db: Database, pick_set: str, net: str, sta: str, starttime: float, endtime: float
) -> list[ProbabilityTrace]:
    """Probability traces of one station, cut to [starttime, endtime) and put together across hours.

    Args:
        pick_set: name of the pick set.
        net, sta: network and station code.
        starttime, endtime: epoch seconds UTC.

    Returns:
        Traces ascending in time, none where nothing is stored; a gap in the data, another sensor or other components
        begin a new one.

    Raises:
        InputError: naming the document, when one can't be decoded.
    """
    query = {
        "pick_set": pick_set,
        "net": net,
        "sta": sta,
        "starttime": {"$gt": starttime - HOUR_SECONDS, "$lt": endtime},
    }
    cursor = db.probability.find(query).sort("starttime", 1)
    # Cut before joining: what isn't wanted of the first and last hour needs no memory.
    parts = [trace.cut(starttime, endtime) for document in cursor for trace in traces_of(document)]
    return joined(parts)


def export_probability(
    db: Database, pick_set: str, station: str, starttime: float, endtime: float, output: Path
) -> Json:
    """Write the probability traces of one station and period to a file, which is there whole or not at all.

    Args:
        pick_set: name of the pick set.
        station: NET.STA.
        starttime, endtime: the period [starttime, endtime), epoch seconds UTC.
        output: .npz (NumPy), or .mseed or .ms (miniSEED); `catalogdb.probability.convert` says what they hold.

    Returns:
        Summary: pick_set, station, output, format, labels, floor, traces, seconds (of data), bytes.

    Raises:
        InputError: for an unknown suffix, pick set or station, a period that is empty or has nothing stored, and an
            output that can't be written.
    """
    output = Path(output)
    if not (format := FORMATS.get(output.suffix.lower())):
        raise InputError(
            f"{output}: no known format for the suffix {output.suffix!r}", hint=f"use one of {', '.join(FORMATS)}"
        )
    net, dot, sta = station.partition(".")
    if not dot or not sta or "." in sta:
        raise InputError(f"station {station!r}: not NET.STA", hint="for example OX.BAD")
    if not starttime < endtime:
        raise InputError(f"{format_time(starttime)} to {format_time(endtime)}: the period is empty")
    row = require_pick_set(db, pick_set)
    traces = read_probability(db, pick_set, net, sta, starttime, endtime)
    if not traces:
        raise nothing_stored(db, row, net, sta, starttime, endtime)
    try:
        if format == "npz":
            size = write_atomically(output, lambda stream: convert.write_npz(traces, stream))
        else:
            size = write_atomically(output, lambda stream: convert.write_miniseed(traces, net, sta, stream))
    except ValueError as error:
        period = f"{format_time(starttime)} to {format_time(endtime)}"
        raise InputError(f"pick set {pick_set!r}, {station}, {period}: {error}") from error
    one = db.probability.find_one({"pick_set": pick_set, "net": net, "sta": sta}, {"floor": 1}) or {}
    return {
        "pick_set": pick_set,
        "station": station,
        "output": str(output),
        "format": format,
        "labels": list(traces[0].labels),
        "floor": one.get("floor"),
        "traces": len(traces),
        "seconds": round(sum(trace.samples / trace.rate for trace in traces), 6),
        "bytes": size,
    }


def nothing_stored(db: Database, pick_set: PickSet, net: str, sta: str, starttime: float, endtime: float) -> InputError:
    """What is in the way: a pick set without traces, a station that it doesn't have, or the period."""
    name = pick_set["_id"]
    if db.probability.find_one({"pick_set": name}, {"_id": 1}) is None:
        if pick_set["kind"] != "automatic":
            return InputError(f"pick set {name!r} has no probability traces: it is a {pick_set['kind']} pick set")
        if "copied_from" in pick_set:
            return InputError(
                f"pick set {name!r} has no probability traces: it is a copy, of catalog {pick_set['copied_from']!r}",
                hint="the pick set that it was copied from has them, if its job kept any",
            )
        settings = pick_set.get("config", {}).get("settings", {})
        if settings.get("picker") == "stalta":
            return InputError(f"pick set {name!r} has no probability traces: STA/LTA gives none")
        if settings.get("probability", "none") != "none":
            return InputError(
                f"pick set {name!r} has no probability traces yet", hint="run its job: catalogdb run JOB.yaml"
            )
        return InputError(
            f"pick set {name!r} has no probability traces: it was made with `probability: none`",
            hint="pick again with `pick: {probability: sparse}` in the job, under another name",
        )
    station = {"pick_set": name, "net": net, "sta": sta}
    first = db.probability.find_one(station, {"starttime": 1}, sort=[("starttime", 1)])
    if first is None:
        known = db.probability.aggregate(
            [
                {"$match": {"pick_set": name}},
                {"$group": {"_id": {"net": "$net", "sta": "$sta"}}},
                {"$sort": {"_id": 1}},
            ]
        )
        stations = [f"{row['_id']['net']}.{row['_id']['sta']}" for row in known]
        return InputError(
            f"pick set {name!r} has no probability traces of station {net}.{sta}",
            hint=f"it has {first_few(stations, 20)}",
        )
    last = db.probability.find_one(station, {"endtime": 1}, sort=[("starttime", -1)]) or {"endtime": endtime}
    return InputError(
        f"pick set {name!r} has no probability traces of {net}.{sta} from {format_time(starttime)} to "
        f"{format_time(endtime)}",
        hint=f"its traces of the station lie between {format_time(first['starttime'])} and "
        f"{format_time(last['endtime'])}",
    )
