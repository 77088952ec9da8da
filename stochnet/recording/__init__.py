"""Recording: observed rasters, from networks, and their trials.

What needs torch is in `stochnet.recording.networks`; its public names are handed on here, each
when it is first used, so that `merge` and `present` work without torch.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOME = {
    "ARCHITECTURES": "models.architectures",
    "Dataset": "inputs.datasets",
    "Epoch": "training.train",
    "Monitor": "training.monitor",
    "Network": "models.named",
    "TrainingResult": "training.train",
    "apply_state": "models.weights",
    "build_model": "models.named",
    "draw_labels": "inputs.label_arrays",
    "load_dataset": "inputs.datasets",
    "load_network": "models.named",
    "read_weights": "models.weights",
    "record": "recorder",
    "record_summary": "summarizer",
    "save_network": "models.weights",
    "track": "training.track",
    "train": "training.train",
}
__all__ = sorted(_HOME)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.networks.{_HOME[name]}"), name)
    globals()[name] = value
    return value
