"""The correlation of the bins of a node with those that follow on them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stochnet.statistics.moments import phi
from stochnet.validation.kinds.node_statistic import NodeStatistic
from stochnet.validation.kinds.statistic import Array, Index, enough_coincidences
from stochnet.validation.sums.totals import Totals


def successive(totals: Totals) -> Index:
    """Count the pairs of successive bins: (set, 1)."""
    return totals.n_pieces * (totals.length - 1)


def autocorrelation(totals: Totals) -> Array:
    """Correlation at lag 1."""
    return phi(*totals.lagged, successive(totals))


def enough(totals: Totals) -> NDArray[np.bool_]:
    """Whether two successive active bins, and two silent ones, are expected at times."""
    return enough_coincidences(*totals.lagged[:2], successive(totals))


STATISTICS = (
    NodeStatistic(
        name="autocorrelation",
        label="lag-1 autocorrelation",
        order=80,
        available=lambda matched: matched.n_bins > 1,
        needs="trials of two bins",
        sums="lagged",
        values=autocorrelation,
        enough=enough,
        follows_from=("firing_rate", "rate_over_trial", "rate_by_condition", "fano_factor"),
    ),
)
