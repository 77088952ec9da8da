"""Logistic regression on all samples of a bootstrap at once, and the area under the ROC curve."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

Array = NDArray[np.float64]
PENALTY = 1.0
"""Of half the squared length of the weights: separated classes have a fit, too."""
STEPS = 25


def fit(x: Array, y: Array, weights: Array) -> Array:
    """Fit a logistic regression with a penalty on the weights, but not on the intercept.

    Parameters
    ----------
    x : ndarray (network, feature)
        Standardised.
    y : ndarray (network,)
        0 or 1.
    weights : ndarray (repeat, network)
        How often each network is in each sample.

    Returns
    -------
    ndarray (repeat, 1 + feature)
        Intercepts and weights, by Newton's method.
    """
    design = np.column_stack([np.ones(len(x)), x])
    size = design.shape[1]
    outer = (design[:, :, None] * design[:, None, :]).reshape(len(x), -1)
    penalty = np.diag([1e-6, *[PENALTY] * (size - 1)])
    found = np.zeros((len(weights), size))
    for _ in range(STEPS):
        said = special.expit(found @ design.T)
        gradient = (weights * (y - said)) @ design - found @ penalty
        curvature = ((weights * said * (1 - said)) @ outer).reshape(-1, size, size) + penalty
        step = np.linalg.solve(curvature, gradient[:, :, None])[:, :, 0]
        # Newton's steps may overshoot where classes are far apart.
        step *= np.minimum(1, 4 / np.maximum(np.abs(step).max(axis=1, keepdims=True), 1e-12))
        found += step
        if np.abs(step).max() < 1e-8:
            break
    return found


def scored(x: Array, coefficients: Array) -> Array:
    """Return what the regressions say of networks: (repeat, network)."""
    return coefficients[:, :1] + coefficients[:, 1:] @ x.T


def area(scores: Array, y: Array, weights: Array) -> Array:
    """Return the area under the ROC curve, ties counted half: (repeat,).

    NaN without both classes.
    """
    positive, negative = y == 1, y == 0
    high, low = scores[:, positive], scores[:, negative]
    better = np.sign(high[:, :, None] - low[:, None, :]) / 2 + 0.5
    w_high, w_low = weights[:, positive], weights[:, negative]
    total = w_high.sum(axis=1) * w_low.sum(axis=1)
    won = np.einsum("bi,bij,bj->b", w_high, better, w_low)
    return np.divide(won, total, out=np.full(len(total), np.nan), where=total > 0)


def log_loss(scores: Array, y: Array, weights: Array) -> Array:
    """Return the mean cross-entropy in bits: (repeat,)."""
    loss = np.logaddexp(0, np.where(y == 1, -scores, scores)) / np.log(2)
    total = weights.sum(axis=1)
    summed = (weights * loss).sum(axis=1)
    return np.divide(summed, total, out=np.full(len(total), np.nan), where=total > 0)


def held_out(x: Array, y: Array, groups: NDArray[np.str_], weights: Array
             ) -> dict[str, tuple[Array, Array]]:  # fmt: skip
    """Leave one group out, fit to the others, and judge by the one.

    Features are standardised by the networks that are fitted to, without those held out.

    Returns
    -------
    dict of (ndarray, ndarray)
        By group: area and cross-entropy, (repeat,). Groups without both classes are left out.
    """
    found = {}
    for group in sorted(set(groups)):
        out = groups == group
        inside = ~out
        if len(set(y[out])) < 2 or len(set(y[inside])) < 2:
            continue
        mean, spread = x[inside].mean(axis=0), x[inside].std(axis=0)
        z = (x - mean) / np.where(spread > 0, spread, 1)
        scores = scored(z[out], fit(z[inside], y[inside], weights[:, inside]))
        found[str(group)] = (
            area(scores, y[out], weights[:, out]),
            log_loss(scores, y[out], weights[:, out]),
        )
    return found
