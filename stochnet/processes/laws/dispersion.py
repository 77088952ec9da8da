"""Likelihoods of window counts with a mean and a dispersion, and their fit for many nodes."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from stochnet.kernels.fitting import newton, profile_likelihood
from stochnet.kernels.threads import run_blocks
from stochnet.process import Array, Flag, first_flags
from stochnet.processes.laws.scipy_stats import stats
from stochnet.statistics.summary.summary import Summary

FEW = 10


@dataclass(frozen=True, slots=True)
class Family:
    """A law of window counts in (mean per bin, dispersion), over-dispersed for dispersion > 0.

    Attributes
    ----------
    derivatives : callable
        See `stochnet.kernels.fitting.newton.compiled`; undecorated scalar Python.
    highest : float
        Upper end of the mean per bin.
    most : float
        Largest dispersion that is searched.
    start : callable
        ``(mean, length, fano) -> dispersion`` from moments.
    information : callable
        ``(mean, length) -> `` information about the dispersion in one window at dispersion 0.
    """

    derivatives: Callable[..., Any]
    highest: float
    most: float
    start: Callable[[Array, float, Array], Array]
    information: Callable[[Array, NDArray[np.int64]], Array]

    def log_likelihood(self, mean: Array, dispersion: Array, summary: Summary) -> Array:
        """Log probability of the bins of each node, up to the factorials of counts."""
        evaluate, _ = newton.compiled(self.derivatives)
        value = np.empty(len(mean))
        mean, dispersion = np.ascontiguousarray(mean), np.ascontiguousarray(dispersion)

        def run(a: int, b: int) -> None:
            evaluate(
                mean[a:b], dispersion[a:b], summary.lengths, summary.offsets,
                summary.histogram[a:b], value[a:b],
            )  # fmt: skip

        run_blocks(run, len(mean))
        # At the ends of its range the mean decides: all silent or all active has probability 1.
        dead = (mean <= 0) & (summary.spikes == 0)
        full = (mean >= self.highest) & (summary.active == summary.n_bins)
        impossible = ((mean <= 0) | (mean >= self.highest)) & ~dead & ~full
        return np.where(dead | full, 0.0, np.where(impossible, -np.inf, value))


def fit_dispersion(
    family: Family, summary: Summary
) -> tuple[Array, Array, Array, Array, NDArray[np.uint16]]:
    """Fit (mean, dispersion) of every node; returns both, their standard errors, and flags.

    Under-dispersed nodes get dispersion 0 and the flag BOUNDARY; there, the standard error is the
    one under dispersion 0. Dead and saturated nodes, and nodes that the family cannot
    produce, keep their mean and get dispersion 0 with an infinite error.
    """
    _, maximise = newton.compiled(family.derivatives)
    binary = family.highest == 1.0
    mean = (summary.active if binary else summary.spikes) / summary.n_bins
    length, fano = summary.window_fano()
    dispersion = np.clip(family.start(mean, length, fano), 0.0, family.most / 2)
    moments = mean.copy(), dispersion.copy()
    errors = np.full((len(mean), 2), np.inf)
    status = np.zeros(len(mean), np.int64)
    flags = first_flags(summary)
    known = (mean > 0) & (mean < family.highest)
    if binary:
        known &= summary.spikes == summary.active
    # Windows of one bin say nothing about how bins vary together.
    dispersion[~known | (_information(family, mean, summary) == 0)] = 0.0

    def run(a: int, b: int) -> None:
        maximise(
            mean[a:b], dispersion[a:b], family.highest, family.most, summary.lengths,
            summary.offsets, summary.histogram[a:b], errors[a:b], status[a:b],
        )  # fmt: skip

    run_blocks(run, len(mean))
    flags[known & (status == newton.BOUNDARY)] |= Flag.BOUNDARY.value
    stopped = known & (status == newton.STOPPED)
    flags[stopped] |= Flag.NOT_CONVERGED.value
    for values, moment in zip((mean, dispersion), moments, strict=True):
        values[stopped] = moment[stopped]
    errors[stopped] = np.inf
    mean[~known], dispersion[~known], errors[~known] = moments[0][~known], 0.0, (0.0, np.inf)
    if summary.n_segments < FEW:
        flags[known] |= Flag.FEW_WINDOWS.value
    null = known & (dispersion <= 0)
    information = _information(family, mean, summary)
    null &= information > 0
    errors[null, 1] = 1 / np.sqrt(information[null])
    return mean, dispersion, errors[:, 0], errors[:, 1], flags


def profile_ends(
    family: Family,
    params: tuple[Array, Array],
    errors: tuple[Array, Array],
    summary: Summary,
    level: float,
) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Intervals of (mean, dispersion) by profile likelihood: ((low, high), (low, high)).

    They keep their level at dispersion 0, where the limit of the likelihood ratio is another one
    (`boundary`). NaN for nodes that are dead or saturated, or whose windows
    say nothing.

    References
    ----------
    Venzon & Moolgavkar (1988), Applied Statistics 37, 87-94.
    Self & Liang (1987), Journal of the American Statistical Association 82, 605-610.
    """
    z, roots = critical_values(level)
    mean, dispersion = (np.ascontiguousarray(one) for one in params)
    information = _information(family, mean, summary)
    null = 1 / np.sqrt(np.where(information > 0, information, np.inf))
    null[information <= 0] = np.inf
    both = np.stack(errors, axis=1)
    out = np.empty((len(mean), 2, 2))
    search = profile_likelihood.compiled(family.derivatives)
    run_blocks(
        lambda a, b: search(
            (mean[a:b], dispersion[a:b]),
            (both[a:b], null[a:b]),
            (family.highest, family.most),
            (z, roots),
            summary.lengths,
            summary.offsets,
            summary.histogram[a:b],
            out[a:b],
        ),
        len(mean),
    )
    return (out[:, 0, 0], out[:, 0, 1]), (out[:, 1, 0], out[:, 1, 1])


