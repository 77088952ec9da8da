"""The distribution of the number of nodes that are active in a bin."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

from stochnet.statistics.even_sample import evenly_spread
from stochnet.validation.inference.evidence import Evidence, Test
from stochnet.validation.kinds.network_statistic import NetworkStatistic
from stochnet.validation.kinds.statistic import Array, Index, Measured, moments
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
        return Evidence(comparison)
    chance = matched.resampling.randomization
    used, added, added_means = by_groups(counts, matched.resampling.groups)
    products = np.einsum("ij,kj->ikj", added, added).max(axis=2)
    floor = float(np.sqrt(2 * chance.variance(products)[0]))
    inflation = measured.fit_error.inflation(one.label)
    test = Test("kolmogorov", kolmogorov(*used), floor, chance.of_largest(added) * inflation)
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
) -> tuple[list[Index], Array, Array]:
    """Return the distributions of population counts (trial, bin) of two rasters, by groups.

    Returns
    -------
    used : list of ndarray (bin,)
        The counts of the bins of all groups.
    added : ndarray (2·group, threshold)
        What each group adds to the distribution function, beside its stratum.
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
    added, added_means = [], []
    for cut, one in zip(by_piece, groups, strict=True):
        shares, averages = [], []
        for mine in one.inside.T:
            values = np.sort(cut[mine].ravel())
            share = len(values) / len(used[0])
            shares.append(np.searchsorted(values, at, side="right") / len(values) * share)
            averages.append(values.mean() * share)
        added.append(centred(np.array(shares), one.n_strata))
        added_means.append(centred(np.array(averages), one.n_strata))
    return used, np.concatenate(added), np.concatenate(added_means)


def kolmogorov(first: Index, second: Index) -> float:
    """Return the largest difference between the distribution functions of whole numbers."""
    counts = [np.bincount(values.ravel()) for values in (first, second)]
    shares = np.zeros((2, max(one.size for one in counts)))
    for share, one in zip(shares, counts, strict=True):
        share[: one.size] = one / one.sum()
    return float(np.abs(np.cumsum(shares[0] - shares[1])).max())


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
            "rate_by_condition",
            "noise_correlation",
            "pairwise_correlation",
        ),
    ),
)
