"""Correlation: noise correlations of pairs of nodes that share Gaussian latents."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.benchmark.quantity import Answer, Array, Per, Quantity, Truth
from stochnet.benchmark.suite import Cell, Network, Suite
from stochnet.benchmark.truth.bivariate import excess_together
from stochnet.benchmark.truth.class_rates import conditions
from stochnet.benchmark.truth.draws import Draws
from stochnet.bundle.bundle import Bundle
from stochnet.bundle.latents import Latents
from stochnet.processes.laws.scipy_stats import stats
from stochnet.raster.raster import SpikeRaster
from stochnet.statistics.pairs import pairwise_correlation

NOISE = Quantity(
    "noise_correlation", "1", Per.pair,
    "correlation of the bins of two nodes after the mean of their condition is taken away from "
    "each: mean over bins of the products, over the root of the mean squares",
    floor=0.001,
)  # fmt: skip
N_CLASSES = 5


def _influence(p: Array, q: Array, both: Array, correlation: Array) -> Array:
    """Return the variance of one bin's influence on the correlation of pairs: (pair,).

    p, q, both: probabilities (pair, condition) that one, the other, and both fire.
    """
    scales = [np.sqrt((rate * (1 - rate)).mean(axis=1, keepdims=True)) for rate in (p, q)]
    total = np.zeros(len(p))
    chances = {(1, 1): both, (1, 0): p - both, (0, 1): q - both, (0, 0): 1 - p - q + both}
    for (a, b), chance in chances.items():
        x, y = (a - p) / scales[0], (b - q) / scales[1]
        influence = x * y - correlation[:, None] * (x * x + y * y) / 2
        total += (chance * influence**2).mean(axis=1)
    return total


def noise_correlation(
    rates: Array, latents: Latents, pairs: tuple[NDArray[np.int64], NDArray[np.int64]]
) -> tuple[Array, Array]:
    """Return the correlations of pairs within conditions, and one bin's variance: (pair,).

    Parameters
    ----------
    rates : ndarray (node, condition)
        Conditions that occur equally often.
    latents : Latents
        Of one layer.
    pairs : two ndarrays (pair,)
    """
    layer = np.zeros(len(rates), np.int64)
    common = latents.correlation(*pairs, layer)[:, None]
    p, q = rates[pairs[0]], rates[pairs[1]]
    excess = excess_together(p, q, common)
    scale = np.sqrt((p * (1 - p)).mean(axis=1) * (q * (1 - q)).mean(axis=1))
    value = excess.mean(axis=1) / scale
    return value, _influence(p, q, p * q + excess, value)


def _network(
    draws: Draws,
    n_nodes: int,
    size: tuple[int, int],
    rates: tuple[float, float],
    most: float,
    n_classes: int = 1,
    gain: bool = False,
) -> Network:
    (n_trials, n_bins), rank = size, 2
    table = draws.log_between(*rates, n_nodes, n_classes)
    if n_classes > 1:
        # All nodes prefer the same conditions: without a share in common they would correlate too.
        table = np.sort(table, axis=1)[:, ::-1].copy()
    loadings = draws.between(-most, most, n_nodes, rank) if most else np.zeros((n_nodes, rank))
    trial = draws.between(0.2, 0.6, n_nodes) if gain else None
    latents = Latents.independent(loadings, trial=trial)
    value, variance = noise_correlation(table, latents, np.triu_indices(n_nodes, 1))
    # Bins of one trial share the gain, and are not independent.
    spread = None if gain else np.sqrt(variance / (n_trials * n_bins))
    shown = conditions(draws, n_trials, n_bins, n_classes) if n_classes > 1 else None
    return Network(
        Bundle.from_params(
            "bernoulli",
            {"p": table if n_classes > 1 else table[:, 0]},
            conditions=shown,
            latents=latents,
        ),
        n_trials,
        n_bins,
        {"noise_correlation": Truth(value, spread)},
        {"family": "thresholded Gaussian latents"},
    )


def _dense(raster: SpikeRaster) -> tuple[Array, NDArray[np.int64]]:
    """Return the bins of each node, and the condition of each: (node, bin) and (bin,)."""
    counts = raster.to_dense().reshape(raster.n_nodes, -1).astype(np.float64)
    shown = raster.conditions
    labels = np.zeros(counts.shape[1], np.int64) if shown is None else shown.ravel().astype(int)
    return counts, labels


def _interval(value: Array, variance: Array, n_bins: int) -> tuple[Array, Array]:
    reach = stats.norm.isf(0.025) * np.sqrt(variance / n_bins)
    return np.maximum(value - reach, -1.0), np.minimum(value + reach, 1.0)


def estimate(raster: SpikeRaster, facts: Mapping[str, Any]) -> dict[str, Answer]:
    """Correlate what is left of bins after their condition; large-sample intervals."""
    counts, labels = _dense(raster)
    members = [labels == c for c in np.unique(labels)]
    rates = np.stack([counts[:, bins].mean(axis=1) for bins in members], axis=1)
    together = np.stack([_products(counts[:, bins]) for bins in members], axis=2)
    first, second = np.triu_indices(raster.n_nodes, 1)
    p, q, both = rates[first], rates[second], together[first, second]
    scale = np.sqrt((p * (1 - p)).mean(axis=1) * (q * (1 - q)).mean(axis=1))
    covariance = (both - p * q).mean(axis=1)
    value = np.divide(covariance, scale, out=np.zeros_like(scale), where=scale > 0)
    if (scale == 0).any():
        return {"noise_correlation": Answer(value)}
    variance = _influence(p, q, both, value)
    return {"noise_correlation": Answer(value, *_interval(value, variance, counts.shape[1]))}


def _products(counts: Array) -> Array:
    """Return how often pairs fire together: (node, node). Whole numbers, exact in any order."""
    return np.asarray(counts @ counts.T / counts.shape[1])


def total(raster: SpikeRaster, facts: Mapping[str, Any]) -> dict[str, Answer]:
    """Correlate the bins as they are, so that what conditions have in common counts as well."""
    value = pairwise_correlation(raster, *np.triu_indices(raster.n_nodes, 1))
    return {"noise_correlation": Answer(np.where(np.isnan(value), 0.0, value))}


SUITE = Suite(
    "correlation",
    1,
    "Noise correlations of all pairs of nodes of small networks. Nodes threshold shared Gaussian "
    "latents plus noise of their own, so that the correlation of every pair has a closed form. In "
    "one cell the nodes prefer the same conditions, which correlates their bins beyond that; in "
    "another they share a gain that holds for a trial.",
    7_011_005,
    (NOISE,),
    (
        Cell(
            "none", "independent nodes, 2,000 bins",
            partial(_network, n_nodes=15, size=(20, 100), rates=(0.05, 0.5), most=0.0),
        ),
        Cell(
            "typical", "rates of 0.05 to 0.5, 10,000 bins",
            partial(_network, n_nodes=15, size=(100, 100), rates=(0.05, 0.5), most=0.65),
        ),
        Cell(
            "short", "the same with 1,000 bins",
            partial(_network, n_nodes=15, size=(10, 100), rates=(0.05, 0.5), most=0.65),
        ),
        Cell(
            "sparse", "rates of 0.005 to 0.03, 40,000 bins",
            partial(_network, n_nodes=15, size=(200, 200), rates=(0.005, 0.03), most=0.65),
        ),
        Cell(
            "classes", "5 conditions that all nodes rank alike, 10,000 bins",
            partial(_network, n_nodes=15, size=(100, 100), rates=(0.02, 0.7), most=0.6,
                    n_classes=N_CLASSES),
        ),
        Cell(
            "gain", "a gain for each of 500 trials of 20 bins",
            partial(_network, n_nodes=15, size=(500, 20), rates=(0.05, 0.5), most=0.4, gain=True),
        ),
        Cell(
            "long", "rates of 0.05 to 0.5, 200,000 bins",
            partial(_network, n_nodes=8, size=(100, 2000), rates=(0.05, 0.5), most=0.65),
        ),
    ),
    {"stochnet": estimate, "stochnet, total": total},
)  # fmt: skip
