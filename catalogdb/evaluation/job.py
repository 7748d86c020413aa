"""The matching job: pairs two catalogs and writes `pick_match`, `event_match` and `score`, which all views read."""

from __future__ import annotations

import gc
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.write_concern import WriteConcern

from catalogdb.evaluation.claim import Claim
from catalogdb.evaluation.columns import Codes, read_events
from catalogdb.evaluation.coverage import read_coverage
from catalogdb.evaluation.events import EventComparison
from catalogdb.evaluation.gates import ARRIVALS_S, MARGIN_GATES, Gates, with_arrivals
from catalogdb.evaluation.inputs import comparison_inputs
from catalogdb.evaluation.left_out import left_out
from catalogdb.evaluation.links import Sites
from catalogdb.evaluation.pairing import pair_events
from catalogdb.evaluation.peak_curve import peak_scores, peak_source
from catalogdb.evaluation.pick_scores import PickTally
from catalogdb.evaluation.picks import PickComparison
from catalogdb.identity import content_id

WRITERS = 2
WRITES_AHEAD = 3
DOCUMENTS_PER_WRITE = 5000


def comparison_id(catalog: str, reference: str, gates: Gates) -> str:
    """Identity of a comparison: the pair of names and the gates."""
    return content_id("comparison", catalog, reference, gates.document())


def compare(
    db: Database,
    catalog: dict[str, Any],
    reference: dict[str, Any],
    gates: Gates,
    period: tuple[float, float],
    refresh: bool = False,
) -> str:
    """Bring the stored comparison of two catalogs up to date; nothing is done where it is.

    What an earlier comparison of this pair and these gates left is replaced whole. Another process that wants the same
    comparison meanwhile waits for this one.

    Args:
        catalog, reference: documents of `catalog`.
        period: [start, end) in epoch seconds.
        refresh: compute anew in any case.

    Returns:
        The comparison's `_id`.
    """
    identity = comparison_id(catalog["_id"], reference["_id"], gates)
    names = {"catalog": catalog["_id"], "reference": reference["_id"]}
    state = {"period": {"starttime": period[0], "endtime": period[1]}}
    inputs = comparison_inputs(db, catalog, reference, period)
    state["fingerprint"] = content_id(inputs)
    current = None if refresh else state | {"status": "done"}
    pick_sets = {
        key: row["pick_set"]
        for key, row in (("pick_set", catalog), ("reference_pick_set", reference))
        if "pick_set" in row
    }
    claim = Claim(db, identity, names | pick_sets | {"gates": gates.document(), "inputs": inputs} | state)
    if claim.take(unless=current):
        try:
            with _no_search_for_cycles(), claim.kept():
                claim.done(*_compute(db, catalog, reference, gates, period, claim))
        except BaseException:
            claim.give_back()
            raise
    return identity


@contextmanager
def _no_search_for_cycles() -> Iterator[None]:
    """Python looks for no cycles among millions of small documents, which have none: a fifth of the time went there."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _compute(
    db: Database,
    catalog: dict[str, Any],
    reference: dict[str, Any],
    gates: Gates,
    period: tuple[float, float],
    claim: Claim,
) -> tuple[dict[str, float], dict[str, int]]:
    """Pair, and replace the comparison's documents; returns the seconds of the steps and counts of what was read."""
    seconds, clock = {}, time.perf_counter()

    def lap(step: str) -> None:
        nonlocal clock
        seconds[step], clock = round(time.perf_counter() - clock, 3), time.perf_counter()

    names = catalog["_id"], reference["_id"]
    common = {"comparison": claim.comparison, "catalog": names[0], "reference": names[1]}
    for collection in (db.score, db.event_match, db.pick_match):
        collection.delete_many(common)
        claim.confirm()
    lap("delete")
    margin = MARGIN_GATES * gates.max_dt
    first, last = period[0] - max(margin, ARRIVALS_S), period[1] + margin
    events = [read_events(db, name, first, last, gates.event_types) for name in names]
    pairs = pair_events(events[1], events[0], gates)
    matched_event = np.full(len(events[1]), -1, np.int64)
    matched_event[pairs.reference] = pairs.catalog
    lap("events")

    stations, networks = Codes(), Codes()
    coverage = read_coverage(db, catalog.get("pick_set"), with_arrivals(period), stations)
    pick_scores = PickTally(stations, networks, gates.max_pick_dt)
    comparison, peaks = None, peak_source(db, catalog.get("pick_set"))
    with Writer(claim) as writer:
        if "pick_set" in catalog and "pick_set" in reference:
            comparison = PickComparison(
                db=db,
                names=names,
                pick_sets=(catalog["pick_set"], reference["pick_set"]),
                events=(events[0], events[1]),
                matched_event=matched_event,
                stations=stations,
                networks=networks,
                sites=Sites.read(db, stations, networks),
                coverage=coverage,
                max_dt=gates.max_pick_dt,
                period=period,
                keep_reference=peaks is not None,
            )
            gate = {"max_pick_dt": gates.max_pick_dt}
            for rows, documents in comparison.chunks():
                pick_scores.add(rows)
                writer.write(db.pick_match, (common | gate | document for document in documents))
        lap("picks")
        tally = comparison.tally if comparison else None
        of_events = EventComparison(events[1], events[0], pairs, period, gates, tally, coverage)
        gate = {"max_dt": gates.max_dt, "max_km": gates.max_km}
        writer.write(db.event_match, (common | gate | document for document in of_events.documents()))
        lap("event documents")
        scores = [*of_events.scores(), *pick_scores.scores()]
        lap("scores")
        if comparison is None or peaks is None:
            scores += pick_scores.threshold_scores()
        elif len(set(comparison.pick_sets)) == 2:
            seen = comparison.reference_columns()
            scores += peak_scores(db, peaks, seen, stations, coverage, gates.max_pick_dt, period, claim.confirm)
            lap("thresholds")
        gate = {"gates": gates.document()}
        writer.write(db.score, (common | gate | document for document in scores))
    lap("writing scores")
    counts = {"events": len(events[0]), "reference_events": len(events[1])} | of_events.counts()
    counts |= left_out(db, names, period, gates.event_types)
    if comparison:
        counts |= {"picks_of_other_phases": comparison.other_phases}
    return seconds, counts


class Writer:
    """Inserts documents in threads of its own, a few writes ahead, while the next ones are computed.

    Writes are not waited for until the majority has them: the one that marks the comparison as done comes after all of
    them and is.
    """

    def __init__(self, claim: Claim):
        self._claim = claim
        self._threads = ThreadPoolExecutor(WRITERS)
        self._underway: deque[Future] = deque()

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, kind: Any, *_: Any) -> None:
        try:
            while self._underway and kind is None:
                self._underway.popleft().result()
        finally:
            self._threads.shutdown(cancel_futures=True)

    def write(self, collection: Collection, documents: Iterable[dict[str, Any]]) -> None:
        """Hand over documents; waits when too many are underway."""
        for part in _in_parts(documents, DOCUMENTS_PER_WRITE):
            while len(self._underway) >= WRITES_AHEAD:
                self._underway.popleft().result()
            self._claim.confirm()
            unwaited = collection.with_options(write_concern=WriteConcern(w=1))
            self._underway.append(self._threads.submit(unwaited.insert_many, part, ordered=False))


def _in_parts(documents: Iterable[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    part: list[dict[str, Any]] = []
    for document in documents:
        part.append(document)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part
