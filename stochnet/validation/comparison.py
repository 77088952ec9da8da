"""Distances between two rasters beside the floor: that between halves of one of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[Any]

TOLERANCE = 1.1
SPREADS = 2.5
# If none of n nodes was seen to change, up to 3 in n may (95 %): the rule of three.
UNSEEN = 3.0

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
    known = difference[~np.isnan(difference)]
    return float(np.sqrt(np.mean(known**2))) if known.size else math.nan


def kolmogorov(first: Values, second: Values) -> float:
    """Largest difference between the distribution functions; NaN values are left out."""
    if first.dtype.kind == second.dtype.kind == "i" and first.size and second.size:
        size = int(max(first.max(), second.max())) + 1
        laws = [np.bincount(values, minlength=size) / values.size for values in (first, second)]
        return float(np.abs(np.cumsum(laws[0] - laws[1])).max())
    a, b = (np.sort(values[~np.isnan(values)]) for values in (first, second))
    if not a.size or not b.size:
        return math.nan
    points = np.concatenate([a, b])
    below = np.searchsorted(a, points, "right") / a.size
    return float(np.abs(below - np.searchsorted(b, points, "right") / b.size).max())


MEASURES = {"rmse": rmse, "kolmogorov": kolmogorov}


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
    n = max(1, observed[0].size)
    found = []
    for name in ("rmse", "kolmogorov") if paired else ("kolmogorov",):
        measure = MEASURES[name]
        floors, values = [], []
        for k in range(0, len(observed), 2):
            floors.append(measure(observed[k], observed[k + 1]))
            both = [measure(observed[k + i], simulated[k + i]) for i in (0, 1)]
            values.append(math.fsum(both) / 2)
        if np.isnan(floors + values).any():
            return ()
        floor = float(np.mean(floors))
        spread = float(np.std(floors, ddof=1)) if len(floors) > 1 else 0.0
        slack = UNSEEN / n if indicator else 0.0
        if name == "rmse":
            slack = math.sqrt(slack)
        limit = TOLERANCE * floor + SPREADS * spread + slack
        found.append(Distance(name, float(np.mean(values)), floor, spread, limit))
    return tuple(found)
