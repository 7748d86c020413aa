"""Reading two catalogs, pairing them, and writing what became of each event and pick."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
from pymongo.collection import Collection
from pymongo.database import Database

from catalogdb.comparisons.lease import ComparisonLease
from catalogdb.comparisons.left_out import left_out
from catalogdb.comparisons.links import events_of_picks, read_sites
from catalogdb.comparisons.peaks import peak_source, peaks_by_station
from catalogdb.comparisons.picked_waveforms import read_coverage
from catalogdb.comparisons.readers import PickReader, read_events
from catalogdb.comparisons.writer import Writer
from catalogdb.documents.comparisons import ScoreFields
from catalogdb.documents.free import AnyDocument
from catalogdb.documents.records import Catalog
from catalogdb.evaluation.columns import Codes
from catalogdb.evaluation.events import EventComparison
from catalogdb.evaluation.gates import ARRIVALS_S, MARGIN_GATES, Gates, with_arrivals
from catalogdb.evaluation.pairing import pair_events
from catalogdb.evaluation.peak_curve import peak_scores, with_margin
from catalogdb.evaluation.pick_scores import PickTally
from catalogdb.evaluation.picks import PickComparison


class Computation:
    """Pairs two catalogs and replaces the documents of their comparison.

    Args:
        catalog, reference: documents of `catalog`.
        period: [start, end) in epoch seconds.
        lease: the right to write the comparison; it is taken.
    """

    def __init__(
        self,
        db: Database,
        catalog: Catalog,
        reference: Catalog,
        gates: Gates,
        period: tuple[float, float],
        lease: ComparisonLease,
    ):
        self._db, self._gates, self._period, self._lease = db, gates, period, lease
        self._names = catalog["_id"], reference["_id"]
        self._common = {"comparison": lease.comparison, "catalog": catalog["_id"], "reference": reference["_id"]}
        self._judged_pick_set = catalog.get("pick_set")
        self._pick_sets = [row["pick_set"] for row in (catalog, reference) if "pick_set" in row]
        self._stations, self._networks = Codes(), Codes()
        self._other_phases = 0

    def run(self) -> tuple[dict[str, float], dict[str, int]]:
        """Compute and write.

        Returns:
            The seconds of the steps, and counts of what was read.
        """
        lap = Laps()
        self._delete()
        lap.end("delete")
        self._read_events()
        lap.end("events")
        self._coverage = read_coverage(self._db, self._judged_pick_set, with_arrivals(self._period), self._stations)
        self._peaks = peak_source(self._db, self._judged_pick_set)
        with Writer(self._lease) as writer:
            of_picks, tally = self._compare_picks(writer)
            lap.end("picks")
            of_events = self._compare_events(writer, of_picks)
            lap.end("event documents")
            scores = [*of_events.scores(), *tally.scores()]
            lap.end("scores")
            scores += self._threshold_scores(of_picks, tally)
            lap.end("thresholds")
            self._write(writer, self._db.score, scores, {"gates": self._gates.document()})
        lap.end("writing scores")
        return lap.seconds, self._counts(of_events, of_picks)

    def _delete(self) -> None:
        """What an earlier computation left."""
        for collection in (self._db.score, self._db.event_match, self._db.pick_match):
            collection.delete_many(self._common)
            self._lease.confirm()

    def _read_events(self) -> None:
        margin = MARGIN_GATES * self._gates.max_dt
        reach = self._period[0] - max(margin, ARRIVALS_S), self._period[1] + margin
        types = self._gates.event_types
        catalog, reference = (read_events(self._db, name, *reach, types) for name in self._names)
        self._catalog, self._reference = catalog, reference
        self._pairs = pair_events(reference, catalog, self._gates)

    def _compare_picks(self, writer: Writer) -> tuple[PickComparison | None, PickTally]:
        """Compare the pick sets, where both catalogs have one, and write what became of each pick."""
        tally = PickTally(self._stations, self._networks, self._gates.max_pick_dt)
        if len(self._pick_sets) < 2:
            return None, tally
        matched_event = np.full(len(self._reference), -1, np.int64)
        matched_event[self._pairs.reference] = self._pairs.catalog
        comparison = PickComparison(
            events=(self._catalog, self._reference),
            events_of=(
                partial(events_of_picks, self._db, self._names[0], self._catalog),
                partial(events_of_picks, self._db, self._names[1], self._reference),
            ),
            matched_event=matched_event,
            stations=self._stations,
            networks=self._networks,
            sites=read_sites(self._db, self._stations, self._networks),
            coverage=self._coverage,
            max_dt=self._gates.max_pick_dt,
            period=self._period,
            keep_reference=self._peaks is not None,
        )
        with self._readers(comparison.reach) as readers:
            for rows, documents in comparison.chunks(*readers):
                tally.add(rows)
                self._write(writer, self._db.pick_match, documents, {"max_pick_dt": self._gates.max_pick_dt})
            self._other_phases = sum(reader.other_phases for reader in readers if reader)
        return comparison, tally

    @contextmanager
    def _readers(self, reach: tuple[float, float]) -> Iterator[tuple[PickReader, PickReader | None]]:
        """Readers of the catalog's and the reference's pick set; None for the second where both are one."""
        names = dict.fromkeys(self._pick_sets)
        readers = [PickReader(self._db, name, *reach, self._stations, self._networks) for name in names]
        try:
            yield readers[0], readers[1] if len(readers) == 2 else None
        finally:
            for reader in readers:
                reader.close()

    def _compare_events(self, writer: Writer, of_picks: PickComparison | None) -> EventComparison:
        """Compare the events, and write what became of each."""
        tally = of_picks.tally if of_picks else None
        events = self._reference, self._catalog
        comparison = EventComparison(*events, self._pairs, self._period, self._gates, tally, self._coverage)
        gates = {"max_dt": self._gates.max_dt, "max_km": self._gates.max_km}
        self._write(writer, self._db.event_match, comparison.documents(), gates)
        return comparison

    def _threshold_scores(self, of_picks: PickComparison | None, tally: PickTally) -> Iterator[ScoreFields]:
        """From the peaks that the pick set kept; where there are none, from the probabilities of its picks."""
        if of_picks is None or self._peaks is None:
            return tally.threshold_scores()
        if len(set(self._pick_sets)) == 1:
            return iter(())
        max_dt = self._gates.max_pick_dt
        reach = with_margin(self._period, max_dt)
        peaks = peaks_by_station(self._db, self._peaks.pick_set, self._stations, *reach, self._lease.confirm)
        return peak_scores(
            peaks,
            self._peaks.floor,
            self._peaks.separation_seconds,
            of_picks.reference_columns(),
            self._stations,
            self._coverage,
            max_dt,
            self._period,
        )

    def _write(
        self, writer: Writer, collection: Collection, documents: Iterable[Mapping[str, Any]], gates: AnyDocument
    ) -> None:
        writer.write(collection, ({**self._common, **gates, **document} for document in documents))

    def _counts(self, of_events: EventComparison, of_picks: PickComparison | None) -> dict[str, int]:
        counts = {"events": len(self._catalog), "reference_events": len(self._reference)} | of_events.counts()
        counts |= left_out(self._db, self._names, self._period, self._gates.event_types)
        return counts | ({"picks_of_other_phases": self._other_phases} if of_picks else {})


class Laps:
    """Seconds of steps, one after the other."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._began = time.perf_counter()

    def end(self, step: str) -> None:
        """The step ends now; the next one begins."""
        now = time.perf_counter()
        self.seconds[step], self._began = round(now - self._began, 3), now
