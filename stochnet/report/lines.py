"""Line charts written as SVG directly: fast enough to be drawn again after every epoch."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape
from matplotlib.ticker import MaxNLocator

WIDTH, HEIGHT = 324.0, 184.0
_TOP, _BOTTOM, _RIGHT = 24.0, 37.0, 8.0
# Width of a digit, and where numbers begin left of the axis.
_DIGIT, _GAP = 6.1, 6.0
_MARKED = 40

Run = list[tuple[float, float]]
Place = Callable[[float], float]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart: the role of its color, its values (NaN for none), and its style."""

    role: str
    values: Sequence[float]
    dashed: bool = False


def line_chart(title: str, axis: str, x: Sequence[int], lines: Sequence[Line]) -> Markup:
    """Draw lines over whole numbers; the colors are those of the page.

    Parameters
    ----------
    title, axis : str
        Of the panel, and of its upright axis.
    x : sequence of int
        Ascending.
    lines : sequence of Line
        Drawn in this order. The axis includes 0.
    """
    known = [value for line in lines for value in line.values if not math.isnan(value)]
    low, high = min(0.0, *known, 0.0), max(0.0, *known, 0.0)
    low, high = low * 1.05, (high * 1.05 if high > 0 else (0.0 if low < 0 else 1.0))
    ticks = _ticks(low, high, 6)
    labels = _labels(ticks)
    left = 21.0 + _GAP + _DIGIT * max(len(text) for text in labels)
    margin = 0.02 * (x[-1] - x[0]) or 0.5
    first, last = x[0] - margin, x[-1] + margin

    def at(value: float) -> float:
        return left + (value - first) / (last - first) * (WIDTH - _RIGHT - left)

    def up(value: float) -> float:
        return HEIGHT - _BOTTOM - (value - low) / (high - low) * (HEIGHT - _BOTTOM - _TOP)

    name = escape(f"{title} over the epochs")
    parts = [
        f'<svg role="img" aria-label="{name}" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" font-size="10.5">',
        (
            f'<text x="{left:.1f}" y="12" font-size="11.5" font-weight="700" fill="var(--ink)">'
            f"{escape(title)}</text>"
        ),
        *_grid(left, ticks, labels, up),
        *_epochs(
            [tick for tick in _ticks(x[0], x[-1], 8, whole=True) if first <= tick <= last], at
        ),
        (
            f'<path d="M{left:.1f} {_TOP:g}V{HEIGHT - _BOTTOM:g}H{WIDTH - _RIGHT:g}" fill="none" '
            'stroke="var(--soft)" stroke-width="0.8"/>'
        ),
    ]
    middle = (_TOP + HEIGHT - _BOTTOM) / 2
    parts.append(
        f'<text transform="translate(11 {middle:.1f}) rotate(-90)" text-anchor="middle" '
        f'fill="var(--ink)">{escape(axis)}</text>'
    )
    for line in lines:
        places = [(at(k), up(v)) if not math.isnan(v) else None
                  for k, v in zip(x, line.values, strict=True)]  # fmt: skip
        parts.extend(_line(line, places))
    return Markup("\n".join([*parts, "</svg>"]))


def _ticks(low: float, high: float, n: int, whole: bool = False) -> list[float]:
    values = MaxNLocator(nbins=n, integer=whole, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    slack = 1e-9 * (high - low)
    return [float(value) for value in values if low - slack <= value <= high + slack] or [low]


def _labels(ticks: Sequence[float]) -> list[str]:
    """Write ticks with as many decimals as the step needs."""
    step = min((b - a for a, b in itertools.pairwise(ticks)), default=1.0)
    decimals = next((d for d in range(9) if abs(step * 10**d - round(step * 10**d)) < 1e-6), 9)
    return [f"{tick + 0.0:,.{decimals}f}".replace("-", "−") for tick in ticks]


def _grid(left: float, ticks: Sequence[float], labels: Sequence[str], up: Place) -> Iterator[str]:
    for tick, text in zip(ticks, labels, strict=True):
        y = up(tick)
        yield (
            f'<path d="M{left:.1f} {y:.1f}H{WIDTH - _RIGHT:g}" stroke="var(--grid)" '
            'stroke-width="0.7"/>'
            f'<text x="{left - _GAP:.1f}" y="{y + 3.6:.1f}" text-anchor="end" fill="var(--ink)">'
            f"{text}</text>"
        )


def _epochs(ticks: Sequence[float], at: Place) -> Iterator[str]:
    bottom = HEIGHT - _BOTTOM
    for tick in ticks:
        x = at(tick)
        yield (
            f'<path d="M{x:.1f} {_TOP:g}V{bottom + 3:g}" stroke="var(--grid)" stroke-width="0.7"/>'
            f'<text x="{x:.1f}" y="{bottom + 14.5:g}" text-anchor="middle" fill="var(--ink)">'
            f"{tick:,.0f}</text>"
        )
    yield (
        f'<text x="{WIDTH / 2 + 12:g}" y="{HEIGHT - 6:g}" text-anchor="middle" fill="var(--ink)">'
        "epoch</text>"
    )


def _line(line: Line, places: Sequence[tuple[float, float] | None]) -> Iterator[str]:
    """Yield a line with gaps where there is no value, and marks where they can be told apart."""
    color = f"var(--{line.role})"
    runs: list[Run] = [[]]
    for place in places:
        if place is not None:
            runs[-1].append(place)
        elif runs[-1]:
            runs.append([])
    style = f'stroke-width="{1.3 if line.dashed else 1.7}"'
    if line.dashed:
        style += ' stroke-dasharray="5 2.5"'
    path = "".join("M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in run) for run in runs if run)
    yield (
        f'<path d="{path}" fill="none" stroke="{color}" {style} stroke-linejoin="round" '
        'stroke-linecap="butt"/>'
    )
    marked = len(places) <= _MARKED and not line.dashed
    dots = [place for run in runs if marked or len(run) == 1 for place in run]
    yield from (f'<circle cx="{a:.1f}" cy="{b:.1f}" r="1.8" fill="{color}"/>' for a, b in dots)
