"""The demo's own PhaseNet weights."""

import json

import numpy as np
import pytest
from obspy import read

from catalogdb.demo import WEIGHTS_PATH, WEIGHTS_VERSION
from catalogdb.demo.dataset import write_demo_day

sbm = pytest.importorskip("seisbench.models")

HELD_OUT_SEED = 77_777


@pytest.fixture(scope="module")
def model():
    import torch

    torch.set_num_threads(1)
    return sbm.PhaseNet.load(WEIGHTS_PATH, version_str=WEIGHTS_VERSION).eval()


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    return write_demo_day(
        tmp_path_factory.mktemp("held_out"), HELD_OUT_SEED, duration_s=600.0, stations=["CLUD", "ZOU", "CSM", "MPRI"],
        events=3, lowest_ml=1.2, gaps=0,
    )  # fmt: skip


def test_metadata_says_what_they_are(model):
    assert "synthetic" in model.weights_docstring.lower() and "not for real catalogs" in model.weights_docstring.lower()
    assert "python -m catalogdb.demo.train" in model.weights_docstring
    assert model.labels == "NPS" and model.component_order == "ZNE" and model.sampling_rate == 100
    assert WEIGHTS_PATH.with_name(f"{WEIGHTS_PATH.name}.pt.v{WEIGHTS_VERSION}").stat().st_size < 2_000_000


def test_scores_are_recorded_and_good(model):
    scores = json.loads(WEIGHTS_PATH.with_name("SCORES.json").read_text())
    for part in ("windows", "demo_day"):
        assert scores[part]["P_0.3"]["recall"] > 0.85 and scores[part]["S_0.3"]["recall"] > 0.8
    assert scores["demo_day"]["seed"] != scores["windows"]["seed"]


def test_held_out_onsets_are_picked(model, day):
    clear = [pick for pick in day.picks if pick.snr > 5]
    assert {pick.phase for pick in clear} == {"P", "S"}
    stream = read(str(day.waveforms_dir / "2024" / "OX" / "*" / "*" / "*"))
    found = model.classify(stream, P_threshold=0.3, S_threshold=0.3).picks
    residuals = {"P": [], "S": []}
    for pick in clear:
        times = [
            found_pick.peak_time - (day.start + pick.time_s)
            for found_pick in found
            if found_pick.phase == pick.phase and found_pick.trace_id.split(".")[1] == pick.station
        ]
        residuals[pick.phase].append(min(times, key=abs, default=np.inf))
    for phase, tolerance in (("P", 0.2), ("S", 0.3)):
        assert np.mean(np.abs(residuals[phase]) < tolerance) >= 0.9, (phase, residuals[phase])
    assert len(found) < 2 * len(day.picks)
