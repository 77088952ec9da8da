"""Independent binomial counts of unknown size: at most so many spikes in a bin."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from stochnet.kernels.fitting import binomial as kernels
from stochnet.kernels.threads import run_blocks
from stochnet.process import Array, Estimate, Flag, Independent, Param, Params, Process, first_flags
from stochnet.processes.laws.scipy_stats import stats
from stochnet.statistics.summary.summary import Summary

LARGEST = 65_535.0
TAIL = 2.0**-33
# Sizes next to the estimate count for p up to this multiple of the limit; see `data_interval`.
NEXT = 1.15
# See `identified`.
INFORMED = 32.0
SILENT = 50.0


def estimate(summary: Summary) -> Estimate:
    """Maximum likelihood over whole sizes, with p the mean count divided by the size.

    The profile likelihood of the size has one maximum or rises without end: the latter where the
    counts vary at least as much as Poisson counts of that mean. The size is then 65,535, which is
    as good as Poisson, with an infinite standard error and the flag BOUNDARY. Bins of no more than
    one spike have size 1, with p and its error as ``bernoulli`` has them.

    The standard error of the size is that of a normal estimate, with the curvature of the profile
    at the maximum, rounded to whole numbers: it vanishes where the size is beyond doubt, and is too
    large, up to three times, where one or two sizes are in question. That of p joins its binomial
    error for this size with what the error of the size adds.

    References
    ----------
    Olkin, Petkau and Zidek (1981), Journal of the American Statistical Association 76, 637-642.
    DasGupta and Rubin (2005), Journal of Statistical Planning and Inference 130, 391-404.
    Levin and Reeds (1977), Annals of Statistics 5, 79-87: unimodal likelihoods.
    """
    size, drops = np.ones(summary.n_nodes), np.full((summary.n_nodes, 2), np.inf)
    run_blocks(
        lambda a, b: kernels.fit_sizes(summary.counts[a:b], LARGEST, size[a:b], drops[a:b]),
        summary.n_nodes,
    )
    p = summary.spikes / (summary.n_bins * size)
    # A size that is the largest count itself can only be too small.
    lowest = np.isinf(drops[:, 0])
    curvature = np.where(lowest, drops[:, 1], drops[:, 0]) + drops[:, 1]
    known = (size < LARGEST) & (curvature > 0) & (summary.spikes > 0)
    error = np.full(summary.n_nodes, np.inf)
    error[known] = _rounded(1 / np.sqrt(curvature[known])) * np.where(lowest[known], 0.5**0.5, 1.0)
    alone = p * (1 - p) / (summary.n_bins * size)
    shared = p / size * np.where(summary.spikes > summary.active, error, 0.0)
    flags = first_flags(summary)
    edge = (size >= LARGEST) | (p >= 1)
    flags[edge & (flags == 0)] |= Flag.BOUNDARY.value
    return Estimate({"size": size, "p": p}, {"size": error, "p": np.sqrt(alone + shared**2)}, flags)


def _rounded(error: Array) -> Array:
    """Return the standard deviation of a normal number, of mean 0, rounded to a whole one."""
    k = np.arange(1, 9)
    small = np.minimum(error, 2.0)[:, None]
    mass = special.ndtr((0.5 - k) / small) - special.ndtr((-0.5 - k) / small)
    return np.where(error > 1.0, np.sqrt(error**2 + 1 / 12), np.sqrt(2 * (mass * k**2).sum(axis=1)))


def log_likelihood(params: Params, summary: Summary) -> Array:
    """Log probability of the counts in the bins; -inf where one exceeds the size."""
    size, p = np.ascontiguousarray(params["size"]), params["p"]
    value = np.empty(len(size))
    run_blocks(
        lambda a, b: kernels.log_choose(summary.counts[a:b], size[a:b], value[a:b]), len(size)
    )
    silent = np.maximum(summary.n_bins * size - summary.spikes, 0.0)
    value += special.xlogy(summary.spikes, p) + special.xlog1py(silent, -p)
    return np.asarray(value - summary.log_factorials)


def moments(params: Params, window: int) -> tuple[Array, Array]:
    """Binomial mean and variance."""
    mean = window * params["size"] * params["p"]
    return mean, mean * (1 - params["p"])


def most(params: Params) -> int:
    """Return a count that is exceeded with a probability below 2**-33."""
    return int(stats.binom.isf(TAIL, params["size"], params["p"]).max(initial=0.0)) + 1


def tabulate(params: Params) -> Array:
    """Return the distribution function of the count at 0, 1, 2, … : (node, entry)."""
    size, p = params["size"][:, None], params["p"][:, None]
    return np.asarray(stats.binom.cdf(np.arange(most(params) + 1.0), size, p))


def data_interval(
    params: Params, errors: Params, summary: Summary, level: float
) -> dict[str, tuple[Array, Array]]:
    """Sizes whose profile likelihood is within the limit of `level`; p for all sizes in question.

    That of p runs from the lower end of the Clopper-Pearson interval for the largest size to the
    upper end of that for the smallest one; for a single size it is that interval. The sizes next to
    the estimate are taken in up to 1.15 times the limit, because one that is left out takes all of
    its p with it. Sizes up to 65,535 are considered. Nothing is known of the size where there is no
    spike.
    """
    n, n_bins = summary.n_nodes, summary.n_bins
    size = np.ascontiguousarray(params["size"])
    ends, near = np.tile([1.0, LARGEST], (n, 1)), np.tile([1.0, 1.0], (n, 1))
    reach = float(stats.chi2.ppf(level, 1)) / 2
    run_blocks(
        lambda a, b: kernels.intervals(
            summary.counts[a:b], size[a:b], LARGEST, reach, NEXT * reach, ends[a:b], near[a:b]
        ),
        n,
    )
    tail, spikes = (1 - level) / 2, summary.spikes
    silent = n_bins * near - spikes[:, None]
    low = np.where(spikes > 0, special.betaincinv(np.maximum(spikes, 1), silent[:, 1] + 1, tail), 0)
    full = silent[:, 0] <= 0
    high = special.betainccinv(spikes + 1, np.where(full, 1, silent[:, 0]), tail)
    return {"size": (ends[:, 0], ends[:, 1]), "p": (low, np.where(full, 1.0, high))}


def identified(params: Params, summary: Summary) -> NDArray[np.bool_]:
    """Where the bins tell binomial from Poisson counts, and p from 1.

    n_bins · p² must be 32 or more (the variance is then 4 of its standard errors or more below that
    of Poisson counts), and so must be 50 or more spikes that were possible and did not come,
    n_bins · size · (1 - p). In simulations of 729 cases, with sizes of 1 to 300, p of 0.03 to 0.99
    and 20 to 50,000 bins, this holds in 377, in which the 95 % intervals covered p with a
    probability of 0.93 to 0.97, and the size with at least 0.93.
    """
    informed = summary.n_bins * params["p"] ** 2 >= INFORMED
    return np.asarray(informed & (summary.n_bins * params["size"] * (1 - params["p"]) >= SILENT))


PROCESS = Process(
    name="binomial",
    version=1,
    params=(
        Param(
            "size", "1", (1.0, LARGEST), (2.0, 12.0), "largest possible number of spikes per bin",
            whole=True,
        ),
        Param("p", "1", (0.0, 1.0), (0.5, 0.9), "chance of each of them"),
    ),
    estimate=estimate,
    log_likelihood=log_likelihood,
    moments=moments,
    tabulate=tabulate,
    sampler=Independent(most),
    data_interval=data_interval,
    identified=identified,
    needs=frozenset({"counts"}),
    doc="Independent binomial counts; under-dispersed, for bins that were windows.",
)  # fmt: skip
