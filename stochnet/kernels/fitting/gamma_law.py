"""Survivors of rounded gamma gaps and their sums, age by age, and the likelihood from them.

An age is a number of bins since a spike. Beyond the last age the hazard stays what it is there.
"""

from __future__ import annotations

import numpy as np

from stochnet.kernels.compile import kernel
from stochnet.kernels.fitting.gamma_gaps import (
    POINTS,
    beyond,
    density,
    from_zero,
    panels,
    peak,
    place,
    weigh,
)

# Rows of each age: probability of a gap, of a longer one, and the sum of these from the age on.
GAP, ALIVE, REST = 0, 1, 2
# Tails that are smaller by this many factors of e are left out.
NOTHING = 42.0
# Points do for as many bins as the density changes by so many factors of e; for more, the further
# down a tail that is not needed bin by bin.
STEEP, DEEP = 6.0, 0.4


@kernel
def back(age, rows, scales):
    """From the survivors at an age, and the gaps of that age, get the survivors a bin before."""
    own, now = scales[0, age], scales[1, age]
    old, new = 1.0, 1.0
    if own > now:
        old, now = np.exp(now - own), own
    elif own < now:
        new = np.exp(own - now)
    scales[1, age - 1] = now
    for i in range(6):
        alive = old * rows[ALIVE, age, i] + new * rows[GAP, age, i]
        rows[ALIVE, age - 1, i] = alive
        rows[REST, age - 1, i] = old * rows[REST, age, i] + alive


@kernel
def last_age(last, blocks, law, rows, scales, points):
    """Get the survivors at the last age, where their sum is survivor over hazard."""
    scales[0, last] = panels(last - 1.0, float(last), blocks, law, points, rows[GAP, last])
    scales[1, last] = beyond(float(last), blocks, law, points, rows[ALIVE, last])
    # The sum is the product of the survivors here and a bin before, divided by the gaps.
    back(last, rows, scales)
    s, b, f, r = rows[ALIVE, last], rows[ALIVE, last - 1], rows[GAP, last], rows[REST, last]
    before = np.exp(scales[1, last - 1] - scales[0, last])
    r[0] = s[0] * (b[0] / f[0] * before)
    sk, st = s[1] / s[0], s[2] / s[0]
    bk, bt = b[1] / b[0], b[2] / b[0]
    fk, ft = f[1] / f[0], f[2] / f[0]
    rk, rt = sk + bk - fk, st + bt - ft
    r[1], r[2] = r[0] * rk, r[0] * rt
    r[3] = s[3] / s[0] - sk * sk + b[3] / b[0] - bk * bk - f[3] / f[0] + fk * fk
    r[4] = s[4] / s[0] - sk * st + b[4] / b[0] - bk * bt - f[4] / f[0] + fk * ft
    r[5] = s[5] / s[0] - st * st + b[5] / b[0] - bt * bt - f[5] / f[0] + ft * ft
    r[3], r[4], r[5] = r[0] * (r[3] + rk * rk), r[0] * (r[4] + rk * rt), r[0] * (r[5] + rt * rt)


@kernel
def block(b, low, high, scale, blocks, rows, scales, points):
    """Get the survivors at the lower edge of a block from those at the upper one."""
    top = max(scale, scales[1, high])
    old, new = np.exp(scales[1, high] - top), np.exp(scale - top)
    alive, rest = rows[ALIVE, low], rows[REST, low]
    for i in range(6):
        alive[i] = old * rows[ALIVE, high, i]
        rest[i] = old * rows[REST, high, i] + (high - low) * alive[i]
    weigh(blocks[2, b], new, points, alive)
    weigh(blocks[3, b], new, points, rest)
    scales[1, low] = top


@kernel
def end_of_tail(start, edges, law, rows, scales):
    """Return the edge beyond which nothing is left (-1: none), and the highest density."""
    k, inverse, norm, _, _ = law
    top, narrow = -np.inf, np.log1p(inverse)
    for e in range(start, len(edges)):
        x = edges[e]
        log_x = np.log(x)
        height = (k - 1.0) * log_x - x * inverse
        top = max(top, height)
        if e > start and k < x * inverse and height + 2.0 * log_x + narrow < top - NOTHING:
            scales[1, x] = top + norm
            for i in range(6):
                rows[ALIVE, x, i] = 0.0
                rows[REST, x, i] = 0.0
            return e, top + norm
    return -1, top + norm


