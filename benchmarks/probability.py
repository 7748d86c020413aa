"""Store a station-day of probability traces: size beside the miniSEED it was made from, speed, largest error.

    python -m benchmarks.probability [FILE ...] [--picker phasenet] [--weights NAME] [--floors 0.05 ...] [--json]

Files are miniSEED of one channel group. Without any, there are up to three records: two synthetic hours of a quiet
station, and with `CATALOGDB_REALDATA` six minutes with one earthquake (Oklahoma 2013) and 80 minutes of an aftershock
sequence (Ridgecrest 2019).

`size_percent` is the size of 24 documents, as BSON with all their fields, over that of the day's miniSEED; records that
are shorter than a day are scaled up to one. Seconds are CPU seconds for 24 hours, to which the record is repeated, and
MB/s those of the float32 values. Floor 0 keeps everything (`probability: full`).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._station_day import weights_at_hand

DAY_SECONDS = 86_400
START = 19_800 * DAY_SECONDS
FLOORS = (0.0, 0.02, 0.05, 0.1)
NAMES = {
    "_id": "0" * 32,
    "pick_set": "a-pick-set",
    "config_id": "0" * 32,
    "task_id": "0" * 32,
    "channel_group": "XX.STAT.00.HH",
    "net": "XX",
    "sta": "STAT",
    "loc": "00",
}
"""What the picking stage adds to a document, at the length that it has there."""


def default_records(folder: Path) -> dict[str, list[str]]:
    """Files of the records that there are here, by what they are; may write into `folder`."""
    from catalogdb.demo.dataset import write_demo_day
    from catalogdb.demo.network import select_sites

    code = select_sites(None)[0].code
    day = write_demo_day(folder, stations=[code], duration_s=7200, events=2, lowest_ml=1.0, gaps=0)
    group = day.waveform_files[0].name.split(".")[3][:2]
    records = {"quiet, synthetic": [str(path) for path in day.waveform_files if path.name.split(".")[3][:2] == group]}
    if real := os.environ.get("CATALOGDB_REALDATA"):
        records["one earthquake, OK.SIO"] = [str(path) for path in Path(real).glob("oklahoma_2013/mseed/SIO.HH*")]
        records["aftershocks, PB.B921"] = [str(path) for path in Path(real).glob("ridgecrest_2019/mseed/*B921*")]
    return {name: sorted(files) for name, files in records.items() if files}


def probability_of(files: list[str], picker: str, weights: str) -> tuple[Any, float]:
    """Probability trace of the record's longest stretch, and what a day of its miniSEED takes (bytes)."""
    import obspy

    from catalogdb.picking.config import PickConfig
    from catalogdb.picking.picker import load_picker
    from catalogdb.picking.stretches import build_stretches

    loaded = load_picker(PickConfig(picker=picker, weights=weights))
    stream = obspy.Stream(trace for file in files for trace in obspy.read(file))
    seconds = sum(trace.stats.npts * trace.stats.delta for trace in stream) / len({trace.id for trace in stream})
    stretch = max(build_stretches(list(stream), loaded.rate).stretches, key=lambda stretch: stretch.samples)
    return loaded.probability(stretch), sum(map(os.path.getsize, files)) * DAY_SECONDS / seconds


def measure(trace: Any, miniseed_bytes: float, floor: float, rounds: int) -> dict[str, float]:
    """Size, speed and error of one trace at one floor."""
    import bson

    from catalogdb.probability.documents import hour_documents, joined, traces_of
    from catalogdb.probability.traces import ProbabilityTrace

    def at_midnight(values: np.ndarray) -> Any:
        return ProbabilityTrace(START * 10**9, trace.rate, trace.labels, values, trace.components)

    def day_of(values: np.ndarray) -> list[dict[str, Any]]:
        return hour_documents([at_midnight(values)], START, START + DAY_SECONDS, floor)

    documents = day_of(trace.values)
    blob_bytes = sum(len(document["blob"]) for document in documents)
    other_bytes = len(bson.encode(documents[0] | NAMES)) - len(documents[0]["blob"])
    day_bytes = blob_bytes * DAY_SECONDS / (trace.samples / trace.rate) + 24 * other_bytes
    (back,) = joined(part for document in documents for part in traces_of(document))
    kept = trace.values >= np.float32(floor)
    day = np.resize(trace.values, (len(trace.labels), round(DAY_SECONDS * trace.rate)))
    encode, decode = [], []
    for _ in range(rounds):
        began = time.process_time()
        documents = day_of(day)
        encoded = time.process_time()
        decoded = [traces_of(document) for document in documents]
        decode.append(time.process_time() - encoded)
        encode.append(encoded - began)
    assert sum(part.samples for parts in decoded for part in parts) == day.shape[1]
    return {
        "size_percent": round(100 * day_bytes / miniseed_bytes, 4),
        "kb_per_hour": round(day_bytes / 24 / 1e3, 2),
        "encode_seconds": round(statistics.median(encode), 4),
        "decode_seconds": round(statistics.median(decode), 4),
        "encode_mb_per_s": round(day.nbytes / 1e6 / statistics.median(encode)),
        "decode_mb_per_s": round(day.nbytes / 1e6 / statistics.median(decode)),
        "largest_error": round(float(np.abs(back.values[kept] - trace.values[kept]).max(initial=0)), 6),
        "above_floor_percent": round(100 * float(kept.mean()), 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", help="miniSEED files of one channel group")
    parser.add_argument("--picker", default="phasenet", choices=["phasenet", "eqtransformer"])
    parser.add_argument("--weights", help="default: PhaseNet original where it is in SeisBench's cache, else demo")
    parser.add_argument("--floors", type=float, nargs="+", default=FLOORS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print JSON only")
    arguments = parser.parse_args()
    weights = arguments.weights or weights_at_hand("phasenet")
    report: dict[str, Any] = {"picker": arguments.picker, "weights": weights, "records": {}}
    with tempfile.TemporaryDirectory() as folder:
        records = {"given": arguments.files} if arguments.files else default_records(Path(folder))
        for name, files in records.items():
            trace, miniseed_bytes = probability_of(files, arguments.picker, weights)
            report["records"][name] = {
                "minutes": round(trace.samples / trace.rate / 60, 1),
                "miniseed_mb_per_day": round(miniseed_bytes / 1e6, 1),
                "floors": {
                    f"{floor:g}": measure(trace, miniseed_bytes, floor, arguments.rounds) for floor in arguments.floors
                },
            }
    if arguments.json:
        print(json.dumps(report))
        return
    for name, record in report["records"].items():
        print(f"{name}: {record['minutes']} minutes, miniSEED {record['miniseed_mb_per_day']} MB a day")
        for floor, row in record["floors"].items():
            print(
                f"  floor {floor}: {row['size_percent']} % of the miniSEED, {row['kb_per_hour']} kB an hour, encode "
                f"{row['encode_seconds']} s, decode {row['decode_seconds']} s a day, error {row['largest_error']}"
            )


if __name__ == "__main__":
    main()
