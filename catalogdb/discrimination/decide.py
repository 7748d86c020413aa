"""What kind of event one was: features of its stations, their votes, and whether they suffice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from catalogdb.discrimination.classes import CLASSES
from catalogdb.discrimination.classifier import Classifier
from catalogdb.discrimination.config import EventTypeConfig
from catalogdb.discrimination.features import (
    BEFORE_SECONDS,
    NoFeatures,
    Onsets,
    expected_onsets,
    read_after,
    station_features,
)
from catalogdb.discrimination.vote import combined
from catalogdb.documents.free import AnyDocument

if TYPE_CHECKING:
    from obspy import Trace

_DAY, _HOUR = 86400.0, 3600.0


@dataclass
class StationRecord:
    """One station of an event.

    Attributes:
        onsets: its P and S, one of them perhaps expected.
        distance_km: from the epicentre; None where that is not known.
        traces: of its best sensor in `interval`.
        others: of its other sensors, better ones first; the first that gives features is asked where the best one
            gives none.
    """

    net: str
    sta: str
    onsets: Onsets
    distance_km: float | None = None
    traces: Sequence[Trace] = field(default_factory=tuple)
    others: Sequence[Sequence[Trace]] = ()

    @property
    def interval(self) -> tuple[float, float]:
        """What is read of the waveforms (epoch seconds)."""
        return self.onsets.p - BEFORE_SECONDS - 1.0, self.onsets.p + read_after(self.onsets.apart) + 1.0


@dataclass(frozen=True)
class Decision:
    """The document of `event_type` without the database's fields, and how many stations don't vote, by `REASONS`."""

    document: AnyDocument
    reasons: Counter[str]


def station_records(
    origin_time: float,
    picked: Mapping[tuple[str, str], Mapping[str, float]],
    distances: Mapping[tuple[str, str], float],
    most: int,
) -> list[StationRecord]:
    """The nearest stations of an event.

    Args:
        origin_time: epoch seconds UTC.
        picked: times of P and S by (net, sta).
        distances: km, infinite where not known.
        most: so many stations.
    """
    ordered = sorted(picked, key=lambda station: (distances[station], station))
    found = []
    for net, sta in ordered[:most]:
        times = picked[net, sta]
        onsets = expected_onsets(times.get("P"), times.get("S"), origin_time)
        if onsets is not None:
            distance = distances[net, sta]
            found.append(StationRecord(net, sta, onsets, distance if np.isfinite(distance) else None))
    return found


def decide(
    classifier: Classifier, origin: Mapping[str, Any], stations: Sequence[StationRecord], config: EventTypeConfig
) -> Decision:
    """Classify one event.

    Args:
        origin: its origin: `event_id` and `time`.
        stations: with their waveforms.
    """
    rows, reasons = _votes(classifier, stations)
    hour = origin["time"] % _DAY / _HOUR
    document: AnyDocument = {
        "event_id": origin["event_id"],
        "time": origin["time"],
        "hour": round(hour, 3),
        "least_probability": config.least_probability,
        "n_stations": len(rows),
        "decision": "no_station",
    }
    entries: list[AnyDocument] = [
        {"net": record.net, "sta": record.sta}
        | ({} if record.distance_km is None else {"distance_km": round(record.distance_km, 3)})
        for record in stations
    ]
    if rows:
        prior = config.prior_at(hour)
        vote = combined(np.array(list(rows.values())), classifier.calibration, prior)
        for number, own in zip(rows, vote.stations, strict=True):
            entries[number] |= {"vote": CLASSES[int(own.argmax())], "probabilities": _named(own)}
        document |= {
            "most_probable": vote.best,
            "least_probability": config.least(vote.best),
            "probability": round(vote.probability, 4),
            "probabilities": _named(vote.probabilities),
            "votes": dict(vote.votes),
            "prior": dict(zip(CLASSES, prior, strict=True)),
        }
        if len(rows) < config.min_stations:
            document["decision"] = "too_few_stations"
        elif vote.probability < config.least(vote.best):
            document["decision"] = "unsure"
        else:
            document |= {"decision": "decided", "type": config.type_of(vote.best)}
    for number, reason in reasons.items():
        entries[number]["reason"] = reason
    return Decision(document | {"stations": entries}, Counter(reasons.values()))


def _votes(classifier: Classifier, stations: Sequence[StationRecord]) -> tuple[dict[int, np.ndarray], dict[int, str]]:
    """Log-probabilities of the stations that vote, and why others don't, by their numbers."""
    rows: dict[int, np.ndarray] = {}
    reasons: dict[int, str] = {}
    for number, record in enumerate(stations):
        features, reason = _asked(record)
        if features is None:
            reasons[number] = reason
        elif classifier.is_unlike(features)[0]:
            reasons[number] = "unlike_training"
        else:
            rows[number] = classifier.log_probabilities(features)[0]
    return rows, reasons


def _asked(record: StationRecord) -> tuple[np.ndarray | None, str]:
    """Features (1, features) of the best sensor that gives some; none, and why the best one gives none."""
    first = ""
    for traces in (record.traces, *record.others):
        try:
            return station_features(traces, record.onsets)[None, :], ""
        except NoFeatures as reason:
            first = first or str(reason)
    return None, first


def _named(probabilities: np.ndarray) -> dict[str, float]:
    return {name: round(float(value), 4) for name, value in zip(CLASSES, probabilities, strict=True)}
