"""Reference catalog -> database documents: identities, links between events and picks, network codes. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from catalogdb.channels import channel_group
from catalogdb.documents.data import Event, Origin, OriginArrival, Pick
from catalogdb.documents.free import AnyDocument
from catalogdb.event_types import exists
from catalogdb.exchange.event_parts import add_arrival_counts, arrival_of, preferred_origin
from catalogdb.exchange.pick_record import PickRecord
from catalogdb.exchange.reference_catalog import ReadEvent, ReadFrom, ReferenceCatalog
from catalogdb.identity import content_id, milliseconds
from catalogdb.phases import is_seismic

NOTHING_MORE: dict[str, float] = {}
DIFFERING_NAMED = 20  # readings in one message
PickOfEvent = tuple[Pick, dict[str, float]]  # the pick, and what else its table says of the arrival


@dataclass
class CatalogDocuments:
    """Documents of one ingested catalog, complete for their collections.

    counts: events, picks, what was rejected, and how picks and stations were resolved.
    merged: records that occur twice, and what became of them: "file: line: record: what".
    said: what is to be said of records that are kept.
    twice: where those among them that were merged stand, whose reader says so.
    without_network: number of picks by station code, of stations whose network is not known.
    about: by collection, further documents about events and catalog, of a copy.
    """

    events: list[Event] = field(default_factory=list)
    picks: list[Pick] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    merged: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    twice: list[ReadFrom] = field(default_factory=list)
    without_network: Counter[str] = field(default_factory=Counter)
    about: dict[str, list[AnyDocument]] = field(default_factory=dict)


def catalog_documents(
    reference: ReferenceCatalog,
    name: str,
    config_id: str,
    task_id: str,
    networks: Mapping[str, str],
    agency_id: str | None = None,
) -> CatalogDocuments:
    """Make event and pick documents of what a reader gave.

    Args:
        reference: the reader's events and picks; left as they are, but for picks that are a `PickRecord`: tables may
            hold millions, and these become the documents.
        name: of the catalog and of its pick set.
        config_id, task_id: as every document carries them.
        networks: station code -> network code, for codes that one network alone has; fills picks without a network.
        agency_id: agency of the events that don't name one.
    """
    result = CatalogDocuments()
    own = {"config_id": config_id, "task_id": task_id}
    picks_by_source, picks_by_event = _add_picks(result, reference, own | {"pick_set": name}, networks)
    used_keys = _add_events(result, reference, own | {"catalog": name}, picks_by_source, picks_by_event, agency_id)
    _mark_uncounted(result, picks_by_event)
    keyed = [pick for pick in result.picks if "event_key" in pick]
    result.counts["events"] = len(result.events)
    others = sum(not is_seismic(pick["phase"]) for pick in result.picks)
    result.counts["picks"] = len(result.picks) - others
    if others:
        result.counts["amplitudes_and_t_phases_not_counted_as_picks"] = others
    if missing := sum(not exists(event) for event in result.events):
        result.counts["events_rejected_or_not_existing_that_never_count"] = missing
    result.counts["picks_of_no_event"] = len(result.picks) - len(keyed)
    result.counts["picks_whose_event_is_missing"] = sum(used_keys.isdisjoint(event_keys(pick)) for pick in keyed)
    return result


def _add_picks(
    result: CatalogDocuments, reference: ReferenceCatalog, own: dict[str, str], networks: Mapping[str, str]
) -> tuple[PicksBySource, dict[str, list[PickOfEvent]]]:
    by_id: dict[str, Pick] = {}
    by_source = PicksBySource()
    by_event: dict[str, list[PickOfEvent]] = defaultdict(list)
    shared: set[tuple[str, str]] = set()  # events and twin picks that they have
    differing: list[str] = []
    preferred: set[tuple[str | None, str]] | None = None
    for number, source in enumerate(reference.picks, 1):
        pick = cast(AnyDocument, source if isinstance(source, PickRecord) else dict(source))
        read_from, arrival = pick.pop("read_from", None), pick.pop("arrival", NOTHING_MORE)
        if not pick["net"] and pick["sta"] in networks:
            pick["net"] = networks[pick["sta"]]
            pick["channel_group"] = channel_group(pick["net"], pick["sta"], pick["loc"], pick["chan"])
            result.counts["picks_given_a_network"] += 1
        elif not pick["net"]:
            result.counts["picks_without_network"] += 1
            result.without_network[pick["sta"]] += 1
        if pick.get("evaluation_status") == "rejected" or not is_seismic(pick["phase"]):
            pick["is_counted"] = False
        identity = content_id(own["config_id"], pick["channel_group"], pick["phase"], milliseconds(pick["time"]))
        document = by_id.get(identity)
        if document is None:
            pick |= {"_id": identity, **own}
            document = by_id[identity] = cast(Pick, pick)
            result.picks.append(document)
        else:
            is_shared = (
                "event_key" in pick and "event_key" in document and pick["event_key"] not in event_keys(document)
            )
            result.counts["picks_shared_by_events" if is_shared else "merged_picks"] += 1
            what = f"{pick['phase']} of {pick['channel_group']} at {pick['time']:.3f}"
            where = f", {pick['source_id']}" if "source_id" in pick else ""
            at = _at(read_from, pick.get("source_id"))
            if not is_shared:
                result.merged.append(f"{at}pick {number} ({what}{where}): it occurs twice, merged into one")
                result.twice += [read_from] if read_from else []
            elif differs := _differences(document, pick):
                differing.append(f"{at}pick {number} ({what}{where}): {differs}")
            shared |= {(key, identity) for key in event_keys(document)}
            preferred = _preferred_picks(reference) if preferred is None else preferred
            keys = list(dict.fromkeys(event_keys(document) + event_keys(pick)))
            one, other = cast(AnyDocument, document.copy()), {"_id": identity} | pick | own
            if _speaks_for(pick, preferred) > _speaks_for(document, preferred):
                one, other = other, one
            other.pop("assumed", None)  # it is of its own values, which give way
            _replace(document, (other | one) if is_shared else one)
            if keys:
                document["event_key"] = keys[0]
            if keys[1:]:
                document["other_event_keys"] = keys[1:]
        if not reference.events:
            continue
        by_source.add(pick, document)
        if "event_key" in pick and (pick["event_key"], identity) not in shared:
            by_event[pick["event_key"]].append((document, arrival))
    if differing:
        more = f"; and {len(differing) - DIFFERING_NAMED} more" if len(differing) > DIFFERING_NAMED else ""
        result.said.append(
            f"{len(differing)} readings that events share and describe differently, kept as one of them has them: "
            f"{'; '.join(differing[:DIFFERING_NAMED])}{more}"
        )
    return by_source, by_event


def _replace(document: Pick, content: Mapping[str, Any]) -> None:
    fields = cast(AnyDocument, document)
    fields.clear()
    fields |= content


def event_keys(pick: Mapping[str, Any]) -> list[str]:
    """Ids in the source of all events that a pick is of."""
    return [pick["event_key"], *pick.get("other_event_keys", [])] if "event_key" in pick else []


def _differences(document: Mapping[str, Any], pick: Mapping[str, Any]) -> str:
    """What a reading's second event says of it otherwise than the first."""
    names = ("hypo71_weight", "onset", "first_motion", "branch", "duration", "evaluation_mode")
    differ = [name for name in names if name in pick and name in document and pick[name] != document[name]]
    return ", ".join(f"{name} {document[name]} and {pick[name]}" for name in differ)


