"""Colours, marks and panels that the figures share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib import pyplot as plt
from matplotlib.ticker import LogLocator, NullFormatter

plt.switch_backend("Agg")

# Okabe and Ito (2008): told apart by colour-blind eyes, too. Shapes tell the same as colours.
BLUE, RED, GREEN, PINK = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, BLACK = "#E69F00", "#56B4E9", "#000000"
COLOURS = (BLUE, RED, GREEN, PINK, ORANGE, SKY, BLACK)
MARKERS = "osD^vP*X"
BAND = "#DDDDDD"
STYLE = {
    "font.size": 9, "axes.spines.top": False, "axes.spines.right": False,
    "axes.grid": True, "axes.axisbelow": True, "grid.color": "#EEEEEE",
    "legend.frameon": False, "savefig.dpi": 110,
    "axes.labelsize": 9, "figure.labelsize": 9,
}  # fmt: skip


def panels(names: Sequence[str], columns: int, size: tuple[float, float]) -> tuple[Any, list[Any]]:
    """One panel for each name, in rows; panels that are left over are hidden."""
    columns = min(columns, len(names))
    n_rows = -(-len(names) // columns)
    figure, axes = plt.subplots(
        n_rows, columns, figsize=(size[0] * columns, size[1] * n_rows), sharex=True, sharey=True,
        squeeze=False, layout="constrained",
    )  # fmt: skip
    flat = list(axes.flat)
    for panel in flat[len(names) :]:
        panel.set_visible(False)
    for panel, name in zip(flat, names, strict=False):
        panel.set_title(name, fontsize=9, loc="left")
    # Where a row is not full, the panel above is the lowest of its column.
    for k in range(len(names), len(flat)):
        flat[k - columns].xaxis.set_tick_params(labelbottom=True)
    return figure, flat[: len(names)]


def powers(panel: Any) -> None:
    """A logarithmic axis that names powers of ten only."""
    panel.set_xscale("log")
    panel.xaxis.set_minor_formatter(NullFormatter())
    panel.xaxis.set_major_locator(LogLocator(numticks=12))
