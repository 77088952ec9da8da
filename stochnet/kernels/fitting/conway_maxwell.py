"""Conway-Maxwell-Poisson counts, P(k) = exp(theta k - nu log k!) / Z: series, fits and intervals.

A law is known by its natural parameters (theta, nu) or by its mean and nu. Sums run outward from
the mode k0 and are centred there: with d = k - k0 and base = log k0, log k! = log k0! + base d + m,
and `out` holds

    0 log of the sum relative to the mode, 1 k0, 2 mean of d, 3 mean of m,
    4 variance of d, 5 covariance of d and m, 6 variance of m.
"""

from __future__ import annotations

import math

import numpy as np

from stochnet.kernels.compile import kernel

CONVERGED, BOUNDARY, STOPPED = 0, 1, 2
SIZE = 7
# Most terms on either side of the mode, and the largest mode.
TOP = 1 << 22
# Terms are summed until what is left changes no sum of squares by more than this part.
REST = 1e-17
ROUNDS = 200


@kernel
def log_of(k, logs):
    """Return log k, from the table as far as it goes; 0 for 0."""
    return logs[k] if k < len(logs) else np.log(k)


@kernel
def series(theta, nu, logs, out):
    """Sum the series; False if its mode is beyond all bounds, so that the mean is too."""
    mode = 0
    if nu > 0.0:
        where = theta / nu
        if where > 15.0:
            return False
        mode = np.int64(np.exp(where))
    base = log_of(mode, logs)
    slope = theta - nu * base
    total, sd, sm, sdd, sdm, smm = 1.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for side in (1, -1):
        exponent, term, d, m, k = 0.0, 1.0, 0.0, 0.0, mode
        for _ in range(TOP):
            if side > 0:
                k += 1
                step = log_of(k, logs) - base
                exponent += slope - nu * step
                m += step
            else:
                if k == 0:
                    break
                step = log_of(k, logs) - base
                exponent -= slope - nu * step
                m -= step
                k -= 1
            d += side
            before, term = term, np.exp(exponent)
            total += term
            sd += term * d
            sm += term * m
            sdd += term * d * d
            sdm += term * d * m
            smm += term * m * m
            # Ratios of terms fall, so that the rest is less than a geometric series.
            left = 1.0 - term / before
            reach = abs(d) * left + 1.0
            if term * reach * reach <= REST * sdd * left * left * left:
                break
    out[0] = np.log(total)
    out[1] = mode
    out[2] = sd / total
    out[3] = sm / total
    out[4] = sdd / total - out[2] * out[2]
    out[5] = sdm / total - out[2] * out[3]
    out[6] = smm / total - out[3] * out[3]
    return True


@kernel
def information(out):
    """Information about nu in one bin; mean and nu are orthogonal. 0 where rounding hides it."""
    known = out[6] - out[5] * out[5] / out[4]
    return known if known > 1e-13 * out[6] else 0.0


@kernel
def excess(mean, average, logs, out):
    """Slope of the profile in nu, per bin: expected minus observed mean of log k!."""
    mode = np.int64(out[1])
    observed = average - math.lgamma(out[1] + 1.0) - log_of(mode, logs) * (mean - out[1])
    return out[3] + log_of(mode, logs) * (out[1] + out[2] - mean) - observed


@kernel
def value(theta, nu, mean, average, out):
    """Log-likelihood per bin, without the part that no parameter changes."""
    return theta * (mean - out[1]) - nu * (average - math.lgamma(out[1] + 1.0)) - out[0]


@kernel
def first_theta(mean, nu):
    """Return theta near the one that gives this mean: exact at nu 0 and 1."""
    if nu <= 1.0:
        return np.log(mean) - (1.0 - nu) * np.log1p(mean)
    if mean >= 1.0:
        return nu * np.log(mean + 0.5 * (nu - 1.0) / nu)
    return np.log(mean) - (1.0 - 1.0 / nu) * np.log(max(1.0 - mean, np.exp(-0.35 * nu)))


@kernel
def solve(mean, nu, theta, logs, out):
    """Return theta with this mean, from a start; `out` is filled for it."""
    if nu == 0.0:
        theta = -np.log1p(1.0 / mean)
        series(theta, nu, logs, out)
        return theta
    low, high = -np.inf, np.inf
    for _ in range(ROUNDS):
        known = series(theta, nu, logs, out)
        gap = (out[1] - mean) + out[2] if known else np.inf
        if gap == 0.0:
            return theta
        if gap > 0.0:
            high = theta
        else:
            low = theta
        following = np.nan
        if known:
            # The log of the mean is nearly linear in theta.
            step = -np.log1p(gap / mean) * (mean + gap) / out[4]
            if abs(step) * (1.0 + np.sqrt(out[4])) <= 1e-8:
                # So small a step changes the sums linearly.
                out[0] += step * (out[2] + 0.5 * step * out[4])
                out[2] += step * out[4]
                out[3] += step * out[5]
                return theta + step
            following = theta + step
        if not low < following < high:
            if low > -np.inf and high < np.inf:
                following = 0.5 * (low + high)
            else:
                following = theta + (1.0 + nu) * (1.0 if gap < 0.0 else -1.0)
            if high - low <= 1e-14 * (1.0 + abs(theta)):
                return theta
        theta = following
    return theta


