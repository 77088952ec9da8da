"""The figures of a validation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from stochnet.report.select import MOST_PANELS, left_out, short, some
from stochnet.report.svg import (
    BOTH,
    INK,
    OBSERVED,
    SIMULATED,
    SOFT,
    WASH,
    Drawing,
    panel,
)
from stochnet.validation.comparison import Comparison
from stochnet.validation.excerpt import Excerpt
from stochnet.validation.outcome import Report

MOST_DOTS = 400
FARTHEST = 100.0
LEFT = 0.3


def floors(report: Report) -> Drawing | None:
    """Draw how far every statistic is from its floor."""
    rows = [one for one in report.of() if one.distances]
    if not rows:
        return None
    inside = [
        [x for x in report.statistics if x.label == one.label and x.scope is not None]
        for one in rows
    ]
    height = 0.33 * len(rows) + 0.85
    with panel((5.0, height), "Distance over floor of every statistic") as drawn:
        axes = drawn.axes
        axes.axvline(1.0, color=SOFT, lw=1)
        for y, (one, layers) in enumerate(zip(rows, inside, strict=True)):
            if one.worst is not None and one.worst.floor > 0:
                allowed = one.worst.limit / one.worst.floor
                axes.barh(y, min(allowed, FARTHEST) - LEFT, 0.62, LEFT, color=WASH, lw=0)
            for layer in layers:
                axes.plot(_ratio(layer), y, "o", ms=5, mfc="none", mec=SOFT, mew=1)
            differs = one.verdict == "differs"
            axes.plot(
                _ratio(one),
                y,
                marker="D" if differs else "o",
                ms=8,
                color=SIMULATED if differs else OBSERVED,
            )
        axes.set_xscale("log")
        axes.set_xlim(LEFT, FARTHEST * 1.3)
        ticks = [0.5, 1, 2, 5, 10, 20, 100]
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks[:-1]] + ["≥ 100"])
        axes.minorticks_off()
        axes.set_yticks(range(len(rows)), [one.label for one in rows])
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x")
        axes.set_xlabel("distance ÷ split-half floor")
    return Drawing(
        "How far from the floor",
        "Each row is a statistic; the filled mark is the whole network, open circles are its "
        "layers. At 1 the surrogate is as far from the recording as one half of the recording is "
        "from the other. The shaded bar reaches as far as chance may take it: filled circles lie "
        "within, diamonds beyond. Of the two distances the worse one is shown.",
        (drawn.svg,),
        wide=True,
        legend=(("observed", "within the floor"), ("simulated", "differs")),
    )


def _ratio(one: Comparison) -> float:
    ratio = one.ratio
    if math.isnan(ratio):
        # A floor of zero: within it by the nodes that are allowed, or infinitely far.
        ratio = FARTHEST if one.verdict == "differs" else 1.0
    return float(np.clip(ratio, 0.32, FARTHEST))


def rates(report: Report) -> Drawing:
    """Draw the law of firing rates over the nodes of each layer."""
    panels = []
    for layer in some(report.layers, MOST_PANELS):
        sides = [rate[layer.nodes] for rate in report.excerpt.rates]
        panels.append(
            two_laws(sides, f"Layer {layer.name}", "firing rate (spikes per bin)", "nodes")
        )
    return Drawing(
        "Firing rates",
        "How many nodes of a layer have which rate: shaded observed, line simulated. Nodes at the "
        "far left hardly ever fire, those at the far right almost always."
        f"{left_out(report.layers)}",
        tuple(panels),
        legend=BOTH,
    )


def two_laws(
    sides: Sequence[NDArray[Any]], title: str, xlabel: str, ylabel: str, bins: int = 30
) -> Markup:
    """Draw two laws over each other, observed shaded and simulated as a line."""
    low = float(min(side.min() for side in sides))
    high = float(max(side.max() for side in sides))
    if high - low < 1e-9:
        low, high = low - 0.5, high + 0.5
    whole = all(side.dtype.kind in "iu" for side in sides)
    # Whole numbers need bars of whole width, or some would hold more of them than others.
    width = max(1.0, math.ceil((high - low + 1) / bins)) if whole else (high - low) / bins
    start = low - 0.5 if whole else low
    edges = start + width * np.arange(math.ceil((high - start) / width - 1e-9) + 1)
    with panel(label=f"{title}: {xlabel}, observed and simulated") as drawn:
        axes = drawn.axes
        observed, simulated = (np.histogram(side, edges)[0] / side.size for side in sides)
        axes.stairs(observed, edges, fill=True, color=OBSERVED, alpha=0.35, lw=0)
        axes.stairs(observed, edges, color=OBSERVED, lw=0.8)
        axes.stairs(simulated, edges, color=SIMULATED, lw=1.8)
        axes.set_xlim(edges[0], edges[-1])
        axes.set_ylim(0)
        axes.set_title(short(title, 34))
        axes.set_xlabel(xlabel)
        axes.set_ylabel(f"fraction of {ylabel}")
        axes.locator_params(nbins=5)
    return drawn.svg


def fano_against_rate(report: Report) -> Drawing | None:
    """Draw each node's Fano factor against its rate."""
    found = report.excerpt
    if found.window is None:
        return None
    panels = []
    for layer in some(report.layers, MOST_PANELS):
        with panel(label=f"{layer.name}: Fano factor against rate") as drawn:
            axes = drawn.axes
            nodes = np.arange(layer.first, layer.first + layer.n_nodes)
            nodes = nodes[~np.isnan(found.fanos[0][nodes]) & ~np.isnan(found.fanos[1][nodes])]
            nodes = nodes[np.linspace(0, len(nodes) - 1, min(MOST_DOTS, len(nodes))).astype(int)]
            for k, (color, marker) in enumerate(((OBSERVED, "o"), (SIMULATED, "x"))):
                axes.plot(
                    found.rates[k][nodes],
                    found.fanos[k][nodes],
                    marker,
                    ms=3.2,
                    mew=0.9,
                    mfc="none",
                    color=color,
                    alpha=0.7,
                )
            rate = found.rates[0][nodes]
            top = float(rate.max(initial=0.0))
            line = np.linspace(0, min(1.0, top * 1.05), 2)
            axes.plot(line, 1 - line, color=INK, lw=1.2, ls=(0, (4, 2)))
            axes.set_xlim(0)
            axes.set_ylim(0)
            axes.grid()
            axes.set_title(short(f"Layer {layer.name}", 34))
            axes.set_xlabel("firing rate (spikes per bin)")
            axes.set_ylabel("Fano factor")
            axes.locator_params(nbins=5)
        panels.append(drawn.svg)
    return Drawing(
        "Fano factor against rate",
        f"A mark is a node; windows of {found.window} bins. The dashed line is 1 − rate: where "
        "nodes lie whose bins are independent. Above it, counts vary more than by chance, for "
        "example because the node prefers a class; below it, less. At most "
        f"{MOST_DOTS} nodes of a layer are drawn.{left_out(report.layers)}",
        tuple(panels),
        legend=(("observed", "observed (circles)"), ("simulated", "simulated (crosses)")),
    )


