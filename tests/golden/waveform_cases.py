"""Waveforms from files to the picker's input, the choice of a sensor, and probability traces as they are stored."""

import tempfile
from pathlib import Path

import numpy as np
from made_inputs import START, noise, probability_rows, trace
from obspy import Stream
from pinning import Case

from catalogdb.jobs import Job
from catalogdb.ledger.stage import Shard
from catalogdb.picking.stretches import build_stretches
from catalogdb.probability.documents import hour_documents, joined, traces_of
from catalogdb.probability.traces import ProbabilityTrace
from catalogdb.stages.pick import PickStage
from catalogdb.waveforms import read_traces, scan_miniseed
from catalogdb.waveforms.clock import straight_clocks

PICK_STAGE = "catalogdb/stages/pick.py:REVISION"
INDEXED = ("net", "sta", "loc", "chan", "channel_group", "starttime", "endtime", "sampling_rate", "npts")


def files(folder: Path):
    """Two files that overlap with other samples, a gap, a clock that drifts, another rate, in several encodings."""
    data = np.round(noise(1, 30_000, 500.0)).astype(np.int32)
    apart = [(0, 9000, 0.0), (9000, 12_000, 0.004), (12_100, 21_000, 0.0)]
    parts = [trace(data[a:b], "HHZ", 100.0, a / 100.0 + late) for a, b, late in apart]
    again = trace(data[20_000:30_000] + 1, "HHZ", 100.0, 200.0)
    drift = [trace(data[n * 400 : (n + 1) * 400], "HHN", 100.0, n * 400 * (0.01 + 3e-6)) for n in range(60)]
    slow = trace(data[:6000].astype(np.float32), "BHZ", 40.0)
    for name, traces, encoding in (
        ("one.mseed", parts, "STEIM2"), ("two.mseed", [again], "INT32"), ("three.mseed", drift, "STEIM1"),
        ("four.mseed", [slow], "FLOAT32"),
    ):  # fmt: skip
        Stream(traces).write(str(folder / name), format="MSEED", reclen=512, encoding=encoding)
    return sorted(folder.iterdir())


def indexed():
    with tempfile.TemporaryDirectory() as name:
        segments = [segment for path in files(Path(name)) for segment in scan_miniseed(path).segments]
    return [{name: segment[name] for name in (*INDEXED, "foff", "nbytes") if name in segment} for segment in segments]


def indexed_and_read():
    with tempfile.TemporaryDirectory() as name:
        segments = [segment for path in files(Path(name)) for segment in scan_miniseed(path).segments]
        traces, problems = read_traces(segments, START + 5.0, START + 280.0)
    found = [[segment[name] for name in INDEXED if name in segment] for segment in segments]
    for item in traces:
        stats = item.stats
        found.append([item.id, stats.starttime.timestamp, float(stats.sampling_rate), stats.npts])
        found.append(item.data.astype("<f8").tobytes())
    return [found, len(problems)]


def clocks():
    """Record times that scatter, step, drift, and do it all."""
    number = np.arange(200)
    late = {
        "scatter": 4e6 * np.sign(np.sin(3.0 * number)),
        "wide scatter": 9e6 * np.sign(np.sin(3.0 * number)),
        "step": np.where(number < 90, 0.0, 1.4e7),
        "small step": np.where(number < 90, 0.0, 6e6),
        "drift": 4e-4 * number * 4e9,
        "fast drift": 2e-3 * number * 4e9,
        "bend": 3e-6 * number**2 * 4e9,
    }
    start, first = round(START * 1e9) + number * 4_000_000_000, number * 400
    return [
        [name, [vars(clock) for clock in straight_clocks(start + shift.astype(np.int64), first, 1e7)]]
        for name, shift in late.items()
    ]


