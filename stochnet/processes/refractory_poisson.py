"""Poisson process with dead time, in bins: silent after each spike, then constant."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from stochnet.flags import Flag
from stochnet.intervals import wilson
from stochnet.kernels.refractory import fit_dead_times
from stochnet.process import Array, Estimate, Param, Params, Process, Stepwise
from stochnet.summary import Summary
from stochnet.threads import run_blocks

LONGEST = 1000.0


def estimate(summary: Summary) -> Estimate:
    """Maximum likelihood over whole dead times, trials starting in the stationary law.

    The dead time is nearly always the longest one that the data allow, the shortest gap less one
    bin. It is never too short, and too long by j bins with probability (1 - p)**(j · gaps). A node
    without a gap between two spikes has dead time 0, with an infinite error.

    References
    ----------
    Johnson & Swami (1983), Journal of the Acoustical Society of America 74, 493-501.
    Deger, Helias, Cardanobile, Atay & Rotter (2010), Physical Review E 82, 021129.
    """
    n = summary.n_nodes
    p, dead, information = np.zeros(n), np.zeros(n, np.int64), np.zeros(n)
    ages = summary.ages
    run_blocks(lambda a, b: fit_dead_times(ages[a:b], p[a:b], dead[a:b], information[a:b]), n)
    flags = summary.no_flags()
    unknown = dead < 0
    dead = np.clip(dead, 0, int(LONGEST))
    error = np.divide(1.0, np.sqrt(information), out=np.zeros(n), where=information > 0)
    error[p >= 1] = 0.0
    flags[(p >= 1) & (flags == 0)] |= Flag.BOUNDARY.value
    missed = np.where(p < 1, (1 - p) ** _gaps(summary), 0.0)
    dead_error = np.where(unknown, np.inf, np.sqrt(missed) / np.maximum(1 - missed, 1e-12))
    return Estimate(
        {"p": p, "dead_time": dead.astype(np.float64)},
        {"p": error, "dead_time": dead_error},
        flags,
    )


def _gaps(summary: Summary) -> Array:
    """Gaps between two spikes: (node,)."""
    return np.asarray(summary.ages[:, 1, :, 1].sum(axis=1), np.float64)


def _at_risk(params: Params, summary: Summary) -> Array:
    """Bins in which a spike could come: (node,)."""
    age = np.arange(summary.ages.shape[2])
    bins = summary.ages.sum(axis=3)
    free = age >= params["dead_time"][:, None]
    return np.asarray((bins[:, 1] * free).sum(axis=1) + bins[:, 0].sum(axis=1), np.float64)


def data_interval(
    params: Params, errors: Params, summary: Summary, level: float
) -> dict[str, tuple[Array, Array]]:
    """Wilson's interval of p; of the dead time all that could have been taken for the estimate.

    The upper end of the dead time is the estimate, for no gap is shorter than its dead time.
    """
    p, dead, error = params["p"], params["dead_time"], errors["p"]
    n = _at_risk(params, summary)
    inside = (p > 0) & (p < 1) & (error > 0)
    n = np.where(inside, p * (1 - p) / np.where(inside, error, 1.0) ** 2, n)
    ends = {"p": wilson(p, n, level)}
    known = np.isfinite(errors["dead_time"])
    missed = _gaps(summary) * np.log1p(-np.minimum(p, 1 - 1e-12))
    slack = np.floor(np.log(1 - level) / np.where(missed < 0, missed, -np.inf))
    low = np.where(known, np.maximum(dead - slack, 0.0), 0.0)
    ends["dead_time"] = (low, np.where(known, dead, LONGEST))
    return ends


def identified(params: Params, summary: Summary) -> NDArray[np.bool_]:
    """At least 50 spikes expected, and 20 bins that stay silent though a spike could come.

    The dead time, a whole number, is then nearly always known exactly.
    """
    p = params["p"]
    spikes = summary.n_bins * rate(params)
    silent = np.divide(spikes * (1 - p), p, out=np.zeros_like(p), where=p > 0)
    return np.asarray((spikes >= 50) & (silent >= 20))


def rate(params: Params) -> Array:
    """Return spikes per bin in the long run, 1 / (dead time + 1 / p): (node,)."""
    p = params["p"]
    return np.asarray(p / (1 + params["dead_time"] * p))


def log_likelihood(params: Params, summary: Summary) -> Array:
    """Log probability of the bins; a trial begins in the stationary process.

    Before the first spike of a trial the probability of one in bin a is p / (1 + p · max(dead time
    - a + 1, 0)).
    """
    p, dead = params["p"][:, None], params["dead_time"][:, None]
    age = np.arange(summary.ages.shape[2])
    first = p / (1 + p * np.maximum(dead - age, 0))
    later = np.where(age >= dead, p, 0.0)
    value = np.zeros(summary.n_nodes)
    for ages, hazard in ((summary.ages[:, 0], first), (summary.ages[:, 1], later)):
        value += special.xlogy(ages[..., 1], hazard).sum(axis=1)
        value += special.xlog1py(ages[..., 0], -hazard).sum(axis=1)
    return np.where(summary.spikes == summary.active, value, -np.inf)


def moments(params: Params, window: int) -> tuple[Array, Array]:
    """Mean and variance of the count, from the probability of a spike k bins after another."""
    p, dead, mean = params["p"], params["dead_time"].astype(int), rate(params)
    after = np.zeros((len(p), window))
    after[:, 0] = 1.0
    total = np.cumsum(after, axis=1)
    nodes = np.arange(len(p))
    for k in range(1, window):
        # Spikes in the dead time before a bin exclude one another.
        before = np.where(k > dead, total[nodes, np.maximum(k - dead - 1, 0)], 0.0)
        recent = total[:, k - 1] - before
        after[:, k] = p * (1 - np.where(dead > 0, recent, 0.0))
        total[:, k] = total[:, k - 1] + after[:, k]
    lag = np.arange(1, window)
    covariance = mean[:, None] * (after[:, 1:] - mean[:, None])
    variance = window * mean * (1 - mean) + 2 * ((window - lag) * covariance).sum(axis=1)
    return window * mean, variance


def tabulate(params: Params) -> Array:
    """Return (p, dead time): (node, 2)."""
    return np.stack([params["p"], params["dead_time"]], axis=1)


def init(row, u):  # type: ignore[no-untyped-def]
    """State before the first spike: minus the number of the bin in its trial, from 1."""
    return -1


def step(row, state, u):  # type: ignore[no-untyped-def]
    """Fire as the age tells: bins since the last spike, or since the trial began."""
    if state < 0:
        left = row[1] + state + 1
        left = left if left > 0 else 0.0
        spike = 1 if u * (1.0 + row[0] * left) < row[0] else 0
        return spike, 1 if spike else state - 1
    spike = 1 if state > row[1] and u < row[0] else 0
    return spike, 1 if spike else state + 1


PROCESS = Process(
    "refractory_poisson",
    1,
    (
        Param("p", "1", (0.0, 1.0), (0.02, 0.5), "spike probability per bin after the dead time"),
        Param("dead_time", "bin", (0.0, LONGEST), (0.0, 6.0), "silent bins after a spike", True),
    ),
    estimate,
    log_likelihood,
    moments,
    tabulate,
    Stepwise(init, step),
    data_interval=data_interval,
    identified=identified,
    needs=frozenset({"ages"}),
    doc="Poisson process with dead time; under-dispersed.",
)
