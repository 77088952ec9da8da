"""Bundle: the fitted processes of all nodes of a network."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochnet import intervals as confidence
from stochnet.errors import InvalidInputError
from stochnet.labels import per_bin
from stochnet.layers import Layer, check_layers
from stochnet.process import Array, Process
from stochnet.processes import get_process


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
        object.__setattr__(self, "params", self.process.validate(self.params))
        if np.any(np.diff(self.node_ids) <= 0):
            raise InvalidInputError("node_ids must be ascending and without repeats")
        if self.process.has_profile and self.window is None:
            raise InvalidInputError(
                f"{self.process.name} has a rate for every position in a window: give window, in "
                "bins"
            )
        if self.window is not None and self.window < 1:
            raise InvalidInputError(f"a window must be at least one bin, got {self.window}")
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
        if name not in self.params or not 0 < level < 1:
            raise InvalidInputError(
                f"name must be one of {list(self.params)} and level between 0 and 1"
            )
        return confidence.interval(self, name, level)

    def take(self, rows: NDArray[Any] | slice) -> ProcessFit:
        """Return the fit of some of its nodes, by position."""
        return ProcessFit(
            self.process,
            self.node_ids[rows],
            {name: array[rows] for name, array in self.params.items()},
            {name: array[rows] for name, array in self.standard_errors.items()},
            self.log_likelihood[rows],
            self.flags[rows],
            self.window,
            self.observed_bins,
            {name: ends[rows] for name, ends in self.intervals.items()},
        )


@dataclass(frozen=True, eq=False, slots=True)
class Bundle:
    """The fitted network: every node belongs to exactly one fit.

    Attributes
    ----------
    fits : tuple of ProcessFit
    layers : tuple of Layer
    n_trials, n_bins : int
        Size of the raster it was fitted to, the default size of a simulation.
    conditions : ndarray of int16 (trial, bin) or None
        Conditions of that raster; a longer simulation repeats them.
    bin_width : float
        Seconds per bin, NaN if none.
    schedule : str
        Schedule of that raster.
    provenance : dict
        Not part of the content.
    """

    fits: tuple[ProcessFit, ...]
    layers: tuple[Layer, ...] = ()
    n_trials: int = 1
    n_bins: int = 1
    conditions: NDArray[np.int16] | None = None
    bin_width: float = math.nan
    schedule: str = "none"
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.fits:
            raise InvalidInputError("a bundle needs at least one fit")
        nodes = np.sort(np.concatenate([fit.node_ids for fit in self.fits]))
        if len(nodes) == 0 or not np.array_equal(nodes, np.arange(len(nodes))):
            raise InvalidInputError("the fits must hold every node from 0 on exactly once")
        if not self.layers:
            object.__setattr__(
                self, "layers", (Layer("nodes", "nodes", (len(nodes),), 0, len(nodes)),)
            )
        check_layers(self.layers, len(nodes))
        if self.conditions is not None:
            table = np.atleast_2d(np.asarray(self.conditions))
            table = per_bin("conditions", table, *table.shape[:2])
            object.__setattr__(self, "conditions", table)
        needed = max(fit.n_conditions for fit in self.fits)
        if any(fit.n_conditions not in (0, needed) for fit in self.fits):
            raise InvalidInputError("fits per condition must all have the same conditions")
        if self.conditions is not None and needed and int(self.conditions.max()) >= needed:
            raise InvalidInputError("conditions name a class that no parameter was fitted for")

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return sum(len(fit.node_ids) for fit in self.fits)

    @property
    def n_conditions(self) -> int:
        """Conditions of the parameters; 0 when all fits are pooled."""
        return max(fit.n_conditions for fit in self.fits)

    def process_names(self) -> NDArray[np.str_]:
        """Return the name of the process of every node: (node,)."""
        names = np.empty(self.n_nodes, dtype=object)
        for fit in self.fits:
            names[fit.node_ids] = fit.process.name
        return names.astype(str)

    @classmethod
    def from_params(
        cls,
        process: str | Process,
        params: Mapping[str, ArrayLike],
        *,
        window: int | None = None,
        conditions: ArrayLike | None = None,
        layers: Sequence[Layer] = (),
        n_trials: int | None = None,
        n_bins: int | None = None,
        bin_width: float = math.nan,
    ) -> Bundle:
        """Build a network with known parameters, all nodes under one process.

        Parameters
        ----------
        process : str or Process
        params : mapping of name to array_like
            (node,), or (node, condition).
        window : int, optional
            Bins in which a gain is held, the whole trial by default; or over which a rate profile
            runs, again and again.
        conditions : array_like of int (trial, bin), optional
            Class of every bin, needed for parameters per condition.
        layers : sequence of Layer, optional
        n_trials, n_bins : int, optional
            Default size of a simulation; that of `conditions`, else 1 × 1.

        Raises
        ------
        InvalidInputError
            Unknown process or parameter, or a value outside its domain (the node is named).
        """
        record = get_process(process)
        arrays = record.validate(params)
        n_nodes = len(next(iter(arrays.values())))
        fit = ProcessFit(
            record,
            np.arange(n_nodes),
            arrays,
            {name: np.zeros_like(array) for name, array in arrays.items()},
            np.zeros(n_nodes),
            np.zeros(n_nodes, np.uint16),
            window,
            np.zeros(next(iter(arrays.values())).shape[1:] or (1,), np.int64),
        )
        table = None if conditions is None else np.atleast_2d(np.asarray(conditions))
        return cls(
            (fit,),
            tuple(layers),
            n_trials or (1 if table is None else table.shape[0]),
            n_bins or (1 if table is None else table.shape[1]),
            table,
            bin_width,
        )
