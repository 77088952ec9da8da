"""Comparisons of two rasters: distances beside the floor, and what follows from them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stochnet.raster.raster import SpikeRaster

# Of a report, nominally. At 4 %, 32 of 400 draws of one truth with 60 trials were told apart: what
# is no mean over trials is exchanged to first order only.
LEVEL = 0.02

# What is told apart matters if means differ by more than this part of the values, or if the quality
# is lower and the distance farther beyond chance than this.
CLOSE_MEANS, ENOUGH_QUALITY, CLOSE_TO_CHANCE = 0.02, 0.9, 1.25

RULE = (
    "Each statistic is compared at equal size by two distances: the difference of the means, and "
    "the root mean square difference of the values of a node (of the whole law, for population "
    "counts). The floor is the root mean square of the distance between two halves of the observed "
    "raster, brought to the size of the whole. How large a distance chance makes is seen by "
    "exchanging trials between the rasters, whole ones of the same condition, and widened by the "
    "error of the fit where that is known; a distance beyond it can be told apart. All distances "
    "of the report are judged together (step-down smallest p values of Westfall and Young): if "
    "one process made both rasters, the probability that any of them is told apart is at most 5 % "
    f"(a nominal level of {LEVEL:.0%}, calibrated by simulation). For fractions of nodes (dead, "
    "saturated) three nodes are allowed beyond that. With many nodes and trials any difference "
    f"can be told apart. It matters where the means differ by more than {CLOSE_MEANS:.0%} of the "
    f"root mean square of the observed values, or where the quality is below {ENOUGH_QUALITY:.2f} "
    f"and a distance more than {CLOSE_TO_CHANCE:g} times what chance explains."
)


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with its 95 % interval, from resampling whole trials; NaN where there is none."""

    value: float
    low: float
    high: float


NO_INTERVAL = Interval(math.nan, math.nan, math.nan)


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
        ``"mean"``: difference of the two means; ``"profile"``: largest difference of the means over
        nodes at one position; ``"rmse"``: root mean square difference of the two values of a node
        (pair); ``"kolmogorov"``: largest difference between the two distribution
        functions, at up to 64 places.
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
    over : {"nodes", "pairs", "bins", "nodes and conditions", "nodes and positions", …}
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
    needs : str
        Where there is no verdict: what one would take.
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
    distances: tuple[Distance, ...] = ()
    difference: Interval = NO_INTERVAL
    intervals: tuple[Interval, Interval] = (NO_INTERVAL, NO_INTERVAL)
    baseline: float | None = None
    quality: float | None = None
    smallest: float | None = None
    p_value: float | None = None
    p_adjusted: float | None = None
    needs: str = ""

    @property
    def verdict(self) -> str:
        """What can be said.

        ``"indistinguishable"`` at this size; ``"close"``, which differs by less than matters;
        ``"differs"``; or ``"undecided"``, where trials are too few.
        """
        if self.p_adjusted is None:
            return "undecided"
        if self.p_adjusted > LEVEL:
            return "indistinguishable"
        return "close" if self.close else "differs"

    @property
    def close(self) -> bool:
        """Whether a difference is less than matters."""
        gap, size = self.difference.value, math.hypot(self.observed.mean, self._spread)
        if abs(gap) > CLOSE_MEANS * size:
            return False
        if self.quality is not None and self.quality >= ENOUGH_QUALITY:
            return True
        return all(excess(x) <= CLOSE_TO_CHANCE for x in self.distances if x.name != "mean")

    @property
    def _spread(self) -> float:
        variance = self.observed.variance
        return math.sqrt(variance) if variance > 0 else 0.0

    @property
    def worst(self) -> Distance | None:
        """The distance that is farthest beyond its limit, relative to that."""
        return max(self.distances, key=excess, default=None)

    @property
    def ratio(self) -> float:
        """Ratio to the floor of the worst distance; NaN without one."""
        return math.nan if self.worst is None else self.worst.ratio

    @property
    def excess(self) -> float:
        """Worst distance over the largest that chance explains; above 1 it is told apart."""
        return math.nan if self.worst is None else excess(self.worst)


def excess(distance: Distance) -> float:
    """Return value over limit, infinity if the limit is zero and the value is not."""
    if distance.limit > 0:
        return distance.value / distance.limit
    return 0.0 if distance.value == 0 else math.inf


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


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A condition that must hold for two rasters to be compared at all.

    Attributes
    ----------
    name, label : str
        For programs and for people.
    passed : bool
    detail : str
        What was found, and where it fails what to do.
    """

    name: str
    label: str
    passed: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that differs: what, where and by how much.

    Attributes
    ----------
    scope : str or None
        Name of the layer; None is the whole network.
    label : str
        Of the statistic.
    size : float
        Distance over the largest that chance explains; findings are ordered by it.
    sentence : str
    close : bool
        Whether it is less than matters.
    """

    scope: str | None
    label: str
    size: float
    sentence: str
    close: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class FitCheck:
    """Observed window counts of a layer against the laws that were fitted to its nodes.

    Attributes
    ----------
    scope : str or None
        Name of the layer; None is the whole network.
    processes : tuple of str
        Names of the processes of its nodes.
    window : int
        Bins per window.
    n_nodes, n_windows : int
        Nodes, and windows of each, that were used.
    pit : ndarray of float64 (bin,)
        Share of the randomised probability integral transforms in equal bins of [0, 1]; equal
        where the laws are right (Czado, Gneiting & Held 2009, Biometrics 65, 1254-1261).
    distance : float
        Largest difference (Kolmogorov) between their distribution function and the uniform one.
    observed, expected : ndarray of float64 (count,)
        Windows with 0, 1, 2, … spikes: seen, and expected under the laws (rootogram; Kleiber &
        Zeileis 2016, The American Statistician 70, 296-303).
    """

    scope: str | None
    processes: tuple[str, ...]
    window: int
    n_nodes: int
    n_windows: int
    pit: NDArray[np.float64]
    distance: float
    observed: NDArray[np.float64]
    expected: NDArray[np.float64]
