"""Rates and Fano factors of small arrays as exact fractions, in plain Python."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any

from numpy.typing import NDArray

Counts = NDArray[Any]
Value = Fraction | float | None
"""A number, or None where it does not exist."""
OfNode = Callable[[Counts, int], Value]
"""(trial, bin) of one node, and bins per window -> its value."""
OfNodes = Callable[[Counts, int], list[Value]]
"""(node, trial, bin), and bins per window -> the value of every node, or one of the network."""


def each(function: OfNode) -> OfNodes:
    """Return the function that takes all nodes, one by one."""
    return lambda dense, window: [function(row, window) for row in dense]


def average(values: Iterable[Value]) -> Value:
    """Mean of the values that exist; None if none does."""
    found = [value for value in values if value is not None]
    return sum(found, Fraction(0)) / len(found) if found else None


def over_nodes(function: OfNodes) -> OfNodes:
    """Return the function that averages over the nodes that have a value."""
    return lambda dense, window: [average(function(dense, window))]


def rate(row: Counts, window: int) -> Value:
    """Spikes per bin."""
    return Fraction(int(row.sum()), row.size)


def tiles(row: Counts, window: int) -> Counts:
    """Bins of the full windows that tile every trial from its first bin: (window, bin)."""
    full = row.shape[1] // window * window
    return row[:, :full].reshape(-1, window)


def windows(row: Counts, window: int) -> list[int]:
    """Spikes in the full windows."""
    return [int(n) for n in tiles(row, window).sum(axis=1)]


def dispersion(counts: Iterable[int], ddof: int = 1) -> Value:
    """Variance over mean; None without spikes, and for too few counts."""
    found = list(counts)
    n, total = len(found), sum(found)
    if n <= ddof or total == 0:
        return None
    return Fraction(n * sum(x * x for x in found) - total * total, (n - ddof) * total)


def fano(row: Counts, window: int) -> Value:
    """Fano factor: variance (ddof=1) over mean of the window counts."""
    return dispersion(windows(row, window))
