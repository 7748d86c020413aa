"""What several integration tests share."""

import pytest
from engine_day import EngineDay


@pytest.fixture(scope="session")
def engine_day(databases, tmp_path_factory):
    """A small day, and what the local engine makes of it."""
    return EngineDay(databases, tmp_path_factory.mktemp("engine_day"))


@pytest.fixture(autouse=True)
def days_given_back(request):
    """Gives back the databases with the day that a test had for itself."""
    if "engine_day" not in request.fixturenames:
        yield
        return
    day = request.getfixturevalue("engine_day")
    kept = len(day.made)
    yield
    day.give_back(kept)
