"""Partial means of gain laws, by one pass over a grid, and tables of Poisson counts."""

from __future__ import annotations

import math

import numpy as np

from stochnet.kernels.compile import kernel

CELLS = 200
# Log-density at which a tail is left out, below that of the mode.
DEPTH = 34.0
BETA, GAMMA = 0, 1


@kernel
def log_density(law, a, b, y):
    """Log-density, up to a constant, in y: the logit of a Beta, the log of a gamma variable."""
    if law == BETA:
        # -log(1 + exp(y)), without overflow.
        both = -math.log1p(math.exp(-abs(y))) - max(y, 0.0)
        return a * y + (a + b) * both
    return a * (y - math.exp(min(y, 700.0)))


@kernel
def value_of(law, y):
    """Return the variable at y."""
    return 1.0 / (1.0 + math.exp(-y)) if law == BETA else math.exp(y)


@kernel
def reach(law, a, b, mode, side):
    """Return how far the density reaches on one side of its mode, in y."""
    top, far = log_density(law, a, b, mode), 1.0
    while log_density(law, a, b, mode + side * far) > top - DEPTH and far < 1e9:
        far *= 2.0
    while far > 1e-12 and log_density(law, a, b, mode + side * far / 2.0) < top - DEPTH:
        far /= 2.0
    low, high = far / 2.0, far
    for _ in range(6):
        middle = 0.5 * (low + high)
        if log_density(law, a, b, mode + side * middle) > top - DEPTH:
            low = middle
        else:
            high = middle
    return high


@kernel
def growth(far, first):
    """Return the ratio of successive cells, so that CELLS of them, the first given, fill `far`."""
    low, high = 1.0 + 1e-9, 2.0
    if first * CELLS >= far:
        return low
    for _ in range(50):
        ratio = 0.5 * (low + high)
        if first * (ratio**CELLS - 1.0) / (ratio - 1.0) < far:
            low = ratio
        else:
            high = ratio
    return high


@kernel
def partial_means(law, a, b, knots, grid, out):
    """Fill the mean of the variable below each quantile: E[X; X < q(knot)], for rising knots.

    grid float64 (3, 2·CELLS + 1) is working space: y, probability and partial mean. The two are
    integrated cell by cell (Gauss-Legendre, three points); between grid points the partial mean is
    a cubic of the probability, whose slope is the variable itself.
    """
    mode = math.log(a / b) if law == BETA else 0.0
    width = math.sqrt(1.0 / a + 1.0 / b) if law == BETA else math.sqrt(1.0 / a)
    top = log_density(law, a, b, mode)
    ends = (reach(law, a, b, mode, -1.0), reach(law, a, b, mode, 1.0))
    grid[0, CELLS] = mode
    for side in range(2):
        sign, far = 2.0 * side - 1.0, ends[side]
        first = min(0.06, width / 12.0, far / CELLS)
        ratio = growth(far, first)
        at, size = 0.0, first
        total = first * (ratio**CELLS - 1.0) / (ratio - 1.0)
        for cell in range(1, CELLS + 1):
            at += size * far / total
            size *= ratio
            grid[0, CELLS + (cell if side else -cell)] = mode + sign * at
    grid[1, 0] = 0.0
    grid[2, 0] = 0.0
    for cell in range(2 * CELLS):
        middle = 0.5 * (grid[0, cell] + grid[0, cell + 1])
        half = 0.5 * (grid[0, cell + 1] - grid[0, cell])
        mass, mean = 0.0, 0.0
        for point in range(3):
            y = middle + half * (point - 1) * 0.7745966692414834
            weight = 8.0 / 9.0 if point == 1 else 5.0 / 9.0
            density = weight * half * math.exp(log_density(law, a, b, y) - top)
            mass += density
            mean += density * value_of(law, y)
        grid[1, cell + 1] = grid[1, cell] + mass
        grid[2, cell + 1] = grid[2, cell] + mean
    total = grid[1, 2 * CELLS]
    cell = 0
    for q in range(len(knots)):
        wanted = knots[q] * total
        while cell < 2 * CELLS - 1 and grid[1, cell + 1] < wanted:
            cell += 1
        step = grid[1, cell + 1] - grid[1, cell]
        s = min(max((wanted - grid[1, cell]) / step, 0.0), 1.0) if step > 0.0 else 1.0
        left, right = grid[2, cell], grid[2, cell + 1]
        bend = s * (1.0 - s)
        slope_left = value_of(law, grid[0, cell]) * step - (right - left)
        slope_right = (right - left) - value_of(law, grid[0, cell + 1]) * step
        between = left + s * (right - left)
        out[q] = (between + bend * (slope_left * (1.0 - s) + slope_right * s)) / total


@kernel
def all_partial_means(law, a, b, knots, out):
    """Fill the partial means of laws a (law,), b (law,): out (law, knot)."""
    grid = np.empty((3, 2 * CELLS + 1))
    for i in range(len(a)):
        partial_means(law, a[i], b[i], knots, grid, out[i])


@kernel
def poisson_cdf(rates, out):
    """Fill P(count <= k) for k = 0, 1, … of Poisson laws: rates (law,), out (law, entry)."""
    for i in range(len(rates)):
        rate = rates[i]
        # Below that, probabilities are under 1e-40; and above it exp does not underflow.
        start = 0 if rate < 600.0 else np.int64(rate - 14.0 * math.sqrt(rate))
        term = (
            math.exp(start * math.log(rate) - rate - math.lgamma(start + 1.0))
            if start
            else (math.exp(-rate))
        )
        total = 0.0
        for k in range(out.shape[1]):
            if k >= start:
                if k > start:
                    term *= rate / k
                total += term
            out[i, k] = min(total, 1.0)