def _information(family: Family, mean: Array, summary: Summary) -> Array:
    """Information about the dispersion at dispersion 0, in all windows of each node."""
    information = np.zeros(len(mean))
    for row, at in zip(summary.lengths, range(len(summary.lengths)), strict=True):
        windows = summary.histogram[:, summary.offsets[at] : summary.offsets[at + 1]].sum(axis=1)
        information += windows * family.information(mean, row)
    return information


def _beta_binomial(mean, dispersion, length, histogram, out):  # type: ignore[no-untyped-def]
    windows = 0
    for k in range(len(histogram)):
        windows += histogram[k]
    tail = windows  # windows with more than j spikes
    head = windows  # windows with more than j silent bins
    for j in range(length):
        tail -= histogram[j]
        head -= histogram[length - j]
        p, q, one = mean + j * dispersion, 1.0 - mean + j * dispersion, 1.0 + j * dispersion
        out[0] += tail * np.log(p) + head * np.log(q) - windows * np.log(one)
        out[1] += tail / p - head / q
        out[2] += j * (tail / p + head / q - windows / one)
        out[3] -= tail / (p * p) + head / (q * q)
        out[4] -= j * (tail / (p * p) - head / (q * q))
        out[5] -= j * j * (tail / (p * p) + head / (q * q) - windows / (one * one))


def _negative_binomial(mean, dispersion, length, histogram, out):  # type: ignore[no-untyped-def]
    windows = 0
    spikes = 0
    for k in range(len(histogram)):
        windows += histogram[k]
        spikes += k * histogram[k]
    tail = windows
    for j in range(len(histogram) - 1):
        tail -= histogram[j]
        one = 1.0 + j * dispersion
        out[0] += tail * np.log(one)
        out[2] += tail * j / one
        out[5] -= tail * j * j / (one * one)
    mu = mean * length
    x = dispersion * mu
    a = 1.0 + x
    if x < 0.02:
        # log(1+x)/x and its derivatives by their series, which hold at dispersion 0.
        ratio, slope, curve = 0.0, 0.0, 0.0
        power = 1.0
        for i in range(12):
            ratio += power / (i + 1)
            slope += power * (i + 1) / (i + 2)
            curve -= power * (i + 1) * (i + 2) / (i + 3)
            power *= -x
        log_term = mu * ratio
        slope *= mu * mu
        curve *= mu * mu * mu
    else:
        log_term = np.log(a) / dispersion
        slope = np.log(a) / dispersion**2 - mu / (dispersion * a)
        curve = (
            2 * mu / (dispersion**2 * a)
            - 2 * np.log(a) / dispersion**3
            + mu * mu / (dispersion * a * a)
        )
    out[0] += spikes * np.log(mean) - spikes * np.log(a) - windows * log_term
    out[1] += spikes / mean - length * (dispersion * spikes + windows) / a
    out[2] += windows * slope - spikes * mu / a
    out[3] -= spikes / (mean * mean) - length * length * dispersion * (
        dispersion * spikes + windows
    ) / (a * a)
    out[4] -= length * (spikes - windows * mu) / (a * a)
    out[5] += spikes * mu * mu / (a * a) + windows * curve


def _theta_start(mean: Array, length: float, fano: Array) -> Array:
    silent = np.maximum(1 - mean, 1e-9)
    rho = np.clip((fano / silent - 1) / max(length - 1, 1), 0.0, 0.99)
    return np.asarray(rho / (1 - rho))


def _dispersion_start(mean: Array, length: float, fano: Array) -> Array:
    return np.asarray((fano - 1) / np.maximum(mean * length, 1e-12))


beta_binomial = Family(
    _beta_binomial,
    highest=1.0,
    most=9999.0,
    start=_theta_start,
    information=lambda mean, length: np.full(len(mean), length * (length - 1) / 2.0),
)

negative_binomial = Family(
    _negative_binomial,
    highest=np.inf,
    most=100.0,
    start=_dispersion_start,
    information=lambda mean, length: (mean * length) ** 2 / 2.0,
)


POINTS = 129


@functools.cache
def critical_values(level: float) -> tuple[float, NDArray[np.float64]]:
    """Return (z, critical values of the signed root at distances 0 to z from the edge).

    Far from the edge the likelihood ratio is chi-square with one degree of freedom and its root
    stays below z. At the edge half of its probability lies at zero, and between the two the limit
    rises, so that an interval of all values that are not rejected keeps its level everywhere
    (Feldman & Cousins 1998, Physical Review D 57, 3873, the Gaussian with a bounded mean).

    Parameters
    ----------
    level : float
        Of the interval, for example 0.95.

    Returns
    -------
    z : float
    roots : ndarray (point,)
        At `POINTS` distances, in standard errors, from 0 to z.
    """
    alpha = 1 - level
    z = float(stats.norm.isf(alpha / 2))

    def excess(root: float, mu: float) -> float:
        above = stats.norm.sf(root)
        below = stats.norm.cdf((mu**2 - root**2) / (2 * mu) - mu) if mu > 0 else 0.0
        return float(above + below - alpha)

    roots = np.empty(POINTS)
    for i, mu in enumerate(np.linspace(0.0, z, POINTS)):
        low = max(mu, float(stats.norm.isf(alpha)))
        high = z + 1e-9
        roots[i] = low if excess(low, mu) <= 0 else optimize.brentq(excess, low, high, args=(mu,))
    return z, roots
