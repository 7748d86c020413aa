"""What a mean silhouette says of clusters, and what else may have made them."""

from __future__ import annotations

LEVELS = ((0.7, "a strong structure"), (0.5, "a reasonable structure"), (0.25, "a weak structure, perhaps artificial"))
"""Kaufman and Rousseeuw (1990), Finding Groups in Data, table 4."""

LOUDNESS = 0.5
"""From this rank correlation on, a quarter of the ranks' variance is the other's."""


def silhouette_words(value: float) -> str:
    """The structure that a mean silhouette tells of."""
    return next((words for least, words in LEVELS if value > least), "no substantial structure")


def loudness_words(correlation: float) -> list[str]:
    """A caution where events differ most by how loud they are."""
    if abs(correlation) < LOUDNESS:
        return []
    rank = f"rank correlation {correlation:.2f}"
    return [f"features: what events differ in most goes with their signal-to-noise ratio ({rank}), so with magnitude"]
