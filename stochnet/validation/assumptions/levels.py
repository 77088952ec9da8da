"""p-values: ranks among surrogates, ties broken at random, and a smooth law in the tails."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from stochnet.kernels import rng
from stochnet.validation.assumptions.design import Array, Counts
from stochnet.validation.assumptions.null import Ranks

FEW = 10
"""With fewer surrogates as extreme as the node, the tail is taken from a fitted law."""
SURE = 0.005
SMALLEST = 1e-16
"""Smaller p-values are given as this: no tail is known so far out."""


def uniform(digest: NDArray[np.uint64], address: int, seed: int) -> Array:
    """Draw a number between 0 and 1 for each node, from its spikes, the seed and the test alone.

    Parameters
    ----------
    digest : ndarray of uint64 (node,)
    address : int
        A number of the test and its window.
    seed : int
    """
    k0, k1 = rng.split_seed(seed)
    first, second, _, _ = rng.philox(
        digest & rng.LOW, digest >> rng.HALF, np.full_like(digest, address), rng.TIE_BREAK, k0, k1
    )
    bits = ((first << np.uint64(20)) | (second >> np.uint64(12))).astype(np.float64)
    return np.asarray((bits + 0.5) * 2.0**-52)


def p_value(ranks: Ranks, column: int, values: Array, u: Array, *, two_sided: bool) -> Array:
    """p-value of each node for one statistic, uniform where the null hypothesis holds.

    The rank among the surrogates, where a tie counts as a random part of itself. Where fewer than
    `FEW` surrogates are as extreme, the tail is that of the Pearson type III law with the mean,
    variance and skewness of the surrogates (Winkler et al. 2016), kept within what the
    surrogates allow.

    Parameters
    ----------
    ranks : Ranks
    column : int
        Of the statistic.
    values : ndarray (node,)
        Observed statistic.
    u : ndarray (node,)
        From `uniform`.
    two_sided : bool
        Whether small values are extreme as well.

    Returns
    -------
    ndarray (node,)
        NaN where all surrogates have the same value, so that nothing can be tested.

    References
    ----------
    Winkler, Ridgway, Douaud, Nichols & Smith (2016), Faster permutation inference in brain
    imaging. NeuroImage 141, 502-516.
    """
    n = ranks.n_surrogates
    below, equal = ranks.below[:, column], ranks.equal[:, column]
    deviation, skewness = ranks.deviation[:, column], ranks.skewness[:, column]
    varies = deviation > 0
    z = np.divide(values - ranks.mean[:, column], deviation, out=np.zeros(len(u)), where=varies)
    lower = (below + u * (equal + 1)) / (n + 1)
    upper = _with_tail(1 - lower, n - below, n, z, skewness)
    if two_sided:
        lower = _with_tail(lower, below + equal, n, -z, -skewness)
        upper = np.minimum(2 * np.minimum(lower, upper), 1.0)
    return np.where(varies, np.maximum(upper, SMALLEST), np.nan)


def _with_tail(rank: Array, extreme: Counts, n: int, z: Array, skewness: Array) -> Array:
    """Replace ranks with few surrogates as extreme by the fitted tail."""
    out = rank.copy()
    few = extreme < FEW
    seen = extreme[few].astype(np.float64)
    # With `seen` surrogates as extreme, the tail is not smaller than this, but once in 200 times.
    least = np.where(seen > 0, special.gammaincinv(np.maximum(seen, 1.0), SURE) / n, 0.0)
    out[few] = np.clip(pearson_tail(z[few], skewness[few]), least, (seen + 1) / (n + 1))
    return out


def pearson_tail(z: Array, skewness: Array) -> Array:
    """Probability above z of the Pearson type III law with mean 0, variance 1 and a skewness."""
    out = np.asarray(special.ndtr(-z))
    # The law is a shifted Gamma law, mirrored for negative skewness.
    for sign, tail in ((1.0, special.gammaincc), (-1.0, special.gammainc)):
        mine = sign * skewness > 1e-4
        shape = 4 / skewness[mine] ** 2
        out[mine] = tail(shape, np.maximum(shape + 2 * z[mine] / skewness[mine], 0.0))
    return out
