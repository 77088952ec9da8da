"""Which layers are drawn, and how their names are cut."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from stochnet.raster.layers import Layer

MOST_PANELS = 6


def left_out(layers: Sequence[Layer]) -> str:
    """Say how many layers are not drawn, if any."""
    if len(layers) <= MOST_PANELS:
        return ""
    return f" {MOST_PANELS} of {len(layers)} layers are drawn; the table by layer has all."


def short(name: str, most: int = 16) -> str:
    """Cut a long name at its beginning, for its end tells layers apart."""
    return name if len(name) <= most else f"…{name[1 - most :]}"


def in_lines(label: str, most: int = 22) -> str:
    """Break a long label of a row into two lines or more."""
    return "\n".join(textwrap.wrap(label, most))
