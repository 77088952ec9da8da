"""Checks of a fit: observed window counts among those that the fitted processes would make.

A count is ranked among counts of the same window in rasters drawn from the bundle, ties broken at
random. Under the true process every rank is equally probable, whatever the process and its
conditions; so the histogram of ranks is the randomised probability integral transform without a
formula for the distribution.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stochnet.bundle.bundle import Bundle
from stochnet.raster.raster import SpikeRaster
from stochnet.simulation.simulate import simulate
from stochnet.statistics.moments import Array
from stochnet.statistics.nodes import window_counts
from stochnet.validation.comparison import FitCheck
from stochnet.validation.matching import Matched
from stochnet.validation.sums.sampled_nodes import sample_nodes, take_nodes

Index = NDArray[np.int64]

MOST_NODES, RASTERS, BINS = 1000, 19, 10


def some_nodes(bundle: Bundle, nodes: Index) -> Bundle:
    """Return the bundle of some nodes, ascending, which become nodes 0, 1, 2, …."""
    fits = []
    for fit in bundle.fits:
        rows = np.flatnonzero(np.isin(fit.node_ids, nodes))
        if len(rows):
            mine = fit.take(rows)
            fits.append(replace(mine, node_ids=np.searchsorted(nodes, mine.node_ids)))
    return Bundle(tuple(fits), (), bundle.n_trials, bundle.n_bins, bundle.conditions)


def check_fit(matched: Matched, bundle: Bundle, window: int) -> tuple[FitCheck, ...]:
    """Check the window counts of a bundle, in the network and in each layer.

    Nodes are chosen where there are many, rasters are drawn, and ties are broken at random.

    Parameters
    ----------
    matched : Matched
    bundle : Bundle
    window : int
        Bins.
    """
    observed, rng = matched.observed, matched.rng
    nodes = sample_nodes(0, observed.n_nodes, rng, MOST_NODES)
    few = some_nodes(bundle, nodes)
    counts = window_counts(take_nodes(observed, nodes), window)
    below, same = np.zeros((2, *counts.shape), np.int32)
    most = int(counts.max())
    tables = [np.zeros((len(nodes), most + 1), np.int64)]
    conditions = observed.conditions if bundle.n_conditions else None
    for _ in range(RASTERS):
        drawn = _drawn(few, observed, conditions, int(rng.integers(2**63)))
        other = window_counts(drawn, window)
        below += other < counts
        same += other == counts
        tables.append(_histogram(other))
    place = (below + rng.random(counts.shape) * (same + 1)) / (RASTERS + 1)
    own, width = _histogram(counts), max(table.shape[1] for table in tables)
    expected = sum(np.pad(table, ((0, 0), (0, width - table.shape[1]))) for table in tables)
    names = bundle.process_names()[nodes]
    found = []
    for scope, inside in matched.scopes:
        mine = (nodes >= inside.start) & (nodes < inside.stop)
        if not mine.any():
            continue
        seen = np.pad(own[mine].sum(axis=0), (0, width - own.shape[1]))
        found.append(
            FitCheck(
                scope=scope,
                processes=tuple(np.unique(names[mine]).tolist()),
                window=window,
                n_nodes=int(mine.sum()),
                n_windows=counts.shape[1],
                pit=np.histogram(place[mine], BINS, (0, 1))[0] / place[mine].size,
                distance=_from_uniform(place[mine].ravel()),
                observed=seen.astype(np.float64),
                expected=np.asarray(expected)[mine].sum(axis=0) / RASTERS,
            )
        )
    return tuple(found)


def _drawn(
    bundle: Bundle, observed: SpikeRaster, conditions: NDArray[np.int16] | None, seed: int
) -> SpikeRaster:
    if conditions is None:
        bundle = replace(bundle, conditions=None)
    return simulate(bundle, observed.n_trials, observed.n_bins, seed=seed, conditions=conditions)


def _histogram(counts: NDArray[np.int32]) -> Index:
    """Count windows with 0, 1, 2, … spikes of every node: (node, count)."""
    n, width = len(counts), int(counts.max()) + 1
    flat = counts + np.arange(n)[:, None] * width
    return np.bincount(flat.ravel(), minlength=n * width).reshape(n, width)


def _from_uniform(values: Array) -> float:
    """Return the largest difference of a distribution function from the uniform one."""
    ordered = np.sort(values)
    steps = np.arange(len(ordered) + 1) / len(ordered)
    return float(max((steps[1:] - ordered).max(), (ordered - steps[:-1]).max()))
