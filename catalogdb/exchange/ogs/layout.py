"""How lines with columns are written: fields at their places, numbers that fit, times split into their parts."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

from catalogdb.documents.data import Event, Magnitude, Origin, Pick
from catalogdb.exchange.event_parts import preferred_origin
from catalogdb.exchange.ogs.columns import year_of
from catalogdb.exchange.pick_uncertainty import HYPO71_UNCERTAINTY
from catalogdb.phases import phase_type

STATION_COLUMNS = 4
LARGEST_CARD_NUMBER = 9999
LONGEST_NUMBER = 6  # digits; longer ones are times
NUMBERED = re.compile(r"((?:19|20)\d\d)[_-]?0*(\d{1,9})", re.ASCII)
BULLETIN_ID = re.compile(r"\d{4}_\d{5}", re.ASCII)

Pair = tuple[Pick | None, Pick | None]  # P and S of one station


@dataclass(frozen=True)
class Clock:
    """A time split as the files write it, in UTC."""

    day: datetime
    minutes: int  # since midnight
    units: int  # of the seconds: hundredths or thousandths, less than a minute

    @property
    def century(self) -> str:
        """'1' for 20xx, blank for 19xx.

        Raises:
            ValueError: for other centuries, which the files can't hold.
        """
        if not 1900 <= self.day.year <= 2099:
            raise ValueError("events before 1900 or after 2099")
        return "1" if self.day.year >= 2000 else " "

    @property
    def yymmdd(self) -> str:
        return self.day.strftime("%y%m%d")

    @property
    def hhmm(self) -> str:
        return f"{self.minutes // 60:02d}{self.minutes % 60:02d}"

    @property
    def blank_hhmm(self) -> str:
        """Hour and minute with blanks before single digits, as HYPO71 prints them."""
        return f"{self.minutes // 60:2d}{self.minutes % 60:2d}"


def clock(time: float, units_per_second: int = 100) -> Clock:
    """Split epoch seconds, rounded to hundredths (or thousandths) first."""
    units = rounded(time, units_per_second)
    minutes, rest = divmod(units, 60 * units_per_second)
    days, minutes = divmod(minutes, 1440)
    return Clock(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=days), minutes, rest)


def rounded(time: float, units_per_second: int = 100) -> int:
    """Epoch seconds as whole hundredths (or thousandths), halves up, from whole microseconds."""
    step = 1_000_000 // units_per_second
    return (round(time * 1e6) + step // 2) // step


def line(fields: dict[tuple[int, int], str], width: int = 0) -> str:
    """A line with each field, right-justified, in its columns (1-based, inclusive)."""
    length = max(width, *(last for _, last in fields))
    characters = [" "] * length
    for (first, last), text in fields.items():
        characters[first - 1 : last] = text.rjust(last - first + 1)[: last - first + 1]
    return "".join(characters)


def number_of_picks(pairs: Iterable[Pair]) -> int:
    """How many readings there are in pairs of P and S."""
    return sum(pick is not None for pair in pairs for pick in pair)


def fixed(value: float | None, width: int, decimals: int, missing: str = "") -> str:
    """A number with these decimals, fewer where it is too wide, `*` where it does not fit at all."""
    if value is None:
        return missing
    for places in range(decimals, -1, -1):
        text = f"{value:.{places}f}"
        if len(text) <= width:
            return text
    return "*" * width


def degrees_minutes(value: float | None, is_latitude: bool) -> str:
    """`46-21.00`; S or W in the place of the dash for negative angles."""
    if value is None:
        return ""
    hundredths = round(abs(value) * 6000)
    dash = "-" if value >= 0 else "S" if is_latitude else "W"
    return f"{hundredths // 6000:2d}{dash}{hundredths % 6000 / 100:5.2f}"


def origin_of_format(event: Event, format: str) -> Origin | None:
    """The origin that came from a file of this format, else the preferred one."""
    own = [origin for origin in event["origins"] if origin.get("source_format") == format]
    preferred = cast(Origin, preferred_origin(event))
    if preferred and (preferred in own or not own):
        return preferred
    return next(iter(own or event["origins"]), None)


def magnitude(event: Event, kind: str, format: str) -> Magnitude | None:
    """The event's magnitude of a type: with the value that a file of this format gave, else the preferred one."""
    of_kind = [item for item in event["magnitudes"] if item["type"] == kind]
    of_kind.sort(key=lambda item: item["_id"] != event.get("preferred_magnitude_id"))
    own = [item | {"value": item["given_as"][format]} for item in of_kind if format in item.get("given_as", {})]
    return next(iter(own or of_kind), None)


