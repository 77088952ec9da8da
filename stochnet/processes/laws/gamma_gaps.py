"""Gaps that are gamma variables rounded up to whole bins: likelihood, scale and hazards."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from stochnet.kernels.fitting import gamma_law
from stochnet.kernels.fitting.gamma_gaps import rule
from stochnet.kernels.threads import run_blocks
from stochnet.process import Array
from stochnet.statistics.summary.parts.ages import LONGEST_AGE

ROUNDS = 200
# Step of a search after which the next one would be below rounding.
CLOSE = 1e-4
# The slowest rate whose mean gap is a floating-point number with room to spare.
SLOWEST = 1e-300


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Likelihood of nodes, with derivatives in a, the log shape, and b, the logit of the rate.

    Attributes
    ----------
    value, logit : ndarray (node,)
        Log-likelihood, and logit of the rate.
    slope, curve : ndarray (2, node), (3, node)
        d/da and d/db of the log-likelihood; d²/da², d²/da db and d²/db².
    mean_slope, mean_curve : ndarray (2, node), (3, node)
        The same of the log mean that belongs to (a, b).
    """

    value: Array
    logit: Array
    slope: Array
    curve: Array
    mean_slope: Array
    mean_curve: Array

    def take(self, nodes: NDArray[np.int64] | NDArray[np.bool_]) -> Evaluation:
        """Return that of some nodes."""
        return Evaluation(*(getattr(self, name)[..., nodes] for name in self.__slots__))

    def put(self, nodes: NDArray[np.int64], other: Evaluation) -> None:
        """Replace that of some nodes."""
        for name in self.__slots__:
            getattr(self, name)[..., nodes] = getattr(other, name)

    def mean_step(self, step: Array) -> Array:
        """Return by how much the log mean (node,) moves in a step (2, node) of a and b."""
        with np.errstate(invalid="ignore"):
            first = (self.mean_slope * step).sum(axis=0)
            second = 0.5 * (self.mean_curve * _products(step)).sum(axis=0)
        # A correction that is no small one is none.
        return np.asarray(first + np.where(np.abs(second) < 0.5 * np.abs(first), second, 0.0))


def _products(step: Array) -> Array:
    a, b = step
    return np.stack([a * a, 2 * a * b, b * b])


