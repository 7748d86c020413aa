"""Associators side by side on the same picks: what they find of a reference catalog, in what time and memory."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from catalogdb.association.associate import associate
from catalogdb.association.config import AssociateConfig
from catalogdb.association.gamma import forget_clusters
from catalogdb.association.windows import association_windows, owned
from catalogdb.documents.data import OriginFields
from catalogdb.documents.free import Json
from catalogdb.errors import InputError
from catalogdb.evaluation.gates import Gates
from catalogdb.evaluation.pairing import pair_events
from catalogdb.geo import Region
from catalogdb.stations.places import PlacedPick, StationRow
from catalogdb.tuning.processes import CpuSpent, EndedEarly, allow_cpu, alone


@dataclass(frozen=True)
class Task:
    """What every associator is given.

    Args:
        picks: as in `associate`, in any order.
        stations: as in `associate`.
        region: where events are kept.
        starttime, endtime: the period, epoch seconds UTC.
        reference: events, dicts with `time` (epoch seconds), `latitude`, `longitude` (degrees) and, to judge
            assignments, `picks`: the `_id` of each of its picks.
    """

    picks: Sequence[PlacedPick]
    stations: Sequence[StationRow]
    region: Region
    starttime: float
    endtime: float
    reference: Sequence[Mapping[str, Any]]

    def during(self, starttime: float, endtime: float, margin: float) -> Task:
        """Cut out a part of the period; picks are kept `margin` seconds around it."""
        return Task(
            [pick for pick in self.picks if starttime - margin <= pick["time"] < endtime + margin],
            self.stations, self.region, starttime, endtime,
            [event for event in self.reference if starttime <= event["time"] < endtime],
        )  # fmt: skip


Method = Callable[[Task, AssociateConfig], list[OriginFields]]


def through_windows(task: Task, config: AssociateConfig) -> list[OriginFields]:
    """Associate window by window, as a job does: the origins of the period, in order of time."""
    picks = sorted(task.picks, key=lambda pick: (pick["time"], str(pick["_id"])))
    times = np.array([pick["time"] for pick in picks])
    origins = []
    for window in association_windows(task.starttime, task.endtime, config.window_seconds, config.overlap_seconds):
        first, last = np.searchsorted(times, [window.read_starttime, window.read_endtime])
        if first < last:
            origins += owned(associate(picks[first:last], task.stations, task.region, config).origins, window)
    return [origin for origin in origins if task.starttime <= origin["time"] < task.endtime]


def score(
    origins: Sequence[Mapping[str, Any]], reference: Sequence[Mapping[str, Any]], gates: Gates | None = None
) -> Json:
    """Count what was found, one to one, within the gates of time and epicentre.

    Returns:
        `reference_events`, `events`, `matched`, `recall`, `precision`, `f1` (0 where nothing matches); where origins
        have arrivals and the reference has picks also `picks_right` (arrivals that belong to the event matched, over
        the reference's picks) and `arrivals_wrong` (all other arrivals, over all arrivals).
    """
    events, found = _columns(reference), _columns(origins)
    pairs = pair_events(events, found, gates or Gates())
    matched = len(pairs.reference)
    result: Json = {
        "reference_events": len(reference),
        "events": len(origins),
        "matched": matched,
        "recall": matched / len(reference) if reference else None,
        "precision": matched / len(origins) if origins else None,
        "f1": 2.0 * matched / (len(reference) + len(origins)) if matched else 0.0,
    }
    wanted = sum(len(event.get("picks", ())) for event in reference)
    arrivals = sum(len(origin.get("arrivals", ())) for origin in origins)
    if wanted and arrivals:
        right = 0
        for event, origin in zip(events.rows[pairs.reference], found.rows[pairs.catalog], strict=True):
            own = set(reference[event]["picks"])
            right += sum(arrival["pick_id"] in own for arrival in origins[origin]["arrivals"])
        result["picks_right"] = right / wanted
        result["arrivals_wrong"] = 1.0 - right / arrivals
    return result


def compare(
    task: Task,
    methods: Mapping[str, tuple[Method, AssociateConfig]],
    gates: Gates | None = None,
    workers: int = 1,
    progress: Callable[[Json], None] | None = None,
    most_cpu_seconds: float | None = None,
) -> list[Json]:
    """Run each method in a process of its own; one row each, in their order, with its score, time and memory.

    Rows hold `method`, what `score` gives, `seconds`, `cpu_seconds` and `peak_mb`; imports and tables are made before
    the time starts, and memory is the whole process's. That of a method that was given up holds
    `given_up_after_cpu_seconds` instead.

    Args:
        workers: how many run side by side.
        most_cpu_seconds: a method that takes more is given up.
        progress: called with each row, as soon as it and those before it are there.

    Raises:
        InputError: where a method fails, with its name.
    """
    rows: list[Json] = []
    with ThreadPoolExecutor(workers) as threads:
        started = {
            name: threads.submit(alone, partial(_measured, task, *method, gates, most_cpu_seconds))
            for name, method in methods.items()
        }
        for name, running in started.items():
            try:
                rows.append({"method": name} | running.result())
            except CpuSpent:
                rows.append({"method": name, "given_up_after_cpu_seconds": most_cpu_seconds})
            except (InputError, EndedEarly) as error:
                threads.shutdown(cancel_futures=True)
                ended = "its process ended early" if isinstance(error, EndedEarly) else error
                raise InputError(f"associator {name}: {ended}", getattr(error, "hint", None)) from error
            if progress is not None:
                progress(rows[-1])
    return rows


def _measured(
    task: Task, method: Method, config: AssociateConfig, gates: Gates | None, most_cpu_seconds: float | None
) -> Json:
    if task.picks:
        first = min(pick["time"] for pick in task.picks)
        through_windows(task.during(first, first + 600.0, 0.0), config)
        forget_clusters()
    allow_cpu(most_cpu_seconds)
    before = time.perf_counter(), time.process_time()
    origins = method(task, config)
    seconds, cpu_seconds = time.perf_counter() - before[0], time.process_time() - before[1]
    return score(origins, task.reference, gates) | {
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0,
    }


@dataclass(frozen=True)
class _Columns:
    """Events by time; `rows` are their places in the list that they come from."""

    time: np.ndarray
    latitude: np.ndarray
    longitude: np.ndarray
    rows: np.ndarray


def _columns(events: Sequence[Mapping[str, Any]]) -> _Columns:
    time, latitude, longitude = (
        np.array([event[name] for event in events], dtype=float) for name in ("time", "latitude", "longitude")
    )
    order = np.argsort(time, kind="stable")
    return _Columns(time[order], latitude[order], longitude[order], order)
