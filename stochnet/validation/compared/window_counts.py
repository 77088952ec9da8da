"""Counts of spikes in windows: their Fano factor, and their distribution."""

from __future__ import annotations

import numpy as np

from stochnet.statistics.moments import fano_from_moments
from stochnet.validation.kinds.node_statistic import NodeStatistic, share_noise
from stochnet.validation.kinds.statistic import Array
from stochnet.validation.matching import Matched
from stochnet.validation.sums.totals import Totals, thresholds


def fano(totals: Totals, window: int) -> Array:
    """Variance (ddof=1) over mean of the counts."""
    return fano_from_moments(totals.n_windows(window), *totals.windows[window])


def at_most(totals: Totals, window: int) -> Array:
    """Shares of windows with at most 0, 1, 2, 4, 8, … spikes: (set, node, threshold)."""
    shares = totals.windows_at_most[window] / totals.n_windows(window)
    return np.asarray(shares).transpose(1, 2, 0)


def windows_compared(matched: Matched, window: int) -> float:
    """Return how many windows of either raster are compared."""
    per_piece = matched.piece_bins // window
    return float(matched.compared_bins // matched.piece_bins * per_piece)


STATISTICS = (
    NodeStatistic(
        name="fano_factor",
        label="Fano factor",
        order=20,
        available=lambda matched: bool(matched.windows),
        needs="two windows in both",
        sums="windows",
        values=fano,
        windowed=True,
        follows_from=("firing_rate", "rate_over_trial", "rate_by_condition"),
    ),
    NodeStatistic(
        name="window_count_law",
        label="law of window counts",
        plural="Laws of window counts",
        order=30,
        over="nodes and counts",
        available=lambda matched: bool(matched.windows),
        needs="two windows in both",
        sums="windows_at_most",
        values=at_most,
        windowed=True,
        sized=lambda matched, window: (len(thresholds(window, 0)),),
        noise=lambda matched, window, share: share_noise(share, windows_compared(matched, window)),
        follows_from=("firing_rate", "rate_over_trial", "rate_by_condition", "fano_factor"),
    ),
)
