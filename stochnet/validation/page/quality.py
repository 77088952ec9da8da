"""The figure that opens a validation: every statistic between its baseline and its floor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stochnet.report.select import in_lines
from stochnet.report.svg import INK, OBSERVED, SIMULATED, SOFT, WASH, Drawing, panel
from stochnet.validation.comparison import Comparison


def quality_bars(statistics: Sequence[Comparison], baseline: str = "") -> Drawing | None:
    """Draw the quality of every statistic; None where no baseline was compared."""
    rows = [one for one in statistics if one.scope is None and one.distances]
    if not any(one.quality is not None for one in rows):
        return None
    inside = [
        [x for x in statistics if x.label == one.label and x.scope is not None] for one in rows
    ]
    with panel((4.6, 0.31 * len(rows) + 0.85), "Quality of every statistic") as drawn:
        axes = drawn.axes
        axes.axvline(0.0, color=SOFT, lw=1)
        axes.axvline(1.0, color=INK, lw=1.2, ls=(0, (4, 2)))
        for y, (one, layers) in enumerate(zip(rows, inside, strict=True)):
            differs = one.verdict == "differs"
            color = SIMULATED if differs else OBSERVED
            start = _chance(one)
            if start is not None:
                axes.barh(y, 1 - start, 0.78, start, color=WASH, lw=0)
            if one.quality is not None:
                axes.barh(y, one.quality, 0.42, color=color, lw=0, alpha=0.85)
                known = [x.quality for x in layers if x.quality is not None]
                axes.plot(known, np.full(len(known), y), "o", ms=4.5, mfc="none", mec=INK, mew=0.9)
            mark = {"differs": "✗", "close": "≈"}.get(one.verdict, "✓")
            words = "–" if one.quality is None else f"{one.quality:.2f}"
            axes.text(1.04, y, f"{mark} {words}", va="center", color=color)
        axes.set_xlim(0, 1.2)
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0\nbaseline", "", "0.5", "", "1\nfloor"])
        axes.set_yticks(range(len(rows)), [in_lines(one.label) for one in rows])
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0, labelsize=9.5)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("quality")
    kind = f" The baseline: {baseline.rstrip('.')}." if baseline else ""
    return Drawing(
        "quality",
        "How close the surrogate is",
        "Each bar is a statistic of the whole network, open circles are its layers. At 1 (dashed) "
        "the surrogate is as close to the recording as one half of the recording is to the other; "
        "at 0 it is no closer than the baseline. Shaded: what chance explains; ✓ lies "
        "within it, ≈ differs by less than matters, ✗ differs. "
        "A dash: the baseline is as close as the floor, so that "
        f"nothing is between them.{kind}",
        (drawn.svg,),
        legend=(("observed", "✓ chance, ≈ less than matters"), ("simulated", "✗ differs")),
    )


def _chance(one: Comparison) -> float | None:
    """Return the lowest quality that chance explains."""
    worst = one.worst
    if worst is None or one.baseline is None or one.baseline <= worst.floor:
        return None
    start = (one.baseline - worst.limit) / (one.baseline - worst.floor)
    return float(np.clip(start, 0.0, 1.0))
