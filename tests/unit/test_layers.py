"""Imports keep the contracts of pyproject.toml, and each contract is broken by an import that it forbids."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")

FORBIDDEN = [
    ("layers", "geo.py", "from catalogdb.picking import config"),
    ("layers", "stages/shards.py", "from catalogdb.runs import figures"),
    ("layers", "runs/figures.py", "from catalogdb.api import queries"),
    ("layers", "api/tables.py", "from catalogdb.cli import common"),
    ("layers", "unplaced.py", '"""A module that no layer names."""'),
    ("science", "evaluation/scores.py", "import pymongo"),
    ("science", "association/fit.py", "from catalogdb.database import connection"),
    ("science", "magnitude/local.py", "def late():\n    from bson import ObjectId\n    return ObjectId"),
    ("science", "exchange/positions.py", "from catalogdb.comparisons import readers"),  # which imports pymongo
    ("independence", "association/fit.py", "from catalogdb.evaluation import gates"),
    ("independence", "evaluation/gates.py", "from catalogdb.association import config"),
    ("jobs", "jobs.py", "from catalogdb.scheduling import due"),
    ("ledger", "ledger/parts.py", "from catalogdb.stages import shards"),
    ("acyclic", "exchange/positions.py", "from catalogdb.exchange import event_parts"),
]


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A copy of the package with its contracts."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "catalogdb", folder / "catalogdb", ignore=shutil.ignore_patterns("__pycache__", "weights"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def lint_imports(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`lint-imports` on the package that lies in a folder."""
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    command = [LINT_IMPORTS, "--no-logo", "--no-cache", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_architecture_page_pictures_every_layer():
    (contract,) = [row for row in CONTRACTS if row["id"] == "layers"]
    names = {name.strip() for layer in contract["layers"] for name in layer.split("|")}
    modules = {name for name in names if not name.startswith("(")} - {"__main__"}  # in brackets: need not be there
    page = (ROOT / "docs" / "explanation" / "architecture.md").read_text()
    picture = page.split("```mermaid")[1].split("```")[0]
    assert modules - set(re.findall(r"\w+", picture)) == set()


def test_every_contract_has_an_import_that_breaks_it():
    assert {contract for contract, _, _ in FORBIDDEN} == {row["id"] for row in CONTRACTS}


def test_imports_keep_every_contract(project):
    answer = lint_imports(project)
    assert answer.returncode == 0, answer.stdout
    assert "0 broken" in answer.stdout


@pytest.mark.parametrize(("contract", "module", "source"), FORBIDDEN)
def test_a_forbidden_import_breaks_its_contract(project, contract, module, source):
    path = project / "catalogdb" / module
    before = path.read_text() if path.exists() else None
    try:
        path.write_text(f"{before or ''}\n\n{source}\n")
        answer = lint_imports(project, "--contract", contract)
    finally:
        path.unlink() if before is None else path.write_text(before)
    assert answer.returncode == 1, answer.stdout
    assert "1 broken" in answer.stdout
    assert f"catalogdb.{module.removesuffix('.py').replace('/', '.').split('.')[0]}" in answer.stdout


def test_names_of_test_files_differ():
    """pytest takes them for modules of one name otherwise, and refuses the second."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted({name for name in names if names.count(name) > 1}) == []
