"""Distances between two empirical laws."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(nogil=True, error_model="numpy")
def largest_difference(first, second, below_first, below_second):
    """Largest difference between the distribution functions of two sorted samples.

    Neither is empty; below_first and below_second float64 (n + 1,) are the fractions k / n.
    """
    n, m = len(first), len(second)
    i, j, largest = 0, 0, 0.0
    value = first[0]
    while i < n and j < m:
        a, b = first[i], second[j]
        value = min(a, b)
        i += np.int64(a <= b)
        j += np.int64(b <= a)
        # Between equal values neither function has a value yet.
        done = (i == n or first[i] > value) and (j == m or second[j] > value)
        if done:
            largest = max(largest, abs(below_first[i] - below_second[j]))
    while i < n and first[i] <= value:
        i += 1
    while j < m and second[j] <= value:
        j += 1
    return max(largest, abs(below_first[i] - below_second[j]))
