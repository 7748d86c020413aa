"""How well a picker's probabilities answer three questions, as Muenchmeyer et al. (2022, Which picker fits my data?,
section 2.2) put them, and the scores that they and Liu et al. (2024) give.

- event detection: is there an onset in the window? Scored by the area under the receiver's curve;
- phase identification: the window holds one onset, is it P or S? By Matthews' correlation coefficient;
- onset regression: the window holds one onset of a known phase, when? By the errors of time.

Each is answered from the probabilities themselves, so a model that was trained to pick needs no other head.
"""

from __future__ import annotations

import numpy as np
from sklearn.metrics import matthews_corrcoef, roc_auc_score

ONSET_WINDOW_SECONDS = 10.0
"""Length of the windows of the second and the third question."""


def detection_score(noise: np.ndarray) -> np.ndarray:
    """How surely each window holds an onset: one less the smallest probability of noise; (windows,).

    Args:
        noise: probability of noise, (windows, samples).
    """
    return 1.0 - np.nanmin(noise, axis=1)


def phase_score(p: np.ndarray, s: np.ndarray) -> np.ndarray:
    """How much rather each window's onset is S: log of the largest probability of S over that of P; (windows,).

    Args:
        p, s: probabilities, (windows, samples).
    """
    return np.log(np.nanmax(s, axis=1) + 1e-7) - np.log(np.nanmax(p, axis=1) + 1e-7)


def onset_samples(probability: np.ndarray) -> np.ndarray:
    """Where each window's onset is: the sample of the largest probability of its phase; int (windows,)."""
    return np.nanargmax(probability, axis=1)


def detection_auc(score: np.ndarray, holds_onset: np.ndarray) -> float:
    """Area under the receiver's curve; 0.5 is chance. NaN where all windows are of one kind."""
    return float(roc_auc_score(holds_onset, score)) if 0 < holds_onset.mean() < 1 else float("nan")


def best_phase_threshold(score: np.ndarray, is_s: np.ndarray) -> float:
    """The threshold of `phase_score` with the best correlation coefficient, to be chosen on other windows than those
    that are judged."""
    candidates = np.unique(np.concatenate([[0.0], np.quantile(score, np.linspace(0.02, 0.98, 49))]))
    return float(max(candidates, key=lambda threshold: matthews_corrcoef(is_s, score > threshold)))


def phase_mcc(score: np.ndarray, is_s: np.ndarray, threshold: float) -> float:
    """Matthews' correlation coefficient of P and S; 0 is chance, 1 is right throughout."""
    return float(matthews_corrcoef(is_s, score > threshold))
