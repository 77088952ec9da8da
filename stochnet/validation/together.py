"""Nodes that fire together, for validation: population counts and pairs, whole and by groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stochnet.moments import Array, phi
from stochnet.raster import BLOCK_BYTES, SpikeRaster
from stochnet.sufficient import packed
from stochnet.threads import run_blocks
from stochnet.validation.groups import Groups
from stochnet.validation.nodewise import enough_coincidences
from stochnet.validation.survey import centred, contributions, plan_sums
from stochnet.validation.totals import Adder, left_out
from stochnet.validation.units import Units

Index = NDArray[np.int64]

# Places at which two laws are compared, at most.
THRESHOLDS = 64


def take_nodes(raster: SpikeRaster, nodes: Index) -> SpikeRaster:
    """Return some nodes, ascending, as a raster in memory; the others are read block by block."""
    step = max(1, BLOCK_BYTES // raster.node_bytes)
    parts = []
    for first in range(int(nodes[0]), int(nodes[-1]) + 1, step):
        stop = min(first + step, raster.n_nodes)
        mine = nodes[(nodes >= first) & (nodes < stop)]
        if len(mine):
            parts.append(np.asarray(raster.data[first:stop])[mine - first])
    return replace(raster, data=np.concatenate(parts), layers=())


def population_laws(
    counts: Sequence[Index], units: Sequence[Units], groups: Groups
) -> tuple[list[Index], Array, Array]:
    """Return the laws of population counts (trial, bin) of two rasters, in groups.

    Returns
    -------
    used : list of ndarray (bin,)
        The counts of the bins of all groups.
    parts : ndarray (2·group, threshold)
        What each group adds to the distribution function, beside its stratum.
    means : ndarray (2·group,)
        And to the mean.
    """
    used, by_unit = [], []
    for count, unit, inside in zip(counts, units, groups.inside, strict=True):
        cut = count if unit.order is None else count.reshape(-1)[unit.order]
        by_unit.append(cut)
        used.append(cut[inside.any(axis=1)].ravel())
    # Where the distribution functions step, or at as many places spread over both.
    at = np.unique(np.concatenate(used))
    if len(at) > THRESHOLDS:
        pooled = np.sort(np.concatenate(used))
        at = np.unique(pooled[np.linspace(0, len(pooled) - 1, THRESHOLDS).astype(int)])
    parts, means = [], []
    for cut, inside in zip(by_unit, groups.inside, strict=True):
        shares, averages = [], []
        for mine in inside.T:
            values = np.sort(cut[mine].ravel())
            share = len(values) / len(used[0])
            shares.append(np.searchsorted(values, at, side="right") / len(values) * share)
            averages.append(values.mean() * share)
        parts.append(centred(np.array(shares), groups.n_strata))
        means.append(centred(np.array(averages), groups.n_strata))
    return used, np.concatenate(parts), np.concatenate(means)


@dataclass(frozen=True, eq=False, slots=True)
class Correlations:
    """Correlations of pairs of one raster: as `stochnet.validation.survey.Findings`."""

    whole: Array
    grouped: Array
    parts: NDArray[np.float32]


def pair_correlations(
    raster: SpikeRaster,
    units: Units | None,
    inside: NDArray[np.bool_] | None,
    n_strata: int,
    first: Index,
    second: Index,
) -> Correlations:
    """Correlate pairs of nodes in the whole raster and by groups.

    Only the nodes of pairs are held in memory.
    """
    nodes, index = np.unique(np.concatenate([first, second]), return_inverse=True)
    words = packed(take_nodes(raster, nodes)).reshape(len(nodes), raster.n_trials, -1)
    a, b = index[: len(first)], index[len(first) :]
    chosen = np.zeros((0, 0), np.bool_) if inside is None else inside
    of_trials, of_pieces = plan_sums(raster, units, chosen)
    counted = _count(words, of_trials, a, b)
    whole = phi(*(one[-1] for one in counted), raster.n_trials * raster.n_bins)
    n_groups = chosen.shape[1]
    if not n_groups:
        return Correlations(whole, whole, np.zeros((0, len(a)), np.float32))
    pieces = counted if of_pieces is None else _count(words, of_pieces, a, b)
    sums = [left_out(one[:n_groups], n_strata) for one in pieces]
    bins = left_out((of_pieces or of_trials).bins[:n_groups], n_strata)
    values = phi(sums[0], sums[1], sums[2], bins)
    parts = contributions(values, n_strata).astype(np.float32)
    parts[:, ~enough_coincidences(sums[0][0], sums[1][0], bins[0])] = np.nan
    return Correlations(whole, values[0], parts)


def _count(words: NDArray[np.uint64], adder: Adder, a: Index, b: Index) -> tuple[Index, ...]:
    """Count active bins of both rows of pairs, and of both at once: three arrays (set, pair)."""
    active = np.empty((len(adder.bins), len(words)), np.int64)
    both = np.empty((len(adder.bins), len(a)), np.int64)

    def count(start: int, stop: int) -> None:
        active[:, start:stop] = adder.active(words[start:stop])

    def count_both(start: int, stop: int) -> None:
        both[:, start:stop] = adder.active(words[a[start:stop]] & words[b[start:stop]])

    step = adder.at_once(words[0].nbytes)
    run_blocks(count, len(words), step=step)
    run_blocks(count_both, len(a), step=step)
    return active[:, a], active[:, b], both
