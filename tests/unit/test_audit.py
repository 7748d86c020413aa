"""What the audit of dependencies says, and that it never calls clean what it could not ask about."""

import importlib.util
from pathlib import Path

import pytest

PATH = Path(__file__).parent.parent.parent / "deploy" / "audit_report.py"
CLEAN = {"name": "good", "version": "1.0", "vulns": []}
SKIPPED = {"name": "unknown", "skip_reason": "Dependency not found on PyPI"}
FLAWED = {"name": "bad", "version": "0.1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["0.2"]}]}


@pytest.fixture(scope="module")
def summary():
    spec = importlib.util.spec_from_file_location("audit_report", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.summary


def test_clean(summary):
    assert summary({"dependencies": [CLEAN]}) == (["audit: 1 packages audited, 0 not, 0 known flaws"], 0)


def test_flaws_fail_and_are_named(summary):
    lines, code = summary({"dependencies": [CLEAN, FLAWED, SKIPPED]})
    assert code == 1
    assert lines[0] == "bad 0.1: PYSEC-1, fixed in 0.2"
    assert lines[1:] == ["not audited: unknown", "audit: 2 packages audited, 1 not, 1 known flaws"]


def test_nothing_asked_is_not_clean(summary):
    lines, code = summary({"dependencies": [SKIPPED, SKIPPED]})
    assert code == 0 and "NOT DONE" in lines[0]
