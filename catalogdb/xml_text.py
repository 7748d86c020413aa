"""XML of files that anybody may have written, read within explicit limits.

Documents that declare entities, or name a document type elsewhere that could, are refused, whatever these are for:
neither QuakeML nor StationXML has any, and they are how a small file unfolds into gigabytes or reads others. Nothing is
loaded from elsewhere, elements are at most 256 deep and texts at most 10 MB long (what libxml2 does without
`huge_tree`).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.parsers import expat

from catalogdb.decoding import encoding_of
from catalogdb.errors import InputError

DECLARED = re.compile(rb"""^\s*<\?xml[^>]*?\sencoding\s*=\s*["']([\w.:-]+)["'][^>]*\?>""")
DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
BLOCK_CHARACTERS = 1 << 16
LONGEST_REASON = 200


def parse_xml(path: Path, content: bytes, what: str, again: str) -> tuple[Any, list[str]]:
    """Root element (lxml) of an XML file in any encoding, without comments.

    Args:
        path: for the messages.
        content: unpacked.
        what: the format that is wanted, such as QuakeML.
        again: what to do with a file that can't be read.

    Returns:
        The element, and "file: what" that was guessed of the file.

    Raises:
        InputError: naming the file and the reason.
    """
    from lxml import etree

    content, said = _in_its_encoding(path, content.lstrip(b" \t\r\n"), what, again)
    _refuse_entities(path, content, what, again)
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        return etree.fromstring(content, parser), said
    except (etree.XMLSyntaxError, ValueError) as error:
        raise _not_xml(path, what, again, error) from error


def local_name(element: Any) -> str:
    """An element's name without its namespace; empty for what is no element."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _in_its_encoding(path: Path, content: bytes, what: str, again: str) -> tuple[bytes, list[str]]:
    """The content with a declaration that is true: UTF-16 says so itself, and UTF-8 is not always that."""
    declared = DECLARED.match(content)
    name = declared[1].decode().lower() if declared else "utf-8"
    if declared and not name.startswith("utf"):
        return content, []
    found = encoding_of(path, [content])
    if found in ("utf-8", "utf-8-sig"):
        return content, []
    try:
        text = content.decode(found)
    except UnicodeDecodeError as error:
        raise _not_xml(path, what, again, f"no text in {found}: {error.reason}") from error
    guessed = f"{path}: it is not in UTF-8, as XML is unless it says so: read as {found}"
    return DECLARATION.sub("", text).encode(), [] if found.startswith("utf") else [guessed]


class _Started(Exception):
    """The root element has begun: no declaration can follow."""


def _refuse_entities(path: Path, content: bytes, what: str, again: str) -> None:
    """Before the parser sees them: entities in attributes are expanded while they are parsed."""

    def refuse(declared: str) -> None:
        raise InputError(
            f"{path}: it declares {declared}, which {what} never needs: not read",
            hint="take the <!DOCTYPE ...> out of the file if you trust where it comes from",
        )

    def entity(name: str, *_: Any) -> None:
        refuse(f"the XML entity {name!r}")

    def document_type(_: str, system_id: str | None, public_id: str | None, *__: Any) -> None:
        if system_id or public_id:
            refuse(f"its document type elsewhere ({system_id or public_id})")

    def start(*_: Any) -> None:
        raise _Started

    parser = expat.ParserCreate()
    parser.EntityDeclHandler, parser.StartDoctypeDeclHandler = entity, document_type
    parser.StartElementHandler = start
    try:
        for at in range(0, len(content), BLOCK_CHARACTERS):
            parser.Parse(content[at : at + BLOCK_CHARACTERS])
        parser.Parse(b"", True)
    except _Started:
        return
    except expat.ExpatError as error:
        raise _not_xml(path, what, again, error) from error


def _not_xml(path: Path, what: str, again: str, reason: object) -> InputError:
    return InputError(
        f"{path}: not valid {what}: not XML: {' '.join(str(reason).split())[:LONGEST_REASON]}", hint=again
    )
