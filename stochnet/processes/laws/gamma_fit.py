"""Gamma renewal process: maximum likelihood of many nodes.

The search goes in (log shape, logit of the rate), in which the likelihood is nearly quadratic and
the two nearly independent. All nodes take their steps together, and leave when they have arrived.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stochnet.process import Array
from stochnet.processes.laws.gamma_gaps import CLOSE, Evaluation, evaluate, lowest_mean

ROUNDS = 100
# What the likelihood is off by, relative to its size; a rise that is nothing, and one that is all
# that can be had; a variance that counts as infinite.
NOISE, FLAT, NEARLY, WIDE = 1e-10, 1e-9, 1e-7, 1e4


@dataclass(frozen=True, slots=True)
class Maximum:
    """Where the likelihood of nodes is highest.

    Attributes
    ----------
    log_shape, log_mean, logit : ndarray (node,)
        Of the gamma variable before it is rounded up; logit of the rate.
    near : Evaluation
        Less than `CLOSE` away.
    found, held : ndarray of bool (node,)
        Whether the search arrived, and whether the shape stands at an end of its range.
    """

    log_shape: Array
    log_mean: Array
    logit: Array
    near: Evaluation
    found: NDArray[np.bool_]
    held: NDArray[np.bool_]

    def variances(self) -> tuple[Array, Array]:
        """Variances of log shape and logit by observed information; inf where they are unknown.

        At an end of the range of shapes, that of the logit is the one there.
        """
        aa, ab, bb = self.near.curve
        determinant = aa * bb - ab**2
        curved = (aa < 0) & (determinant > 0) & (-bb < WIDE * determinant)
        safe = np.where(curved, determinant, 1.0)
        alone = np.where(bb < 0, -1 / np.where(bb < 0, bb, -1.0), np.inf)
        joint = np.where(curved & ~self.held, -aa / safe, alone)
        return np.where(curved, -bb / safe, np.inf), joint


def start(ages: NDArray[np.int32], rate: Array) -> tuple[Array, Array]:
    """Return log shape and log mean from the mean and variance of gaps, and the rate: (node,)."""
    gaps = ages[:, 1, :, 1]
    age = np.arange(1, gaps.shape[1] + 1)
    n, total, squares = gaps.sum(axis=1), gaps @ age, gaps @ age**2
    many = n > 2
    mean = total[many] / n[many]
    variance = squares[many] / n[many] - mean**2
    shape = np.ones(len(rate))
    # Rounding up adds half a bin on average.
    shape[many] = np.clip((mean - 0.5) ** 2 / np.maximum(variance, 1e-3), 0.3, 30.0)
    return np.log(shape), -np.log(-np.log1p(-rate))


def maximise(
    ages: NDArray[np.int32], log_shape: Array, log_mean: Array, low: Array, high: Array
) -> Maximum:
    """Climb from a start by damped Newton steps, with log shapes from `low` to `high`: (node,)."""
    n = len(log_shape)
    shape = np.clip(log_shape, low, high)
    mean = np.maximum(log_mean, lowest_mean(shape))
    best = evaluate(shape, mean, ages)
    step, exact, held = _direction(best, shape, low, high)
    found, length = np.zeros(n, np.bool_), np.ones(n)
    moved = np.zeros((2, n))
    going = np.arange(n)
    for _ in range(ROUNDS):
        longest = np.abs(step).max(axis=0)
        # Where a step promises nothing the likelihood may also be flat.
        promise = np.abs(best.slope * step).sum(axis=0)
        there = going[(exact & (longest < CLOSE))[going] | (promise[going] < FLAT)]
        # Where no step climbs any more, it is the optimum up to rounding if little was promised.
        stuck = going[(length * longest)[going] < 1e-9]
        found[there] = True
        found[stuck] |= promise[stuck] < NEARLY * (1 + np.abs(best.value[stuck]))
        moved[:, there] = np.where(exact & (longest < CLOSE), step, 0.0)[:, there]
        going = np.setdiff1d(going, np.concatenate([there, stuck]), assume_unique=True)
        if not len(going):
            break
        part, way = best.take(going), length[going] * step[:, going]
        new_shape = np.clip(shape[going] + way[0], low[going], high[going])
        new_mean = np.maximum(mean[going] + part.mean_step(way), lowest_mean(new_shape))
        trial = evaluate(new_shape, new_mean, ages if len(going) == n else ages[going])
        up = trial.value >= part.value - NOISE * (1 + np.abs(part.value))
        won, lost = going[up], going[~up]
        shape[won], mean[won] = new_shape[up], new_mean[up]
        best.put(won, trial.take(up))
        step[:, won], exact[won], held[won] = _direction(
            trial.take(up), shape[won], low[won], high[won]
        )
        length[won] = 1.0
        length[lost] *= 0.5
    mean = np.maximum(mean + best.mean_step(moved), lowest_mean(shape + moved[0]))
    return Maximum(
        np.clip(shape + moved[0], low, high), mean, best.logit + moved[1], best, found, held
    )


def _direction(
    at: Evaluation, shape: Array, low: Array, high: Array
) -> tuple[Array, NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the step (2, node), whether it is Newton's, and whether the shape is held at its end.

    Where the likelihood is not concave, its curvatures are taken as downward. A step beyond the
    range of shapes goes to its end, and to the best rate there.
    """
    (a, b), (aa, ab, bb) = at.slope, at.curve
    held = ((shape <= low) & (a <= 0)) | ((shape >= high) & (a >= 0))
    concave = (aa < 0) & (aa * bb > ab**2)
    half, middle = (aa - bb) / 2, (aa + bb) / 2
    radius, angle = np.hypot(half, ab), np.arctan2(ab, half) / 2
    step = np.zeros((2, len(a)))
    for curve, x, y in (
        (middle + radius, np.cos(angle), np.sin(angle)),
        (middle - radius, -np.sin(angle), np.cos(angle)),
    ):
        along = (a * x + b * y) / np.maximum(np.abs(curve), 1e-12)
        step += np.clip(along, -1.0, 1.0) * np.stack([x, y])
    within = np.clip(np.where(held, 0.0, step[0]), low - shape, high - shape)
    follow = (b + ab * within) / np.maximum(np.abs(bb), 1e-12)
    rate = np.where(within == step[0], step[1], np.clip(follow, -1.0, 1.0))
    return np.stack([within, rate]), (bb < 0) & (concave | held), held


END_ROUNDS = 40
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
    for _ in range(END_ROUNDS):
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
