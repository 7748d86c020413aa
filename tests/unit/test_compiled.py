"""Kernels: their cache holds what they call, so they call nothing compiled of another file."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from pathlib import Path

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


def test_kernel_is_compiled_without_a_cache(monkeypatch):
    def add(first, second):
        return first + second

    def refuse(function, cache=False, **options):
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return njit(function, **options)

    from catalogdb import compiled as module

    njit = module.njit
    monkeypatch.setattr(module, "njit", refuse)
    assert module.compiled(add)(1, 2) == 3
