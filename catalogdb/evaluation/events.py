"""Comparing two catalogs' events: outcomes, differences, scores, and why an event is missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from catalogdb.documents.comparisons import EventMatchFields, ScoreFields
from catalogdb.evaluation.classes import (
    AVAILABILITY_EDGES,
    DEPTH_EDGES_KM,
    STATION_EDGES,
    Label,
    Labeller,
    availability_label,
    class_fields,
    day_text,
    days_of,
    edge_classes,
    edge_label,
    hours_of,
    magnitude_classes,
    magnitude_label,
    month_text,
    months_of,
)
from catalogdb.evaluation.columns import Events, with_none
from catalogdb.evaluation.coverage import Coverage
from catalogdb.evaluation.gates import Gates
from catalogdb.evaluation.pairing import EventPairs
from catalogdb.evaluation.picks import EventTally
from catalogdb.evaluation.scores import (
    MATCHED,
    MISSED,
    OUTCOMES,
    PROPOSED,
    UNLOCATED,
    Histogram,
    Statistics,
    counted,
    grouped,
    histogram,
    residuals,
    score_document,
)

REASONS = ("no_data", "not_picked", "not_associated", "associated_elsewhere")
REASON_COUNTS = ("no_data", "missed", "not_associated", "associated_elsewhere")
COUNTS = ("matched", "missed", "proposed", "unlocated")
DIFFERENCES = ("dt", "distance_km", "depth_km", "magnitude")


@dataclass
class EventComparison:
    """The comparison of events of a period; a pair belongs to the period that its reference event lies in.

    Args:
        reference, catalog: events with the margin of the period.
        tally: what became of the picks of each event of the reference; None where picks are not known.
    """

    reference: Events
    catalog: Events
    pairs: EventPairs
    period: tuple[float, float]
    gates: Gates
    tally: EventTally | None
    coverage: Coverage | None

    def __post_init__(self) -> None:
        partner = np.full(len(self.reference), -1, np.int64)
        partner[self.pairs.reference] = np.arange(len(self.pairs.reference))
        unpaired = np.ones(len(self.catalog), bool)
        unpaired[self.pairs.catalog] = False
        inside = [(self.period[0] <= e.time) & (e.time < self.period[1]) for e in (self.reference, self.catalog)]
        # a pair counts or not by its reference's type
        counts = [self.reference.counts, self.catalog.counts.copy()]
        counts[1][self.pairs.catalog] = self.reference.counts[self.pairs.reference]
        self._inside = inside = [within & own for within, own in zip(inside, counts, strict=True)]
        self._ours = np.flatnonzero(inside[0])
        self._theirs = np.flatnonzero(inside[1] & unpaired)
        self._pair = np.r_[partner[self._ours], np.full(len(self._theirs), -1)]
        located = np.isfinite(np.r_[self.reference.latitude[self._ours], self.catalog.latitude[self._theirs]])
        alone = np.r_[np.full(len(self._ours), MISSED), np.full(len(self._theirs), PROPOSED)]
        self.outcome = np.where(self._pair >= 0, MATCHED, np.where(located, alone, UNLOCATED)).astype(np.int8)
        self.differences = self._differences()

    def counts(self) -> dict[str, int]:
        """Events of the period on either side, and those of them that have no position and take no part."""
        inside = self._inside
        located = [np.isfinite(events.latitude) for events in (self.reference, self.catalog)]
        return {
            "reference_events_in_period": int(inside[0].sum()),
            "events_in_period": int(inside[1].sum()),
            "reference_events_without_position": int((inside[0] & ~located[0]).sum()),
            "events_without_position": int((inside[1] & ~located[1]).sum()),
        }

    def _of_both(self, name: str) -> np.ndarray:
        """A column of the reference's events of the period, then of the catalog's without partner."""
        return np.r_[getattr(self.reference, name)[self._ours], getattr(self.catalog, name)[self._theirs]]

    def _differences(self) -> dict[str, NDArray[np.float64]]:
        """The catalog's values less the reference's, NaN without partner."""
        own, partner = self.pairs.reference, self.pairs.catalog
        values = {
            "dt": self.pairs.dt,
            "distance_km": self.pairs.distance_km,
            "depth_km": self.catalog.depth_km[partner] - self.reference.depth_km[own],
            "magnitude": self.catalog.magnitude[partner] - self.reference.magnitude[own],
        }
        return {name: np.r_[row, np.nan][self._pair] for name, row in values.items()}

    def _tallied(self, name: str) -> NDArray[np.float64]:
        counts = self.tally.counts[name][self._ours] if self.tally else np.full(len(self._ours), np.nan)
        return np.r_[counts, np.full(len(self._theirs), np.nan)].astype(float)

    @property
    def availability(self) -> NDArray[np.float64]:
        """Share of the picks of each reference event whose stations had waveforms; NaN where nothing is known of it."""
        if self.coverage is None:
            return np.full(len(self.outcome), np.nan)
        with np.errstate(invalid="ignore"):
            return self._tallied("recorded") / self._tallied("picks")

    @property
    def stations_recording(self) -> NDArray[np.float64]:
        """Number of stations with waveforms at the origin time; NaN where nothing is known of it."""
        if self.coverage is None:
            return np.full(len(self.outcome), np.nan)
        return self.coverage.stations_at(self._of_both("time")).astype(float)

    @property
    def reasons(self) -> list[str | None]:
        """Why each missed event is missing: the step at which most of its picks were lost, of equals the earliest."""
        lost = np.stack([self._tallied(name) for name in REASON_COUNTS])
        step = np.where(np.isnan(lost), -1, lost).argmax(axis=0)
        with_picks = self._tallied("picks") > 0  # false for NaN
        named = np.where(with_picks, np.array(REASONS, object)[step], "no_reference_picks")
        is_told = (self.outcome == MISSED) & (self.tally is not None)
        return [reason if told else None for reason, told in zip(named.tolist(), is_told.tolist(), strict=True)]

    def documents(self) -> Iterator[EventMatchFields]:
        """Documents of `event_match`, without what all of them have in common."""
        day, hour = days_of(self._of_both("time")), hours_of(self._of_both("time"))
        columns: dict[str, np.ndarray] = {
            "event_id": self._of_both("identity"),
            **{name: self._of_both(name) for name in ("time", "latitude", "longitude", "depth_km", "magnitude")},
            **{f"partner_{name}": self._partners(name) for name in ("time", "depth_km", "magnitude")},
            "partner_id": with_none(self.catalog.identity[self.pairs.catalog])[self._pair],
            "dt": self.differences["dt"],
            "distance_km": self.differences["distance_km"],
            "depth_difference_km": self.differences["depth_km"],
            "magnitude_difference": self.differences["magnitude"],
            "weight": np.r_[self.pairs.weight, np.nan][self._pair],
            "availability": self.availability,
        }
        counts = {f"picks_{name}" if name != "picks" else name: self._tallied(name) for name in EventTally.NAMES}
        counts["stations_recording"] = self.stations_recording
        names = [*columns, *counts, "reason"]
        rows = [_listed(values) for values in columns.values()]
        rows += [_listed(values, int) for values in counts.values()]
        for at, row in enumerate(zip(*rows, self.reasons, strict=True)):
            own = {
                "outcome": OUTCOMES[self.outcome[at]],
                "side": "reference" if at < len(self._ours) else "catalog",
                "day": day_text(day[at]),
                "month": day_text(day[at])[:7],
                "hour": int(hour[at]),
            }
            known = {name: value for name, value in zip(names, row, strict=True) if value is not None}
            yield cast(EventMatchFields, own | known)

    def _partners(self, name: str) -> NDArray[np.float64]:
        return np.r_[getattr(self.catalog, name)[self.pairs.catalog], np.nan][self._pair]

    def scores(self) -> Iterator[ScoreFields]:
        """Documents of `score`, without what all of them have in common."""
        time = self._of_both("time")
        groupings: list[tuple[str, np.ndarray, Labeller]] = [
            ("overall", np.zeros(len(time), np.int64), lambda number: Label("all")),
            ("magnitude", magnitude_classes(self._of_both("magnitude")), magnitude_label),
            ("depth", edge_classes(self._of_both("depth_km"), DEPTH_EDGES_KM), edge_label(DEPTH_EDGES_KM)),
            ("hour", hours_of(time), lambda number: Label(f"{number:02d}", number, number + 1)),
            ("month", months_of(time), lambda number: Label(month_text(number))),
            ("day", days_of(time), lambda number: Label(day_text(number))),
        ]
        if self.coverage is not None:
            groupings += [
                ("availability", edge_classes(self.availability, AVAILABILITY_EDGES), availability_label),
                ("stations", edge_classes(self.stations_recording, STATION_EDGES), edge_label(STATION_EDGES)),
            ]
        for by, groups, label in groupings:
            yield from self._scores(by, groups.astype(np.int64), label)
        if self.tally is not None:
            yield from self._by_reason()

    def _scores(self, by: str, groups: NDArray[np.int64], label: Labeller) -> Iterator[ScoreFields]:
        of_group = {name: grouped(groups, values) for name, values in self.differences.items()}
        of_reference = np.arange(len(groups)) < len(self._ours)
        of_ours = dict(counted(groups[of_reference], self.outcome[of_reference]))
        for number, counts in counted(groups, self.outcome):
            known = {name: of_group[name][number] for name in DIFFERENCES}
            statistics = {name: residuals(row[np.isfinite(row)]) for name, row in known.items()}
            counts["unlocated"] = of_ours[number]["unlocated"] if number in of_ours else 0
            counts = {name: counts[name] for name in COUNTS}
            drawn = self._histograms(known) if by == "overall" else {}
            yield score_document(
                {"of": "event", "by": by}, class_fields(label, number), counts, _stated(statistics), drawn
            )

    def _histograms(self, differences: dict[str, NDArray[np.float64]]) -> dict[str, dict[str, Histogram]]:
        """Histograms of the differences: within the gates, else out to what nearly all stay within."""
        drawn = {}
        for name, values in differences.items():
            values = values[np.isfinite(values)]
            if not len(values):
                continue
            limit = {"dt": self.gates.max_dt, "distance_km": self.gates.max_km}.get(name)
            limit = limit or float(np.ceil(2 * np.percentile(np.abs(values), 99)) / 2) or 0.5
            drawn[name] = histogram(values, 0.0 if name == "distance_km" else -limit, limit)
        return {"histograms": drawn} if drawn else {}

    def _by_reason(self) -> Iterator[ScoreFields]:
        reasons = [reason for reason in self.reasons if reason]
        for reason in sorted(set(reasons)):
            counts = {"matched": 0, "missed": reasons.count(reason), "proposed": 0}
            yield score_document({"of": "event", "by": "reason", "value": reason}, counts)


def _stated(statistics: dict[str, Statistics]) -> dict[str, dict[str, Statistics]]:
    known = {name: row for name, row in statistics.items() if row["mean"] is not None}
    return {"residuals": known} if known else {}


def _listed(values: np.ndarray, kind: type = float) -> list[Any]:
    if values.dtype == object:
        return values.tolist()
    known = np.isfinite(values)
    numbers: np.ndarray = np.round(np.where(known, values, 0), 9).astype(kind)
    return [value if is_known else None for value, is_known in zip(numbers.tolist(), known, strict=True)]
