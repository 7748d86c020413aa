"""Spectral features as figures: a catalog's clusters, and one event from its spectrogram to its fingerprint."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from catalogdb.plots.still import saved, style
from catalogdb.plots.theme import LIGHT, Theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = NDArray[np.float64]

COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#b3a800", "#7f7f7f")
"""Okabe and Ito's (2008), for clusters in order of their size; they come again after the last."""
MOST_SHOWN = 8
WEAK = 0.25
"""Least mean silhouette of a structure, Kaufman and Rousseeuw (1990)."""
COLUMNS = 4


@dataclass(frozen=True)
class ClusterFigure:
    """What a catalog's figure shows.

    Attributes:
        title: over it.
        places: of the events by their first two principal components (events, 2).
        labels: cluster of each event, from 1 on.
        silhouettes: mean silhouette by number of clusters; may be empty.
        frequencies_hz: of the patterns.
        patterns: (patterns, frequencies).
        fingerprints, activations: mean of each cluster (clusters, states * states), (clusters, patterns).
    """

    title: str
    places: Array
    labels: NDArray[np.intp]
    silhouettes: dict[int, float]
    frequencies_hz: Array
    patterns: Array
    fingerprints: Array
    activations: Array


@dataclass(frozen=True)
class EventFigure:
    """What an event's figure shows, of one station.

    Attributes:
        title: over it.
        times: start of each frame after P (s); `frame_seconds` their length.
        frequencies_hz: of the spectrogram.
        decibels: the spectrogram (frames, frequencies).
        activations: (frames, patterns).
        states: state of each frame, from 0 on.
        fingerprint: (states, states).
        cluster: the event's, from 1 on.
    """

    title: str
    times: Array
    frame_seconds: float
    frequencies_hz: Array
    decibels: NDArray[np.floating]
    activations: Array
    states: NDArray[np.intp]
    fingerprint: Array
    cluster: int


def cluster_picture(content: ClusterFigure, format: str, theme: Theme = LIGHT) -> bytes:
    """Map of the events, silhouettes, mean spectra of the clusters, patterns, and mean fingerprints."""
    with matplotlib.rc_context(style(theme)):
        shown = min(len(content.fingerprints), MOST_SHOWN)
        rows = math.ceil((shown + 1) / COLUMNS)
        figure = Figure(figsize=(11.0, 3.9 + 2.9 * rows), layout="constrained")
        figure.suptitle(content.title, fontsize=12)
        top, bottom = figure.subfigures(2, 1, height_ratios=(3.6, 2.9 * rows))
        across = top.subplots(1, 3, width_ratios=(1.25, 1.0, 1.0))
        _map(across[0], content)
        _spectra(across[1], content, shown)
        _patterns(across[2], content)
        bottom.suptitle(
            "mean fingerprints: part of all transitions (square root), states from quiet to loud", fontsize=9
        )
        axes = bottom.subplots(rows, min(shown + 1, COLUMNS), squeeze=False).ravel()
        largest = float(np.sqrt(content.fingerprints[:shown]).max())
        _silhouettes(axes[shown], content)
        for axis in axes[shown + 1 :]:
            axis.set_visible(False)
        for number, axis in enumerate(axes[:shown]):
            image = _fingerprint(axis, content.fingerprints[number], largest)
            events = int((content.labels == number + 1).sum())
            axis.set_title(f"cluster {number + 1}: {events} events", color=_colour(number + 1), fontsize=9)
        bottom.colorbar(image, ax=axes[shown - 1], shrink=0.8, pad=0.02)
        return saved(figure, format, theme, content.title)


def event_picture(content: EventFigure, format: str, theme: Theme = LIGHT) -> bytes:
    """Spectrogram, activations and states over time, and the fingerprint that they make."""
    with matplotlib.rc_context(style(theme)):
        figure = Figure(figsize=(11.0, 5.6), layout="constrained")
        figure.suptitle(content.title, fontsize=12)
        left, right = figure.subfigures(1, 2, width_ratios=(2.0, 1.0))
        spectrogram, patterns, states = left.subplots(3, 1, sharex=True, height_ratios=(3.0, 2.0, 1.1))
        middle = content.times + content.frame_seconds / 2.0
        image = spectrogram.pcolormesh(
            middle, content.frequencies_hz, content.decibels.T, cmap="magma", rasterized=True
        )
        spectrogram.set_ylabel("frequency, Hz")
        left.colorbar(image, ax=spectrogram, label="dB over the level", pad=0.01)
        numbers = np.arange(1, content.activations.shape[1] + 1)
        image = patterns.pcolormesh(middle, numbers, np.sqrt(content.activations.T), cmap="magma", rasterized=True)
        patterns.set_ylabel("pattern, low to high")
        left.colorbar(image, ax=patterns, label="√ activation", pad=0.01)
        states.step(middle, content.states + 1, where="mid", color=_colour(content.cluster))
        states.set(ylabel="state", xlabel="middle of the frame, s after P", ylim=(0.5, len(content.fingerprint) + 0.5))
        for axis in (spectrogram, patterns, states):
            axis.axvline(0.0, color=theme.muted, linewidth=0.8, linestyle="--")
        axis = right.subplots()
        root = np.sqrt(content.fingerprint)
        image = _fingerprint(axis, content.fingerprint.ravel(), float(root.max()))
        axis.set_title(f"fingerprint (square root), cluster {content.cluster}", fontsize=9)
        right.colorbar(image, ax=axis, shrink=0.6, pad=0.02)
        return saved(figure, format, theme, content.title)


