"""The decorator of all kernels: compiled once, and kept on disk for the next process.

Numba's own cache looks at the file of a function alone, and stays stale when a function it calls
changes in another file. Here the folder is named after a hash of all sources that can enter a
kernel, so that no edit leaves anything stale; and a folder that cannot be read or written only
costs the time to compile.
"""

from __future__ import annotations

import functools
import hashlib
import os
import pickle
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import llvmlite
import numba
from numba.core.caching import CompileResultCacheImpl, FunctionCache, _CacheLocator
from numba.misc.appdirs import AppDirs

FOLDER = "STOCHNET_CACHE_DIR"
KEPT = 4
_UNUSABLE = (OSError, EOFError, pickle.PickleError, ImportError, AttributeError, ValueError)


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a module-level function without the GIL, dividing as NumPy does.

    Its machine code is kept in the user's cache folder, or in that of the environment variable
    ``STOCHNET_CACHE_DIR``; nowhere if that is empty.
    """
    compiled = numba.njit(nogil=True, error_model="numpy")(function)
    if _folder() is not None:
        with suppress(*_UNUSABLE):
            compiled._cache = _Cache(function)
    return compiled


@functools.cache
def _folder() -> Path | None:
    """Return the folder of machine code made from just these sources; None for no cache."""
    root = os.environ.get(FOLDER)
    if root == "":
        return None
    base = Path(root or AppDirs("stochnet", appauthor=False).user_cache_dir)
    here = Path(__file__).parent
    known = hashlib.sha256(f"{numba.__version__} {llvmlite.__version__}".encode())
    for source in sorted(here.rglob("*.py")):
        known.update(source.name.encode() + source.read_bytes())
    own = base / f"kernels-{known.hexdigest()[:16]}"
    with suppress(OSError):
        own.mkdir(parents=True, exist_ok=True)
        os.utime(own)
        _forget_old(base)
    return own if os.access(own, os.W_OK) else None


def _forget_old(base: Path) -> None:
    """Remove the folders of other sources but the few that were used last."""
    folders = sorted(base.glob("kernels-*"), key=lambda folder: folder.stat().st_mtime)
    for folder in folders[:-KEPT]:
        shutil.rmtree(folder, ignore_errors=True)


class _Locator(_CacheLocator):  # type: ignore[misc]
    """Tells numba where the machine code of a function lies."""

    def __init__(self, function: Any, file: str) -> None:
        self._py_file, self._function = file, function

    def get_cache_path(self) -> str:
        return str(_folder())

    def get_source_stamp(self) -> str:
        # The folder stands for the sources.
        return ""

    def get_disambiguator(self) -> str:
        return f"{Path(self._py_file).stem}-{self._function.__code__.co_firstlineno}"

    @classmethod
    def from_function(cls, py_func: Any, py_file: str) -> _Locator:
        return cls(py_func, py_file)


class _Implementation(CompileResultCacheImpl):  # type: ignore[misc]
    _locator_classes = (_Locator,)


class _Cache(FunctionCache):  # type: ignore[misc]
    """A cache whose failure is no error."""

    _impl_class = _Implementation

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)
        except _UNUSABLE:
            # A damaged index would also keep a new entry out.
            with suppress(*_UNUSABLE):
                self.flush()
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        with suppress(*_UNUSABLE):
            super().save_overload(sig, data)
