"""Pick one station-day with catalogdb and with SeisBench's `classify`, in turns, each in a process of its own.

    python -m benchmarks.picking [FILE ...] [--hours 24] [--rounds 3] [--weights NAME] [--eqtransformer NAME] [--json]

Files are miniSEED of one channel group, repeated to the wanted length; without any, noise with bursts is made up.
Time counts from opening the file to the list of picks, after imports and loading the weights, each program with its own
default batch size; memory is the process's peak.
`ratio` is SeisBench's seconds over ours: above 1 we are faster. Figures depend on the machine, ratios much less so.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np


def write_station_day(files: list[str], hours: float, path: Path) -> None:
    """Write `hours` of three components, tiled from the files or made up, as miniSEED."""
    import obspy

    stream = obspy.Stream(trace for file in files for trace in obspy.read(file)) if files else _made_up()
    for trace in stream:
        trace.data = np.resize(trace.data, int(hours * 3600 * trace.stats.sampling_rate))
        trace.stats.starttime = obspy.UTCDateTime(2024, 1, 1)
    stream.write(str(path), format="MSEED")


def _made_up():
    import obspy

    rng = np.random.default_rng(0)
    samples, stream = 360_000, obspy.Stream()
    noise = rng.normal(0, 100, (3, samples + 1000))
    for onset in range(5_000, samples - 5_000, 12_000):
        for component, delay, size in ((0, 0, 3000), (1, 400, 6000), (2, 400, 6000)):
            length = 1500
            burst = rng.normal(0, size, length) * np.exp(-np.arange(length) / 300)
            noise[component, onset + delay : onset + delay + length] += burst
    for row, channel in zip(noise, ("HHZ", "HHN", "HHE"), strict=True):
        header = {"network": "XX", "station": "MADE", "channel": channel, "sampling_rate": 100.0}
        stream.append(obspy.Trace(row[:samples].astype(np.int32), header))
    return stream


def measure(program: str, picker: str, weights: str, path: str) -> dict:
    """Run one program in this process: seconds, peak memory (MB), picks."""
    import obspy

    from catalogdb.picking.config import PickConfig
    from catalogdb.picking.picker import load_picker

    ours = load_picker(PickConfig(picker=picker, weights=weights))
    module = ours.network.module
    began, began_cpu = time.perf_counter(), time.process_time()
    stream = obspy.read(path)
    if program == "catalogdb":
        begin, end = stream[0].stats.starttime.timestamp, stream[0].stats.endtime.timestamp
        number = len(ours.pick(list(stream), begin, end).picks)
    else:
        number = len(module.classify(stream, P_threshold=0.3, S_threshold=0.3).picks)
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - began_cpu
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "cpu_seconds": cpu_seconds, "peak_mb": peak_mb, "picks": number}


def compare(picker: str, weights: str, path: Path, rounds: int) -> dict:
    """Medians over alternating runs."""
    results: dict[str, list[dict]] = {"catalogdb": [], "seisbench": []}
    for _ in range(rounds):
        for program, found in results.items():
            command = [sys.executable, __file__, "--measure", program, picker, weights, str(path)]
            found.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    middle = {
        program: {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        for program, runs in results.items()
    }
    ratios = [b["seconds"] / a["seconds"] for a, b in zip(results["catalogdb"], results["seisbench"], strict=True)]
    return {
        **{key: round(value, 2) for key, value in middle["catalogdb"].items()},
        "ratio": round(statistics.median(ratios), 3),
        **{f"seisbench_{key}": round(value, 2) for key, value in middle["seisbench"].items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", help="miniSEED files of one channel group")
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--weights", default="demo", help="PhaseNet weights")
    parser.add_argument("--eqtransformer", help="also measure EQTransformer with these weights")
    parser.add_argument("--json", action="store_true", help="print JSON only")
    parser.add_argument("--measure", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        program, picker, weights, path = arguments.measure
        print(json.dumps(measure(program, picker, weights, path)))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "day.mseed"
        write_station_day(arguments.files, arguments.hours, path)
        settings = (path, arguments.rounds)
        report = {"hours": arguments.hours, **compare("phasenet", arguments.weights, *settings)}
        if arguments.eqtransformer:
            report["eqtransformer"] = compare("eqtransformer", arguments.eqtransformer, *settings)
    if arguments.json:
        print(json.dumps(report))
        return
    for name, row in {"phasenet": report, "eqtransformer": report.get("eqtransformer")}.items():
        if row:
            print(
                f"{name}: {row['seconds']} s, {row['peak_mb']} MB, {row['picks']} picks; SeisBench "
                f"{row['seisbench_seconds']} s, {row['seisbench_peak_mb']} MB, {row['seisbench_picks']} picks; "
                f"ratio {row['ratio']}"
            )


if __name__ == "__main__":
    main()
