"""QuakeML written by catalogdb, beside ObsPy's own objects and writer; and a whole export from the database.

    python -m benchmarks.exchange [--events 2000] [--rounds 3] [--json]

Events have 22 picks, an arrival of each, two magnitudes and ten station magnitudes. Both programs write the same
documents to a file in turns, each in a process of its own; the texts are compared element by element first. ObsPy
writes a tenth of the events. Then the catalog is entered into an embedded server and exported from there.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks._processes import in_own_process, medians, middle_ratio, peak_mb

CATALOG = "exchange"
ARRIVALS, MAGNITUDE_STATIONS = 22, 10
FIRST, APART_SECONDS = 1704067200.0, 911.7
Pair = tuple[dict[str, Any], list[dict[str, Any]]]
WRITERS = ("catalogdb", "obspy")


def pairs(number: int) -> Iterator[Pair]:
    """Events with their picks, as the database holds them."""
    for place in range(number):
        yield _pair(place)


def _pair(place: int) -> Pair:
    own = {"config_id": "exchange", "task_id": "exchange"}
    time_of = FIRST + place * APART_SECONDS + 0.123456
    picks, arrivals = [], []
    for count in range(ARRIVALS):
        phase = "PS"[count % 2]
        where = {"net": "OX", "sta": f"S{count // 2:03d}"}
        after = 2.0 + 0.731 * count
        identity = f"{place:016x}{count:016x}"
        picks.append(
            {
                **{"_id": identity, "pick_set": CATALOG, "channel_group": f"OX.{where['sta']}..HH", "phase": phase},
                **where,
                **{"loc": "", "chan": "HHZ" if phase == "P" else "HHN", "time": time_of + after, "uncertainty": 0.043},
                **{"probability": 0.873, "quality": 0.91, "snr": 14.25, "amplitude": 812.5},
                **{"evaluation_mode": "automatic"},
                **own,
            }
        )
        arrivals.append(
            {
                **{"pick_id": identity, "phase": phase, **where, "time": time_of + after, "residual": 0.031},
                **{"distance_km": 5.9 * after, "azimuth": 16.1 * count, "takeoff_angle": 94.5, "weight": 0.93},
            }
        )
    origin = {
        **{"_id": f"o{place}", "method": "scan", "time": time_of, "latitude": 46.1 + place % 97 * 0.003},
        **{"longitude": 12.9, "depth_km": 9.25, "time_uncertainty": 0.08, "horizontal_uncertainty_km": 0.61},
        **{"depth_uncertainty_km": 1.3, "rms": 0.14, "azimuthal_gap": 88.0, "minimum_distance_km": 7.2},
        **{"n_picks": ARRIVALS, "n_p": ARRIVALS // 2, "n_s": ARRIVALS // 2, "n_stations": ARRIVALS // 2},
        "arrivals": arrivals,
    }
    stations = [
        {"net": "OX", "sta": f"S{count:03d}", "value": 1.4 + 0.01 * count, "amplitude_mm": 0.3, "distance_km": 20.0}
        for count in range(MAGNITUDE_STATIONS)
    ]
    magnitude = {"_id": f"m{place}", "type": "ML", "value": 1.45, "uncertainty": 0.2, "n_stations": MAGNITUDE_STATIONS}
    event = {
        **{"_id": f"{place:032x}", "catalog": CATALOG, "time": time_of, "latitude": origin["latitude"]},
        **{"longitude": 12.9, "depth_km": 9.25, "magnitude": 1.45, "magnitude_type": "ML", "event_type": "earthquake"},
        **{"point": {"type": "Point", "coordinates": [12.9, origin["latitude"]]}},
        **{"evaluation_mode": "automatic", "evaluation_status": "preliminary", "preferred_origin_id": f"o{place}"},
        **{"preferred_magnitude_id": f"m{place}", "origins": [origin]},
        "magnitudes": [{"_id": f"d{place}", "type": "MD", "value": 1.6}, magnitude | {"station_magnitudes": stations}],
        "creation_info": {"agency_id": "OGS", "creation_time": FIRST},
        **own,
    }
    return event, picks


def measure(program: str, number: int) -> dict[str, Any]:
    """One program's figures, in this process."""
    from benchmarks._obspy_quakeml import write_by_obspy
    from catalogdb.exchange.quakeml_writer import write_quakeml

    write: Any = write_quakeml if program == "catalogdb" else write_by_obspy
    with tempfile.TemporaryFile() as file:
        write(pairs(2), file)
        began = time.perf_counter(), time.process_time()
        written = write(pairs(number), file)
        seconds, cpu = time.perf_counter() - began[0], time.process_time() - began[1]
    return {"events_per_s": written / seconds, "events_per_cpu_s": written / cpu, "peak_mb": peak_mb()}


