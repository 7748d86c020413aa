"""The benchmarks' own arithmetic and inputs, and one short comparison for real."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import obspy
import pytest

from benchmarks import __main__ as runner
from benchmarks import end_to_end
from benchmarks.picking import write_station_day

ROOT = Path(__file__).parent.parent.parent


def run_module(*arguments):
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_station_day_has_the_wanted_length_whatever_the_source(tmp_path):
    write_station_day([], 2.0, tmp_path / "made.mseed")
    write_station_day([str(tmp_path / "made.mseed")], 3.0, tmp_path / "tiled.mseed")
    made, tiled = obspy.read(tmp_path / "made.mseed"), obspy.read(tmp_path / "tiled.mseed")
    assert [trace.stats.channel for trace in tiled] == ["HHZ", "HHN", "HHE"]
    assert {trace.stats.npts for trace in tiled} == {3 * 360_000}
    assert np.array_equal(tiled[0].data[: made[0].stats.npts], made[0].data)


def test_medians_reach_into_nested_figures():
    runs = [{"seconds": value, "steps": {"read": 10 * value}} for value in (3.0, 1.0, 2.0)]
    assert end_to_end.medians(runs) == {"seconds": 2.0, "steps": {"read": 20.0}}


def test_ratio_is_above_one_where_the_other_program_takes_longer():
    theirs, ours = [{"seconds": 4.0}, {"seconds": 9.0}, {"seconds": 5.0}], [{"seconds": 2.0}] * 3
    assert end_to_end.middle_ratio(theirs, ours, "seconds") == 2.5


def test_default_weights_are_those_at_hand(tmp_path, monkeypatch):
    monkeypatch.setenv("SEISBENCH_CACHE_ROOT", str(tmp_path))
    assert end_to_end.default_weights() == "demo"
    folder = tmp_path / "models" / "v3" / "phasenet"
    folder.mkdir(parents=True)
    for name in ("original.pt.v1", "original.json.v1"):
        (folder / name).write_text("{}")
    assert end_to_end.default_weights() == "original"


def test_default_data_are_one_synthetic_sensor_where_there_are_no_real_ones(tmp_path, monkeypatch):
    monkeypatch.delenv("CATALOGDB_REALDATA", raising=False)
    files, what = end_to_end.default_files(tmp_path)
    assert what.startswith("synthetic")
    channels = [Path(file).name.split(".")[3] for file in files]
    assert len(channels) == 3 and len({channel[:2] for channel in channels}) == 1


def test_benchmarks_without_their_data_are_skipped_with_the_reason(monkeypatch):
    monkeypatch.delenv("CATALOGDB_REALDATA", raising=False)
    assert "CATALOGDB_REALDATA" in runner.skipped_because("association")
    assert runner.skipped_because("end_to_end") is None


def test_every_benchmark_is_run_and_described():
    names = {path.stem for path in (ROOT / "benchmarks").glob("[!_]*.py")}
    assert set(runner.NAMES) == names
    text = (ROOT / "benchmarks" / "README.md").read_text()
    assert all(f"## {name}" in text for name in names)


def test_unknown_benchmark_is_refused_with_the_names():
    done = run_module("benchmarks", "speed")
    assert done.returncode == 2
    assert "end_to_end" in done.stderr


@pytest.mark.slow
@pytest.mark.integration
def test_end_to_end_compares_both_programs_on_the_same_windows(tmp_path):
    path = tmp_path / "made.mseed"
    write_station_day([], 0.1, path)
    options = ("--hours", "0.1", "--rounds", "1", "--weights", "demo", "--json")
    done = run_module("benchmarks.end_to_end", str(path), *options)
    assert done.returncode == 0, done.stderr[-2000:]
    report = json.loads(done.stdout)
    assert report["catalogdb"]["picks"] > 0 and report["seisbench"]["picks"] > 0
    assert report["ratio"] == pytest.approx(report["seisbench"]["seconds"] / report["catalogdb"]["seconds"], rel=0.01)
    assert {"initialise", "ingest", "run"} <= set(report["catalogdb"]["steps"])
    assert 20 < report["network"]["windows"] < 40  # 360 s by a stride of 15 s
    assert min(report["catalogdb"]["peak_mb"], report["seisbench"]["peak_mb"], report["server_peak_mb"]) > 50
