"""Correlation matrices as SVG: observed below the diagonal, simulated above it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from stochnet.raster.layers import Layer
from stochnet.report.select import MOST_PANELS, left_out, short
from stochnet.report.svg import BOTH, Drawing
from stochnet.validation.excerpt.matrices import CorrelationMatrix

LEVELS = 5
SCALES = (0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
SIDE, LEFT, TOP = 230.0, 14.0, 26.0
WIDTH, HEIGHT = 324.0, TOP + SIDE + 8
# A negative correlation is a smaller square: no need to tell colors apart.
INSET = 0.24


def correlations(every: Sequence[CorrelationMatrix], layers: Sequence[Layer]) -> Drawing | None:
    """Draw the correlations between nodes of each layer."""
    matrices = tuple(every[:MOST_PANELS])
    if not matrices:
        return None
    scale = _scale(matrices)
    return Drawing(
        "correlations",
        "Correlations within layers",
        "Each row and column is a node of the layer, the same nodes in the same order on both "
        "sides: neighbours are nodes that fire together in the recording. Below the diagonal "
        "observed, above it simulated; a full cell is a positive correlation, a small square a "
        "negative one, the darker the stronger, and below a tenth of the scale a cell is empty. If "
        "the surrogate keeps correlations, the two halves are mirror images; nodes that are "
        f"simulated one by one share only what their classes share.{left_out(layers)}",
        tuple(_panel(one, scale) for one in matrices),
        legend=BOTH,
    )


def _scale(matrices: tuple[CorrelationMatrix, ...]) -> float:
    """Return a round number that few of the correlations exceed."""
    strong = []
    for one in matrices:
        pairs = np.tril_indices(len(one.nodes), -1)
        known = np.concatenate([side[pairs] for side in (one.observed, one.simulated)])
        strong.append(np.abs(known[~np.isnan(known)]))
    every = np.concatenate(strong)
    most = float(np.quantile(every, 0.98)) if every.size else 1.0
    return next((x for x in SCALES if x >= most), 1.0)


def _panel(one: CorrelationMatrix, scale: float) -> Markup:
    n = len(one.nodes)
    name = Markup.escape(short(one.layer, 30))
    label = f"Layer {name}: correlations of {n} nodes, observed and simulated"
    cell, box = SIDE / n, f"0 0 {WIDTH:g} {HEIGHT:g}"
    parts = [
        f'<svg role="img" aria-label="{label}" class="matrix" viewBox="{box}">',
        f'<text x="{LEFT:g}" y="14" class="title">Layer {name}</text>',
        f'<g transform="translate({LEFT:g} {TOP:g}) scale({cell:.4f})">',
        f'<path d="M0 0h{n}v{n}h-{n}z" class="frame"/>',
    ]
    lower = np.tril(np.ones((n, n), bool), -1)
    for values, side, mine in (
        (one.observed, "observed", lower),
        (one.simulated, "simulated", lower.T),
    ):
        level = _levels(values, scale)
        level[~mine] = 0
        for k in range(1, LEVELS + 1):
            opacity = f'fill="var(--{side})" fill-opacity="{k / LEVELS:g}"'
            full, small = "".join(_runs(level == k)), "".join(_squares(level == -k))
            parts += [f'<path d="{d}" {opacity}/>' for d in (full, small) if d]
        missing = "".join(_runs(np.isnan(values) & mine))
        parts += [f'<path d="{missing}" class="missing"/>'] if missing else []
    steps = "".join(f"H{k + 1}V{k + 1}" for k in range(n))
    parts += [f'<path d="M0 0{steps}" class="diagonal"/>', "</g>", *_key(scale), "</svg>"]
    return Markup("".join(parts))


def _levels(values: NDArray[np.float64], scale: float) -> NDArray[np.int64]:
    steps = np.nan_to_num(values) / scale * LEVELS
    # 0 below half a step, so that noise leaves cells empty.
    return np.clip(np.round(steps), -LEVELS, LEVELS).astype(np.int64)


def _runs(cells: NDArray[np.bool_]) -> Iterator[str]:
    """Yield a rectangle for every run of cells in a row."""
    for y, row in enumerate(cells):
        for inside, run in groupby(range(len(row)), key=lambda x: bool(row[x])):
            if inside:
                xs = list(run)
                yield f"M{xs[0]} {y}h{len(xs)}v1h-{len(xs)}z"


def _squares(cells: NDArray[np.bool_]) -> Iterator[str]:
    size = 1 - 2 * INSET
    for y, x in zip(*np.nonzero(cells), strict=True):
        yield f"M{x + INSET:g} {y + INSET:g}h{size:g}v{size:g}h-{size:g}z"


def _key(scale: float) -> Iterator[str]:
    """Yield the scale at the right: a swatch a step, from strongly positive to negative."""
    x, step = LEFT + SIDE + 14, 15.0
    for place, k in enumerate(range(LEVELS, -LEVELS - 1, -1)):
        y = TOP + 8 + place * step
        inset = 0 if k >= 0 else INSET * 11
        size = 11 - 2 * inset
        yield (
            f'<rect x="{x + inset:g}" y="{y + inset:g}" width="{size:g}" height="{size:g}" '
            f'fill="var(--ink)" fill-opacity="{abs(k) / LEVELS:g}"'
            + (' class="empty"/>' if k == 0 else "/>")
        )
        if k in (LEVELS, 0, -LEVELS):
            sign = "−" if k < 0 else ""
            words = f"{sign}{scale:g}" if k else "0"
            yield f'<text x="{x + 17:g}" y="{y + 10:g}">{words}</text>'
