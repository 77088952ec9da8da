"""Gaps between spikes: their spread, how successive ones differ, and their distribution."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stochnet.statistics.moments import cv_from_moments
from stochnet.statistics.unit_sums import SHARES
from stochnet.validation.kinds.node_statistic import NodeStatistic
from stochnet.validation.kinds.statistic import Array
from stochnet.validation.sums.totals import Totals, thresholds

# Fewer gaps, or silent bins in them, are too few to judge by.
FEW_GAPS = 20


def share(part: NDArray[np.int64], of: NDArray[np.int64]) -> Array:
    """Divide; NaN where there is nothing."""
    found = np.full(part.shape, np.nan)
    np.divide(part, of, out=found, where=of > 0)
    return found


def some_gaps(totals: Totals) -> NDArray[np.bool_]:
    """Whether a node has gaps enough for their distribution."""
    return np.asarray(totals.gaps[0] >= FEW_GAPS)


def uneven_gaps(totals: Totals) -> NDArray[np.bool_]:
    """Whether a node has gaps enough, and silent bins in them, for their spread."""
    n, total, _ = totals.gaps
    return np.asarray((n >= FEW_GAPS) & (total - n >= FEW_GAPS))


def some_pairs(totals: Totals) -> NDArray[np.bool_]:
    """Whether a node has pairs of successive gaps enough."""
    return np.asarray(totals.gap_pairs[0] >= FEW_GAPS)


def of_pairs(
    name: str, label: str, plural: str, order: int, which: int, scale: float
) -> NodeStatistic:
    """Return a mean over pairs of successive gaps of how they compare: see `UnitSums.gap_pairs`."""
    return NodeStatistic(
        name=name,
        label=label,
        plural=plural,
        order=order,
        sums="gap_pairs",
        values=lambda totals: share(totals.gap_pairs[which], totals.gap_pairs[0]) / SHARES * scale,
        enough=some_pairs,
        follows_from=("firing_rate", "rate_over_trial", "fano_factor"),
    )


STATISTICS = (
    # A few long gaps make the CV of a node; node by node the law of gaps is compared.
    NodeStatistic(
        name="cv_isi",
        label="CV of gaps",
        plural="CVs of gaps",
        order=40,
        sums="gaps",
        values=lambda totals: cv_from_moments(*totals.gaps),
        enough=uneven_gaps,
        by_mean=True,
        follows_from=("firing_rate", "rate_over_trial", "rate_by_condition", "fano_factor"),
    ),
    of_pairs("cv2", "CV2 of gaps", "CV2 of gaps", 50, 1, 2),
    of_pairs("lv", "local variation of gaps", "Local variations of gaps", 60, 2, 3),
    NodeStatistic(
        name="gap_law",
        label="law of gaps",
        plural="Laws of gaps",
        order=70,
        over="nodes and gaps",
        available=lambda matched: matched.piece_bins > 1,
        needs="trials of two bins",
        sums="gaps_at_most",
        values=lambda totals: share(totals.gaps_at_most, totals.gaps[0]).transpose(1, 2, 0),
        sized=lambda matched, window: (len(thresholds(matched.piece_bins, 1)),),
        enough=some_gaps,
        follows_from=("firing_rate", "rate_over_trial", "rate_by_condition", "fano_factor"),
    ),
)
