"""Matplotlib figures as small inline SVG whose colors follow the page, light or dark."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

# Colors that no figure would use: the page puts its own in their places.
INK, SOFT, GRID = "#010203", "#040506", "#070809"
OBSERVED, SIMULATED, THIRD = "#0a0b0c", "#0d0e0f", "#101112"
WASH = "#131415"
# One color a depth, where lines are the layers of a network.
DEPTHS = tuple(f"#16{level:02x}17" for level in range(24))
ROLES = {
    INK: "--ink",
    SOFT: "--soft",
    GRID: "--grid",
    OBSERVED: "--observed",
    SIMULATED: "--simulated",
    THIRD: "--third",
    WASH: "--wash",
    **{color: f"--depth-{level}" for level, color in enumerate(DEPTHS)},
}

STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "stochnet",
    "font.family": "sans-serif",
    "font.size": 10.5,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.labelsize": 10.5,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.facecolor": "none",
    "axes.axisbelow": True,
    "figure.facecolor": "none",
    "text.color": INK,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "legend.fontsize": 10,
    "legend.handlelength": 1.2,
    "legend.borderaxespad": 0.2,
    "lines.linewidth": 1.6,
}
PANEL = (4.5, 2.9)


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure of a page: panels that flow into as many columns as there is room for.

    Attributes
    ----------
    key : str
        The figure's anchor in the page.
    title, caption : str
        What it is, and how to read it.
    panels : tuple of Markup
        Inline SVG.
    wide : bool
        Whether a panel needs half the page rather than a third.
    legend : tuple of (str, str)
        Role of a color (``"observed"``) and its words.
    """

    key: str
    title: str
    caption: str
    panels: tuple[Markup, ...]
    wide: bool = False
    legend: tuple[tuple[str, str], ...] = ()


BOTH = (("observed", "observed"), ("simulated", "simulated"))


class Panel:
    """One panel while it is drawn: its axes, then its SVG."""

    def __init__(self, figure: Figure, axes: Axes) -> None:
        self.figure = figure
        self.axes = axes
        self.svg = Markup("")


@contextmanager
def panel(size: tuple[float, float] = PANEL, label: str = "") -> Iterator[Panel]:
    """Give a panel to draw on; afterwards it holds its SVG.

    Parameters
    ----------
    size : tuple of float
        Width and height in inches.
    label : str
        What a screen reader says.
    """
    with mpl.rc_context(STYLE):  # type: ignore[arg-type]
        figure = Figure(figsize=size, layout="constrained")
        drawn = Panel(figure, figure.add_subplot())
        yield drawn
        drawn.svg = _svg(figure, label)


def _svg(figure: Figure, label: str) -> Markup:
    buffer = io.StringIO()
    # savefig would lay everything out twice.
    FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None})  # type: ignore[no-untyped-call]
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r' id="[\w.]+_\d+"', "", text)
    text = re.sub(r' (?:width|height)="[\d.]+pt"', "", text, count=2)
    text = re.sub(r' (?:xmlns:xlink|xmlns|version)="[^"]*"', "", text)
    text = text.replace("xlink:href", "href")
    # Coordinates only: what stands between tags is read by people.
    text = re.sub(r"<[^>]*>", lambda tag: re.sub(r"(\d\.\d\d)\d+", r"\1", tag[0]), text)
    text = re.sub(r"\s*\n\s*", "\n", text)
    for color, role in ROLES.items():
        text = text.replace(color, f"var({role})")
    name = Markup.escape(label)
    # Matplotlib escapes what it is given; the label is escaped here.
    return Markup(text.replace("<svg", f'<svg role="img" aria-label="{name}"', 1))
