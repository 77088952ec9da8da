"""Confidence intervals of fitted parameters, at any level."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from stochnet.processes.laws.scipy_stats import stats

if TYPE_CHECKING:
    from stochnet.bundle.process_fit import ProcessFit

Array = NDArray[np.float64]
# The level of the intervals that are computed during a fit and stored.
LEVEL = 0.95


def interval(fit: ProcessFit, name: str, level: float) -> tuple[Array, Array]:
    """Return the interval of a parameter, each end of the parameter's shape.

    In this order: that of the fit (by profile likelihood, or after shrinkage), brought to another
    level by `rescaled`; the closed interval of the process (Clopper-Pearson, Garwood); value ± z ·
    standard error, cut to the domain.
    """
    value, error = fit.params[name], fit.standard_errors[name]
    low, high = next(p.domain for p in fit.process.params if p.name == name)
    z = float(stats.norm.isf((1 - level) / 2))
    if name in fit.intervals:
        ends = fit.intervals[name]
        z_stored = float(stats.norm.isf((1 - LEVEL) / 2))
        return (
            np.maximum(value - rescaled(value - ends[..., 0], error, z, z_stored), low),
            np.minimum(value + rescaled(ends[..., 1] - value, error, z, z_stored), high),
        )
    closed = _closed(fit, name, level)
    if closed is not None:
        return closed
    return np.maximum(value - z * error, low), np.minimum(value + z * error, high)


def rescaled(reach: Array, error: Array, z: float, z_stored: float) -> Array:
    """Return the reach of an interval at z standard normal units, known at `z_stored`.

    The signed root of the likelihood ratio is followed as a quadratic in the reach, with slope
    1 / error at the estimate; where that bends too much, in proportion. Exact at `z_stored`.
    """
    if z == z_stored:
        return reach
    proportional = reach * (z / z_stored)
    known = np.isfinite(error) & (error > 0) & np.isfinite(reach) & (reach > 0)
    slope = 1 / np.where(known, error, 1.0)
    safe = np.where(known, reach, 1.0)
    bend = (z_stored - slope * safe) / safe**2
    inside = slope**2 + 4 * bend * z
    root = np.sqrt(np.maximum(inside, 0.0))
    curved = 2 * z / (slope + root)
    # A bend of more than this is no correction any more.
    mild = known & (inside > 0) & (np.abs(curved / np.where(known, proportional, 1.0) - 1) < 0.5)
    return np.where(mild, curved, proportional)


def _closed(fit: ProcessFit, name: str, level: float) -> tuple[Array, Array] | None:
    """Return the closed interval of a process, condition by condition, if it has one."""
    closed = fit.process.interval
    if closed is None or not fit.observed_bins.all():
        return None
    value, error = fit.params[name], fit.standard_errors[name]
    columns, errors = value.reshape(len(value), -1), error.reshape(len(value), -1)
    found = [
        closed(name, columns[:, c], errors[:, c], int(bins), level)
        for c, bins in enumerate(fit.observed_bins)
    ]
    ends = [end for end in found if end is not None]
    if len(ends) < len(found):
        return None
    return (
        np.stack([end[0] for end in ends], axis=1).reshape(value.shape),
        np.stack([end[1] for end in ends], axis=1).reshape(value.shape),
    )


def stacked(ends: Mapping[str, tuple[Array, Array]]) -> dict[str, Array]:
    """Return {name: (node, 2)} from {name: (low, high)}."""
    return {name: np.stack(pair, axis=-1) for name, pair in ends.items()}
