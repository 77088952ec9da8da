"""Distances between two empirical laws."""

from __future__ import annotations

import numba


@numba.njit(nogil=True, error_model="numpy")
def largest_difference(first, second, below_first, below_second):
    """Largest difference between the distribution functions of two sorted samples.

    Neither is empty; below_first and below_second float64 (n + 1,) are the fractions k / n.
    """
    n, m = len(first), len(second)
    i, j, largest = 0, 0, 0.0
    while i < n and j < m:
        value = first[i]
        if second[j] < value:
            value = second[j]
        while i < n and first[i] <= value:
            i += 1
        while j < m and second[j] <= value:
            j += 1
        difference = abs(below_first[i] - below_second[j])
        if difference > largest:
            largest = difference
    return largest
