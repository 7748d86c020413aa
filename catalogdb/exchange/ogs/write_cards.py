"""Write phase cards: `.dat` as the OGS bulletin keeps them, or plain HYPO71 cards (Lee and Lahr, 1975).

Columns as in `phases_dat`. S alone is written with P seconds 0000 and weight 4, as the bulletin does. HYPO71's own
cards have no century, zone, type, number and branch, and no weight above 4.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from catalogdb.documents.data import Event, Pick
from catalogdb.exchange.ogs.codes import ONSET_LETTERS, first_motion_letter, type_letter
from catalogdb.exchange.ogs.layout import (
    LARGEST_CARD_NUMBER,
    Numbering,
    Pair,
    branch_letter,
    clock,
    fixed,
    hundredths_after,
    line,
    number_of_picks,
    station_pairs,
    weight_class,
)

MOST_S_SECONDS = 999.0  # that five columns hold with two decimals
DAT_WIDTH = 82
QUIET_SECONDS, STRETCH_PICKS = 60.0, 1000  # between, and of, picks of no event that may share cards


def write_dat(
    events: Iterable[tuple[Event, list[Pick]]],
    stream: BinaryIO,
    left_out: Counter[str],
    source_ids: Iterable[str] = (),
    picks_of_no_event: Iterable[Pick] = (),
    written: Counter[str] | None = None,
) -> int:
    """Write `.dat` phase cards.

    Args:
        events: pairs of an event document and its pick documents.
        stream: binary stream to write to.
        left_out: counts, by reason, of what the format can't hold; added to.
        source_ids: ids of the events, so that none gets the number of a later one.
        picks_of_no_event: pick documents by time; their cards stand after the last event, with no number and no end.
        written: counts `events`, `picks`, and `picks_of_no_event` among these, that are in the file; added to.

    Returns:
        Number of events written.
    """
    numbering = Numbering(source_ids)
    written = Counter() if written is None else written
    before = written["events"]
    for event, picks in events:
        number: int | None = numbering.number(event)
        if number is not None and number > LARGEST_CARD_NUMBER:
            left_out[f"event numbers above {LARGEST_CARD_NUMBER}"] += 1
            number = None
        is_located = bool(event["origins"]) or any(source.get("is_located") for source in event.get("sources", []))
        common = {
            (63, 63): event.get("zone", ""),
            (64, 64): type_letter(event.get("event_type")),
            (65, 65): "D" if is_located else "",
            (76, 79): "" if number is None else str(number),
        }
        end = line({(18, 18): "1", (65, 65): "D" if is_located else ""})
        _write_event(event, picks, common, end, False, stream, left_out, written)
    for picks in _stretches(picks_of_no_event):
        _write_picks_of_no_event(picks, stream, left_out, written)
    return written["events"] - before


def write_hypo71(
    events: Iterable[tuple[Event, list[Pick]]],
    stream: BinaryIO,
    left_out: Counter[str],
    written: Counter[str] | None = None,
) -> int:
    """Write HYPO71 phase cards; arguments and result as those of `write_dat`, without ids.

    An event ends with an instruction card that has 1 in column 18: use S too.
    """
    end = line({(18, 18): "1"})
    written = Counter() if written is None else written
    before = written["events"]
    for event, picks in events:
        _write_event(event, picks, {}, end, True, stream, left_out, written)
    return written["events"] - before


def _write_event(
    event: Event,
    picks: list[Pick],
    common: dict[tuple[int, int], str],
    end: str,
    is_plain: bool,
    stream: BinaryIO,
    left_out: Counter[str],
    written: Counter[str],
) -> None:
    pairs = station_pairs(picks, MOST_S_SECONDS, left_out)
    try:
        cards = [_card(pair, common, is_plain) for pair in pairs]
    except ValueError as error:
        left_out[str(error)] += 1
        return
    if not cards:
        left_out["events without picks"] += 1
        return
    stream.write("".join(f"{text.rstrip()}\n" for text in [*cards, end]).encode())
    written.update(events=1, picks=number_of_picks(pairs))


def _write_picks_of_no_event(
    picks: list[Pick], stream: BinaryIO, left_out: Counter[str], written: Counter[str]
) -> None:
    for pair in station_pairs(picks, MOST_S_SECONDS, left_out):
        try:
            stream.write(f"{_card(pair, {}, False).rstrip()}\n".encode())
        except ValueError:
            left_out["picks before 1900 or after 2099"] += number_of_picks([pair])
        else:
            written.update(picks=number_of_picks([pair]), picks_of_no_event=number_of_picks([pair]))


def _stretches(picks: Iterable[Pick]) -> Iterator[list[Pick]]:
    """Picks close in time, which may share cards: never more than a thousand, as there may be millions of them."""
    stretch: list[Pick] = []
    for pick in picks:
        if stretch and (pick["time"] - stretch[-1]["time"] > QUIET_SECONDS or len(stretch) == STRETCH_PICKS):
            yield stretch
            stretch = []
        stretch.append(pick)
    if stretch:
        yield stretch


def _card(pair: Pair, common: dict[tuple[int, int], str], is_plain: bool) -> str:
    p, s = pair
    first = p or s
    assert first is not None
    start = clock(first["time"])
    fields = {(10, 15): start.yymmdd, (16, 19): start.hhmm, (20, 24): "0000", (8, 8): "4"} | common
    station = first["sta"].ljust(4)
    if not is_plain:
        fields[9, 9] = start.century
    duration = next((pick["duration"] for pick in pair if pick and pick.get("duration") is not None), None)
    fields[71, 75] = fixed(duration, 5, 0 if duration is None or float(duration).is_integer() else 1)
    branches = 81 if common.get((65, 65)) else 80
    if p is not None:
        fields |= _remark(p, (5, 6, 7, 8), "P", is_plain) | {(20, 24): f"{start.units:04d}"}
        fields |= {} if is_plain else {(branches, branches): branch_letter(p)}
    if s is not None:
        fields |= _remark(s, (37, 38, 39, 40), "S", is_plain) | {(32, 36): f"{hundredths_after(first, s):03d}"}
        fields |= {} if is_plain else {(branches + 1, branches + 1): branch_letter(s)}
    return station + line(fields, DAT_WIDTH)[4:]


def _remark(pick: Pick, columns: tuple[int, ...], phase: str, is_plain: bool) -> dict[tuple[int, int], str]:
    onset = ONSET_LETTERS.get(pick.get("onset", ""), "")
    motion = first_motion_letter(pick)
    weight = weight_class(pick)
    if is_plain:
        onset = "" if onset == "?" else onset.upper()
        motion = motion.upper()
        weight = weight if weight is None else min(weight, 4)
    marks = (onset, phase, motion, "" if weight is None else str(weight))
    return {(column, column): mark for column, mark in zip(columns, marks, strict=True)}
