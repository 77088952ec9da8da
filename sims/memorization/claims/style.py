"""Colours, marks and panels that the figures share."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from PIL import Image

plt.switch_backend("Agg")

# Okabe and Ito (2008): told apart by colour-blind eyes, too. Shapes tell the same as colours.
BLUE, RED, GREEN, PINK = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, BLACK, GREY = "#E69F00", "#56B4E9", "#000000", "#888888"
COLOURS = (BLUE, RED, GREEN, PINK, ORANGE, SKY, BLACK)
MARKERS = "osD^vP*X"
REGIMES = {"generalising": (BLUE, "o"), "memorising": (RED, "s"), "initialised": (GREY, "D")}
STYLE = {
    "font.size": 9, "axes.spines.top": False, "axes.spines.right": False,
    "axes.grid": True, "axes.axisbelow": True, "grid.color": "#EEEEEE",
    "legend.frameon": False, "savefig.dpi": 100,
    "axes.labelsize": 9, "figure.labelsize": 9, "axes.titlesize": 9, "legend.fontsize": 8,
}  # fmt: skip


def grid(n_rows: int, n_columns: int, size: tuple[float, float], **options: Any) -> tuple[Any, Any]:
    """Panels in rows and columns, each of a size in inches."""
    figure, axes = plt.subplots(
        n_rows, n_columns, figsize=(size[0] * n_columns, size[1] * n_rows), squeeze=False,
        layout="constrained", **options,
    )  # fmt: skip
    # The last number of one panel and the first of the next do not touch.
    figure.get_layout_engine().set(w_pad=0.08)
    return figure, axes


def chequer(panel: Any, values: np.ndarray, rows: Sequence[str], columns: Sequence[str],
            limits: tuple[float, float], colours: str, digits: int = 2) -> Any:  # fmt: skip
    """A table whose cells are coloured, with the numbers in them."""
    image = panel.imshow(values, aspect="auto", vmin=limits[0], vmax=limits[1], cmap=colours)
    panel.set_xticks(range(len(columns)), columns, rotation=30, ha="right")
    panel.set_yticks(range(len(rows)), rows)
    panel.grid(visible=False)
    panel.tick_params(length=0)
    for edge in panel.spines.values():
        edge.set_visible(False)
    shade = image.cmap(image.norm(values))
    bright = shade[..., :3] @ (0.299, 0.587, 0.114)
    for (i, j), value in np.ndenumerate(values):
        if np.isfinite(value):
            colour = "white" if bright[i, j] < 0.5 else "black"
            text = f"{value:.{digits}f}".replace("-", "−")
            panel.text(j, i, text, ha="center", va="center", color=colour, fontsize=8)
    return image


def saved(figure: Any, path: Any) -> None:
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", bbox_inches="tight")
    plt.close(figure)
    # A palette makes files a third as large. No date, no version: same results, same file.
    Image.open(drawn).convert("RGB").quantize(128, dither=Image.Dither.NONE).save(
        path, optimize=True
    )


def style() -> Any:
    return mpl.rc_context(STYLE)
