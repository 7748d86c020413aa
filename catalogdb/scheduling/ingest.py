"""What a firing brings into the database before its job, as `catalogdb ingest` does."""

from __future__ import annotations

import os
import socket

from pymongo.database import Database

from catalogdb.errors import InputError
from catalogdb.job_schedule import IngestBlock
from catalogdb.stages.ingest_waveforms import ingest_waveforms


def ingest_before(db: Database, block: IngestBlock, unread: list[str]) -> None:
    """Index what is new or has changed.

    Args:
        unread: what can't be read is added to it, each line with its file. Files that were indexed before and are gone
            are not among them: many an archive keeps some days alone.

    Raises:
        InputError: for a path that can't be looked at from here, and for a folder that holds no file any more where
            there were some.
    """
    for path in block.waveforms:
        _check(path)
    for path in block.waveforms:
        summary = ingest_waveforms(db, [path])
        if summary.missing and not summary.files:
            raise InputError(
                f"ingest: {path}: holds none of the {summary.missing} files that were indexed there, as seen from "
                f"{socket.gethostname()}",
                hint="is it mounted?",
            )
        unread += summary.problems[:-1] if summary.missing else summary.problems  # the last one counts what is gone


def _check(path: str) -> None:
    """Refuse what is not there, even if it was once: its disk may just not be mounted."""
    try:
        if os.path.isdir(path):
            os.scandir(path).close()
        else:
            os.stat(path)
    except OSError as error:
        where = f"as seen from {socket.gethostname()}"
        raise InputError(f"ingest: {path}: {error.strerror or error}, {where}", hint="is it mounted?") from None
