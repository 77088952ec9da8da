"""How well an estimate can be expected to be: bounds, and errors of the usual estimators."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# Of a parameter: differences of log probabilities are taken over this part of it.
STEP = 1e-4


def bound(law: Callable[..., Array], values: tuple[float, ...], n: float, which: int) -> float:
    """Return the Cramér-Rao bound on the standard deviation of one parameter of a count's law.

    Parameters
    ----------
    law : callable
        From the parameters to the probabilities of the counts 0, 1, 2, ….
    values : tuple of float
        The parameters, all unknown.
    n : float
        Independent counts.
    which : int
        Position of the parameter.
    """
    mass = law(*values)
    scores = []
    for i, value in enumerate(values):
        step = STEP * value
        ends = [law(*values[:i], value + sign * step, *values[i + 1 :]) for sign in (1, -1)]
        scores.append((ends[0] - ends[1]) / (2 * step))
    seen = mass > 1e-200
    table = np.array([score[seen] for score in scores])
    information = n * (table / mass[seen]) @ table.T
    return float(np.sqrt(np.linalg.inv(information)[which, which]))


def central_moments(mass: Array, first: int = 0) -> tuple[float, float, float, float]:
    """Return mean, variance, and third and fourth central moment of a law on whole numbers."""
    k = np.arange(first, first + len(mass))
    total = mass.sum()
    mean = float((mass * k).sum() / total)
    second, third, fourth = (float((mass * (k - mean) ** j).sum() / total) for j in (2, 3, 4))
    return mean, second, third, fourth


def fano_spread(mass: Array, n: float) -> float:
    """Return the standard deviation of variance / mean of n independent counts, for large n."""
    m, v, third, fourth = central_moments(mass)
    return float(np.sqrt(((fourth - v * v) / m**2 - 2 * third * v / m**3 + v**3 / m**4) / n))


def cv_spread(mass: Array, n: float) -> float:
    """Return the standard deviation of the CV of n independent gaps of 1, 2, … bins, for large n.

    Gaps that hardly vary give a small one.
    """
    m, v, third, fourth = central_moments(mass, 1)
    return float(np.sqrt(((fourth - v * v) / (4 * v * m**2) - third / m**3 + v * v / m**4) / n))


def gap_law(hazards: Array) -> Array:
    """Return the probabilities of gaps of 1, 2, … bins from their hazards: (age,)."""
    before = np.concatenate([[1.0], np.cumprod(1 - hazards)[:-1]])
    return np.asarray(before * hazards)
