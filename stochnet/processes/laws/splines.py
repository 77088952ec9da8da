"""Cubic B-splines over the slots of a window."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline

from stochnet.raster.windows import SLOTS

CONTROLS = 5
DEGREE = 3


def basis(n_controls: int = CONTROLS) -> NDArray[np.float64]:
    """Return the cubic B-splines in the middle of every slot: (slot, control).

    Their knots lie evenly over the window, and in each slot they sum to one. Five of them have one
    knot inside, at half of the window: the first is zero in the second half, the last in the first
    half, and the three others are positive everywhere.

    References
    ----------
    de Boor (2001), A Practical Guide to Splines, revised edition, Springer, chapter IX.
    """
    inner = np.linspace(0, 1, n_controls - DEGREE + 1)
    knots = np.concatenate([np.zeros(DEGREE), inner, np.ones(DEGREE)])
    middle = (np.arange(SLOTS) + 0.5) / SLOTS
    splines = BSpline.design_matrix(middle, knots, DEGREE).toarray()
    return np.ascontiguousarray(splines / splines.sum(axis=1, keepdims=True))


BASIS = basis()
