"""Ctrl-C and SIGTERM end a command in the same way from its first moment on, with the exit code of an interrupt."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, NoReturn

INTERRUPTED = 130
MOMENT_SECONDS = 0.02
IMPORTING = "<frozen importlib"
CALLING_BACK = os.path.join("obspy", "io", "mseed", "headers.py")  # every call of libmseed goes through it
_has_interrupted = False
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
    """Let SIGTERM end a command the way Ctrl-C does, so that leases are given back, and neither while a module is
    imported."""
    with suppress(ValueError):  # only the main thread may, and only its process gets signals
        signal.signal(signal.SIGTERM, interrupt)
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, interrupt)


def interrupt(signum: int, frame: FrameType | None) -> None:
    """Handler of signals that raises KeyboardInterrupt, but for what must not be broken off: that is finished before.

    Where Python gives up the import of a library in C half-way, the library crashes; where it raises in a function that
    ObsPy's reader in C calls for memory, ctypes ignores that, and the reader writes to an address that is none.

    Raises:
        KeyboardInterrupt: where nothing of the kind is under way.
    """
    global _has_interrupted
    if _must_be_finished(frame):
        _again_in_a_moment()
    else:
        _has_interrupted = True
        raise KeyboardInterrupt


def has_interrupted() -> bool:
    """Whether `interrupt` has raised: a library may have made another error of it, as pydantic does in serialisers."""
    return _has_interrupted


def _must_be_finished(frame: FrameType | None) -> bool:
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith(IMPORTING) or file.endswith(CALLING_BACK):
            return True
        frame = frame.f_back
    return False


def _again_in_a_moment() -> None:
    """Send this thread the signal once more; SIGTERM, since a shell lets what it runs in the background ignore
    SIGINT."""
    later = threading.Timer(MOMENT_SECONDS, signal.pthread_kill, (threading.main_thread().ident, signal.SIGTERM))
    later.daemon = True
    later.start()


def raise_what_was_swallowed() -> None:
    """Raise an interrupt again that met a callback, of an import's lock say: Python ignores what is raised in there."""
    otherwise = sys.unraisablehook

    def raise_again(unraisable: Any) -> None:
        if issubclass(unraisable.exc_type, KeyboardInterrupt):
            _again_in_a_moment()  # by then the callback is over
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
