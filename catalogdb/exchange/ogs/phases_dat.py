"""Read `.dat` phase cards: HYPO71's cards (Lee and Lahr, 1975) with the bulletin's century, zone, type and number.

Columns (1-based): 1-4 station, 5 onset, 6 P, 7 first motion, 8 weight, 9 century, 10-19 yymmddHHMM, 20-24 P seconds
F5.2, 32-36 S seconds F5.2 from the same minute, 37 onset, 38 S, 39 first motion, 40 weight, 63 zone, 64 type, 65 D
where the event is located, 71-75 duration in s, 76-79 the event's number in its year, 81 and 82 branch of P and S.
A line with 1 in column 18 and nothing before it ends an event.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from catalogdb.exchange.ogs.columns import (
    cut,
    day_number,
    epoch_seconds,
    integer,
    microseconds,
    minute_of_day,
    number,
    read_lines,
    refuse_cut,
    without_cut_value,
    year_of,
)
from catalogdb.exchange.ogs.log import FileLog
from catalogdb.exchange.ogs.readings import pick_document, station_code, zone_and_type
from catalogdb.exchange.reference import EvaluationMode, ReferenceCatalog, event_from_parts

END = re.compile(r" {8,}1(\s+[A-Z ]{0,3})?(\s+\d{1,4})?\s*", re.ASCII | re.IGNORECASE)
OLDEST_DECADE = "6"  # of the network's cards; a blank century with years before 1960 is suspicious
FAR_APART = 600.0  # seconds between a card's first reading and the event's: they are not of one event
NUMBERS_APART = 120.0  # seconds, likewise, where their numbers differ too
DISPENSABLE = {"duration": (71, 75), "event number": (76, 79)}
MICROSECONDS_PER_MINUTE = 60_000_000


@dataclass
class _Card:
    line: int
    number: int | None
    zone: str
    kind: str
    is_located: bool
    year_guessed: int | None
    picks: list[dict[str, Any]] = field(default_factory=list)

    @property
    def time(self) -> float:
        return min(pick["time"] for pick in self.picks)


def read_dat(path: Path, evaluation_mode: EvaluationMode = "manual") -> ReferenceCatalog:
    """Read phase cards.

    Returns:
        Picks, and for each block of cards an event without an origin: its time is that of its first arrival, its
        `source_id` year_number (`2024_00012`). Cards after the last end line that have no number are picks of no event.

    Raises:
        InputError: when the file can't be read.
    """
    return _read(Path(path), evaluation_mode, None)


def read_hypo71(path: Path, evaluation_mode: EvaluationMode = "manual") -> ReferenceCatalog:
    """Read HYPO71's own phase cards, which have no century: years up to the present one's two digits are 20xx, others
    19xx, and that is noted. A card that has a century keeps it. The result is that of `read_dat`.

    Raises:
        InputError: when the file can't be read.
    """
    return _read(Path(path), evaluation_mode, datetime.now(UTC).year % 100)


def _read(path: Path, evaluation_mode: EvaluationMode, latest: int | None) -> ReferenceCatalog:
    """latest: two digits of the last year that is 20xx where a card has no century; none: all such are 19xx."""
    log = FileLog(path, "ogs-dat")
    catalog = ReferenceCatalog()
    block: list[_Card] = []
    keys: set[str] = set()
    years: set[int] = set()
    for line, text in read_lines(path, log):
        if END.fullmatch(text):
            if block:
                _close(catalog, path, block, keys, log)
            else:
                log.reject(line, "the end of an event that has no usable phases")
            block = []
            continue
        try:
            card = _card_in_its_columns(line, text, path, evaluation_mode, latest, log)
        except ValueError as error:
            log.reject(line, str(error))
            continue
        if card.picks:
            block.append(card)
            if card.year_guessed is not None:
                years.add(card.year_guessed)
    if years:
        log.note(
            f"HYPO71's cards have no century: years up to {latest:02} are taken as 20xx, others as 19xx; "
            f"here {', '.join(map(str, sorted(years)))}"
        )
    if block and any(card.number is not None for card in block):
        log.repair(block[-1].line, "the last event has no end line")
        _close(catalog, path, block, keys, log)
    elif block:
        log.repair(block[0].line, "phases after the last end line and without a number are of no event")
        catalog.picks += [pick for card in block for pick in card.picks]
    return log.finish(catalog)


def _card_in_its_columns(
    line: int, text: str, path: Path, mode: EvaluationMode, latest: int | None, log: FileLog
) -> _Card:
    """The card; one that can't be read as it stands is read without the one blank too many after its station."""
    try:
        return _card(line, text, path, mode, latest, log)
    except ValueError as error:
        if text[4:5] != " ":
            raise
        try:
            card = _card(line, text[:4] + text[5:], path, mode, latest, log)
        except ValueError:
            raise error from None
        log.repair(line, "one blank too many after the station left out")
        return card


