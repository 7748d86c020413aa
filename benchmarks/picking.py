"""One station-day, from the index of its miniSEED file to picks and probability traces in MongoDB, beside SeisBench.

    python -m benchmarks.picking [FILE ...] [--hours 24] [--rounds 3] [--pickers phasenet eqtransformer]
                                 [--backends openvino torch] [--weights NAME] [--json]

catalogdb runs a job: it plans from the MsPASS index, reads, picks, encodes the probability traces and commits.
SeisBench reads the same file with ObsPy and classifies it; its picks stay in memory. They run in turns, each in a
process of its own, with the same weights, windows (SeisBench's length), overlap and thresholds, each with its own batch
size.

`seconds` goes from an imported program to its last pick, loading the weights included; `process_seconds` is all of the
process. `cpu_seconds` belong to `seconds`: the steadier figure where other programs share the cores. Of them
`network_cpu_seconds` are what as many batches take the network alone; `cpu_outside_network_share` is the rest.
`ratio` is SeisBench's seconds over ours, the median over the rounds: above 1 we are faster. `peak_mb` is the largest
resident memory of the program's process; the server's stands apart, since one serves all workers.
`outside_network_share` is the part of our seconds in which we don't wait for the network; `steps` say where they go.
`probability_bytes` and `peak_bytes` are what is kept; `repick_speedup` is how much faster other thresholds are chosen
from it than by the network again.

Files are miniSEED of one channel group, repeated to the wanted length. Without any, it is a borehole station at
Ridgecrest from CATALOGDB_REALDATA (80 minutes of aftershocks: far more picks than on a usual day), else one station of
the demo's synthetic day.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if not __package__:  # called by the file's path
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks._processes import in_own_process, medians, middle_ratio, peak_mb
from benchmarks._station_day import default_files, weights_at_hand, write_station_day

if TYPE_CHECKING:
    from catalogdb.picking.config import PickConfig

THRESHOLD = 0.3
LITERATURE_SECONDS = 2.3
"""Published for one station-day of a workflow of this kind on a supercomputer: another machine, another scope."""
SEISBENCH_WINDOW = {"phasenet": 3001, "eqtransformer": 6000}


def run_catalogdb(picker: str, weights: str, backend: str, data_dir: str, database: str) -> dict[str, Any]:
    """Index -> picks and probability traces in MongoDB, as `catalogdb run` does it."""
    import obspy  # noqa: F401  (what the job would import on its way)
    import scipy.signal  # noqa: F401
    from bson.raw_bson import RawBSONDocument

    from catalogdb.database.connection import connect
    from catalogdb.jobs import Job
    from catalogdb.runs.run import run_job
    from catalogdb.settings import Settings
    from catalogdb.stages.repick import repick
    from catalogdb.stages.resolve import build_stage
    from catalogdb.waveforms import read_traces  # noqa: F401

    if backend == "openvino":
        import openvino  # noqa: F401
    else:
        import seisbench.models  # noqa: F401
    settings = Settings(data_dir=Path(data_dir), database=database)
    pick = {"picker": picker, "weights": weights, "backend": backend, "window_samples": SEISBENCH_WINDOW[picker]}
    pick |= {"p_threshold": THRESHOLD, "s_threshold": THRESHOLD}
    name = f"{picker}-{backend}"
    job = Job.model_validate({"name": name, "catalog": name, "stages": ["pick"], "pick": pick})
    build_stage("pick", job)
    db = connect(settings)
    raw = db.with_options(codec_options=db.codec_options.with_options(document_class=RawBSONDocument))
    began, cpu = time.perf_counter(), time.process_time()
    report = run_job(settings, job)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    if report.status != "done":
        raise RuntimeError(f"the job ended as {report.status}: {report.stages}")
    steps = report.stages["pick"].seconds
    memory = peak_mb()
    network_cpu = _network_cpu_seconds(job.pick, report.stages["pick"].counts["picked_seconds"])
    again = time.perf_counter()
    repick(db, name, f"{name}-strict", p_threshold=0.5, s_threshold=0.5)
    again = time.perf_counter() - again
    return {
        "seconds": seconds,
        "cpu_seconds": cpu,
        "outside_network_share": 1 - steps["network"] / seconds,
        "network_cpu_seconds": network_cpu,
        "cpu_outside_network_share": 1 - network_cpu / cpu,
        "peak_mb": memory,
        "repick_seconds": again,
        "repick_speedup": steps["network"] / again,
        "probability_bytes": sum(len(row.raw) for row in raw.probability.find({"pick_set": name})),
        "peak_bytes": sum(len(row.raw) for row in raw.peak.find({"pick_set": name})),
        "picks": db.pick.count_documents({"pick_set": name}),
        "steps": {**steps, "plan and record": seconds - sum(steps.values())},
        "backend": report.stages["pick"].backends[0],
    }


def _network_cpu_seconds(config: PickConfig, picked_seconds: float) -> float:
    """CPU that the windows of so many seconds take the network, with nothing beside it."""
    import numpy as np

    from catalogdb.picking.network import network_for
    from catalogdb.picking.picker import NetworkPicker, load_picker

    picker = load_picker(config)
    assert isinstance(picker, NetworkPicker)
    (member,) = picker.members
    backend = picker.backend(member)
    network = network_for(backend.description, member.config)
    shape = backend.batch_size, len(network.rows), network.window
    batch = np.random.default_rng(0).normal(0, 100, shape).astype(np.float32)
    left = round(picked_seconds * network.rate / network.stride / backend.batch_size)

    def fill(given: np.ndarray) -> int:
        nonlocal left
        left -= 1
        given[:] = batch
        return len(batch) if left >= 0 else 0

    cpu = time.process_time()
    for _ in backend.run(fill):
        pass
    return time.process_time() - cpu


def run_seisbench(picker: str, weights: str, path: str) -> dict[str, Any]:
    """File -> picks in memory, with SeisBench's own reading, batching and stacking."""
    import obspy

    from catalogdb.picking.weights import resolve
    from catalogdb.picking.zoo import model_class

    module = model_class(picker)
    began, cpu = time.perf_counter(), time.process_time()
    files = resolve(picker, weights)
    model = module.load(files.pt.with_name(files.name), version_str=files.version)
    model.eval()
    found = model.classify(obspy.read(path), P_threshold=THRESHOLD, S_threshold=THRESHOLD)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    return {"seconds": seconds, "cpu_seconds": cpu, "peak_mb": peak_mb(), "picks": len(found.picks)}


