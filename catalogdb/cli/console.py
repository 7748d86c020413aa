"""Printing whose content can not command the terminal: control characters of files and names are written out.

Where standard output can't be written, the error says so.
"""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console, ConsoleOptions
from rich.segment import Segment
from rich.text import Text

from catalogdb.errors import CatalogdbError

WIDTH_OF_PIPES = 160  # columns where no terminal says how wide it is

# of C0 all but tab and line feed, DEL, C1 (0x9b alone begins a command), and marks that turn the direction of writing
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class SafeConsole(Console):
    """Rich's console; texts given to it, in tables too, have their control characters written out (`\\x1b`)."""

    def __init__(self, **options: Any):
        stream = sys.stderr if options.get("stderr") else sys.stdout
        options.setdefault("width", None if stream and stream.isatty() else WIDTH_OF_PIPES)
        super().__init__(highlight=False, emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """As Rich's."""
        return super().render_str(visible(text), **options)

    def render(self, renderable: Any, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        """As Rich's; what no string gave, such as the parts of trees, is made visible here."""
        for segment in super().render(renderable, options):
            if segment.control or not CONTROLS.search(segment.text):
                yield segment
            else:
                yield Segment(visible(segment.text), segment.style)


class StandardStream(io.TextIOWrapper):
    """Standard output or error, whose errors name it: those of the system don't.

    Once the reader of a pipe has seen enough, what is written goes nowhere, and the command ends as it would have.
    """

    has_reader = True
    _what = ""

    @classmethod
    def replace(cls) -> None:
        """Put it in the place of Python's own; one that is closed, or no file, stays."""
        for name, what in (("stdout", "standard output"), ("stderr", "standard error")):
            own = getattr(sys, name)
            if type(own) is io.TextIOWrapper:
                stream = cls(own.buffer, own.encoding, own.errors, None, own.line_buffering, own.write_through)
                stream._what = what
                setattr(sys, name, stream)

    def write(self, text: str) -> int:
        """As that of any text."""
        with self._named():
            super().write(text)
        return len(text)

    def flush(self) -> None:
        """As that of any text."""
        with self._named():
            super().flush()

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            with open(os.devnull, "wb") as nowhere:  # what is left in the buffer must not fail again
                os.dup2(nowhere.fileno(), self.fileno())
            if not isinstance(error, BrokenPipeError):
                raise CatalogdbError(f"{self._what}: cannot be written: {error.strerror or error}") from None
            self.has_reader = False


def is_read() -> bool:
    """Whether somebody may still read standard output; what would print for ever asks."""
    return getattr(sys.stdout, "has_reader", True)


def visible(text: str) -> str:
    """The text with its control characters written out."""
    return CONTROLS.sub(lambda match: _code(match[0], "x"), text)


def visible_json(text: str) -> str:
    """JSON text whose strings hold no control characters; those of ASCII are written out by JSON itself."""
    return CONTROLS.sub(lambda match: _code(match[0], "u"), text)


def _code(character: str, kind: str) -> str:
    value = ord(character)
    return f"\\x{value:02x}" if kind == "x" and value < 256 else f"\\u{value:04x}"
