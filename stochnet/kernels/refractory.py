"""Maximum likelihood of a dead time and of the spike probability after it."""

from __future__ import annotations

import numba
import numpy as np

ROUNDS = 60
# The likelihood falls from its best dead time on; so many worse ones in a row end the search.
PATIENCE = 6


@numba.njit(nogil=True, error_model="numpy")
def _slopes(p, dead, ages, out):
    """Log-likelihood at p, and its first and second derivative: ages (after spike, age, active)."""
    value, slope, curve = 0.0, 0.0, 0.0
    spikes, silent = 0, 0
    for a in range(ages.shape[1]):
        if a >= dead:
            spikes += ages[1, a, 1]
            silent += ages[1, a, 0]
        n0, n1 = ages[0, a, 0], ages[0, a, 1]
        c = dead - a
        if c <= 0:
            spikes += n1
            silent += n0
        elif n0 + n1 > 0:
            # The hazard before a first spike is p / (1 + p c) in the stationary process.
            whole, rest = 1.0 + p * c, 1.0 + p * (c - 1)
            spikes += n1
            value += n0 * np.log(rest) - (n0 + n1) * np.log(whole)
            slope += n0 * (c - 1) / rest - (n0 + n1) * c / whole
            curve -= n0 * ((c - 1) / rest) ** 2 - (n0 + n1) * (c / whole) ** 2
    if spikes > 0:
        value += spikes * np.log(p)
        slope += spikes / p
        curve -= spikes / (p * p)
    if silent > 0:
        value += silent * np.log(1.0 - p)
        slope -= silent / (1.0 - p)
        curve -= silent / ((1.0 - p) * (1.0 - p))
    out[0], out[1], out[2] = value, slope, curve
    return silent


@numba.njit(nogil=True, error_model="numpy")
def _best(dead, ages, out):
    """Return the p that is best for a dead time: Newton inside a bracket that only shrinks."""
    low, high = 0.0, 1.0
    if _slopes(1.0 - 1e-12, dead, ages, out) == 0 and out[1] >= 0.0:
        _slopes(1.0, dead, ages, out)
        return 1.0
    p = 0.5
    for _ in range(ROUNDS):
        _slopes(p, dead, ages, out)
        if out[1] > 0.0:
            low = p
        else:
            high = p
        new = p - out[1] / out[2] if out[2] < 0.0 else 0.5 * (low + high)
        if not low < new < high:
            new = 0.5 * (low + high)
        if abs(new - p) <= 1e-12 * p:
            break
        p = new
    _slopes(p, dead, ages, out)
    return p


@numba.njit(nogil=True, error_model="numpy")
def fit_dead_times(ages, p, dead, information):
    """Fill p, dead (whole) and the information about p: ages int32 (node, after, age, active).

    Nodes without a gap get a dead time of -1: nothing tells of it.
    """
    out = np.empty(3)
    for i in range(len(ages)):
        row = ages[i]
        longest = -1
        for a in range(row.shape[1]):
            if row[1, a, 1] > 0:
                longest = a
                break
        spikes = 0
        for a in range(row.shape[1]):
            spikes += row[0, a, 1]
        if spikes == 0:
            p[i], dead[i], information[i] = 0.0, -1, 0.0
            continue
        best, worse = -np.inf, 0
        for d in range(max(longest, 0), -1, -1):
            found = _best(d, row, out)
            if out[0] > best:
                best, worse = out[0], 0
                p[i], dead[i], information[i] = found, d, -out[2]
            else:
                worse += 1
                if worse >= PATIENCE:
                    break
        if longest < 0:
            dead[i] = -1
