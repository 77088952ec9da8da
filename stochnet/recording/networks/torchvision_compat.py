"""Import torchvision where its compiled operators do not load.

Beside the CPU build of torch the operators in torchvision's wheel are not found, and its import
fails because two of them are looked up by name. Models, data sets and transforms use neither, so
declaring their schemas is enough.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

import torch

from stochnet.errors import MissingExtraError

_SYMPTOM = "operator torchvision::nms does not exist"
_OPERATORS = ("nms", "qnms")
_SIGNATURE = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
# A library of operators lives as long as this object.
_libraries: list[torch.library.Library] = []


def import_torchvision() -> ModuleType:
    """Return torchvision, with its models and data sets loaded.

    Raises
    ------
    MissingExtraError
        torchvision is not installed.
    """
    try:
        return _import()
    except ModuleNotFoundError as error:
        if error.name != "torchvision":
            raise
        raise MissingExtraError("torchvision", "torch") from error
    except RuntimeError as error:
        if _SYMPTOM not in str(error):
            raise
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]
    _declare_operators()
    return _import()


def _import() -> ModuleType:
    package = importlib.import_module("torchvision")
    importlib.import_module("torchvision.models")
    importlib.import_module("torchvision.datasets")
    return package


def _declare_operators() -> None:
    library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for name in _OPERATORS:
        if not hasattr(torch.ops.torchvision, name):
            library.define(f"{name}{_SIGNATURE}")  # type: ignore[no-untyped-call]
    _libraries.append(library)
