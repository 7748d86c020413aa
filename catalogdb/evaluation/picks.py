"""Comparing two pick sets: outcome by outcome, in one pass over both in order of time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from catalogdb.documents.comparisons import PickMatchFields, PickMatchPick
from catalogdb.evaluation.classes import day_text, days_of
from catalogdb.evaluation.columns import PHASES, Codes, Events, Picks, joined, merged_batches, with_none
from catalogdb.evaluation.coverage import Coverage
from catalogdb.evaluation.gates import ARRIVALS_S, MARGIN_GATES
from catalogdb.evaluation.pairing import Pairs, pair_picks, unfinished
from catalogdb.evaluation.scores import MATCHED, MISSED, NO_DATA, OUTCOMES, PROPOSED, WRONG_PHASE
from catalogdb.evaluation.sites import Sites

PICKS_PER_DOCUMENT = 2000
ROW_KEYS = (
    *("pick_id", "time", "partner_id", "dt", "probability"),
    *("event_id", "partner_event_id", "distance_km", "magnitude"),
)

EventsOf = Callable[[NDArray[np.object_], NDArray[np.float64]], NDArray[np.int64]]
"""Ids and times (s) of picks -> positions of the events that use them, -1 where none does; shape (n,) each."""


@dataclass
class Rows:
    """Compared picks as columns of shape (n,): those of the reference, and the catalog's that have no partner."""

    station: NDArray[np.int32]
    network: NDArray[np.int32]
    phase: NDArray[np.int8]
    outcome: NDArray[np.int8]
    time: NDArray[np.float64]
    dt: NDArray[np.float64]
    """The catalog's time less the reference's, s; NaN without partner."""
    probability: NDArray[np.float64]
    """Of the catalog's pick."""
    distance_km: NDArray[np.float64]
    magnitude: NDArray[np.float64]
    """Of the pick's own event, as is the distance: the reference's, for proposed picks the catalog's."""


@dataclass
class EventTally:
    """What became of the picks of each event of the reference, counted; arrays of shape (events,)."""

    size: int
    counts: dict[str, NDArray[np.int64]] = field(init=False)

    NAMES = (
        *("picks", "matched", "wrong_phase", "missed", "no_data", "recorded"),
        *("not_associated", "associated", "associated_elsewhere"),
    )

    def __post_init__(self) -> None:
        self.counts = {name: np.zeros(self.size, np.int64) for name in self.NAMES}

    def add(self, name: str, event: NDArray[np.int64], chosen: NDArray[np.bool_]) -> None:
        """Count the chosen picks at their events; -1 is no event."""
        self.counts[name] += np.bincount(event[chosen & (event >= 0)], minlength=self.size)


