"""The classes that results are grouped by, and their names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import NotRequired, TypedDict

import numpy as np
from numpy.typing import NDArray

DISTANCE_EDGES_KM = (0, 10, 20, 30, 40, 50, 75, 100, 150, 200)
DEPTH_EDGES_KM = (0, 5, 10, 15, 20, 30)
AVAILABILITY_EDGES = (0, 0.25, 0.5, 0.75, 1.0)
STATION_EDGES = (0, 5, 10, 15, 20, 30, 50, 100)
MAGNITUDE_WIDTH = 0.5
THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(20))
UNKNOWN = -(2**15)
"""Class of what is not known."""


class ClassFields(TypedDict):
    """The fields of a `score` that name its class."""

    value: str
    low: NotRequired[float]
    high: NotRequired[float]


@dataclass(frozen=True)
class Label:
    """Name of a class with its limits [low, high), where it has such."""

    value: str
    low: float | None = None
    high: float | None = None


Labeller = Callable[[int], Label]


def edge_classes(values: np.ndarray, edges: tuple[float, ...]) -> NDArray[np.int32]:
    """Number of the class of each value, -1 below the first edge; `UNKNOWN` for NaN."""
    classes = np.searchsorted(edges, values, "right").astype(np.int32) - 1
    classes[np.isnan(values)] = UNKNOWN
    return classes


def edge_label(edges: tuple[float, ...]) -> Labeller:
    """Names such as `10-20` and `200+`."""

    def label(number: int) -> Label:
        if number < 0:
            return Label(f"<{edges[0]:g}", None, edges[0])
        if number == len(edges) - 1:
            return Label(f"{edges[-1]:g}+", edges[-1])
        low, high = edges[number], edges[number + 1]
        return Label(f"{low:g}-{high:g}", low, high)

    return label


def availability_label(number: int) -> Label:
    """Names such as `50-75 %` and `all`."""
    low = AVAILABILITY_EDGES[number]
    if number == len(AVAILABILITY_EDGES) - 1:
        return Label("all", low)
    high = AVAILABILITY_EDGES[number + 1]
    return Label(f"{100 * low:g}-{100 * high:g} %", low, high)


def magnitude_classes(magnitudes: np.ndarray) -> NDArray[np.int32]:
    """Classes of half a magnitude, 0 from magnitude 0 on; `UNKNOWN` for NaN."""
    known = np.isfinite(magnitudes)
    classes = np.full(len(magnitudes), UNKNOWN, np.int32)
    # bulletins round to tenths or hundredths: 0.5 must not fall below its edge by the last bit
    classes[known] = np.floor(magnitudes[known] / MAGNITUDE_WIDTH + 1e-9).astype(np.int32)
    return classes


def magnitude_label(number: int) -> Label:
    """Names such as `1.5-2.0`."""
    low = number * MAGNITUDE_WIDTH
    return Label(f"{low:.1f}-{low + MAGNITUDE_WIDTH:.1f}", low, low + MAGNITUDE_WIDTH)


def days_of(times: np.ndarray) -> NDArray[np.int32]:
    """UTC days since 1970."""
    return np.floor(times / 86400.0).astype(np.int32)


@lru_cache(maxsize=10_000)
def day_text(day: int) -> str:
    """Name of a day since 1970, such as `2024-03-27`."""
    return str(np.datetime64(int(day), "D"))


def months_of(times: np.ndarray) -> NDArray[np.int32]:
    """UTC months since January 1970."""
    return days_of(times).astype("datetime64[D]").astype("datetime64[M]").astype(np.int32)


def month_text(month: int) -> str:
    """Name of a month since January 1970, such as `2024-03`."""
    return str(np.datetime64(int(month), "M"))


def hours_of(times: np.ndarray) -> NDArray[np.int32]:
    """UTC hours of the day, 0..23."""
    return (np.floor(times / 3600.0) % 24).astype(np.int32)


def class_fields(label: Labeller, number: int) -> ClassFields:
    """The fields that name a class: `value`, and `low` and `high` where it has limits."""
    if number == UNKNOWN:
        return {"value": "unknown"}
    named = label(number)
    fields: ClassFields = {"value": named.value}
    if named.low is not None:
        fields["low"] = float(named.low)
    if named.high is not None:
        fields["high"] = float(named.high)
    return fields
