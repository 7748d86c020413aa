"""Picks and events as columns, which the comparison is computed on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

PHASES = "PS"


class Codes(dict[str, int]):
    """Numbers of names, given in order of first use."""

    def __missing__(self, name: str) -> int:
        self[name] = number = len(self)
        return number


@dataclass
class Picks:
    """Picks as columns of shape (n,)."""

    identity: NDArray[np.object_]
    station: NDArray[np.int32]
    network: NDArray[np.int32]
    phase: NDArray[np.int8]
    """Position in `PHASES`."""
    time: NDArray[np.float64]
    """Epoch seconds."""
    probability: NDArray[np.float64]
    """NaN where unknown."""

    def __getitem__(self, chosen: Any) -> Picks:
        return Picks(*(getattr(self, field.name)[chosen] for field in fields(self)))

    def __len__(self) -> int:
        return len(self.time)


def joined(parts: list[Picks]) -> Picks:
    """One table of several; none of them may be missing."""
    return Picks(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Picks)))


def with_none(values: NDArray[np.object_]) -> np.ndarray:
    """The values and a None behind them, which position -1 finds."""
    result: np.ndarray = np.empty(len(values) + 1, object)
    result[:-1] = values
    return result


@dataclass
class Events:
    """Events as columns of shape (n,), by time; NaN stands for what is not known.

    Attributes:
        counts: whether the event is of a type that counts. Others take part in the matching, so that the detection of
            a quarry blast is not `proposed` where earthquakes are compared.
    """

    NUMBERS = ("time", "latitude", "longitude", "depth_km", "magnitude")

    identity: NDArray[np.object_]
    time: NDArray[np.float64]
    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    depth_km: NDArray[np.float64]
    magnitude: NDArray[np.float64]
    counts: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.time)


def merged_batches(
    reference: Iterable[Picks], catalog: Iterable[Picks]
) -> Iterator[tuple[Picks | None, Picks | None, float]]:
    """Batches of two sets, each in order of time, side by side: the set that lags behind first.

    Yields:
        New picks of the reference or of the catalog, and the time (s) up to which both are known.
    """
    readers = iter(reference), iter(catalog)
    known = [-np.inf, -np.inf]
    while min(known) < np.inf:
        side = 0 if known[0] <= known[1] else 1
        batch = next(readers[side], None)
        known[side] = np.inf if batch is None else batch.time[-1]
        yield (batch, None, min(known)) if side == 0 else (None, batch, min(known))
