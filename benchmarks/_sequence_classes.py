"""Made windows of nine classes, as of a sequence's time, and how well heads on frozen frames tell them apart.

The published experiment (Laurenti et al., 2024; Liu et al., 2024, section 4.4) tells the time of an earthquake before
or after a mainshock from its waveform at one station, in nine classes. The reason given is that the fault zone's
attenuation and the earthquakes' stress drop change in a sequence. Here just that is made, and more of it than nature
is known to have: kappa grows and the stress drop falls from class to class, a little less than earthquakes and sites
of one class differ among themselves. So a score says that the head and the frames can learn such a difference; it says
nothing on whether foreshocks can be told.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from torch.nn import functional

from catalogdb.demo.seismogram import synthesize
from catalogdb.demo.training_windows import (
    WINDOW_SAMPLES,
    Pool,
    build_pool,
    random_earthquake,
    random_receivers,
)
from catalogdb.seislm.heads import SEQUENCE_CLASSES, SequenceHead

KAPPA_STEP_S = 0.005
STRESS_DROP_STEP = 0.12  # of the logarithm
STATIONS_EACH = 4
NOISE_SITES = 40
P_SAMPLE = 500
LEAST_SNR = 5.0
EPOCHS, BATCH, LEARNING_RATE = 20, 16, 3e-3
BANDS_HZ = np.geomspace(0.5, 45.0, 31)


@dataclass(frozen=True)
class ClassedWindows:
    """Windows and what they are.

    Attributes:
        data: float32 (windows, 3, 3001), counts; P comes 5 s after the start.
        classes: int (windows,), 0 to 8.
        earthquakes: int (windows,): those of one earthquake, at several stations, have one number.
    """

    data: np.ndarray
    classes: np.ndarray
    earthquakes: np.ndarray

    def of(self, rows: np.ndarray) -> ClassedWindows:
        """Some of them."""
        return ClassedWindows(self.data[rows], self.classes[rows], self.earthquakes[rows])


def classed_windows(seed: int, earthquakes: int) -> ClassedWindows:
    """So many earthquakes, classes in turn, each at four stations over noise of its own; always the same."""
    noise = build_pool(seed, earthquakes=1, receivers_each=1, noise_sites=NOISE_SITES)
    data, classes, numbers = [], [], []
    for number in range(earthquakes):
        random = np.random.default_rng([seed, 21, number])
        step = number % SEQUENCE_CLASSES - SEQUENCE_CLASSES // 2
        event, stations = random_earthquake(random), random_receivers(random, STATIONS_EACH)
        event = replace(event, stress_drop_pa=event.stress_drop_pa * 10 ** (-STRESS_DROP_STEP * step))
        stations = replace(stations, kappa_s=stations.kappa_s + KAPPA_STEP_S * (step + SEQUENCE_CLASSES // 2))
        made = synthesize(event, stations, random, samples=8192)
        for wave, p_time in zip(made.velocity_m_s, made.p_time_s, strict=True):
            data.append(_window(wave, float(p_time), noise, random))
            classes.append(number % SEQUENCE_CLASSES)
            numbers.append(number)
    return ClassedWindows(np.stack(data), np.array(classes), np.array(numbers))


def _window(wave: np.ndarray, p_time: float, noise: Pool, random: np.random.Generator) -> np.ndarray:
    """One trace, P at 5 s, over noise that it stands above."""
    first = round(p_time * 100) - P_SAMPLE
    window = np.pad(wave, ((0, 0), (max(0, -first), WINDOW_SAMPLES)))[:, max(0, first) :][:, :WINDOW_SAMPLES]
    source = int(random.integers(len(noise.noise)))
    begin = int(random.integers(noise.noise.shape[-1] - WINDOW_SAMPLES))
    snr = LEAST_SNR * 10 ** random.uniform(0.0, 1.5)
    scale = snr * noise.noise_rms[source, 1] / max(float(window[1:].std()), 1e-30)
    made: np.ndarray = noise.noise[source, :, begin : begin + WINDOW_SAMPLES] + np.float32(scale) * window
    return made


def spectra(windows: ClassedWindows) -> np.ndarray:
    """Logarithms of the mean amplitude in bands of each component, less their own mean: (windows, 90)."""
    frequency = np.fft.rfftfreq(WINDOW_SAMPLES, 0.01)
    amplitude = np.abs(np.fft.rfft(windows.data - windows.data.mean(axis=-1, keepdims=True), axis=-1))
    bands = [
        amplitude[..., (frequency >= low) & (frequency < high)].mean(axis=-1)
        for low, high in zip(BANDS_HZ[:-1], BANDS_HZ[1:], strict=True)
        if ((frequency >= low) & (frequency < high)).any()
    ]
    logs = np.log(np.stack(bands, axis=-1) + 1e-12)
    return (logs - logs.mean(axis=-1, keepdims=True)).reshape(len(logs), -1)


def by_spectra(training: ClassedWindows, test: ClassedWindows) -> np.ndarray:
    """Classes of the test windows by a logistic regression on `spectra`."""
    scaler = StandardScaler().fit(spectra(training))
    model = LogisticRegression(max_iter=2000, C=0.1).fit(scaler.transform(spectra(training)), training.classes)
    found: np.ndarray = model.predict(scaler.transform(spectra(test)))
    return found


def by_frames(
    module: Any, training: ClassedWindows, validation: ClassedWindows, test: ClassedWindows, seed: int
) -> np.ndarray:
    """Classes of the test windows by `SequenceHead`, trained on the frames of an encoder that stays as it is."""
    module = module.eval()
    frames, of_validation, of_test = (_frames(module, each) for each in (training, validation, test))
    torch.manual_seed(seed)
    head = SequenceHead(module.size)
    optimizer = torch.optim.Adam(head.parameters(), lr=LEARNING_RATE)
    random = np.random.default_rng([seed, 22])
    truth, of_truth = torch.from_numpy(training.classes), torch.from_numpy(validation.classes)
    best, state = np.inf, {key: value.clone() for key, value in head.state_dict().items()}
    for _ in range(EPOCHS):
        order = random.permutation(len(frames))
        for first in range(0, len(order), BATCH):
            rows = order[first : first + BATCH]
            loss = functional.cross_entropy(head(frames[rows]), truth[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            found = float(functional.cross_entropy(head(of_validation), of_truth))
        if found < best:
            best, state = found, {key: value.clone() for key, value in head.state_dict().items()}
    head.load_state_dict(state)
    with torch.inference_mode():
        classes: np.ndarray = head(of_test).argmax(dim=1).numpy()
    return classes


def _frames(module: Any, windows: ClassedWindows) -> torch.Tensor:
    with torch.inference_mode():
        samples = module.annotate_batch_pre(torch.from_numpy(windows.data), {})
        parts = [module.encoder(samples[first : first + 50]) for first in range(0, len(samples), 50)]
    return torch.cat(parts).clone()


def interval(right: np.ndarray, earthquakes: np.ndarray, resamples: int) -> tuple[float, float]:
    """95 % interval of a share by bootstrap of the earthquakes and of the seeds.

    Args:
        right: (seeds, windows), or differences of such.
        earthquakes: (windows,), the earthquake of each.
    """
    random = np.random.default_rng(23)
    rows_of = [np.flatnonzero(earthquakes == number) for number in np.unique(earthquakes)]
    means = []
    for _ in range(resamples):
        rows = np.concatenate([rows_of[number] for number in random.integers(0, len(rows_of), len(rows_of))])
        seeds = random.integers(0, len(right), len(right))
        means.append(float(right[seeds][:, rows].mean()))
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)
