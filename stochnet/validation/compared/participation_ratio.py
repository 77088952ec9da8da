"""The participation ratio of sampled nodes: in how many directions their bins vary."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from stochnet.validation.inference.evidence import Evidence
from stochnet.validation.kinds.network_statistic import Bias, NetworkStatistic, Refit
from stochnet.validation.kinds.statistic import Array, Index, Measured, single
from stochnet.validation.matching import Matched
from stochnet.validation.sums.exchange import exchange_strata, stratum_gaps
from stochnet.validation.sums.jackknife import influence, jackknife_variance, left_out
from stochnet.validation.sums.sampled_nodes import GroupBits, bits_of_groups, sample_nodes

# A total variance below this is a rounding error.
NONE = 1e-12


def participation_ratio(second: Array, first: Array, n: float) -> float:
    """Return (tr C)² / tr(C²) of the covariance C of nodes; NaN if nothing varies.

    Parameters
    ----------
    second : ndarray (node, node)
        Bins in which two nodes are active.
    first : ndarray (node,)
        Bins in which one is.
    n : float
        Bins.

    References
    ----------
    Gao, Trautmann, Yu, Santhanam, Ryu, Shenoy & Ganguli (2017), bioRxiv 214262.
    """
    mean = first / n
    covariance = second / n - np.outer(mean, mean)
    total = float(np.trace(covariance))
    return total**2 / float(np.vdot(covariance, covariance)) if total > NONE else np.nan


def products_of(groups: Sequence[GroupBits]) -> tuple[Array, Array, Array]:
    """Return the sums of `participation_ratio` for every group: (group, node, node) and so on."""
    # Products of bits add up to whole numbers, exactly, in any order.
    second = np.stack([one.active.T @ one.active for one in groups]).astype(np.float64)
    first = np.stack([one.active.sum(axis=0, dtype=np.float64) for one in groups])
    return second, first, np.array([len(one.active) for one in groups], np.float64)


def gaps_by_stratum(observed: Sequence[Array], simulated: Sequence[Array], n_strata: int) -> Array:
    """Return what each stratum adds to observed minus simulated, from `products_of` both."""
    n_groups = len(observed[0])
    exchange = exchange_strata(n_strata, n_groups)
    flat = [[one.reshape(n_groups, -1) for one in sums] for sums in (observed, simulated)]
    second, first, sizes = (exchange(one, other) for one, other in zip(*flat, strict=True))
    n_nodes = first.shape[1]
    ratios = [
        participation_ratio(square.reshape(n_nodes, n_nodes), total, float(n[0]))
        for square, total, n in zip(second, first, sizes, strict=True)
    ]
    return stratum_gaps(np.array(ratios)[:, None], n_strata)


def participation_by_groups(sums: Sequence[Array], n_strata: int) -> tuple[float, Array]:
    """Return the participation ratio of all groups together, and what each adds: (group,).

    Without a group the others of its stratum stand in for it. Of one group alone nothing is known
    of what it adds: an empty array. The sums are those of `products_of`.
    """
    second, first, sizes = sums
    value = participation_ratio(second.sum(axis=0), first.sum(axis=0), float(sizes.sum()))
    each = len(sizes) // n_strata
    if each < 2 or np.isnan(value):
        return value, np.full(0 if each < 2 else len(sizes), np.nan)
    # Times each group counts in all together, and without each.
    times = left_out(np.eye(len(sizes), dtype=np.int64), n_strata) / (each - 1)
    n = times @ sizes
    mean = times @ first / n[:, None]
    total = times @ np.trace(second, axis1=1, axis2=2) / n - (mean**2).sum(axis=1)
    # tr(C²) of C = S/n - m mᵀ, from products of the S of all groups.
    flat = second.reshape(len(sizes), -1)
    squares = np.einsum("kg,kg->k", times @ (flat @ flat.T), times) / n**2
    beside = np.stack([((mean @ one) * mean).sum(axis=1) for one in second], axis=1)
    squares += (mean**2).sum(axis=1) ** 2 - 2 * (times * beside).sum(axis=1) / n
    values = np.full(len(times), np.nan)
    np.divide(total**2, squares, out=values, where=(total > NONE) & (squares > NONE))
    return value, np.asarray(influence(values, n_strata))


def independent_dimension(rate: Array, n_bins: int) -> float:
    """Return the participation ratio that independent nodes have in so many bins.

    Parameters
    ----------
    rate : ndarray (node,)
        Active bins, as a part of all.
    n_bins : int
    """
    variance = rate * (1 - rate)
    total, squares = float(variance.sum()), float((variance**2).sum())
    noise = (total**2 + squares) / n_bins
    return total**2 / (squares + noise) if total > NONE else np.nan


def weigh(matched: Matched, measured: Measured) -> list[Evidence]:
    """Weigh the participation ratio of up to 300 nodes of the network and of each layer."""
    evidence = []
    one, rng, resampling = STATISTICS[0], matched.rng, matched.resampling
    n_strata = 1 if resampling is None else resampling.n_strata
    for scope, inside in matched.scopes:
        nodes = sample_nodes(inside.start, inside.stop, rng)
        if len(nodes) < 2:
            continue
        bits = [
            bits_of_groups(raster, nodes, groups, rng)
            for raster, groups in zip(matched.rasters, matched.groups, strict=True)
        ]
        sums = [products_of(groups) for groups in bits]
        (observed, added), (simulated, more) = (participation_by_groups(x, n_strata) for x in sums)
        known = 0 if math.isnan(observed) or math.isnan(simulated) else len(nodes)
        both = single(observed), single(simulated)
        comparison = one.comparison(scope, known, len(nodes) - known, both)
        values = [np.array([observed]), np.array([simulated])]
        weighed = one.weigh_values(
            comparison,
            values,
            [added[:, None], more[:, None]],
            matched,
            measured,
            by_stratum=None if resampling is None else gaps_by_stratum(sums[0], sums[1], n_strata),
        )
        n_bins = sum(len(group.active) for group in bits[0])
        alone = independent_dimension(measured.active[nodes], n_bins)
        baseline = math.nan if resampling is None else abs(alone - observed)
        evidence.append(replace(weighed, baseline=baseline))
    return evidence


def fit_bias(matched: Matched, refit: Refit) -> Bias:
    """Return how much larger the participation ratio is after another fit, and the error of it.

    Errors of rates under conditions look like tuning in directions of their own.
    """
    return {
        scope: _bias_of_scope(matched, refit, np.flatnonzero(mine))
        for scope, mine in refit.scopes
        if mine.sum() > 1 and not refit.correlated
    }


def _bias_of_scope(matched: Matched, refit: Refit, rows: Index) -> tuple[float, float]:
    groups = matched.groups[1]
    if groups is None:
        return 0.0, 0.0
    nodes = rows[sample_nodes(0, len(rows), matched.rng)]
    (base, added), *again = (
        participation_by_groups(
            products_of(bits_of_groups(one, nodes, groups, matched.rng)), groups.n_strata
        )
        for one in (refit.first, *refit.others)
    )
    gap = float(np.mean([value for value, _ in again]) - base)
    variance = float(jackknife_variance(added, groups.per_stratum))
    if math.isnan(gap) or math.isnan(variance):
        return 0.0, 0.0
    # It is no mean over nodes, and shrinks with the length of the fit only about as one over it.
    return gap, math.hypot(gap, math.sqrt(variance * (1 + 1 / len(again))))


STATISTICS = (
    NetworkStatistic(
        name="participation_ratio",
        label="participation ratio",
        order=180,
        over="sampled nodes",
        available=lambda matched: matched.observed.n_nodes > 1,
        needs="two nodes",
        weigh=weigh,
        fit_bias=fit_bias,
        follows_from=(
            "firing_rate",
            "rate_over_trial",
            "rate_by_condition",
            "noise_correlation",
            "pairwise_correlation",
        ),
    ),
)
