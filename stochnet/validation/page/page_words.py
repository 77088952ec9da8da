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
    """Write the ratio of a distance to its floor."""
    if not one.distances:
        return "–"
    if math.isnan(one.ratio):
        return "∞" if one.verdict == "differs" else ""
    return f"{one.ratio:.1f} ×" if one.ratio < 100 else f"{one.ratio:,.0f} ×"


def size(source: Source) -> str:
    """Say how large a raster is, and its schedule."""
    schedule = "no schedule" if source.schedule == "none" else source.schedule
    return f"{source.n_trials:,} × {source.n_bins:,} bins ({schedule})"
