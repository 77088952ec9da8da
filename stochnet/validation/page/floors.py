"""The figure that opens a validation: every statistic beside what chance explains."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stochnet.report.select import in_lines
from stochnet.report.svg import OBSERVED, SIMULATED, SOFT, WASH, Drawing, panel
from stochnet.validation.comparison import Comparison

FARTHEST = 30.0
LEFT = 0.1


def floors(statistics: Sequence[Comparison]) -> Drawing | None:
    """Draw how far every statistic is beyond chance."""
    rows = [one for one in statistics if one.scope is None and one.distances]
    if not rows:
        return None
    inside = [
        [x for x in statistics if x.label == one.label and x.scope is not None] for one in rows
    ]
    height = 0.31 * len(rows) + 0.8
    with panel((4.6, height), "Distance over chance of every statistic") as drawn:
        axes = drawn.axes
        axes.axvspan(LEFT * 0.9, 1.0, color=WASH, lw=0)
        axes.axvline(1.0, color=SOFT, lw=1)
        for y, (one, layers) in enumerate(zip(rows, inside, strict=True)):
            for layer in layers:
                axes.plot(_excess(layer), y, "o", ms=5, mfc="none", mec=SOFT, mew=1)
            apart = one.verdict != "indistinguishable"
            axes.plot(
                _excess(one),
                y,
                marker="D" if apart else "o",
                ms=7,
                color=SIMULATED if one.verdict == "differs" else OBSERVED,
            )
        axes.set_xscale("log")
        axes.set_xlim(LEFT * 0.9, FARTHEST * 1.15)
        ticks = [0.1, 0.2, 0.5, 1, 2, 5, 10, 30]
        labels = [f"{tick:g}" for tick in ticks]
        axes.set_xticks(ticks, ["≤ 0.1", *labels[1:-1], "≥ 30"])
        axes.minorticks_off()
        axes.set_yticks(range(len(rows)), [in_lines(one.label) for one in rows])
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0, labelsize=9.5)
        axes.grid(axis="x")
        axes.set_xlabel("distance ÷ largest that chance explains")
    return Drawing(
        "floors",
        "How far beyond chance",
        "Each row is a statistic; the filled mark is the whole network, open circles are its "
        "layers. Up to 1 (shaded) chance explains the distance between the rasters; filled circles "
        "lie within, diamonds beyond: of these, those that differ by less than matters have the "
        "colour of circles. Of the distances of a statistic the one farthest beyond chance counts.",
        (drawn.svg,),
        legend=(("observed", "chance, or less than matters"), ("simulated", "differs")),
    )


def _excess(one: Comparison) -> float:
    return float(np.clip(one.excess if one.distances else np.nan, LEFT, FARTHEST))
