"""Warnings about what is recorded."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

from stochnet.errors import RecordingWarning

_PACKAGE = str(Path(__file__).parents[2])


def tell(text: str) -> None:
    """Warn, in the name of the code that called stochnet."""
    level, frame = 1, sys._getframe(0)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        level, frame = level + 1, frame.f_back
    warnings.warn(text, RecordingWarning, stacklevel=level)
