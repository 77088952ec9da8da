"""Profile likelihood intervals of the shape of gamma renewal processes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stochnet.process import Array
from stochnet.processes.laws.gamma_fit import Maximum
from stochnet.processes.laws.gamma_gaps import Evaluation, evaluate, lowest_mean

ROUNDS = 40
# An end is where the root of twice the fall of the likelihood is off by less than this, and the
# likelihood in the rate by less than that from its best.
NEAR, SETTLED = 1e-3, 1e-4


def shape_end(ages: NDArray[np.int32], best: Maximum, bound: Array, z: float, side: int) -> Array:
    """Return the upper (`side` 1) or lower (-1) end of the interval of log shape: (node,).

    It is where the likelihood, with the rate at its best, is z²/2 below its maximum, or the bound
    (node,) of the range where it falls by less. Newton's method looks for it in shape and rate
    together, and keeps to a bracket.

    References
    ----------
    Venzon & Moolgavkar (1988), Applied Statistics 37, 87-94.
    """
    top, now = best.near.value, best.near
    _, slope, bend, step = _profile(now)
    fall, curve = np.maximum(-side * slope, 0.0), np.maximum(-bend, 1e-6)
    reach = np.minimum((np.sqrt(fall**2 + curve * z**2) - fall) / curve, 2.0)
    inner, outer = best.log_shape.copy(), bound.copy()
    # Whether the likelihood is known to be low enough at the outer end of the bracket.
    known = np.zeros(len(top), np.bool_)
    end = inner + side * np.minimum(reach, side * (bound - inner))
    mean = best.log_mean + now.mean_step(np.stack([end - inner, step[1] * (end - inner)]))
    going = np.flatnonzero(inner != bound)
    for _ in range(ROUNDS):
        if not len(going):
            break
        x, limit = end[going], bound[going]
        mean[going] = np.maximum(mean[going], lowest_mean(x))
        now = evaluate(x, mean[going], ages[going])
        lift, slope, _, (shift, follow) = _profile(now)
        root = np.sqrt(2 * np.maximum(top[going] - now.value - lift, 0.0))
        settled, inside = lift < SETTLED, root < z
        inner[going] = np.where(inside, x, inner[going])
        outer[going] = np.where(inside, outer[going], x)
        known[going] |= ~inside
        stands = inside & (x == limit)
        done = settled & ((np.abs(root - z) < NEAR) | stands)
        falls = (side * slope < 0) & (root > 0)
        way = np.where(falls, (root**2 - z * root) / np.where(falls, slope, 1.0), side)
        new = x + np.clip(way, -2 * reach[going], 2 * reach[going])
        past, short = side * (new - outer[going]) >= 0, side * (new - inner[going]) <= 0
        middle = (inner[going] + outer[going]) / 2
        new = np.where((past & known[going]) | short, middle, np.where(past, limit, new))
        end[going] = np.where(done & stands, x, new)
        way = end[going] - x
        mean[going] += now.mean_step(np.stack([way, shift + follow * way]))
        going = going[~done]
    return np.asarray(end)


def _profile(at: Evaluation) -> tuple[Array, Array, Array, Array]:
    """Profile out the logit by the quadratic at a point.

    Returns how far the likelihood rises to its best in the logit, slope and curvature of that best
    in the log shape, and (2, node): how far away it is, and how it follows the log shape.
    """
    (a, b), (aa, ab, bb) = at.slope, at.curve
    curved = bb < 0
    safe = np.where(curved, bb, -1.0)
    shift = np.where(curved, np.clip(-b / safe, -1.0, 1.0), np.sign(b))
    follow = np.where(curved, -ab / safe, 0.0)
    rise = np.minimum(np.where(curved, -0.5 * b**2 / safe, np.inf), 1e6)
    return rise, a + b * follow, aa + ab * follow, np.stack([shift, follow])
