"""The distribution of the number of nodes that are active in a bin."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

from stochnet.statistics.even_sample import evenly_spread
from stochnet.validation.inference.evidence import Evidence, Test
from stochnet.validation.kinds.network_statistic import NetworkStatistic
from stochnet.validation.kinds.statistic import Array, Index, Measured, moments, no_verdict
from stochnet.validation.matching import Matched
from stochnet.validation.sums.jackknife import centred
from stochnet.validation.sums.resampling_groups import ResamplingGroups

# Places at which two distributions are compared by groups, at most.
THRESHOLDS = 64


def weigh(matched: Matched, measured: Measured) -> list[Evidence]:
    """Weigh the distribution of active nodes per bin, in the network and in each layer."""
    return [_weigh(scope, nodes, matched, measured) for scope, nodes in matched.scopes]


def _weigh(scope: str | None, nodes: slice, matched: Matched, measured: Measured) -> Evidence:
    one = STATISTICS[0]
    counts = [raster.population(scope) for raster in measured.values]
    observed, simulated = (moments(count.astype(np.float64)) for count in counts)
    n = min(count.size for count in counts)
    comparison = one.comparison(scope, n, 0, (observed, simulated))
    if matched.resampling is None:
        return no_verdict(comparison, matched)
    chance = matched.resampling.randomization
    used, added, gaps, added_means = by_groups(counts, matched.resampling.groups)
    products = np.einsum("ij,kj->ikj", added, added).max(axis=2)
    floor = float(np.sqrt(2 * chance.variance(products)[0]))
    inflation = measured.fit_error.inflation(one.label)
    largest = float(np.abs(gaps.sum(axis=0)).max(initial=0.0))
    test = Test("kolmogorov", largest, floor, chance.of_largest(added, gaps) * inflation)
    own = chance.variance(np.outer(added_means, added_means))
    return Evidence(
        comparison,
        (test,),
        means=(float(used[0].mean()), float(used[1].mean())),
        errors=(float(np.sqrt(own[0])), float(np.sqrt(own[1]))),
        freedom=chance.freedom,
        inflation=inflation,
        baseline=of_independent_nodes(used[0], measured.active[nodes]),
    )


def by_groups(
    counts: Sequence[Index], groups: Sequence[ResamplingGroups]
) -> tuple[list[Index], Array, Array, Array]:
    """Return the distributions of population counts (trial, bin) of two rasters, by groups.

    Returns
    -------
    used : list of ndarray (bin,)
        The counts of the bins of all groups.
    added : ndarray (2·group, threshold)
        What each group adds to the distribution function, beside its stratum.
    gaps : ndarray (stratum, threshold)
        What each stratum adds to the observed minus the simulated distribution function.
    added_means : ndarray (2·group,)
        And to the mean.
    """
    used, by_piece = [], []
    for count, one in zip(counts, groups, strict=True):
        order = one.pieces.order
        cut = count if order is None else count.reshape(-1)[order]
        by_piece.append(cut)
        used.append(cut[one.inside.any(axis=1)].ravel())
    # Where the distribution functions step, or at as many places spread over both.
    at = np.unique(np.concatenate(used))
    if len(at) > THRESHOLDS:
        pooled = np.sort(np.concatenate(used))
        at = np.unique(pooled[evenly_spread(len(pooled), THRESHOLDS)])
    added, added_means, below = [], [], []
    for cut, one in zip(by_piece, groups, strict=True):
        shares, averages = [], []
        for mine in one.inside.T:
            values = np.sort(cut[mine].ravel())
            share = len(values) / len(used[0])
            shares.append(np.searchsorted(values, at, side="right") / len(values) * share)
            averages.append(values.mean() * share)
        below.append(np.reshape(shares, (one.n_strata, -1, len(at))).sum(axis=1))
        added.append(centred(np.array(shares), one.n_strata))
        added_means.append(centred(np.array(averages), one.n_strata))
    return used, np.concatenate(added), below[0] - below[1], np.concatenate(added_means)


def of_independent_nodes(counts: Index, rate: Array) -> float:
    """Return the distance of independent nodes (normal) from the distribution of some counts.

    Parameters
    ----------
    counts : ndarray of int64
        Active nodes in each bin.
    rate : ndarray (node,)
        Of these nodes.
    """
    spread = math.sqrt(float((rate * (1 - rate)).sum()))
    at, number = np.unique(counts, return_counts=True)
    independent = stats.norm.cdf(at + 0.5, rate.sum(), max(spread, 1e-9))
    below = np.cumsum(number) / number.sum()
    return float(np.abs(below - independent).max())


STATISTICS = (
    NetworkStatistic(
        name="population_count",
        label="population count",
        order=130,
        unit="active nodes",
        over="bins",
        weigh=weigh,
        population=True,
        follows_from=(
            "firing_rate",
            "rate_over_trial",
            "rate_by_condition",
            "noise_correlation",
            "pairwise_correlation",
        ),
    ),
)
