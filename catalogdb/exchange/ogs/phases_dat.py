"""Read `.dat` phase cards: HYPO71's cards (Lee and Lahr, 1975) with the bulletin's century, zone, type and number.

Columns (1-based): 1-4 station, 5 onset, 6 P, 7 first motion, 8 weight, 9 century, 10-19 yymmddHHMM, 20-24 P seconds
F5.2, 32-36 S seconds F5.2 from the same minute, 37 onset, 38 S, 39 first motion, 40 weight, 63 zone, 64 type, 65 D
where the event is located, 71-75 duration in s, 76-79 the event's number in its year, 81 and 82 branch of P and S; they
stand in 80 and 81 where column 65 is empty.
A line with 1 in column 18 and nothing before it ends an event: HYPO71's instruction card, on which column 18 says
whether S is used, 19 whether the depth is fixed, and the rest a trial hypocentre. HYPO71's own cards may be ended by
any instruction card, a blank line among them; where a file has no other, so may the bulletin's.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from catalogdb.documents.data import EventSource
from catalogdb.exchange.evaluation_mode import EvaluationMode
from catalogdb.exchange.event_parts import event_of
from catalogdb.exchange.file_log import FileLog
from catalogdb.exchange.ogs.codes import BRANCHES
from catalogdb.exchange.ogs.columns import (
    NO_CENTURIES,
    century_of,
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
from catalogdb.exchange.ogs.readings import optional, pick_document, say_no_seconds, station_code, zone_and_type
from catalogdb.exchange.reference_catalog import ReadPick, ReferenceCatalog

END = re.compile(r" {8,}1(\s+[A-Z ]{0,3})?(\s+\d{1,4})?\s*| {17} ?\d[ \d.+-]*", re.ASCII | re.IGNORECASE)
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
    picks: list[ReadPick] = field(default_factory=list)

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
    return _read(Path(path), evaluation_mode, is_plain=False)


def read_hypo71(path: Path, evaluation_mode: EvaluationMode = "manual") -> ReferenceCatalog:
    """Read HYPO71's own phase cards, which have no century: years are of the last hundred, and that is noted. A card
    that has a century keeps it. The result is that of `read_dat`; the last event needs no end line.

    Raises:
        InputError: when the file can't be read.
    """
    return _read(Path(path), evaluation_mode, is_plain=True)


def _read(path: Path, evaluation_mode: EvaluationMode, is_plain: bool) -> ReferenceCatalog:
    """is_plain: HYPO71's own cards, of which none has a century."""
    log = FileLog(path, "ogs-dat")
    catalog = ReferenceCatalog()
    block: list[_Card] = []
    keys: set[str] = set()
    years: set[int] = set()
    lines = read_lines(path, log)
    are_blank = not any(END.fullmatch(text) for _, text in lines) and any(
        line > before + 1 for (before, _), (line, _) in pairwise(lines)
    )
    if are_blank:
        log.note("it has no end lines: blank lines end its events")
    before = 0
    for line, text in lines:
        if are_blank and block and line > before + 1:
            _close(catalog, path, block, keys, log)
            block = []
        before = line
        if END.fullmatch(text):
            if block:
                _close(catalog, path, block, keys, log)
            else:
                log.reject(line, "the end of an event that has no usable phases")
            block = []
            continue
        try:
            card = _card_in_its_columns(line, text, path, evaluation_mode, is_plain, log)
        except ValueError as error:
            log.reject(line, str(error))
            continue
        if card.picks:
            block.append(card)
            if card.year_guessed is not None:
                years.add(card.year_guessed)
    if years:
        log.note(f"{NO_CENTURIES}, {', '.join(map(str, sorted(years)))}")
    if block and (is_plain or are_blank or any(card.number is not None for card in block)):
        if not are_blank:
            log.repair(block[-1].line, "the last event has no end line")
        _close(catalog, path, block, keys, log)
    elif block:
        log.repair(block[0].line, "phases after the last end line and without a number are of no event")
        catalog.picks += [pick for card in block for pick in card.picks]
    return log.finish(catalog)


def _card_in_its_columns(line: int, text: str, path: Path, mode: EvaluationMode, is_plain: bool, log: FileLog) -> _Card:
    """The card; one that can't be read as it stands is read without the one blank too many after its station."""
    try:
        return _card(line, text, path, mode, is_plain, log)
    except ValueError as error:
        if text[4:5] != " ":
            raise
        try:
            card = _card(line, text[:4] + text[5:], path, mode, is_plain, log)
        except ValueError:
            raise error from None
        log.repair(line, "one blank too many after the station left out")
        return card


