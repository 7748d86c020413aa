"""How far picks agree: with SeisBench's `classify`, between backends, with onsets by AIC, and on faulty data.

    python -m benchmarks.agreement [--only seisbench ...] [--json]

Real waveforms from CATALOGDB_REALDATA, weights `original` from SEISBENCH_CACHE_ROOT. `samples` are of 100 Hz.

seisbench: both pick the same stretch, which starts on our grid of windows (theirs begin where data begin), but for the
    rows `off the grid`. Ours without guard at edges and without least separation, which SeisBench doesn't have.
backends: OpenVINO and torch on the CPU, OpenVINO in fewer bits, and torch in half precision there, which stands in for
    a GPU's halves.
onsets: picks minus onsets by AIC on the unfiltered trace, of loud picks that all networks share; means without what
    lies 15 samples off.
faults: picks per hour of made noise with a real station's spectra.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import warnings
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import obspy
import torch
from scipy.signal import resample_poly

if not __package__:  # called by the file's path
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks._faults import FAULTS, STARTTIME, as_traces, real_noise
from catalogdb.picking.backends.torch_backend import TorchBackend
from catalogdb.picking.config import PickConfig
from catalogdb.picking.findings import PickResult
from catalogdb.picking.picker import NetworkPicker
from catalogdb.picking.seisbench_network import load_network
from catalogdb.picking.stalta import aic_onset
from catalogdb.picking.window_grid import overlap_samples

SEISBENCHS: dict[str, dict[str, Any]] = {
    "phasenet": {"picker": "phasenet", "weights": "original", "window_samples": 3001},
    "eqtransformer": {"picker": "eqtransformer", "weights": "original"},
}
BARE = {"min_separation_seconds": 0.0, "edge_guard_seconds": 0.0}
SAMPLE_SECONDS = 0.01
PAIRED_SECONDS = 0.1
SENSORS = {
    "40 Hz": ("oklahoma_2013", "U32A.BH*"),
    "100 Hz": ("oklahoma_2013", "SIO.HH*"),
    "200 Hz": ("hengill_2018", "2C.BIT06..HH*"),
}
LOUD_SNR = 10.0
LOUD_PROBABILITY = 0.5
AIC_SECONDS = (1.0, 0.5)
OUTLYING_SAMPLES = 15


def read_sensor(realdata: Path, folder: str, pattern: str) -> obspy.Stream:
    """All traces of the files that fit a pattern."""
    files = sorted((realdata / folder / "mseed").glob(pattern))
    return obspy.Stream(trace for file in files for trace in obspy.read(str(file)))


def stride_seconds(settings: dict[str, Any]) -> float:
    """From one window to the next."""
    (member,) = NetworkPicker(PickConfig(**settings)).members
    description = load_network(member.files, member.window)[0]
    return (description.window - overlap_samples(description.overlap, description.window)) / description.rate


def on_grid(stream: obspy.Stream, settings: dict[str, Any], seconds: float, later: float = 0.0) -> obspy.Stream:
    """The stream from a whole multiple of the network's stride on (plus some seconds), for so many seconds."""
    stride = stride_seconds(settings)
    begin = (max(trace.stats.starttime.timestamp for trace in stream) // stride + 1) * stride + later
    nearly = 0.4 * stream[0].stats.delta
    return obspy.Stream(
        trace.slice(obspy.UTCDateTime(begin - nearly), obspy.UTCDateTime(begin + seconds)).copy() for trace in stream
    )


def pick_all(settings: dict[str, Any], stream: obspy.Stream) -> PickResult:
    """All picks of a stream by us."""
    begin, end = min(t.stats.starttime for t in stream), max(t.stats.endtime for t in stream)
    return NetworkPicker(PickConfig(**settings)).pick(list(stream.copy()), begin.timestamp - 1, end.timestamp + 1)


def seisbenchs_output(settings: dict[str, Any], stream: obspy.Stream) -> Any:
    """What SeisBench's `classify` gives for the same network, weights and thresholds."""
    config = PickConfig(**settings)
    (member,) = NetworkPicker(config).members
    module = load_network(member.files, member.window)[1].module
    return module.classify(stream, P_threshold=config.p_threshold, S_threshold=config.s_threshold)


def times_and_probabilities(output: Any, phase: str) -> np.ndarray:
    """Picks of a phase, ours (`PickResult`) or SeisBench's: array (picks, 2), ascending in time."""
    if isinstance(output, PickResult):
        rows = [(pick["time"], pick["probability"]) for pick in output.picks if pick["phase"] == phase]
    else:
        rows = [(pick.peak_time.timestamp, pick.peak_value) for pick in output.picks if pick.phase == phase]
    return np.array(sorted(rows)).reshape(-1, 2)


def paired(one: np.ndarray, other: np.ndarray, within: float = PAIRED_SECONDS) -> np.ndarray:
    """Numbers of mutually nearest picks, (pairs, 2)."""
    if not len(one) or not len(other):
        return np.empty((0, 2), dtype=np.int64)
    apart = np.abs(one[:, :1] - other[:, 0])
    nearest = apart.argmin(axis=1)
    rows = np.arange(len(one))
    good = (apart.argmin(axis=0)[nearest] == rows) & (apart[rows, nearest] <= within)
    return np.column_stack([rows[good], nearest[good]])


def comparison(one: Any, other: Any) -> dict[str, Any]:
    """Of two outputs, P and S together: numbers, pairs, largest differences of pairs, most probable of the others."""
    rows: dict[str, list] = {"samples": [], "probability": [], "unpaired": []}
    counts = np.zeros(3, dtype=int)
    for phase in ("P", "S"):
        a, b = (times_and_probabilities(output, phase) for output in (one, other))
        pairs = paired(a, b)
        counts += len(a), len(b), len(pairs)
        difference = np.abs(a[pairs[:, 0]] - b[pairs[:, 1]])
        rows["samples"] += (difference[:, 0] / SAMPLE_SECONDS).tolist()
        rows["probability"] += difference[:, 1].tolist()
        for picks, numbers in ((a, pairs[:, 0]), (b, pairs[:, 1])):
            rows["unpaired"] += np.delete(picks[:, 1], numbers).tolist()
    return {
        "one": int(counts[0]),
        "other": int(counts[1]),
        "paired": int(counts[2]),
        "most_samples": round(max(rows["samples"], default=0.0), 1),
        "most_probability": round(max(rows["probability"], default=0.0), 5),
        "most_probable_unpaired": round(max(rows["unpaired"], default=0.0), 3),
    }


def detections_compared(ours: PickResult, theirs: Any) -> dict[str, Any]:
    """Detections on both sides, and the largest difference of a start or an end (samples) if they are as many."""
    found = [(row["starttime"], row["endtime"]) for row in ours.findings.detections]
    wanted = sorted((row.start_time.timestamp, row.end_time.timestamp) for row in theirs.detections)
    apart = np.abs(np.array(found) - np.array(wanted)).max() if len(found) == len(wanted) > 0 else np.nan
    return {"one": len(found), "other": len(wanted), "most_samples": round(float(apart) / SAMPLE_SECONDS, 1)}


def with_gap(stream: obspy.Stream, channels: str, begin: float, seconds: float) -> obspy.Stream:
    """The stream with a gap in the channels whose code ends in one of the letters."""
    parts = obspy.Stream()
    for trace in stream:
        if trace.stats.channel[-1] in channels:
            parts += trace.slice(endtime=trace.stats.starttime + begin)
            parts += trace.slice(starttime=trace.stats.starttime + begin + seconds)
        else:
            parts += trace
    return parts


def at_lower_rate(stream: obspy.Stream, rate: float) -> obspy.Stream:
    """The stream (100 Hz) as a digitiser of a lower rate would have written it: a sharp filter without phase."""
    slower = stream.copy()
    for trace in slower:
        up, down = Fraction(rate / 100.0).limit_denominator(100).as_integer_ratio()
        offset = np.median(trace.data)
        trace.data = resample_poly(trace.data - offset, up, down, window=("kaiser", 12.0)) + offset
        trace.stats.sampling_rate = rate
    return slower


def beside_seisbench(realdata: Path) -> dict[str, Any]:
    whole = read_sensor(realdata, "ridgecrest_2019", "PB.B917*")
    found: dict[str, Any] = {}
    for name, network in SEISBENCHS.items():
        settings = network | BARE
        data = on_grid(whole, settings, 4500)
        renamed = data.copy()
        for trace in renamed:
            trace.stats.channel = trace.stats.channel.replace("1", "N").replace("2", "E")
        stride = stride_seconds(settings)
        cases = {
            "Z12": data,
            "ZNE": renamed,
            "Z": data.select(channel="*Z"),
            "Z and one horizontal": data.select(channel="*[Z1]"),
            "gap in all": with_gap(data, "Z12", 50 * stride, 2 * stride),
            "gap in all, off the grid after it": with_gap(data, "Z12", 50 * stride, 2 * stride + 7),
            "gap in one": with_gap(data, "1", 50 * stride, 2 * stride),
            "off the grid by 7 s": on_grid(whole, settings, 4500, later=7.0),
        }
        whole_rate = pick_all(settings, data), seisbenchs_output(settings, data)
        for rate in (50.0, 40.0):
            slower = at_lower_rate(data, rate)
            ours, theirs = pick_all(settings, slower), seisbenchs_output(settings, slower)
            found[f"{name}, Z12 at {rate:g} Hz"] = comparison(ours, theirs)
            found[f"{name}, ours at {rate:g} and 100 Hz"] = comparison(ours, whole_rate[0])
            found[f"{name}, SeisBench's at {rate:g} and 100 Hz"] = comparison(theirs, whole_rate[1])
        for rate, (folder, pattern) in SENSORS.items():
            cases[f"{rate}, {pattern.split('.HH')[0].split('.BH')[0].rstrip('.')}"] = on_grid(
                read_sensor(realdata, folder, pattern), settings, 1e4
            )
        for case, stream in cases.items():
            ours, theirs = pick_all(settings, stream), seisbenchs_output(settings, stream)
            found[f"{name}, {case}"] = comparison(ours, theirs)
            if name == "eqtransformer" and case == "Z12":
                found[f"{name}, {case}, detections"] = detections_compared(ours, theirs)
        defaults = pick_all(network, data)
        found[f"{name}, Z12, with our guard and separation"] = comparison(defaults, seisbenchs_output(network, data))
    return found


class HalfBackend(TorchBackend):
    """Torch on the CPU in half precision, as `CudaBackend` has it on a GPU."""

    precision: torch.dtype

    def _forward(self, windows: np.ndarray) -> np.ndarray:
        with torch.inference_mode(), torch.autocast("cpu", dtype=self.precision):
            return self.network(torch.from_numpy(windows)).float().numpy()


class HalfPicker(NetworkPicker):
    """A picker that runs on `HalfBackend` in the precision of its configuration."""

    def backend(self, member: Any) -> HalfBackend:
        backend = HalfBackend(member.files, member.window, None, 2)
        backend.precision = getattr(torch, self.config.precision)
        _, backend.network = load_network(member.files, member.window, fold=False)
        return backend


def backends_agreement(realdata: Path) -> dict[str, Any]:
    stream = on_grid(read_sensor(realdata, "ridgecrest_2019", "PB.B921*"), SEISBENCHS["phasenet"], 2400)
    begin, end = stream[0].stats.starttime.timestamp, stream[0].stats.endtime.timestamp
    found = {}
    for name, settings in SEISBENCHS.items():
        torchs = pick_all(settings | {"backend": "torch"}, stream)
        openvinos = pick_all(settings | {"backend": "openvino"}, stream)
        found[f"{name}, openvino and torch"] = comparison(openvinos, torchs)
        for precision in ("bfloat16", "int8") if name == "phasenet" else ("bfloat16",):
            rounded = pick_all(settings | {"backend": "openvino", "precision": precision}, stream)
            found[f"{name}, openvino in {precision} and float32"] = comparison(rounded, openvinos)
        for precision in ("float16", "bfloat16") if name == "phasenet" else ("bfloat16",):
            picker = HalfPicker(PickConfig(**settings, precision=precision))
            halves = picker.pick(list(stream.copy()), begin - 1, end + 1)
            found[f"{name}, {precision} and float32"] = comparison(halves, torchs)
    return found


def aic_time(stream: obspy.Stream, phase: str, time: float) -> float | None:
    """Onset (epoch seconds) by AIC in a window around a time; P on the vertical, S on the horizontals."""
    letters = "Z" if phase == "P" else "NE12"
    begin, end = obspy.UTCDateTime(time - AIC_SECONDS[0]), obspy.UTCDateTime(time + AIC_SECONDS[1])
    parts = [t.slice(begin, end) for t in stream if t.stats.channel[-1] in letters]
    parts = [part for part in parts if part.stats.npts >= 0.99 * sum(AIC_SECONDS) * part.stats.sampling_rate]
    if not parts:
        return None
    least = min(part.stats.npts for part in parts)
    sample, _ = aic_onset(np.stack([part.data[:least].astype(np.float64) - part.data[0] for part in parts]))
    return parts[0].stats.starttime.timestamp + sample / parts[0].stats.sampling_rate


def onset_residuals(realdata: Path) -> dict[str, Any]:
    """Median and spread of pick minus AIC onset (samples), of loud picks that all networks make within 0.3 s."""
    networks = {
        "phasenet, 3001 samples": SEISBENCHS["phasenet"],
        "phasenet, 3000 samples": {"picker": "phasenet", "weights": "original"},
        "eqtransformer": SEISBENCHS["eqtransformer"],
    }
    residuals: dict[tuple[str, str], list[tuple[float, ...]]] = {}
    for folder in ("ridgecrest_2019", "hengill_2018", "oklahoma_2013"):
        traces = read_sensor(realdata, folder, "*")
        for group in sorted({trace.id[:-1] for trace in traces}):
            stream = obspy.Stream(trace for trace in traces if trace.id[:-1] == group)
            outputs = [pick_all(settings, stream) for settings in networks.values()]
            for phase in ("P", "S"):
                loud = [
                    pick["time"]
                    for pick in outputs[1].picks
                    if pick["phase"] == phase
                    and pick.get("snr", 0) >= LOUD_SNR
                    and pick["probability"] >= LOUD_PROBABILITY
                ]
                others = [times_and_probabilities(output, phase)[:, 0] for output in outputs]
                for time in loud:
                    nearest = [row[np.abs(row - time).argmin()] if row.size else np.inf for row in others]
                    if np.abs(np.array(nearest) - time).max() > 0.3:
                        continue
                    onset = aic_time(stream, phase, float(np.median(nearest)))
                    if onset is not None and abs(onset - np.median(nearest)) < 0.3:
                        late = [(each - onset) / SAMPLE_SECONDS for each in nearest]
                        residuals.setdefault((folder, phase), []).append(tuple(late))
    for phase in ("P", "S"):
        every = [row for (_, of_phase), rows in residuals.items() if of_phase == phase for row in rows]
        residuals["all", phase] = every
    return {
        f"{folder}, {phase}, {name}": {
            "picks": len(rows),
            "median_samples": round(float(np.median(column := np.array(rows)[:, number])), 2),
            "mean_samples": round(float(column[np.abs(column) < OUTLYING_SAMPLES].mean()), 2),
            "mad_samples": round(float(np.median(np.abs(column - np.median(column)))), 2),
        }
        for (folder, phase), rows in sorted(residuals.items())
        for number, name in enumerate(networks)
        if rows
    }


def faulty_data(realdata: Path, seconds: float = 3600.0) -> dict[str, Any]:
    """Picks per hour at the default thresholds."""
    noise = real_noise(realdata, seconds)
    networks = {"phasenet": {"weights": "original"}, "eqtransformer": SEISBENCHS["eqtransformer"]}
    found: dict[str, Any] = {}
    for fault, made in FAULTS.items():
        traces = as_traces(made(noise))
        found[fault] = {}
        for name, settings in networks.items():
            result = NetworkPicker(PickConfig(**settings)).pick(traces, STARTTIME, STARTTIME + seconds)
            found[fault][name] = round(len(result.picks) / seconds * 3600, 1)
        found[fault]["recorded"] = len(result.problems)
    return found


TABLES = {
    "seisbench": beside_seisbench,
    "backends": backends_agreement,
    "onsets": onset_residuals,
    "faults": faulty_data,
}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.agreement",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", nargs="*", choices=TABLES, default=list(TABLES), help="tables to make; default all")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    if not os.environ.get("CATALOGDB_REALDATA"):
        parser.error("needs real data: set CATALOGDB_REALDATA")
    warnings.simplefilter("ignore")
    realdata = Path(os.environ["CATALOGDB_REALDATA"])
    report = {name: TABLES[name](realdata) for name in arguments.only}
    if arguments.json:
        print(json.dumps(report, indent=2))
        return 0
    for name, table in report.items():
        print(f"== {name}")
        for row, figures in table.items():
            print(f"{row:60s}", "  ".join(f"{key} {value}" for key, value in figures.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
