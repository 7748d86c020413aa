"""What a job file has brought in before its job."""

from __future__ import annotations

from pydantic import BaseModel
from pymongo.database import Database

from catalogdb.stages import registry


def bring_in(db: Database, block: BaseModel | None, unread: list[str]) -> None:
    """Have the stage whose settings a block is read what the block names; none: nothing.

    Args:
        unread: what can't be read is added to it, each line with its file.

    Raises:
        InputError: where what the block names is not there.
    """
    for stage in registry.file_stages():
        if stage.settings is not None and isinstance(block, stage.settings):
            stage.bring_in(db, block, unread)
