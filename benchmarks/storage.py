"""Bytes in MongoDB for a station's day, by collection: data as stored (compressed) and indexes.

    python -m benchmarks.storage [--stations 4] [--hours 24] [--events 60] [--json] [--data FOLDER]

A made network with made events is picked, associated and given magnitudes with the demo's PhaseNet, in an embedded
server of its own. The server is restarted before it is asked, so that all is written out. A year is a day times 365.25.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

START = "2024-03-27T00:00:00"
DAYS_PER_YEAR = 365.25
JOB = """
name: storage
catalog: storage
stages: [pick, associate, magnitude]
pick: {picker: phasenet, weights: demo}
associate: {associator: pyocto, min_picks: 5, min_p: 3, min_s: 2}
magnitude: {form: ogs}
"""


def measure(folder: Path, stations: int, hours: float, events: int) -> dict[str, Any]:
    """Run the job, and ask the server for the sizes of its collections (bytes)."""
    from catalogdb.database.connection import connect, embedded, mspass_database
    from catalogdb.database.initialise import initialise
    from catalogdb.demo.dataset import write_demo_day
    from catalogdb.jobs import load_job
    from catalogdb.runs.run import run_job
    from catalogdb.settings import Settings
    from catalogdb.stages.ingest_stations import ingest_stations
    from catalogdb.stages.ingest_waveforms import ingest_waveforms

    settings = Settings(data_dir=folder / "mongod")
    server = embedded(settings)
    try:
        db = connect(settings)
        initialise(db)
        empty = sizes(db)
        day = write_demo_day(
            folder / "day", 1, START, duration_s=hours * 3600, stations=stations, events=events, lowest_ml=0.8, gaps=0
        )
        ingest_stations(db, mspass_database(settings), [day.stations_path])
        ingest_waveforms(db, [day.waveforms_dir])
        (folder / "storage.yaml").write_text(JOB)
        run_job(settings, load_job(folder / "storage.yaml"))
        server.stop()
        server.start()
        filled = sizes(db)
    finally:
        server.stop()
    grown = {
        name: {key: filled[name][key] - empty.get(name, {}).get(key, 0) for key in filled[name]} for name in filled
    }
    return {
        "station_days": stations * hours / 24,
        "events": filled["event"]["documents"],
        "collections": {name: row for name, row in grown.items() if row["documents"]},
    }


def sizes(db: Any) -> dict[str, dict[str, int]]:
    """Documents, bytes of data and bytes of indexes of each collection."""
    from catalogdb.schema import collections

    rows = {}
    for name in collections():
        stats = db.command("collStats", name)
        rows[name] = {
            "documents": stats["count"],
            "data": stats["storageSize"],
            "uncompressed": stats["size"],
            "indexes": stats["totalIndexSize"],
        }
    return rows


def printed(result: dict[str, Any]) -> list[str]:
    """A table of the result, in MB per station-year."""
    factor = DAYS_PER_YEAR / result["station_days"] / 1e6
    lines = [f"{result['station_days']:g} station-days, {result['events']} events; MB per station-year:"]
    lines += [f"{'collection':<14}{'documents':>10}{'data':>9}{'unpacked':>10}{'indexes':>9}"]
    for name, row in sorted(result["collections"].items(), key=lambda item: -item[1]["data"] - item[1]["indexes"]):
        values = (row[key] * factor for key in ("data", "uncompressed", "indexes"))
        data, unpacked, indexes = values
        lines.append(f"{name:<14}{row['documents']:>10}{data:>9.2f}{unpacked:>10.2f}{indexes:>9.2f}")
    for key in ("data", "indexes"):
        lines.append(f"{key}: {sum(row[key] for row in result['collections'].values()) * factor:.1f} MB")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stations", type=int, default=4)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--events", type=int, default=60, help="made events; a dozen picks each")
    parser.add_argument("--data", type=Path, help="folder to work in; default: a temporary one")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="catalogdb-storage-") as temporary:
        folder = options.data or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        result = measure(folder, options.stations, options.hours, options.events)
    print(json.dumps(result, indent=2) if options.json else "\n".join(printed(result)))


if __name__ == "__main__":
    main()
