"""The Python files of a study, imported as a package of their own; no search path is changed."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import re
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from stochnet.errors import InvalidInputError


def study_module(folder: Path, name: str) -> ModuleType:
    """Return a module of the study in a folder, imported once.

    Studies in one folder are sub-packages of one package, so that a file of a study imports the
    file beside it by ``from . import networks``, and that of another study by
    ``from ..memorization import features``.

    Parameters
    ----------
    folder : Path
        Absolute.
    name : str
        As in ``from . import name``.
    """
    where = hashlib.sha256(str(folder.parent).encode()).hexdigest()[:8]
    package = _package(f"stochnet_studies_{where}", folder.parent)
    study = _package(f"{package}.{re.sub(r'[^A-Za-z0-9_]', '_', folder.name)}", folder)
    return importlib.import_module(f"{study}.{name}")


def _package(name: str, folder: Path) -> str:
    """Make the files of a folder importable as a package of this name."""
    if name not in sys.modules:
        spec = ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = [str(folder)]
        sys.modules[name] = importlib.util.module_from_spec(spec)
    return name


def explained(error: BaseException, folder: Path) -> BaseException:
    """Return an error that says what to write, where a file beside was imported by its name."""
    name = error.name or "" if isinstance(error, ModuleNotFoundError) else ""
    beside = folder / name.partition(".")[0]
    if name and (beside.is_dir() or beside.with_suffix(".py").is_file()):
        return InvalidInputError(
            f"import {name} finds nothing, for the files of a study are a package; write "
            f"from . import {name}"
        ).with_traceback(error.__traceback__)
    return error
