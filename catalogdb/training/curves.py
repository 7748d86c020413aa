"""Learning curves as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from catalogdb.plots.theme import LIGHT

WIDTH_INCHES, HEIGHT_INCHES = 6.0, 3.6


def draw_losses(seeds: Sequence[tuple[int, Sequence[Mapping[str, Any]], int]], title: str, path: Path) -> None:
    """Draw the losses of the training and the validation part by epoch.

    Args:
        seeds: seed, `curves` of `model_weights`, and best epoch of each.
        path: .png, .svg or .pdf.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH_INCHES, HEIGHT_INCHES), layout="constrained")
    axes = figure.subplots()
    for number, (seed, curves, best) in enumerate(seeds):
        epochs = [row["epoch"] for row in curves]
        training, validation = ([row[f"{part}_loss"] for row in curves] for part in ("training", "validation"))
        first = number == 0
        axes.plot(epochs, training, color=LIGHT.p, lw=1, alpha=0.6, label="training" if first else None)
        axes.plot(epochs, validation, color=LIGHT.s, lw=1.4, alpha=0.9, label="validation" if first else None)
        if best:
            label = "weights taken" if first else None
            axes.plot(best, validation[best - 1], "o", color=LIGHT.s, ms=5, label=label)
            axes.annotate(f" {seed}", (best, validation[best - 1]), fontsize=8, color=LIGHT.text)
    axes.set(xlabel="epoch", ylabel="loss", title=title)
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)