@dataclass
class PickComparison:
    """The comparison of two pick sets, fed by `chunks`.

    Args:
        events: of catalog and reference, from before the period on, since its first picks may be of these.
        events_of: tell the events of picks, for the catalog and the reference.
        matched_event: position of the catalog's event that each event of the reference is paired with, or -1.
    """

    events: tuple[Events, Events]
    events_of: tuple[EventsOf, EventsOf]
    matched_event: NDArray[np.int64]
    stations: Codes
    networks: Codes
    sites: Sites
    coverage: Coverage | None
    max_dt: float
    period: tuple[float, float]
    keep_reference: bool = False
    """Whether `reference_columns` will be asked for."""
    tally: EventTally = field(init=False)
    _seen: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.tally = EventTally(len(self.events[1]))

    def reference_columns(self) -> tuple[NDArray[np.int32], NDArray[np.int8], NDArray[np.float64], NDArray[np.bool_]]:
        """Station, phase and time (s) of the reference's picks and whether they count, of the period and its margins,
        after `chunks`.
        """
        none = np.zeros(0, np.int32), np.zeros(0, np.int8), np.zeros(0), np.zeros(0, bool)
        station, phase, time, counts = (np.concatenate(columns) for columns in zip(none, *self._seen, strict=True))
        return station, phase, time, counts

    @property
    def reach(self) -> tuple[float, float]:
        """The time (epoch seconds) that picks are wanted of: the period, its margins and the arrivals of its events."""
        margin = MARGIN_GATES * self.max_dt
        return self.period[0] - margin, self.period[1] + max(margin, ARRIVALS_S)

    def chunks(
        self, catalog: Iterable[Picks], reference: Iterable[Picks] | None
    ) -> Iterator[tuple[Rows, list[PickMatchFields]]]:
        """Compare, chunk by chunk.

        Args:
            catalog, reference: batches of picks in order of time, of the `reach`. Without a reference both are one pick
                set, and each pick is its own partner: nothing is scored, and just what became of the events' picks is
                counted.

        Yields:
            Rows for the scores, and documents of `pick_match` without what all of them have in common.
        """
        if reference is None:
            for picks in catalog:
                self._count_own(picks)
        else:
            yield from self._compared(catalog, reference)

    def _compared(
        self, catalog: Iterable[Picks], reference: Iterable[Picks]
    ) -> Iterator[tuple[Rows, list[PickMatchFields]]]:
        none = Picks(np.zeros(0, object), *(np.zeros(0, kind) for kind in (np.int32, np.int32, np.int8, float, float)))
        ours = theirs = none
        for of_reference, of_catalog, known_until in merged_batches(reference, catalog):
            ours = ours if of_reference is None else joined([ours, of_reference])
            theirs = theirs if of_catalog is None else joined([theirs, of_catalog])
            our_wait, their_wait = unfinished(ours, theirs, known_until, self.max_dt)
            ready = ours[~our_wait], theirs[~their_wait]
            ours, theirs = ours[our_wait], theirs[their_wait]
            if len(ready[0]) or len(ready[1]):
                yield self._outcomes(*ready, pair_picks(*ready, self.max_dt))

    def _count_own(self, picks: Picks) -> None:
        reference_event = self.events_of[1](picks.identity, picks.time)
        catalog_event = self.events_of[0](picks.identity, picks.time)
        outcome = np.full(len(picks), MATCHED, np.int8)
        self._count_events(outcome, np.ones(len(picks), bool), reference_event, catalog_event)

    def _inside(self, time: NDArray[np.float64]) -> NDArray[np.bool_]:
        return (self.period[0] <= time) & (time < self.period[1])

    def _outcomes(self, reference: Picks, catalog: Picks, pairs: Pairs) -> tuple[Rows, list[PickMatchFields]]:
        partner = np.full(len(reference), -1, np.int64)
        partner[pairs.reference] = pairs.catalog
        paired = partner >= 0
        recorded = np.ones(len(reference), bool)
        if self.coverage is not None:
            recorded = paired | self.coverage.has_data(reference.station, reference.time)
        outcome = np.where(recorded, MISSED, NO_DATA).astype(np.int8)
        same = reference.phase[pairs.reference] == catalog.phase[pairs.catalog]
        outcome[pairs.reference] = np.where(same, MATCHED, WRONG_PHASE)
        reference_event = self.events_of[1](reference.identity, reference.time)
        catalog_event = self.events_of[0](catalog.identity, catalog.time)
        partner_event = np.where(paired, np.r_[catalog_event, -1][partner], -1)
        counts = _counts(self.events[1], reference_event)
        if self.keep_reference:
            self._seen.append((reference.station, reference.phase, reference.time, counts))
        inside = self._inside(reference.time) & counts
        self._count_events(outcome, recorded, reference_event, partner_event)

        proposed = self._inside(catalog.time) & _counts(self.events[0], catalog_event)
        proposed[pairs.catalog] = False
        ours, theirs = np.flatnonzero(inside), np.flatnonzero(proposed)
        with_partner = joined([catalog, _nobody()])[partner[ours]]  # -1 is the last, nobody
        station = np.r_[reference.station[ours], catalog.station[theirs]]
        network = np.where(reference.network[ours] == self.networks[""], with_partner.network, reference.network[ours])
        own_event = reference_event[ours], catalog_event[theirs]
        rows = Rows(
            station,
            self.sites.networks_of(station, np.r_[network, catalog.network[theirs]]),
            np.r_[reference.phase[ours], catalog.phase[theirs]],
            np.r_[outcome[ours], np.full(len(theirs), PROPOSED, np.int8)],
            np.r_[reference.time[ours], catalog.time[theirs]],
            np.r_[with_partner.time - reference.time[ours], np.full(len(theirs), np.nan)],
            np.r_[with_partner.probability, catalog.probability[theirs]],
            np.r_[
                self.sites.distances_km(reference.station[ours], self.events[1], own_event[0]),
                self.sites.distances_km(catalog.station[theirs], self.events[0], own_event[1]),
            ],
            np.r_[_magnitudes(self.events[1], own_event[0]), _magnitudes(self.events[0], own_event[1])],
        )
        nothing = np.full(len(theirs), None, object)
        identities = {
            "pick_id": np.r_[reference.identity[ours], catalog.identity[theirs]],
            "partner_id": np.r_[with_partner.identity, nothing],
            "event_id": np.r_[_identities(self.events[1], own_event[0]), _identities(self.events[0], own_event[1])],
            "partner_event_id": np.r_[_identities(self.events[0], partner_event[ours]), nothing],
        }
        return rows, self._documents(rows, identities)

    def _count_events(
        self, outcome: np.ndarray, recorded: np.ndarray, event: np.ndarray, partner_event: np.ndarray
    ) -> None:
        """Count at each event of the reference what became of its picks; those behind the period's end count too."""
        add = self.tally.add
        found = (outcome == MATCHED) | (outcome == WRONG_PHASE)
        wanted = np.r_[self.matched_event, -2][event]  # -1, no event, takes the last
        add("picks", event, np.ones(len(event), bool))
        add("recorded", event, recorded)
        for name in ("matched", "wrong_phase", "missed", "no_data"):
            add(name, event, outcome == OUTCOMES.index(name))
        add("not_associated", event, found & (partner_event < 0))
        add("associated", event, found & (partner_event >= 0) & (partner_event == wanted))
        add("associated_elsewhere", event, found & (partner_event >= 0) & (partner_event != wanted))

    def _documents(self, rows: Rows, identities: dict[str, NDArray[np.object_]]) -> list[PickMatchFields]:
        """The rows as documents: one per station, phase, outcome and UTC day."""
        if not len(rows.time):
            return []
        day = days_of(rows.time)
        order = np.lexsort((rows.time, day, rows.outcome, rows.phase, rows.network, rows.station))
        keys = np.stack([rows.station, rows.network, rows.phase, rows.outcome, day])[:, order]
        starts = np.flatnonzero(np.r_[True, (np.diff(keys) != 0).any(axis=0)])
        columns = {name: identities[name] if name in identities else getattr(rows, name) for name in ROW_KEYS}
        picks = _entries({name: values[order] for name, values in columns.items()})
        stations, networks = list(self.stations), list(self.networks)
        documents = []
        for begin, end in zip(starts, np.r_[starts[1:], len(order)], strict=True):
            station, network, phase, outcome, at = (int(value) for value in keys[:, begin])
            shared = {
                "outcome": OUTCOMES[outcome],
                "phase": PHASES[phase],
                "net": networks[network],
                "sta": stations[station],
                "day": day_text(at),
                "month": day_text(at)[:7],
            }
            if outcome == WRONG_PHASE:
                shared["found_phase"] = PHASES[1 - phase]
            elif outcome == MATCHED:
                shared["found_phase"] = PHASES[phase]
            for first in range(begin, end, PICKS_PER_DOCUMENT):
                part = picks[first : min(first + PICKS_PER_DOCUMENT, end)]
                documents.append(cast(PickMatchFields, shared | {"number": len(part), "picks": part}))
        return documents