class Numbering:
    """Running numbers of events within their years: the event's own where its id says it, else the first free one.

    Args:
        source_ids: ids of events that are still to come; the numbers in them are kept for these.
    """

    def __init__(self, source_ids: Iterable[str] = ()) -> None:
        self._used: defaultdict[int, set[int]] = defaultdict(set)
        self._reserved: defaultdict[int, set[int]] = defaultdict(set)
        self._last: Counter[int] = Counter()
        for source_id in source_ids:
            if named := _year_and_number(source_id):
                self._reserved[named[0]].add(named[1])

    def number(self, event: Event) -> int:
        """The event's number; no two events of a year get the same."""
        year = year_of(event["time"])
        used, reserved = self._used[year], self._reserved[year]
        named = _year_and_number(event.get("source_id"))
        if named is not None and named[0] == year and named[1] not in used:
            number = named[1]
        else:
            number = self._last[year] + 1
            while number in used or number in reserved:
                number += 1
            self._last[year] = number
        used.add(number)
        return number

    def bulletin_id(self, event: Event) -> str:
        """`2024_00007`, of the event's year and number, or its own id of another year; no two events get the same."""
        number = self.number(event)
        source_id = event.get("source_id") or ""
        if BULLETIN_ID.fullmatch(source_id) and (named := _year_and_number(source_id)):
            year, own = named
            if year != year_of(event["time"]) and own not in self._used[year]:
                self._used[year].add(own)
                return source_id
        return f"{year_of(event['time'])}_{number:05d}"


def _year_and_number(source_id: str | None) -> tuple[int, int] | None:
    match = NUMBERED.fullmatch(source_id or "")
    return (int(match[1]), int(match[2])) if match and len(match[2]) <= LONGEST_NUMBER else None


def weight_class(pick: Pick) -> int | None:
    """The analyst's weight, else the class whose uncertainty is nearest (by ratio) to the pick's."""
    weight, uncertainty = pick.get("hypo71_weight"), pick.get("uncertainty")
    if weight is not None or not uncertainty:
        return weight
    return min(
        HYPO71_UNCERTAINTY,
        key=lambda own: max(HYPO71_UNCERTAINTY[own] / uncertainty, uncertainty / HYPO71_UNCERTAINTY[own]),
    )


def branch_letter(pick: Pick) -> str:
    """g or n, from the pick's branch or the second letter of its phase; blank where neither says it."""
    second = pick["phase"][1:2]
    return pick.get("branch") or (second if second in ("g", "n") else " ")


def hundredths_after(p: Pick, s: Pick) -> int:
    """Hundredths of a second from the beginning of P's minute to S."""
    return rounded(s["time"]) - (rounded(p["time"]) - clock(p["time"]).units)


def station_pairs(picks: Iterable[Pick], most_seconds: float, left_out: Counter[str]) -> list[Pair]:
    """P and S of each station, by time; what columns can't hold is counted in `left_out`.

    An S goes with the first P whose minute begins before it, by less than `most_seconds`.
    """
    by_station: dict[tuple[str, str], dict[str, list[Pick]]] = {}
    for pick in sorted(picks, key=lambda pick: (pick["time"], pick["sta"], pick["phase"])):
        phase = phase_type(pick["phase"])
        if phase is None:
            left_out["picks of phases other than P and S"] += 1
        elif len(pick["sta"]) > STATION_COLUMNS:
            left_out[f"picks of stations whose code has more than {STATION_COLUMNS} characters"] += 1
        else:
            station = pick.get("net") or "", pick["sta"]
            by_station.setdefault(station, {"P": [], "S": []})[phase].append(pick)
    pairs: list[Pair] = []
    for phases in by_station.values():
        waiting = list(phases["S"])
        for p in phases["P"]:
            s = next((s for s in waiting if 0 <= hundredths_after(p, s) < most_seconds * 100), None)
            if s is not None:
                waiting.remove(s)
            pairs.append((p, s))
        pairs += [(None, s) for s in waiting]
    return sorted(pairs, key=lambda pair: first_of(pair)["time"])


def first_of(pair: Pair) -> Pick:
    """Its P, or its S where it has none."""
    return next(pick for pick in pair if pick is not None)
