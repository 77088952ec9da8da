"""Conway-Maxwell-Poisson counts of many nodes: fits, likelihoods, intervals and tables."""

from __future__ import annotations

import math

import numpy as np

from stochnet.kernels.compile import kernel
from stochnet.kernels.fitting.conway_maxwell import (
    SIZE,
    end_of_mean,
    end_of_nu,
    first_theta,
    fit_one,
    information,
    solve,
    value,
)


@kernel
def fit(means, averages, n_bins, most, logs, nus, variances, errors, status):
    """Fit nu at the sample mean of each node; nodes with mean 0 are left as they are.

    means, averages float64 (node,): mean count and mean of log count!; filled are nus, variances of
    the count, standard errors of nu, and status, each (node,).
    """
    out = np.empty(SIZE)
    for i in range(len(means)):
        if means[i] <= 0.0:
            continue
        nus[i], _, status[i] = fit_one(means[i], averages[i], most, logs, out)
        variances[i] = out[4]
        known = information(out)
        if nus[i] < most and known > 0.0:
            errors[i] = 1.0 / np.sqrt(n_bins * known)


@kernel
def evaluate(rates, nus, n_bins, spikes, factorials, logs, likelihoods):
    """Log-likelihood of the bins: spikes and the sum of log count! are (node,), and so is it."""
    out = np.empty(SIZE)
    for i in range(len(rates)):
        if rates[i] <= 0.0:
            likelihoods[i] = 0.0 if spikes[i] == 0 else -np.inf
            continue
        theta = solve(rates[i], nus[i], first_theta(rates[i], nus[i]), logs, out)
        mean, average = spikes[i] / n_bins, factorials[i] / n_bins
        likelihoods[i] = n_bins * value(theta, nus[i], mean, average, out)


@kernel
def term(k, theta, nu, out):
    """Return the probability of a count k."""
    exponent = theta * (k - out[1]) - out[0]
    if nu > 0.0:
        exponent -= nu * (math.lgamma(k + 1.0) - math.lgamma(out[1] + 1.0))
    return np.exp(exponent)


@kernel
def spread(rates, nus, logs, out_nodes):
    """Variance of a count, information about nu in a bin, and chance of rarer counts: (node, 3).

    Rarer counts are those beyond the commonest one and its commoner neighbour. All are 0 where the
    rate is 0.
    """
    out = np.empty(SIZE)
    for i in range(len(rates)):
        for j in range(3):
            out_nodes[i, j] = 0.0
        if rates[i] > 0.0:
            theta = solve(rates[i], nus[i], first_theta(rates[i], nus[i]), logs, out)
            beside = term(out[1] + 1.0, theta, nus[i], out)
            if out[1] > 0.0:
                beside = max(beside, term(out[1] - 1.0, theta, nus[i], out))
            out_nodes[i, 0] = out[4]
            out_nodes[i, 1] = information(out)
            out_nodes[i, 2] = max(1.0 - beside - np.exp(-out[0]), 0.0)


@kernel
def intervals(means, averages, nus, n_bins, reach, most, logs, rate_ends, nu_ends):
    """Where the log-likelihood is within `reach` of its maximum: (node, 2) each.

    Of the rate it is that with this nu, of nu the profile. Nodes with mean 0 are left as they are.
    """
    out = np.empty(SIZE)
    for i in range(len(means)):
        mean, nu = means[i], nus[i]
        if mean <= 0.0:
            continue
        theta = solve(mean, nu, first_theta(mean, nu), logs, out)
        drop = reach / n_bins
        step = np.sqrt(2.0 * drop / information(out))
        for side in (-1, 1):
            rate_ends[i, (side + 1) // 2] = end_of_mean(side, nu, theta, drop, mean, logs, out)
            start = 0.5 * nu
            if nu <= 0.0:
                start = step
            elif nu < most:
                start = nu * np.exp(side * min(step / nu, 3.0))
            nu_ends[i, (side + 1) // 2] = end_of_nu(
                side, nu, theta, drop, mean, averages[i], start, most, logs, out
            )


@kernel
def quantiles(rates, nus, tail, logs, out_counts):
    """Smallest count that is exceeded with a probability of less than `tail`, of each node."""
    out = np.empty(SIZE)
    for i in range(len(rates)):
        out_counts[i] = 0
        if rates[i] <= 0.0:
            continue
        theta = solve(rates[i], nus[i], first_theta(rates[i], nus[i]), logs, out)
        k = np.int64(out[1])
        before = term(k, theta, nus[i], out)
        while True:
            # What lies beyond k is less than a geometric series from k + 1 on.
            now = term(k + 1, theta, nus[i], out)
            if now < tail * (1.0 - now / before):
                break
            before = now
            k += 1
        out_counts[i] = k


@kernel
def distribution(rates, nus, logs, table):
    """Distribution function of the count at 0, 1, 2, …: table float64 (node, entry)."""
    out = np.empty(SIZE)
    for i in range(len(rates)):
        theta = 0.0
        if rates[i] > 0.0:
            theta = solve(rates[i], nus[i], first_theta(rates[i], nus[i]), logs, out)
        total = 0.0
        for k in range(table.shape[1]):
            if rates[i] > 0.0:
                total += term(k, theta, nus[i], out)
            else:
                total = 1.0
            table[i, k] = min(total, 1.0)
