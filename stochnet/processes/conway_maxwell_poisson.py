"""Independent counts with one dispersion parameter on both sides of Poisson."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from stochnet.kernels.fitting import conway_maxwell as law
from stochnet.kernels.fitting import conway_maxwell_nodes as kernels
from stochnet.kernels.threads import run_blocks
from stochnet.process import Array, Estimate, Flag, Independent, Param, Params, Process, first_flags
from stochnet.processes.laws.scipy_stats import stats
from stochnet.statistics.summary.summary import Summary

HIGHEST = 100.0
TAIL = 2.0**-33
# See `identified`.
FEW, TELLING, FAR = 50, 10.0, 1.5


@functools.cache
def _logs() -> Array:
    """Logarithms of 0 (here 0), 1, 2, … as far as counts go."""
    return np.asarray(np.log(np.maximum(np.arange(65_537.0), 1.0)))


def estimate(summary: Summary) -> Estimate:
    """Maximum likelihood: the mean of the counts, and nu at that mean.

    The law is an exponential family in the spikes and the sum of log(count!), so its mean is the
    sample mean, and the likelihood has one maximum in nu. Mean and nu are orthogonal (Huang 2017),
    so the standard errors are those by expected information of each alone. Bins that hold no more
    than two neighbouring counts, as 0 and 1, have the highest nu, with an infinite standard error;
    bins that vary more than a geometric law have nu 0, with the standard error there.

    References
    ----------
    Conway and Maxwell (1962), Journal of Industrial Engineering 12, 132-136.
    Shmueli, Minka, Kadane, Borle and Boatwright (2005), Applied Statistics 54, 127-142.
    Huang (2017), Statistical Modelling 17, 359-380.
    """
    n, n_bins = summary.n_nodes, float(summary.n_bins)
    mean, average = summary.spikes / n_bins, summary.log_factorials / n_bins
    nu, variance = np.ones(n), np.zeros(n)
    error, status = np.full(n, np.inf), np.zeros(n, np.int64)
    run_blocks(
        lambda a, b: kernels.fit(
            mean[a:b], average[a:b], n_bins, HIGHEST, _logs(), nu[a:b], variance[a:b],
            error[a:b], status[a:b],
        ),
        n,
    )  # fmt: skip
    flags = first_flags(summary)
    flags[status == law.BOUNDARY] |= Flag.BOUNDARY.value
    flags[status == law.STOPPED] |= Flag.NOT_CONVERGED.value
    return Estimate(
        {"rate": mean, "nu": nu}, {"rate": np.sqrt(variance / n_bins), "nu": error}, flags
    )


def log_likelihood(params: Params, summary: Summary) -> Array:
    """Log probability of the counts in the bins."""
    rate, nu = _contiguous(params)
    value = np.empty(len(rate))
    run_blocks(
        lambda a, b: kernels.evaluate(
            rate[a:b], nu[a:b], float(summary.n_bins), summary.spikes[a:b],
            summary.log_factorials[a:b], _logs(), value[a:b],
        ),
        len(rate),
    )  # fmt: skip
    return value


def moments(params: Params, window: int) -> tuple[Array, Array]:
    """Mean and variance of a sum of independent bins."""
    return window * params["rate"], window * _spread(params)[:, 0]


def most(params: Params) -> int:
    """Return a count that is exceeded with a probability below 2**-33."""
    rate, nu = _contiguous(params)
    counts = np.zeros(len(rate), np.int64)
    run_blocks(
        lambda a, b: kernels.quantiles(rate[a:b], nu[a:b], TAIL, _logs(), counts[a:b]), len(rate)
    )
    return int(counts.max(initial=0)) + 1


def tabulate(params: Params) -> Array:
    """Return the distribution function of the count at 0, 1, 2, … : (node, entry)."""
    rate, nu = _contiguous(params)
    table = np.empty((len(rate), most(params) + 1))
    run_blocks(
        lambda a, b: kernels.distribution(rate[a:b], nu[a:b], _logs(), table[a:b]), len(rate)
    )
    return table


def data_interval(
    params: Params, errors: Params, summary: Summary, level: float
) -> dict[str, tuple[Array, Array]]:
    """Profile likelihood for nu; for the rate the likelihood ratio at the estimated nu.

    Nothing is known of nu where there is no spike, and the rate is then at most that at which a
    Poisson process stays silent with a probability of (1 - level) / 2.
    """
    rate, nu = _contiguous(params)
    n_bins = float(summary.n_bins)
    average = summary.log_factorials / n_bins
    rates, nus = np.zeros((len(rate), 2)), np.zeros((len(rate), 2))
    rates[:, 1], nus[:, 1] = -np.log((1 - level) / 2) / n_bins, HIGHEST
    reach = float(stats.chi2.ppf(level, 1)) / 2
    run_blocks(
        lambda a, b: kernels.intervals(
            rate[a:b], average[a:b], nu[a:b], n_bins, reach, HIGHEST, _logs(), rates[a:b],
            nus[a:b],
        ),
        len(rate),
    )  # fmt: skip
    top = PROCESS.params[0].domain[1]
    return {"rate": (rates[:, 0], np.minimum(rates[:, 1], top)), "nu": (nus[:, 0], nus[:, 1])}


def _contiguous(params: Params) -> tuple[Array, Array]:
    return np.ascontiguousarray(params["rate"]), np.ascontiguousarray(params["nu"])


def _spread(params: Params) -> Array:
    """Return variance, information about nu and chance of rarer counts, of one bin: (node, 3)."""
    rate, nu = _contiguous(params)
    found = np.empty((len(rate), 3))
    run_blocks(lambda a, b: kernels.spread(rate[a:b], nu[a:b], _logs(), found[a:b]), len(rate))
    return found


def identified(params: Params, summary: Summary) -> NDArray[np.bool_]:
    """Where 50 bins or more hold 10 or more that tell about nu, and nu is far from 0 and 100.

    The bins that tell are those expected beyond the commonest count and its commoner neighbour,
    and nu must be 1.5 of its standard errors or more from both ends. In simulations of 1,056 cases,
    with rates of 0.05 to 30, nu of 0.05 to 50 and 30 to 10,000 bins, this holds in 535, in which
    the 95 % intervals covered rate and nu with a probability of 0.93 to 0.97.
    """
    _, information, rarer = _spread(params).T
    room = np.minimum(params["nu"], HIGHEST - params["nu"])
    far = room**2 * summary.n_bins * information >= FAR**2
    return np.asarray((summary.n_bins >= FEW) & (summary.n_bins * rarer >= TELLING) & far)


PROCESS = Process(
    name="conway_maxwell_poisson",
    version=1,
    params=(
        Param("rate", "1/bin", (0.0, 65_535.0), (0.3, 3.0), "mean number of spikes per bin"),
        Param(
            "nu", "1", (0.0, HIGHEST), (0.4, 2.5),
            "dispersion: 1 Poisson, above less and below more variable, 0 geometric",
        ),
    ),
    estimate=estimate,
    log_likelihood=log_likelihood,
    moments=moments,
    tabulate=tabulate,
    sampler=Independent(most),
    data_interval=data_interval,
    identified=identified,
    doc="Independent Conway-Maxwell-Poisson counts, over- or under-dispersed, by their mean.",
)  # fmt: skip
