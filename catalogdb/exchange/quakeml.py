"""Read QuakeML 1.0, 1.1, 1.2 and RT 1.2 through ObsPy (https://quake.ethz.ch/quakeml/)."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, cast

from catalogdb.documents.data import EventSource, Magnitude, TimeFrom
from catalogdb.documents.free import Json
from catalogdb.exchange.evaluation_mode import EvaluationMode, EvaluationStatus
from catalogdb.exchange.event_parts import event_from_parts, present, status_of
from catalogdb.exchange.quakeml_events import read_events
from catalogdb.exchange.quakeml_notes import EVENT_NOTES, read_note
from catalogdb.exchange.quakeml_parts import add_arrivals, usable_magnitudes, usable_origins
from catalogdb.exchange.quakeml_picks import phases_of_picks, read_picks
from catalogdb.exchange.quakeml_preferred import REVIEWED, Rank, preferred
from catalogdb.exchange.quakeml_texts import comments, creation_info, descriptions
from catalogdb.exchange.quakeml_unread import unread_elements, unread_line
from catalogdb.exchange.quakeml_values import EARLIEST, LATEST, Tally, evaluation, word
from catalogdb.exchange.quakeml_writer import quakeml_type, write_quakeml
from catalogdb.exchange.quakeml_xml import event_parameters
from catalogdb.exchange.reference_catalog import ReadEvent, ReadPick, ReferenceCatalog

__all__ = ["read_quakeml", "write_quakeml"]

EVALUATION = ("evaluation_mode", "evaluation_status")
LEAST_DEPTHS = 5
SHALLOW_KM = 0.8
"""As many metres as the deepest earthquakes have kilometres."""


def read_quakeml(path: Path, evaluation_mode: EvaluationMode = "manual") -> ReferenceCatalog:
    """Read a QuakeML file, packed or not.

    Args:
        path: the file.
        evaluation_mode: what events and picks are that don't say.

    Returns:
        Events with all origins and magnitudes (depth in km), and the picks of all events. `source_id` is the publicID,
        or in files written by catalogdb the event's id before; of several events of one id, the later ones have a
        number behind it, and one that differs in nothing is read once. The preferred origin and magnitude are those
        that the event names; `catalogdb.exchange.quakeml_preferred` has the rule for events that name none. A pick has
        the phase that the preferred origin gives it. An event without a usable origin is unlocated, at the time that
        catalogdb noted, else at that of its first pick; without either it is rejected. Numbers that are not finite or
        out of their bounds are left out and reported; what can't do without them is rejected.

    Raises:
        InputError: naming the file and the reason, when it is no QuakeML.
    """
    return read_parameters(Path(path), *event_parameters(Path(path)), evaluation_mode)


def read_parameters(
    path: Path, parameters: Any, said_of_file: list[str], evaluation_mode: EvaluationMode
) -> ReferenceCatalog:
    """Read the element `eventParameters` of a file, as `read_quakeml` does.

    Args:
        said_of_file: "file: what" that was guessed of the file.
    """
    records, complaints = read_events(path, parameters, said_of_file)
    result = ReferenceCatalog(repaired=complaints)
    said, chosen = Tally(str(path)), Tally(str(path))
    unread = unread_elements(parameters)
    names = EventNames()
    is_empty = True
    for item in records:
        is_empty = False
        result.rejected += item.rejected
        result.repaired += item.repaired
        event, record = item.event, item.record
        if event is None:
            continue
        note = read_note(event, EVENT_NOTES)
        if not names.take(event, note, item.digest, record, result):
            continue
        unread += item.unread
        reading = EventReading(event, names.last, note, record, evaluation_mode, result, said, chosen)
        result.picks += reading.picks.values()
        if note.get("is_no_event"):
            for pick in reading.picks.values():
                pick.pop("event_key", None)
            continue
        document = reading.document()
        if document is None:
            result.rejected.append(f"{record}: it has no usable origin, and no pick to know its time from")
        else:
            if note.get("is_located") and not document["origins"]:  # cards say it in each line, and want it back
                place = present({"file": path.name, "format": "quakeml", "id": names.last, "is_located": True})
                document["sources"] = [cast(EventSource, place)]
            result.events.append(document)
        said.add("focal mechanisms not stored", number=len(event.focal_mechanisms))
        said.add("amplitudes not stored", number=len(event.amplitudes))
        said.add("station magnitudes that no magnitude names, not stored", number=_unnamed_station_magnitudes(event))
    result.repaired += said.lines() + [f"{path}: {text}" for text in names.lines()]
    result.notes += [*chosen.lines(), *(f"{path}: {line}" for line in unread_line(unread)), *_shallow(path, result)]
    if is_empty:
        result.notes.append(f"{path}: no event: an empty catalog")
    return result


def _unnamed_station_magnitudes(event: Any) -> int:
    """How many station magnitudes of an event contribute to none of its magnitudes."""
    parts = [part for magnitude in event.magnitudes for part in magnitude.station_magnitude_contributions or []]
    named = {part.station_magnitude_id.id for part in parts if part.station_magnitude_id}
    return sum(part.resource_id is None or part.resource_id.id not in named for part in event.station_magnitudes)


def _shallow(path: Path, result: ReferenceCatalog) -> list[str]:
    """What is to be said of a catalog whose depths would be usual ones if they were kilometres instead of metres."""
    depths = [depth for event in result.events if (depth := event.get("depth_km"))]
    if len(depths) < LEAST_DEPTHS or not all(0 < depth < SHALLOW_KM for depth in depths):
        return []
    return [
        f"{path}: all {len(depths)} depths are less than {SHALLOW_KM:g} km, the largest is {max(depths) * 1000:g} m: "
        "were kilometres written where metres are meant?"
    ]


class EventNames:
    """Names of a file's events; no two of different content have one."""

    def __init__(self) -> None:
        self.last: str | None = None
        """Of the event taken last; None where the file gives it no id."""
        self._taken: set[str] = set()
        self._digests: dict[str, set[str]] = defaultdict(set)
        self._renamed: Counter[str] = Counter()
        self._repeated: Counter[str] = Counter()

    def take(self, event: Any, note: Json, digest: str, record: str, result: ReferenceCatalog) -> bool:
        """Name an event: as it was called before it was written, where no other of the file is, else by its publicID.

        Returns:
            False for an event that another is alike in every value.
        """
        public_id = event.resource_id.id if event.resource_id else None
        if public_id:
            if digest in self._digests[public_id]:
                self._repeated[public_id] += 1
                return False
            self._digests[public_id].add(digest)
        own = note.get("source_id")
        if own and own in self._taken:
            result.repaired.append(f"{record}: another event was {own} as well; this one is called by its publicID")
        wanted = own if own and own not in self._taken else public_id
        self.last = self._free(wanted) if wanted else None
        return True

    def _free(self, wanted: str) -> str:
        name, number = wanted, 1
        if wanted in self._taken:
            self._renamed[wanted] += 1
            number = self._renamed[wanted] + 1
            while (name := f"{wanted}#{number}") in self._taken:
                number += 1
        self._taken.add(name)
        return name

    def lines(self) -> list[str]:
        """What was done about ids that stand more than once."""
        return [
            f"{number} {'events' if number > 1 else 'event'} of another content under the publicID {name}: "
            f"kept as {name}#2" + (f" to {name}#{number + 1}" if number > 1 else "")
            for name, number in self._renamed.items()
        ] + [
            f"event {name} stands {number + 1} times, alike in every value: read once"
            for name, number in self._repeated.items()
        ]


