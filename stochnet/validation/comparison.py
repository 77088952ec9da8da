"""Comparisons of two rasters: distances beside the floor, and what follows from them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.kernels.laws import largest_difference, sort_keys
from stochnet.raster.raster import SpikeRaster
from stochnet.validation.answers import Interval
from stochnet.validation.judging.randomization import LEVEL

Values = NDArray[Any]

NO_INTERVAL = Interval(math.nan, math.nan, math.nan)
# From this many values on, sorting by digits saves more than its kernel takes to compile.
MANY = 1 << 16

RULE = (
    "Each statistic is compared at equal size by two distances: the difference of the means, and "
    "the root mean square difference of the values of a node (of the whole law, for population "
    "counts). The floor is the root mean square of the distance between two halves of the observed "
    "raster, brought to the size of the whole. How large a distance chance makes is drawn from "
    "random halves of both rasters, whole trials at a time, conditions balanced, and widened "
    "by the error of the fit where that is known. All distances of the report are judged together "
    "(step-down smallest p values of Westfall and Young): if one process made both rasters, the "
    f"probability that any of them is said to differ is about 5 % (a nominal level of {LEVEL:.0%}, "
    "calibrated by simulation). For fractions of nodes (dead, saturated) three nodes are allowed "
    "beyond that."
)


@dataclass(frozen=True, slots=True)
class Moments:
    """Mean and variance (ddof=0) over nodes, pairs or bins; NaN where there is nothing."""

    mean: float
    variance: float


@dataclass(frozen=True, slots=True)
class Distance:
    """One distance between observed and simulated, beside its floor.

    Attributes
    ----------
    name : str
        ``"mean"``: difference of the two means; ``"rmse"``: root mean square difference of the two
        values of a node (pair); ``"kolmogorov"``: largest difference between the two distribution
        functions.
    value : float
        Between observed and simulated raster, in groups of trials of equal size and make.
    floor : float
        Root mean square of what it is between two halves of the observed raster, each as long as
        the whole.
    spread : float
        Standard deviation of the value if one process made both rasters.
    limit : float
        Largest value that is not said to differ.
    """

    name: str
    value: float
    floor: float
    spread: float
    limit: float

    @property
    def within(self) -> bool:
        """Whether the value is within the floor; a rounding error above it is."""
        return self.value <= self.limit * (1 + 1e-9) + 1e-12

    @property
    def ratio(self) -> float:
        """Value over floor; 1 if both are zero, NaN for a floor of zero otherwise."""
        if self.floor > 0:
            return self.value / self.floor
        return 1.0 if self.value == 0 else math.nan


@dataclass(frozen=True, slots=True)
class Comparison:
    """One statistic of the network or of a layer, observed and simulated.

    Attributes
    ----------
    statistic : str
        Its name, for example ``"fano_factor"``.
    label : str
        The name for people, with the window.
    scope : str or None
        Name of the layer; None is the whole network.
    window : int or None
        Bins, where the statistic has a window.
    unit : str
        Unit of the values, ``"1"`` for none.
    over : {"nodes", "pairs", "bins", "nodes and conditions"}
        What mean, variance and distances are over.
    n : int
        How many of these have the statistic in both rasters.
    left_out : int
        How many have it not, for example the Fano factor of dead nodes.
    observed, simulated : Moments
        Over those that have it, in the whole rasters.
    distances : tuple of Distance
        Empty if no half is long enough for the statistic.
    difference : Interval
        Simulated minus observed mean.
    intervals : tuple of Interval
        Observed and simulated mean.
    baseline : float or None
        The distance of `worst` between the independent baseline and the observed raster.
    quality : float or None
        From 0, as far as the baseline, to 1, as close as the floor.
    smallest : float or None
        Smallest difference of the means that would have been found with power 0.9.
    p_value, p_adjusted : float or None
        How probable a distance as large or larger is if both rasters come from one process; by
        itself, and adjusted for all comparisons of the report.
    """

    statistic: str
    label: str
    scope: str | None
    window: int | None
    unit: str
    over: str
    n: int
    left_out: int
    observed: Moments
    simulated: Moments
    distances: tuple[Distance, ...]
    difference: Interval = NO_INTERVAL
    intervals: tuple[Interval, Interval] = (NO_INTERVAL, NO_INTERVAL)
    baseline: float | None = None
    quality: float | None = None
    smallest: float | None = None
    p_value: float | None = None
    p_adjusted: float | None = None

    @property
    def verdict(self) -> str:
        """``"indistinguishable"`` at this size, ``"differs"``, or ``"undecided"`` without floor."""
        if self.p_adjusted is None:
            return "undecided"
        return "differs" if self.p_adjusted <= LEVEL else "indistinguishable"

    @property
    def worst(self) -> Distance | None:
        """The distance that is farthest beyond its limit, relative to that."""
        return max(self.distances, key=excess, default=None)

    @property
    def ratio(self) -> float:
        """Ratio to the floor of the worst distance; NaN without one."""
        return math.nan if self.worst is None else self.worst.ratio


def excess(distance: Distance) -> float:
    """Return value over limit, infinity if the limit is zero and the value is not."""
    if distance.limit > 0:
        return distance.value / distance.limit
    return 0.0 if distance.value == 0 else math.inf


def moments(values: Values) -> Moments:
    """Mean and variance (ddof=0) of the values that are not NaN."""
    known = values[~np.isnan(values)]
    if not known.size:
        return Moments(math.nan, math.nan)
    return Moments(float(known.mean()), float(known.var()))


def rmse(first: Values, second: Values) -> float:
    """Root mean square difference over the pairs without NaN; NaN if there are none."""
    difference = (first.astype(np.float64) - second).ravel()
    missing = np.isnan(difference)
    known = difference[~missing] if missing.any() else difference
    return float(np.sqrt(np.mean(known**2))) if known.size else math.nan


def kolmogorov(first: Values, second: Values) -> float:
    """Largest difference between the distribution functions; NaN values are left out."""
    return _difference(_ordered(first), _ordered(second))


def _ordered(values: Values) -> Values:
    """Sort the values that are not NaN; count those of each size instead where they are whole."""
    if values.dtype.kind == "i":
        return np.bincount(values.ravel())
    if values.dtype == np.float32 and values.size >= MANY:
        return _sorted_by_digits(values.ravel())
    # NaN comes last.
    ordered = np.sort(values, axis=None)
    return ordered[: ordered.size - np.count_nonzero(np.isnan(ordered))]


def _sorted_by_digits(values: NDArray[np.float32]) -> NDArray[np.float32]:
    missing = np.isnan(values)
    # Adding zero makes -0 a 0, which it equals.
    bits = ((values[~missing] if missing.any() else values) + np.float32(0)).view(np.int32)
    lowest = np.int32(-(2**31))
    # As whole numbers, floats are in order once the negative ones are turned over.
    keys = (bits ^ (bits >> 31 | lowest)).view(np.uint32)
    other = np.empty_like(keys)
    sort_keys(keys, other)
    bits = other.view(np.int32)
    return (bits ^ (~bits >> 31 | lowest)).view(np.float32)


def _difference(first: Values, second: Values) -> float:
    if first.dtype.kind == second.dtype.kind == "i":
        laws = np.zeros((2, max(first.size, second.size)))
        for law, counts in zip(laws, (first, second), strict=True):
            law[: counts.size] = counts / counts.sum()
        return float(np.abs(np.cumsum(laws[0] - laws[1])).max())
    if not first.size or not second.size:
        return math.nan
    below = [np.arange(side.size + 1) / side.size for side in (first, second)]
    return float(largest_difference(first, second, below[0], below[1]))


@dataclass(frozen=True, slots=True)
class Source:
    """What a raster is, in short.

    Attributes
    ----------
    n_nodes, n_trials, n_bins : int
        Its sizes.
    schedule, kind : str
        How stimuli were presented; ``"spikes"`` or ``"counts"``.
    bin_width : float
        Seconds per bin, NaN if none.
    """

    n_nodes: int
    n_trials: int
    n_bins: int
    schedule: str
    kind: str
    bin_width: float

    @classmethod
    def of(cls, raster: SpikeRaster) -> Source:
        """Describe a raster."""
        return cls(*raster.shape, raster.schedule, raster.kind, float(raster.bin_width))
