"""SeisLM has the published dimensions, and every frame attends to all others, in pretraining too."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from catalogdb.errors import InputError
from catalogdb.seislm.heads import SEQUENCE_CLASSES, SequenceHead, at_samples
from catalogdb.seislm.model import SeisLM
from catalogdb.seislm.sizes import SIZES, WINDOW_SAMPLES, size_named


def model(size="small") -> SeisLM:
    torch.manual_seed(0)
    return SeisLM(size=size, component_order="ZNE").eval()


def parameters(*modules: torch.nn.Module) -> int:
    return sum(each.numel() for module in modules for each in module.parameters())


@pytest.fixture
def windows():
    return torch.randn(2, 3, WINDOW_SAMPLES, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("size", "millions"), [("base", 11.36), ("large", 90.68)])
def test_published_sizes_have_as_many_parameters(size, millions):
    with torch.device("meta"):
        made = SeisLM(size=size)
    assert round(parameters(made.encoder, made.pretraining) / 1e6, 2) == millions
    assert made.size.frames(WINDOW_SAMPLES) == 749 and made.size.heads == 12


def test_small_takes_six_tenths_of_a_gflop_a_window(windows):
    with FlopCounterMode(display=False) as counted, torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
        model()(windows[:1])
    assert 0.55e9 < counted.get_total_flops() < 0.65e9


@pytest.mark.parametrize("half", ["first", "second"])
def test_each_half_depends_on_the_other_half(windows, half):
    """One window in two versions that differ far away from where outputs are compared."""
    network = model()
    here, there = (slice(0, 1000), slice(1900, None)) if half == "first" else (slice(2000, None), slice(0, 1100))
    other = windows.clone()
    other[:, :, there] = windows[:, :, there].flip(-1)
    with torch.no_grad():
        difference = (network(windows) - network(other)).abs()[:, :, here].amax(dim=(0, 1))
    assert (difference > 1e-7).float().mean() > 0.99


@pytest.mark.parametrize("is_masked", [False, True])
def test_every_frame_depends_on_every_frame(is_masked):
    """By derivatives: what a frame comes to changes with each other frame, next to it or at the other end."""
    encoder = model().encoder
    frames = encoder.blocks[0].attention.query.in_features
    features = torch.randn(1, 373, 64, requires_grad=True, generator=torch.Generator().manual_seed(2))
    mask = torch.zeros(1, 373, dtype=torch.bool)
    mask[:, 100:105] = is_masked
    context = encoder.context(features, mask)
    assert context.shape == (1, 373, frames)
    for frame in (0, 102, 372):
        (derivative,) = torch.autograd.grad(context[0, frame, 0], features, retain_graph=True)
        reached = derivative[0].abs().amax(dim=-1) > 0
        assert reached[~mask[0]].all()
        assert not reached[mask[0]].any()


def test_output_is_a_probability_at_each_sample(windows):
    with torch.no_grad():
        output = model()(windows)
    assert output.shape == (2, 3, WINDOW_SAMPLES)
    torch.testing.assert_close(output.sum(dim=1), torch.ones(2, WINDOW_SAMPLES))


def test_a_window_does_not_depend_on_others_beside_it(windows):
    network = model()
    with torch.no_grad():
        torch.testing.assert_close(network(windows)[:1], network(windows[:1]), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("name", SIZES)
def test_frames_stand_at_the_samples_that_they_saw(name):
    """A ramp of frames comes out as a ramp of samples, right at the middle of each frame's samples."""
    size = size_named(name)
    count = size.frames(WINDOW_SAMPLES)
    ramp = torch.arange(count, dtype=torch.float32).reshape(1, count, 1)
    spread = at_samples(ramp, WINDOW_SAMPLES, size)[0, 0]
    middle = np.arange(1, count - 1) * size.samples_per_frame + (size.samples_seen - 1) / 2
    found = np.interp(middle, np.arange(WINDOW_SAMPLES), spread.numpy())
    assert np.abs(found - np.arange(1, count - 1)).max() <= 0.5 / size.samples_per_frame + 1e-3


def test_dead_components_and_silence_give_numbers():
    silent = torch.zeros(1, 3, WINDOW_SAMPLES)
    one = silent.clone()
    one[0, 0] = torch.randn(WINDOW_SAMPLES)
    network = model()
    for counts in (silent, one):
        with torch.no_grad():
            assert torch.isfinite(network(network.annotate_batch_pre(counts, {}))).all()


def test_saved_weights_load_as_seisbench_loads_them(tmp_path, windows):
    network = model()
    network.save(tmp_path / "mine", weights_docstring="of a test", version_str="1")
    loaded = SeisLM.load(tmp_path / "mine", version_str="1").eval()
    assert loaded.component_order == "ZNE" and loaded.weights_docstring == "of a test"
    with torch.no_grad():
        assert torch.equal(loaded(windows), network(windows))


def test_an_embedding_is_one_vector_a_window(windows):
    network = model()
    with torch.no_grad():
        assert network.embed(windows).shape == (2, network.size.hidden)
        classes = SequenceHead(network.size)(network.encoder(windows))
    assert classes.shape == (2, SEQUENCE_CLASSES)


def test_an_unknown_size_is_refused():
    with pytest.raises(InputError, match="no SeisLM of size 'huge'"):
        SeisLM(size="huge")
