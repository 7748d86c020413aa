"""The XML of a QuakeML file, read within explicit limits.

Documents that declare entities are refused, whatever these are for: QuakeML has none, and they are how a small file
unfolds into gigabytes or reads others. Nothing is loaded from elsewhere, elements are at most 256 deep and texts at
most 10 MB long (what libxml2 does without `huge_tree`).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.parsers import expat

from catalogdb.errors import InputError
from catalogdb.exchange.decoding import encoding_of, read_bytes

ROOT_TAG = re.compile(r"\{http://quakeml\.org/xmlns/quakeml(-rt)?/[^}]+\}quakeml")
DECLARED = re.compile(rb"""^\s*<\?xml[^>]*?\sencoding\s*=\s*["']([\w.:-]+)["'][^>]*\?>""")
DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
PIECE = 1 << 16
OTHER_ROOTS = {
    "seiscomp": "it is SeisComP's own XML: scxmldump or sccnv write QuakeML (sccnv -i trunk:FILE -o qml1.2:FILE)",
    "FDSNStationXML": "it is StationXML: catalogdb ingest stations reads it",
    "html": "it is a web page: was the download an error message? Open it in a browser",
}
EXPORT_AGAIN = "write or download the file again as QuakeML 1.2, or check it with xmllint"


def event_parameters(path: Path) -> tuple[Any, list[str]]:
    """The element `eventParameters` of a QuakeML file, packed or not, in any encoding.

    Returns:
        The element, and "file: what" that was guessed of the file.

    Raises:
        InputError: naming the file and the reason, when it is no QuakeML.
    """
    from lxml import etree

    content, said = _in_its_encoding(path, read_bytes(path).lstrip(b" \t\r\n"))
    _refuse_entities(path, content)
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise InputError(f"{path}: not XML: {error}", hint=EXPORT_AGAIN) from error
    name = etree.QName(root).localname
    if not ROOT_TAG.fullmatch(root.tag):
        raise InputError(f"{path}: not QuakeML: its root element is {name}", hint=OTHER_ROOTS.get(name, EXPORT_AGAIN))
    for element in root:
        if etree.QName(element).localname == "eventParameters":
            return element, said
    raise InputError(f"{path}: not usable QuakeML: it has no eventParameters", hint=EXPORT_AGAIN)


def _in_its_encoding(path: Path, content: bytes) -> tuple[bytes, list[str]]:
    """The content with a declaration that is true: UTF-16 says so itself, and UTF-8 is not always that."""
    declared = DECLARED.match(content)
    name = declared[1].decode().lower() if declared else "utf-8"
    if declared and not name.startswith("utf"):
        return content, []
    found = encoding_of([content])
    if found in ("utf-8", "utf-8-sig"):
        return content, []
    try:
        text = content.decode(found)
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not XML: no text in {found}: {error.reason}", hint=EXPORT_AGAIN) from error
    said = (
        [] if found.startswith("utf") else [f"{path}: it is not in UTF-8, as XML is unless it says so: read as {found}"]
    )
    return DECLARATION.sub("", text).encode(), [] if found.startswith("utf") else said


class _Started(Exception):
    """The root element has begun: no declaration can follow."""


def _refuse_entities(path: Path, content: bytes) -> None:
    def refuse(name: str, *_: Any) -> None:
        raise InputError(
            f"{path}: it declares the XML entity {name!r}, which QuakeML never needs: not read",
            hint="take the <!DOCTYPE ...> out of the file if you trust where it comes from",
        )

    def start(*_: Any) -> None:
        raise _Started

    parser = expat.ParserCreate()
    parser.EntityDeclHandler, parser.StartElementHandler = refuse, start
    try:
        for at in range(0, len(content), PIECE):
            parser.Parse(content[at : at + PIECE])
        parser.Parse(b"", True)
    except _Started:
        return
    except expat.ExpatError as error:
        raise InputError(f"{path}: not XML: {error}", hint=EXPORT_AGAIN) from error