def _nobody() -> Picks:
    identity = np.array([None], object)
    return Picks(identity, np.zeros(1, np.int32), np.zeros(1, np.int32), np.zeros(1, np.int8), *np.full((2, 1), np.nan))


def _counts(events: Events, at: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether picks count, by the event that they are of; those of no event (-1) do."""
    return np.append(events.counts, True)[at]


def _magnitudes(events: Events, at: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.r_[events.magnitude, np.nan][at]


def _identities(events: Events, at: NDArray[np.int64]) -> NDArray[np.object_]:
    return with_none(events.identity)[at]


def _entries(columns: dict[str, np.ndarray]) -> list[PickMatchPick]:
    """The rows of columns as documents, without what is not known (NaN or None).

    Rows that know the same are made at once: one by one takes twice the time, and there are millions.
    """
    known = {name: _known(values) for name, values in columns.items()}
    pattern = np.zeros(len(next(iter(known.values()))), np.int64)
    for bit, row in enumerate(known.values()):
        pattern |= row.astype(np.int64) << bit
    entries: Any = np.empty(len(pattern), object)
    for number in np.unique(pattern):
        rows = np.flatnonzero(pattern == number)
        names = [name for bit, name in enumerate(columns) if number >> bit & 1]
        values = (columns[name][rows] for name in names)
        lists = [(part if part.dtype == object else np.round(part, 6)).tolist() for part in values]
        entries[rows] = [dict(zip(names, row)) for row in zip(*lists)]  # noqa: B905 (one length, and in the hottest loop)
    return cast(list[PickMatchPick], entries.tolist())


def _known(values: np.ndarray) -> NDArray[np.bool_]:
    nothing: Any = None
    return np.not_equal(values, nothing) if values.dtype == object else ~np.isnan(values)
