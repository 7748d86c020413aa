"""Where a mask is true, as spans of samples."""

from __future__ import annotations

import numpy as np


def true_spans(mask: np.ndarray) -> np.ndarray:
    """[first, end) of each span of True in a mask (n,): int64 array (spans, 2), ascending."""
    return np.flatnonzero(np.diff(mask, prepend=False, append=False)).reshape(-1, 2)
