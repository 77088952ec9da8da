"""Profile-likelihood intervals of (mean, dispersion), node by node."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from stochnet.kernels.compile import kernel
from stochnet.kernels.fitting.newton import summed

ROUNDS = 60


@kernel
def limit(distance, z, roots):
    """Critical signed root at a distance from the edge, in standard errors."""
    place = distance / z * (len(roots) - 1)
    if not place < len(roots) - 1:
        return z
    k = int(place)
    return roots[k] + (place - k) * (roots[k + 1] - roots[k])


@functools.cache
def _profiled(total: Any) -> Any:
    """Compile the search of the maximum over one parameter, with the other one held."""

    @numba.njit(nogil=True, error_model="numpy")
    def profiled(axis, at, other, highest, most, lengths, offsets, row, now):
        """Maximise over the other parameter, with the one of `axis` (0 mean) held at `at`."""
        value = -np.inf
        tried = other
        for _ in range(ROUNDS):
            if axis == 0:
                total(at, tried, lengths, offsets, row, now)
                slope, curve = now[2], now[5]
            else:
                total(tried, at, lengths, offsets, row, now)
                slope, curve = now[1], now[3]
            if not now[0] >= value - 1e-12 * abs(value):
                # The step went too far: half of it.
                tried = 0.5 * (tried + other)
                if abs(tried - other) <= 1e-9 * (abs(other) + 1e-6):
                    break
                continue
            value = now[0]
            other = tried
            if curve < 0.0:
                tried = other - slope / curve
            else:
                tried = other * (1.5 if slope > 0.0 else 0.5) + (1e-3 if slope > 0.0 else 0.0)
            if axis == 0:
                tried = min(max(tried, 0.0), most)
            else:
                tried = min(max(tried, 0.5 * other), 0.5 * (other + min(highest, 4.0 * other)))
            if abs(tried - other) <= 1e-7 * (abs(other) + 1e-6):
                break
        return value, other

    return profiled


@functools.cache
def compiled(derivatives: Callable[..., Any]) -> Any:
    """Compile the search for interval ends; `derivatives` as for the search of `newton`."""
    total = summed(derivatives)
    profiled = _profiled(total)

    @numba.njit(nogil=True, error_model="numpy")
    def end(axis, sign, top, step, edge, critical, sizes, data, now):
        """Find where the signed root of the likelihood ratio reaches its limit, on one side."""
        best, mean, dispersion = top
        z, roots = critical
        highest, most, error = sizes
        lengths, offsets, row = data
        centre = mean if axis == 0 else dispersion
        other = dispersion if axis == 0 else mean
        inner, inner_gap = centre, -limit(centre / error, z, roots) if axis == 1 else -z
        outer, outer_gap = centre, 0.0
        found = False
        at = centre + sign * step
        for _ in range(ROUNDS):
            if (sign < 0.0 and at <= edge) or (sign > 0.0 and at >= edge):
                at = edge if axis == 1 else 0.5 * (inner + edge)
            value, other = profiled(axis, at, other, highest, most, lengths, offsets, row, now)
            root = np.sqrt(max(2.0 * (best - value), 0.0))
            gap = root - (limit(at / error, z, roots) if axis == 1 else z)
            if gap > 0.0:
                outer, outer_gap, found = at, gap, True
            else:
                if at == edge:
                    return edge
                inner, inner_gap = at, gap
            if abs(gap) < 1e-6:
                return at
            if not found:
                step *= 2.0
                at = centre + sign * step
                continue
            if abs(outer - inner) <= 1e-9 * abs(outer):
                break
            # The signed root is nearly straight: a chord, kept off the ends of the bracket.
            share = -inner_gap / (outer_gap - inner_gap)
            at = inner + min(max(share, 0.02), 0.98) * (outer - inner)
        return outer if found else edge

    @numba.njit(nogil=True, error_model="numpy")
    def ends(params, all_errors, bounds, critical, lengths, offsets, histogram, out):
        """Fill out (node, parameter, low and high); NaN where there is nothing to search."""
        means, dispersions = params
        errors, null_errors = all_errors
        highest, most = bounds
        z, _ = critical
        now = np.empty(6)
        for i in range(len(means)):
            mean, dispersion = means[i], dispersions[i]
            if not (0.0 < mean < highest and 0.0 < null_errors[i] < np.inf):
                out[i, 0, 0] = out[i, 0, 1] = out[i, 1, 0] = out[i, 1, 1] = np.nan
                continue
            data = (lengths, offsets, histogram[i])
            sizes = (highest, most, null_errors[i])
            total(mean, dispersion, lengths, offsets, histogram[i], now)
            top = (now[0], mean, dispersion)
            step = z * errors[i, 0] if errors[i, 0] < np.inf else 0.5 * mean
            low_edge, high_edge = 0.0, min(highest, 1e12)
            out[i, 0, 0] = end(
                0, -1.0, top, min(step, 0.5 * mean), low_edge, critical, sizes, data, now
            )
            out[i, 0, 1] = end(
                0, 1.0, top, min(step, 0.5 * (high_edge - mean)), high_edge, critical, sizes, data,
                now,
            )  # fmt: skip
            step = errors[i, 1] if 0.0 < errors[i, 1] < np.inf else null_errors[i]
            out[i, 1, 0] = dispersion
            if dispersion > 0.0:
                out[i, 1, 0] = end(
                    1, -1.0, top, min(z * step, dispersion), 0.0, critical, sizes, data, now
                )
            out[i, 1, 1] = end(1, 1.0, top, z * step, most, critical, sizes, data, now)

    return ends
