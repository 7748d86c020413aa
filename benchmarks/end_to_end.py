"""One station-day from a miniSEED file to picks in MongoDB, beside SeisBench's `classify` on the same file.

    python -m benchmarks.end_to_end [FILE ...] [--hours 24] [--rounds 3] [--weights NAME] [--json]

catalogdb does all that a job does: it makes a fresh database, indexes the file, plans, reads, picks and commits.
SeisBench reads the file with ObsPy and classifies it; its picks stay in memory. Both run in turns, each in a process of
its own, with the same weights, thresholds and overlap, and each with its own batch size.

`seconds` goes from an imported program to its last pick, loading the weights included; `import_seconds` and
`process_seconds` (all of the process, the interpreter's start included) are apart. `cpu_seconds` belong to `seconds`:
the steadier figure where other programs share the cores. `ratio` is SeisBench's seconds over ours: above 1 we are
faster. `peak_mb` is the largest resident memory of the program's process; the MongoDB server is started before the
clock, and its memory stands apart. `network` is the forward pass of the same windows alone.

Files are miniSEED of one channel group, repeated to the wanted length. Without any, it is a borehole station at
Ridgecrest from CATALOGDB_REALDATA, else one station of the demo's synthetic day.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.picking import write_station_day

ROOT = Path(__file__).parent.parent
THRESHOLD = 0.3
LITERATURE_SECONDS = 2.3
"""Published for one station-day of a workflow of this kind on a supercomputer: another machine, another scope."""
PROGRAMS = ("catalogdb", "seisbench", "network")


def default_weights() -> str:
    """`original` where SeisBench's cache holds it, else the packaged `demo`."""
    from catalogdb.errors import InputError
    from catalogdb.picking.weights import resolve

    try:
        resolve("phasenet", "original", download=False)
    except InputError:
        return "demo"
    return "original"


def default_files(folder: Path) -> tuple[list[str], str]:
    """Three-component miniSEED files for where none are given, and what they are; may write into `folder`."""
    real = Path(os.environ.get("CATALOGDB_REALDATA", "")) / "ridgecrest_2019" / "mseed"
    if "CATALOGDB_REALDATA" in os.environ and real.is_dir():
        return [str(path) for path in sorted(real.glob("*B921*"))], "PB.B921, Ridgecrest 2019"
    from catalogdb.demo.dataset import write_demo_day
    from catalogdb.demo.network import select_sites

    code = select_sites(None)[0].code
    day = write_demo_day(folder, stations=[code], duration_s=7200, gaps=0)
    group = day.waveform_files[0].name.split(".")[3][:2]
    return [str(path) for path in day.waveform_files if path.name.split(".")[3][:2] == group], f"synthetic, {code}"


def peak_mb(pid: int | str = "self") -> float:
    """Largest resident memory of a process so far (MB); `getrusage` would count what it was before its exec, too."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no VmHWM in /proc: this benchmark needs Linux")


# -- what the measured processes do


def run_catalogdb(path: str, weights: str, data_dir: str, database: str) -> dict[str, Any]:
    """File -> picks in MongoDB, as `catalogdb ingest waveforms` and `catalogdb run` do it."""
    began = time.perf_counter()
    import seisbench.models  # noqa: F401  (what the job would import on its way)

    from catalogdb.database.connection import connect
    from catalogdb.database.initialise import initialise
    from catalogdb.jobs import Job
    from catalogdb.settings import Settings
    from catalogdb.stages.ingest_waveforms import ingest_waveforms
    from catalogdb.stages.run import build_stage, run_job
    from catalogdb.waveforms import read_traces, scan_miniseed  # noqa: F401

    settings = Settings(data_dir=Path(data_dir), database=database)
    pick = {"picker": "phasenet", "weights": weights, "p_threshold": THRESHOLD, "s_threshold": THRESHOLD}
    job = Job.model_validate({"name": "bench", "catalog": "bench", "stages": ["pick"], "pick": pick})
    build_stage("pick", job)
    imported, cpu = time.perf_counter(), time.process_time()
    db = connect(settings)
    initialise(db)
    initialised = time.perf_counter()
    ingest_waveforms(db, [path])
    ingested = time.perf_counter()
    report = run_job(settings, job)
    ended, cpu = time.perf_counter(), time.process_time() - cpu
    if report.status != "done":
        raise RuntimeError(f"the job ended as {report.status}: {report.stages}")
    steps = {"initialise": initialised - imported, "ingest": ingested - initialised, "run": ended - ingested}
    steps |= {f"task_{name}": value for name, value in report.stages["pick"].seconds.items()}
    picks = db.pick.count_documents({"pick_set": "bench"})
    clock = {"import_seconds": imported - began, "seconds": ended - imported, "cpu_seconds": cpu}
    return {**clock, "picks": picks, "steps": steps}


def run_seisbench(path: str, weights: str) -> dict[str, Any]:
    """File -> picks in memory, with SeisBench's own reading, batching and stacking."""
    began = time.perf_counter()
    import obspy
    import seisbench.models as sbm

    from catalogdb.picking.weights import resolve

    imported, cpu = time.perf_counter(), time.process_time()
    files = resolve("phasenet", weights)
    model = sbm.PhaseNet.load(files.pt.with_name(files.name), version_str=files.version)
    model.eval()
    found = model.classify(obspy.read(path), P_threshold=THRESHOLD, S_threshold=THRESHOLD)
    ended, cpu = time.perf_counter(), time.process_time() - cpu
    clock = {"import_seconds": imported - began, "seconds": ended - imported, "cpu_seconds": cpu}
    return {**clock, "picks": len(found.picks)}


