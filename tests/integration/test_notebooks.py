"""The tutorials run from end to end on the demo's data, and come to the figures that they did."""

import ast
import os
import shutil
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from catalogdb.demo.run import run_demo

FOLDER = Path(__file__).parents[2] / "docs" / "tutorial"
FIGURES = {
    "catalog-to-other-programs": {
        "events": 4,
        "arrivals to HypoDD": 1.0,
        "HypoDD within 0.1 ms": True,
        "relocated north (km)": 0.1,
        "arrivals to NonLinLoc": 1.0,
        "NonLinLoc within 0.1 ms": True,
        "events to pyCSEP": 4,
    },
    "evaluate-against-a-bulletin": {
        "events matched": 4,
        "events missed": 0,
        "picks recall": pytest.approx(1.0, abs=0.02),
        "picks precision": pytest.approx(0.86, abs=0.03),
        "strict precision": pytest.approx(0.95, abs=0.03),
    },
    "first-catalog": {
        "events": 4,
        "strict matched": 4,
        "strict missed": 0,
        "exported": 2,
        "read with MsPASS": True,
        "mine": 4,
    },
    "mongodb-for-seismologists": {"events": 4, "near": 3, "sure P picks": 25, "traces of the largest event": 8},
    "reprocess-a-season": {
        "tasks of the demo": 15,
        "nothing to do": True,
        "picked again without a station": 0,
        "stale with other settings": True,
        "parallel run": "done",
    },
    "swarm-with-four-associators": {
        "events": 24,
        "scan matched": pytest.approx(24, abs=1),
        "scan proposed": pytest.approx(0, abs=1),
        "gamma matched": pytest.approx(20, abs=3),
    },
}
"""What the last cell of each gives."""


@pytest.fixture(scope="module")
def demo_folder(tmp_path_factory):
    """Where the demo keeps its waveforms."""
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def demo(server, demo_folder):
    """Settings of a database in which two hours of the demo were made with eight stations."""
    settings = server.model_copy(update={"database": "test_notebooks"})
    run_demo(settings, demo_folder, 1, 2.0, 8, say=lambda text: None, progress=lambda stage, total, report: None)
    return settings


@pytest.fixture
def environment(demo, monkeypatch):
    monkeypatch.setenv("CATALOGDB_DATA_DIR", str(demo.data_dir))
    monkeypatch.setenv("CATALOGDB_DATABASE", demo.database)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")  # cells in bash run `catalogdb`


@pytest.mark.parametrize("name", FIGURES)
def test_notebook_comes_to_its_figures(name, environment, demo_folder, tmp_path):
    if name == "first-catalog":  # which runs the same demo: its waveforms are there already
        shutil.copytree(demo_folder, tmp_path / "catalogdb-demo")
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    (output,) = notebook.cells[-1].outputs
    assert ast.literal_eval(output["data"]["text/plain"]) == FIGURES[name]


def test_every_notebook_is_run_and_holds_no_output():
    found = sorted(FOLDER.glob("*.ipynb"))
    assert [path.stem for path in found] == sorted(FIGURES)
    for path in found:
        notebook = nbformat.read(path, as_version=4)
        assert not any(cell.get("outputs") or cell.get("execution_count") for cell in notebook.cells), path.name
        assert any("## Exercises" in cell.source for cell in notebook.cells), path.name
