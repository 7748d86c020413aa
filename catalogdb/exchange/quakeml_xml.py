"""The root of a QuakeML file, of which only `eventParameters` is used."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from catalogdb.decoding import read_bytes
from catalogdb.errors import InputError
from catalogdb.xml_text import parse_xml

ROOT_TAG = re.compile(r"\{http://quakeml\.org/xmlns/quakeml(-rt)?/[^}]+\}quakeml")
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

    root, said = parse_xml(path, read_bytes(path), "QuakeML", EXPORT_AGAIN)
    name = etree.QName(root).localname
    if not ROOT_TAG.fullmatch(root.tag):
        raise InputError(f"{path}: not QuakeML: its root element is {name}", hint=OTHER_ROOTS.get(name, EXPORT_AGAIN))
    for element in root:
        if etree.QName(element).localname == "eventParameters":
            return element, said
    raise InputError(f"{path}: not usable QuakeML: it has no eventParameters", hint=EXPORT_AGAIN)
