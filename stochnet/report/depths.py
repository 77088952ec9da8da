"""Colors of layers by their depth, for light pages and dark ones."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
from matplotlib.colors import to_hex

N_LEVELS = 24
_MAP = "plasma"
# The part of the map that can be seen on paper, and that on a dark page.
_LIGHT, _DARK = (0.0, 0.76), (0.32, 0.97)
_NAMED = 12


def levels(n_layers: int) -> list[int]:
    """Return the level of color of every layer: layers of one depth in large networks share one."""
    n = N_LEVELS
    if n_layers <= n:
        return list(range(n_layers))
    return [round(k * (n - 1) / (n_layers - 1)) for k in range(n_layers)]


def ramps(n_layers: int) -> list[tuple[int, str, str]]:
    """Return (level, color on a light page, color on a dark page)."""
    used = levels(n_layers)[-1] + 1
    colors = mpl.colormaps[_MAP]

    def at(ends: tuple[float, float], level: int) -> str:
        share = level / max(1, used - 1)
        return to_hex(colors(ends[0] + share * (ends[1] - ends[0])))

    return [(level, at(_LIGHT, level), at(_DARK, level)) for level in range(used)]


def legend(names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return role and words of the lines; of many layers some, evenly chosen."""
    n, level = len(names), levels(len(names))
    shown = list(range(n))
    if n > _NAMED:
        shown = [round(k * (n - 1) / (_NAMED - 1)) for k in range(_NAMED)]
    # Modules of a Sequential have bare numbers as names.
    words = [f"layer {name}" if name[:1].isdigit() else name for name in names]
    return (*((f"depth-{level[k]}", words[k]) for k in shown), ("ink", "network"))
