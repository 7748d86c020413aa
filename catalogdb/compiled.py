"""Loops compiled to machine code by Numba, for what NumPy's calls on a few values take most of the time of.

A kernel calls kernels of its own file alone: the cache on disk is renewed when that file changes, not another one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def compiled(function: Kernel) -> Kernel:
    """Compile where it is first called; kept on disk beside the file, or in the user's cache where that is read-only.

    Without a place to write to it is compiled in each process. Division by zero gives infinity, as in NumPy.
    """
    try:
        kernel = njit(function, cache=True, nogil=True, error_model="numpy")
    except RuntimeError:  # no place for a cache
        kernel = njit(function, nogil=True, error_model="numpy")
    return cast(Kernel, kernel)
