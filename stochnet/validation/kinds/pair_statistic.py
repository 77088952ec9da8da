"""Statistics with a value for every sampled pair of nodes, whole and by groups of trials."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stochnet.kernels.threads import run_blocks
from stochnet.raster.raster import SpikeRaster
from stochnet.statistics.counting import packed
from stochnet.statistics.pairs import sample_pairs
from stochnet.validation.inference.evidence import Evidence
from stochnet.validation.kinds.statistic import (
    Array,
    Index,
    Measured,
    Statistic,
    enough_coincidences,
    no_verdict,
)
from stochnet.validation.matching import Matched
from stochnet.validation.sums.exchange import exchange_strata, stratum_gaps
from stochnet.validation.sums.jackknife import influence
from stochnet.validation.sums.resampling_groups import ResamplingGroups
from stochnet.validation.sums.sampled_nodes import take_nodes
from stochnet.validation.sums.totals import Adder, last_set, map_sums, plan_sums, without_each


@dataclass(frozen=True, eq=False, slots=True)
class PairSums:
    """What the correlations of pairs are made of, in some sets of pieces.

    Attributes
    ----------
    first, second, both : ndarray (set, pair)
        Bins in which the one, the other, and both nodes are active.
    bins : ndarray (set, 1)
    of_first, of_second : ndarray (condition, set, pair)
        The first two by condition; without entries where there are none.
    condition_bins : ndarray (condition, set, 1)
    """

    first: Index
    second: Index
    both: Index
    bins: Index
    of_first: Index
    of_second: Index
    condition_bins: Index


@dataclass(frozen=True, slots=True, kw_only=True)
class PairStatistic(Statistic):
    """A correlation of pairs of nodes.

    Attributes
    ----------
    correlation : callable
        ``PairSums -> (set, pair)``, NaN where a set does not have it.
    by_condition : bool
        Whether it needs sums by condition.
    across_layers : bool
        Whether nodes of successive layers are paired, and not those within the network or a layer.
    n_values : callable
        ``Matched -> int``, of how many values of a node it is the correlation.
    """

    correlation: Callable[[PairSums], Array]
    over: str = "pairs"
    by_condition: bool = False
    across_layers: bool = False
    n_values: Callable[[Matched], int] = lambda matched: matched.compared_bins


@dataclass(frozen=True, eq=False, slots=True)
class PairValues:
    """A correlation of the pairs of a raster: whole, grouped and influence as in `NodeValues`."""

    whole: Array
    grouped: Array
    influence: NDArray[np.float32]


def pair_values(
    raster: SpikeRaster,
    groups: ResamplingGroups | None,
    first: Index,
    second: Index,
    statistics: Sequence[PairStatistic],
) -> tuple[list[PairValues], PairSums | None]:
    """Correlate pairs of nodes in the whole raster and by groups; only their nodes are in memory.

    Parameters
    ----------
    raster : SpikeRaster
    groups : ResamplingGroups or None
    first, second : ndarray of int64 (pair,)
        The nodes of each pair.
    statistics : sequence of PairStatistic

    Returns
    -------
    values : list of PairValues
        For each statistic.
    sums : PairSums or None
        Of the groups, where there are any.
    """
    nodes, index = np.unique(np.concatenate([first, second]), return_inverse=True)
    words = packed(take_nodes(raster, nodes)).reshape(len(nodes), raster.n_trials, -1)
    a, b = index[: len(first)], index[len(first) :]
    labelled = any(one.by_condition for one in statistics)
    of_trials, of_groups = plan_sums(
        raster, groups, frozenset(("by_condition",) if labelled else ())
    )
    counted = _count(words, of_trials, a, b)
    whole = map_sums(last_set, counted)
    of_all = [one.correlation(whole)[0] for one in statistics]
    if groups is None:
        nothing = np.zeros((0, len(a)), np.float32)
        return [PairValues(values, values, nothing) for values in of_all], None
    own = counted if of_groups is None else _count(words, of_groups, a, b)
    without = map_sums(without_each(groups), own)
    enough = enough_coincidences(without.first[0], without.second[0], without.bins[0])
    found = []
    for one, whole_values in zip(statistics, of_all, strict=True):
        values = one.correlation(without)
        added = influence(values, groups.n_strata).astype(np.float32)
        added[:, ~enough] = np.nan
        found.append(PairValues(whole_values, values[0], added))
    return found, own


def _count(words: NDArray[np.uint64], adder: Adder, a: Index, b: Index) -> PairSums:
    """Count active bins of both rows of pairs, and of both at once."""
    active = np.empty((len(adder.bins), len(words)), np.int64)
    both = np.empty((len(adder.bins), len(a)), np.int64)
    labelled = adder.by_condition is not None
    bins = np.zeros((0, 0, 0), np.int64) if adder.by_condition is None else adder.by_condition.bins
    by_condition = np.empty((len(bins), *active.shape), np.int64)

    def count(start: int, stop: int) -> None:
        if labelled:
            totals = adder.totals(words[start:stop])
            active[:, start:stop] = totals.spikes
            by_condition[..., start:stop] = totals.by_condition
        else:
            active[:, start:stop] = adder.active(words[start:stop])

    def count_both(start: int, stop: int) -> None:
        both[:, start:stop] = adder.active(words[a[start:stop]] & words[b[start:stop]])

    step = adder.at_once(words[0].nbytes)
    run_blocks(count, len(words), step=step)
    run_blocks(count_both, len(a), step=step)
    return PairSums(
        active[:, a],
        active[:, b],
        both,
        adder.bins,
        by_condition[..., a],
        by_condition[..., b],
        bins,
    )


def sampled(
    matched: Matched, statistics: Sequence[PairStatistic]
) -> Iterator[tuple[str | None, Index, Index, list[PairStatistic]]]:
    """Yield scope, nodes of pairs, and what they are compared by."""
    rng, n_pairs = matched.rng, matched.n_pairs
    within = [one for one in statistics if not one.across_layers]
    for scope, nodes in matched.scopes:
        n_nodes = nodes.stop - nodes.start
        if n_nodes > 1 and within:
            first, second = sample_pairs(n_nodes, n_pairs, rng=rng)
            yield scope, nodes.start + first, nodes.start + second, within
    across = [one for one in statistics if one.across_layers]
    if across:
        layers = matched.observed.layers
        which = rng.integers(len(layers) - 1, size=n_pairs)
        starts = np.array([x.first for x in layers])
        sizes = np.array([x.n_nodes for x in layers])
        first, second = (starts[k] + rng.integers(sizes[k]) for k in (which, which + 1))
        pairs = np.unique(np.stack([first, second]), axis=1)
        yield None, pairs[0], pairs[1], across


def weigh_pairs(
    matched: Matched, measured: Measured, statistics: Sequence[PairStatistic]
) -> list[Evidence]:
    """Weigh the correlations of sampled pairs, in the network, within and across its layers."""
    if not statistics:
        return []
    evidence, last = [], len(matched.scopes) + 1
    for k, (scope, first, second, wanted) in enumerate(sampled(matched, statistics)):
        matched.say("comparing pairs", k, last)
        both = [
            pair_values(raster, groups, first, second, wanted)
            for raster, groups in zip(matched.rasters, matched.groups, strict=True)
        ]
        (observed, mine), (simulated, others) = both
        exchanged = None
        if matched.resampling is not None and mine is not None and others is not None:
            of_one = matched.resampling.groups[0]
            exchange = exchange_strata(of_one.n_strata, of_one.n_groups)
            exchanged = map_sums(exchange, mine, others)
        for one, *values in zip(wanted, observed, simulated, strict=True):
            evidence.append(_weigh(one, scope, values, exchanged, matched, measured))
    matched.say("comparing pairs", last, last)
    return evidence


def _weigh(
    one: PairStatistic,
    scope: str | None,
    both: Sequence[PairValues],
    exchanged: PairSums | None,
    matched: Matched,
    measured: Measured,
) -> Evidence:
    comparison = one.compare(scope, both[0].whole, both[1].whole)
    if matched.resampling is None or exchanged is None:
        return no_verdict(comparison, matched)
    grouped, influence = [x.grouped for x in both], [x.influence for x in both]
    gaps = stratum_gaps(one.correlation(exchanged), matched.resampling.n_strata)
    weighed = one.weigh_values(comparison, grouped, influence, matched, measured, by_stratum=gaps)
    return replace(weighed, baseline=_uncorrelated(both[0].grouped, one.n_values(matched)))


def _uncorrelated(correlations: Array, n_values: int) -> float:
    """Return the root mean square of what is left of correlations, and of the noise, if none is."""
    known = correlations[~np.isnan(correlations)]
    return math.sqrt(float(np.mean(known**2)) + 1 / n_values) if len(known) else math.nan
