"""Loadings that give a network the noise correlation that was asked for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from stochnet.bundle.latents import Latents
from stochnet.errors import InvalidInputError
from stochnet.process import Array
from stochnet.simulation.generation.spec import CorrelationSpec, NetworkSpec

# What nodes share of their variance at most.
MOST_SHARED = 0.98
MOST_PAIRS = 2000
POINTS = 24
BY_CHANCE = 0.005


def spike_correlation(p: Array, q: Array, latent: Array) -> Array:
    """Return the correlation of two 0/1 bins whose latents are correlated.

    Parameters
    ----------
    p, q : ndarray
        Spike probabilities; NaN results where one is 0 or 1.
    latent : ndarray
        Correlation of the two normal numbers that are compared with their thresholds.

    References
    ----------
    Owen (1956), Annals of Mathematical Statistics 27, 1075-1090: the derivative of the bivariate
    normal distribution function with respect to the correlation is its density.
    """
    p, q, latent = np.broadcast_arrays(p, q, latent)
    varying = (p > 0) & (p < 1) & (q > 0) & (q < 1)
    found = np.full(p.shape, np.nan)
    h, k = special.ndtri(p[varying])[..., None], special.ndtri(q[varying])[..., None]
    nodes, weights = np.polynomial.legendre.leggauss(POINTS)
    # With r = sin(angle) the integrand stays smooth up to correlations of 1.
    top = np.arcsin(latent[varying])[..., None]
    angle = top * (nodes + 1) / 2
    exponent = -(h * h - 2 * h * k * np.sin(angle) + k * k) / (2 * np.cos(angle) ** 2)
    joint = (np.exp(exponent) * weights).sum(axis=-1) * top[..., 0] / (4 * np.pi)
    a, b = p[varying], q[varying]
    found[varying] = joint / np.sqrt(a * (1 - a) * b * (1 - b))
    return found


def make_latents(
    spec: NetworkSpec, probabilities: list[Array], rng: list[np.random.Generator]
) -> Latents | None:
    """Return the latents of a network, or None if it has no correlations.

    Parameters
    ----------
    spec : NetworkSpec
    probabilities : list of ndarray (node, class)
        Spike probabilities of every layer; of one column when pooled.
    rng : list of numpy.random.Generator
        One for each layer.

    Raises
    ------
    InvalidInputError
        A noise correlation that the rates of a layer do not allow.
    """
    wanted = spec.correlation
    if wanted is None:
        return None
    tables, gains = [], []
    for layer, p, one in zip(spec.layers, probabilities, rng, strict=True):
        table, gain = np.zeros((len(p), wanted.rank)), np.zeros(len(p))
        if spec.correlates(layer.name):
            # Where a node cannot vary there is nothing to correlate.
            free = np.flatnonzero(((p > 0) & (p < 1)).any(axis=1))
            table[free] = layer_loadings(wanted, p[free], layer.name, one)
            gain[free] = wanted.trial
        tables.append(table)
        gains.append(gain)
    same = (1 - wanted.across) * np.eye(len(tables)) + wanted.across
    mixing = np.asarray(np.kron(_cholesky(same), np.eye(wanted.rank)), np.float64)
    return Latents(np.concatenate(tables), mixing, np.concatenate(gains))


def _cholesky(correlation: Array) -> Array:
    """Return the lower triangular root; of correlations of 1 too."""
    if np.all(correlation == 1):
        root = np.zeros_like(correlation)
        root[:, 0] = 1.0
        return root
    return np.asarray(np.linalg.cholesky(correlation))


def layer_loadings(spec: CorrelationSpec, p: Array, layer: str, rng: np.random.Generator) -> Array:
    """Return the loadings of the nodes of one layer: (node, rank)."""
    n, most = len(p), MOST_SHARED - spec.trial**2
    if spec.loadings is not None:
        return _within(spec.loadings.draw(n * spec.rank, rng).reshape(n, spec.rank), most)
    noise = spec.spread * rng.standard_normal((n, spec.rank))
    if spec.mean is None or n < 2:
        return _within(noise, most)
    target, (first, second) = spec.mean, _pairs(n, rng)
    direction = np.full(spec.rank, 1 / np.sqrt(spec.rank))

    def loadings(common: float) -> Array:
        return _within(noise + common * direction, most)

    def excess(common: float) -> float:
        table = loadings(common)
        latent = (table[first] * table[second]).sum(axis=1) + spec.trial**2
        found = spike_correlation(p[first], p[second], latent[:, None])
        known = found[~np.isnan(found)]
        return (float(known.mean()) if len(known) else 0.0) - target

    largest = float(np.sqrt(most))
    low, high = excess(0.0), excess(largest)
    # The spread alone gives pairs a correlation of about 0, by chance a little above or below.
    if low > 0.0 and low < BY_CHANCE:
        return loadings(0.0)
    if low > 0.0 or high < 0.0:
        raise InvalidInputError(
            f"layer {layer!r}: with these rates, loadings and trial gain the mean noise "
            f"correlation can be {low + spec.mean:.3f} to {high + spec.mean:.3f}, not "
            f"{spec.mean:g}: change correlation.mean, spread or trial"
        )
    return loadings(float(optimize.brentq(excess, 0.0, largest, xtol=1e-10)))


def _within(table: Array, most: float) -> Array:
    """Shorten the loadings of nodes that would share more than is possible."""
    shared = (table**2).sum(axis=1, keepdims=True)
    return np.asarray(table * np.sqrt(np.minimum(1.0, most / np.maximum(shared, most))))


def _pairs(n: int, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return pairs of different nodes: all, or a sample of them."""
    if n * (n - 1) // 2 <= MOST_PAIRS:
        first, second = np.triu_indices(n, 1)
        return first.astype(np.int64), second.astype(np.int64)
    first = rng.integers(n, size=MOST_PAIRS)
    return first, (first + rng.integers(1, n, size=MOST_PAIRS)) % n
