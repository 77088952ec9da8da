"""Correlations of nodes within conditions, observed and under a dichotomised Gaussian.

For one pair of nodes with latent correlation ρ, thresholds θ_ic and conditions of weight w_c, the
covariance of the bins within conditions is Mehler's series

    Σ_k ρ^k / k! Σ_c w_c φ(θ_ic) He_{k-1}(θ_ic) φ(θ_jc) He_{k-1}(θ_jc).

Here it stands in units of the two standard deviations, cut after `ORDER` terms; a last odd and even
term make it exact at ρ = 1 and ρ = -1, where Fréchet's bounds are known in closed form.
"""

from __future__ import annotations

import numpy as np

from stochnet.kernels.compile import kernel
from stochnet.kernels.philox import popcount

ORDER = 12
# Powers of the last two terms: the cut tail of the series has its centre near there.
ODD, EVEN = 21, 22
# In float32, so that they widen neither float32 nor float64.
_ODD, _EVEN = np.float32(ODD), np.float32(EVEN)


@kernel
def both_active(words, others, out):
    """Bins in which both fire: words (row, word), others (column, word), out (row, column)."""
    for i in range(words.shape[0]):
        row = words[i]
        for j in range(others.shape[0]):
            other = others[j]
            total = 0
            for w in range(len(row)):
                total += popcount(row[w] & other[w])
            out[i, j] = total


@kernel
def series_row(factors, rates, scale, other_factors, other_rates, other_scale, weights, out):
    """Coefficients of ρ, …, ρ^ORDER, ρ^ODD, ρ^EVEN of one node with others: out (term, column).

    factors (order, condition), rates (condition,), other_factors (order, condition, column),
    other_rates (condition, column); factors hold the weights and scales already.
    """
    n_columns, n_conditions = out.shape[1], len(weights)
    high, low = out[ORDER], out[ORDER + 1]
    for j in range(n_columns):
        high[j] = 0.0
        low[j] = 0.0
    for c in range(n_conditions):
        p, w = rates[c], weights[c]
        q = other_rates[c]
        for j in range(n_columns):
            high[j] += w * (min(p, q[j]) - p * q[j])
            low[j] += w * (max(0.0, p + q[j] - 1.0) - p * q[j])
    for j in range(n_columns):
        high[j] *= scale * other_scale[j]
        low[j] *= scale * other_scale[j]
    for k in range(ORDER):
        term = out[k]
        for j in range(n_columns):
            term[j] = 0.0
        for c in range(n_conditions):
            f = factors[k, c]
            g = other_factors[k, c]
            for j in range(n_columns):
                term[j] += f * g[j]
        sign = -1.0 if k % 2 == 0 else 1.0
        for j in range(n_columns):
            high[j] -= term[j]
            low[j] -= sign * term[j]
    for j in range(n_columns):
        odd = (high[j] - low[j]) / 2
        low[j] = (high[j] + low[j]) / 2
        high[j] = odd


@kernel
def observed_row(both, rates, scale, other_rates, other_scale, weights, n_bins, out):
    """Correlation within conditions of one node with others: both, out (column,)."""
    for j in range(len(out)):
        out[j] = both[j] / n_bins
    for c in range(len(weights)):
        p = weights[c] * rates[c]
        q = other_rates[c]
        for j in range(len(out)):
            out[j] -= p * q[j]
    for j in range(len(out)):
        out[j] *= scale * other_scale[j]


@kernel
def anchor_table(both, factors, rates, scale, weights, n_bins, first, series, observed):
    """Series (row, term, anchor) and observed (row, anchor) of rows from `first`; diagonal 0.

    both (row, anchor), factors (order, condition, anchor), rates (condition, anchor).
    """
    n_anchors = both.shape[1]
    terms, row = np.empty((ORDER + 2, n_anchors)), np.empty(n_anchors)
    for i in range(both.shape[0]):
        node = first + i
        own, p = np.ascontiguousarray(factors[:, :, node]), np.ascontiguousarray(rates[:, node])
        series_row(own, p, scale[node], factors, rates, scale, weights, terms)
        observed_row(both[i], p, scale[node], rates, scale, weights, n_bins, row)
        for k in range(ORDER + 2):
            for j in range(n_anchors):
                series[i, k, j] = terms[k, j]
            series[i, k, node] = 0.0
        for j in range(n_anchors):
            observed[i, j] = row[j]
        observed[i, node] = 0.0


@kernel
def anchor_rows(series, observed, own, columns, between, layer, edges, first, pulled, loss):
    """Residuals of rows from `first`, times slopes, summed over the anchors of each layer.

    The correlation of the latents of anchors i and j of layers k and l is own_i · between_kl own_j.
    series float32 (row, term, anchor), observed float32 (row, anchor), own float32 (anchor, rank),
    columns the same transposed, between float32 (layer, layer, rank, rank), layer (anchor,), edges
    (layer + 1,) where the anchors of each begin; pulled float32 (row, layer, rank):
    Σ_j residual · slope · own_j; loss (row,): sum of squared residuals.
    """
    n, rank = own.shape
    x, seen_from = np.empty(n, np.float32), np.empty(rank, np.float32)
    value, slope = np.empty(n, np.float32), np.empty(n, np.float32)
    for i in range(len(loss)):
        here, mine = layer[first + i], own[first + i]
        for m in range(len(edges) - 1):
            a, b = edges[m], edges[m + 1]
            part = x[a:b]
            for f in range(rank):
                total = np.float32(0)
                for g in range(rank):
                    total += mine[g] * between[here, m, g, f]
                seen_from[f] = total
            for j in range(b - a):
                part[j] = np.float32(0)
            for f in range(rank):
                factor = seen_from[f]
                column = columns[f, a:b]
                for j in range(b - a):
                    part[j] += factor * column[j]
        loss[i] = 2 * residuals(series[i], observed[i], x, value, slope)
        for j in range(n):
            value[j] *= slope[j]
        for m in range(len(edges) - 1):
            a, b = edges[m], edges[m + 1]
            pull, others, factors = pulled[i, m], own[a:b], value[a:b]
            for f in range(rank):
                pull[f] = np.float32(0)
            for j in range(b - a):
                other, factor = others[j], factors[j]
                for f in range(rank):
                    pull[f] += factor * other[f]


@kernel
def residuals(series, observed, rho, residual, slope):
    """Residuals and slopes of one node with others; return half the sum of squared residuals.

    series (term, column), observed, rho, residual and slope (column,), all float64 or all float32.
    """
    n = len(rho)
    last = series[ORDER - 1]
    for j in range(n):
        residual[j] = last[j]
        slope[j] = 0
    for k in range(ORDER - 2, -1, -1):
        term = series[k]
        for j in range(n):
            slope[j] = slope[j] * rho[j] + residual[j]
            residual[j] = residual[j] * rho[j] + term[j]
    odd, even = series[ORDER], series[ORDER + 1]
    for j in range(n):
        v = rho[j]
        v4 = v * v * v * v
        v20 = v4 * v4 * v4 * v4 * v4
        low, high = odd[j] * v20, even[j] * v20 * v
        slope[j] = slope[j] * v + residual[j] + _ODD * low + _EVEN * high
        residual[j] = (residual[j] + low + high) * v - observed[j]
    # A sum is not vectorised: apart from the rest, it holds nothing up.
    total = 0.0
    for j in range(n):
        total += residual[j] * residual[j]
    return total / 2
