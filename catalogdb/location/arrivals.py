"""Arrivals of many events as arrays of one shape: one row per event, places that an event doesn't fill are empty."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

import numpy as np

from catalogdb.traveltimes.grid_times import GridTimes, Times, with_slopes

BATCH_EVENTS = 64


@dataclass(frozen=True)
class Network:
    """Stations on the map plane: arrays of one length; km, depths below sea level."""

    x_km: np.ndarray
    y_km: np.ndarray
    depth_km: np.ndarray


@dataclass(frozen=True)
class Arrivals:
    """Arrays of shape (events, arrivals).

    Args:
        time: arrival times after `reference`, s.
        station: rows of the network.
        is_s: False for P.
        grade: number of the picks' class of precision, see `errors`.
        present: False where an event has no further arrival.
        correction: expected delay, s: station terms; subtracted from the times.
        reference: epoch seconds, one per event.
    """

    time: np.ndarray
    station: np.ndarray
    is_s: np.ndarray
    grade: np.ndarray
    present: np.ndarray
    correction: np.ndarray
    reference: np.ndarray

    def __len__(self) -> int:
        return len(self.time)

    @property
    def count(self) -> np.ndarray:
        """Arrivals of each event."""
        return self.present.sum(axis=1)

    def take(self, events: np.ndarray) -> Arrivals:
        """Some events, in the order given; one may stand in it several times."""
        return Arrivals(**{field.name: getattr(self, field.name)[events] for field in fields(self)})

    def trimmed(self) -> Arrivals:
        """Without the places that no event fills; arrivals stand first."""
        width = max(int(self.count.max(initial=1)), 1)
        cut = {field.name: getattr(self, field.name)[:, :width] for field in fields(self) if field.name != "reference"}
        return Arrivals(**cut, reference=self.reference)

    def corrected(self, correction: np.ndarray) -> Arrivals:
        """With other station terms, s."""
        return replace(self, correction=np.where(self.present, correction, 0.0))

    def where(self, keep: np.ndarray) -> Arrivals:
        """Only the arrivals of a boolean array of the same shape; they move to the front."""
        keep = keep & self.present
        order = np.argsort(~keep, axis=1, kind="stable")
        moved = {
            field.name: np.take_along_axis(getattr(self, field.name), order, axis=1)
            for field in fields(self)
            if field.name not in ("reference", "present")
        }
        return Arrivals(**moved, present=np.take_along_axis(keep, order, axis=1), reference=self.reference).trimmed()

    def batches(self, size: int = BATCH_EVENTS) -> Iterator[tuple[np.ndarray, Arrivals]]:
        """Events of about as many arrivals together: their numbers and their arrivals."""
        order = np.argsort(self.count, kind="stable")
        for first in range(0, len(order), size):
            events = order[first : first + size]
            yield events, self.take(events).trimmed()


def pad(rows: list[np.ndarray], fill: float | bool) -> np.ndarray:
    """Arrays of several lengths as one of rows, filled up at the end."""
    width = max([len(row) for row in rows] + [1])
    table = np.full((len(rows), width), fill, dtype=rows[0].dtype if rows else float)
    for number, row in enumerate(rows):
        table[number, : len(row)] = row
    return table


def predicted(places: np.ndarray, station: np.ndarray, is_s: np.ndarray, network: Network, times: Times) -> np.ndarray:
    """Travel times (s), (events, places, arrivals).

    Args:
        places: several (x, y, depth) of each event: (events, places, 3), km.
        station, is_s: row in the network and phase of each arrival: (events, arrivals).
        network, times: of all events.
    """
    if isinstance(times, GridTimes):
        return times(places, station, is_s)
    east = places[:, :, None, 0] - network.x_km[station][:, None, :]
    north = places[:, :, None, 1] - network.y_km[station][:, None, :]
    depth_km = network.depth_km[station][:, None, :]
    return times(np.sqrt(east * east + north * north), places[:, :, None, 2], depth_km, is_s[:, None, :])


def residuals(models: np.ndarray, arrivals: Arrivals, network: Network, times: Times) -> np.ndarray:
    """Observed minus predicted arrival times (s), 0 where there is no arrival; models are rows of (x, y, depth, time),
    the time in seconds after `reference`."""
    travel = predicted(models[:, None, :3], arrivals.station, arrivals.is_s, network, times)[:, 0]
    return np.where(arrivals.present, arrivals.time - arrivals.correction - models[:, 3:4] - travel, 0.0)


def linearised(
    models: np.ndarray, arrivals: Arrivals, network: Network, times: Times
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Residuals and travel times (s), both (models, arrivals), and the derivatives of predicted arrival times by
    (x, y, depth, time): (models, arrivals, 4); all are 0 where there is no arrival."""
    present, station = arrivals.present, arrivals.station
    sensors = network.x_km[station], network.y_km[station], network.depth_km[station]
    travel, slopes = with_slopes(times, models, sensors, station, arrivals.is_s)
    found = arrivals.time - arrivals.correction - models[:, 3:4] - travel
    return np.where(present, found, 0.0), np.where(present, travel, 0.0), slopes * present[..., None]
