"""What phase cards and listings say of one phase reading -> a pick document."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TypeVar, cast

from catalogdb.documents.data import EventDraft, Zone
from catalogdb.exchange.evaluation_mode import EvaluationMode
from catalogdb.exchange.event_parts import pick_of
from catalogdb.exchange.file_log import FileLog
from catalogdb.exchange.ogs.codes import BRANCHES, EVENT_TYPES, ONSETS, POLARITIES, ZONES
from catalogdb.exchange.pick_uncertainty import DEFAULT_PICK_UNCERTAINTY
from catalogdb.exchange.reference_catalog import ReadPick

Value = TypeVar("Value")
_STATION = re.compile(r"[A-Z0-9][A-Z0-9_-]{0,4}", re.ASCII)


def station_code(text: str, log: FileLog, line: int) -> str:
    """A station code in upper case.

    Raises:
        ValueError: when it is none.
    """
    code = text.strip()
    if not code:
        raise ValueError("no station code")
    if not _STATION.fullmatch(code.upper()):
        raise ValueError(f"{code!r} is no station code")
    if code != code.upper():
        log.repair(line, "station code brought to upper case")
    return code.upper()


def pick_document(
    *,
    station: str,
    phase: str,
    time: float,
    onset: str,
    first_motion: str,
    weight: str,
    branch: str,
    duration: float | None,
    mode: EvaluationMode,
    source_id: str,
    log: FileLog,
    line: int,
) -> ReadPick:
    """Pick of one reading, as `schemas/pick.yaml` has it, without network and without `event_key`.

    onset, first_motion, weight, branch: single characters of the file; a blank weight is 0, HYPO71's best. Characters
    that mean nothing are left out, and said.
    """
    own_weight = 0 if weight == " " else int(weight) if weight in "012345" else None
    if own_weight is None:
        log.repair(line, f"weight {weight!r} is outside 0..5: no weight, uncertainty {DEFAULT_PICK_UNCERTAINTY} s")
    for what, mark, known in (
        ("onset", onset.lower(), ONSETS),
        ("first motion", first_motion, POLARITIES),
        ("branch", branch.lower(), BRANCHES),
    ):
        if mark != " " and mark not in known:
            log.repair(line, f"{what} {mark!r} is not known and left out")
    return pick_of(
        sta=station,
        phase=phase,
        time=time,
        evaluation_mode=mode,
        hypo71_weight=own_weight,
        onset=ONSETS.get(onset.lower()),
        polarity=POLARITIES.get(first_motion),
        first_motion=first_motion if first_motion in POLARITIES else None,
        branch=BRANCHES.get(branch.lower()),
        duration=duration,
        source_id=source_id,
    )


def optional(read: Callable[[str, str], Value | None], text: str, what: str, log: FileLog, line: int) -> Value | None:
    """A value that its record can do without: what can't be read is left out, and said."""
    try:
        return read(text, what)
    except ValueError as error:
        log.repair(line, f"{error}: left out")
        return None


def say_no_seconds(phase: str, log: FileLog, line: int) -> None:
    """Reject a P without seconds; S marks without any stand in thousands a year, of readings never made."""
    if phase == "S":
        log.repair(line, "S marks without seconds left out")
    else:
        log.reject(line, "P reading: no seconds")


def zone_and_type(letters: Iterable[tuple[int, str, str]], log: FileLog) -> EventDraft:
    """`zone` and `event_type` of an event, from the letters on its lines: the commonest of each.

    Args:
        letters: line, zone letter and type letter of each line.
    """
    found: dict[str, dict[str, int]] = {"zone": {}, "type": {}}
    for line, zone, kind in letters:
        for what, letter, known in (("zone", zone.upper(), ZONES), ("type", kind.upper(), EVENT_TYPES)):
            if letter == " ":
                continue
            if letter not in known:
                log.repair(line, f"{what} {letter!r} is not known and left out")
                continue
            if found[what] and letter not in found[what]:
                log.repair(line, f"{what} differs from that of the event's first line; the commonest is kept")
            found[what][letter] = found[what].get(letter, 0) + 1
    commonest = {what: max(counts, key=counts.__getitem__) for what, counts in found.items() if counts}
    return {"zone": cast(Zone | None, commonest.get("zone")), "event_type": EVENT_TYPES.get(commonest.get("type", ""))}
