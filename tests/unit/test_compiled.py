"""Kernels: their cache holds what they call, so they call nothing compiled of another file."""

from __future__ import annotations

import importlib
import inspect
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest
from numba.core.dispatcher import Dispatcher

import catalogdb
from catalogdb.compiled import compiled


def _modules_with_kernels():
    for module in pkgutil.walk_packages(catalogdb.__path__, "catalogdb."):
        found = importlib.util.find_spec(module.name)
        if found.origin and "import compiled" in Path(found.origin).read_text(encoding="utf-8"):
            yield importlib.import_module(module.name)


def _foreign_kernels(module):
    return [
        f"{module.__name__}.{name}"
        for name, value in vars(module).items()
        if isinstance(value, Dispatcher) and inspect.unwrap(value.py_func).__module__ != module.__name__
    ]


def test_kernels_call_those_of_their_own_file():
    assert [name for module in _modules_with_kernels() for name in _foreign_kernels(module)] == []


def test_kernel_divides_by_zero_like_numpy():
    assert compiled(lambda value: 1.0 / value)(0.0) == float("inf")


KERNEL = """from catalogdb.compiled import compiled

@compiled
def added(value: float) -> float:
    return value + {term}
"""
CALL = """import resource, sys
from kernel import added
if len(sys.argv) > 1:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
print(added(1.0))
"""
INDEX_BYTES = 4096  # the index takes less, the code more


@pytest.fixture
def added(tmp_path):
    """Call a kernel that adds a term to 1 in a process of its own, where files can't be longer than a limit."""

    def call(term, limit=None):
        (tmp_path / "kernel.py").write_text(KERNEL.format(term=term), encoding="utf-8")
        path = os.pathsep.join([str(tmp_path), str(Path(catalogdb.__file__).parents[1])])
        environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": path}
        command = [sys.executable, "-B", "-c", CALL, *([] if limit is None else [str(limit)])]
        return float(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)

    return call


def test_kernel_is_compiled_without_a_place_for_a_cache(added, tmp_path):
    (tmp_path / "cache").write_bytes(b"")
    (tmp_path / "__pycache__").write_bytes(b"")
    (tmp_path / "home").write_bytes(b"")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path / "home"))
        patch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
        assert added(1.0) == 2.0


def test_kernel_is_compiled_where_the_disk_is_full(added):
    assert [added(1.0, limit=0), added(1.0, limit=INDEX_BYTES), added(1.0)] == [2.0] * 3


def test_cut_cache_is_compiled_again(added, tmp_path):
    assert added(1.0) == 2.0
    files = sorted((tmp_path / "cache").glob("*/kernel.*"))
    assert {file.suffix for file in files} == {".nbi", ".nbc"}
    for file in files:
        whole = file.read_bytes()
        file.write_bytes(whole[: len(whole) // 2])
        assert added(1.0) == 2.0
        assert file.stat().st_size == len(whole)


def test_old_code_is_not_run_after_a_write_was_cut_short(added):
    assert added(1.0) == 2.0
    assert added(5.0, limit=INDEX_BYTES) == 6.0
    assert added(5.0) == 6.0
