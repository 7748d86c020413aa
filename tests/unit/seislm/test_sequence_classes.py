"""Made windows of nine classes: what tells them apart is in the spectra, and in them alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchmarks._sequence_classes import P_SAMPLE, by_frames, by_spectra, classed_windows, interval, spectra
from catalogdb.picking.zoo import model_class
from catalogdb.training.networks import NEW


@pytest.fixture(scope="module")
def made():
    return classed_windows(5, earthquakes=90)


def test_earthquakes_of_a_class_stay_together(made):
    assert made.data.shape == (360, 3, 3001) and np.isfinite(made.data).all()
    assert np.bincount(made.classes).tolist() == [40] * 9
    assert all(len(set(made.classes[made.earthquakes == number])) == 1 for number in range(90))


def test_the_same_seed_makes_the_same_windows(made):
    again = classed_windows(5, earthquakes=3)
    assert np.array_equal(made.data[:12], again.data)
    assert not np.array_equal(again.data, classed_windows(6, earthquakes=3).data)


def test_waves_come_five_seconds_after_the_start(made):
    before = made.data[:, 0, : P_SAMPLE - 50].std(axis=-1)
    after = made.data[:, 0, P_SAMPLE : P_SAMPLE + 2000].std(axis=-1)
    assert np.median(after / before) > 2


def test_later_classes_have_less_of_the_high_frequencies(made):
    high = spectra(made).reshape(len(made.data), 3, -1)[:, :, -6:].mean(axis=(1, 2))
    assert high[made.classes <= 2].mean() > high[made.classes >= 6].mean() + 0.2


def test_spectra_tell_classes_better_than_chance(made):
    training, test = made.of(np.flatnonzero(made.earthquakes < 63)), made.of(np.flatnonzero(made.earthquakes >= 63))
    near = np.abs(by_spectra(training, test) - test.classes) <= 2
    assert near.mean() > 0.55  # chance: .48 for those that guess at random


def test_a_head_learns_from_frames_of_an_encoder_at_rest(made):
    torch.manual_seed(0)
    module = model_class("seislm")(**NEW["seislm"])
    before = {key: value.clone() for key, value in module.state_dict().items()}
    part = made.of(np.arange(36))
    found = by_frames(module, part, part, part, seed=1)
    assert (found == part.classes).mean() > 0.3  # what it was trained on
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())


def test_an_interval_holds_the_mean():
    random = np.random.default_rng(0)
    right = random.random((3, 400)) < 0.4
    low, high = interval(right.astype(float), np.repeat(np.arange(100), 4), 200)
    assert low < right.mean() < high and high - low < 0.15
