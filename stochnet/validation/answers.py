"""The small records that a report is made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with its 95 % interval, from resampling whole trials; NaN where there is none."""

    value: float
    low: float
    high: float


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
    """

    scope: str | None
    label: str
    size: float
    sentence: str


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
