"""Stations that stand in `site` twice: with and without a network, or with epochs that overlap."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable

from pymongo.database import Database

from catalogdb.documents.free import Json
from catalogdb.geo import distance_azimuth
from catalogdb.wording import first_few

Document = Json
SAME_PLACE_KM = 1.0
"""Two places of one code this near are one station's: tables round to hundredths of a degree."""
SAME_FILE_KM = 50.0
"""And these, where both come from files of one name."""
OVERLAP_SECONDS = 1.0
"""Epochs that overlap by less end and begin at one moment, but for a rounding."""
CODES_NAMED = 10


def take_known_networks(db: Database, sites: dict[tuple, Document], channels: dict[tuple, Document]) -> list[str]:
    """Leave out stations without a network that are known with one at the same place, in the files or the database.

    Args:
        sites, channels: documents by codes and start, net and sta first; those left out are taken from them.

    Returns:
        a line for them.
    """
    nameless = {document["sta"] for document in sites.values() if not document["net"]}
    if not nameless:
        return []
    fields = {"net": 1, "sta": 1, "lat": 1, "lon": 1}
    stored = db.site.find({"sta": {"$in": sorted(nameless)}, "net": {"$ne": ""}}, fields)
    named = [document for document in (*sites.values(), *stored) if document["net"]]
    left_out = []
    for key, document in list(sites.items()):
        if document["net"]:
            continue
        if networks := {other["net"] for other in named if _same_place(document, other)}:
            left_out.append(f"{document['sta']} as {', '.join(sorted(networks))}.{document['sta']}")
            del sites[key]
    if not left_out:
        return []
    left = {key[:2] for key in sites}
    for key in [key for key in channels if not key[0] and key[:2] not in left]:
        del channels[key]
    return [f"stations without a network that are known with one at the same place, and taken for it: {_few(left_out)}"]


def give_networks(db: Database, sites: Iterable[Document]) -> tuple[int, list[str]]:
    """Remove stations without a network that have just come with one: from the same file, or at the same place.

    Returns:
        number of documents removed, and a line for them.
    """
    named: dict[str, list[Document]] = defaultdict(list)
    for document in sites:
        if document["net"]:
            named[document["sta"]].append(document)
    replaced, codes = [], []
    for row in db.site.find({"net": "", "sta": {"$in": sorted(named)}}):
        for document in named[row["sta"]]:
            reach_km = SAME_FILE_KM if row.get("source") == document["source"] else SAME_PLACE_KM
            if _same_place(row, document, reach_km):
                replaced.append(row["_id"])
                codes.append(f"{row['sta']} is {document['net']}.{row['sta']}")
                break
    if not replaced:
        return 0, []
    db.site.delete_many({"_id": {"$in": replaced}})
    bare = set(named) - set(db.site.distinct("sta", {"net": ""}))
    channels = db.channel.delete_many({"net": "", "sta": {"$in": sorted(bare)}}).deleted_count
    return len(replaced) + channels, [
        f"stations that stood without a network have theirs now: {_few(sorted(set(codes)))}"
    ]


def network_notes(db: Database, codes: Collection[str]) -> list[str]:
    """Lines on the stations of these codes that stand without a network, or with and without one."""
    networks: dict[str, set[str]] = defaultdict(set)
    for row in db.site.find({"sta": {"$in": sorted(codes)}}, {"net": 1, "sta": 1}):
        networks[row["sta"]].add(row["net"])
    alone = sorted(sta for sta, nets in networks.items() if nets == {""})
    twice = sorted(sta for sta, nets in networks.items() if "" in nets and len(nets) > 1)
    notes = []
    if alone:
        notes.append(
            f"{len(alone)} stations have no network ({_few(alone)}): waveforms and picks that name one are not matched "
            "to them; if all are of one network, run the same command with --network CODE, which repairs them"
        )
    if twice:
        named = [f"{sta} (without network, and as {', '.join(sorted(networks[sta] - {''}))})" for sta in twice]
        notes.append(
            f"{len(twice)} stations stand twice, at different places: {_few(named)}; remove the wrong one, for "
            f"example: catalogdb remove station .{twice[0]}"
        )
    return notes


def overlaps(rows: Iterable[Document]) -> list[str]:
    """Lines on epochs of one `channel`, or of one `site` with different places, that overlap in time."""
    by_codes: dict[tuple[str, ...], list[Document]] = defaultdict(list)
    for row in rows:
        by_codes[row["net"], row["sta"], row.get("loc") or "", row.get("chan", "")].append(row)
    lines = []
    for codes, epochs in sorted(by_codes.items()):
        epochs.sort(key=lambda row: row["starttime"])
        for at, later in enumerate(epochs):
            for earlier in epochs[:at]:
                until = min(earlier["endtime"], later["endtime"])
                differing = _differences(earlier, later)
                if until - later["starttime"] <= OVERLAP_SECONDS or not (codes[-1] or "place" in differing):
                    continue
                lines.append(
                    f"{later.get('source', 'site')}: {'.'.join(codes).rstrip('.')}: epochs from "
                    f"{_day(earlier['starttime'])} and from {_day(later['starttime'])} overlap until {_day(until)}, "
                    f"with {'different ' + ' and '.join(differing) if differing else 'equal metadata'}; the place is "
                    "that of the later one; correct their dates in the file and ingest it again"
                )
    return lines


def _differences(one: Document, other: Document) -> list[str]:
    found = []
    if any(one[name] != other[name] for name in ("lat", "lon", "elev")):
        found.append("place")
    if any(one.get(name) != other.get(name) for name in ("hang", "vang")):
        found.append("orientation")
    responses = [row.get("response") or {} for row in (one, other)]
    if responses[0].get("sensitivity") != responses[1].get("sensitivity"):
        values = " and ".join(f"{response.get('sensitivity', 'none')}" for response in responses)
        found.append(f"sensitivity ({values})")
    elif responses[0] != responses[1]:
        found.append("response")
    return found


def _same_place(one: Document, other: Document, reach_km: float = SAME_PLACE_KM) -> bool:
    if one["sta"] != other["sta"]:
        return False
    distance_km, _ = distance_azimuth(one["lat"], one["lon"], other["lat"], other["lon"])
    return float(distance_km) <= reach_km


def _day(time: float) -> str:
    from obspy import UTCDateTime

    return UTCDateTime(time).strftime("%Y-%m-%dT%H:%M:%S").removesuffix("T00:00:00")


def _few(items: list[str]) -> str:
    return first_few(items, CODES_NAMED)