def _card(line: int, text: str, path: Path, mode: EvaluationMode, latest: int | None, log: FileLog) -> _Card:
    station = station_code(cut(text, 1, 4), log, line)
    century = cut(text, 9)
    is_guessed = century == " " and latest is not None
    if latest is not None and is_guessed:
        century = _century(cut(text, 10, 11), latest)
    day = day_number(century, cut(text, 10, 15))
    minute, carried = minute_of_day(cut(text, 16, 19))
    if carried:
        log.repair(line, carried)
    if century == " " and not is_guessed and cut(text, 10) < OLDEST_DECADE:
        log.repair(line, "taken as of 19xx, as a blank in column 9 says: is its 1 missing?")
    text, left_out = without_cut_value(text, DISPENSABLE)
    if left_out:
        log.repair(line, left_out)
    card = _Card(
        line=line,
        number=_optional(text, 76, 79, "event number", integer, log, line),
        zone=cut(text, 63),
        kind=cut(text, 64),
        is_located=cut(text, 65).upper() == "D",
        year_guessed=year_of(epoch_seconds(day, 0)) if is_guessed else None,
    )
    duration = _optional(text, 71, 75, "duration", number, log, line)
    for phase, mark, columns, onset, motion, weight, branch in (
        ("P", cut(text, 6), (20, 24), cut(text, 5), cut(text, 7), cut(text, 8), cut(text, 81)),
        ("S", cut(text, 38), (32, 36), cut(text, 37), cut(text, 39), cut(text, 40), cut(text, 82)),
    ):
        if mark.upper() not in (phase, " "):
            log.reject(line, f"{phase} reading: its phase is {mark!r}")
            continue
        try:
            refuse_cut(text, *columns, f"{phase} seconds")
            offset = microseconds(cut(text, *columns), f"{phase} seconds", implied_decimals=2)
        except ValueError as error:
            log.reject(line, f"{phase} reading: {error}")
            continue
        if mark == " " and not offset:
            continue  # S alone is written with 0000 for P
        if offset is None:
            log.reject(line, f"{phase} reading: no seconds")
            continue
        if mark == " ":
            log.repair(line, f"{phase} seconds without {phase} beside them, taken as {phase}")
        if phase == "P" and offset >= MICROSECONDS_PER_MINUTE:
            log.repair(line, "P seconds of 60 or more carried on")
        pick = pick_document(
            station=station,
            phase=phase,
            time=epoch_seconds(day, minute, offset),
            onset=onset,
            first_motion=motion,
            weight=weight,
            branch=branch,
            duration=None if card.picks else duration,
            mode=mode,
            source_id=f"{path.name}:{line}:{phase}",
            log=log,
            line=line,
        )
        card.picks.append(pick)
        log.keep()
    if len(card.picks) == 2 and card.picks[1]["time"] < card.picks[0]["time"]:
        log.repair(line, "S is before P; kept as written")
    if not card.picks and not log.has_rejected(line):
        log.reject(line, "neither a P nor an S reading")
    return card


def _century(two_digits: str, latest: int) -> str:
    """The mark in column 9 for a year of two digits."""
    digits = two_digits.replace(" ", "0")
    return "1" if digits.isdecimal() and int(digits) <= latest else " "


def _optional(text: str, first: int, last: int, what: str, read: Any, log: FileLog, line: int) -> Any:
    try:
        return read(cut(text, first, last), what)
    except ValueError as error:
        log.repair(line, f"{error}: left out")
        return None


def _close(catalog: ReferenceCatalog, path: Path, block: list[_Card], keys: set[str], log: FileLog) -> None:
    for cards in _events(block, log):
        numbers = Counter(card.number for card in cards if card.number is not None)
        own = numbers.most_common(1)[0][0] if numbers else None
        for card in cards:
            if card.number not in (own, None):
                log.repair(card.line, "number differs from that of its event; the commonest is kept")
        picks = [pick for card in cards for pick in card.picks]
        time = min(pick["time"] for pick in picks)
        key = f"{path.name}:{cards[0].line}" if own is None else f"{year_of(time)}_{own:05d}"
        if key in keys:
            log.repair(cards[0].line, "another event has this number; both are kept")
            key = f"{key}#{cards[0].line}"
        keys.add(key)
        for pick in picks:
            pick["event_key"] = key
        catalog.picks += picks
        is_located = any(card.is_located for card in cards)
        catalog.events.append(
            event_from_parts(
                time,
                [],
                [],
                None,
                None,
                time_from="first_arrival",
                source_id=key,
                **zone_and_type(((card.line, card.zone, card.kind) for card in cards), log),
                evaluation_mode=picks[0]["evaluation_mode"],
                evaluation_status="reviewed" if picks[0]["evaluation_mode"] == "manual" else "preliminary",
                sources=[
                    {
                        "file": path.name,
                        "format": "ogs-dat",
                        "line": cards[0].line,
                        "is_located": is_located,
                        **({"id": key} if own is not None else {}),
                        **({"number": own} if own is not None else {}),
                    }
                ],
            )
        )


def _events(block: list[_Card], log: FileLog) -> list[list[_Card]]:
    """The block's events: it is one, unless an end line is missing."""
    events = [[block[0]]]
    for before, card in pairwise(block):
        apart = abs(card.time - events[-1][0].time)
        differ = None not in (before.number, card.number) and before.number != card.number
        station = card.picks[0]["sta"]
        is_there = differ and any(other.picks[0]["sta"] == station for other in events[-1])
        if apart > FAR_APART or (differ and (apart > NUMBERS_APART or is_there)):
            log.repair(card.line, "the end line of the event before is missing")
            events.append([])
        events[-1].append(card)
    return events