class PicksBySource:
    """Documents by the ids that the source gives picks: within their event first, since sources reuse ids."""

    def __init__(self) -> None:
        self._first: dict[str, Pick] = {}
        self._others: dict[tuple[str | None, str], Pick] = {}

    def add(self, pick: Mapping[str, Any], document: Pick) -> None:
        """Take in the document that a pick of the source became or was merged into."""
        if "source_id" in pick and self._first.setdefault(pick["source_id"], document) is not document:
            self._others.setdefault((pick.get("event_key"), pick["source_id"]), document)

    def find(self, event_key: str | None, source_id: str) -> Pick | None:
        """The document of a pick that an arrival of an event names."""
        return self._others.get((event_key, source_id), self._first.get(source_id))


def _preferred_picks(reference: ReferenceCatalog) -> set[tuple[str | None, str]]:
    """Events' and picks' ids of the arrivals of preferred origins, of events that exist."""
    return {
        (event.get("source_id"), arrival["pick_id"])
        for event in reference.events
        if exists(event)
        for arrival in preferred_origin(event).get("arrivals", [])
    }


def _speaks_for(pick: Mapping[str, Any], preferred: set[tuple[str | None, str]]) -> tuple[bool, bool, bool]:
    """Which of twin picks stays: one that counts, then the preferred origin's, then a manual one."""
    is_preferred = (pick.get("event_key"), pick.get("source_id")) in preferred
    return pick.get("is_counted", True), is_preferred, pick["evaluation_mode"] == "manual"


