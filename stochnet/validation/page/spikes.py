"""The raster figure: spikes of the same nodes, observed and simulated."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from stochnet.report.select import short
from stochnet.report.svg import INK, OBSERVED, SIMULATED, SOFT, Drawing, panel
from stochnet.validation.excerpt.excerpt import Excerpt, ShownSpikes
from stochnet.validation.excerpt.sampling import some


def rasters(found: Excerpt) -> Drawing:
    """Draw the spikes of the same nodes, observed and simulated."""
    sides = (
        ("Observed", found.observed, OBSERVED),
        ("Simulated", found.simulated, SIMULATED),
    )
    panels = tuple(_raster(title, one, found.layer_of, color) for title, one, color in sides)
    return Drawing(
        "spikes",
        "Spikes",
        f"A mark is a bin in which a node fires. The same {len(found.nodes)} nodes in both: spread "
        "over the layers (named at the left) and, within a layer, ordered by observed rate. Thin "
        "vertical lines part the trials; numbers above are conditions. Look for stripes that "
        "many nodes share, and for rows that switch with the condition.",
        panels,
        wide=True,
    )


def _raster(title: str, one: ShownSpikes, layer_of: Sequence[str], color: str) -> Markup:
    n_nodes, n_bins = one.active.shape
    height = 3.8
    with panel((4.8, height), f"{title} spikes of {n_nodes} nodes in {n_bins} bins") as drawn:
        axes = drawn.axes
        # A line as thick as a row; runs of spikes are one stroke.
        steps = np.diff(np.pad(one.active, ((0, 0), (1, 1))).astype(np.int8), axis=1)
        row, start = np.nonzero(steps == 1)
        _, stop = np.nonzero(steps == -1)
        points = np.empty((2 * len(row), 2))
        points[0::2] = np.stack([start, row], axis=1)
        points[1::2] = np.stack([stop, row], axis=1)
        if len(row):
            codes = np.tile([Path.MOVETO, Path.LINETO], len(row))
            thick = 72 * (height - 0.75) / n_nodes * 0.72
            path = Path(points, codes)
            axes.add_patch(PathPatch(path, fc="none", ec=color, lw=thick, capstyle="butt"))
        axes.set_xlim(0, n_bins)
        axes.set_ylim(-0.5, n_nodes - 0.5)
        for edge in one.trial_starts:
            axes.axvline(edge, color=SOFT, lw=0.7)
        names = list(dict.fromkeys(layer_of))
        firsts = [layer_of.index(name) for name in names]
        for first in firsts[1:]:
            axes.axhline(first - 0.5, color=SOFT, lw=0.7)
        ends = [*firsts[1:], n_nodes]
        centers = [(a + b - 1) / 2 for a, b in zip(firsts, ends, strict=True)]
        shown = some(range(len(names)), 12)
        axes.set_yticks([centers[k] for k in shown], [short(names[k]) for k in shown])
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel("bin")
        axes.set_title(title, pad=16 if one.conditions is not None else 6)
        _name_conditions(axes, one, n_bins)
    return drawn.svg


def _name_conditions(axes: Any, one: ShownSpikes, n_bins: int) -> None:
    if one.conditions is None:
        return
    edges = [0, *one.trial_starts, n_bins]
    spans = list(pairwise(edges))
    for a, b in spans if len(spans) <= 25 else []:
        values = np.unique(one.conditions[a:b])
        text = str(values[0]) if len(values) == 1 else "mixed"
        axes.annotate(
            text,
            ((a + b) / 2 / n_bins, 1),
            (0, 3),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="center",
            fontsize=9,
            color=INK,
        )
