"""What several integration tests share."""

import pytest
from engine_day import EngineDay


@pytest.fixture(scope="session")
def engine_day(server, tmp_path_factory):
    """A small day, and what the local engine makes of it."""
    day = EngineDay(server, tmp_path_factory.mktemp("engine_day"))
    yield day
    day.drop()