def _at(read_from: ReadFrom | None, source_id: str | None) -> str:
    """`file: line 3: `, where the record's own id does not begin with that."""
    if read_from is None or (source_id or "").startswith(f"{Path(read_from.file).name}:{read_from.line}:"):
        return ""
    return f"{read_from.file}: " + (f"line {read_from.line}: " if read_from.line is not None else "")


def _add_events(
    result: CatalogDocuments,
    reference: ReferenceCatalog,
    own: dict[str, str],
    picks_by_source: PicksBySource,
    picks_by_event: dict[str, list[PickOfEvent]],
    agency_id: str | None,
) -> set[str]:
    by_key: dict[str, ReadEvent] = {}
    doubled: Counter[str] = Counter()
    for number, read in enumerate(reference.events, 1):
        source = read.copy()
        read_from = source.pop("read_from", None)
        key = given = source.get("source_id")
        if given is not None and by_key.get(given) == source:
            result.counts["merged_events"] += 1
            result.merged.append(f"{_at(read_from, None)}event {number} ({given}): it occurs twice, merged into one")
            result.twice += [read_from] if read_from else []
            continue
        if given is not None and given in by_key:
            doubled[given] += 1
            while (name := f"{given}#{doubled[given] + 1}") in by_key:
                doubled[given] += 1
            source["source_id"] = key = name
            result.counts["renamed_events"] += 1
            result.merged.append(
                f"{_at(read_from, None)}event {number} ({given}): another event has the same id; kept as {key}, "
                "without the picks of a table"
            )
        if key is not None:
            by_key[key] = source
        identity = content_id(own["config_id"], key if key is not None else ["row", number])
        picks = picks_by_event.get(key, []) if key is not None else []
        result.events.append(_event(source, given, identity, own, picks_by_source, picks, agency_id))
    return set(by_key)


def _mark_uncounted(result: CatalogDocuments, picks_by_event: dict[str, list[PickOfEvent]]) -> None:
    """Mark the picks of events that don't exist, but for those that others use, too."""
    used: dict[bool, set[str]] = {True: set(), False: set()}
    for event in result.events:
        of_event = used[exists(event)]
        of_event.update(a["pick_id"] for origin in event["origins"] for a in origin.get("arrivals", []))
        of_event.update(pick["_id"] for pick, _ in picks_by_event.get(event.get("source_id", ""), []))
    uncounted = used[False] - used[True]
    for pick in result.picks if uncounted else []:
        if pick["_id"] in uncounted:
            pick["is_counted"] = False


def _event(
    source: ReadEvent,
    given: str | None,
    identity: str,
    own: dict[str, str],
    picks_by_source: PicksBySource,
    picks: list[PickOfEvent],
    agency_id: str | None,
) -> Event:
    origin_ids = {part["_id"]: content_id(own["config_id"], identity, part["_id"]) for part in source["origins"]}
    magnitude_ids = {
        part["_id"]: content_id(own["config_id"], identity, part["type"], part["_id"]) for part in source["magnitudes"]
    }
    event = cast(Event, {"_id": identity} | source | own)
    event["origins"] = origins = [part | {"_id": origin_ids[part["_id"]]} for part in source["origins"]]
    event["magnitudes"] = [part | {"_id": magnitude_ids[part["_id"]]} for part in source["magnitudes"]]
    for magnitude in event["magnitudes"]:
        if "origin_id" in magnitude:
            magnitude["origin_id"] = origin_ids[magnitude["origin_id"]]
    if "preferred_origin_id" in source:
        event["preferred_origin_id"] = origin_ids[source["preferred_origin_id"]]
    if "preferred_magnitude_id" in source:
        event["preferred_magnitude_id"] = magnitude_ids[source["preferred_magnitude_id"]]
    for origin in origins:
        if "arrivals" in origin:
            origin["arrivals"] = [
                _resolved(arrival, picks_by_source.find(given, arrival["pick_id"])) for arrival in origin["arrivals"]
            ]
    preferred = cast(Origin, preferred_origin(event))
    if picks and preferred and not any("arrivals" in origin for origin in origins):
        preferred["arrivals"] = [
            cast(OriginArrival, {**arrival_of(pick, pick["_id"]), **more})
            for pick, more in sorted(picks, key=lambda item: (item[0]["time"], item[0]["_id"]))
        ]
        add_arrival_counts(preferred)
        event |= {"n_picks": preferred["n_picks"], "n_p": preferred["n_p"], "n_s": preferred["n_s"]}
    if agency_id:
        event["creation_info"] = {"agency_id": agency_id} | source.get("creation_info", {})
    return event


def _resolved(arrival: OriginArrival, pick: Pick | None) -> OriginArrival:
    return arrival if pick is None else arrival | {"pick_id": pick["_id"], "net": pick["net"]}
