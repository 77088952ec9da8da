"""Words of a page for the numbers of a comparison."""

from __future__ import annotations

import math

from stochnet.report.page import number
from stochnet.validation.comparison import Comparison, Interval, Source


def interval(one: Interval) -> str:
    """Write a value with its interval."""
    if not math.isfinite(one.low):
        return number(one.value)
    return f"{number(one.value)} ({number(one.low)} to {number(one.high)})"


def times(one: Comparison) -> str:
    """Write the ratio of a distance to the largest that chance explains."""
    if not one.distances:
        return "–"
    if not math.isfinite(one.excess):
        return "∞"
    digits = 1 if one.excess >= 2 else 2
    words = f"{one.excess:.{digits}f}" if one.excess < 100 else f"{one.excess:,.0f}"
    # Rounding must not hide on which side of 1 it is.
    told = one.verdict != "indistinguishable"
    return f"{'> 1' if told and words == '1.00' else words} ×"


def size(source: Source) -> str:
    """Say how large a raster is, and its schedule."""
    schedule = "no schedule" if source.schedule == "none" else source.schedule
    return f"{source.n_trials:,} × {source.n_bins:,} bins ({schedule})"
