"""What runs in a process of its own: the code of a study, which the runner never imports."""

from __future__ import annotations

import multiprocessing
import os
import platform
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from stochnet._version import __version__
from stochnet.errors import InvalidInputError
from stochnet.kernels.threads import limited
from stochnet.study.cell_rows import plain_tables
from stochnet.study.cells import checked
from stochnet.study.config import CODE
from stochnet.study.study_code import explained, study_module

LIBRARIES = ("numpy", "scipy", "numba", "torch", "torchvision")
Outcome = tuple[Any, tuple[str, str] | None]
"""A result and None, or None with the error in one line and its traceback."""


def start() -> None:
    """Prepare a process: it leaves Ctrl-C and stdout to its parent, and does not survive it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Results of a command stand alone on stdout.
    os.dup2(2, 1)
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def describe(folder: Path, config: dict[str, Any]) -> Outcome:
    """Return VERSION, the cells that run.py gives and whether it has a finish."""
    return _tried(folder, lambda: _described(folder, config))


def run_cell(folder: Path, cell: dict[str, Any], config: dict[str, Any]) -> Outcome:
    """Return rows by table, seconds and versions of one cell."""

    def run() -> dict[str, Any]:
        code = _code(folder)
        began = time.perf_counter()
        with limited(1):
            tables = plain_tables(code.cell(dict(cell), config), cell)
        seconds = time.perf_counter() - began
        return {"seconds": round(seconds, 3), "versions": _versions(), "tables": tables}

    return _tried(folder, run)


def run_finish(folder: Path, results: Path, config: dict[str, Any]) -> Outcome:
    """Call ``finish`` of run.py."""

    def run() -> None:
        _code(folder).finish(results, config)

    return _tried(folder, run)


def _described(folder: Path, config: dict[str, Any]) -> dict[str, Any]:
    code = _code(folder)
    if not callable(getattr(code, "cell", None)):
        raise InvalidInputError(
            f"{folder / CODE} defines no function cell(cell, config); write one that returns the "
            'rows of one cell by table, such as {"nodes": [{"rate": 0.5}]}'
        )
    version = getattr(code, "VERSION", 1)
    if type(version) is not int:
        raise InvalidInputError(f"VERSION of {folder / CODE} must be an integer, got {version!r}")
    cells = checked(code.cells(config)) if hasattr(code, "cells") else None
    return {"version": version, "cells": cells, "finish": hasattr(code, "finish")}


def _code(folder: Path) -> ModuleType:
    """Return run.py of the study, with one thread for all that it has imported."""
    code = study_module(folder, CODE.removesuffix(".py"))
    torch: Any = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)
    return code


def _tried(folder: Path, function: Callable[[], Any]) -> Outcome:
    # An error of the study may not survive being sent, so its text is.
    try:
        return function(), None
    except (Exception, SystemExit) as caught:  # noqa: BLE001
        error = explained(caught, folder)
        last = traceback.format_exception_only(error)[-1]
        return None, (" ".join(last.split()), "".join(traceback.format_exception(error)))


def _versions() -> dict[str, str]:
    """Return versions of what this process has imported."""
    found = {"python": platform.python_version(), "stochnet": __version__}
    for name in LIBRARIES:
        if name in sys.modules:
            found[name] = str(getattr(sys.modules[name], "__version__", ""))
    return found
