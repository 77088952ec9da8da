"""Smoothed bootstrap of whole nodes: new ones that are like the fitted ones, and no copies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stochnet.bundle.populations.columns import from_line, on_line
from stochnet.bundle.populations.scales import Scale
from stochnet.process import Array

# Half of what is best for a single normal law: a row has many columns, and their law is not normal.
BANDWIDTH = 0.5


@dataclass(frozen=True, eq=False, slots=True)
class Kernel:
    """What is added to a resampled row, on the unbounded scales.

    A row y becomes centre + √(1 - h²) (y - centre) + h ε, with ε normal and of the covariance of
    the rows, so that means and covariances over nodes stay as they are.

    Attributes
    ----------
    bandwidth : float
        h, from 0 (copies) to below 1.
    centre : ndarray of float64 (column,)
    covariance : ndarray of float64 (column, column)

    References
    ----------
    Silverman & Young (1987), Biometrika 74, 469-479; Davison, Hinkley & Schechtman (1986),
    Biometrika 73, 555-566 (balanced resampling).
    """

    bandwidth: float
    centre: Array
    covariance: Array


def fit_kernel(table: Array, scales: tuple[Scale, ...]) -> Kernel:
    """Return the kernel of a table (node, column); h = n^(-1/5) / 2, and 0 for a lone node.

    Point masses and whole numbers have no place on a scale: they count for nothing here, and are
    left alone when rows are drawn.
    """
    line = on_line(table, scales)
    known = ~np.isnan(line)
    count = known.sum(axis=0)
    centre = np.where(known, line, 0.0).sum(axis=0) / np.maximum(count, 1)
    off = np.where(known, line - centre, 0.0)
    both = known.T.astype(np.float64) @ known.astype(np.float64)
    covariance = off.T @ off / np.maximum(both, 1.0)
    n = len(table)
    return Kernel(BANDWIDTH * n**-0.2 if n > 1 else 0.0, centre, _proper(covariance))


def _proper(covariance: Array) -> Array:
    """Return the covariance itself; where gaps made it improper, the next that has its diagonal."""
    values, vectors = np.linalg.eigh(covariance)
    if values[0] >= 0:
        return covariance
    near = (vectors * np.maximum(values, 0.0)) @ vectors.T
    grown = np.sqrt(np.diag(covariance) / np.where(np.diag(near) > 0, np.diag(near), 1.0))
    return np.asarray(near * np.outer(grown, grown))


def root_of(covariance: Array) -> Array:
    """Return a square root: rows of normal numbers times it have that covariance."""
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray((np.sqrt(np.maximum(values, 0.0)) * vectors).T)


def draw_rows(
    table: Array,
    scales: tuple[Scale, ...],
    kernel: Kernel,
    rows: NDArray[np.int64],
    rng: np.random.Generator,
) -> Array:
    """Return smoothed copies of the named rows: (len(rows), column)."""
    line = on_line(table, scales)[rows]
    h = kernel.bandwidth
    noise = rng.standard_normal(line.shape) @ root_of(kernel.covariance)
    moved = kernel.centre + np.sqrt(1 - h * h) * (line - kernel.centre) + h * noise
    return from_line(moved, table[rows], scales) if h else table[rows]


def balanced(n_rows: int, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return n rows in random order, of which no one occurs more than once oftener than another."""
    whole, rest = divmod(n, n_rows)
    rows = np.concatenate([np.tile(np.arange(n_rows), whole), rng.permutation(n_rows)[:rest]])
    return rng.permutation(rows)
