"""Masks, negatives, quantiser and contrastive loss do what the paper says of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from catalogdb.seislm.loss import DIVERSITY_WEIGHT, contrastive_logits, pretraining_loss
from catalogdb.seislm.masks import NEGATIVES, negative_frames, span_mask
from catalogdb.seislm.model import SeisLM
from catalogdb.seislm.quantiser import Quantiser, perplexity, temperature
from catalogdb.seislm.sizes import SIZES, size_named


@pytest.fixture
def random():
    return np.random.default_rng(0)


# -- masks


def test_masked_spans_start_at_a_share_of_the_frames(random):
    mask = span_mask(200, 749, 0.065, 10, random)
    starts = np.diff(mask.astype(int), prepend=0, axis=1) == 1
    lengths = np.diff(np.flatnonzero(np.diff(np.pad(mask, ((0, 0), (1, 1))).ravel().astype(int))))[::2]
    assert lengths.min() >= 10
    assert starts.sum(axis=1).max() <= 49  # 48 or 49 spans, fewer where they overlap
    assert mask.mean() == pytest.approx(1 - (1 - 0.065) ** 10, abs=0.02)


@pytest.mark.parametrize("name", SIZES)
def test_all_sizes_mask_about_half_of_the_frames(name, random):
    size = size_named(name)
    mask = span_mask(50, size.frames(3001), size.mask_share, size.mask_frames, random)
    assert 0.45 < mask.mean() < 0.52
    assert size.mask_frames * size.samples_per_frame == 40


def test_a_window_without_room_for_a_span_is_refused(random):
    with pytest.raises(ValueError, match="9 frames have no room"):
        span_mask(1, 9, 0.065, 10, random)


def test_negatives_are_other_masked_frames_of_the_same_window(random):
    mask = span_mask(8, 373, 0.13, 5, random)
    negatives = negative_frames(mask, random)
    windows, frames = mask.nonzero()
    assert negatives.shape == (len(frames), NEGATIVES)
    assert mask[windows[:, None], negatives].all()
    assert (negatives != frames[:, None]).all()
    of_one = negatives[windows == 0]
    assert set(np.unique(of_one)) == set(frames[windows == 0])  # all others come


def test_masks_depend_on_the_seed_alone():
    one, other = (span_mask(3, 373, 0.13, 5, np.random.default_rng(5)) for _ in range(2))
    assert (one == other).all()
    assert (one != span_mask(3, 373, 0.13, 5, np.random.default_rng(6))).any()


# -- quantiser


def test_temperature_falls_from_two_to_a_half():
    assert [temperature(share) for share in (0, 0.5, 1, 2)] == pytest.approx([2.0, 1.0, 0.5, 0.5])


def test_scores_of_words_are_divided_by_the_root_of_channels():
    size = size_named("base")
    quantiser = Quantiser(size).eval()
    features = torch.randn(1, 5, 256)
    with torch.no_grad():
        found = quantiser(features, 1.0)
        plain = quantiser.scores(features).reshape(1, 5, 2, 320)
    torch.testing.assert_close(found.probability, (plain / 16).softmax(dim=-1))


def test_each_frame_gets_one_word_of_each_book():
    size = size_named("base")
    quantiser = Quantiser(size)
    found = quantiser(torch.randn(2, 7, 256), 2.0)
    assert found.frames.shape == (2, 7, 256) and found.words.shape == (2, 7)
    first, second = int(found.words[1, 3]) % 320, int(found.words[1, 3]) // 320
    wanted = torch.cat([quantiser.codewords[0, first], quantiser.codewords[1, second]])
    torch.testing.assert_close(found.frames[1, 3], wanted)


def test_the_gradient_goes_straight_through_the_choice():
    quantiser = Quantiser(size_named("small"))
    features = torch.randn(1, 4, 64, requires_grad=True)
    quantiser(features, 2.0).frames.sum().backward()
    assert features.grad is not None and features.grad.abs().sum() > 0
    assert quantiser.scores.weight.grad.abs().sum() > 0


def test_perplexity_counts_the_words_in_use():
    mask = torch.ones(1, 4, dtype=torch.bool)
    even = torch.full((1, 4, 2, 320), 1 / 320)
    one = torch.zeros(1, 4, 2, 320)
    one[..., 7] = 1
    assert perplexity(even, mask).item() == pytest.approx(640, rel=1e-3)
    assert perplexity(one, mask).item() == pytest.approx(2, rel=1e-3)


# -- loss


def toy(count=6, size=8):
    """One window of as many masked frames, each with a word of its own."""
    targets = torch.randn(1, count, size, generator=torch.Generator().manual_seed(3))
    mask = torch.ones(1, count, dtype=torch.bool)
    negatives = torch.tensor([[other for other in range(count) if other != frame] for frame in range(count)])
    return targets, torch.arange(count)[None], mask, negatives


def test_right_guesses_have_no_loss_and_chance_has_log_n():
    targets, words, mask, negatives = toy()
    right = pretraining_loss(contrastive_logits(targets, targets, words, mask, negatives), torch.tensor(4.0), 4)
    assert right.accuracy == 1 and right.contrastive < 0.2
    same = torch.ones_like(targets)
    chance = pretraining_loss(contrastive_logits(targets, same, words, mask, negatives), torch.tensor(4.0), 4)
    assert chance.contrastive.item() == pytest.approx(math.log(6), rel=1e-4)


def test_similarity_is_the_cosine_over_a_tenth():
    targets, words, mask, negatives = toy()
    logits = contrastive_logits(3 * targets, targets, words, mask, negatives)
    torch.testing.assert_close(logits[:, 0], torch.full((6,), 10.0))


def test_a_negative_of_the_same_word_takes_no_part():
    targets, words, mask, negatives = toy()
    targets[0, 1], words[0, 1] = targets[0, 0], 0
    logits = contrastive_logits(targets, targets, words, mask, negatives)
    assert logits[0, 1] == -torch.inf and torch.isfinite(logits[0, [0, 2, 3, 4, 5]]).all()


def test_words_out_of_use_cost_a_tenth_of_their_share():
    logits = torch.tensor([[5.0, 1.0]])
    all_used, half_used = (pretraining_loss(logits, torch.tensor(used), 640) for used in (640.0, 320.0))
    assert (half_used.total - all_used.total).item() == pytest.approx(DIVERSITY_WEIGHT * 0.5)


def test_a_window_of_silence_has_a_loss_that_is_a_number():
    network = SeisLM(size="small")
    found = network.pretraining_loss(torch.zeros(2, 3, 3001), np.random.default_rng(0), 2.0)
    assert torch.isfinite(found.total)


def test_pretraining_learns_to_tell_frames_apart():
    """Windows of noise bursts of different frequency: within a few steps guesses are better than chance."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    network = SeisLM(size="small")
    time = torch.arange(3001) / 100
    random = np.random.default_rng(0)
    windows = torch.stack(
        [torch.stack([torch.sin(2 * np.pi * f * time * time / 30) for f in random.uniform(1, 20, 3)]) for _ in range(4)]
    )
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    losses = []
    for step in range(12):
        found = network.pretraining_loss(network.annotate_batch_pre(windows, {}), np.random.default_rng(step), 2.0)
        optimizer.zero_grad()
        found.total.backward()
        optimizer.step()
        losses.append(found.contrastive.item())
    assert losses[0] > 4.3  # chance: log 101 = 4.6
    assert np.mean(losses[-3:]) < np.mean(losses[:3]) - 0.05
