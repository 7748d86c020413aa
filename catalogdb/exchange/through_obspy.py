"""Events written by ObsPy in formats that it knows best: SeisComP's XML and Nordic files of SEISAN.

Both begin with the QuakeML that catalogdb writes, so what they hold is what that says.
"""

from __future__ import annotations

import io
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

from catalogdb.documents.data import Event, Pick
from catalogdb.exchange.quakeml_writer import write_quakeml
from catalogdb.exchange.writer_words import UNLOCATED

Events = Iterable[tuple[Event, list[Pick]]]
SCML_VERSION = "0.12"
"""Of SeisComP 5 and later."""


def write_scml(events: Events, stream: BinaryIO, left_out: Counter[str], written: Counter[str]) -> int:
    """SeisComP's XML by ObsPy's style sheet; the whole catalog is in memory at once."""
    from lxml import etree
    from obspy.io import seiscomp

    text = io.BytesIO()
    number = write_quakeml(_counted(events, written), text)
    text.seek(0)
    sheet = Path(next(iter(seiscomp.__path__))) / "data" / f"quakeml_1.2__sc3ml_{SCML_VERSION}.xsl"
    stream.write(bytes(etree.XSLT(etree.parse(str(sheet)))(etree.parse(text))))
    return number


def write_nordic(events: Events, stream: BinaryIO, left_out: Counter[str], written: Counter[str]) -> int:
    """A Nordic "select" file, event by event; events without a location are left out.

    ObsPy writes stations of up to five characters, and no network codes.
    """
    number = 0
    for event, picks in events:
        if "latitude" not in event:
            left_out[UNLOCATED] += 1
            continue
        try:
            stream.write(_nordic(obspy_catalog([(event, picks)])))
        except Exception as error:  # ObsPy's writer has errors of its own for what does not fit the columns
            left_out[f"events that ObsPy can't write in Nordic columns ({type(error).__name__}: {error})"[:120]] += 1
            continue
        number += 1
        written["picks"] += len(picks)
    return number


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
    with tempfile.NamedTemporaryFile(prefix="catalogdb-", suffix=".out") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        catalog.write(file.name, format="NORDIC")  # it takes no stream
        return Path(file.name).read_bytes()
