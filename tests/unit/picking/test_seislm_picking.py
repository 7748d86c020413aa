"""SeisLM picks as other networks do: the same on OpenVINO and torch, and whatever the shards."""

from __future__ import annotations

import importlib.util
import io

import numpy as np
import pytest
import torch
from obspy import Stream, Trace, UTCDateTime

from catalogdb.errors import InputError
from catalogdb.picking.config import PickConfig
from catalogdb.picking.picker import NetworkPicker, load_picker
from catalogdb.picking.stretches import build_stretches
from catalogdb.picking.weights import resolve
from catalogdb.training.networks import OWN_METADATA, Weights, new_weights, open_parent

openvino_only = pytest.mark.skipif(importlib.util.find_spec("openvino") is None, reason="openvino is not installed")
START = 1_600_000_000.0
LOWEST = {"p_threshold": 0.2, "s_threshold": 0.2, "probability_floor": 0.1, "threads": 1}


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Random ones, with sharp peaks: what they pick means nothing, but it is always the same."""
    plain = new_weights("seislm", 0)
    tensors = torch.load(io.BytesIO(plain.pt), weights_only=True)
    tensors["head.last.weight"] *= 15
    tensors["head.last.bias"] = torch.tensor([6.0, 0.0, 0.0])
    stream = io.BytesIO()
    torch.save(tensors, stream)
    return Weights(stream.getvalue(), plain.metadata).write(tmp_path_factory.mktemp("weights"), "random")


@pytest.fixture(scope="module")
def stream():
    """Three minutes with bursts."""
    random = np.random.default_rng(0)
    made = []
    for letter in "ZNE":
        data = random.normal(0, 100, 18000)
        for onset in range(1500, 17000, 2300):
            data[onset : onset + 800] += random.normal(0, 3000, 800) * np.exp(-np.arange(800) / 200)
        header = {"network": "XX", "station": "AAA", "channel": f"HH{letter}", "sampling_rate": 100.0}
        made.append(Trace(data.astype(np.float32), header | {"starttime": UTCDateTime(START)}))
    return Stream(made)


def picker(weights, **settings) -> NetworkPicker:
    made = load_picker(PickConfig(picker="seislm", weights=str(weights), **LOWEST | settings))
    assert isinstance(made, NetworkPicker)
    return made


def probability(weights, stream, **settings):
    (stretch,) = build_stretches(stream, 100.0).stretches
    return picker(weights, **settings).probability(stretch)


@openvino_only
def test_openvino_gives_seislm_the_same_probabilities(weights, stream):
    values = [probability(weights, stream, backend=name).values for name in ("openvino", "torch")]
    assert np.nanmax(np.abs(values[0] - values[1])) < 1e-5


def test_seislms_picks_do_not_depend_on_shard_borders(weights, stream):
    whole = picker(weights, backend="torch")
    reach = whole.padding_seconds
    expected = whole.pick(list(stream), START, START + 180)
    borders = [START, START + 63.21, START + 118, START + 180]
    cut = []
    for begin, end in zip(borders, borders[1:], strict=False):
        part = stream.slice(UTCDateTime(begin - reach), UTCDateTime(end + reach))
        cut += whole.pick(list(part), begin, end).picks
    assert [(p["phase"], p["time"]) for p in cut] == [(p["phase"], p["time"]) for p in expected.picks]
    probabilities = [[pick["probability"] for pick in picks] for picks in (cut, expected.picks)]
    np.testing.assert_allclose(*probabilities, atol=1e-5)
    assert len(expected.picks) > 10


def test_batches_do_not_change_what_seislm_says(weights, stream):
    values = [probability(weights, stream, backend="torch", batch_size=size).values for size in (1, 5)]
    assert np.nanmax(np.abs(values[0] - values[1])) < 1e-5


def test_weights_that_were_only_pretrained_can_not_pick(tmp_path, weights):
    plain = new_weights("seislm", 0)
    metadata = plain.metadata | {OWN_METADATA: {"training": {"task": "pretrain"}}}
    path = Weights(plain.pt, metadata).write(tmp_path, "pretrained")
    with pytest.raises(InputError, match="were pretrained without labels, and can't pick"):
        picker(path)


def test_the_packaged_weights_are_a_parent_and_no_picker():
    files = resolve("seislm", "demo")
    assert files.is_pretrained_only and files.pt.stat().st_size < 5e6
    module, network = open_parent(files)
    assert module.size_name == "small" and network.window == 3001
    with pytest.raises(InputError, match="'demo' were pretrained without labels"):
        picker("demo")


def test_half_precision_is_refused_for_seislm(weights):
    with pytest.raises(ValueError, match="float16 is for PhaseNet alone"):
        PickConfig(picker="seislm", weights=str(weights), precision="float16")
