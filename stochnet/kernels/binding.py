"""Compile a plain Python function together with the plain functions that it calls."""

from __future__ import annotations

from collections.abc import Callable
from types import CellType, FunctionType
from typing import Any


class Binding:
    """Compiles functions for one target, each of them once.

    A compiled function can call compiled functions only. So a copy of a function is compiled, in
    which the functions it calls by name, or holds from where it was defined, are compiled ones.

    Parameters
    ----------
    compile_ : callable
        ``function -> compiled function``, such as ``numba.njit`` or ``cuda.jit(device=True)``.
    """

    def __init__(self, compile_: Callable[[Any], Any]) -> None:
        self._compile = compile_
        self._done: dict[FunctionType, Any] = {}

    def __call__(self, function: Any) -> Any:
        """Return the function compiled."""
        if function not in self._done:
            code, names = function.__code__, dict(function.__globals__)
            called = names.keys() & set(code.co_names)
            names.update({name: self._bound(names[name]) for name in called})
            held = function.__closure__ or ()
            cells = tuple(CellType(self._bound(cell.cell_contents)) for cell in held)
            copy = FunctionType(code, names, function.__name__, function.__defaults__, cells)
            copy.__module__, copy.__qualname__ = function.__module__, function.__qualname__
            self._done[function] = self._compile(copy)
        return self._done[function]

    def _bound(self, value: Any) -> Any:
        return self(value) if isinstance(value, FunctionType) else value
