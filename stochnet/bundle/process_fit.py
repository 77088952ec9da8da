"""One process fitted to some nodes: parameters, errors, intervals, log-likelihood, flags."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.errors import InvalidInputError, entrance
from stochnet.process import Array, Process
from stochnet.processes.laws.scipy_stats import stats


@dataclass(frozen=True, eq=False, slots=True)
class ProcessFit:
    """One process fitted to some nodes.

    Attributes
    ----------
    process : Process
    node_ids : ndarray of int64 (node,)
        The nodes, ascending.
    params, standard_errors : dict of name to ndarray of float64
        (node,), or (node, condition). A standard error of inf means that it cannot be known.
    log_likelihood : ndarray of float64 (node,)
        Natural log probability of the node's bins, over all conditions.
    flags : ndarray of uint16 (node,)
        Bits of `stochnet.flags.Flag`.
    window : int or None
        Bins in which a gain is held, or over which a rate profile runs; None is the whole trial.
    observed_bins : ndarray of int64 (condition,)
        Bins behind each parameter; one entry when pooled, 0 if nothing was observed.
    intervals : dict of name to ndarray of float64
        (node, 2), or (node, condition, 2): low and high end of the 95 % intervals that needed the
        data. Read them, and those of all other parameters and levels, with `interval`.
    """

    process: Process
    node_ids: NDArray[np.int64]
    params: Mapping[str, Array]
    standard_errors: Mapping[str, Array]
    log_likelihood: Array
    flags: NDArray[np.uint16]
    window: int | None
    observed_bins: NDArray[np.int64]
    intervals: Mapping[str, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        entrance.instance("process", self.process, Process, "take one of stochnet.PROCESSES")
        object.__setattr__(self, "params", self.process.validate(self.params))
        if np.any(np.diff(self.node_ids) <= 0):
            raise InvalidInputError("node_ids must be ascending and without repeats")
        if self.process.has_profile and self.window is None:
            raise InvalidInputError(
                f"{self.process.name} has a rate for every position in a window: give window, in "
                "bins"
            )
        if self.window is not None:
            object.__setattr__(self, "window", entrance.whole("window", self.window))
        for name, array in self.params.items():
            if len(array) != len(self.node_ids):
                raise InvalidInputError(
                    f"{name} has {len(array)} nodes, node_ids has {len(self.node_ids)}"
                )
        shapes = {np.shape(array) for array in self.params.values()}
        if {np.shape(self.standard_errors.get(name, ())) for name in self.params} != shapes:
            raise InvalidInputError("standard_errors must have the names and shapes of params")
        shape = next(iter(shapes))
        for name, ends in self.intervals.items():
            if name not in self.params or np.shape(ends) != (*shape, 2):
                raise InvalidInputError(f"the interval of {name} must have the shape (*{shape}, 2)")
        if not (np.shape(self.log_likelihood) == np.shape(self.flags) == (len(self.node_ids),)):
            raise InvalidInputError("log_likelihood and flags need one value for each node")
        if np.shape(self.observed_bins) != (max(1, self.n_conditions),):
            raise InvalidInputError("observed_bins needs one value for each condition")

    def __repr__(self) -> str:
        parts = [self.process.name, f"{len(self.node_ids):,} nodes"]
        if self.window is not None:
            parts.append(f"window={self.window}")
        if self.n_conditions:
            parts.append(f"{self.n_conditions} conditions")
        return f"ProcessFit({', '.join(parts)})"

    @property
    def n_conditions(self) -> int:
        """Conditions of the parameters; 0 when pooled."""
        shape = next(iter(self.params.values())).shape
        return shape[1] if len(shape) == 2 else 0

    @property
    def n_params(self) -> int:
        """Free parameters of one node."""
        return len(self.process.params) * max(1, self.n_conditions)

    @property
    def aic(self) -> Array:
        """Akaike's criterion of each node; lower is better."""
        return 2.0 * self.n_params - 2.0 * self.log_likelihood

    @property
    def bic(self) -> Array:
        """Schwarz's criterion of each node, counting bins as observations; lower is better."""
        return self.n_params * math.log(max(1, int(self.observed_bins.sum()))) - (
            2.0 * self.log_likelihood
        )

    def interval(self, name: str, level: float = 0.95) -> tuple[Array, Array]:
        """Confidence interval of a parameter, of the parameter's shape.

        Exact (Clopper-Pearson, Garwood) where the process has such an interval; by profile
        likelihood where that was computed during the fit; otherwise value ± z · standard error, cut
        to the domain. Where nothing can be known the interval is the whole domain.

        Raises
        ------
        InvalidInputError
            No such parameter, or a level outside (0, 1).
        """
        level = entrance.number("level", level, 0, 1, inside=True)
        return interval(self, entrance.option("name", name, self.params), level)

    def take(self, rows: NDArray[Any] | slice) -> ProcessFit:
        """Return the fit of some of its nodes, by position."""
        rows = entrance.rows("rows", rows, len(self.node_ids))
        return replace(
            self,
            node_ids=self.node_ids[rows],
            params={name: array[rows] for name, array in self.params.items()},
            standard_errors={name: array[rows] for name, array in self.standard_errors.items()},
            log_likelihood=self.log_likelihood[rows],
            flags=self.flags[rows],
            intervals={name: ends[rows] for name, ends in self.intervals.items()},
        )


def known_fit(
    process: Process,
    node_ids: NDArray[np.int64],
    params: Mapping[str, Any],
    window: int | None = None,
) -> ProcessFit:
    """Return the fit of nodes whose parameters are known: no errors, and nothing was observed."""
    arrays = process.validate(params)
    shape = next(iter(arrays.values())).shape
    return ProcessFit(
        process=process,
        node_ids=node_ids,
        params=arrays,
        standard_errors={name: np.zeros(shape) for name in arrays},
        log_likelihood=np.zeros(shape[0]),
        flags=np.zeros(shape[0], np.uint16),
        window=window,
        observed_bins=np.zeros(shape[1:] or (1,), np.int64),
    )


def joined(parts: Sequence[ProcessFit]) -> ProcessFit:
    """Join the fits of one process to consecutive nodes."""
    first = parts[0]
    if len(parts) == 1:
        return first

    def join(which: str) -> dict[str, Array]:
        columns = [getattr(part, which) for part in parts]
        return {name: np.concatenate([one[name] for one in columns]) for name in columns[0]}

    return replace(
        first,
        node_ids=np.concatenate([part.node_ids for part in parts]),
        params=join("params"),
        standard_errors=join("standard_errors"),
        log_likelihood=np.concatenate([part.log_likelihood for part in parts]),
        flags=np.concatenate([part.flags for part in parts]),
        intervals=join("intervals"),
    )


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
    usual = np.where(known & (proportional > 0), proportional, 1.0)
    mild = known & (inside > 0) & (np.abs(curved / usual - 1) < 0.5)
    return np.where(mild, curved, proportional)


def _closed(fit: ProcessFit, name: str, level: float) -> tuple[Array, Array] | None:
    """Return the closed interval of a process, condition by condition, if it has one."""
    closed = fit.process.interval
    if closed is None or not fit.observed_bins.any():
        return None
    low, high = next(p.domain for p in fit.process.params if p.name == name)
    value, error = fit.params[name], fit.standard_errors[name]
    columns, errors = value.reshape(len(value), -1), error.reshape(len(value), -1)
    found = [
        closed(name, columns[:, c], errors[:, c], int(bins), level)
        if bins
        else (np.full(len(value), low), np.full(len(value), high))
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
