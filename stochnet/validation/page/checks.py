"""Figures of a fit against the counts that were observed: PIT histograms and rootograms."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from matplotlib.ticker import MaxNLocator

from stochnet.report.select import MOST_PANELS, short
from stochnet.report.svg import INK, OBSERVED, SIMULATED, Drawing, panel
from stochnet.validation.comparison import FitCheck
from stochnet.validation.excerpt.sampling import some


def pit_histograms(checks: Sequence[FitCheck]) -> Drawing | None:
    """Draw where the observed counts stand in the fitted laws, by layer."""
    if not checks:
        return None
    panels = tuple(_pit(one) for one in some(checks, MOST_PANELS))
    return Drawing(
        "pit",
        "Observed counts within the fitted laws",
        "Every window count of a node is replaced by its place in the law that was fitted to the "
        "node, from 0 (as low as it gets) to 1 (probability integral transform, randomised "
        "because counts are whole). If the laws are right all places are equally frequent and "
        "the bars reach the dashed line. Bars high at both ends: counts vary more than the laws "
        "allow; high in the middle: less; a slope: too many or too few spikes. D is the largest "
        "distance between the two distribution functions.",
        panels,
        legend=(("observed", "observed counts"), ("ink", "expected (dashed)")),
    )


def _pit(one: FitCheck) -> Markup:
    name = _name(one)
    with panel(label=f"{name}: histogram of the probability integral transform") as drawn:
        axes = drawn.axes
        edges = np.linspace(0, 1, len(one.pit) + 1)
        height = one.pit * len(one.pit)
        axes.stairs(height, edges, fill=True, color=OBSERVED, alpha=0.35, lw=0)
        axes.stairs(height, edges, color=OBSERVED, lw=0.8)
        axes.axhline(1.0, color=INK, lw=1.2, ls=(0, (4, 2)))
        axes.set_xlim(0, 1)
        axes.set_ylim(0, max(1.5, 1.08 * float(height.max(initial=0.0))))
        axes.set_title(f"{short(name, 30)}, D = {one.distance:.3f}")
        axes.set_xlabel(f"place in the fitted law ({one.window} bins)")
        axes.set_ylabel("density")
        axes.locator_params(nbins=5)
    return drawn.svg


def rootograms(checks: Sequence[FitCheck]) -> Drawing | None:
    """Draw how often each count was observed beside how often the fitted laws expect it."""
    if not checks:
        return None
    panels = tuple(_rootogram(one) for one in some(checks, MOST_PANELS))
    return Drawing(
        "rootograms",
        "Counts observed and expected",
        "How many windows of all nodes of a layer have 0, 1, 2, … spikes: the line is what the "
        "fitted laws expect, bars hang from it and are as long as what was observed. A bar that "
        "ends at zero is right; one that ends above zero is a count that occurs too rarely, one "
        "that reaches below zero a count that occurs more often than the laws say. Heights are "
        "square roots, so that rare counts can be seen.",
        panels,
        legend=(("observed", "observed (hanging bars)"), ("simulated", "expected (line)")),
    )


def _rootogram(one: FitCheck) -> Markup:
    name = _name(one)
    with panel(label=f"{name}: rootogram of window counts") as drawn:
        axes = drawn.axes
        counts = np.arange(len(one.observed))
        expected, observed = np.sqrt(one.expected), np.sqrt(one.observed)
        axes.bar(counts, -observed, 0.85, expected, color=OBSERVED, alpha=0.45)
        axes.axhline(0.0, color=INK, lw=1)
        axes.plot(counts, expected, "o-", ms=3.5, lw=1.4, color=SIMULATED)
        axes.set_ylim(top=1.08 * max(float(expected.max(initial=0.0)), 1.0))
        axes.set_title(short(name, 34))
        axes.set_xlabel(f"spikes in {one.window} bins")
        axes.set_ylabel("√ windows")
        axes.locator_params(axis="y", nbins=5)
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    return drawn.svg


def _name(one: FitCheck) -> str:
    return "Whole network" if one.scope is None else f"Layer {one.scope}"
