"""Loops compiled to machine code by Numba, where NumPy's calls on a few values each would take most of the time.

A kernel calls kernels of its own file alone: the cache on disk is renewed when that file changes, not another one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar, cast

from numba import njit
from numba.core.caching import CompileResultCacheImpl, FunctionCache
from numba.core.dispatcher import Dispatcher

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def compiled(function: Kernel) -> Kernel:
    """Compile where it is first called; kept on disk beside the file, or in the user's cache where that is read-only.

    Without a place to write to it is compiled in each process. Division by zero gives infinity, as in NumPy.
    """
    kernel = njit(function, nogil=True, error_model="numpy")
    if isinstance(kernel, Dispatcher):  # a plain function with NUMBA_DISABLE_JIT
        with suppress(RuntimeError):  # no place for a cache
            kernel._cache = _Cache(function)  # type: ignore[attr-defined]
    return cast(Kernel, kernel)


class _Files(CompileResultCacheImpl):
    """Files named by the source as well.

    Numba writes the index before the code: stopped between the two, the new source's index would name the old's code.
    """

    def get_filename_base(self, fullname: str, abiflags: str) -> str:
        source = hashlib.sha256(repr(self.locator.get_source_stamp()).encode()).hexdigest()
        return f"{super().get_filename_base(fullname, abiflags)}.{source[:16]}"


class _Cache(FunctionCache):
    """What can't be read is compiled again, what can't be written isn't kept."""

    _impl_class = _Files

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # whatever unpickling of a cut file raises
            with suppress(OSError):
                self.flush()
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        with suppress(OSError):  # a full disk
            super().save_overload(sig, data)
