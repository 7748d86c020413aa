"""The command line as tests use it."""

import json
import os
from typing import Any, NamedTuple

from catalogdb.database.connection import connection_uri
from catalogdb.settings import Settings

NOT_PASSED_ON = ("CATALOGDB_URI", "CATALOGDB_CONFIG", "SLURM_")


class Result(NamedTuple):
    """What one command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        content = json.loads(self.out)
        assert isinstance(content, dict)
        return content


def environment_of(settings: Settings, by_uri: bool = False, **more: str) -> dict[str, str]:
    """Environment in which the command finds the test's database, and nothing of the user's own.

    Args:
        by_uri: as on a cluster, by the address of the server rather than as the embedded one.
    """
    others = {key: value for key, value in os.environ.items() if not key.startswith(NOT_PASSED_ON)}
    where = {"CATALOGDB_DATA_DIR": str(settings.data_dir)}
    if by_uri:
        where = {"CATALOGDB_URI": connection_uri(settings, start=False)}
    return others | where | {"CATALOGDB_DATABASE": settings.database} | more
