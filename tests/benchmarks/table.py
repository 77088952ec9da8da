"""Tables of results, as plain text and as Markdown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from race import ratios


@dataclass(frozen=True)
class Table:
    """Rows of text; `name` is where it stands in docs/performance.md."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]
    note: str = ""

    def text(self) -> str:
        """For a terminal."""
        lines = [self.columns, *self.rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.columns))]
        body = [
            "  " + "  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip()
            for line in lines
        ]
        return "\n".join([self.title, *body, *([f"  ({self.note})"] if self.note else [])])

    def markdown(self) -> str:
        """For the documentation."""
        lines = [self.columns, ("---",) * len(self.columns), *self.rows]
        body = ["| " + " | ".join(line) + " |" for line in lines]
        return "\n".join([f"{self.title}.", "", *body, *(["", self.note] if self.note else [])])


def figures(value: float | None, digits: int = 3) -> str:
    """Return a number with so many significant digits, and commas in large ones."""
    if value is None or math.isnan(value):
        return "–"
    if value == 0:
        return "0"
    # By way of text, for rounding may add a digit.
    places = digits - 1 - int(f"{value:.{digits - 1}e}".rpartition("e")[2])
    return f"{round(value, places):,.{max(0, places)}f}"


def times(slow: Sequence[float], fast: Sequence[float], scale: float = 1.0) -> str:
    """Return the median ratio of the rounds, lowest and highest in brackets.

    `scale` makes up for different sizes of the work.
    """
    middle, low, high = (figures(scale * each) for each in ratios(slow, fast))
    return f"{middle} ({low} to {high})"