class EventReading:
    """One event being read.

    Args:
        event: ObsPy's `Event`.
        source_id: its name.
        note: what catalogdb noted with it.
        record: for messages.
        mode: of an event and picks that don't say.
        said, chosen: count what was guessed or left out, and which modes, origins and magnitudes were chosen.
    """

    def __init__(
        self,
        event: Any,
        source_id: str | None,
        note: Json,
        record: str,
        mode: EvaluationMode,
        result: ReferenceCatalog,
        said: Tally,
        chosen: Tally,
    ):
        self._event, self._source_id, self._note, self._record = event, source_id, note, record
        self._mode, self._result, self._said, self._chosen = mode, result, said, chosen
        self._origins = usable_origins(event, record, result, said)
        self._magnitudes = usable_magnitudes(event, record, result, said)
        ranks = {name: Rank.of(origin) for name, (origin, _) in self._origins.items()}
        self._origin_id = preferred(event.preferred_origin_id, ranks, "origin", record, chosen, result.repaired)
        ranks = {name: self._rank(magnitude) for name, (magnitude, _) in self._magnitudes.items()}
        wanted = event.preferred_magnitude_id
        self._magnitude_id = preferred(wanted, ranks, "magnitude", record, chosen, result.repaired)
        for magnitude, document in self._magnitudes.values():
            self._name_origin(magnitude, document)
        self.picks = self._read_picks()
        for part in self._origins.values():
            add_arrivals(part, self.picks, record, result, said)

    def _rank(self, magnitude: Any) -> Rank:
        name = _origin_id(magnitude)
        source = self._origins[name][0] if name in self._origins else None
        return Rank.of(magnitude, source, is_of_preferred=name is None or name == self._origin_id)

    def _name_origin(self, magnitude: Any, document: Magnitude) -> None:
        """Say which origin a magnitude is of, where that is not the preferred one, or that nothing says it."""
        name = _origin_id(magnitude)
        if name is not None and name not in self._origins:
            self._said.add("magnitudes of an origin that is not usable or not there, kept without it")
            name = None
        if name is None and self._origin_id is not None:
            document["assumed"] = ["origin_id"]
        elif name is not None and name != self._origin_id:
            document["origin_id"] = name

    def _read_picks(self) -> dict[str, ReadPick]:
        """The picks by id, of the phases that the preferred origin gives them, then the other ones."""
        usable = sorted(self._origins.items(), key=lambda item: item[0] != self._origin_id)
        origins = [origin for _, (origin, _) in usable]
        origins += [origin for origin in self._event.origins if not any(origin is other for other in origins)]
        phases = phases_of_picks(origins)
        return read_picks(self._event, self._source_id, phases, self._record, self._mode, self._result, self._said)

    def document(self) -> ReadEvent | None:
        """The event; None where nothing tells its time."""
        origin = magnitude = None
        time_from: TimeFrom | None = None
        if self._origin_id is not None:
            source, origin = self._origins[self._origin_id]
            time, (status, mode, assumed) = origin["time"], _evaluation(source, self._mode)
            if "evaluation_mode" in assumed:
                self._chosen.add(f"events without evaluation mode, taken as {mode}")
        elif (unlocated := self._unlocated()) is not None:
            time, time_from, status, mode, assumed = unlocated
        else:
            return None
        if self._magnitude_id is not None:
            magnitude = self._magnitudes[self._magnitude_id][1]
        return event_from_parts(
            time,
            [document for _, document in self._origins.values()],
            [document for _, document in self._magnitudes.values()],
            origin,
            magnitude,
            time_from=time_from,
            **_event_type(self._event, self._note, self._record, self._said),
            **descriptions(self._event),
            comments=comments(self._event),
            assumed=assumed or None,
            zone=self._note.get("zone"),
            remarks=self._note.get("remarks"),
            preferred_origin_rule=self._note.get("preferred_origin_rule"),
            evaluation_mode=mode,
            evaluation_status=status,
            source_id=self._source_id,
            creation_info=creation_info(self._event.creation_info),
        )

    def _unlocated(self) -> tuple[float, TimeFrom | None, EvaluationStatus, EvaluationMode, list[str]] | None:
        """Time, what it is of, status, mode, and which of these were assumed, of an event without a usable origin; None
        where nothing tells a time."""
        note = self._note
        first = min(self.picks.values(), key=lambda pick: pick["time"], default=None)
        if EARLIEST <= note.get("time", math.nan) < LATEST:
            time, time_from = note["time"], note.get("time_from")
        elif first is not None:
            time, time_from = first["time"], "first_arrival"
            self._said.add("events without a usable origin, kept as unlocated at the time of their first pick")
        else:
            return None
        mode = note.get("evaluation_mode") or (self._mode if first is None else first["evaluation_mode"])
        status = note.get("evaluation_status") or status_of(mode)
        return time, time_from, status, mode, [name for name in EVALUATION if name not in note]


