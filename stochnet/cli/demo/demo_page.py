"""The report of the demo."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from stochnet.report.page import TEMPLATES, write_page
from stochnet.report.svg import INK, OBSERVED, SIMULATED, THIRD, Drawing, panel
from stochnet.statistics.nodes import fano_factor, firing_rate
from stochnet.validation.page.floors import floors
from stochnet.validation.page.page_words import times
from stochnet.validation.page.quality import quality_bars
from stochnet.validation.page.spikes import rasters

if TYPE_CHECKING:
    from stochnet.cli.demo.parts import DemoResult, Shown

COLORS = (OBSERVED, SIMULATED, THIRD)
ROLES = ("observed", "simulated", "third")
# Networks differ in lines or marks too, not in color alone.
DASHES = ((0, ()), (0, (5, 1.5)), (0, (1.5, 1.2)))
LINES = ("solid", "dashed", "dotted")
MARKERS = ("o", "s", "^")
MARKS = ("circles", "squares", "triangles")
LENGTHS = (1, 2, 5, 10, 20, 25, 50)


def write(result: DemoResult, path: str | os.PathLike[str]) -> None:
    """Write the report of the demo as one HTML file."""
    shown = [one for one in result.shown if one.by == "label"]
    best = max(
        (one for one in result.surrogates if one.page and one.shown.regime.labels == "true"),
        key=lambda one: one.file,
    )
    found = best.report
    write_page(
        path,
        TEMPLATES / "demo.html.j2",
        title="stochnet demo: three networks, one architecture",
        result=result,
        opening=window_growth(shown),
        drawings=[rate_laws(shown), selectivity(shown, result.windows[-1])],
        labels=[one.label for one in result.surrogates[-1].report.of()],
        best=best,
        times=times,
        closer=[
            quality_bars(found.statistics, found.baseline) or floors(found.statistics),
            rasters(found.excerpt),
        ],
        chosen=[_chosen(one.bundle.process_names()) for one in result.surrogates],
    )


def _chosen(names: np.ndarray) -> str:
    found, counts = np.unique(names, return_counts=True)
    order = np.argsort(-counts)
    return ", ".join(f"{found[k]} {counts[k]:,}" for k in order)


def _legend(shown: Sequence[Shown], told_by: Sequence[str]) -> tuple[tuple[str, str], ...]:
    names = dict.fromkeys(one.regime.name for one in shown)
    words = [f"{name} ({how})" for name, how in zip(names, told_by, strict=False)]
    return tuple(zip(ROLES, words, strict=False))


def rate_laws(shown: Sequence[Shown]) -> Drawing:
    """Draw the law of rates of every layer in the three regimes."""
    first = [one for one in shown if one.schedule == "shuffled"]
    rates = [firing_rate(one.raster) for one in first]
    edges = np.linspace(0, 1, 41)
    panels = []
    for layer in first[0].raster.layers:
        with panel(label=f"Layer {layer.name}: firing rates in three regimes") as drawn:
            for rate, color, dashes in zip(rates, COLORS, DASHES, strict=True):
                share = np.histogram(rate[layer.nodes], edges)[0] / layer.n_nodes
                drawn.axes.stairs(share, edges, color=color, lw=1.7, ls=dashes)
            drawn.axes.set_xlim(0, 1)
            drawn.axes.set_ylim(0)
            drawn.axes.set_title(f"Layer {layer.name}")
            drawn.axes.set_xlabel("firing rate (spikes per bin)")
            drawn.axes.set_ylabel("fraction of nodes")
        panels.append(drawn.svg)
    return Drawing(
        "rates",
        "Firing rates",
        "How many nodes of a layer fire how often: nodes at the far left never do, those at the "
        "far right always. The rate of a node does not depend on the schedule.",
        tuple(panels),
        legend=_legend(shown, LINES),
    )


def window_growth(shown: Sequence[Shown]) -> Drawing:
    """Draw the mean Fano factor against the length of the window."""
    n_bins = shown[0].raster.n_bins
    lengths = sorted({*(n for n in LENGTHS if n <= n_bins), n_bins})
    regimes = list(dict.fromkeys(one.regime.key for one in shown))
    means = {}
    for one in shown:
        fanos = [fano_factor(one.raster, length) for length in lengths]
        for layer in one.raster.layers:
            parts = [fano[layer.nodes] for fano in fanos]
            means[one.file, layer.name] = [
                float(part[~np.isnan(part)].mean()) if (~np.isnan(part)).any() else np.nan
                for part in parts
            ]
    panels = []
    for layer in shown[0].raster.layers:
        with panel(label=f"Layer {layer.name}: mean Fano factor against window") as drawn:
            for one in shown:
                k = regimes.index(one.regime.key)
                blocked = one.schedule == "blocked"
                drawn.axes.plot(
                    lengths,
                    means[one.file, layer.name],
                    MARKERS[k],
                    ls="-" if blocked else "--",
                    color=COLORS[k],
                    ms=4.5,
                    mfc=None if blocked else "none",
                    lw=1.6 if blocked else 1.0,
                )
            drawn.axes.set_xlim(0)
            drawn.axes.set_ylim(0)
            drawn.axes.grid()
            drawn.axes.set_title(f"Layer {layer.name}")
            drawn.axes.set_xlabel("window (bins)")
            drawn.axes.set_ylabel("mean Fano factor")
        panels.append(drawn.svg)
    return Drawing(
        "windows",
        "What the window sees",
        "Mean Fano factor of the nodes that fire against the length of the window. Solid: class by "
        "class; it grows in a straight line, and the slope measures how much rates differ between "
        "classes. Dashed, with open marks: shuffled; it stays at 1 − rate whatever the window.",
        tuple(panels),
        legend=_legend(shown, MARKS),
    )


def selectivity(shown: Sequence[Shown], window: int) -> Drawing:
    """Draw each node's Fano factor against its rate, a panel for each regime."""
    panels = []
    blocked = [one for one in shown if one.schedule == "blocked"]
    layer = blocked[0].raster.layers[-1]
    fanos = [fano_factor(one.raster, window)[layer.nodes] for one in blocked]
    known = np.concatenate(fanos)
    top = float(np.nanmax(known)) * 1.05 if (~np.isnan(known)).any() else 1.0
    for one, fano, color in zip(blocked, fanos, COLORS, strict=True):
        with panel(label=f"{one.regime.name}: Fano factor against rate") as drawn:
            rate = firing_rate(one.raster)[layer.nodes]
            drawn.axes.plot(rate, fano, "o", ms=3.2, mew=0.9, mfc="none", color=color, alpha=0.75)
            drawn.axes.plot([0, 1], [1, 0], color=INK, lw=1.2, ls=(0, (4, 2)))
            drawn.axes.set_xlim(0, 1)
            drawn.axes.set_ylim(0, top)
            drawn.axes.grid()
            drawn.axes.set_title(one.regime.name.capitalize())
            drawn.axes.set_xlabel("firing rate (spikes per bin)")
            drawn.axes.set_ylabel(f"Fano factor, {window} bins")
        panels.append(drawn.svg)
    return Drawing(
        "selectivity",
        f"Selective nodes (layer {layer.name}, blocked)",
        "A mark is a node. On the dashed line (1 − rate) it fires alike for every class; the "
        "higher above it, the more its rate depends on the class that is shown.",
        tuple(panels),
    )
