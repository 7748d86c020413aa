"""Read `.pun` summaries: HYPO71's punched summary cards (Lee and Lahr, 1975), one line per event.

Columns (1-based): 1 century, 2-7 yymmdd, 8-11 HHMM, 13-17 seconds, 19-26 latitude, 29-36 longitude, 38-43 depth in km,
44-50 MD, 51-53 number of readings, 54-57 gap, 58-62 distance of the nearest station in km, 63-67 rms in s, 68-72 erh
and 73-77 erz in km, 79 quality, 80 velocity model.
"""

from __future__ import annotations

from pathlib import Path

from catalogdb.exchange.evaluation_mode import EvaluationMode
from catalogdb.exchange.file_log import FileLog
from catalogdb.exchange.ogs.columns import (
    NO_CENTURIES,
    cut,
    hypocentre,
    integer,
    number,
    read_lines,
    refuse_cut,
    without_cut_value,
)
from catalogdb.exchange.ogs.solutions import event_document, magnitude_document, origin_document, origin_method
from catalogdb.exchange.reference_catalog import ReadEvent, ReferenceCatalog

DELIMITERS = set(",;|\t")  # a line with one of them is of a table
NEEDED = {"origin seconds": (13, 17), "latitude": (19, 26), "longitude": (29, 36)}
VALUES = {
    "depth": (38, 43), "MD": (44, 50), "number of readings": (51, 53), "gap": (54, 57),
    "distance of the nearest station": (58, 62), "rms": (63, 67), "erh": (68, 72), "erz": (73, 77),
}  # fmt: skip


def is_header(text: str) -> bool:
    """True for the line that names the columns."""
    return not DELIMITERS & set(text) and set(text.upper().split()) >= {"ORIGIN", "LAT", "DEPTH"}


def read_pun(path: Path, evaluation_mode: EvaluationMode = "manual", is_plain: bool = False) -> ReferenceCatalog:
    """Read event summaries; they have no numbers, so events are called after file and line.

    Args:
        path: the file.
        evaluation_mode: of its events and picks.
        is_plain: HYPO71's own output, without centuries: years are of the last hundred.

    Raises:
        InputError: when the file can't be read.
    """
    path = Path(path)
    log = FileLog(path, "ogs-pun")
    if is_plain:
        log.note(NO_CENTURIES)
    catalog = ReferenceCatalog()
    signs = (1.0, 1.0)
    for line, text in read_lines(path, log):
        if is_header(text):
            signs = (-1.0 if "LAT S" in text.upper() else 1.0, -1.0 if "LONG W" in text.upper() else 1.0)
            continue
        try:
            catalog.events.append(_event(line, text, path, evaluation_mode, signs, is_plain, log))
            log.keep()
        except ValueError as error:
            log.reject(line, str(error))
    return log.finish(catalog)


def _event(
    line: int,
    text: str,
    path: Path,
    mode: EvaluationMode,
    signs: tuple[float, float],
    is_plain: bool,
    log: FileLog,
) -> ReadEvent:
    for what, (first, last) in NEEDED.items():
        refuse_cut(text, first, last, what)
    text, left_out = without_cut_value(text, VALUES)
    if left_out:
        log.repair(line, left_out)
    columns = (1, 1), (2, 7), (8, 11), (13, 17), (18, 27), (28, 37)
    found = hypocentre(*(cut(text, *column) for column in columns), is_plain=is_plain)
    origin = origin_document(
        latitude=None if found.latitude is None else signs[0] * found.latitude,
        longitude=None if found.longitude is None else signs[1] * found.longitude,
        time=found.time,
        depth_km=number(cut(text, 38, 43), "depth"),
        method=origin_method(path, "hypo71"),
        n_picks=integer(cut(text, 51, 53), "number of readings"),
        azimuthal_gap=number(cut(text, 54, 57), "gap"),
        minimum_distance_km=number(cut(text, 58, 62), "distance of the nearest station"),
        rms=number(cut(text, 63, 67), "rms"),
        horizontal_uncertainty_km=number(cut(text, 68, 72), "erh"),
        depth_uncertainty_km=number(cut(text, 73, 77), "erz"),
        quality=cut(text, 79).strip() or None,
        velocity_model=cut(text, 80).strip() or None,
    )
    event = event_document(
        found.time,
        origin,
        [magnitude_document("MD", number(cut(text, 44, 50), "MD"))],
        mode=mode,
        path=path,
        format="ogs-pun",
        line=line,
        own_id=None,
        own_number=None,
        time_from=None if found.has_seconds else "minute",
    )
    # only a line that is kept is repaired
    for is_so, what in (
        *found.repairs,
        ("*" in text[37:77], "values that overflowed their columns (*****) are taken as missing"),
        (origin is None, "no position: kept as unlocated"),
    ):
        if is_so:
            log.repair(line, what)
    return event
