"""The benchmarks' own arithmetic and inputs, and one short comparison for real."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import obspy
import pytest

from benchmarks import __main__ as runner
from benchmarks import association
from benchmarks._processes import medians, middle_ratio
from benchmarks._station_day import default_files, weights_at_hand, write_station_day

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


@pytest.mark.parametrize("name", ["learning", "location", "swarm"])
def test_benchmarks_explain_their_options(name):
    shown = run_module(f"benchmarks.{name}", "--help")
    assert shown.returncode == 0 and "--json" in shown.stdout, shown.stderr


def test_medians_reach_into_nested_figures():
    runs = [{"seconds": value, "steps": {"read": 10 * value}} for value in (3.0, 1.0, 2.0)]
    assert medians(runs) == {"seconds": 2.0, "steps": {"read": 20.0}}


def test_ratio_is_above_one_where_the_other_program_takes_longer():
    theirs, ours = [{"seconds": 4.0}, {"seconds": 9.0}, {"seconds": 5.0}], [{"seconds": 2.0}] * 3
    assert middle_ratio(theirs, ours, "seconds") == 2.5


def test_default_weights_are_those_at_hand(tmp_path, monkeypatch):
    monkeypatch.setenv("SEISBENCH_CACHE_ROOT", str(tmp_path))
    assert weights_at_hand("phasenet") == "demo"
    assert weights_at_hand("eqtransformer") is None
    folder = tmp_path / "models" / "v3" / "phasenet"
    folder.mkdir(parents=True)
    for name in ("original.pt.v1", "original.json.v1"):
        (folder / name).write_text("{}")
    assert weights_at_hand("phasenet") == "original"


def test_default_data_are_one_synthetic_sensor(tmp_path, monkeypatch):
    monkeypatch.delenv("CATALOGDB_REALDATA", raising=False)
    files, what = default_files(tmp_path)
    assert what.startswith("synthetic")
    channels = [Path(file).name.split(".")[3] for file in files]
    assert len(channels) == 3 and len({channel[:2] for channel in channels}) == 1


def test_benchmarks_without_their_data_are_skipped_with_the_reason(monkeypatch):
    monkeypatch.delenv("CATALOGDB_REALDATA", raising=False)
    assert "CATALOGDB_REALDATA" in runner.skipped_because("association")
    assert runner.skipped_because("picking") is None


def test_every_benchmark_is_run_and_described():
    names = {path.stem for path in (ROOT / "benchmarks").glob("[!_]*.py")}
    assert set(runner.NAMES) == names
    text = (ROOT / "benchmarks" / "README.md").read_text()
    assert all(f"## {name}" in text for name in names)


def test_unknown_benchmark_is_refused_with_the_names():
    done = run_module("benchmarks", "speed")
    assert done.returncode == 2
    assert "picking" in done.stderr


@pytest.mark.slow
@pytest.mark.integration
def test_picking_compares_both_programs_on_the_same_windows(tmp_path):
    path = tmp_path / "made.mseed"
    write_station_day([], 0.1, path)
    options = ("--hours", "0.1", "--rounds", "1", "--weights", "demo", "--pickers", "phasenet", "--json")
    command = [sys.executable, str(ROOT / "benchmarks" / "picking.py"), str(path), *options]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    report = json.loads(done.stdout)
    model = report["models"]["phasenet"]
    theirs = model["seisbench"]
    for row in model["backends"].values():
        assert abs(row["picks"] - theirs["picks"]) <= 2 and theirs["picks"] > 0  # edges may differ
        assert row["ratio"] == pytest.approx(theirs["seconds"] / row["seconds"], rel=0.01)
        assert {"network", "decode", "write"} <= set(row["steps"])
        assert row["repick_speedup"] == pytest.approx(row["steps"]["network"] / row["repick_seconds"], rel=0.05)
        assert row["probability_bytes"] > 0 and row["peak_bytes"] > 0
    assert min(report["peak_mb"], theirs["peak_mb"], model["server_peak_mb"]) > 50
    assert 0 < report["outside_network_share"] < 1


def test_methods_of_association_run_the_associator_they_name():
    own = {name: config.associator for name, (_, config) in association.METHODS.items()}
    assert own == {name: name.split()[-1] for name in association.METHODS}