def compare(picker: str, weights: str, backends: list[str], path: Path, rounds: int, folder: Path) -> dict[str, Any]:
    """Alternate the programs; medians, and ratios of each round's figures."""
    from catalogdb.database.connection import connect
    from catalogdb.database.embedded import EmbeddedMongod
    from catalogdb.database.initialise import initialise
    from catalogdb.settings import Settings
    from catalogdb.stages.ingest_waveforms import ingest_waveforms

    server = EmbeddedMongod(folder / "mongod")
    state = server.start()
    ours: dict[str, list[dict[str, Any]]] = {backend: [] for backend in backends}
    theirs: list[dict[str, Any]] = []
    try:
        for number in range(rounds + 1):  # the first makes the export of the network and isn't counted
            database = f"{picker}_{number}"
            db = connect(Settings(data_dir=server.data_dir, database=database))
            initialise(db)
            ingest_waveforms(db, [path])
            for backend in backends:
                which = (picker, weights, backend, str(server.data_dir), database)
                run = in_own_process("benchmarks.picking", "catalogdb", *which)
                if number:
                    ours[backend].append(run)
            if number:
                theirs.append(in_own_process("benchmarks.picking", "seisbench", picker, weights, str(path)))
            db.client.drop_database(database)
        server_mb = round(peak_mb(state.pid), 1)
    finally:
        server.stop()
    rows = {
        backend: {
            "ratio": middle_ratio(theirs, runs, "seconds"),
            "cpu_ratio": middle_ratio(theirs, runs, "cpu_seconds"),
            "process_ratio": middle_ratio(theirs, runs, "process_seconds"),
            "memory_ratio": middle_ratio(theirs, runs, "peak_mb"),
            **medians(runs),
            "seconds_of_each_round": [round(run["seconds"], 2) for run in runs],
        }
        for backend, runs in ours.items()
    }
    seisbench = medians(theirs) | {"seconds_of_each_round": [round(run["seconds"], 2) for run in theirs]}
    return {"weights": weights, "backends": rows, "seisbench": seisbench, "server_peak_mb": server_mb}


