"""Class tuning: effects of classes on the unbounded scale of a parameter, its mean unchanged."""

from __future__ import annotations

import numpy as np

from stochnet.bundle.populations.scales import Scale
from stochnet.process import Array
from stochnet.simulation.generation.spec import TuningSpec

ROUNDS = 80
WIDEST = 60.0


def class_effects(spec: TuningSpec, n: int, n_classes: int, rng: np.random.Generator) -> Array:
    """Draw the effects of classes on nodes: (node, class).

    In the mean over nodes the variance over classes is strength² · exp(2 spread²) for those that
    are tuned; every node's effects sum to 0.
    """
    if spec.rank is None:
        effects = rng.standard_normal((n, n_classes))
    else:
        weights = rng.standard_normal((n, spec.rank)) / np.sqrt(spec.rank)
        effects = weights @ rng.standard_normal((spec.rank, n_classes))
    effects -= effects.mean(axis=1, keepdims=True)
    effects *= np.sqrt(n_classes / (n_classes - 1))
    strength = spec.strength * np.exp(spec.spread * rng.standard_normal(n))
    # Whole numbers of nodes, so that the share is kept in small layers too.
    tuned = rng.permutation(n) < round(spec.share * n)
    return np.asarray(effects * (strength * tuned)[:, None])


def tuned(values: Array, effects: Array, scale: Scale) -> Array:
    """Return values (node,) under every class: (node, class), with the given means over classes.

    Values at an end of their domain stay there. On the logit scale the shift of a node that keeps
    its mean is found by halving; on the log scale it is known.
    """
    table = np.repeat(values[:, None], effects.shape[1], axis=1)
    rows = np.flatnonzero(scale.inside(values) & (effects != 0).any(axis=1))
    if scale.kind == "whole" or not len(rows):
        return table
    line, moves = scale.forward(values[rows])[:, None], effects[rows]
    if scale.kind == "identity":
        table[rows] = scale.within(line + moves)
        return table
    reach = np.abs(moves).max(axis=1, keepdims=True) + 1.0
    low, high = line - reach, line + reach
    for _ in range(ROUNDS):
        middle = (low + high) / 2
        above = scale.backward(middle + moves).mean(axis=1, keepdims=True) > values[rows, None]
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    table[rows] = scale.backward((low + high) / 2 + moves)
    return table
