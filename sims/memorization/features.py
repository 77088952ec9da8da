"""What the spikes of a network come to: one row for each layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

import stochnet as sn

Array = NDArray[np.float64]
Row = dict[str, Any]
PERCENTILES = (1, 5, 50, 95, 99)
WHOLE = "all"
WAYS = (
    ("shuffled", "shuffled", "label"),
    ("blocked", "blocked", "label"),
    ("blocked_training", "blocked", "training-label"),
    ("stratified", "stratified", "label"),
)
"""Name in the columns, schedule, and the labels it goes by."""


def thinned(raster: sn.SpikeRaster, most: int, seed: int) -> sn.SpikeRaster:
    """Keep at most so many nodes of every layer: a random subset, the same for one seed."""
    rows: list[NDArray[np.int64]] = []
    layers, first = [], 0
    for number, layer in enumerate(raster.layers):
        kept = min(most, layer.n_nodes)
        rng = np.random.default_rng([seed, number, 3])
        chosen = layer.first + np.sort(rng.choice(layer.n_nodes, kept, replace=False))
        layers.append(sn.Layer(layer.name, layer.kind, (kept,), first, kept))
        rows.append(chosen)
        first += kept
    held = raster.load()
    return replace(held, data=held.data[np.concatenate(rows)], layers=tuple(layers))


def shows(raster: sn.SpikeRaster, window: int, longest: int, seed: int
          ) -> Iterator[tuple[str, sn.SpikeRaster]]:  # fmt: skip
    """Present a recording by every schedule, so that each window is what its schedule says.

    A stratified window holds every class equally often only if it is a trial of its own. Where
    classes are balanced, every stimulus is shown once.
    """
    n_classes = int(raster.conditions.max()) + 1
    for name, schedule, by in WAYS:
        if by == "training-label" and raster.training_labels is None:
            continue
        n_bins = window if schedule == "stratified" else longest
        trials = raster.n_bins // n_bins
        if schedule == "blocked":
            trials -= trials % n_classes
        yield name, sn.present(raster, schedule, by=by, n_trials=trials, n_bins=n_bins, seed=seed)


def selectivity(raster: sn.SpikeRaster, labels: NDArray[np.int16]) -> Array:
    """Return the share of a node's variance over stimuli that the class explains: (node,).

    Corrected for the number of classes (epsilon squared), so that it is 0 on average for a node
    that does not depend on the class. NaN for nodes that never or always fire.
    """
    rate = sn.firing_rate(raster)
    by_class = sn.rate_by_condition(replace(raster, conditions=labels))
    n = np.bincount(labels.reshape(-1), minlength=by_class.shape[1])
    there = n > 0
    between = (n[there] * (by_class[:, there] - rate[:, None]) ** 2).sum(axis=1) / n.sum()
    total = rate * (1 - rate)
    explained = np.divide(between, total, out=np.full(len(rate), np.nan), where=total > 0)
    return 1 - (1 - explained) * (n.sum() - 1) / (n.sum() - there.sum())


def entropy(rate: Array) -> Array:
    """Return the entropy of a bin in bits: (node,)."""
    total = np.zeros(len(rate))
    for p in (rate, 1 - rate):
        total -= np.where(p > 0, p * np.log2(np.where(p > 0, p, 1.0)), 0.0)
    return total


def rounded(row: Row, **digits: int) -> Row:
    """Round floats to significant digits: `rest` of them, or those given for a part of the name."""
    found = {}
    for key, value in row.items():
        if isinstance(value, float | np.floating):
            kept = next((n for name, n in digits.items() if name in key), digits["rest"])
            value = float(f"{value:.{kept}g}")
        found[key] = value
    return found


def rows(raster: sn.SpikeRaster, windows: Sequence[int], seed: int) -> list[Row]:
    """Return the features of every layer, and of all recorded nodes together.

    Parameters
    ----------
    raster : SpikeRaster
        A recording with labels, and training labels where they differ.
    windows : sequence of int
        Bins per window.
    seed : int
        Of the schedules.
    """
    rate = sn.firing_rate(raster)
    told = [(name, window) for window in windows for name in names_at(window, windows)]
    fanos = {
        f"{name}_{window}": sn.fano_factor(shown, window)
        for window in windows
        for name, shown in shows(raster, window, max(windows), seed)
        if (name, window) in told
    }
    tuned = {"selectivity": selectivity(raster, raster.conditions)}
    if raster.training_labels is not None:
        tuned["selectivity_training"] = selectivity(raster, raster.training_labels)
    bits = entropy(rate)
    names = [f"{name}_{window}" for name, window in told]

    def row(name: str, depth: int, nodes: slice) -> Row:
        own = rate[nodes]
        found: Row = {
            "layer": name,
            "depth": depth,
            "n_nodes": len(own),
            "dead": int(np.count_nonzero(own == 0)),
            "saturated": int(np.count_nonzero(own == 1)),
            "mfr": own.mean(),
            "var_rate": own.var(),
            **percentiles("rate", own),
            "entropy": bits[nodes].mean(),
        }
        for kind in ("selectivity", "selectivity_training"):
            values = known(tuned[kind][nodes]) if kind in tuned else np.empty(0)
            found[kind] = values.mean() if len(values) else None
            found[f"{kind}_p99"] = np.percentile(values, 99) if len(values) else None
        for kind in names:
            values = known(fanos[kind][nodes]) if kind in fanos else np.empty(0)
            found[f"mff_{kind}"] = values.mean() if len(values) else None
            found[f"var_fano_{kind}"] = values.var() if len(values) else None
        last = fanos[f"blocked_{max(windows)}"][nodes]
        return found | percentiles(f"fano_blocked_{max(windows)}", known(last))

    parts = [
        row(layer.name, depth, layer.nodes) for depth, layer in enumerate(raster.layers, start=1)
    ]
    return [*parts, row(WHOLE, 0, slice(None))]


def names_at(window: int, windows: Sequence[int]) -> list[str]:
    """Return the schedules whose Fano factors are told for a window.

    Where classes do not come in blocks, their expectation does not depend on the window: one, the
    shortest, is enough.
    """
    return [name for name, kind, _ in WAYS if kind == "blocked" or window == min(windows)]


def known(values: Array) -> Array:
    """Leave out what does not exist: dead nodes have no Fano factor."""
    return values[~np.isnan(values)]


def percentiles(name: str, values: Array) -> Row:
    found = np.percentile(values, PERCENTILES) if len(values) else [None] * len(PERCENTILES)
    return {f"{name}_p{at}": value for at, value in zip(PERCENTILES, found, strict=True)}
