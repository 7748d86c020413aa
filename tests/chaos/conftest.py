"""Fixtures of the chaos tests, and the table that they end with.

The tests take minutes each; `make chaos` runs them, the default run of pytest does not.
"""

import time
from dataclasses import dataclass, field
from random import Random

import pytest
from fault_runs import dump, fill, finish, write_day

from catalogdb.database.connection import embedded
from catalogdb.settings import Settings

ROWS = []


def pytest_addoption(parser):
    parser.addoption("--chaos-seed", type=int, default=1, help="seed of the moments and victims")


@dataclass
class Record:
    """One row of the table; a test fills it in as it goes."""

    seed: int
    fault: str = ""
    times: int = 0
    ended: dict[str, int] = field(default_factory=dict)
    equal: str = "-"
    begun: float = field(default_factory=time.monotonic)

    def __post_init__(self):
        self.random = Random(self.seed)

    def count(self, how: str) -> None:
        """Count one outcome."""
        self.ended[how] = self.ended.get(how, 0) + 1

    def same(self, ours: dict, theirs: dict) -> None:
        """The catalog equals the undisturbed one, document for document."""
        self.equal = "NO"
        for name in theirs:
            assert ours[name] == theirs[name], name
        assert theirs["pick"] and theirs["event"]
        self.equal = "yes"


@pytest.fixture
def record(request):
    """The row of this test."""
    row = Record(request.config.getoption("--chaos-seed"))
    yield row
    if row.fault and row.times:
        outcomes = ", ".join(f"{how}: {count}" for how, count in row.ended.items())
        failed = getattr(request.node, "failed", False)
        seconds = time.monotonic() - row.begun
        ROWS.append((row.fault, row.times, outcomes + (" TEST FAILED" if failed else ""), row.equal, f"{seconds:.0f}"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.when == "call" and report.failed:
        item.failed = True


def pytest_terminal_summary(terminalreporter, config):
    if not ROWS:
        return
    terminalreporter.section(f"chaos (seed {config.getoption('--chaos-seed')})")
    terminalreporter.line("| fault | times | how it ended | catalog equal | seconds |")
    terminalreporter.line("|---|---|---|---|---|")
    for row in ROWS:
        terminalreporter.line("| " + " | ".join(map(str, row)) + " |")


@pytest.fixture(scope="session")
def day(tmp_path_factory):
    """Waveforms, stations and job."""
    return write_day(tmp_path_factory.mktemp("day"))


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory, day):
    """The catalog that nothing disturbed."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("undisturbed"), database="faults")
    fill(settings, day)
    finish(settings, day)
    result = dump(settings)
    embedded(settings).stop()
    return result


@pytest.fixture
def own_server(tmp_path, day):
    """Settings of a server of the test's own, filled with stations and waveforms."""
    settings = Settings(data_dir=tmp_path / "data", database="faults")
    fill(settings, day)
    yield settings
    embedded(settings).stop()
