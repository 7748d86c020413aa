"""Reference catalog -> database documents: identities, links between events and picks, network codes. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from catalogdb.exchange.reference import ReadFrom, ReferenceCatalog, arrival_counts, channel_group
from catalogdb.identity import content_id, milliseconds

PickOfEvent = tuple[dict[str, Any], dict[str, Any]]  # the pick, and what else its table says of the arrival


@dataclass
class CatalogDocuments:
    """Documents of one ingested catalog, complete for their collections.

    counts: events, picks, what was rejected, and how picks and stations were resolved.
    rejected: records left out because they occur twice: "file: line: record: reason".
    twice: where those among them stand whose reader says so.
    without_network: number of picks by station code, of stations whose network is not known.
    """

    events: list[dict[str, Any]] = field(default_factory=list)
    picks: list[dict[str, Any]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    rejected: list[str] = field(default_factory=list)
    twice: list[ReadFrom] = field(default_factory=list)
    without_network: Counter[str] = field(default_factory=Counter)


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
        reference: the reader's events and picks; left as they are.
        name: of the catalog and of its pick set.
        config_id, task_id: as every document carries them.
        networks: station code -> network code, for codes that one network alone has; fills picks without a network.
        agency_id: agency of the events that don't name one.
    """
    result = CatalogDocuments()
    own = {"config_id": config_id, "task_id": task_id}
    picks_by_source, picks_by_event = _add_picks(result, reference, own | {"pick_set": name}, networks)
    used_keys = _add_events(result, reference, own | {"catalog": name}, picks_by_source, picks_by_event, agency_id)
    keyed = [pick for pick in result.picks if "event_key" in pick]
    result.counts["events"] = len(result.events)
    result.counts["picks"] = len(result.picks)
    result.counts["picks_of_no_event"] = len(result.picks) - len(keyed)
    result.counts["picks_whose_event_is_missing"] = sum(pick["event_key"] not in used_keys for pick in keyed)
    return result


def _add_picks(
    result: CatalogDocuments, reference: ReferenceCatalog, own: dict[str, Any], networks: Mapping[str, str]
) -> tuple[dict[str, dict[str, Any]], dict[str, list[PickOfEvent]]]:
    by_id: dict[str, dict[str, Any]] = {}
    by_source: dict[str, dict[str, Any]] = {}
    by_event: dict[str, list[PickOfEvent]] = defaultdict(list)
    for number, source in enumerate(reference.picks, 1):
        pick = dict(source)
        read_from, arrival = pick.pop("read_from", None), pick.pop("arrival", {})
        if not pick["net"] and pick["sta"] in networks:
            pick["net"] = networks[pick["sta"]]
            pick["channel_group"] = channel_group(pick["net"], pick["sta"], pick["loc"], pick["chan"])
            result.counts["picks_given_a_network"] += 1
        elif not pick["net"]:
            result.counts["picks_without_network"] += 1
            result.without_network[pick["sta"]] += 1
        identity = content_id(own["config_id"], pick["channel_group"], pick["phase"], milliseconds(pick["time"]))
        document = by_id.setdefault(identity, {"_id": identity} | pick | own)
        if "source_id" in pick:
            by_source.setdefault(pick["source_id"], document)
        if len(by_id) == len(result.picks):
            result.counts["rejected_picks"] += 1
            what = f"{pick['phase']} of {pick['channel_group']} at {pick['time']:.3f}"
            where = f", {pick['source_id']}" if "source_id" in pick else ""
            at = _at(read_from, pick.get("source_id"))
            result.rejected.append(f"{at}pick {number} ({what}{where}): it occurs twice")
            result.twice += [read_from] if read_from else []
            continue
        result.picks.append(document)
        if "event_key" in pick:
            by_event[pick["event_key"]].append((document, arrival))
    return by_source, by_event


def _at(read_from: ReadFrom | None, source_id: str | None) -> str:
    """`file: line 3: `, where the record's own id does not begin with that."""
    if read_from is None or (source_id or "").startswith(f"{Path(read_from.file).name}:{read_from.line}:"):
        return ""
    return f"{read_from.file}: " + (f"line {read_from.line}: " if read_from.line is not None else "")


def _add_events(
    result: CatalogDocuments,
    reference: ReferenceCatalog,
    own: dict[str, Any],
    picks_by_source: dict[str, dict[str, Any]],
    picks_by_event: dict[str, list[PickOfEvent]],
    agency_id: str | None,
) -> set[str]:
    keys: set[str] = set()
    for number, source in enumerate(reference.events, 1):
        source = dict(source)
        read_from = source.pop("read_from", None)
        key = source.get("source_id")
        if key is not None and key in keys:
            result.counts["rejected_events"] += 1
            result.rejected.append(f"{_at(read_from, None)}event {number} ({key}): another event has the same id")
            result.twice += [read_from] if read_from else []
            continue
        if key is not None:
            keys.add(key)
        identity = content_id(own["config_id"], key if key is not None else ["row", number])
        result.events.append(_event(source, identity, own, picks_by_source, picks_by_event.get(key, []), agency_id))
    return keys


def _event(
    source: dict[str, Any],
    identity: str,
    own: dict[str, Any],
    picks_by_source: dict[str, dict[str, Any]],
    picks: list[PickOfEvent],
    agency_id: str | None,
) -> dict[str, Any]:
    origins, origin_ids = _parts(source["origins"], lambda part: content_id(own["config_id"], identity, part["_id"]))
    magnitudes, magnitude_ids = _parts(
        source["magnitudes"], lambda part: content_id(own["config_id"], identity, part["type"], part["_id"])
    )
    event = {"_id": identity} | source | own | {"origins": origins, "magnitudes": magnitudes}
    for field_name, ids in (("preferred_origin_id", origin_ids), ("preferred_magnitude_id", magnitude_ids)):
        if field_name in source:
            event[field_name] = ids[source[field_name]]
    for origin in origins:
        if "arrivals" in origin:
            origin["arrivals"] = [_resolved(arrival, picks_by_source) for arrival in origin["arrivals"]]
    if picks and not any("arrivals" in origin for origin in origins):
        preferred = next((origin for origin in origins if origin["_id"] == event.get("preferred_origin_id")), None)
        if preferred is not None:
            preferred["arrivals"] = [
                _arrival(pick, more) for pick, more in sorted(picks, key=lambda item: (item[0]["time"], item[0]["_id"]))
            ]
            # the source's own counts are of what its locator used, and stay
            for name, value in arrival_counts(preferred["arrivals"]).items():
                preferred.setdefault(name, value)
            event |= {name: preferred[name] for name in ("n_picks", "n_p", "n_s")}
    if agency_id:
        event["creation_info"] = {"agency_id": agency_id} | source.get("creation_info", {})
    return event


def _parts(sources: list[dict[str, Any]], identity: Any) -> tuple[list[dict[str, Any]], dict[str, str]]:
    ids = {part["_id"]: identity(part) for part in sources}
    return [part | {"_id": ids[part["_id"]]} for part in sources], ids


def _resolved(arrival: dict[str, Any], picks_by_source: dict[str, dict[str, Any]]) -> dict[str, Any]:
    pick = picks_by_source.get(arrival["pick_id"])
    return arrival if pick is None else arrival | {"pick_id": pick["_id"], "net": pick["net"]}


def _arrival(pick: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    return {"pick_id": pick["_id"]} | {name: pick[name] for name in ("phase", "net", "sta", "time")} | more