def export(data_dir: str, database: str, number: int) -> dict[str, Any]:
    """Export the catalog from the running server, in this process."""
    from catalogdb.database.connection import connect
    from catalogdb.settings import Settings
    from catalogdb.stages.export import export_catalog

    db = connect(Settings(data_dir=Path(data_dir), database=database), start=False)
    with tempfile.TemporaryDirectory() as folder:
        before = time.perf_counter(), time.process_time()
        summary = export_catalog(db, CATALOG, Path(folder) / "catalog.xml")
        seconds, cpu = time.perf_counter() - before[0], time.process_time() - before[1]
    if summary["events"] != number or summary["picks"] != number * ARRIVALS:
        raise RuntimeError(f"exported {summary}")
    return {"events_per_s": number / seconds, "events_per_cpu_s": number / cpu, "peak_mb": peak_mb()}


def from_database(number: int, folder: Path) -> dict[str, Any]:
    """Figures of a whole export: read from one snapshot, set aside, written."""
    from catalogdb.database.connection import connect, embedded
    from catalogdb.database.initialise import initialise
    from catalogdb.settings import Settings

    settings = Settings(data_dir=folder, database="benchmark")
    server = embedded(settings)
    try:
        db = connect(settings)
        initialise(db)
        for event, picks in pairs(number):
            db.event.insert_one(event)
            db.pick.insert_many(picks)
        named = {"_id": CATALOG, "kind": "automatic", "config_id": "exchange"}
        db.pick_set.insert_one(named)
        db.catalog.insert_one(named | {"pick_set": CATALOG, "starttime": FIRST, "endtime": FIRST + number * 1000.0})
        return in_own_process("benchmarks.exchange", "export", str(folder), "benchmark", str(number))
    finally:
        server.stop()


def are_equal() -> bool:
    """Whether both programs write the same elements with the same texts."""
    import io

    from lxml import etree

    from benchmarks._obspy_quakeml import write_by_obspy
    from catalogdb.exchange.quakeml_writer import write_quakeml

    texts = []
    for write in (write_quakeml, write_by_obspy):
        stream = io.BytesIO()
        write(pairs(5), stream)  # type: ignore[arg-type]
        root = etree.fromstring(stream.getvalue(), etree.XMLParser(remove_blank_text=True))
        texts.append(etree.tostring(root, method="c14n"))
    return texts[0] == texts[1]


def compare(number: int, rounds: int, folder: Path) -> dict[str, Any]:
    """All figures."""
    runs: dict[str, list[dict[str, Any]]] = {program: [] for program in WRITERS}
    for _ in range(rounds):
        for program in WRITERS:
            wanted = number if program == "catalogdb" else max(number // 10, 1)
            runs[program].append(in_own_process("benchmarks.exchange", program, str(wanted)))
    large = in_own_process("benchmarks.exchange", "catalogdb", str(4 * number))
    figures = {program: medians(found) for program, found in runs.items()}
    return {
        "events": number,
        "arrivals": ARRIVALS,
        "equal": are_equal(),
        "quakeml_events_per_s": {program: figures[program]["events_per_s"] for program in WRITERS},
        "quakeml_events_per_cpu_s": {program: figures[program]["events_per_cpu_s"] for program in WRITERS},
        "ratio_of_cpu": middle_ratio(runs["catalogdb"], runs["obspy"], "events_per_cpu_s"),
        "peak_mb": {program: figures[program]["peak_mb"] for program in WRITERS},
        "peak_mb_four_times_the_events": round(large["peak_mb"], 1),
        "export_from_database": medians([from_database(number, folder)]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--events", type=int, default=2000, help="events of the catalog")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--measure", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        program, *rest = arguments.measure
        found = export(rest[0], rest[1], int(rest[2])) if program == "export" else measure(program, int(rest[0]))
        print(json.dumps(found))
        return
    with tempfile.TemporaryDirectory() as temporary:
        result = compare(arguments.events, arguments.rounds, Path(temporary))
    if arguments.json:
        print(json.dumps({"benchmark": "exchange"} | result))
        return
    for name, value in result.items():
        print(f"{name.replace('_', ' ')}: {value}")


if __name__ == "__main__":
    main()
