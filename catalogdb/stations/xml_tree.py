"""XML of station files as a tree, within limits of our own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from catalogdb.errors import InputError
from catalogdb.exchange.decoding import decode
from catalogdb.stations.metadata import short

PROLOG_CHARACTERS = 1 << 16


def parse_xml(path: Path, content: bytes) -> Any:
    """Root element (lxml) of an XML file in any encoding, without comments.

    Nothing outside the file is read and no entity is expanded: a document type, which is where entities are declared,
    is refused. libxml2's limits on depth and text size stay in force.

    Raises:
        InputError: naming the file and the reason.
    """
    from lxml import etree

    text = decode(path, content)
    _refuse_document_type(path, text[:PROLOG_CHARACTERS])
    # the text decides on the encoding, not a declaration that may be wrong
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(text.lstrip().encode(), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise InputError(
            f"{path}: not valid StationXML: {short(error)}", hint="is the file whole? fetch it again from its source"
        ) from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise _document_type(path)
    return root


def local_name(element: Any) -> str:
    """An element's name without its namespace; empty for what is no element."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _refuse_document_type(path: Path, prolog: str) -> None:
    """Before the parser sees it: entities in attributes are expanded while they are parsed."""
    before_root = re.split(r"<[A-Za-z_]", re.sub(r"<!--.*?(-->|\Z)", "", prolog, flags=re.DOTALL), maxsplit=1)[0]
    if re.search(r"<!(DOCTYPE|ENTITY)", before_root, re.IGNORECASE):
        raise _document_type(path)


def _document_type(path: Path) -> InputError:
    return InputError(
        f"{path}: it declares a document type (<!DOCTYPE>), which station files have no use for: not read",
        hint="take the declaration out if you trust the file",
    )
