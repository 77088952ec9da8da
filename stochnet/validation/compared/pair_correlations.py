"""Correlations of pairs of nodes: of their bins, within and across conditions and layers."""

from __future__ import annotations

import numpy as np

from stochnet.statistics.moments import phi
from stochnet.validation.kinds.pair_statistic import PairStatistic, PairSums
from stochnet.validation.kinds.statistic import Array
from stochnet.validation.matching import Matched


def pairwise(sums: PairSums) -> Array:
    """Correlation of the bins."""
    return phi(sums.first, sums.second, sums.both, sums.bins)


def noise(sums: PairSums) -> Array:
    """Correlation of the bins about their means in each condition."""
    with np.errstate(invalid="ignore", divide="ignore"):
        beside = sums.both - np.nansum(
            sums.of_first * (sums.of_second / sums.condition_bins), axis=0
        )
        spread = [
            np.nansum(one - one * (one / sums.condition_bins), axis=0)
            for one in (sums.of_first, sums.of_second)
        ]
        found = beside / np.sqrt(spread[0] * spread[1])
    return np.where((spread[0] > 0) & (spread[1] > 0), found, np.nan)


def signal(sums: PairSums) -> Array:
    """Correlation of the rates in each condition, over conditions."""
    with np.errstate(invalid="ignore", divide="ignore"):
        rates = [one / sums.condition_bins for one in (sums.of_first, sums.of_second)]
        first, second = (one - one.mean(axis=0) for one in rates)
        norm = np.sqrt((first**2).sum(axis=0) * (second**2).sum(axis=0))
        found = (first * second).sum(axis=0) / norm
    return np.where(norm > 0, found, np.nan)


def two_nodes(matched: Matched) -> bool:
    """Whether there is a pair."""
    return matched.observed.n_nodes > 1


STATISTICS = (
    PairStatistic(
        name="pairwise_correlation",
        label="pairwise correlation",
        order=140,
        available=two_nodes,
        needs="two nodes",
        correlation=pairwise,
        follows_from=(
            "rate_over_trial",
            "rate_by_condition",
        ),
    ),
    PairStatistic(
        name="signal_correlation",
        label="signal correlation",
        order=150,
        # Two rates always lie on a line.
        available=lambda matched: two_nodes(matched) and matched.n_conditions > 2,
        needs="the same conditions in both, three of them, and two nodes",
        correlation=signal,
        by_condition=True,
        n_values=lambda matched: matched.n_conditions,
        follows_from=("rate_over_trial", "rate_by_condition", "pairwise_correlation"),
    ),
    PairStatistic(
        name="noise_correlation",
        label="noise correlation",
        order=160,
        available=lambda matched: two_nodes(matched) and matched.n_conditions > 0,
        needs="the same conditions in both, and two nodes",
        correlation=noise,
        by_condition=True,
        follows_from=("pairwise_correlation",),
    ),
    PairStatistic(
        name="cross_layer_correlation",
        label="correlation across layers",
        plural="Correlations across layers",
        order=170,
        available=lambda matched: len(matched.observed.layers) > 1,
        needs="two layers",
        correlation=pairwise,
        across_layers=True,
        follows_from=(
            "rate_over_trial",
            "rate_by_condition",
            "noise_correlation",
            "pairwise_correlation",
        ),
    ),
)
