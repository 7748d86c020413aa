"""Events written by ObsPy in formats that it knows best: SeisComP's XML and Nordic files of SEISAN.

Both begin with the QuakeML that catalogdb writes, so what they hold is what that says.
"""

from __future__ import annotations

import io
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from catalogdb.documents.data import Event, Pick
from catalogdb.exchange.confidence import ellipse_deviations, is_level
from catalogdb.exchange.quakeml_writer import write_quakeml
from catalogdb.exchange.writer_words import UNLOCATED

Events = Iterable[tuple[Event, list[Pick]]]
SCML_VERSION = "0.12"
"""Of SeisComP 5 and later."""
MAGNITUDES_OF_PREFERRED = "2"
"""SeisComP has each magnitude within an origin: those that name none would be lost without it."""
LONGEST_CODE = 5
"""Of stations, in Nordic columns."""
NO_LETTER = "-"
"""A magnitude type that Nordic has no letter for, so that its value is written without one."""
CODE_OF_TWO = "networks of picks at codes that stations of two networks have"
CODE_TOO_LONG = f"picks of stations with a code of more than {LONGEST_CODE} letters"
FRACTION = {"1": slice(19, 20), "H": slice(19, 22)}
RMS = {"1": slice(51, 55), "H": slice(53, 59)}
"""Columns of the second's decimals, and of the rms, in the lines of an origin, whose type stands in column 80."""


def write_scml(events: Events, stream: BinaryIO, left_out: Counter[str], written: Counter[str]) -> int:
    """SeisComP's XML by ObsPy's style sheet; the whole catalog is in memory at once."""
    from lxml import etree
    from obspy.io import seiscomp

    text = io.BytesIO()
    number = write_quakeml(_counted(events, written), text)
    text.seek(0)
    sheet = Path(next(iter(seiscomp.__path__))) / "data" / f"quakeml_1.2__sc3ml_{SCML_VERSION}.xsl"
    made = etree.XSLT(etree.parse(str(sheet)))(etree.parse(text), GUESS_MAG_ORIGIN=MAGNITUDES_OF_PREFERRED)
    stream.write(bytes(made))
    return number


def write_nordic(events: Events, stream: BinaryIO, left_out: Counter[str], written: Counter[str]) -> int:
    """A Nordic "select" file, event by event; events without a location are left out.

    Stations have up to five characters and no network codes; where an event has two stations of one code, their picks
    are counted in `left_out`. Types of magnitudes and of events for which Nordic has no
    letter are counted in `left_out`: the magnitude stands without a type then, blasts are explosions, and other types
    other events.
    """
    number = 0
    for event, picks in events:
        if "latitude" not in event:
            left_out[UNLOCATED] += 1
            continue
        said: Counter[str] = Counter()
        try:
            catalog = obspy_catalog([(event, picks)])
            _fit_columns(catalog[0], said)
            stream.write(_nordic(catalog))
        except Exception as error:  # ObsPy's writer has errors of its own for what does not fit the columns
            left_out[f"events that ObsPy can't write in Nordic columns ({type(error).__name__}: {error})"[:120]] += 1
            continue
        number += 1
        left_out.update(said)
        written["picks"] += len(catalog[0].picks)
    return number


def _fit_columns(event: Any, said: Counter[str]) -> None:
    """Take from an ObsPy event what would stand in other columns, or for something else, and count it in `said`."""
    from obspy.io.nordic.utils import EVENT_TYPE_MAPPING_TO_SEISAN, MAG_MAPPING

    picks = [pick for pick in event.picks if len(pick.waveform_id.station_code) <= LONGEST_CODE]
    said[CODE_TOO_LONG] += len(event.picks) - len(picks)
    event.picks = picks
    codes = Counter(code for _, code in {(p.waveform_id.network_code, p.waveform_id.station_code) for p in picks})
    said[CODE_OF_TWO] += sum(codes[pick.waveform_id.station_code] > 1 for pick in picks)
    for magnitude in event.magnitudes:
        if magnitude.magnitude_type not in MAG_MAPPING:
            said[f"types of magnitudes: {magnitude.magnitude_type}"] += 1
            magnitude.magnitude_type = NO_LETTER
    kind = event.event_type
    if kind and kind not in EVENT_TYPE_MAPPING_TO_SEISAN:
        event.event_type = "explosion" if "blast" in kind or "explosion" in kind else "other event"
        said[f"types of events: {kind}, written as {event.event_type}"] += 1
    for origin in event.origins:
        _to_one_deviation(origin.origin_uncertainty)


def _to_one_deviation(uncertainty: Any) -> None:
    """Set the ellipse of ObsPy's `OriginUncertainty` to one standard deviation: a line of type E has no level.

    There stand covariances, and errors of latitude and longitude beside those of depth and time.
    """
    if uncertainty is None or uncertainty.max_horizontal_uncertainty is None:
        return
    if is_level(percent := uncertainty.confidence_level):
        uncertainty.min_horizontal_uncertainty /= ellipse_deviations(percent)
        uncertainty.max_horizontal_uncertainty /= ellipse_deviations(percent)


def _counted(events: Events, written: Counter[str]) -> Events:
    for event, picks in events:
        written["picks"] += len(picks)
        yield event, picks


def obspy_catalog(events: Events, name: str = "catalog") -> Any:
    """ObsPy's `Catalog` of events with their picks, as it reads the QuakeML that is written of them."""
    from obspy import read_events

    text = io.BytesIO()
    write_quakeml(events, text, name)
    text.seek(0)
    return read_events(text, format="QUAKEML")


def _nordic(catalog: Any) -> bytes:
    """The lines of one event."""
    with tempfile.NamedTemporaryFile(prefix="catalogdb-", suffix=".out") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        catalog.write(file.name, format="NORDIC")  # it takes no stream
        lines = Path(file.name).read_text(encoding="utf-8").splitlines(keepends=True)
    return "".join(_corrected(lines, catalog[0])).encode()


def _corrected(lines: Iterable[str], event: Any) -> Iterator[str]:
    """Lines of an event with the decimals of its origin times, and no rms where it is not known.

    ObsPy 1.5 writes decimals without the zeros before them (50.04 s as 50.400), and an unknown rms as 0.
    """
    first = event.preferred_origin() or event.origins[0]
    origins = iter([first, *(origin for origin in event.origins if origin != first)])
    origin: Any = None
    last = "H"
    for line in lines:
        kind = line[79:80]
        if kind in FRACTION:
            if kind == "1" and last == "H":  # each origin has one or two lines of type 1, and one of type H
                origin = next(origins)
            decimals, rms, last = FRACTION[kind], RMS[kind], kind
            fraction = f"{origin.time.microsecond:06d}"[: decimals.stop - decimals.start]
            line = line[: decimals.start] + fraction + line[decimals.stop :]
            if not origin.quality or origin.quality.standard_error is None:
                line = line[: rms.start] + " " * (rms.stop - rms.start) + line[rms.stop :]
        yield line