@kernel
def first_nu(mean, average, most):
    """Return a start for nu, from the mean of log k!."""
    if mean >= 1.0:
        # log k! is curved by about 1 / (mean + 1/2), and the variance is about mean / nu.
        variance = 2.0 * (mean + 0.5) * (average - math.lgamma(mean + 1.0))
        nu = (mean + 0.5) / max(variance, 1e-9)
    else:
        # Bins of two spikes, against those that the bins of one would bring.
        two = average / np.log(2.0)
        one = max(mean - 2.0 * two, 1e-9)
        none = max(1.0 - one - two, 1e-9)
        nu = -np.log(max(two * none, 1e-300) / (one * one)) / np.log(2.0)
    return min(max(nu, 0.02), 0.9 * most)


@kernel
def fit_one(mean, average, most, logs, out):
    """Maximum likelihood of nu at the sample mean: (nu, theta, status); `out` is filled for it."""
    nu = first_nu(mean, average, most)
    if average <= 0.0:
        nu = most
    theta = first_theta(mean, nu)
    low, high, low_tried, high_tried = 0.0, most, False, False
    for _ in range(ROUNDS):
        theta = solve(mean, nu, theta, logs, out)
        slope = excess(mean, average, logs, out)
        low_tried, high_tried = low_tried or nu == 0.0, high_tried or nu == most
        if (nu == most and slope >= 0.0) or (nu == 0.0 and slope <= 0.0):
            return nu, theta, BOUNDARY
        # The rounding of the data leaves nothing to be found.
        if abs(slope) <= 1e-15 * average:
            return nu, theta, CONVERGED
        known = information(out)
        following = nu + (slope / known if known > 0.0 else np.copysign(np.inf, slope))
        if abs(following - nu) <= 1e-6 * nu:
            return min(max(following, low), high), theta, CONVERGED
        if slope > 0.0:
            low = nu
            following = min(following, 4.0 * nu + 1.0)
            if following >= high:
                following = 0.5 * (nu + high) if high_tried or nu < 0.1 * most else most
        else:
            high = nu
            if following <= low:
                following = 0.3 * nu + 0.7 * low if low_tried or nu > 0.05 else 0.0
        if high - low <= 1e-14 * nu:
            return nu, theta, CONVERGED
        theta += (log_of(np.int64(out[1]), logs) + out[5] / out[4]) * (following - nu)
        nu = following
    return nu, theta, STOPPED


@kernel
def end_of_nu(side, nu, theta, drop, mean, average, start, most, logs, out):
    """Where the profile has fallen by `drop` per bin from nu upwards (side 1) or downwards (-1).

    That end of the domain where it does not fall so far.
    """
    end = most if side > 0 else 0.0
    if nu == end:
        return end
    theta = solve(mean, nu, theta, logs, out)
    best = value(theta, nu, mean, average, out)
    inner, outer, tried = nu, end, False
    following = start
    for _ in range(ROUNDS):
        if not (following - inner) * (outer - following) > 0.0:
            following = 0.5 * (inner + outer) if tried else end
        theta += (log_of(np.int64(out[1]), logs) + out[5] / out[4]) * (following - nu)
        nu = following
        theta = solve(mean, nu, theta, logs, out)
        fallen = max(best - value(theta, nu, mean, average, out), 0.0)
        if nu == end:
            tried = True
            if fallen <= drop:
                return end
        if fallen > drop:
            outer = nu
        else:
            inner = nu
        if abs(outer - inner) <= 1e-9 * nu:
            return nu
        following = np.nan
        if fallen > 0.01 * drop:
            # The root of the fall is nearly linear in nu.
            root = np.sqrt(fallen)
            rise = -0.5 * excess(mean, average, logs, out) / root
            following = nu - (root - np.sqrt(drop)) / rise
            if abs(following - nu) <= 1e-5 * nu:
                return min(max(following, min(inner, outer)), max(inner, outer))
    return nu


@kernel
def end_of_mean(side, nu, theta, drop, mean, logs, out):
    """Mean at which the likelihood with this nu has fallen by `drop` per bin; side as above."""
    series(theta, nu, logs, out)
    best = theta * mean - (theta * out[1] - nu * math.lgamma(out[1] + 1.0) + out[0])
    first, inner, outer = theta, theta, side * np.inf
    if side > 0 and nu == 0.0:
        outer = 0.0
    following = theta + side * np.sqrt(2.0 * drop / out[4])
    for _ in range(ROUNDS):
        if not (following - inner) * (outer - following) > 0.0 and abs(outer) < np.inf:
            following = 0.5 * (inner + outer)
        theta = following
        if not series(theta, nu, logs, out):
            outer = theta
            continue
        scale = theta * out[1] - nu * math.lgamma(out[1] + 1.0) + out[0]
        fallen = max(best - (theta * mean - scale), 0.0)
        if fallen > drop:
            outer = theta
        else:
            inner = theta
        if fallen <= 0.01 * drop:
            following = 2.0 * theta - first
            continue
        root = np.sqrt(fallen)
        rise = 0.5 * (out[1] + out[2] - mean) / root
        following = theta - (root - np.sqrt(drop)) / rise
        if abs(following - theta) * (1.0 + np.sqrt(out[4])) <= 1e-5:
            return out[1] + out[2] + out[4] * (following - theta)
    return out[1] + out[2]
