"""Training windows."""

import numpy as np
import pytest

from catalogdb.demo.training_windows import WINDOW_SAMPLES, build_pool, make_windows, normalize, soft_labels


@pytest.fixture(scope="module")
def pool():
    return build_pool(424_242, earthquakes=3, receivers_each=4, noise_sites=3)


def test_pool_traces_start_a_second_before_p(pool):
    assert pool.traces.shape == (12, 3, 4600) and pool.noise.shape == (3, 3, 30_000)
    assert np.all((pool.onset[:, 0] >= 100) & (pool.onset[:, 0] < 101))
    assert np.all(pool.onset[:, 1] > pool.onset[:, 0])
    assert np.all(pool.strength > 0) and np.all(pool.noise_rms > 0)


def test_windows_are_reproducible_and_labelled_as_probabilities(pool):
    first, again = (make_windows(pool, np.random.default_rng(1), 32) for _ in range(2))
    np.testing.assert_array_equal(first.data, again.data)
    assert first.data.shape == first.labels.shape == (32, 3, WINDOW_SAMPLES)
    np.testing.assert_allclose(first.labels.sum(axis=1), 1.0, atol=1e-5)
    assert first.labels.min() >= 0.0
    phases = {phase for marked in first.onsets for phase, _ in marked}
    assert phases == {"P", "S"} and any(not marked for marked in first.onsets)


def test_labels_peak_at_the_onsets():
    labels = soft_labels([[("P", 1000.0), ("S", 1600.0)], []])
    assert np.argmax(labels[0, 1]) == 1000 and np.argmax(labels[0, 2]) == 1600
    assert labels[0, 1, 1010] == pytest.approx(np.exp(-0.5), rel=1e-5)
    assert labels[0, 2, 1615] == pytest.approx(np.exp(-0.5), rel=1e-5)
    np.testing.assert_array_equal(labels[1, 0], 1.0)


def test_dead_components_stay_zero_when_normalized():
    data = np.random.default_rng(0).standard_normal((2, 3, 3001)).astype(np.float32) * 50 + 1000
    data[0, 1:] = 0.0
    normal = normalize(data)
    assert np.all(normal[0, 1:] == 0) and normal[1].std(axis=-1) == pytest.approx(1.0, abs=1e-3)
    assert np.abs(normal.mean(axis=-1)).max() < 1e-4
