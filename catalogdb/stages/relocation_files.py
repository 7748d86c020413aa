"""Differential times of files as HypoDD has them, for the events of a catalog: dt.cc and dt.ct."""

from __future__ import annotations

import csv
import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catalogdb.errors import InputError
from catalogdb.exchange.hypodd_times import Kind, PeerTime, read_times
from catalogdb.ledger.parts import digest
from catalogdb.relocation.config import BY_CORRELATION, BY_PICKS

if TYPE_CHECKING:
    from catalogdb.relocation.documents import Arrival, Correlated

IDS = "event_ids.csv"
SAME_SECONDS = 2.0
KINDS: dict[Kind, str] = {"cc": BY_CORRELATION, "ct": BY_PICKS}
"""What a time of each kind of file is called in `differential_time`."""


@dataclass(frozen=True)
class GivenTimes:
    """Times of files: of pairs of event ids, each with the kind of its file; after the catalog's own origin times."""

    times: dict[tuple[str, str], list[tuple[PeerTime, Kind]]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def of_clusters(self, clusters: Sequence[Iterable[str]]) -> list[GivenTimes]:
        """Times of the pairs within each of several sets of event ids that have none in common."""
        number = {name: row for row, names in enumerate(clusters) for name in names}
        found = [GivenTimes() for _ in clusters]
        for pair, rows in self.times.items():
            one, other = (number.get(name) for name in pair)
            if one is not None and one == other:
                found[one].times[pair] = rows
        return found

    @property
    def number(self) -> int:
        """How many times there are."""
        return sum(map(len, self.times.values()))

    def identity(self) -> dict[str, str]:
        """What decides the result of a cluster, by pair."""
        return {
            f"{first} {second}": digest(
                [(time.station, time.phase, time.time, time.weight, kind) for time, kind in rows]
            )
            for (first, second), rows in self.times.items()
        }

    def among(
        self, origins: Sequence[Mapping[str, Any]], arrivals: Sequence[Sequence[Arrival]]
    ) -> tuple[list[Correlated], dict[str, int]]:
        """Times at stations that one of the events of their cluster was picked at, and how many there are."""
        from catalogdb.relocation.documents import Correlated

        number = {origin["event_id"]: row for row, origin in enumerate(origins)}
        networks = {(a.sta, a.slot[1]): a.net for event in arrivals for a in event if a.slot}
        found, counts = [], Counter[str]()
        for (first, second), rows in self.times.items():
            for time, kind in rows:
                net = networks.get((time.station, time.phase))
                if net is None:
                    counts["given_times_of_unpicked_stations"] += 1
                    continue
                found.append(
                    Correlated(
                        number[first],
                        number[second],
                        net,
                        time.station,
                        time.phase,
                        time.time,
                        time.weight,
                        KINDS[kind],
                    )
                )
        counts["given_times"] = len(found)
        return found, dict(counts)


def read_given(paths: Mapping[Kind, Sequence[str]], origins: Sequence[Mapping[str, Any]]) -> GivenTimes:
    """Read files, and find the events of a catalog that they are about.

    Args:
        paths: files of each kind; none gives no times.
        origins: where the events of the catalog start from, with `event_id` and `time`.

    Raises:
        InputError: for a file, or the list of numbers beside it, that is not there or can't be read.
    """
    times: dict[tuple[str, str], list[tuple[PeerTime, Kind]]] = {}
    counts = Counter[str]()
    in_order = sorted((origin["time"], origin["event_id"]) for origin in origins)
    for kind, path in ((kind, Path(path)) for kind, own in paths.items() for path in own):
        events = _events(_numbers(path.parent / IDS), in_order)
        for time in read_times(path, kind):
            if math.isnan(time.time):
                counts[f"dt_{kind}_without_correction"] += 1
                continue
            one, other = events.get(time.first), events.get(time.second)
            if one is None or other is None or one[0] == other[0]:
                counts[f"dt_{kind}_of_other_events"] += 1
                continue
            after_own = replace(time, time=time.time - (one[1] - other[1]))
            times.setdefault((one[0], other[0]), []).append((after_own, kind))
    return GivenTimes(times, dict(counts))


def file_stamps(paths: Mapping[Kind, Sequence[str]]) -> list[tuple[str, int, int, int]]:
    """Sizes and times of change of files that are there, and of the lists of numbers beside them: what they hold is the
    same as long as these are."""
    found = []
    every = (Path(path) for own in paths.values() for path in own)
    for file in (file for path in every for file in (path, path.parent / IDS)):
        with suppress(OSError):  # reading says what is wrong
            status = file.stat()
            found.append((str(file), status.st_size, status.st_mtime_ns, status.st_ctime_ns))
    return found


def _numbers(path: Path) -> dict[int, float]:
    """Origin times (epoch seconds) by the numbers of the events."""
    try:
        with path.open(newline="") as stream:
            return {int(row["number"]): float(row["time"]) for row in csv.DictReader(stream)}
    except FileNotFoundError:
        raise InputError(
            f"{path}: not there: it says which events the numbers in dt.cc and dt.ct are",
            hint="its columns are number and time (epoch seconds); export catalog --format hypodd writes one",
        ) from None
    except (OSError, KeyError, ValueError) as error:
        raise InputError(f"{path}: no numbers of events: {error!r}", hint="its columns are number and time") from None


def _events(numbers: Mapping[int, float], in_order: Sequence[tuple[float, str]]) -> dict[int, tuple[str, float]]:
    """The event of each number with how much later (s) it is; of two numbers near one event the nearer has it."""
    found: dict[str, tuple[float, int, float]] = {}
    for number, time in numbers.items():
        if (near := _event(time, in_order)) is not None:
            name, later = near
            found[name] = min(found.get(name, (math.inf, number, later)), (abs(later), number, later))
    return {number: (name, later) for name, (_, number, later) in found.items()}


def _event(time: float, in_order: Sequence[tuple[float, str]]) -> tuple[str, float] | None:
    """The event whose origin time is nearest, and how much later (s) that is; none where none is near."""
    at = bisect_left(in_order, (time, ""))
    near = min(in_order[max(at - 1, 0) : at + 1], key=lambda row: abs(row[0] - time), default=None)
    return (near[1], near[0] - time) if near is not None and abs(near[0] - time) <= SAME_SECONDS else None
