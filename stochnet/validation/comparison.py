"""Distances between two rasters beside the floor: that between halves of one of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.kernels.laws import largest_difference, sort_keys
from stochnet.threads import run_blocks
from stochnet.validation.answers import Interval

Values = NDArray[Any]

TOLERANCE = 1.1
SPREADS = 2.5
# If none of n nodes was seen to change, up to 3 in n may (95 %): the rule of three.
UNSEEN = 3.0
# The halves of a split that are compared: of 0 and 1 observed, 2 and 3 simulated.
PAIRS = ((0, 1), (0, 2), (1, 3))
# Below this many values one thread is done before others have started.
FEW = 20_000
NO_INTERVAL = Interval(math.nan, math.nan, math.nan)
# From this many values on, sorting by digits saves more than its kernel takes to compile.
MANY = 1 << 16

RULE = (
    f"A distance is within the floor if it is at most {TOLERANCE:g} times the floor plus "
    f"{SPREADS:g} standard deviations of the floor over splits. The floor is the distance between "
    "two halves of the observed raster, averaged over random splits into halves that hold every "
    "condition equally often; the distance is that between a half of the observed and an equally "
    "large half of the simulated raster, averaged alike. A statistic is indistinguishable at this "
    "size if both its distances are within their floors, and differs otherwise. For fractions of "
    "nodes (dead, saturated) up to three nodes are allowed beyond the floor."
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
        ``"rmse"``: root mean square difference of the two values of a node (pair);
        ``"kolmogorov"``: largest difference between the two distribution functions.
    value, floor : float
        Between halves of equal size, averaged over splits.
    spread : float
        Standard deviation (ddof=1) of the floor over splits.
    limit : float
        Largest value that counts as within the floor.
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
        if not self.distances:
            return "undecided"
        return "indistinguishable" if all(d.within for d in self.distances) else "differs"

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


def distances(
    observed: Values, simulated: Values, *, paired: bool = True, indicator: bool = False
) -> tuple[Distance, ...]:
    """Compare statistics of halves.

    Parameters
    ----------
    observed, simulated : ndarray (half, …)
        Halves 2·k and 2·k + 1 are those of split k.
    paired : bool, default True
        Whether the values are of the same nodes or pairs in both; if not, only their laws compare.
    indicator : bool, default False
        Whether the values are 0 or 1, so that a fraction is compared.

    Returns
    -------
    tuple of Distance
        Empty if no split has the statistic in both rasters.
    """
    n_splits = len(observed) // 2
    rmses, differences = np.full((2, n_splits, 3), np.nan)

    def split(start: int, stop: int) -> None:
        for k in range(start, stop):
            halves = observed[2 * k], observed[2 * k + 1], simulated[2 * k], simulated[2 * k + 1]
            laws = [_ordered(half) for half in halves]
            for i, (a, b) in enumerate(PAIRS):
                differences[k, i] = _difference(laws[a], laws[b])
                if paired:
                    rmses[k, i] = rmse(halves[a], halves[b])

    n = max(1, observed[0].size)
    run_blocks(split, n_splits, step=1 if n > FEW else n_splits)
    found = []
    for name, all_three in (("rmse", rmses), ("kolmogorov", differences))[0 if paired else 1 :]:
        if np.isnan(all_three).any():
            return ()
        floors = all_three[:, 0].tolist()
        values = [math.fsum(both) / 2 for both in all_three[:, 1:].tolist()]
        floor = float(np.mean(floors))
        spread = float(np.std(floors, ddof=1)) if len(floors) > 1 else 0.0
        slack = UNSEEN / n if indicator else 0.0
        if name == "rmse":
            slack = math.sqrt(slack)
        limit = TOLERANCE * floor + SPREADS * spread + slack
        found.append(Distance(name, float(np.mean(values)), floor, spread, limit))
    return tuple(found)