def run_network(path: str, weights: str) -> dict[str, Any]:
    """Forward pass of all windows of the file, and nothing else on the clock; batches side by side as in catalogdb."""
    import numpy as np
    import obspy
    import torch

    from catalogdb.picking.config import PickConfig
    from catalogdb.picking.inference import _batches, available_threads
    from catalogdb.picking.picker import load_picker
    from catalogdb.picking.records import build_runs
    from catalogdb.picking.windows import window_starts

    config = PickConfig(weights=weights)
    picker = load_picker(config)
    network = picker.network
    runs = build_runs(list(obspy.read(path)), picker.rate).runs
    batches: list[np.ndarray] = []
    for run in runs:
        starts = window_starts(run.start_ns, run.rate, run.samples, network.window, network.stride, network.rate)
        settle = picker.files.filter_settle_seconds()
        batches += [windows for _, windows in _batches(network, run, starts, config.batch_size, settle)]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(available_threads(), initializer=torch.set_num_threads, initargs=(1,)) as pool:
        list(pool.map(network.probabilities, batches[:2]))
        began, cpu = time.perf_counter(), time.process_time()
        list(pool.map(lambda windows: network.probabilities(windows).shape, batches))
        clock = {"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - cpu}
    return {**clock, "windows": sum(len(windows) for windows in batches)}


def measure(program: str, *arguments: str) -> dict[str, Any]:
    """Run one program in this process; adds its peak memory."""
    found = {"catalogdb": run_catalogdb, "seisbench": run_seisbench, "network": run_network}[program](*arguments)
    return {**found, "peak_mb": peak_mb()}


# -- comparing them


def in_own_process(program: str, *arguments: str) -> dict[str, Any]:
    """Measure a program in a fresh process.

    Raises:
        RuntimeError: with what the process said, when it failed.
    """
    began = time.perf_counter()
    command = [sys.executable, "-m", "benchmarks.end_to_end", "--measure", program, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{program} failed: {done.stderr[-2000:]}")
    return {**json.loads(done.stdout.splitlines()[-1]), "process_seconds": time.perf_counter() - began}


def medians(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Median of each number over the runs, rounded; nested dictionaries likewise."""
    first = runs[0]
    return {
        key: medians([run[key] for run in runs])
        if isinstance(first[key], dict)
        else round(statistics.median(run[key] for run in runs), 3)
        for key in first
    }


def compare(path: Path, weights: str, rounds: int, folder: Path) -> dict[str, Any]:
    """Alternate the programs; medians, and the ratio of each round's seconds."""
    from catalogdb.database.embedded import EmbeddedMongod

    server = EmbeddedMongod(folder / "mongod")
    state = server.start()
    runs: dict[str, list[dict[str, Any]]] = {program: [] for program in PROGRAMS}
    try:
        for number in range(rounds):
            extra = {"catalogdb": (str(server.data_dir), f"round_{number}")}
            for program in PROGRAMS:
                runs[program].append(in_own_process(program, str(path), weights, *extra.get(program, ())))
        server_mb = round(peak_mb(state.pid), 1)
    finally:
        server.stop()
    ours, theirs, network = runs["catalogdb"], runs["seisbench"], runs["network"]
    return {
        "rounds": rounds,
        "ratio": middle_ratio(theirs, ours, "seconds"),
        "ratio_with_imports": middle_ratio(theirs, ours, "process_seconds"),
        "cpu_ratio": middle_ratio(theirs, ours, "cpu_seconds"),
        "memory_ratio": middle_ratio(theirs, ours, "peak_mb"),
        "share_outside_network": round(1 - middle_ratio(network, ours, "seconds"), 3),
        "cpu_share_outside_network": round(1 - middle_ratio(network, ours, "cpu_seconds"), 3),
        **{program: medians(found) for program, found in runs.items()},
        "seconds_of_each_round": {
            program: [round(run["seconds"], 2) for run in found] for program, found in runs.items()
        },
        "server_peak_mb": server_mb,
    }


def middle_ratio(above: list[dict[str, Any]], below: list[dict[str, Any]], key: str) -> float:
    """Median over the rounds of one program's figure over another's."""
    return round(statistics.median(a[key] / b[key] for a, b in zip(above, below, strict=True)), 3)


def print_report(report: dict[str, Any]) -> None:
    """Print what a person wants to see of a report."""
    print(f"{report['hours']:g} h of {report['data']}, weights {report['weights']}, {report['rounds']} rounds, medians")
    for program in ("catalogdb", "seisbench"):
        row = report[program]
        print(
            f"{program:>10}: {row['seconds']:.2f} s (imports {row['import_seconds']:.2f} s more, whole process "
            f"{row['process_seconds']:.2f} s), {row['cpu_seconds']:.1f} s of CPU, {row['peak_mb']:.0f} MB, "
            f"{row['picks']:g} picks"
        )
    print("   of ours: " + ", ".join(f"{name} {value:.2f} s" for name, value in report["catalogdb"]["steps"].items()))
    network = report["network"]
    print(
        f"   network: {network['seconds']:.2f} s, {network['cpu_seconds']:.1f} s of CPU for {network['windows']:g} "
        f"windows alone; outside it {report['share_outside_network']:.0%} of our time, "
        f"{report['cpu_share_outside_network']:.0%} of our CPU"
    )
    print(f"    server: {report['server_peak_mb']:.0f} MB at most, not in the figures above")
    print(
        f"     ratio: {report['ratio']:.2f} (with imports {report['ratio_with_imports']:.2f}), CPU "
        f"{report['cpu_ratio']:.2f}, memory {report['memory_ratio']:.2f}; above 1 is better than SeisBench alone"
    )
    print(f"literature: {LITERATURE_SECONDS} s per station-day on a supercomputer; neither this machine nor this scope")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", help="miniSEED files of one channel group")
    parser.add_argument("--hours", type=float, default=24.0, help="length that the data are repeated or cut to")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--weights", help="PhaseNet weights; default original, or demo where that is not at hand")
    parser.add_argument("--json", action="store_true", help="print JSON only")
    parser.add_argument("--measure", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(*arguments.measure)))
        return
    weights = arguments.weights or default_weights()
    with tempfile.TemporaryDirectory(prefix="catalogdb-bench-") as name:
        folder = Path(name)
        files, data = (arguments.files, "given files") if arguments.files else default_files(folder / "demo")
        path = folder / "day.mseed"
        write_station_day(files, arguments.hours, path)
        report = {"benchmark": "end_to_end", "data": data, "hours": arguments.hours, "weights": weights}
        report |= {"file_mb": round(path.stat().st_size / 1e6, 1), **compare(path, weights, arguments.rounds, folder)}
    report["literature_seconds"] = LITERATURE_SECONDS
    print(json.dumps(report)) if arguments.json else print_report(report)


if __name__ == "__main__":
    main()