def stretches_at_the_networks_rate():
    faulty = np.round(noise(5, 12_000, 300.0)).astype(np.int32)
    faulty[4000:5500] = 7
    east = np.round(noise(6, 24_000, 300.0)).astype(np.int32)
    traces = [
        trace(faulty, "HHZ", 100.0, 0.003), trace(np.roll(faulty, 9), "HHN", 100.0, 0.003),
        trace(east, "HHE", 200.0, 0.0),
    ]  # fmt: skip
    records = build_stretches(traces, 100.0)
    rows = [[stretch.start_ns, stretch.rate, stretch.samples, stretch.components] for stretch in records.stretches]
    some = [[None if row is None else row[::997] for row in stretch.data] for stretch in records.stretches]
    return [rows, some, dict(records.counts)]


def faults_of_records():
    found = []
    for clipped, gap in ((4, 2), (5, 9), (6, 30)):
        data = noise(7, 6_000, 300.0)
        data[1000 : 1000 + clipped] = 9e6
        data[3000:3200] += 5e6
        data[4500 : 4500 + gap] = np.nan
        records = build_stretches([trace(data, "HHZ", 100.0, 0.0)], 100.0)
        stretches = [
            [stretch.start_ns, stretch.samples, [None if row is None else row[::397] for row in stretch.data]]
            for stretch in records.stretches
        ]
        found.append([stretches, dict(records.counts)])
    return found


def sensors_chosen():
    job = Job(name="golden", catalog="golden", stages=["pick"], pick={"picker": "stalta"})
    stage, found = PickStage(job), []
    for spans in (
        {"XX.AAA..HH": (0, 3600), "XX.AAA..HN": (0, 3600)},
        {"XX.AAA..HH": (0, 1000), "XX.AAA..HN": (0, 3600)},
        {"XX.AAA.00.HN": (0, 3600), "XX.AAA.10.HN": (0, 3600), "XX.AAA..LH": (0, 3600)},
        {"XX.AAA..LH": (0, 3600)},
    ):
        segments = []
        for group, (first, last) in spans.items():
            net, sta, loc, family = group.split(".")
            common = {"net": net, "sta": sta, "loc": loc, "channel_group": group, "delta": 0.01, "sampling_rate": 100.0}
            place = {"dir": "d", "dfile": group, "foff": 0, "nbytes": 9, "npts": 9, "file_id": group}
            times = {"starttime": START + first, "endtime": START + last}
            segments += [common | place | times | {"chan": f"{family}{letter}"} for letter in "ENZ"]
        choice = stage._choose(segments, {}, Shard({"net": "XX", "sta": "AAA"}, START, START + 3600.0))
        turns = [[visit.channel_group, visit.times] for visit in choice.visits]
        found.append([[segment["chan"] for segment in choice.segments], choice.choices, turns, dict(choice.counts)])
    return found


def stored_probability():
    rows = np.tile(probability_rows(), 70)[:, :400_000]
    hour = 3600.0 * (START // 3600.0)
    traces = [
        ProbabilityTrace(
            round((hour + first / 100.0) * 1e9), 100.0, ("P", "S"), rows[:, first:last], "ZNE", "XX.AAA..HH"
        )
        for first, last in ((1000, 180_000), (180_500, 400_000))
    ]
    found = []
    for floor in (0.0, 0.05):
        documents = hour_documents(traces, hour, hour + 7200.0, floor)
        back = joined(part for document in documents for part in traces_of(document))
        plain = [{name: value for name, value in document.items() if name != "blob"} for document in documents]
        found.append([plain, [[part.start_ns, part.values[:, ::487]] for part in back]])
    return found


CASES = (
    Case("waveform-index", "catalogdb/waveforms/index.py:REVISION", indexed),
    Case("waveform-files", PICK_STAGE, indexed_and_read),
    Case("waveform-clocks", PICK_STAGE, clocks),
    Case("waveform-runs", "catalogdb/picking/config.py:REVISION", stretches_at_the_networks_rate),
    Case("record-faults", "catalogdb/picking/config.py:REVISION", faults_of_records),
    Case("sensor-choice", PICK_STAGE, sensors_chosen),
    Case("stored-probability", PICK_STAGE, stored_probability),
)
