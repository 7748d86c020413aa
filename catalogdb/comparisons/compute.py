"""Reading two catalogs, pairing them, and writing what became of each event and pick."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
from pymongo.database import Database

from catalogdb.comparisons.claim import Claim
from catalogdb.comparisons.left_out import left_out
from catalogdb.comparisons.links import events_of_picks, read_sites
from catalogdb.comparisons.peaks import peak_source, peaks_by_station
from catalogdb.comparisons.picked_waveforms import read_coverage
from catalogdb.comparisons.readers import PickReader, read_events
from catalogdb.comparisons.writer import Writer
from catalogdb.evaluation.columns import Codes
from catalogdb.evaluation.events import EventComparison
from catalogdb.evaluation.gates import ARRIVALS_S, MARGIN_GATES, Gates, with_arrivals
from catalogdb.evaluation.pairing import pair_events
from catalogdb.evaluation.peak_curve import peak_scores, with_margin
from catalogdb.evaluation.pick_scores import PickTally
from catalogdb.evaluation.picks import PickComparison


def compute(
    db: Database,
    catalog: dict[str, Any],
    reference: dict[str, Any],
    gates: Gates,
    period: tuple[float, float],
    claim: Claim,
) -> tuple[dict[str, float], dict[str, int]]:
    """Pair, and replace the comparison's documents.

    Args:
        catalog, reference: documents of `catalog`.
        period: [start, end) in epoch seconds.
        claim: the right to write the comparison; it is taken.

    Returns:
        The seconds of the steps, and counts of what was read.
    """
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
    events_of = [partial(events_of_picks, db, name, own) for name, own in zip(names, events, strict=True)]
    lap("events")

    stations, networks = Codes(), Codes()
    coverage = read_coverage(db, catalog.get("pick_set"), with_arrivals(period), stations)
    pick_scores = PickTally(stations, networks, gates.max_pick_dt)
    peaks = peak_source(db, catalog.get("pick_set"))
    comparison, other_phases = None, 0
    pick_sets = [row["pick_set"] for row in (catalog, reference) if "pick_set" in row]
    with Writer(claim) as writer:
        if len(pick_sets) == 2:
            comparison = PickComparison(
                events=(events[0], events[1]),
                events_of=(events_of[0], events_of[1]),
                matched_event=matched_event,
                stations=stations,
                networks=networks,
                sites=read_sites(db, stations, networks),
                coverage=coverage,
                max_dt=gates.max_pick_dt,
                period=period,
                keep_reference=peaks is not None,
            )
            gate: dict[str, Any] = {"max_pick_dt": gates.max_pick_dt}
            with _readers(db, pick_sets, comparison.reach, stations, networks) as (of_catalog, of_reference):
                for rows, documents in comparison.chunks(of_catalog, of_reference):
                    pick_scores.add(rows)
                    writer.write(db.pick_match, (common | gate | document for document in documents))
                other_phases = sum(reader.other_phases for reader in (of_catalog, of_reference) if reader)
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
        elif len(set(pick_sets)) == 2:
            reach = with_margin(period, gates.max_pick_dt)
            found = peaks_by_station(db, peaks.pick_set, stations, *reach, claim.confirm)
            seen = comparison.reference_columns()
            settings = peaks.floor, peaks.separation_seconds
            scores += peak_scores(found, *settings, seen, stations, coverage, gates.max_pick_dt, period)
            lap("thresholds")
        gate = {"gates": gates.document()}
        writer.write(db.score, (common | gate | document for document in scores))
    lap("writing scores")
    counts = {"events": len(events[0]), "reference_events": len(events[1])} | of_events.counts()
    counts |= left_out(db, names, period, gates.event_types)
    if comparison:
        counts |= {"picks_of_other_phases": other_phases}
    return seconds, counts


@contextmanager
def _readers(
    db: Database, pick_sets: Sequence[str], reach: tuple[float, float], stations: Codes, networks: Codes
) -> Iterator[tuple[PickReader, PickReader | None]]:
    """Readers of the catalog's and the reference's pick set; None for the second where both are one."""
    readers = [PickReader(db, name, *reach, stations, networks) for name in dict.fromkeys(pick_sets)]
    try:
        yield readers[0], readers[1] if len(readers) == 2 else None
    finally:
        for reader in readers:
            reader.close()
