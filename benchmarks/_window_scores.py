"""What a model says of made windows, and its scores: picks, and the questions of `_picker_tasks`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.signal import find_peaks

from benchmarks import _picker_tasks as tasks
from catalogdb.demo.network import SAMPLING_RATE_HZ
from catalogdb.demo.scores import match
from catalogdb.demo.training_windows import Windows

THRESHOLDS = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6)
EDGE_SAMPLES = 250
"""At either side of a window nothing is scored: pickers are blind there."""
TASKS = ("pick_p", "pick_s", "detection", "phase", "onset_p", "onset_s")
Scorer = Callable[[np.ndarray], float]
"""Takes the windows that count, some of them more than once."""


@dataclass(frozen=True)
class Answers:
    """What a model says of windows.

    Attributes:
        counts: (windows, phases, thresholds, 3): right picks, picks, onsets.
        detection, holds: (windows,): score, and whether there is an onset.
        window, is_s, phase, error: (onsets that are alone in 10 s,): their window, whether S, the score for S, and the
            error of the time (s).
    """

    counts: np.ndarray
    detection: np.ndarray
    holds: np.ndarray
    window: np.ndarray
    is_s: np.ndarray
    phase: np.ndarray
    error: np.ndarray

    @property
    def truth(self) -> np.ndarray:
        """One entry for each window."""
        return self.holds


def probabilities(module: Any, windows: Windows) -> np.ndarray:
    """What a picker of SeisBench's kind (evaluation mode) says: (windows, classes, samples)."""
    with torch.inference_mode():
        parts = [
            module(module.annotate_batch_pre(torch.from_numpy(windows.data[first : first + 50]), module.default_args))
            for first in range(0, len(windows.data), 50)
        ]
    return torch.cat(parts).numpy()


def answers(probability: np.ndarray, windows: Windows) -> Answers:
    """What probabilities of N, P and S, (windows, 3, samples), say of windows."""
    inside = slice(EDGE_SAMPLES, probability.shape[-1] - EDGE_SAMPLES)
    onsets = [[(name, at) for name, at in row if inside.start <= at < inside.stop] for row in windows.onsets]
    counts = np.zeros((len(onsets), 2, len(THRESHOLDS), 3))
    for number, (curves, of_window) in enumerate(zip(probability, onsets, strict=True)):
        for phase, name in enumerate("PS"):
            truth = [at / SAMPLING_RATE_HZ for each, at in of_window if each == name]
            for place, threshold in enumerate(THRESHOLDS):
                peaks = find_peaks(curves[1 + phase], height=threshold, distance=50)[0]
                picks = peaks[(peaks >= inside.start) & (peaks < inside.stop)] / SAMPLING_RATE_HZ
                counts[number, phase, place] = len(match(picks.tolist(), truth)), len(picks), len(truth)
    alone = list(_alone(onsets, inside))
    parts = [probability[number, :, first:end] for number, first, end, _, _ in alone]
    curves = np.stack(parts) if parts else np.zeros((0, 3, 1))
    is_s = np.array([name == "S" for *_, name, _ in alone])
    own = np.where(is_s[:, None], curves[:, 2], curves[:, 1])
    error = (tasks.onset_samples(own) - np.array([at - first for _, first, _, _, at in alone])) / SAMPLING_RATE_HZ
    return Answers(
        counts,
        tasks.detection_score(probability[:, 0, inside]),
        np.array([bool(of_window) for of_window in onsets]),
        np.array([number for number, *_ in alone]),
        is_s,
        tasks.phase_score(curves[:, 1], curves[:, 2]),
        error,
    )


def _alone(onsets: list[list[tuple[str, float]]], inside: slice) -> Any:
    """Windows of 10 s that hold one onset: (number, first sample, end, phase, sample of the onset)."""
    length = int(tasks.ONSET_WINDOW_SECONDS * SAMPLING_RATE_HZ)
    random = np.random.default_rng(16)
    for number, of_window in enumerate(onsets):
        for name, at in of_window:
            first = int(np.clip(at - random.uniform(0.1, 0.9) * length, inside.start, inside.stop - length))
            if sum(first <= other < first + length for _, other in of_window) == 1:
                yield number, first, first + length, name, at


def scorer_of(task: str, validation: Answers, test: Answers) -> Scorer:
    """The score of a task on the test windows; thresholds are those that are best on the validation windows."""
    if task == "detection":
        return lambda draw: tasks.detection_auc(test.detection[draw], test.holds[draw])
    if task == "phase":
        threshold = tasks.best_phase_threshold(validation.phase, validation.is_s)
        return lambda draw: tasks.phase_mcc(_rows(test, test.phase, draw), _rows(test, test.is_s, draw), threshold)
    number = "ps".index(task[-1])
    if task.startswith("pick"):
        best = int(np.nanargmax(_f1(validation.counts[:, number].sum(axis=0))))
        return lambda draw: float(_f1(test.counts[draw, number, best].sum(axis=0)))
    of_phase = test.is_s == bool(number)
    errors = np.where(of_phase, np.abs(test.error), np.nan)
    return lambda draw: float(np.nanmean(_rows(test, errors, draw)))


def _f1(counts: np.ndarray) -> np.ndarray:
    return 2 * counts[..., 0] / np.maximum(counts[..., 1] + counts[..., 2], 1)


def _rows(test: Answers, values: np.ndarray, draw: np.ndarray) -> np.ndarray:
    """Values of onsets, each as often as its window was drawn."""
    return np.repeat(values, np.bincount(draw, minlength=len(test.holds))[test.window])