def window_histograms(found: Excerpt) -> Drawing | None:
    """Draw the window counts of a few nodes."""
    if not found.histograms:
        return None
    panels = []
    for one in found.histograms:
        with panel(label=f"Window counts of node {one.node}") as drawn:
            axes = drawn.axes
            counts = np.arange(len(one.observed))
            axes.bar(counts, one.observed, 0.8, color=OBSERVED, alpha=0.35)
            axes.plot(counts, one.simulated, "o-", ms=4, lw=1.4, color=SIMULATED)
            axes.set_ylim(0)
            axes.set_title(f"Layer {short(one.layer, 18)}, node {one.node}, rate {one.rate:.2f}")
            axes.set_xlabel(f"spikes in {found.window} bins")
            axes.set_ylabel("fraction of windows")
            axes.locator_params(axis="y", nbins=5)
            axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        panels.append(drawn.svg)
    return Drawing(
        "Window counts",
        f"How often a node fires 0, 1, 2, … times in {found.window} bins: bars observed, dots "
        "simulated. Dots that follow the bars mean that the process has the right law of counts "
        "and not only the right mean and variance.",
        tuple(panels),
        legend=BOTH,
    )


def population(found: Excerpt) -> Drawing | None:
    """Draw the law of the number of active nodes per bin."""
    if not found.population:
        return None
    drawn = two_laws(found.population, "Whole network", "active nodes in a bin", "bins", 40)
    return Drawing(
        "Population count",
        "How many nodes are active at once. Nodes that are simulated one by one add up to a "
        "narrow law; if the observed one is wider, nodes fire together, and that is missing.",
        (drawn,),
        legend=BOTH,
    )
