"""Empirical Bayes: draw the parameters of short recordings towards those of their layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stochnet.bundle.process_fit import LEVEL, ProcessFit
from stochnet.process import Flag
from stochnet.processes.laws.scipy_stats import stats
from stochnet.raster.layers import Layer

Array = NDArray[np.float64]
# With fewer nodes than this a layer says too little about how its nodes differ.
FEWEST = 8


def shrink(fit: ProcessFit, layers: Sequence[Layer]) -> ProcessFit:
    """Return a fit whose parameters are drawn towards their layer's mean.

    The linear empirical Bayes estimator: value → mean + weight · (value - mean), with weight =
    between / (between + within), where `within` is the mean squared standard error of the nodes of
    the layer, and `between` what is left of their variance. As all nodes are observed equally long,
    it is the posterior mean under a Beta law of probabilities, and under a gamma law of rates.
    Values whose error cannot be known take the mean. Whole numbers, and layers of fewer than 8
    nodes, stay as they are. Log-likelihoods and criteria remain those of the unshrunken fit.

    References
    ----------
    Robbins (1956), Proc. Third Berkeley Symposium 1, 157-163.
    Morris (1983), Journal of the American Statistical Association 78, 47-55.
    """
    params = {name: array.copy() for name, array in fit.params.items()}
    errors = {name: array.copy() for name, array in fit.standard_errors.items()}
    flags = fit.flags.copy()
    for param in fit.process.params:
        if param.whole:
            continue
        values = params[param.name].reshape(len(flags), -1)
        spread = errors[param.name].reshape(len(flags), -1)
        for layer in layers:
            a, b = np.searchsorted(fit.node_ids, [layer.first, layer.first + layer.n_nodes])
            if b - a < FEWEST:
                continue
            for c in range(values.shape[1]):
                values[a:b, c], spread[a:b, c] = drawn(values[a:b, c], spread[a:b, c])
            flags[a:b] |= Flag.SHRUNK.value
        np.clip(values, *param.domain, out=values)
    z = float(stats.norm.isf((1 - LEVEL) / 2))
    ends = dict(fit.intervals)
    shrunk = flags & Flag.SHRUNK.value > 0
    for param in fit.process.params:
        if param.whole:
            continue
        value, error = params[param.name], errors[param.name]
        low, high = (np.clip(value + sign * z * error, *param.domain) for sign in (-1, 1))
        before = np.stack(fit.interval(param.name), axis=-1)
        mask = shrunk.reshape(-1, *([1] * (before.ndim - 1)))
        ends[param.name] = np.where(mask, np.stack([low, high], axis=-1), before)
    return replace(fit, params=params, standard_errors=errors, flags=flags, intervals=ends)


def drawn(values: Array, errors: Array) -> tuple[Array, Array]:
    """Draw the values of one layer towards their mean; return them and their errors."""
    known = np.isfinite(errors)
    if np.count_nonzero(known) < FEWEST:
        return values, errors
    mean = values[known].mean()
    within = float(np.mean(errors[known] ** 2))
    between = max(float(values[known].var(ddof=1)) - within, 0.0)
    total = between + within
    weight = between / total if total > 0 else 1.0
    shrunk = np.where(known, mean + weight * (values - mean), mean)
    # The error at the shrunken value lies between the node's own and that of its layer.
    own = weight * np.where(known, errors, 0.0) ** 2 + (1 - weight) * within
    spread = np.where(known, np.sqrt(weight * own), np.sqrt(total))
    return shrunk, spread
