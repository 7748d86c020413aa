"""Where the events of a swarm were located, and where they are relocated: map and section, side by side."""

from __future__ import annotations

from pathlib import Path

import numpy as np

SIZE = (10.0, 8.0)
SHOWN_PERCENT = 1.0
"""Of the events on either side, these may lie outside of what is shown: outliers would make all else small."""
MARGIN_KM = 0.1


def write_relocation_map(before: np.ndarray, after: np.ndarray, path: Path, title: str) -> None:
    """Draw epicentres, and depths along the direction in which the events are spread most, before and after.

    Args:
        before, after: (x, y, depth) of the same events, km east and north of any point.
        path: file to write; its suffix says the format.
        title: over the figure.
    """
    from matplotlib.figure import Figure

    middle = np.median(after[:, :2], axis=0)
    along = np.linalg.eigh(np.cov((after[:, :2] - middle).T))[1][:, -1]
    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.subplots(2, 2, sharex="row", sharey="row")
    for column, (places, name) in enumerate(((before, "located"), (after, "relocated"))):
        flat = places[:, :2] - middle
        axes[0, column].plot(flat[:, 0], flat[:, 1], "o", markersize=2.5, alpha=0.6, color="C0")
        axes[0, column].set(title=f"{name}: {len(places)} events", xlabel="east, km", aspect="equal")
        axes[1, column].plot(flat @ along, places[:, 2], "o", markersize=2.5, alpha=0.6, color="C0")
        axes[1, column].set(xlabel=f"along {np.degrees(np.arctan2(*along)) % 180.0:.0f} degrees, km", aspect="equal")
    axes[0, 0].set_ylabel("north, km")
    axes[1, 0].set_ylabel("depth, km")
    both = np.concatenate([before, after])
    flat = both[:, :2] - middle
    _limit(axes[0, 0], flat[:, 0], flat[:, 1])
    _limit(axes[1, 0], flat @ along, both[:, 2])
    axes[1, 0].invert_yaxis()
    figure.suptitle(title)
    figure.savefig(path, dpi=110)


def _limit(axis: object, across: np.ndarray, up: np.ndarray) -> None:
    for values, name in ((across, "set_xlim"), (up, "set_ylim")):
        low, high = np.percentile(values, (SHOWN_PERCENT, 100.0 - SHOWN_PERCENT))
        getattr(axis, name)(low - MARGIN_KM, high + MARGIN_KM)
