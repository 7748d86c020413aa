"""Picks of a QuakeML event -> pick documents."""

from __future__ import annotations

from collections.abc import Container
from typing import Any, cast

from catalogdb.exchange.evaluation_mode import EvaluationMode
from catalogdb.exchange.event_parts import pick_of
from catalogdb.exchange.pick_uncertainty import DEFAULT_PICK_UNCERTAINTY
from catalogdb.exchange.quakeml_notes import PICK_NOTES, read_note
from catalogdb.exchange.quakeml_texts import comments, creation_info
from catalogdb.exchange.quakeml_values import Tally, evaluation, plausible_epoch, standard_deviation, word
from catalogdb.exchange.reference_catalog import ReadPick, ReadPickDraft, ReferenceCatalog


def unique(name: str, taken: Container[str], record: str, result: ReferenceCatalog) -> str:
    """The publicID, or, where the event has it already, the publicID with a number behind."""
    if name not in taken:
        return name
    result.repaired.append(f"{record}: publicID {name} occurs again; the later one is kept under another id")
    number = 2
    while f"{name}#{number}" in taken:
        number += 1
    return f"{name}#{number}"


def phases_of_picks(origins: list[Any]) -> dict[str, str]:
    """Phase of each pick by its publicID, as the first of the origins (of ObsPy) that uses it gives it."""
    phases: dict[str, str] = {}
    for origin in origins:
        for arrival in origin.arrivals:
            if arrival.pick_id is not None and arrival.phase:
                phases.setdefault(arrival.pick_id.id, str(arrival.phase))
    return phases


def read_picks(
    event: Any,
    event_key: str | None,
    phases: dict[str, str],
    record: str,
    mode: EvaluationMode,
    result: ReferenceCatalog,
    said: Tally,
) -> dict[str, ReadPick]:
    """Documents of an event's picks by their ids.

    Args:
        event: ObsPy's `Event`.
        event_key: id of the event.
        phases: by the picks' publicIDs, of those in arrivals.
        record: for messages.
        mode: of picks that don't say.
    """
    documents: dict[str, ReadPick] = {}
    for number, pick in enumerate(event.picks, 1):
        name = pick.resource_id.id if pick.resource_id else f"{event_key}/pick/{number}"
        name = unique(name, documents, record, result)
        try:
            documents[name] = _pick(pick, name, phases.get(name), f"{record}: pick {name}", mode, said)
        except ValueError as error:
            result.rejected.append(f"{record}: pick {name}: {error}")
            continue
        if event_key is not None:
            documents[name]["event_key"] = event_key
    return documents


def _pick(pick: Any, name: str, phase: str | None, record: str, mode: EvaluationMode, said: Tally) -> ReadPick:
    where = pick.waveform_id
    phase = phase or pick.phase_hint
    missing = [
        what
        for what, value in (("time", pick.time), ("station", where and where.station_code), ("phase", phase))
        if not value
    ]
    if missing:
        raise ValueError(f"no {' and no '.join(missing)}")
    assumed: list[str] = []
    uncertainty = standard_deviation(pick.time_errors)
    if said.bounded("uncertainty", uncertainty, record) is None:
        what = "uncertainty" if uncertainty is None else "a usable uncertainty"
        said.add(f"picks without {what}, taken as {DEFAULT_PICK_UNCERTAINTY} s")
        uncertainty = DEFAULT_PICK_UNCERTAINTY
        assumed.append("uncertainty")
    own_mode, status = evaluation(pick)
    if own_mode is None:
        said.add(f"picks without evaluation mode, taken as {mode}")
        assumed.append("evaluation_mode")
    note = cast(ReadPickDraft, read_note(pick, PICK_NOTES))
    if "probability" in note and said.bounded("probability", note["probability"], record) is None:
        del note["probability"]
    document: ReadPickDraft = {
        "net": (where.network_code or "").strip("-"),
        "sta": where.station_code,
        "loc": (where.location_code or "").strip("-"),
        "chan": where.channel_code,
        "phase": str(phase),
        "time": plausible_epoch(pick.time),
        "uncertainty": uncertainty,
        "evaluation_mode": own_mode or mode,
        "evaluation_status": status,
        "polarity": word(pick.polarity),
        "onset": word(pick.onset),
        "source_id": name,
        "assumed": assumed or None,
        "comments": comments(pick),
        "creation_info": creation_info(pick.creation_info),
        **note,
    }
    return pick_of(**document)
