"""The command line as tests use it."""

import json
import os
from typing import Any, NamedTuple

from catalogdb.settings import Settings


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


def environment_of(settings: Settings) -> dict[str, str]:
    """Environment in which the command finds the test's database, and nothing of the user's own."""
    others = {key: value for key, value in os.environ.items() if key not in ("CATALOGDB_URI", "CATALOGDB_CONFIG")}
    return others | {"CATALOGDB_DATA_DIR": str(settings.data_dir), "CATALOGDB_DATABASE": settings.database}
