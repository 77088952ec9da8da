"""The processes, one file each; a file that ends with ``PROCESS = Process(...)`` is found.

Folders beside them hold mathematics that several processes share.
"""

from __future__ import annotations

import copyreg
from collections.abc import Iterable, Mapping
from typing import Any

from stochnet.errors import InvalidInputError
from stochnet.errors.entrance import shown
from stochnet.errors.entrance.variants import by_name, declared
from stochnet.process import Process


def discover(path: Iterable[str], package: str) -> Mapping[str, Process]:
    """Import every module of a package and collect its ``PROCESS``.

    Raises
    ------
    InvalidInputError
        A module has no ``PROCESS``, or its name is taken.
    """
    return by_name(declared(path, package, "PROCESS", Process, "Process(...)"), "process")


PROCESSES = discover(__path__, __name__)


def get_process(process: str | Process) -> Process:
    """Return the process of a name.

    Raises
    ------
    InvalidInputError
        There is none of that name; the message lists those there are.
    """
    if isinstance(process, Process):
        return process
    if not isinstance(process, str) or process not in PROCESSES:
        raise InvalidInputError(f"no process {shown(process)}; there are {', '.join(PROCESSES)}")
    return PROCESSES[process]


def _reduced(process: Process) -> tuple[Any, ...]:
    """Pickle one of stochnet's own by its name, for it may hold functions without one."""
    if PROCESSES.get(process.name) is process:
        return get_process, (process.name,)
    reduced: tuple[Any, ...] = process.__reduce_ex__(4)  # type: ignore[assignment]
    return reduced


copyreg.pickle(Process, _reduced)
