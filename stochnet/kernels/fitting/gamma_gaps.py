"""Integrals of the gamma density over bins, with their derivatives, for gaps of whole bins.

All are sums over the same points, so that the derivatives with respect to the shape k and the log
scale tau cost little more. They are held as rows (value, d/dk, d/dtau, d²/dk², d²/dk dtau,
d²/dtau²) beside the logarithm of a scale, so that no tail underflows.
"""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stochnet.kernels.compile import kernel

Array = NDArray[np.float64]
POINTS = 16
# Between the ends of one panel the density changes by at most so many factors of e.
PANEL = 8.0


class Rule(NamedTuple):
    """Gauss-Legendre points of blocks of bins; their logarithms are taken once.

    Attributes
    ----------
    edges : ndarray of int64 (edge,)
        Whole positions between which lie the blocks, from 1 to the last age.
    blocks : ndarray (4, block, 16)
        Points, their logarithms, weights of an integral over the block, and weights of an integral
        against the number of bins begun. The first block is one bin long; a length of n occurs
        first at 4·n.
    bins : ndarray (age, 16)
        Weights of the integral over the bin that ends at an age, for the points of its block.
    """

    edges: NDArray[np.int64]
    blocks: Array
    bins: Array


@functools.cache
def rule(longest: int) -> Rule:
    """Return the rule for ages up to `longest`, a power of 2; blocks grow with the age."""
    edges = [1]
    while edges[-1] < longest:
        edges.append(edges[-1] + max(1, 2 ** int(math.log2(edges[-1])) // 4))
    t, w = np.polynomial.legendre.leggauss(POINTS)
    t, w = (t + 1) / 2, w / 2
    parts = [_bin_weights(n, t, w) for n in np.diff(edges).tolist()]
    blocks = [
        [x, np.log(x), part.sum(axis=0), np.arange(1, len(part) + 1) @ part]
        for low, part in zip(edges, parts, strict=False)
        for x in [low + len(part) * t]
    ]
    return Rule(
        np.array(edges, np.int64),
        np.ascontiguousarray(np.array(blocks).swapaxes(0, 1)),
        np.concatenate([np.zeros((2, POINTS)), *parts]),
    )


def _bin_weights(n_bins: int, t: Array, w: Array) -> Array:
    """Return weights (bin, point) of the integrals over each bin of a block."""
    inside = (np.arange(n_bins)[:, None] + t) / n_bins
    found = np.zeros((n_bins, POINTS))
    for m in range(POINTS):
        basis = np.polynomial.legendre.Legendre.basis(m, domain=[0, 1])
        found += (2 * m + 1) * np.outer(basis(inside) @ w, basis(t) * w)
    return found


@kernel
def place(begin, length, blocks, points):
    """Put points between two positions: the last two columns of (16, 8)."""
    for i in range(POINTS):
        x = begin + length * (blocks[0, 0, i] - 1.0)
        points[i, 6], points[i, 7] = x, np.log(x)


@kernel
def density(law, scale, points):
    """Fill rows with the density at the points, divided by exp(scale)."""
    k, inverse, norm, shift, bend = law
    for i in range(POINTS):
        y, log_x = points[i, 6] * inverse, points[i, 7]
        g = np.exp((k - 1.0) * log_x - y + norm - scale)
        u, v = log_x - shift, y - k
        points[i, 0] = g
        points[i, 1] = g * u
        points[i, 2] = g * v
        points[i, 3] = g * (u * u - bend)
        points[i, 4] = g * (u * v - 1.0)
        points[i, 5] = g * (v * v - y)


@kernel
def weigh(w, factor, points, out):
    """Add the weighted sum of the rows of the points to one row."""
    a, b, c, d, e, f = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(POINTS):
        a += w[i] * points[i, 0]
        b += w[i] * points[i, 1]
        c += w[i] * points[i, 2]
        d += w[i] * points[i, 3]
        e += w[i] * points[i, 4]
        f += w[i] * points[i, 5]
    out[0] += factor * a
    out[1] += factor * b
    out[2] += factor * c
    out[3] += factor * d
    out[4] += factor * e
    out[5] += factor * f


@kernel
def peak(begin, end, law):
    """Return the logarithm of the highest density between two positions above 0."""
    k, inverse, norm, _, _ = law
    x = end
    if (k - 1.0) < inverse * end:
        x = max(begin, (k - 1.0) / inverse)
    return (k - 1.0) * np.log(x) - x * inverse + norm


@kernel
def panels(begin, end, blocks, law, points, row):
    """Fill a row with the integral between any two positions above 0; return its log scale.

    Over panels as short as the density is steep. An infinite end is reached where nothing is added
    any more.
    """
    k, inverse, _, _, _ = law
    scale = peak(begin, begin if end == np.inf else end, law)
    for i in range(6):
        row[i] = 0.0
    before = -1.0
    while begin < end and row[0] - before > 1e-17 * row[0]:
        slope = abs((k - 1.0) / begin - inverse)
        if end < np.inf:
            slope = max(slope, abs((k - 1.0) / end - inverse))
        else:
            before = row[0]
        length = min(end - begin, 0.5 * begin, PANEL / slope)
        place(begin, length, blocks, points)
        density(law, scale, points)
        weigh(blocks[2, 0], length, points, row)
        begin += length
    return scale


@kernel
def from_zero(end, law, row):
    """Fill a row with the probability of a gamma variable up to `end`; return its log scale.

    By the series of positive terms of the incomplete gamma function (DLMF 8.7.1), which is exact
    at any size.
    """
    k, inverse, norm, shift, bend = law
    y, log_end = end * inverse, np.log(end)
    term, total, first, second, one, two, n = 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0
    while n < y or term > 1e-18 * total:
        n += 1.0
        part = 1.0 / (k + n)
        term *= y * part
        one -= part
        two += part * part
        total += term
        first += term * one
        second += term * (one * one + two)
    mean, edge, over = first / total, k / total, log_end - shift
    slope = over - 1.0 / k + mean
    row[0] = 1.0
    row[1] = slope
    row[2] = -edge
    row[3] = slope * slope - bend + 1.0 / (k * k) + second / total - mean * mean
    row[4] = -edge * over
    row[5] = edge * (k - y)
    return k * log_end - y + norm + np.log(total / k)


@kernel
def beyond(begin, blocks, law, points, row):
    """Fill a row with the probability of a gamma variable beyond `begin`; return its log scale."""
    k, inverse, _, _, _ = law
    if begin * inverse < k + 5.0 * np.sqrt(k) + 5.0:
        scale = from_zero(begin, law, row)
        # Where the rest is small, one minus the probability up to here would lose digits.
        if scale < -0.01:
            part = np.exp(scale)
            for i in range(6):
                row[i] *= -part
            row[0] += 1.0
            return 0.0
    return panels(begin, np.inf, blocks, law, points, row)
