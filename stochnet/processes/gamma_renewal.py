"""Renewal process whose gaps are gamma variables, rounded up to whole bins.

More regular than independent bins for shapes above 1, burstier below, and `bernoulli` at 1. The
scale follows from the rate: the mean gap is one over it. Gaps above 1,024 bins end with a constant
hazard (see `stochnet.processes.laws.renewal`).

The shape is learnt from gaps of other lengths than the two most frequent ones. It is not
identified where nearly all gaps are one or two bins long, as at rates near 1, where regular gaps
hardly vary by a bin, nor in trials that hold a spike each.

References
----------
Kuffler, FitzHugh & Barlow (1957), Journal of General Physiology 40, 683-702.
Cox (1962), Renewal Theory, Methuen.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from stochnet.process import Array, Estimate, Flag, Param, Params, Process, first_flags
from stochnet.processes.laws import gamma_gaps, renewal
from stochnet.processes.laws.gamma_fit import Maximum, maximise, shape_end, start
from stochnet.processes.laws.scipy_stats import stats
from stochnet.statistics.summary.parts.ages import LONGEST_AGE
from stochnet.statistics.summary.summary import Summary

# Below, nearly all gaps are one bin, or longer than any recording; above, gaps of typical rates no
# longer vary by a bin, and the likelihood is flat.
SHAPES = (0.05, 200.0)
# See `identified`.
FEWEST = 40


def estimate(summary: Summary) -> Estimate:
    """Maximum likelihood of trials that start in the stationary process.

    Where no shape is less likely than another, or only those on one side of a shape are, its
    standard error is infinite; it is 1 where a trial has one bin.

    References
    ----------
    Cox & Lewis (1966), The Statistical Analysis of Series of Events, Methuen; chapter 6.
    """
    rate, shape = summary.active / summary.n_bins, np.ones(summary.n_nodes)
    rate_error = np.sqrt(rate * (1 - rate) / summary.n_bins)
    shape_error = np.full(summary.n_nodes, np.inf)
    flags = first_flags(summary)
    own = np.flatnonzero(_informative(summary))
    ages = summary.ages[own]
    best = maximise(ages, *start(ages, rate[own]), *_range(len(own)))
    shape_variance, logit_variance = (part[best.found] for part in best.variances())
    there, held = own[best.found], best.held[best.found]
    rate[there] = special.expit(best.logit[best.found])
    shape[there] = _shape(best.log_shape[best.found])
    rate_error[there] = rate[there] * (1 - rate[there]) * np.sqrt(logit_variance)
    shape_error[there] = shape[there] * np.sqrt(shape_variance)
    edge = np.isinf(shape_error)
    edge[there] |= held
    flags[edge & (flags == 0)] |= Flag.BOUNDARY.value
    flags[own[~best.found]] = Flag.NOT_CONVERGED.value
    return Estimate(
        {"rate": rate, "shape": shape}, {"rate": rate_error, "shape": shape_error}, flags
    )


def _informative(summary: Summary) -> NDArray[np.bool_]:
    """Whether the bins can tell shapes apart: not those of a node that always or never fires."""
    later = summary.ages[:, 1].any(axis=(1, 2)) | summary.ages[:, 0, 1:].any(axis=(1, 2))
    return later & (summary.active > 0) & (summary.active < summary.n_bins)


def _range(n: int) -> tuple[Array, Array]:
    return np.full(n, np.log(SHAPES[0])), np.full(n, np.log(SHAPES[1]))


def _shape(log_shape: Array) -> Array:
    """Return shapes, those at an end of the range without rounding."""
    low, high = _range(len(log_shape))
    inside = np.where(log_shape >= high, SHAPES[1], np.exp(log_shape))
    return np.where(log_shape <= low, SHAPES[0], inside)


def log_likelihood(params: Params, summary: Summary) -> Array:
    """Log probability of the bins; -inf if any bin holds more than one spike."""
    rate, shape = params["rate"], params["shape"]
    silent = summary.n_bins - summary.active
    value = special.xlogy(summary.active, rate) + special.xlog1py(silent, -rate)
    own = (rate > gamma_gaps.SLOWEST) & (rate < 1)
    log_shape = np.log(shape[own])
    mean = gamma_gaps.mean_of(rate[own], log_shape)
    value[own] = gamma_gaps.evaluate(log_shape, mean, summary.ages[own]).value
    return np.where(summary.spikes == summary.active, value, -np.inf)


def moments(params: Params, window: int) -> tuple[Array, Array]:
    """Mean and variance of the spikes in a window of the stationary process."""
    after = tabulate(params)[:, LONGEST_AGE:]
    return renewal.moments(after, params["rate"], window)


def tabulate(params: Params) -> Array:
    """Return the hazards before the first spike of a trial, then after a spike: (node, 2·1024)."""
    return gamma_gaps.hazards(params["rate"], params["shape"])


def interval(
    name: str, value: Array, error: Array, n_bins: int, level: float
) -> tuple[Array, Array] | None:
    """Interval of the rate: logit ± z · error; Clopper-Pearson for nodes that never or always fire.

    None for the shape.
    """
    if name != "rate":
        return None
    tail = (1 - level) / 2
    inside = (value > 0) & (value < 1)
    width = np.where(inside, value * (1 - value), 1.0)
    reach = stats.norm.isf(tail) * error / width
    logit = special.logit(np.where(inside, value, 0.5))
    edge = tail ** (1 / n_bins)
    low = np.where(inside, special.expit(logit - reach), np.where(value > 0, edge, 0.0))
    high = np.where(inside, special.expit(logit + reach), np.where(value > 0, 1.0, 1 - edge))
    return low, high


def identified(params: Params, summary: Summary) -> NDArray[np.bool_]:
    """At least 40 gaps expected beside those of the two most frequent lengths.

    Simulated at that border (87 points of rates 0.01 to 0.97, shapes 0.2 to 100, trials of 20 to
    1,000 bins, 3,000 nodes each), 95 % intervals hold 0.938 to 0.960 of the time for the shape,
    and 0.932 to 0.960 for the rate.

    Two frequencies tell the rate and one number more, so that the shape is learnt from what is
    left: of n such gaps, the standard error of its logarithm is 0.5 to 1 times sqrt(2 / n). Shapes
    also have to lie three times sqrt(2 / n) inside their range. Of every trial, the first spike is
    not counted.
    """
    rate, log_shape = params["rate"], np.log(params["shape"])
    gaps = rate * summary.n_bins - summary.ages[:, 0, 0].sum(axis=1)
    enough = (gaps >= FEWEST) & (rate < 1)
    others = gaps[enough] * (1 - gamma_gaps.commonest(rate[enough], log_shape[enough]))
    reach = 3 * np.sqrt(2 / np.maximum(others, FEWEST))
    low, high = (end[enough] for end in _range(len(rate)))
    inside = (low + reach <= log_shape[enough]) & (log_shape[enough] <= high - reach)
    enough[enough] = (others >= FEWEST) & inside
    return np.asarray(enough)


def data_interval(
    params: Params, errors: Params, summary: Summary, level: float
) -> dict[str, tuple[Array, Array]]:
    """Profile likelihood interval of the shape; its domain where nothing is known of it."""
    z = float(stats.norm.isf((1 - level) / 2))
    low, high = (np.full(summary.n_nodes, end) for end in SHAPES)
    own = np.flatnonzero(_informative(summary))
    ages, log_shape = summary.ages[own], np.log(params["shape"][own])
    mean = gamma_gaps.mean_of(params["rate"][own], log_shape)
    near = gamma_gaps.evaluate(log_shape, mean, ages)
    nothing = np.zeros(len(own), np.bool_)
    best = Maximum(log_shape, mean, near.logit, near, nothing, nothing)
    lowest, highest = _range(len(own))
    low[own] = np.minimum(_shape(shape_end(ages, best, lowest, z, -1)), params["shape"][own])
    high[own] = np.maximum(_shape(shape_end(ages, best, highest, z, 1)), params["shape"][own])
    return {"shape": (low, high)}


PROCESS = Process(
    name="gamma_renewal",
    version=1,
    params=(
        Param("rate", "1/bin", (0.0, 1.0), (0.05, 0.5), "spikes per bin in the long run"),
        Param("shape", "1", SHAPES, (0.5, 4.0), "shape of the gamma law of gaps; 1 is bernoulli"),
    ),
    estimate=estimate,
    log_likelihood=log_likelihood,
    moments=moments,
    tabulate=tabulate,
    sampler=renewal.SAMPLER,
    interval=interval,
    data_interval=data_interval,
    identified=identified,
    needs=frozenset({"ages"}),
    doc="Gaps of a gamma law, rounded up; more regular or burstier (Kuffler et al. 1957).",
)
