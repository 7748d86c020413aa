"""Windows are labelled where onsets are, depend on their numbers alone, and losses leave out what is not known."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from labelled_records import P_SAMPLE, S_SAMPLE, record

from catalogdb.picking.seisbench_network import WindowProbabilities
from catalogdb.picking.weights import resolve
from catalogdb.training import networks
from catalogdb.training.config import AugmentConfig
from catalogdb.training.objectives import PickObjective, _apart, _exclusive
from catalogdb.training.windows import Batch, Windows, examples_of

ALL = AugmentConfig(noise=1, stack=1, gap=1, drop_channels=1, lower_rate=1)


@pytest.fixture(scope="module")
def parent():
    return networks.open_parent(resolve("phasenet", "demo"))


def windows_of(records, network, augment=None):
    examples, rejected = examples_of(records, network)
    assert rejected == []
    return Windows(examples, network.window, network.rate, 0.1, augment)


def test_examples_are_what_the_picker_sees(parent):
    (example,), _ = examples_of([record(0)], parent[1])
    assert example.data.shape == (3, 6000) and example.data.dtype == np.float32
    assert dict(example.onsets) == pytest.approx({"P": P_SAMPLE, "S": S_SAMPLE}, abs=1e-3)


def test_labels_peak_at_the_onsets(parent):
    batch = windows_of([record(0)], parent[1]).batch([0] * 20, [1, 2])
    peaks = batch.labels[:, :2].argmax(axis=2)
    both = (batch.labels[:, :2].max(axis=2) > 0.99).all(axis=1)
    assert both.sum() > 5
    assert set(peaks[both, 1] - peaks[both, 0]) == {S_SAMPLE - P_SAMPLE}
    assert len(set(peaks[both, 0])) > 5, "windows are shifted"
    event = batch.labels[both, 2]
    assert event.sum(axis=1).max() == pytest.approx(1.4 * (S_SAMPLE - P_SAMPLE), abs=2)


def test_a_window_depends_on_its_numbers_alone(parent):
    windows = windows_of([record(number) for number in range(4)], parent[1], ALL)
    np.random.seed(5)
    before = np.random.get_state()[1].copy()
    first, again, other = (windows.batch([0, 1, 2, 3], seed) for seed in ([1, 0, 3], [1, 0, 3], [1, 0, 4]))
    assert np.array_equal(first.data, again.data) and np.array_equal(first.labels, again.labels)
    assert not np.array_equal(first.data, other.data)
    assert np.array_equal(np.random.get_state()[1], before), "NumPy's own generator is left as it was"


def test_augmented_windows_are_finite_and_labels_probabilities(parent):
    windows = windows_of([record(number) for number in range(8)], parent[1], ALL)
    for batch in windows.batches(8, [1, 0, 1], per_example=4):
        assert np.isfinite(batch.data).all() and batch.data.shape[1:] == (3, 3001)
        assert batch.labels.min() >= 0 and batch.labels[:, :2].sum(axis=1).max() <= 1 + 1e-5


def test_a_window_of_nothing_but_zeros_has_no_onset(parent):
    vertical = record(0)
    alone = replace(vertical, traces=vertical.traces[:1])
    batch = windows_of([alone], parent[1], AugmentConfig(drop_channels=1, noise=0, gap=0)).batch([0] * 40, [1])
    dead = ~batch.data.any(axis=(1, 2))
    assert 0 < dead.sum() < 40 and not batch.labels[dead].any() and batch.labels[~dead].any()


def test_stacked_records_know_what_both_know(parent):
    records = [record(number, phases="P" if number else "PS") for number in range(6)]
    augment = AugmentConfig(stack=1, noise=0, gap=0, drop_channels=0, lower_rate=0)
    batch = windows_of(records, parent[1], augment).batch([0] * 40, [3])
    assert batch.known[:, 0].all() and 0 < batch.known[:, 1].sum() < 40


def test_a_record_without_its_onset_is_rejected_with_the_reason(parent):
    broken = record(0)
    for trace in broken.traces:
        trace.data = trace.data[:1500]
    examples, rejected = examples_of([broken], parent[1])
    assert examples == [] and rejected == ["r0: its onsets lie in no stretch without a gap"]


def test_training_normalises_as_the_picker_does(parent):
    module, network = parent
    module.eval()
    data = windows_of([record(0)], network).batch([0], [1]).data
    picked = WindowProbabilities(module, [module.labels.index(phase) for phase in "PS"])
    with torch.no_grad():
        prepared = module.annotate_batch_pre(torch.from_numpy(data.copy()), argdict=module.default_args)
        logits = module(prepared, logits=True)
        probabilities = torch.softmax(logits, dim=1)[:, [module.labels.index(phase) for phase in "PS"]]
        assert torch.allclose(probabilities, picked(torch.from_numpy(data.copy())), atol=1e-6)


def test_an_unknown_phase_takes_no_part_in_the_loss():
    torch.manual_seed(0)
    logits = torch.randn(2, 3, 50, requires_grad=True)
    labels = torch.zeros(2, 3, 50)
    labels[:, 0, 10] = 1.0
    known = torch.tensor([[True, False], [True, False]])
    loss = _exclusive(logits, [0, 1, 2], labels, known)
    rest = torch.logsumexp(logits[:, [0, 2]], 1) - torch.logsumexp(logits, 1)
    p_alone = torch.log_softmax(logits, 1)[:, 1]
    expected = -torch.where(labels[:, 0] > 0, p_alone, rest).mean()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-6)
    loss.backward()
    noise, s_phase = logits.grad[:, 0], logits.grad[:, 2]
    assert torch.sign(noise).equal(torch.sign(s_phase)), "noise and S are one class"


def test_with_all_known_it_is_the_cross_entropy():
    torch.manual_seed(0)
    logits, labels = torch.randn(2, 3, 50), torch.rand(2, 3, 50) / 3
    target = torch.stack([1 - labels[:, 0] - labels[:, 1], labels[:, 0], labels[:, 1]], dim=1)
    expected = -(target * torch.log_softmax(logits, 1)).sum(1).mean()
    loss = _exclusive(logits, [0, 1, 2], labels, torch.ones(2, 2, dtype=torch.bool))
    assert loss.item() == pytest.approx(expected.item(), rel=1e-6)


def test_outputs_of_their_own_are_left_out_where_unknown():
    outputs = {name: torch.randn(1, 50, requires_grad=True) for name in "DPS"}
    _apart(outputs, torch.zeros(1, 3, 50), torch.tensor([[True, False]])).backward()
    assert outputs["P"].grad.abs().sum() > 0
    assert outputs["S"].grad.abs().sum() == 0 and outputs["D"].grad.abs().sum() == 0


def test_eqtransformer_has_a_loss_that_falls_with_a_step():
    module = networks.model_class("eqtransformer")(**networks.NEW["eqtransformer"])
    generator = np.random.default_rng(0)
    data = generator.normal(0, 1, (2, 3, 6000)).astype(np.float32)
    batch = Batch(data, np.zeros((2, 3, 6000), np.float32), np.ones((2, 2), bool))
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    losses = []
    for _ in range(2):
        torch.manual_seed(0)
        loss = PickObjective().loss(module, batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[1] < losses[0]
