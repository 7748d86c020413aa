"""What a job file has brought in before its job."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import BaseModel
from pymongo.database import Database

from catalogdb import logs
from catalogdb.database.lease import name_lease
from catalogdb.stages import registry


def bring_in(
    db: Database, block: BaseModel | None, unread: list[str], unless: Callable[[], bool] = lambda: False
) -> None:
    """Have the stage whose settings a block is read what the block names, one process at a time; none: nothing.

    Args:
        unread: what can't be read is added to it, each line with its file.
        unless: read nothing where this is true once it is this process's turn.

    Raises:
        InputError: where what the block names is not there.
    """
    if block is None:
        return
    with name_lease(db, "ingest", "files of jobs", _say_waiting):
        if unless():
            return
        for stage in registry.file_stages():
            if stage.settings is not None and isinstance(block, stage.settings):
                stage.bring_in(db, block, unread)


def _say_waiting(holder: str) -> None:
    logs.notice(f"{holder} reads the files of a job: waiting for it")
