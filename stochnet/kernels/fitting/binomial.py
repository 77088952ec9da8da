"""Binomial counts of unknown size: profile likelihood over whole sizes, node by node."""

from __future__ import annotations

import numpy as np

from stochnet.kernels.compile import kernel

# Runs of equal tail counts longer than this are summed by Stirling's formula.
RUN = 24
# Below this, log factorials are summed term by term.
EXACT = 16.0


@kernel
def stirling(z):
    """Return log(z!) - (z + 1/2) log z + z - log(2 pi) / 2; to 2e-12 from 16 on."""
    s = 1.0 / (z * z)
    return (1.0 / 12.0 - s * (1.0 / 360.0 - s / 1260.0)) / z


@kernel
def log_falling(size, first, last):
    """Sum of log(1 - j / size) for j = first, …, last - 1."""
    total = 0.0
    if last - first > RUN:
        # Term by term where little is left of the size, by Stirling's formula above.
        while size - last < EXACT:
            last -= 1
            total += np.log((size - last) / size)
        if last > first:
            above, below, n = size - first, size - last, last - first
            total += (below + 0.5) * np.log1p(n / below) + n * (np.log1p(-first / size) - 1.0)
            total += stirling(above) - stirling(below)
        return total
    for j in range(first, last):
        total += np.log1p(-j / size)
    return total


@kernel
def runs(row, edges, tails):
    """Cut counts into runs: tails[r] bins hold more than j spikes, edges[r] <= j < edges[r + 1].

    Returns the number of runs, the bins, the spikes and the sum of squares.
    """
    bins, spikes, squares = 0, 0.0, 0.0
    for k in range(len(row)):
        bins += row[k]
        spikes += np.float64(k) * row[k]
        squares += np.float64(k) * k * row[k]
    above, n = bins, 0
    edges[0] = 0
    for k in range(len(row)):
        if row[k] > 0:
            if k > 0:
                tails[n] = above
                n += 1
                edges[n] = k
            above -= row[k]
    return n, bins, spikes, squares


@kernel
def profile(size, n_runs, edges, tails, bins, spikes):
    """Log-likelihood of a size with its best p, up to what does not depend on the size."""
    value = 0.0
    for r in range(n_runs):
        value += tails[r] * log_falling(size, edges[r], edges[r + 1])
    free = bins * size - spikes
    if free > 0.0:
        value += free * np.log1p(-spikes / (bins * size))
    return value


@kernel
def last_above(limit, start, cap, n_runs, edges, tails, bins, spikes):
    """Largest size from `start` to `cap` with a profile of at least `limit`; it falls there."""
    low, step = start, 1.0
    high = min(low + step, cap)
    while high > low and profile(high, n_runs, edges, tails, bins, spikes) >= limit:
        low, step = high, 2.0 * step
        high = min(low + step, cap)
    while high - low > 1.0:
        middle = np.floor((low + high) / 2.0)
        if profile(middle, n_runs, edges, tails, bins, spikes) >= limit:
            low = middle
        else:
            high = middle
    return low


@kernel
def first_above(limit, start, best, n_runs, edges, tails, bins, spikes):
    """Smallest size from `start` to `best` with a profile of at least `limit`; it rises there."""
    low, high = start - 1.0, best
    while high - low > 1.0:
        middle = np.floor((low + high) / 2.0)
        if profile(middle, n_runs, edges, tails, bins, spikes) >= limit:
            high = middle
        else:
            low = middle
    return high


@kernel
def best_size(cap, n_runs, edges, tails, bins, spikes, squares):
    """Size of the largest profile; `cap` where it rises up to there."""
    low = np.float64(edges[n_runs])
    if low <= 1.0:
        return low
    if squares * bins - spikes * spikes >= spikes * bins:
        return cap
    # The slope changes its sign once: from the largest count in growing steps, then by halving.
    low, step = low - 1.0, 1.0
    high = low + step
    while True:
        here = profile(high, n_runs, edges, tails, bins, spikes)
        if high >= cap:
            break
        if profile(high + 1.0, n_runs, edges, tails, bins, spikes) <= here:
            break
        low, step = high, 2.0 * step
        high = min(low + step, cap)
    while high - low > 1.0:
        middle = np.floor((low + high) / 2.0)
        here = profile(middle, n_runs, edges, tails, bins, spikes)
        if profile(middle + 1.0, n_runs, edges, tails, bins, spikes) <= here:
            high = middle
        else:
            low = middle
    return high


@kernel
def fit_sizes(counts, cap, sizes, drops):
    """Best size of each node, and what the profile loses one size below and above it.

    counts int64 (node, count); sizes float64 (node,); drops float64 (node, 2), infinite where a
    size is below the largest count or above the cap. Nodes without a spike are left as they are.
    """
    edges = np.zeros(counts.shape[1] + 1, np.int64)
    tails = np.zeros(counts.shape[1] + 1)
    for i in range(len(counts)):
        n_runs, bins, spikes, squares = runs(counts[i], edges, tails)
        if n_runs == 0:
            continue
        size = best_size(cap, n_runs, edges, tails, bins, spikes, squares)
        sizes[i] = size
        here = profile(size, n_runs, edges, tails, bins, spikes)
        if size > edges[n_runs]:
            drops[i, 0] = here - profile(size - 1.0, n_runs, edges, tails, bins, spikes)
        if size < cap:
            drops[i, 1] = here - profile(size + 1.0, n_runs, edges, tails, bins, spikes)


@kernel
def intervals(counts, sizes, cap, reach, wide, ends, near):
    """First and last size whose profile is within `reach` of that of the best: ends (node, 2).

    near (node, 2) is the same, with the neighbours of the best size as far as `wide`. Nodes without
    a spike are left as they are.
    """
    edges = np.zeros(counts.shape[1] + 1, np.int64)
    tails = np.zeros(counts.shape[1] + 1)
    for i in range(len(counts)):
        n_runs, bins, spikes, _ = runs(counts[i], edges, tails)
        if n_runs == 0:
            continue
        size, largest = sizes[i], np.float64(edges[n_runs])
        best = profile(size, n_runs, edges, tails, bins, spikes)
        low = first_above(best - reach, largest, size, n_runs, edges, tails, bins, spikes)
        high = last_above(best - reach, size, cap, n_runs, edges, tails, bins, spikes)
        ends[i, 0], ends[i, 1] = low, high
        first = max(size - 1.0, largest)
        last = min(size + 1.0, cap)
        if profile(first, n_runs, edges, tails, bins, spikes) >= best - wide:
            low = min(low, first)
        if profile(last, n_runs, edges, tails, bins, spikes) >= best - wide:
            high = max(high, last)
        near[i, 0], near[i, 1] = low, high


@kernel
def log_choose(counts, sizes, out):
    """Sum over bins of log(size! / (size - count)!); -inf where a count exceeds the size.

    counts int64 (node, count); sizes and out float64 (node,).
    """
    edges = np.zeros(counts.shape[1] + 1, np.int64)
    tails = np.zeros(counts.shape[1] + 1)
    for i in range(len(counts)):
        n_runs, _, spikes, _ = runs(counts[i], edges, tails)
        if edges[n_runs] > sizes[i]:
            out[i] = -np.inf
            continue
        value = spikes * np.log(sizes[i])
        for r in range(n_runs):
            value += tails[r] * log_falling(sizes[i], edges[r], edges[r + 1])
        out[i] = value
