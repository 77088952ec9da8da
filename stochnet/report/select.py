"""Which layers are drawn, and how their names are cut."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from stochnet.layers import Layer

MOST_PANELS = 6

Item = TypeVar("Item")


def some(items: Sequence[Item], most: int) -> list[Item]:
    """Return up to `most` items, evenly spaced, with the first and the last."""
    if len(items) <= most:
        return list(items)
    return [items[k] for k in np.linspace(0, len(items) - 1, most).round().astype(int)]


def left_out(layers: Sequence[Layer]) -> str:
    """Say how many layers are not drawn, if any."""
    if len(layers) <= MOST_PANELS:
        return ""
    return f" {MOST_PANELS} of {len(layers)} layers are drawn; the table by layer has all."


def short(name: str, most: int = 16) -> str:
    """Cut a long name at its beginning, for its end tells layers apart."""
    return name if len(name) <= most else f"…{name[1 - most :]}"
