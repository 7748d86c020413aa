"""Rows of pick tables -> picks: one a row, or those of both phases."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath
from sys import intern
from typing import Any

from catalogdb.channels import channel_group
from catalogdb.exchange.csv_columns import (
    ARRIVAL_FIELDS,
    ONSETS,
    PHASES_OF_A_ROW,
    POLARITIES,
    SAMPLE_RATE_HZ,
    Column,
)
from catalogdb.exchange.evaluation_mode import EvaluationMode
from catalogdb.exchange.pick_record import PickRecord
from catalogdb.exchange.pick_uncertainty import DEFAULT_PICK_UNCERTAINTY, HYPO71_UNCERTAINTY
from catalogdb.exchange.table_cells import Cells

NO_EVENT = ("-1", "-1.0")
_NETWORK, _STATION = re.compile(r"[A-Za-z0-9]{1,2}", re.ASCII), re.compile(r"[A-Za-z0-9_-]{1,8}", re.ASCII)
_SAMPLE = re.compile(r"\d+", re.ASCII)


def read_pick(cells: Cells, mode: EvaluationMode) -> PickRecord:
    """The pick of a row.

    Raises:
        ValueError: when it has no station, phase or usable time.
    """
    phase = cells.text("phase")
    pick = _place(cells)
    if phase is None:
        raise ValueError("no phase")
    pick.phase = intern(phase.upper() if phase in ("p", "s") else phase)
    pick.time = cells.time()
    weight = _weight(cells)
    uncertainty = cells.number("uncertainty")
    if uncertainty is None and weight is None:
        cells.say(f"picks without uncertainty, taken as {DEFAULT_PICK_UNCERTAINTY} s", is_repair=True)
    if uncertainty is None:
        uncertainty = DEFAULT_PICK_UNCERTAINTY if weight is None else HYPO71_UNCERTAINTY[weight]
    pick.uncertainty = uncertainty
    _set(
        pick,
        probability=cells.number("probability"),
        evaluation_mode=cells.mode() or mode,
        hypo71_weight=weight,
        polarity=POLARITIES.get((cells.text("polarity") or "").lower()),
        onset=ONSETS.get((cells.text("onset") or "").lower()),
        event_key=_event_key(cells),
        source_id=cells.text("pick_id"),
    )
    arrival = {name: value for name in ARRIVAL_FIELDS if (value := cells.number(name)) is not None}
    if arrival:
        pick.arrival = arrival
    return pick


def read_both_phases(cells: Cells, mode: EvaluationMode) -> Iterator[PickRecord]:
    """The picks of a row that has columns for P and for S.

    Raises:
        ValueError: when it has no station, or a time that can't be read.
    """
    found = 0
    for phase in PHASES_OF_A_ROW:
        times = list(_times(cells, phase))
        for place, time in enumerate(times):
            pick = _place(cells)
            pick.phase, pick.time = phase, time
            pick.uncertainty = DEFAULT_PICK_UNCERTAINTY
            _set(pick, probability=_probability(cells, phase, place), evaluation_mode=mode, event_key=_event_key(cells))
            cells.say(f"picks without uncertainty, taken as {DEFAULT_PICK_UNCERTAINTY} s", is_repair=True)
            found += 1
            yield pick
    if not found:
        cells.say("rows without a P and an S")


def name_of_phase(phase: str, field: str) -> str:
    """How a phase's own columns are called among the others."""
    return f"{phase} {field}"


def phase_columns() -> dict[str, Column]:
    """The columns that tables with a row for both phases have for each."""
    return {
        name_of_phase(phase, field): column
        for phase, columns in PHASES_OF_A_ROW.items()
        for field, column in columns.items()
    }


def _set(pick: PickRecord, **fields: Any) -> None:
    for name, value in fields.items():
        if value is not None:
            setattr(pick, name, value)


def _place(cells: Cells) -> PickRecord:
    """A record with the codes of its station; those of one table are few, and held once."""
    cell = cells.cells("station", "network", "location", "channel", "file_name")
    codes = cells.places.get(cell)
    if codes is None:
        codes = cells.places[cell] = _codes(cells)
    pick = PickRecord()
    pick.channel_group, pick.net, pick.sta, pick.loc, pick.chan = codes
    return pick


def _codes(cells: Cells) -> tuple[str, str, str, str, str]:
    given = cells.code("station")
    net, sta, loc, chan = "", given, "", ""
    if not given and "file_name" in cells.positions:
        net, sta, loc, chan = _station_of_file(cells.text("file_name"))
    elif "." in given:
        net, sta, loc, chan = [*given.split("."), "", "", ""][:4]
    elif not given:
        raise ValueError("no station")
    if not sta:
        raise ValueError(f"no station code in {given!r}")
    codes = cells.code("network") or net, sta, cells.code("location") or loc, cells.code("channel") or chan
    net, sta, loc, chan = (code.strip() for code in codes)
    return channel_group(net, sta, loc, chan), net, sta, loc, chan


def _station_of_file(name: str | None) -> tuple[str, str, str, str]:
    """Codes of a waveform file called by them: `XA.S01.mseed`, `NC.MCV..EH.0361339.npz`."""
    net, sta, *rest = [*PurePath(name or "").name.split("."), "", ""]
    rest = rest[:-3]  # without the suffix, and the two above
    if not _NETWORK.fullmatch(net) or not _STATION.fullmatch(sta):
        raise ValueError(f"no station in the file name {name!r}, wanted is NET.STA. at its begin")
    is_whole = len(rest) > 1 and len(rest[0]) <= 2 and 2 <= len(rest[1]) <= 3
    return net, sta, *(rest[:2] if is_whole else ("", ""))


def _weight(cells: Cells) -> int | None:
    weight = cells.count("hypo71_weight")
    if weight is not None and weight not in HYPO71_UNCERTAINTY:
        raise ValueError(f"hypo71_weight {weight} is outside 0..5")
    return weight


def _event_key(cells: Cells) -> str | None:
    key = cells.text("event_id")
    if key is None:
        return None
    if key in NO_EVENT:
        cells.say("picks of no event (event -1)", is_repair=False)
        return None
    return intern(key)


def _times(cells: Cells, phase: str) -> Iterator[float]:
    """Times of a phase: one, or one for each sample in brackets."""
    name = name_of_phase(phase, "time")
    if cells.text(name) is not None:
        yield cells.time(name)
    samples = cells.text(name_of_phase(phase, "samples"))
    numbers = _SAMPLE.findall(samples or "")
    if numbers:
        start = cells.time("start")
        cells.notes[f"picks are counted in samples, taken as {SAMPLE_RATE_HZ} in a second, PhaseNet's rate"] += 1
        for number in numbers:
            yield round((start + int(number) / SAMPLE_RATE_HZ) * 1e6) / 1e6


def _probability(cells: Cells, phase: str, place: int) -> float | None:
    name = name_of_phase(phase, "probability")
    given = cells.text(name)
    if given is None or not given.startswith("["):
        return cells.number(name)
    values = given.strip("[]").replace(",", " ").split()
    try:
        value = float(values[place])
    except (IndexError, ValueError):
        return None
    return value if 0 <= value <= 1 else None