def _map(axis: Axes, content: ClusterFigure) -> None:
    for number in range(1, int(content.labels.max()) + 1):
        own = content.places[content.labels == number]
        axis.plot(own[:, 0], own[:, 1], "o", markersize=4, alpha=0.75, color=_colour(number), label=f"{number}")
    tried = content.silhouettes.get(int(content.labels.max()))
    axis.set(xlabel="first principal component", ylabel="second")
    known = "no clusters" if tried is None else f"mean silhouette {tried:.2f}"
    axis.set_title(f"events by likeness; {known}", fontsize=9)
    axis.legend(title="cluster", fontsize=7, title_fontsize=7, ncols=2, framealpha=0.6)


def _spectra(axis: Axes, content: ClusterFigure, shown: int) -> None:
    for number, spectrum in enumerate(content.activations[:shown] @ content.patterns, 1):
        axis.plot(content.frequencies_hz, spectrum, color=_colour(number))
    axis.set(xlabel="frequency, Hz", ylabel="mean over the window, dB over the level", ylim=(0.0, None))
    axis.set_title("mean spectrum of each cluster, by the patterns", fontsize=9)


def _patterns(axis: Axes, content: ClusterFigure) -> None:
    edges = np.arange(len(content.patterns) + 1) + 0.5
    half = np.diff(content.frequencies_hz).mean() / 2.0
    bounds = np.append(content.frequencies_hz - half, content.frequencies_hz[-1] + half)
    scaled = content.patterns / content.patterns.max(axis=1, keepdims=True)
    axis.pcolormesh(bounds, edges, scaled, cmap="magma", rasterized=True)
    axis.set(xlabel="frequency, Hz", ylabel="pattern")
    axis.set_title("dictionary: patterns, each to its largest value", fontsize=9)


def _silhouettes(axis: Axes, content: ClusterFigure) -> None:
    numbers = sorted(content.silhouettes)
    chosen = int(content.labels.max())
    if chosen not in content.silhouettes:
        axis.set_visible(False)
        return
    axis.plot(numbers, [content.silhouettes[number] for number in numbers], "o-", color="C7", markersize=4)
    axis.plot(chosen, content.silhouettes[chosen], "o", markersize=8, color=_colour(1))
    axis.axhline(WEAK, color="C7", linewidth=0.8, linestyle="--")
    axis.text(numbers[-1], WEAK, "below: no substantial structure", ha="right", va="bottom", fontsize=7)
    axis.set(xlabel="number of clusters", ylabel="mean silhouette", ylim=(0.0, max(0.6, *content.silhouettes.values())))
    axis.set(xticks=numbers, box_aspect=1.0)
    axis.set_title("how far apart clusters are", fontsize=9)


def _fingerprint(axis: Axes, fingerprint: Array, largest: float) -> Any:
    states = math.isqrt(len(fingerprint))
    edges = np.arange(states + 1) + 0.5
    root = np.sqrt(fingerprint.reshape(states, states))
    image = axis.pcolormesh(edges, edges, root, cmap="magma", vmin=0.0, vmax=largest, rasterized=True)
    axis.set(xlabel="to state", ylabel="from state", aspect="equal")
    axis.invert_yaxis()
    return image


def _colour(number: int) -> str:
    return COLOURS[(number - 1) % len(COLOURS)]


def cluster_figure(title: str, model: dict[str, Any], features: Sequence[dict[str, Any]]) -> ClusterFigure:
    """From documents of `feature_model` and `feature`."""
    return ClusterFigure(
        title,
        np.array([feature["map"] for feature in features]),
        np.array([feature["cluster"] for feature in features]),
        {row["clusters"]: row["silhouette"] for row in model["silhouettes"]},
        np.array(model["frequencies_hz"]),
        np.array(model["patterns"]),
        np.array([row["fingerprint"] for row in model["clusters"]]),
        np.array([row["activations"] for row in model["clusters"]]),
    )
