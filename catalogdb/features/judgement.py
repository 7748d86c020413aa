"""What a mean silhouette says of clusters."""

from __future__ import annotations

LEVELS = ((0.7, "a strong structure"), (0.5, "a reasonable structure"), (0.25, "a weak structure, perhaps artificial"))
"""Kaufman and Rousseeuw (1990), Finding Groups in Data, table 4."""


def silhouette_words(value: float) -> str:
    """The structure that a mean silhouette tells of."""
    return next((words for least, words in LEVELS if value > least), "no substantial structure")