def measure(program: str, *arguments: str) -> dict[str, Any]:
    """Run one program in this process."""
    return {"catalogdb": run_catalogdb, "seisbench": run_seisbench}[program](*arguments)


def report_of(models: dict[str, dict[str, Any]], default: str) -> dict[str, Any]:
    """All figures, with those of PhaseNet (else the first model) on the default backend at the top."""
    model = models.get("phasenet") or next(iter(models.values()))
    best = model["backends"].get(default) or next(iter(model["backends"].values()))
    top = {key: best[key] for key in ("ratio", "peak_mb", "outside_network_share", "seconds", "cpu_ratio", "picks")}
    return {**top, "models": models, "literature_seconds": LITERATURE_SECONDS}


def print_report(report: dict[str, Any]) -> None:
    """Print what a person wants to see of a report."""
    print(f"{report['hours']:g} h of {report['data']}, {report['file_mb']} MB, {report['rounds']} rounds, medians")
    for picker, model in report["models"].items():
        theirs = model["seisbench"]
        print(
            f"\n{picker}, weights {model['weights']}\n  SeisBench: {theirs['seconds']:.2f} s, "
            f"{theirs['cpu_seconds']:.1f} s of CPU, {theirs['peak_mb']:.0f} MB, {theirs['picks']:g} picks"
        )
        for row in model["backends"].values():
            print(
                f"  {row['backend']}: {row['seconds']:.2f} s, {row['cpu_seconds']:.1f} s of CPU, "
                f"{row['peak_mb']:.0f} MB, {row['picks']:g} picks\n"
                f"     outside the network {row['outside_network_share']:.0%} of the time, "
                f"{row['cpu_outside_network_share']:.0%} of the CPU\n"
                f"     ratio {row['ratio']:.2f}, CPU {row['cpu_ratio']:.2f}, memory {row['memory_ratio']:.2f}, whole "
                f"process {row['process_ratio']:.2f}; above 1 is better than SeisBench alone"
            )
            print(
                f"     kept: probability {row['probability_bytes'] / 1e3:.0f} kB, "
                f"peaks {row['peak_bytes'] / 1e3:.0f} kB\n"
                f"     repick {row['repick_seconds']:.3f} s, {row['repick_speedup']:.0f} times as fast as the network"
            )
            steps = sorted(row["steps"].items(), key=lambda item: -item[1])
            print("     " + ", ".join(f"{name} {value:.2f} s" for name, value in steps))
        print(f"  server: {model['server_peak_mb']:.0f} MB at most, not in the figures above")
    print(
        f"\nliterature: {LITERATURE_SECONDS} s per station-day on a supercomputer; neither this machine nor this scope"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", help="miniSEED files of one channel group")
    parser.add_argument("--hours", type=float, default=24.0, help="length that the data are repeated or cut to")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pickers", nargs="+", choices=list(SEISBENCH_WINDOW), default=list(SEISBENCH_WINDOW))
    parser.add_argument("--backends", nargs="+", choices=["openvino", "torch"], help="default: those installed")
    parser.add_argument("--weights", help="of all pickers; default original, or demo where that is not at hand")
    parser.add_argument("--json", action="store_true", help="print JSON only")
    parser.add_argument("--measure", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(*arguments.measure)))
        return
    from catalogdb.picking.backends import chosen

    default = chosen("auto")
    backends = arguments.backends or list(dict.fromkeys([default, "torch"]))
    models = {}
    with tempfile.TemporaryDirectory(prefix="catalogdb-bench-") as name:
        folder = Path(name)
        files, data = (arguments.files, "given files") if arguments.files else default_files(folder / "demo")
        path = folder / "day.mseed"
        write_station_day(files, arguments.hours, path)
        for picker in arguments.pickers:
            if weights := arguments.weights or weights_at_hand(picker):
                models[picker] = compare(picker, weights, backends, path, arguments.rounds, folder / picker)
        facts = {"data": data, "hours": arguments.hours, "rounds": arguments.rounds}
        facts["file_mb"] = round(path.stat().st_size / 1e6, 1)
    report = {"benchmark": "picking", **facts, **report_of(models, default)}
    print(json.dumps(report)) if arguments.json else print_report(report)


if __name__ == "__main__":
    main()