def evaluate(
    log_shape: Array, log_mean: Array, ages: NDArray[np.int32], hazards: Array | None = None
) -> Evaluation:
    """Evaluate the likelihood of nodes.

    Parameters
    ----------
    log_shape, log_mean : ndarray (node,)
        Of the gamma variable, in bins, before it is rounded up.
    ages : ndarray of int32 (node, after spike, age, active)
        As in `stochnet.statistics.summary.summary.Summary`.
    hazards : ndarray (node, 2·1024), optional
        To be filled with hazards, as in `stochnet.processes.laws.renewal`.
    """
    n = len(log_shape)
    k, tau = np.exp(log_shape), log_mean - log_shape
    shift, bend = special.digamma(k), special.polygamma(1, k)
    laws = np.stack([k, np.exp(-tau), -special.gammaln(k) - k * tau, tau + shift, bend], axis=1)
    # One layout, so that there is one compiled function.
    ages = np.ascontiguousarray(ages, np.int32)
    table = np.empty((n, 0)) if hazards is None else hazards
    rows = np.empty((2, n, 6))

    def run(start: int, stop: int) -> None:
        part = slice(start, stop)
        gamma_law.evaluate(
            laws[part], ages[part], *rule(LONGEST_AGE), rows[0, part], rows[1, part], table[part]
        )

    run_blocks(run, n, step=max(64, -(-n // 16)))
    # A mean gap may be above all numbers, where a search tries too long a mean.
    with np.errstate(invalid="ignore", over="ignore"):
        return _transformed(rows, k)


def _transformed(rows: Array, k: Array) -> Evaluation:
    """Turn derivatives in (shape, log scale) into those in the coordinates of an evaluation.

    Rows (2, node, 6): of the log-likelihood, and of minus the logit.
    """
    # To (log shape, log mean).
    value, dk, dt, dkk, dkt, dtt = np.moveaxis(rows, 2, 0)
    slope = np.stack([k * dk - dt, dt])
    curve = np.stack([k * (k * dkk + dk) - 2 * k * dkt + dtt, k * dkt - dtt, dtt])
    # And to (log shape, logit), by the derivatives of the log mean.
    (pa, pb), (paa, pab, pbb) = -slope[:, 1], -curve[:, 1]
    ma, mb = -pa / pb, 1 / pb
    maa = -(paa + 2 * pab * ma + pbb * ma**2) * mb
    mab, mbb = -(pab + pbb * ma) * mb**2, -pbb * mb**3
    (a, b), (aa, ab, bb) = slope[:, 0], curve[:, 0]
    return Evaluation(
        value[0],
        -value[1],
        np.stack([a + b * ma, b * mb]),
        np.stack(
            [
                aa + 2 * ab * ma + bb * ma**2 + b * maa,
                (ab + bb * ma) * mb + b * mab,
                bb * mb**2 + b * mbb,
            ]
        ),
        np.stack([ma, mb]),
        np.stack([maa, mab, mbb]),
    )


def lowest_mean(log_shape: Array) -> Array:
    """Log mean below which a gap of more than one bin is less likely than rounding: (node,)."""
    shape = np.exp(log_shape)
    return np.asarray(log_shape - np.log(shape + 10 * np.sqrt(shape) + 60))


def mean_of(rate: Array, log_shape: Array) -> Array:
    """Return the log mean (node,) of processes with a rate in (0, 1), in spikes per bin.

    By Newton's method with the second derivative, by halving where that leaves the bracket.
    """
    # Exact at shape 1.
    low, high = lowest_mean(log_shape), np.full(len(rate), np.inf)
    mean = np.maximum(-np.log(-np.log1p(-rate)), low)
    target = np.log(rate) - np.log1p(-rate)
    going = np.arange(len(rate))
    nothing = np.zeros((len(rate), 2, 0, 2), np.int32)
    for _ in range(ROUNDS):
        now = mean[going]
        found = evaluate(log_shape[going], now, nothing[going])
        off = target[going] - found.logit
        step = found.mean_step(np.stack([np.zeros(len(going)), off]))
        # The higher the mean, the lower the rate.
        high[going] = np.where(off > 0, now, high[going])
        low[going] = np.where(off > 0, low[going], now)
        far = 3 + np.abs(now)
        following = now + np.clip(step, -far, far)
        close = np.abs(step) < CLOSE
        inside = (low[going] < following) & (following < high[going])
        mean[going] = np.where(close | inside, following, (low[going] + high[going]) / 2)
        going = going[~close & (high[going] > low[going] + 1e-14 * np.abs(now))]
        if not len(going):
            break
    return mean


def commonest(rate: Array, log_shape: Array) -> Array:
    """Probability (node,) that a gap has one of its two most frequent lengths; rates in (0, 1)."""
    k, scale = np.exp(log_shape), np.exp(mean_of(rate, log_shape) - log_shape)
    # Next to each other, in the bin of the mode or beside it.
    mode = np.maximum(np.ceil((k - 1) * scale), 1)
    ends = np.maximum(mode[:, None] + np.arange(-2, 2), 0) / scale[:, None]
    below = np.sort(np.diff(special.gammainc(k[:, None], ends), axis=1), axis=1)
    return np.asarray(below[:, 1:].sum(axis=1))


def hazards(rate: Array, shape: Array) -> Array:
    """Return hazards before the first spike of a trial, then after a spike: (node, 2·1024).

    At a rate of 0, 1, or next to 0 they are the rate itself.
    """
    own = (rate > SLOWEST) & (rate < 1)
    table = np.repeat(rate[:, None], 2 * LONGEST_AGE, axis=1)
    part = np.empty((np.count_nonzero(own), 2 * LONGEST_AGE))
    log_shape = np.log(shape[own])
    nothing = np.zeros((len(part), 2, 0, 2), np.int32)
    evaluate(log_shape, mean_of(rate[own], log_shape), nothing, part)
    table[own] = part
    return table
