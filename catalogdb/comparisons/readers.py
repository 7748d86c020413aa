"""Reading picks and events from the database as columns, picks as a stream of them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from pymongo.database import Database

from catalogdb.documents.free import Query, Row
from catalogdb.evaluation.columns import PHASES, Codes, Events, Picks
from catalogdb.event_types import EXISTS, UNTYPED
from catalogdb.phases import phase_type

PICKS_PER_READ = 50_000
COUNTED_PICKS = {"is_counted": {"$ne": False}}


class PhaseNumbers(dict[str, int]):
    """Positions in `PHASES` of the names of first arrivals (Pg, Sn); -1 for others (PmP, T)."""

    def __missing__(self, name: str) -> int:
        self[name] = number = PHASES.find(phase_type(name) or "-")
        return number


def read_events(
    db: Database,
    catalog: str,
    starttime: float,
    endtime: float,
    event_types: tuple[str, ...] = (),
    selection: Query = EXISTS,
) -> Events:
    """The events of a catalog with starttime <= time < endtime, by time and id.

    Args:
        event_types: types that count; none: all. An event without a type is an earthquake.
        selection: filter of the events; without it those that are rejected or not existing are left out.
    """
    keys = Events.NUMBERS
    query = {"catalog": catalog, "time": {"$gte": starttime, "$lt": endtime}} | selection
    rows = db.event.find(query, dict.fromkeys((*keys, "event_type"), 1))
    table = sorted(
        (
            row["time"],
            row["_id"],
            *(row.get(key, np.nan) for key in keys[1:]),
            not event_types or row.get("event_type", UNTYPED) in event_types,
        )
        for row in rows.batch_size(20_000)
    )
    identity = np.array([row[1] for row in table], object)
    numbers = np.array([(row[0], *row[2:-1]) for row in table], float).reshape(len(table), len(keys))
    by_name = dict(zip(keys, numbers.T.copy(), strict=True))
    return Events(identity, **by_name, counts=np.array([row[-1] for row in table], bool))


class PickReader:
    """Picks of a set in order of time, read ahead by one batch while the last one is worked on.

    Args:
        stations, networks: numbers of codes, shared by the readers of both sets.
        selection: filter of the picks; without it those that never count are left out (`is_counted`).
    """

    def __init__(
        self,
        db: Database,
        pick_set: str,
        starttime: float,
        endtime: float,
        stations: Codes,
        networks: Codes,
        selection: Query = COUNTED_PICKS,
    ):
        keys = {"net": 1, "sta": 1, "phase": 1, "time": 1, "probability": 1}
        query = {"pick_set": pick_set, "time": {"$gte": starttime, "$lt": endtime}} | selection
        # raw: a batch is decoded at once, which takes half the time of a cursor's documents
        self._batches = db.pick.find_raw_batches(query, keys, sort=[("time", 1), ("_id", 1)], batch_size=PICKS_PER_READ)
        self._codes = stations, networks
        self._ahead = ThreadPoolExecutor(1)
        self._next = self._ahead.submit(next, self._batches, None)
        self._phases = PhaseNumbers()
        self.other_phases = 0

    def __iter__(self) -> Iterator[Picks]:
        import bson

        while (batch := self._next.result()) is not None:
            self._next = self._ahead.submit(next, self._batches, None)
            rows = bson.decode_all(batch)
            picks = self._columns(rows)
            wanted = picks.phase >= 0
            self.other_phases += int(np.count_nonzero(~wanted))
            if wanted.any():
                yield picks if wanted.all() else picks[wanted]

    def _columns(self, rows: list[Row]) -> Picks:
        stations, networks = self._codes
        phases, nan = self._phases, np.nan
        identity = np.empty(len(rows), object)
        identity[:] = [row["_id"] for row in rows]
        return Picks(
            identity,
            np.array([stations[row["sta"]] for row in rows], np.int32),
            np.array([networks[row["net"]] for row in rows], np.int32),
            np.array([phases[row["phase"]] for row in rows], np.int8),
            np.array([row["time"] for row in rows], float),
            np.array([row.get("probability", nan) for row in rows], float),
        )

    def close(self) -> None:
        """Let go of the cursor and the reading thread."""
        self._ahead.shutdown(cancel_futures=True)
        self._batches.close()
