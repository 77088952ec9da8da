"""Figures of a validation: rates and counts, and Fano factors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from matplotlib.ticker import MaxNLocator

from stochnet.raster.layers import Layer
from stochnet.report.select import MOST_PANELS, left_out, short
from stochnet.report.svg import BOTH, INK, OBSERVED, SIMULATED, Drawing, panel
from stochnet.validation.excerpt.excerpt import MOST_DOTS, Excerpt
from stochnet.validation.excerpt.histograms import PairedHistogram
from stochnet.validation.excerpt.sampling import some


def rates(found: Excerpt, layers: Sequence[Layer]) -> Drawing:
    """Draw the distribution of firing rates over the nodes of each layer."""
    panels = tuple(
        two_histograms(one, f"Layer {one.scope}", "firing rate (spikes per bin)", "nodes")
        for one in some(found.rate_histograms, MOST_PANELS)
    )
    return Drawing(
        "rates",
        "Firing rates",
        "How many nodes of a layer have which rate: shaded observed, line simulated. Nodes at the "
        "far left hardly ever fire, those at the far right almost always. Where the line leaves "
        "the shade, the surrogate has too many or too few nodes of that rate."
        f"{left_out(layers)}",
        panels,
        legend=BOTH,
    )


def two_histograms(one: PairedHistogram, title: str, xlabel: str, ylabel: str) -> Markup:
    """Draw two histograms over each other, observed shaded and simulated as a line."""
    with panel(label=f"{title}: {xlabel}, observed and simulated") as drawn:
        axes = drawn.axes
        axes.stairs(one.observed, one.edges, fill=True, color=OBSERVED, alpha=0.35, lw=0)
        axes.stairs(one.observed, one.edges, color=OBSERVED, lw=0.8)
        axes.stairs(one.simulated, one.edges, color=SIMULATED, lw=1.8)
        axes.set_xlim(one.edges[0], one.edges[-1])
        axes.set_ylim(0)
        axes.set_title(short(title, 34))
        axes.set_xlabel(xlabel)
        axes.set_ylabel(f"fraction of {ylabel}")
        axes.locator_params(nbins=5)
    return drawn.svg


def fano_against_rate(found: Excerpt, layers: Sequence[Layer]) -> Drawing | None:
    """Draw each node's Fano factor against its rate."""
    if found.window is None:
        return None
    panels = []
    for one in some(found.scatters, MOST_PANELS):
        with panel(label=f"{one.layer}: Fano factor against rate") as drawn:
            axes = drawn.axes
            for k, (color, marker) in enumerate(((OBSERVED, "o"), (SIMULATED, "x"))):
                axes.plot(
                    one.rates[k],
                    one.fanos[k],
                    marker,
                    ms=3.2,
                    mew=0.9,
                    mfc="none",
                    color=color,
                    alpha=0.7,
                )
            top = float(one.rates[0].max(initial=0.0))
            line = np.linspace(0, min(1.0, top * 1.05), 2)
            axes.plot(line, 1 - line, color=INK, lw=1.2, ls=(0, (4, 2)))
            axes.set_xlim(0)
            axes.set_ylim(0)
            axes.grid()
            axes.set_title(short(f"Layer {one.layer}", 34))
            axes.set_xlabel("firing rate (spikes per bin)")
            axes.set_ylabel("Fano factor")
            axes.locator_params(nbins=5)
        panels.append(drawn.svg)
    return Drawing(
        "fano",
        "Fano factor against rate",
        f"A mark is a node; windows of {found.window} bins. The dashed line is 1 − rate: where "
        "nodes lie whose bins are independent. Above it, counts vary more than by chance, for "
        "example because the node prefers a class; below it, less. At most "
        f"{MOST_DOTS} nodes of a layer are drawn.{left_out(layers)}",
        tuple(panels),
        legend=(("observed", "observed (circles)"), ("simulated", "simulated (crosses)")),
    )


def window_histograms(found: Excerpt) -> Drawing | None:
    """Draw the window counts of a few nodes."""
    if not found.count_histograms:
        return None
    panels = []
    for one in found.count_histograms:
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
        "counts",
        "Window counts",
        f"How often a node fires 0, 1, 2, … times in {found.window} bins: bars observed, dots "
        "simulated. Dots that follow the bars mean that the process has the right law of counts "
        "and not only the right mean and variance.",
        tuple(panels),
        legend=BOTH,
    )


def population(found: Excerpt) -> Drawing | None:
    """Draw the distribution of the number of active nodes per bin."""
    histogram = found.population_histogram
    if histogram is None:
        return None
    drawn = two_histograms(histogram, "Whole network", "active nodes in a bin", "bins")
    return Drawing(
        "population",
        "Population count",
        "How many nodes are active at once. Nodes that are simulated one by one add up to a "
        "narrow law; if the observed one is wider, nodes fire together, and that is missing.",
        (drawn,),
        legend=BOTH,
    )