def _origin_id(magnitude: Any) -> str | None:
    """The publicID of the origin that a magnitude names."""
    return magnitude.origin_id.id if magnitude.origin_id else None


def _evaluation(origin: Any, default: EvaluationMode) -> tuple[EvaluationStatus, EvaluationMode, list[str]]:
    """Status and mode of an event by its preferred origin; what that does not say follows from the other one, and is
    named in the list."""
    said = evaluation(origin)
    assumed = [name for name, value in zip(EVALUATION, said, strict=True) if value is None]
    mode, status = said
    if mode is None:
        mode = "manual" if status in REVIEWED else default
    return status or status_of(mode), mode, assumed


def _event_type(event: Any, note: Json, record: str, said: Tally) -> Json:
    """The type with its certainty; in the words that it had before it was written, and by what it was chosen, if it is
    still the same."""
    found = str(event.event_type) if event.event_type else None
    own: str | None = note.get("event_type")
    is_same = own is not None and quakeml_type(own) == found
    if own == "unknown" and found == "not reported":  # as it was written until version 0.1
        is_same = True
    about: Json = {name: note.get(name) if is_same else None for name in ("event_type_rule", "event_type_probability")}
    name = "event_type_probability"
    about[name] = said.bounded(name, about[name], record, "probability")
    return about | {
        "event_type": own if is_same else found,
        "event_type_certainty": word(event.event_type_certainty),
    }