@kernel
def fill(law, reach, edges, blocks, bins, rows, scales, points):
    """Fill the rows of ages up to `reach`, which is at least 1."""
    k, inverse, _, _, _ = law
    start = 0
    while edges[start] < reach:
        start += 1
    stop, top = end_of_tail(start, edges, law, rows, scales)
    if stop < 0:
        stop = len(edges) - 1
        last_age(edges[stop], blocks, law, rows, scales, points)
    for b in range(stop - 1, -1, -1):
        low, high = edges[b], edges[b + 1]
        n = high - low
        steep = max(abs((k - 1.0) / low - inverse), abs((k - 1.0) / high - inverse))
        scale = peak(float(low), float(high), law)
        if b >= start and steep * n <= STEEP + DEEP * (top - scale):
            for i in range(POINTS):
                points[i, 6], points[i, 7] = blocks[0, b, i], blocks[1, b, i]
            density(law, scale, points)
            block(b, low, high, scale, blocks, rows, scales, points)
            continue
        while n > 1 and steep * n > STEEP:
            n //= 2
        for begin in range(high - n, low - 1, -n):
            if steep > STEEP:
                age = begin + 1
                low_end, high_end = float(begin), float(age)
                scales[0, age] = panels(low_end, high_end, blocks, law, points, rows[GAP, age])
                back(age, rows, scales)
                continue
            place(float(begin), float(n), blocks, points)
            scale = peak(float(begin), float(begin + n), law)
            density(law, scale, points)
            for j in range(n, 0, -1):
                age = begin + j
                scales[0, age] = scale
                for i in range(6):
                    rows[GAP, age, i] = 0.0
                weigh(bins[4 * n + j], 1.0, points, rows[GAP, age])
                back(age, rows, scales)
    scales[0, 1] = from_zero(1.0, law, rows[GAP, 1])
    back(edges[0], rows, scales)


@kernel
def coefficients(ages, longest, factors):
    """How often each logarithm stands in the likelihood: factors int64 (3, age).

    Of a gap, of the survivor and of the sum of survivors, for hazards are their ratios. Returns the
    highest age that occurs.
    """
    for part in range(3):
        for age in range(longest + 1):
            factors[part, age] = 0
    reach = 1
    for age in range(1, ages.shape[1] + 1):
        waiting, first = ages[0, age - 1, 0], ages[0, age - 1, 1]
        silent, spikes = ages[1, age - 1, 0], ages[1, age - 1, 1]
        if waiting + first + silent + spikes == 0:
            continue
        reach = age
        factors[GAP, age] += spikes
        factors[ALIVE, age] += silent
        factors[ALIVE, age - 1] += first - silent - spikes
        factors[REST, age] += waiting
        factors[REST, age - 1] -= waiting + first
    return reach


@kernel
def term(factor, row, scale, out):
    """Add a multiple of the logarithm of a row, with its derivatives."""
    part = 1.0 / row[0]
    x, y = row[1] * part, row[2] * part
    out[0] += factor * (scale + np.log(row[0]))
    out[1] += factor * x
    out[2] += factor * y
    out[3] += factor * (row[3] * part - x * x)
    out[4] += factor * (row[4] * part - x * y)
    out[5] += factor * (row[5] * part - y * y)


@kernel
def evaluate(laws, ages, edges, blocks, bins, likelihood, rest, hazards):
    """All that is asked of the laws of some nodes.

    laws (node, 5): shape, 1 / scale, logarithm of the factor of the density, log scale + digamma of
    the shape, trigamma of the shape. Out: rows (node, 6) of the log-likelihood of the bins that are
    counted in `ages` (node, after spike, age, active), and of the log of the mean gap less one bin;
    where it has room, hazards (node, 2·age) before the first spike of a trial, then after a spike.
    """
    longest = edges[-1]
    rows, scales = np.zeros((3, longest + 1, 6)), np.zeros((2, longest + 1))
    points, factors = np.empty((POINTS, 8)), np.empty((3, longest + 1), np.int64)
    for i in range(len(laws)):
        law = laws[i, 0], laws[i, 1], laws[i, 2], laws[i, 3], laws[i, 4]
        reach = coefficients(ages[i], longest, factors)
        if hazards.shape[1] > 0:
            reach = longest
        fill(law, reach, edges, blocks, bins, rows, scales, points)
        for j in range(6):
            likelihood[i, j] = 0.0
            rest[i, j] = 0.0
        for age in range(reach + 1):
            for part in range(3):
                # The probability of a gap above 0 is 1.
                if factors[part, age] != 0 and (age > 0 or part == REST):
                    scale = scales[min(part, 1), age]
                    term(float(factors[part, age]), rows[part, age], scale, likelihood[i])
        term(1.0, rows[REST, 1], scales[1, 1], rest[i])
        for j in range(hazards.shape[1] // 2):
            alive = rows[ALIVE, j, 0]
            relative = np.exp(scales[0, j + 1] - scales[1, j])
            hazards[i, j] = alive / rows[REST, j, 0]
            hazards[i, longest + j] = rows[GAP, j + 1, 0] * relative / alive
