"""Archives and summaries of HYPOINVERSE-2000 with years of four digits (Klein, 2002, USGS Open-File Report 02-171,
"Summary header format" and "Station archive format"): an event's head, a line for each station, a terminator.

Numbers stand in fixed columns, most without their decimal point. Lines that begin with `$` are shadows of the line
before, for other programs. `event_ids.csv` beside the file says whose the numbers of events are, see `peers.results`.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from catalogdb.decoding import decode, read_bytes
from catalogdb.documents.data import Magnitude, Onset, Polarity
from catalogdb.errors import InputError
from catalogdb.exchange.evaluation_mode import EvaluationMode
from catalogdb.exchange.event_parts import event_of, magnitude_of, origin_of, pick_of, present
from catalogdb.exchange.file_log import FileLog
from catalogdb.exchange.peers.results import event_ids
from catalogdb.exchange.pick_uncertainty import DEFAULT_PICK_UNCERTAINTY
from catalogdb.exchange.reference_catalog import ReadEvent, ReadFrom, ReadPick, ReadPickDraft, ReferenceCatalog

FORMAT = "hypoinverse-arc"
HEAD = re.compile(r"(19|20)\d\d[ \d]{12}")
MAGNITUDE_TYPES = {"L": "ML", "D": "Md", "W": "Mw", "X": "Mx", "B": "mb"}
NO_MAGNITUDE = (0.0, -1.0, -9.0)
"""What the program writes where it has none, by its command MA2."""
CLIPPED_KM = 99.99
ONSETS: dict[str, Onset] = {"I": "impulsive", "E": "emergent"}
POLARITIES: dict[str, Polarity] = {"U": "positive", "C": "positive", "+": "positive", "D": "negative", "-": "negative"}
READINGS = "lines without a P and an S (amplitudes or codas alone), left out"
OTHER_WEIGHT = f"picks of another weight code than 0 to 4, taken as {DEFAULT_PICK_UNCERTAINTY} s"


def read_hypoinverse(path: Path, evaluation_mode: EvaluationMode = "manual") -> ReferenceCatalog:
    """Read an archive, or a summary, which has heads alone.

    Args:
        evaluation_mode: what events and picks are.

    Raises:
        InputError: naming the file, when it holds no event's head.
    """
    log = FileLog(path, FORMAT)
    result = ReferenceCatalog()
    said: Counter[str] = Counter()
    ids = event_ids(path)
    event: ReadEvent | None = None
    has_head = False
    seen: set[str] = set()
    for number, line in enumerate(decode(path, read_bytes(path)).splitlines(), 1):
        if not line.strip() or line.startswith("$"):
            continue
        place = ReadFrom(str(path), number)
        try:
            if HEAD.match(line):
                event, has_head = None, True
                event = _event(line, evaluation_mode)
                event["source_id"] = ids.get(event["source_id"], event["source_id"])
                if event["source_id"] in seen:
                    name, event = event["source_id"], None
                    raise ValueError(f"a second location of event {name}")
                seen.add(event["source_id"])
                event["read_from"] = place
                result.events.append(event)
                log.keep()
            elif not line[:5].strip():  # the terminator
                event = None
            elif event is None:
                raise ValueError("readings without an event before them")
            else:
                picks = _picks(line, event, evaluation_mode, place, said)
                result.picks += picks
                log.keep(len(picks))
        except ValueError as error:
            log.reject(number, str(error))
    if not has_head:
        raise InputError(
            f"{path}: no head of an event of HYPOINVERSE-2000 in it", hint="years of four digits are wanted: 200 T"
        )
    for what, count in said.items():
        log.note(f"{count} {what}")
    return log.finish(result)


def _number(line: str, column: int, width: int, decimals: int = 0) -> float | None:
    """The number in columns that count from 1; without a point it has so many decimals; None where it is blank.

    Raises:
        ValueError: for what is no number.
    """
    text = line[column - 1 : column - 1 + width].strip()
    if not text:
        return None
    if "." in text:
        return float(text)
    try:
        return int(text) / 10.0**decimals
    except ValueError:
        raise ValueError(f"columns {column} to {column + width - 1}: {text!r} is no number") from None


def _needed(line: str, column: int, width: int, decimals: int = 0) -> float:
    number = _number(line, column, width, decimals)
    if number is None:
        raise ValueError(f"columns {column} to {column + width - 1} are blank")
    return number


def _minute(line: str, column: int) -> float:
    """Epoch seconds of year, month, day, hour and minute; hour and minute may be blank-padded."""
    year, *rest = (int(_needed(line, column + at, width)) for at, width in ((0, 4), (4, 2), (6, 2), (8, 2), (10, 2)))
    month, day, hour, minute = rest
    return datetime(year, month, day, tzinfo=UTC).timestamp() + 3600.0 * hour + 60.0 * minute


def _degrees(line: str, column: int, width: int, positive: str) -> float:
    """Degrees, a letter of the half, minutes with two decimals; positive where the letter says so."""
    degrees = _needed(line, column, width)
    half = line[column - 1 + width : column + width].upper()
    value = degrees + _needed(line, column + width + 1, 4, 2) / 60.0
    return value if half in positive else -value


def _event(line: str, mode: EvaluationMode) -> ReadEvent:
    time = round(_minute(line, 1) + _needed(line, 13, 4, 2), 6)
    n_picks, n_s = _count(line, 40), _count(line, 83)
    origin = origin_of(
        method="HYPOINVERSE",
        time=time,
        latitude=_degrees(line, 17, 2, " N"),
        longitude=_degrees(line, 24, 3, "E"),  # blank: west
        depth_km=_number(line, 32, 5, 2),
        rms=_number(line, 49, 4, 2),
        azimuthal_gap=_number(line, 43, 3),
        minimum_distance_km=_number(line, 46, 3),
        horizontal_uncertainty_km=_error(line, 86),
        depth_uncertainty_km=_error(line, 90),
        n_picks=n_picks,
        n_s=n_s,
        n_p=None if n_picks is None or n_s is None else n_picks - n_s,
    )
    source_id = line[136:146].strip() or line[:16].replace(" ", "0")
    return event_of(origin, _magnitudes(line), mode, source_id=source_id)


def _count(line: str, column: int) -> int | None:
    number = _number(line, column, 3)
    return None if number is None else int(number)


def _error(line: str, column: int) -> float | None:
    """An error in km; None for 0 (not computed) and for what fills the columns."""
    error = _number(line, column, 4, 2)
    return error if error is not None and 0.0 < error < CLIPPED_KM else None


def _magnitudes(line: str) -> list[Magnitude]:
    """The preferred magnitude, then that of durations and that of amplitudes, each kind and value once."""
    found: dict[tuple[str, float], Magnitude] = {}
    for column, label, unlabelled in ((148, 147, "M"), (71, 118, "Md"), (37, 122, "Mx")):
        value = _number(line, column, 3, 2)
        if value is None or value in NO_MAGNITUDE:
            continue
        letter = line[label - 1 : label].strip().upper()
        kind = MAGNITUDE_TYPES.get(letter, f"M{letter.lower()}") if letter else unlabelled
        found.setdefault((kind, value), magnitude_of(_id=str(len(found) + 1), type=kind, value=value))
    return list(found.values())


def _picks(line: str, event: ReadEvent, mode: EvaluationMode, place: ReadFrom, said: Counter[str]) -> list[ReadPick]:
    """P and S of a station; each is there where its remark (onset and phase) is."""
    common: ReadPickDraft = {"net": line[5:7].strip(), "sta": line[:5].strip(), "chan": line[9:12].strip()}
    common |= {"loc": line[111:113].strip(" -"), "evaluation_mode": mode, "event_key": event["source_id"]}
    places = {"distance_km": _number(line, 75, 4, 1), "takeoff_angle": _number(line, 79, 3)}
    places["azimuth"] = _number(line, 92, 3)
    found = []
    for phase, remark, weight, seconds, residual, used in (("P", 14, 17, 30, 35, 39), ("S", 47, 50, 42, 51, 64)):
        if not line[remark - 1 : remark + 1].strip():
            continue
        code = line[weight - 1 : weight].strip() or "0"
        if code not in "01234":
            said[OTHER_WEIGHT] += 1
        arrival = {"residual": _number(line, residual, 4, 2), "weight": _number(line, used, 3, 2)}
        first_motion = line[15:16].strip() if phase == "P" else ""
        pick: ReadPickDraft = {
            "phase": phase,
            "time": round(_minute(line, 18) + _needed(line, seconds, 5, 2), 6),
            "hypo71_weight": int(code) if code in "01234" else None,
            "onset": ONSETS.get(line[remark - 1 : remark].upper()),
            "polarity": POLARITIES.get(first_motion.upper()),
            "first_motion": first_motion or None,
            "arrival": present(arrival | places),
            "read_from": place,
        }
        found.append(pick_of(**(common | pick)))
    if not found:
        said[READINGS] += 1
    return found
