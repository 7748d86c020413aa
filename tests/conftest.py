"""Fixtures: one real mongod for the session, a fresh database for each test, real data where there are some."""

from __future__ import annotations

import os
import signal
import sys
import uuid
from functools import partial
from pathlib import Path

import hypothesis
import psutil
import pytest
from commands import Result, environment_of
from databases import Databases, drop

from catalogdb.cli import main
from catalogdb.database.connection import connect, embedded, mspass_database
from catalogdb.settings import Settings

# No test asserts a time, on a busy machine either.
hypothesis.settings.register_profile("untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("untimed")


WORKER_GB = 4.0
"""Of memory that a worker of pytest may take, with its mongod and the programs that its tests start."""


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One more worker than there are cores, since a fifth of their time tests wait for what they started; fewer where
    memory is short."""
    memory = psutil.virtual_memory().total / 1e9
    return max(1, min((psutil.cpu_count() or 1) + 1, int(memory / WORKER_GB)))


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """Settings of an embedded mongod of this test session, stopped at its end."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("mongod"))
    embedded(settings).start()
    # mongod keeps the files of a dropped database open for as long as its history reaches, 300 s, and one more
    # checkpoint; with a database for each test these are soon more files than a process may have open
    connect(settings).client.admin.command("setParameter", 1, minSnapshotHistoryWindowInSeconds=5, syncdelay=10.0)
    yield settings
    embedded(settings).stop()


@pytest.fixture(scope="session")
def databases(server):
    """Databases at the schema, for one test after the other."""
    return Databases(server)


@pytest.fixture
def bare_settings(server):
    """Settings of a database of this test's own that isn't there yet, dropped afterwards."""
    own = server.model_copy(update={"database": f"test_{uuid.uuid4().hex[:12]}"})
    yield own
    drop(own)


@pytest.fixture
def settings(request):
    """Settings of a database of this test's own: at the schema for a test that asks for `db`, else not there yet."""
    if "db" not in request.fixturenames:
        yield request.getfixturevalue("bare_settings")
        return
    databases = request.getfixturevalue("databases")
    own = databases.take()
    yield own
    databases.give_back(own)


@pytest.fixture
def db(settings):
    """The test's database, without a document."""
    return connect(settings)


@pytest.fixture
def mspass_db(settings, db):
    """The same database as MsPASS sees it."""
    return mspass_database(settings)


@pytest.fixture
def command(monkeypatch, capsys):
    """Runs one command in this process, with given settings, by the entry point that the installed command has."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def run(settings: Settings, *arguments, **environment: str) -> Result:
        for name in ("CATALOGDB_URI", "CATALOGDB_CONFIG"):
            monkeypatch.delenv(name, raising=False)
        for name, value in environment_of(settings, **environment).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["catalogdb", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as caught:
            main()
        return Result(caught.value.code, *capsys.readouterr())

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def cli(command, settings):
    """Runs one command in this process on the test's database."""
    return partial(command, settings)


@pytest.fixture(scope="session")
def realdata() -> Path:
    """Folder of real waveforms and catalogs."""
    folder = os.environ.get("CATALOGDB_REALDATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("CATALOGDB_REALDATA names no folder of real data")
    return Path(folder)


@pytest.fixture(scope="session")
def real_weights() -> Path:
    """SeisBench cache that holds real pretrained weights."""
    folder = os.environ.get("SEISBENCH_CACHE_ROOT")
    if not folder or not (Path(folder) / "models" / "v3" / "phasenet").is_dir():
        pytest.skip("SEISBENCH_CACHE_ROOT names no SeisBench cache with PhaseNet weights")
    return Path(folder)
