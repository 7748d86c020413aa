"""Structured logs: one line per happening, as JSON or as text, with the run and the task that it belongs to.

Nothing is written unless the settings say `log: json` or `log: text` (CATALOGDB_LOG). Lines go to standard error, so
what a command prints stays clean. Messages are fixed words; what varies stands in fields of its own.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal

from catalogdb.documents.free import Json

LogFormat = Literal["json", "text"]

logger = logging.getLogger("catalogdb")
logger.addHandler(logging.NullHandler())
_context: ContextVar[Json | None] = ContextVar("log_context", default=None)

show: Callable[[str], object] | None = None
"""What prints notices for people; the command line sets it."""
TEXT = "%(asctime)s %(levelname)s %(message)s"
SHORTENED = 2000
"""Characters of a field's text."""


@contextmanager
def bound(**fields: Any) -> Iterator[None]:
    """Let every line that is written inside the block carry these fields, such as run_id, task_id, stage and shard."""
    known = {key: value for key, value in fields.items() if value is not None}
    token = _context.set((_context.get() or {}) | known)
    try:
        yield
    finally:
        _context.reset(token)


def event(message: str, level: int = logging.INFO, **fields: Any) -> None:
    """Write one line: fixed words, and fields (numbers, texts, and dictionaries of these)."""
    if logger.isEnabledFor(level):
        shown = {key: value[:SHORTENED] if isinstance(value, str) else value for key, value in fields.items()}
        logger.log(level, message, extra={"fields": (_context.get() or {}) | shown})


def notice(message: str) -> None:
    """Let the person at the terminal know of something that goes on now, such as a wait; also one line of the log."""
    event(message, logging.WARNING)
    if show is not None:
        show(message)


def configure(log: LogFormat | None, level: str = "INFO") -> None:
    """Begin to write lines in a format; in a process where that is done already, nothing changes.

    Args:
        log: json, text, or None for no lines.
        level: the least level written: DEBUG, INFO, WARNING or ERROR.
    """
    if log is None or any(handler.get_name() == __name__ for handler in logger.handlers):
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.set_name(__name__)
    handler.addFilter(_with_fields)
    handler.setFormatter(_json_formatter() if log == "json" else _TextFormatter(TEXT))
    logger.addHandler(handler)
    logger.setLevel(level)
    logger.propagate = False


def _with_fields(record: logging.LogRecord) -> bool:
    """Give the record its fields as its own, where no name of logging's stands in the way; true: it is written."""
    for key, value in getattr(record, "fields", {}).items():
        setattr(record, key if key not in record.__dict__ else f"{key}_", value)
    return True


class _TextFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields = " ".join(f"{key}={value}" for key, value in getattr(record, "fields", {}).items())
        return f"{super().format(record)} {fields}".rstrip()


def _json_formatter() -> logging.Formatter:
    from pythonjsonlogger.json import JsonFormatter

    return JsonFormatter(
        "%(levelname)s %(message)s %(process)d",
        rename_fields={"levelname": "level", "message": "event", "process": "pid"},
        reserved_attrs=[*_RESERVED, "fields"],
        timestamp="time",
        static_fields={"host": _host()},
    )


def _host() -> str:
    import socket

    return socket.gethostname()


_RESERVED = tuple(vars(logging.makeLogRecord({}))) + ("message", "asctime", "taskName")
