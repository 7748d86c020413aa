"""Many shards in one worker process: memory and open files, which should stay flat.

    python -m benchmarks.endurance [FILE ...] [--shards 1000] [--weights NAME] [--json]

Files are miniSEED of one channel group (default as in the picking benchmark). They are repeated to 24 h and picked in
shards of an hour, over and over, through the stage's own read and process and a commit.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks._processes import peak_mb
from benchmarks._station_day import default_files, weights_at_hand, write_station_day


def resident_mb() -> float:
    """Resident memory of this process now (MB)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def endure(path: Path, weights: str, shards: int, folder: Path) -> list[dict[str, Any]]:
    """Pick so many shards; memory, open files and seconds at ten points on the way."""
    from catalogdb.database.connection import connect
    from catalogdb.database.embedded import EmbeddedMongod
    from catalogdb.database.initialise import initialise
    from catalogdb.jobs import Job
    from catalogdb.ledger import tasks
    from catalogdb.ledger.execute import execute
    from catalogdb.settings import Settings
    from catalogdb.stages.ingest_waveforms import ingest_waveforms
    from catalogdb.stages.resolve import build_stage

    server = EmbeddedMongod(folder / "mongod")
    server.start()
    try:
        db = connect(Settings(data_dir=server.data_dir, database="endurance"))
        initialise(db)
        ingest_waveforms(db, [path])
        pick = {"picker": "phasenet", "weights": weights, "shard_hours": 1}
        job = Job.model_validate({"name": "endurance", "catalog": "endurance", "stages": ["pick"], "pick": pick})
        stage = build_stage("pick", job)
        planned = list(stage.plan(db))
        points, began = [], time.perf_counter()
        for number in range(1, shards + 1):
            if (number - 1) % len(planned) == 0:  # all of the day once more
                db.task.delete_many({})
                tasks.register(db, stage, planned)
            report = execute(db, stage, planned[(number - 1) % len(planned)])
            if report.status != "done":
                raise RuntimeError(f"shard {number}: {report.status}: {report.error}")
            if number % max(1, shards // 10) == 0:
                gc.collect()
                files = len(os.listdir("/proc/self/fd"))
                seconds = round(time.perf_counter() - began, 1)
                points.append(
                    {"shards": number, "resident_mb": round(resident_mb(), 1), "open_files": files, "seconds": seconds}
                )
        return points
    finally:
        server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", help="miniSEED files of one channel group")
    parser.add_argument("--shards", type=int, default=1000)
    parser.add_argument("--weights", help="PhaseNet weights; default original, or demo where that is not at hand")
    parser.add_argument("--json", action="store_true", help="print JSON only")
    arguments = parser.parse_args()
    weights = arguments.weights or weights_at_hand("phasenet")
    with tempfile.TemporaryDirectory(prefix="catalogdb-bench-") as name:
        folder = Path(name)
        files, data = (arguments.files, "given files") if arguments.files else default_files(folder / "demo")
        write_station_day(files, 24, folder / "day.mseed")
        points = endure(folder / "day.mseed", weights, arguments.shards, folder)
    report = {
        "benchmark": "endurance",
        "data": data,
        "weights": weights,
        "peak_mb": round(peak_mb(), 1),
        "points": points,
    }
    if arguments.json:
        print(json.dumps(report))
        return
    for point in points:
        print(
            f"{point['shards']:>6} shards: {point['resident_mb']:.0f} MB, {point['open_files']} open files, "
            f"{point['seconds']:.0f} s"
        )
    print(f"peak {report['peak_mb']:.0f} MB")


if __name__ == "__main__":
    main()
