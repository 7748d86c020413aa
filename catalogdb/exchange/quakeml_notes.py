"""Notes: comments of QuakeML's elements that hold, as JSON, what catalogdb knows and QuakeML has no element for."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NamedTuple, get_args

from catalogdb.documents.data import EventTypeRule
from catalogdb.documents.free import Json
from catalogdb.exchange.evaluation_mode import EVALUATION_STATUSES, EvaluationMode
from catalogdb.exchange.event_parts import present
from catalogdb.exchange.ogs.codes import BRANCHES, ZONES
from catalogdb.exchange.pick_uncertainty import HYPO71_UNCERTAINTY

NOTE_PREFIX = "catalogdb: "
LARGEST_INT = 2**31  # that the database's `int` does not hold any more


class Numbers(NamedTuple):
    """Kind of lists of so many numbers, or of so many lists of them."""

    shape: tuple[int, ...]


class Object(NamedTuple):
    """Kind of objects that have numbers of these names, and nothing else."""

    names: tuple[str, ...]


# what notes hold, and of which kind: one of these, a type, or the values that there are
PICK_NOTES = {
    **dict.fromkeys(("probability", "quality", "snr", "amplitude", "duration"), float),
    **dict.fromkeys(("components", "first_motion"), str),
    "branch": BRANCHES,
    "hypo71_weight": HYPO71_UNCERTAINTY,
}
LIMITS = {
    "mindepth": "the depth stands at the upper limit of the search",
    "maxdepth": "the depth stands at the lower limit of the search: the true one is unknown",
    "edge": "the epicentre stands at the edge of the area searched: the true one is unknown",
    "depth_prior": "the depth is the usual one rather than what the arrivals tell",
    "above_stations": "the depth lies above all stations that recorded the event",
}
ORIGIN_NOTES = {
    "score": float,
    "limits": frozenset(LIMITS),  # a list of them
    **dict.fromkeys(("quality", "quality_sqd", "velocity_model", "source_file", "source_format", "cluster"), str),
    "expected": Object(("time", "latitude", "longitude", "depth_km")),
    "covariance_km2": Numbers((3, 3)),
    "ellipsoid": Object(("major_km", "intermediate_km", "minor_km", "azimuth", "plunge", "rotation")),
    **dict.fromkeys(("depth_68_km", "depth_90_km"), Numbers((2,))),
    **dict.fromkeys(("epicentre_68_km", "epicentre_90_km"), float),
    "bimodal": (True,),
    **dict.fromkeys(("cluster_events", "n_differences", "n_correlated"), int),
}
STATION_MAGNITUDE_NOTES = dict.fromkeys(("amplitude_mm", "distance_km", "weight"), float)
EVENT_NOTES = {
    **dict.fromkeys(("source_id", "remarks", "event_type", "preferred_origin_rule"), str),
    "event_type_rule": get_args(EventTypeRule),
    "event_type_probability": float,
    "zone": ZONES,
    # of unlocated events, whose origin would say it
    "time": float,
    "time_from": ("first_arrival", "minute"),
    "evaluation_mode": get_args(EvaluationMode),
    "evaluation_status": EVALUATION_STATUSES,
    "is_located": (True,),
    "is_no_event": (True,),  # it only holds picks, which QuakeML has in events alone
}


def note_text(note: Json) -> str:
    """The text of the comment that holds a note."""
    return NOTE_PREFIX + json.dumps(note, sort_keys=True)


def read_note(element: Any, kinds: Mapping[str, Any]) -> Json:
    """What catalogdb noted with an element (of ObsPy), of the kinds wanted; what is not of its kind is left out.

    Args:
        kinds: as `PICK_NOTES`.
    """
    for comment in element.comments:
        if comment.text and comment.text.startswith(NOTE_PREFIX):
            try:
                note = json.loads(comment.text.removeprefix(NOTE_PREFIX))
            except json.JSONDecodeError:
                continue
            if isinstance(note, dict):
                read = {key: _of_kind(note[key], kind) for key, kind in kinds.items() if key in note}
                return present(read)
    return {}


def _of_kind(value: Any, kind: Any) -> Any:
    """The value; None where it is not of its kind, or not finite."""
    if isinstance(kind, Numbers):
        return _numbers(value, kind.shape)
    if isinstance(kind, Object):
        is_such = isinstance(value, dict) and value.keys() == set(kind.names)
        found = _numbers([value[name] for name in kind.names], (len(kind.names),)) if is_such else None
        return dict(zip(kind.names, found, strict=True)) if found else None
    if isinstance(kind, frozenset):
        return value if isinstance(value, list) and value and all(one in kind for one in map(str, value)) else None
    if not isinstance(kind, type):
        return value if any(value == one and type(value) is type(one) for one in kind) else None
    if isinstance(value, bool) or (isinstance(value, int) and abs(value) >= LARGEST_INT):
        return None
    if kind is float and isinstance(value, int):
        return float(value)
    if not isinstance(value, kind) or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value


def _numbers(value: Any, shape: tuple[int, ...]) -> Any:
    """Numbers in lists of this shape; None where one is none."""
    if not shape:
        return _of_kind(value, float)
    if not isinstance(value, list) or len(value) != shape[0]:
        return None
    found = [_numbers(one, shape[1:]) for one in value]
    return None if None in found else found
