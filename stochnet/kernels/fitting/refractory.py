"""Maximum likelihood of a dead time and a constant hazard after it, node by node."""

from __future__ import annotations

import numpy as np

from stochnet.kernels.compile import kernel

HALVINGS = 100


@kernel
def log_likelihoods(p, dead_times, ages, out):
    """Log-likelihood of the bins that are counted in ages (node, after spike, age, active)."""
    for i in range(len(p)):
        total, dead = 0.0, dead_times[i]
        for after in range(2):
            for age in range(1, ages.shape[2] + 1):
                silent, spikes = ages[i, after, age - 1, 0], ages[i, after, age - 1, 1]
                hazard = p[i]
                if age <= dead:
                    hazard = 0.0 if after else p[i] / (1.0 + p[i] * (dead + 1 - age))
                if spikes > 0:
                    total += spikes * np.log(hazard)
                if silent > 0:
                    total += silent * np.log1p(-hazard)
        out[i] = total


@kernel
def waiting(ages, at, factor):
    """Logarithms of 1 + p · (dead time - at) that waiting for the first spike adds; their number.

    Those of successive bins cancel, but for the first bin of a trial and the last.
    """
    n, before = 0, 0
    for age in range(1, ages.shape[1] + 2):
        here, silent = 0, 0
        if age <= ages.shape[1]:
            silent = ages[0, age - 1, 0]
            here = silent + ages[0, age - 1, 1]
        if before != here:
            at[n], factor[n] = age - 1, before - here
            n += 1
        before = silent
    return n


@kernel
def best_p(spikes, silent, dead, n, at, factor):
    """Most likely hazard at a dead time: (p, log-likelihood, information; slope at p = 1)."""
    low, high, p = 0.0, 1.0, spikes / (spikes + silent)
    slope = 0.0
    for _ in range(HALVINGS):
        # The slope and the curvature in p, times p and p².
        slope, bend = spikes, -spikes
        if silent > 0.0:
            odds = p / (1.0 - p)
            slope -= silent * odds
            bend -= silent * odds * odds
        for i in range(n):
            if at[i] >= dead:
                break
            x = p * (dead - at[i])
            slope += factor[i] * x / (1.0 + x)
            bend -= factor[i] * x * x / ((1.0 + x) * (1.0 + x))
        if p == 1.0 and slope >= 0.0:
            break
        if slope > 0.0:
            low = p
        else:
            high = p
        step = -p * slope / bend if bend < 0.0 else np.inf
        if abs(step) <= 1e-13 * p:
            break
        following = p + step
        p = following if low < following < high else 0.5 * (low + high)
        if high - low <= 1e-15 * high:
            break
    value = spikes * np.log(p)
    if silent > 0.0:
        value += silent * np.log1p(-p)
    for i in range(n):
        if at[i] >= dead:
            break
        value += factor[i] * np.log1p(p * (dead - at[i]))
    return p, value, -bend / (p * p), slope


@kernel
def maximise(ages, longest, p, dead_times, errors, limits):
    """Fill the most likely values of nodes that fire in some bins; errors (node, 2) of both.

    All dead times below the shortest gap are tried, up to `longest`. `limits`: the longest that was
    tried, or -1 without a gap.
    """
    n_ages = ages.shape[2]
    at, factor = np.empty(n_ages + 1, np.int64), np.empty(n_ages + 1, np.int64)
    for i in range(len(p)):
        n = waiting(ages[i], at, factor)
        spikes, silent, first, last = 0.0, 0.0, 0, 0
        for age in range(1, n_ages + 1):
            for after in range(2):
                silent += ages[i, after, age - 1, 0]
                spikes += ages[i, after, age - 1, 1]
                if ages[i, after, age - 1, 0] + ages[i, after, age - 1, 1] > 0:
                    last = age
            if first == 0 and ages[i, 1, age - 1, 1] > 0:
                first = age
        limits[i] = min(first - 1, longest) if first > 0 else -1
        best = 0.0
        for dead in range((limits[i] if first > 0 else min(last, longest)) + 1):
            if dead > 0:
                silent -= ages[i, 0, dead - 1, 0] + ages[i, 1, dead - 1, 0]
            chance, value, information, slope = best_p(spikes, silent, dead, n, at, factor)
            # Of equals, the shortest.
            if dead == 0 or value > best + 1e-9 * (1.0 + abs(best)):
                best, p[i], dead_times[i] = value, chance, dead
                # At the end of the range the likelihood falls off as an exponential.
                errors[i, 0] = 1.0 / slope if chance == 1.0 else 1.0 / np.sqrt(information)
        errors[i, 1] = np.inf
        if dead_times[i] == limits[i]:
            # Spikes after which the first bin at risk was seen, or would have been.
            at_risk = float(ages[i, 1, max(limits[i] - 1, 0), 0])
            if limits[i] == 0:
                at_risk += ages[i, 1, 0, 1]
            none = np.exp(at_risk * np.log1p(-p[i]))
            errors[i, 1] = np.sqrt(none) / (1.0 - none)
