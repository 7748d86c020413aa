"""Ctrl-C and SIGTERM end a command in the same way from its first moment on, with the exit code of an interrupt."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

INTERRUPTED = 130
MOMENT_SECONDS = 0.02
MESSAGE = "interrupted: what was finished is kept; run the same command again to go on"


@contextmanager
def interruptible() -> Iterator[None]:
    """End the process with `INTERRUPTED` when an interrupt comes out of the block."""
    end_cleanly_on_sigterm()
    raise_what_was_swallowed()
    try:
        yield
    except KeyboardInterrupt:
        end_interrupted()


def end_cleanly_on_sigterm() -> None:
    """Let SIGTERM end a command the way Ctrl-C does, so that leases are given back."""

    def interrupt(signum: int, frame: Any) -> None:
        raise KeyboardInterrupt

    with suppress(ValueError):  # only the main thread may, and only its process gets signals
        signal.signal(signal.SIGTERM, interrupt)


def raise_what_was_swallowed() -> None:
    """Raise an interrupt anew that met a callback, of an import's lock say: Python ignores what is raised in there."""
    otherwise = sys.unraisablehook

    def raise_again(unraisable: Any) -> None:
        if issubclass(unraisable.exc_type, KeyboardInterrupt):
            # by then the callback is over; SIGTERM, since a shell lets what it runs in the background ignore SIGINT
            main = threading.main_thread().ident
            later = threading.Timer(MOMENT_SECONDS, signal.pthread_kill, (main, signal.SIGTERM))
            later.daemon = True
            later.start()
        else:
            otherwise(unraisable)

    sys.unraisablehook = raise_again


def ignore_signals() -> None:
    """Let no signal change the exit code of a command that has ended, while Python puts itself away."""
    with suppress(ValueError):
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)


def end_interrupted() -> NoReturn:
    """Say so and end.

    `sys.exit` would not do: once an interrupt has come out of an `exec` of source text, by which modules define their
    dataclasses while they are imported, Python ends itself with SIGINT whatever code it is asked for.
    """
    ignore_signals()
    with suppress(OSError, ValueError):
        print(MESSAGE, file=sys.stderr, flush=True)
        sys.stdout.flush()
    os._exit(INTERRUPTED)
