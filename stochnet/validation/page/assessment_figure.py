"""The figure of an assessment: which fraction of nodes keeps which assumption."""

from __future__ import annotations

import io
import os
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from stochnet.errors.publishing.publish import publish_bytes
from stochnet.report.select import short
from stochnet.validation.excerpt.sampling import some

Row = Mapping[str, Any]

MOST_LAYERS = 40
CELL_WIDTH, CELL_HEIGHT = 1.1, 0.34
COLORS = "cividis"
CHARACTERS_PER_INCH = 15


def write(
    path: str | os.PathLike[str],
    rows: Sequence[Row],
    *,
    title: str,
    kind: str,
    level: float,
) -> None:
    """Write the heat map of an assessment, layers by tests, as PNG or SVG.

    Parameters
    ----------
    path : path-like
        Target.
    rows : sequence of mapping
        `Assessment.table`: layer by layer, all tests of one after the other.
    title : str
    kind : str
        What bins hold: ``"spikes"`` or ``"counts"``.
    level : float
        Level of false discoveries.
    """
    tests = dict.fromkeys((row["test"], row["window"]) for row in rows)
    labels = [_heading(name, window) for name, window in tests]
    parts = list(_by_layer(rows, len(labels)))
    cells = [*some(parts[:-1], MOST_LAYERS), parts[-1]]
    shown = [row[0]["layer"] for row in cells]
    fractions = np.array(
        [[np.nan if c["fraction"] is None else c["fraction"] for c in row] for row in cells]
    )
    style = {"svg.hashsalt": "stochnet", "svg.fonttype": "none", "font.size": 9.5}
    with mpl.rc_context(style):  # type: ignore[arg-type]
        width = max(9.0, 2.4 + CELL_WIDTH * len(labels))
        caption = _caption(kind, level, len(parts) - len(cells))
        caption = "\n".join(textwrap.wrap(caption, int(CHARACTERS_PER_INCH * width)))
        below = 0.16 * (caption.count("\n") + 1)
        figure = Figure((width, 1.5 + CELL_HEIGHT * len(shown) + below), layout="constrained")
        axes = figure.add_subplot()
        axes.set_facecolor("#e4e4e4")
        image = axes.imshow(fractions, cmap=COLORS, vmin=0, vmax=1, aspect="auto")
        for y, row in enumerate(cells):
            for x, cell in enumerate(row):
                _write_cell(axes, x, y, cell["fraction"])
        # White lines part the network from its layers, and all tests from the single ones.
        axes.axhline(len(shown) - 1.5, color="white", lw=3)
        axes.axvline(len(labels) - 1.5, color="white", lw=3)
        axes.set_xticks(range(len(labels)), labels)
        axes.set_yticks(range(len(shown)), [short(name, 24) for name in shown])
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.set_title(title, loc="left", fontweight="bold", pad=12)
        bar = figure.colorbar(image, ax=axes, shrink=0.8, aspect=14, pad=0.015)
        bar.set_label("fraction that passes")
        bar.outline.set_visible(False)
        figure.supxlabel(caption, x=0.01, ha="left", fontsize=8.5)
        # A date would make every file differ.
        metadata = {"Date": None} if Path(path).suffix.lower() == ".svg" else None
        drawn = io.BytesIO()
        kind = Path(path).suffix[1:].lower()
        figure.savefig(drawn, format=kind, dpi=150, metadata=metadata)
    publish_bytes(path, drawn.getbuffer())


def _by_layer(rows: Sequence[Row], n: int) -> Iterator[Sequence[Row]]:
    """Cut the rows of a table into those of each layer, for layers may have any name."""
    for start in range(0, len(rows), n):
        yield rows[start : start + n]


def _heading(name: str, window: int | None) -> str:
    words = name.replace("_", " ").replace("goodness of", "goodness\nof")
    return words if window is None else f"{words}\nW={window}"


def _write_cell(axes: mpl.axes.Axes, x: int, y: int, fraction: float | None) -> None:
    text = "–" if fraction is None else f"{fraction:.2f}"
    # All and none stand apart from nearly all and hardly any.
    text = {0.0: "0", 1.0: "1"}.get(fraction, text) if fraction is not None else text
    dark = fraction is not None and fraction < 0.5
    axes.text(x, y, text, ha="center", va="center", color="white" if dark else "black")


def _caption(kind: str, level: float, left_out: int) -> str:
    bins = "0/1 bins" if kind == "spikes" else "counts"
    more = f" {left_out} layers are not drawn." if left_out > 0 else ""
    return (
        "Rows are layers, columns are tests; W is the length of windows in bins. A number is the "
        "fraction of tested nodes that pass: near 1 (yellow) the layer keeps the assumption, near "
        f"0 (blue) it does not. The null hypothesis is that of independent {bins} of one rate, "
        "given the number of spikes. A node fails where its q-value is below "
        f"{level:g}, the false discovery rate within each test. The last column counts "
        "nodes that fail no test. Nodes with too few spikes or silent bins are not tested; a dash "
        f"marks layers without tested nodes.{more}"
    )
