"""Types of documents: comparisons, event by event and pick by pick.

Made by `python docs/reference/generate.py` from `schemas/*.yaml`, which say more of every field. A field that is
not known is not there (`NotRequired`), and never None. Types named `...Fields` are what
science makes: documents before the fields are added that they are stored with.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, NotRequired, TypedDict

from catalogdb.documents.free import Json

By = Literal[
    "overall",
    "station",
    "network",
    "distance",
    "magnitude",
    "depth",
    "hour",
    "day",
    "month",
    "threshold",
    "availability",
    "stations",
    "reason",
]
EventMatchOutcome = Literal["matched", "missed", "proposed", "unlocated"]
FoundPhase = Literal["P", "S"]
Of = Literal["pick", "event"]
PickMatchOutcome = Literal["matched", "missed", "wrong_phase", "no_data", "proposed"]
PickMatchPhase = Literal["P", "S"]
Reason = Literal["no_data", "not_picked", "not_associated", "associated_elsewhere", "no_reference_picks"]
ScorePhase = Literal["P", "S", "PS"]
Side = Literal["reference", "catalog"]
Source = Literal["picks", "peaks"]
Status = Literal["running", "done", "failed"]


class ComparisonGates(TypedDict):
    """Largest differences of a pair."""

    max_dt: float  # s: Of origin times
    max_km: float  # km: Distance of epicentres
    max_pick_dt: float  # s: Of pick times
    event_types: NotRequired[list[Any]]  # Types of events that count


class ComparisonPeriod(TypedDict):
    """Period compared, [starttime, endtime)."""

    starttime: float  # s: Epoch seconds UTC
    endtime: float  # s: Epoch seconds UTC


class Comparison(TypedDict):
    """One catalog compared with another under one set of gates."""

    _id: str  # Content id of (catalog, reference, gates)
    catalog: str  # Name of the catalog that is judged
    reference: str  # Name of the catalog that it is judged by
    pick_set: NotRequired[str]  # Pick set of the catalog
    reference_pick_set: NotRequired[str]  # Pick set of the reference
    gates: ComparisonGates  # Largest differences of a pair
    period: ComparisonPeriod  # Period compared, [starttime, endtime)
    fingerprint: str  # Hash of what is known of the inputs
    inputs: NotRequired[Json]  # What it was made from
    status: Status  # Where the job stands
    lease: NotRequired[Json]  # token, owner (host, process, its start), until (server time), while a process ...
    started: NotRequired[datetime]  # Server time
    ended: NotRequired[datetime]  # Server time
    seconds: NotRequired[Json]  # Wall time of the steps
    counts: NotRequired[Json]  # What was read, and picks left out for a phase that is neither P nor S


class EventMatchFields(TypedDict):
    """What became of one event when two catalogs were compared."""

    outcome: EventMatchOutcome  # Of events of the reference
    side: Side  # Catalog that the event is of
    event_id: str  # event._id
    time: float  # s: The event's origin time (epoch seconds UTC)
    latitude: NotRequired[float]  # degree: Of the event
    longitude: NotRequired[float]  # degree: Of the event
    depth_km: NotRequired[float]  # km: Of the event
    magnitude: NotRequired[float]  # Of the event
    day: str  # UTC day, such as 2024-03-27
    month: str  # UTC month, such as 2024-03
    hour: int  # UTC hour, 0 to 23
    partner_id: NotRequired[str]  # event._id of the catalog's event
    partner_time: NotRequired[float]  # s: The partner's origin time (epoch seconds UTC)
    partner_depth_km: NotRequired[float]  # km: The partner's depth
    partner_magnitude: NotRequired[float]  # The partner's magnitude
    dt: NotRequired[float]  # s: The catalog's origin time less the reference's
    distance_km: NotRequired[float]  # km: Distance of the epicentres
    depth_difference_km: NotRequired[float]  # km: The catalog's depth less the reference's
    magnitude_difference: NotRequired[float]  # The catalog's magnitude less the reference's
    weight: NotRequired[float]  # Weight of the pair
    picks: NotRequired[int]  # P and S picks of the reference's event
    picks_recorded: NotRequired[int]  # Of them, with waveforms of their station, or found
    picks_matched: NotRequired[int]  # Of them, matched
    picks_wrong_phase: NotRequired[int]  # Of them, found as the other phase
    picks_missed: NotRequired[int]  # Of them, not found though there were waveforms
    picks_no_data: NotRequired[int]  # Of them, not found for want of waveforms
    picks_associated: NotRequired[int]  # Of those found, in the matched event
    picks_associated_elsewhere: NotRequired[int]  # Of those found, in another event of the catalog
    picks_not_associated: NotRequired[int]  # Of those found, in no event of the catalog
    availability: NotRequired[float]  # picks_recorded over picks, where the catalog was made from waveforms
    stations_recording: NotRequired[int]  # Stations with waveforms at the origin time, where the catalog was made ...
    reason: NotRequired[Reason]  # Why a missed event is missing


class EventMatch(EventMatchFields):
    """The same as it is stored in `event_match`."""

    _id: NotRequired[Any]  # ObjectId given by MongoDB
    comparison: str  # comparison._id
    catalog: str  # Name of the catalog that is judged
    reference: str  # Name of the catalog that it is judged by
    max_dt: float  # s: The gate
    max_km: float  # km: The gate


class PickMatchPick(TypedDict):
    """The picks, by time."""

    pick_id: str  # pick._id
    time: float  # s: The pick's time (epoch seconds UTC)
    partner_id: NotRequired[str]  # pick._id of the catalog's pick
    dt: NotRequired[float]  # s: The catalog's time less the reference's
    probability: NotRequired[float]  # Of the catalog's pick
    event_id: NotRequired[str]  # Event that the pick belongs to, in its own catalog
    partner_event_id: NotRequired[str]  # Event of the catalog that the partner belongs to
    distance_km: NotRequired[float]  # km: Epicentral distance of the station from the pick's own event
    magnitude: NotRequired[float]  # Magnitude of the pick's own event


class PickMatchFields(TypedDict):
    """What became of the picks of one station, phase, outcome and UTC day when two catalogs were compared."""

    outcome: PickMatchOutcome  # Of picks of the reference
    phase: PickMatchPhase  # Phase of the picks, by its first letter
    found_phase: NotRequired[FoundPhase]  # Phase of their partners
    net: str  # Network code
    sta: str  # Station code
    day: str  # UTC day, such as 2024-03-27
    month: str  # UTC month, such as 2024-03
    number: int  # Number of picks
    picks: list[PickMatchPick]  # The picks, by time


class PickMatch(PickMatchFields):
    """The same as it is stored in `pick_match`."""

    _id: NotRequired[Any]  # ObjectId given by MongoDB
    comparison: str  # comparison._id
    catalog: str  # Name of the catalog that is judged
    reference: str  # Name of the catalog that it is judged by
    max_pick_dt: float  # s: The gate


class ScoreGates(TypedDict):
    """Largest differences of a pair."""

    max_dt: float  # s: Of origin times
    max_km: float  # km: Distance of epicentres
    max_pick_dt: float  # s: Of pick times


class ScoreFields(TypedDict):
    """Outcomes of a comparison counted for one class of picks or events, for example the P picks of one ...."""

    of: Of  # What is counted
    by: By  # What it is grouped by
    value: str  # The class
    low: NotRequired[float]  # Lower limit of the class
    high: NotRequired[float]  # Upper limit of the class, not part of it
    source: NotRequired[Source]  # Of a threshold
    phase: NotRequired[ScorePhase]  # Phase of the picks
    matched: int  # Of the reference, found
    missed: int  # Of the reference, not found though there were waveforms
    proposed: int  # Of the catalog, not in the reference
    wrong_phase: NotRequired[int]  # Picks of the reference found as the other phase
    wrong_phase_found: NotRequired[int]  # Picks of the catalog of this phase that were paired with one of the other
    no_data: NotRequired[int]  # Picks of the reference at times without waveforms of their station
    unlocated: NotRequired[int]  # Events of the reference without a position
    residuals: NotRequired[Json]  # Statistics (mean, median, mad, p95) of the matched ones, catalog less reference
    histograms: NotRequired[Json]  # Of the same quantities, overall


class Score(ScoreFields):
    """The same as it is stored in `score`."""

    _id: NotRequired[Any]  # ObjectId given by MongoDB
    comparison: str  # comparison._id
    catalog: str  # Name of the catalog that is judged
    reference: str  # Name of the catalog that it is judged by
    gates: ScoreGates  # Largest differences of a pair
