"""The figure that opens a validation: every statistic beside its floor."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from stochnet.report.select import in_lines
from stochnet.report.svg import OBSERVED, SIMULATED, SOFT, WASH, Drawing, panel
from stochnet.validation.comparison import Comparison

FARTHEST = 100.0
LEFT = 0.3


def floors(statistics: Sequence[Comparison]) -> Drawing | None:
    """Draw how far every statistic is from its floor."""
    rows = [one for one in statistics if one.scope is None and one.distances]
    if not rows:
        return None
    inside = [
        [x for x in statistics if x.label == one.label and x.scope is not None] for one in rows
    ]
    height = 0.31 * len(rows) + 0.8
    with panel((4.6, height), "Distance over floor of every statistic") as drawn:
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
                ms=7,
                color=SIMULATED if differs else OBSERVED,
            )
        axes.set_xscale("log")
        axes.set_xlim(LEFT, FARTHEST * 1.3)
        ticks = [0.5, 1, 2, 5, 10, 30, 100]
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks[:-1]] + ["≥ 100"])
        axes.minorticks_off()
        axes.set_yticks(range(len(rows)), [in_lines(one.label) for one in rows])
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0, labelsize=9.5)
        axes.grid(axis="x")
        axes.set_xlabel("distance ÷ split-half floor")
    return Drawing(
        "floors",
        "How far from the floor",
        "Each row is a statistic; the filled mark is the whole network, open circles are its "
        "layers. At 1 the surrogate is as far from the recording as halves of the recording are "
        "from each other, at equal size. The shaded bar reaches as far as chance may take it: "
        "filled circles lie within, diamonds beyond. Of the distances of a statistic the one "
        "farthest beyond chance is shown.",
        (drawn.svg,),
        legend=(("observed", "within the floor"), ("simulated", "differs")),
    )


def _ratio(one: Comparison) -> float:
    ratio = one.ratio
    if math.isnan(ratio):
        # A floor of zero: within it by the nodes that are allowed, or infinitely far.
        ratio = FARTHEST if one.verdict == "differs" else 1.0
    return float(np.clip(ratio, 0.32, FARTHEST))
