"""What every compared statistic declares, and what is measured of two rasters."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.validation.comparison import Comparison, FitCheck, Moments
from stochnet.validation.inference.evidence import Evidence, PairedValues, weigh
from stochnet.validation.matching import Matched
from stochnet.validation.surrogate_fit import FitError

Array = NDArray[np.float64]
Index = NDArray[np.int64]

# Fewer bins that are expected to be active in both by chance are too few for a correlation.
FEW_TOGETHER = 2.0
# Of the rasters of independent nodes that are the baseline.
BASELINE_SEED = 1


def any_rasters(matched: Matched) -> bool:
    """Say that all rasters have a statistic."""
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistic:
    """A statistic that two rasters are compared by.

    Attributes
    ----------
    name : str
        For programs.
    label : str
        For people.
    order : int
        Place in a report.
    over : str
        What mean, variance and distances are over.
    unit : str
        Of its values, ``"1"`` for none.
    available : callable
        ``Matched -> bool``, whether two rasters have it.
    needs : str
        What rasters without it lack.
    follows_from : tuple of str
        Names of statistics whose difference brings about one of this.
    plural : str
        Begins the sentence of a finding; the label with an s by default.
    own_scale : bool
        Whether its distances are not comparable with others, so that a finding of it comes last.
    window : int or None
        Bins, where it has a window.
    """

    name: str
    label: str
    order: int
    over: str
    unit: str = "1"
    available: Callable[[Matched], bool] = any_rasters
    needs: str = ""
    follows_from: tuple[str, ...] = ()
    plural: str = ""
    own_scale: bool = False
    window: int | None = None

    @property
    def subject(self) -> str:
        """What a sentence about it begins with."""
        return self.plural or f"{self.label[0].upper()}{self.label[1:]}s"

    def compare(self, scope: str | None, observed: Array, simulated: Array) -> Comparison:
        """Return the means and variances of the values of both rasters, without distances."""
        known = ~(np.isnan(observed) | np.isnan(simulated))
        n = int(known.sum())
        return self.comparison(
            scope, n, int(known.size) - n, (moments(observed), moments(simulated))
        )

    def comparison(
        self, scope: str | None, n: int, left_out: int, both: tuple[Moments, Moments]
    ) -> Comparison:
        """Return a comparison without distances."""
        return Comparison(
            statistic=self.name,
            label=self.label,
            scope=scope,
            window=self.window,
            unit=self.unit,
            over=self.over,
            n=n,
            left_out=left_out,
            observed=both[0],
            simulated=both[1],
        )

    def weigh_values(
        self,
        comparison: Comparison,
        values: Sequence[Array],
        influence: Sequence[NDArray[Any]],
        matched: Matched,
        measured: Measured,
        by_stratum: NDArray[Any] | None = None,
        **options: Any,
    ) -> Evidence:
        """Weigh values of both rasters, and what groups and strata add; options as of `weigh`."""
        if matched.resampling is None:
            return no_verdict(comparison, matched)
        return weigh(
            comparison,
            PairedValues.of(values, influence, by_stratum),
            matched.resampling.randomization,
            inflation=measured.fit_error.inflation(self.label),
            bias=measured.fit_error.added(self.label, comparison.scope),
            **options,
        )


def no_verdict(comparison: Comparison, matched: Matched) -> Evidence:
    """Return what is known where trials are too few to judge."""
    return Evidence(replace(comparison, needs=matched.fewest_trials))


def moments(values: Array) -> Moments:
    """Mean and variance (ddof=0) of the values that are not NaN."""
    known = values[~np.isnan(values)]
    if not known.size:
        return Moments(math.nan, math.nan)
    return Moments(float(known.mean()), float(known.var()))


def single(value: float) -> Moments:
    """Return a single value, which has no variance over anything."""
    return Moments(value, math.nan if math.isnan(value) else 0.0)


def enough_coincidences(first: Index, second: Index, n: Index) -> NDArray[np.bool_]:
    """Return whether two rows of bins are expected to be active, and silent, together at times."""
    # Without any bins there is nothing to be together in.
    some = np.maximum(n, 1)
    both, neither = first / some * second, (n - first) / some * (n - second)
    return np.asarray((both >= FEW_TOGETHER) & (neither >= FEW_TOGETHER))


@dataclass(frozen=True, eq=False, slots=True)
class NodeValues:
    """Statistics of some nodes of a raster.

    Attributes
    ----------
    first : int
        The first of the nodes.
    whole : dict of label to ndarray of float64 (node, …)
        In the whole raster.
    grouped : dict of label to ndarray of float64 (node, …)
        In all groups together.
    influence : dict of label to ndarray of float32 (group, node, …)
        What each group adds to `grouped` beside its stratum; of indicators, what they are in that
        group alone. NaN for nodes that do too little to be judged. Without statistics of windows
        that no group holds.
    active_nodes : dict of layer to ndarray of int64 (trial, bin)
        How many of these nodes are active; empty where nobody asked.
    """

    first: int
    whole: dict[str, Array]
    grouped: dict[str, Array]
    influence: dict[str, NDArray[np.float32]]
    active_nodes: dict[str, Index]

    def population(self, layer: str | None = None) -> Index:
        """Return the active nodes of a layer or of the network: (trial, bin)."""
        every = self.active_nodes
        found: Index = np.sum(list(every.values()), axis=0) if layer is None else every[layer]
        return found


@dataclass(frozen=True, eq=False, slots=True)
class Measured:
    """What was measured of two rasters.

    Attributes
    ----------
    values : tuple of NodeValues
        Of the observed and of the simulated raster.
    by_stratum : mapping of label to ndarray (stratum, node, …)
        What each stratum adds to observed minus simulated; where there are several strata.
    active : ndarray (node,)
        Active bins of the observed raster, as a part of all.
    fit_error : FitError
    checks : tuple of FitCheck
    """

    values: tuple[NodeValues, ...]
    by_stratum: Mapping[str, Array]
    active: Array
    fit_error: FitError
    checks: tuple[FitCheck, ...]
