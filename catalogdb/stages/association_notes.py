"""What the counts of association mean for a user: why there are no events, and which lie at a limit of the search."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

TIMES_OF_SCAN = {"gamma": "2 to 12", "pyocto": "2 to 8"}
"""CPU time over the scan's, the smallest and largest of docs/explanation/association.md with the same picks."""
LONG_RUN_WINDOWS = 12
WHY_NO_ORIGIN = {
    "origin_too_few_picks": "{} with too few picks (associate.min_picks)",
    "origin_too_few_of_a_phase": "{} with too few P or S (associate.min_p, min_s)",
    "origin_too_few_stations": "{} at too few places (associate.min_stations, same_place_km)",
    "origin_too_few_stations_with_p_and_s": "{} at too few stations with both P and S (associate.min_p_and_s)",
    "origin_by_chance": "{} that false picks would make as often (associate.max_chance_per_day)",
    "origin_mixed": "{} of a swarm whose residuals are far wider than those of the others",
    "origin_outside_region": "{} outside of the region",
    "origin_part_of_other": "{} that are part of another",
}
WHY_NO_PICK = {
    "picks_rejected_no_station": "{} at stations without coordinates",
    "picks_rejected_station_ambiguous": "{} without a network, at a code of several networks",
    "picks_rejected_phase_not_used": "{} of phases that are no first arrivals of P or S",
    "picks_rejected_below_probability": "{} below associate.min_pick_probability",
    "picks_rejected_below_quality": "{} below associate.min_pick_quality",
    "picks_rejected_no_time": "{} without a time",
}
LIMITS = {
    "maxdepth": "at region.maxdepth_km, and may be far deeper: raise it, and associate.overlap_seconds with it",
    "mindepth": "at region.mindepth_km: lower it if there is ground above",
    "edge": "at the edge of the area searched, and may be far outside: widen the region or associate.search_margin_km",
    "depth_prior": "at a depth that associate.depth_prior tells rather than the arrivals",
    "above_stations": "above all stations that recorded them: raise region.mindepth_km, or look at the velocity model",
}


def association_notes(counts: Mapping[str, int], done: int, planned: int) -> list[str]:
    """Notes on what the tasks of this run counted; `done` is their number, `planned` that of all windows."""
    if not planned:
        return ["no event: the pick set has no picks of the job's stations in its period"]
    notes = []
    if without := counts.get("picks_rejected_no_station"):
        notes.append(f"{without} picks are at stations without coordinates: catalogdb ingest stations FILE")
    if done and "picks" in counts and not counts.get("events"):
        notes.append(f"no event in the {done} windows of this run: " + "; ".join(_why_none(counts)))
    for limit, what in LIMITS.items():
        if number := counts.get(f"events_at_{limit}"):
            notes.append(f"{number} of {counts['events']} events lie {what}; their origins' limits say {limit}")
    return notes


def association_outcome(counts: Mapping[str, int]) -> tuple[str, list[str]]:
    """Events and the picks in them; picks and candidates that came to nothing, with why."""
    if not counts.get("picks"):
        return "", []
    used = counts.get("picks_used", 0)
    found = f"{counts.get('events', 0)} events from {counts.get('picks_associated', 0)} of {used} picks"
    lost = [*_listed("picks left out", WHY_NO_PICK, counts), *_listed("candidates dropped", WHY_NO_ORIGIN, counts)]
    if outside := counts.get("events_outside_period"):
        lost.append(f"events outside of the job's period: {outside}")
    return found, lost


def time_notes(associator: str, to_do: int) -> list[str]:
    """Say before a long run that another associator takes less time, and which.

    Args:
        to_do: number of windows.
    """
    times = TIMES_OF_SCAN.get(associator)
    if times is None or to_do < LONG_RUN_WINDOWS:
        return []
    return [
        f"{to_do} windows by {associator}, which took {times} times the CPU time of the scan on the benchmarks "
        "(docs/explanation/association.md); quicker: associate.associator: scan, under another name of the catalog"
    ]


def _why_none(counts: Mapping[str, int]) -> Iterator[str]:
    used, stations = counts.get("picks_used", 0), counts.get("stations", 0)
    places = counts.get("places", 0)
    at = f", at {places} place{'s' if places > 1 else ''} (associate.same_place_km, min_stations)" if places else ""
    yield f"{used} of {counts['picks']} picks can be used, {stations} stations have data{at}"
    yield from _listed("picks left out", WHY_NO_PICK, counts)
    yield from _listed("candidates", WHY_NO_ORIGIN, counts)
    if outside := counts.get("events_outside_period"):
        yield f"{outside} events lie outside of the job's period"
    elif used and not any(counts.get(name) for name in WHY_NO_ORIGIN):
        yield "no picks agree on a place and a time in the region and its margin (look at region, velocity, min_picks)"


def _listed(what: str, words: Mapping[str, str], counts: Mapping[str, int]) -> Iterator[str]:
    found = [text.format(counts[name]) for name, text in words.items() if counts.get(name)]
    if found:
        yield f"{what}: {', '.join(found)}"
