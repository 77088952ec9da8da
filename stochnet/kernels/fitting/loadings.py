"""Loadings of single nodes from their correlations with anchors, by damped Gauss-Newton."""

from __future__ import annotations

import numpy as np

from stochnet.kernels.compile import kernel
from stochnet.kernels.fitting.moments import ORDER, observed_row, residuals, series_row

STEPS = 20
# Relative gain of a step below which the search ends.
GAIN = 1e-4


@kernel
def solve(matrix, damping, right, out):
    """Solve (matrix + damping · I) out = -right by Cholesky; matrix is positive semidefinite."""
    n = len(right)
    low = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            total = matrix[i, j]
            if i == j:
                total += damping
            for k in range(j):
                total -= low[i, k] * low[j, k]
            low[i, j] = np.sqrt(max(total, 1e-300)) if i == j else total / low[j, j]
    for i in range(n):
        total = -right[i]
        for k in range(i):
            total -= low[i, k] * out[k]
        out[i] = total / low[i, i]
    for i in range(n - 1, -1, -1):
        total = out[i]
        for k in range(i + 1, n):
            total -= low[k, i] * out[k]
        out[i] = total / low[i, i]


@kernel
def weighted_sum(weights, rows, out):
    """Sum of rows (row, column), each with its weight: out (column,); four rows at a time."""
    n, width = rows.shape
    for f in range(width):
        out[f] = 0.0
    whole = n - n % 4
    for j in range(0, whole, 4):
        a, b, c, d = weights[j], weights[j + 1], weights[j + 2], weights[j + 3]
        one, two, three, four = rows[j], rows[j + 1], rows[j + 2], rows[j + 3]
        for f in range(width):
            out[f] += (a * one[f] + b * two[f]) + (c * three[f] + d * four[f])
    for j in range(whole, n):
        a, one = weights[j], rows[j]
        for f in range(width):
            out[f] += a * one[f]


@kernel
def products_of(rows, out):
    """Products of the entries of each row (row, factor): out (row, factor·(factor + 1)/2)."""
    for j in range(rows.shape[0]):
        row, products = rows[j], out[j]
        k = 0
        for f in range(len(row)):
            for g in range(f + 1):
                products[k] = row[f] * row[g]
                k += 1


@kernel
def evaluate(u, reach, anchors, rows, products, series, observed, work, gradient, curvature):
    """Return the loss at `u`, with its gradient and Gauss-Newton curvature there.

    The loadings are reach · u / √(1 + |u|²); anchors (factor, anchor), rows the same transposed,
    products from `products_of`, work (3, anchor).
    """
    rank, n_anchors = anchors.shape
    rho, residual, slope = work[0], work[1], work[2]
    length = 1.0
    for f in range(rank):
        length += u[f] * u[f]
    length = np.sqrt(length)
    for j in range(n_anchors):
        rho[j] = 0.0
    for f in range(rank):
        loading = reach * u[f] / length
        row = anchors[f]
        for j in range(n_anchors):
            rho[j] += loading * row[j]
    loss = residuals(series, observed, rho, residual, slope)
    for j in range(n_anchors):
        residual[j] *= slope[j]
        slope[j] *= slope[j]
    along, packed = np.empty(rank), np.empty(products.shape[1])
    weighted_sum(residual, rows, along)
    weighted_sum(slope, products, packed)
    table = np.empty((rank, rank))
    k = 0
    for f in range(rank):
        for g in range(f + 1):
            table[f, g] = packed[k]
            table[g, f] = packed[k]
            k += 1
    # Chain rule: d loadings / d u = reach / length · (I - v v'), v = u / length.
    factor = reach / length
    inner, outer = 0.0, 0.0
    across = np.zeros(rank)
    for f in range(rank):
        v = u[f] / length
        inner += along[f] * v
        for g in range(rank):
            across[f] += table[f, g] * u[g] / length
    for f in range(rank):
        outer += across[f] * u[f] / length
    for f in range(rank):
        v = u[f] / length
        gradient[f] = factor * (along[f] - v * inner)
        for g in range(rank):
            z = u[g] / length
            curvature[f, g] = (
                factor * factor * (table[f, g] - v * across[g] - across[f] * z + v * z * outer)
            )
    return loss


@kernel
def fit_node(reach, anchors, rows, products, series, observed, work, out):
    """Search the loadings of one node from 0: out (factor,)."""
    rank = len(out)
    u, trial, step = np.zeros(rank), np.zeros(rank), np.zeros(rank)
    gradient, curvature = np.zeros(rank), np.zeros((rank, rank))
    new_gradient, new_curvature = np.zeros(rank), np.zeros((rank, rank))
    loss = evaluate(u, reach, anchors, rows, products, series, observed, work, gradient, curvature)
    damping = 0.0
    for f in range(rank):
        damping += curvature[f, f]
    unit = damping / rank + 1e-30
    damping = 1e-3 * unit
    for _ in range(STEPS):
        solve(curvature, damping, gradient, step)
        for f in range(rank):
            trial[f] = u[f] + step[f]
        new = evaluate(
            trial, reach, anchors, rows, products, series, observed, work, new_gradient,
            new_curvature,
        )  # fmt: skip
        if new < loss:
            done = loss - new < GAIN * loss
            loss = new
            damping = max(damping / 8, 1e-9 * unit)
            for f in range(rank):
                u[f] = trial[f]
                gradient[f] = new_gradient[f]
                for g in range(rank):
                    curvature[f, g] = new_curvature[f, g]
            if done:
                break
        else:
            damping *= 8
            if damping > 1e6 * unit:
                break
    length = 1.0
    for f in range(rank):
        length += u[f] * u[f]
    for f in range(rank):
        out[f] = reach * u[f] / np.sqrt(length)


@kernel
def fit_nodes(both, nodes, anchors, products, others, weights, n_bins, reach, out):
    """Fit the loadings of nodes, one by one: out (node, factor); nodes of scale 0 get zeros.

    both (node, anchor): bins in which node and anchor fire; nodes: their factors (node, order,
    condition), rates (node, condition) and scale (node,); anchors (factor, anchor): loadings as
    seen from the latents of the layer; products: from `products_of`; others: factors, rates and
    scale of the anchors, as in `series_row`; reach: largest length of loadings.
    """
    factors, rates, scale = nodes
    other_factors, other_rates, other_scale = others
    n_anchors = anchors.shape[1]
    series, observed = np.empty((ORDER + 2, n_anchors)), np.empty(n_anchors)
    work, rows = np.empty((3, n_anchors)), np.ascontiguousarray(anchors.T)
    for i in range(both.shape[0]):
        if scale[i] == 0.0:
            for f in range(out.shape[1]):
                out[i, f] = 0.0
            continue
        series_row(
            factors[i], rates[i], scale[i], other_factors, other_rates, other_scale, weights, series
        )
        observed_row(
            both[i], rates[i], scale[i], other_rates, other_scale, weights, n_bins, observed
        )
        fit_node(reach, anchors, rows, products, series, observed, work, out[i])
