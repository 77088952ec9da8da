"""Correlations of sampled pairs of nodes, whole and by groups of trials."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stochnet.kernels.threads import run_blocks
from stochnet.raster.raster import SpikeRaster
from stochnet.statistics.counting import packed
from stochnet.statistics.moments import Array, phi
from stochnet.validation.compared.nodewise import enough_coincidences
from stochnet.validation.compared.together import take_nodes
from stochnet.validation.sums.survey import contributions, plan_sums
from stochnet.validation.sums.totals import Adder, left_out
from stochnet.validation.sums.units import Units

Index = NDArray[np.int64]


@dataclass(frozen=True, eq=False, slots=True)
class Correlations:
    """Correlations of pairs of one raster: as `stochnet.validation.sums.survey.Findings`."""

    whole: Array
    grouped: Array
    parts: NDArray[np.float32]


@dataclass(frozen=True, eq=False, slots=True)
class PairSums:
    """What the correlations of pairs are made of, in some sets of units.

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

    def each(self, of: Callable[[Index, int], Index]) -> PairSums:
        """Apply a function of sums and the axis of their sets."""
        return PairSums(
            of(self.first, 0),
            of(self.second, 0),
            of(self.both, 0),
            of(self.bins, 0),
            *(
                of(one, 1) if one.size else one
                for one in (self.of_first, self.of_second, self.condition_bins)
            ),
        )

    def pairwise(self) -> Array:
        """Correlation of the bins."""
        return phi(self.first, self.second, self.both, self.bins)

    def noise(self) -> Array:
        """Correlation of the bins about their means in each condition."""
        with np.errstate(invalid="ignore", divide="ignore"):
            together = self.both - np.nansum(
                self.of_first * (self.of_second / self.condition_bins), axis=0
            )
            spread = [
                np.nansum(one - one * (one / self.condition_bins), axis=0)
                for one in (self.of_first, self.of_second)
            ]
            found = together / np.sqrt(spread[0] * spread[1])
        return np.where((spread[0] > 0) & (spread[1] > 0), found, np.nan)

    def signal(self) -> Array:
        """Correlation of the rates in each condition, over conditions."""
        with np.errstate(invalid="ignore", divide="ignore"):
            sides = [one / self.condition_bins for one in (self.of_first, self.of_second)]
            sides = [side - side.mean(axis=0) for side in sides]
            norm = np.sqrt((sides[0] ** 2).sum(axis=0) * (sides[1] ** 2).sum(axis=0))
            found = (sides[0] * sides[1]).sum(axis=0) / norm
        return np.where(norm > 0, found, np.nan)


CORRELATIONS: Mapping[str, Callable[[PairSums], Array]] = {
    "pairwise_correlation": PairSums.pairwise,
    "signal_correlation": PairSums.signal,
    "noise_correlation": PairSums.noise,
    "cross_layer_correlation": PairSums.pairwise,
}
LABELS = {
    "pairwise_correlation": "pairwise correlation",
    "signal_correlation": "signal correlation",
    "noise_correlation": "noise correlation",
    "cross_layer_correlation": "correlation across layers",
}
BY_CONDITION = frozenset(("signal_correlation", "noise_correlation"))


def pair_correlations(
    raster: SpikeRaster,
    units: Units | None,
    inside: NDArray[np.bool_] | None,
    n_strata: int,
    first: Index,
    second: Index,
    names: Sequence[str] = ("pairwise_correlation",),
) -> dict[str, Correlations]:
    """Correlate pairs of nodes in the whole raster and by groups.

    Only the nodes of pairs are held in memory.

    Parameters
    ----------
    raster : SpikeRaster
    units : Units or None
    inside : ndarray of bool (unit, group) or None
    n_strata : int
    first, second : ndarray of int64 (pair,)
        The nodes of each pair.
    names : sequence of str
        Which of `CORRELATIONS`.
    """
    nodes, index = np.unique(np.concatenate([first, second]), return_inverse=True)
    words = packed(take_nodes(raster, nodes)).reshape(len(nodes), raster.n_trials, -1)
    a, b = index[: len(first)], index[len(first) :]
    chosen = np.zeros((0, 0), np.bool_) if inside is None else inside
    parts = frozenset(("by_condition",) if BY_CONDITION & set(names) else ())
    of_trials, of_pieces = plan_sums(raster, units, chosen, parts)
    counted = _count(words, of_trials, a, b)
    n_groups = chosen.shape[1]
    whole = counted.each(lambda sums, axis: sums.take([-1], axis))
    of_all = {name: CORRELATIONS[name](whole)[0] for name in names}
    if not n_groups:
        nothing = np.zeros((0, len(a)), np.float32)
        return {name: Correlations(of_all[name], of_all[name], nothing) for name in names}
    pieces = counted if of_pieces is None else _count(words, of_pieces, a, b)
    jack = pieces.each(lambda sums, axis: left_out(sums, n_strata, axis, n_groups))
    enough = enough_coincidences(jack.first[0], jack.second[0], jack.bins[0])
    found = {}
    for name in names:
        values = CORRELATIONS[name](jack)
        added = contributions(values, n_strata).astype(np.float32)
        added[:, ~enough] = np.nan
        found[name] = Correlations(of_all[name], values[0], added)
    return found


def _count(words: NDArray[np.uint64], adder: Adder, a: Index, b: Index) -> PairSums:
    """Count active bins of both rows of pairs, and of both at once."""
    active = np.empty((len(adder.bins), len(words)), np.int64)
    both = np.empty((len(adder.bins), len(a)), np.int64)
    labelled = adder.segments is not None
    by_condition = np.empty((len(adder.condition_bins), *active.shape), np.int64)

    def count(start: int, stop: int) -> None:
        if labelled:
            totals = adder.totals(words[start:stop])
            active[:, start:stop], by_condition[..., start:stop] = (
                totals.spikes,
                totals.by_condition,
            )
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
        adder.condition_bins,
    )