def _card(line: int, text: str, path: Path, mode: EvaluationMode, is_plain: bool, log: FileLog) -> _Card:
    station = station_code(cut(text, 1, 4), log, line)
    is_guessed = is_plain and cut(text, 9) == " "
    century, guessed = century_of(cut(text, 9), cut(text, 10, 15), is_plain)
    day = day_number(century, cut(text, 10, 15))
    minute, carried = minute_of_day(cut(text, 16, 19))
    if carried:
        log.repair(line, carried)
    if guessed:
        log.repair(line, guessed)
    text, left_out = without_cut_value(text, DISPENSABLE)
    if left_out:
        log.repair(line, left_out)
    card = _Card(
        line=line,
        number=optional(integer, cut(text, 76, 79), "event number", log, line),
        zone=cut(text, 63),
        kind=cut(text, 64),
        is_located=cut(text, 65).upper() == "D",
        year_guessed=year_of(epoch_seconds(day, 0)) if is_guessed else None,
    )
    duration = optional(number, cut(text, 71, 75), "duration", log, line)
    p_branch, s_branch = _branches(text, card.is_located)
    for phase, mark, columns, onset, motion, weight, branch in (
        ("P", cut(text, 6), (20, 24), cut(text, 5), cut(text, 7), cut(text, 8), p_branch),
        ("S", cut(text, 38), (32, 36), cut(text, 37), cut(text, 39), cut(text, 40), s_branch),
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
            say_no_seconds(phase, log, line)
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


def _branches(text: str, is_located: bool) -> tuple[str, str]:
    """Branch letters of P and S: columns 81 and 82, one to the left where column 65 is empty."""
    before, first, second = tuple(cut(text, 80, 82))
    if before.lower() in BRANCHES:
        return before, first
    has_s = cut(text, 38) != " " and second == " " and not is_located
    return (" ", first) if has_s else (first, second)


def _close(catalog: ReferenceCatalog, path: Path, block: list[_Card], keys: set[str], log: FileLog) -> None:
    events, strays = _events(block, log)
    catalog.picks += [pick for card in strays for pick in card.picks]
    for cards in events:
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
        source: EventSource = {"file": path.name, "format": "ogs-dat", "line": cards[0].line}
        source["is_located"] = any(card.is_located for card in cards)
        if own is not None:
            source |= {"id": key, "number": own}
        words = zone_and_type(((card.line, card.zone, card.kind) for card in cards), log)
        words |= {"time": time, "time_from": "first_arrival", "source_id": key, "sources": [source]}
        catalog.events.append(event_of(None, [], picks[0]["evaluation_mode"], **words))


def _events(block: list[_Card], log: FileLog) -> tuple[list[list[_Card]], list[_Card]]:
    """The block's events, and cards of none: it is one event, unless an end line is missing or a date is wrong."""
    groups: list[list[_Card]] = []
    for card in block:
        own = next((group for group in reversed(groups) if _is_of(card, group)), None)
        if own is None:
            groups.append([card])
        else:
            own.append(card)
    largest = max(groups, key=len)
    events, strays = [], []
    for group in groups:
        if group is not largest and _is_misdated(group, largest):
            strays += group
        else:
            events.append(group)
    for group in events[1:]:
        log.repair(group[0].line, "the end line of the event before is missing")
    for card in strays:
        hours = (card.time - largest[0].time) / 3600
        log.repair(card.line, f"dated {hours:+.1f} h from the cards around it: its readings are kept as of no event")
    return events, strays


def _is_of(card: _Card, group: list[_Card]) -> bool:
    """Whether a card is of the event of these cards, by its time, and where numbers differ by its station too."""
    apart = abs(card.time - group[0].time)
    if None in (group[-1].number, card.number) or group[-1].number == card.number:
        return apart <= FAR_APART
    is_there = any(other.picks[0]["sta"] == card.picks[0]["sta"] for other in group)
    return apart <= NUMBERS_APART and not is_there


def _is_misdated(group: list[_Card], largest: list[_Card]) -> bool:
    """Whether cards far from their block's others are none of another event: one alone, or with the others' number."""
    if abs(group[0].time - largest[0].time) <= FAR_APART:
        return False
    numbers = {card.number for card in group} - {None}
    is_numbered_alike = bool(numbers) and numbers <= {card.number for card in largest}
    return is_numbered_alike or (len(group) == 1 and len(largest) > 1)
