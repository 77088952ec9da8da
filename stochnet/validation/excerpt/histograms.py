"""Laws on common edges: how rates are spread over nodes, and counts over bins, on both sides."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.statistics.moments import Array


@dataclass(frozen=True, slots=True)
class Law:
    """A histogram of both sides on the same edges.

    Attributes
    ----------
    scope : str or None
        Name of the layer; None is the whole network.
    edges : ndarray of float64 (cell + 1,)
        Cells hold their lower edge; the last one holds both.
    observed, simulated : ndarray of float64 (cell,)
        Fraction of nodes or bins in each cell; they sum to one.
    """

    scope: str | None
    edges: Array
    observed: Array
    simulated: Array


def law(scope: str | None, observed: NDArray[Any], simulated: NDArray[Any], cells: int) -> Law:
    """Histogram the values of both sides, neither of them NaN, in at most so many cells."""
    sides = observed, simulated
    low = float(min(side.min() for side in sides))
    high = float(max(side.max() for side in sides))
    if high - low < 1e-9:
        low, high = low - 0.5, high + 0.5
    whole = all(side.dtype.kind in "iu" for side in sides)
    # Whole numbers need cells of whole width, or some would hold more of them than others.
    width = max(1.0, math.ceil((high - low + 1) / cells)) if whole else (high - low) / cells
    start = low - 0.5 if whole else low
    n_cells = math.ceil((high - start) / width - 1e-9)
    edges: Array = start + width * np.arange(n_cells + 1, dtype=np.float64)
    heights = [np.histogram(side, edges)[0] / side.size for side in sides]
    return Law(scope, edges, np.asarray(heights[0]), np.asarray(heights[1]))
