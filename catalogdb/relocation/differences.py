"""Differential times: how much later a phase of one event arrived at a station than that of another event."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from catalogdb.traveltimes.grid_times import Times, with_slopes

NONE = -1
"""Number of the event that stands for none: it has no place, and arrives at 0."""


@dataclass(frozen=True)
class Slots:
    """Stations and phases: arrays of one length; each is one phase at one place, km on the map plane, depth below sea
    level."""

    x_km: np.ndarray
    y_km: np.ndarray
    depth_km: np.ndarray
    is_s: np.ndarray

    def __len__(self) -> int:
        return len(self.x_km)

    @cached_property
    def sensors(self) -> tuple[np.ndarray, np.ndarray]:
        """The first slot of each sensor, and the number of the sensor of each slot."""
        places = np.column_stack([self.x_km, self.y_km, self.depth_km])
        _, first, sensor = np.unique(places, axis=0, return_index=True, return_inverse=True)
        return first, sensor.ravel()


@dataclass(frozen=True)
class Differences:
    """Arrays of one length.

    Args:
        first, second: numbers of the events; the second is `NONE` where the time is an arrival itself, no difference.
        slot: number of the station and phase.
        time: arrival time of the first event after its reference minus that of the second one after its own, s.
        quality: weight beforehand, 0..1: that of the picks, or what stands with a time that was brought in.
        is_cc: by cross-correlation of waveforms, not by picks.
    """

    first: np.ndarray
    second: np.ndarray
    slot: np.ndarray
    time: np.ndarray
    quality: np.ndarray
    is_cc: np.ndarray

    def __len__(self) -> int:
        return len(self.first)

    def take(self, rows: np.ndarray) -> Differences:
        """Some of them."""
        return Differences(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    @classmethod
    def joined(cls, parts: list[Differences]) -> Differences:
        """Several, one behind the other."""
        return cls(
            **{field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)}
        )


def catalog_differences(pairs: np.ndarray, times: np.ndarray, quality: np.ndarray) -> Differences:
    """Differences of picks, of all stations and phases that both events of a pair have.

    Args:
        pairs: rows of two event numbers.
        times: (events, slots), arrival times after the event's reference, s; NaN for none.
        quality: (events, slots), weight of the pick, 0..1.
    """
    first, second = pairs[:, 0], pairs[:, 1]
    apart = times[first] - times[second]
    row, slot = np.nonzero(np.isfinite(apart))
    first, second = first[row], second[row]
    weight = np.sqrt(quality[first, slot] * quality[second, slot])
    keep = weight > 0
    own = Differences(first, second, slot, apart[row, slot], weight, np.zeros(len(row), dtype=bool))
    return own if keep.all() else own.take(np.flatnonzero(keep))


def arrivals_themselves(times: np.ndarray, quality: np.ndarray) -> Differences:
    """The arrivals of all events as they are: what tells where all of them are together.

    Args:
        times, quality: as of `catalog_differences`.
    """
    event, slot = np.nonzero(np.isfinite(times) & (quality > 0))
    none = np.full(len(event), NONE)
    return Differences(event, none, slot, times[event, slot], quality[event, slot], np.zeros(len(event), dtype=bool))


def predicted(models: np.ndarray, slots: Slots, times: Times) -> tuple[np.ndarray, np.ndarray]:
    """Arrival times (events + 1, slots) after the references, s, and their derivatives by (x, y, depth, time): (events
    + 1, slots, 4). The last row is that of no event, zeros.

    Args:
        models: rows of (x, y, depth, time), km and s after the event's reference.
        slots: stations and phases.
        times: travel times; of a 3-D model those to the sensors of the slots, in their order.
    """
    sensors = slots.x_km, slots.y_km, slots.depth_km
    travel, slopes = with_slopes(times, models, sensors, slots.sensors[1], slots.is_s)
    return np.pad(travel + models[:, 3:4], ((0, 1), (0, 0))), np.pad(slopes, ((0, 1), (0, 0), (0, 0)))
