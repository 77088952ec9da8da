"""Data sets, loaded as the study of memorization loads them."""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from pathlib import Path

from stochnet.recording import Dataset

_SPEC = importlib.util.spec_from_file_location(
    "memorization_stimuli", Path(__file__).resolve().parents[1] / "memorization" / "stimuli.py"
)
_STIMULI = importlib.util.module_from_spec(_SPEC)
# Dataclasses look for their module there.
sys.modules[_SPEC.name] = _STIMULI
_SPEC.loader.exec_module(_STIMULI)


@cache
def load(name: str, split: str) -> Dataset:
    """Load a split of a data set, once for all cells of a process."""
    return _STIMULI.whole(name, split)
