"""Rows of counts of which most are zero: to entries (column, value) and back."""

from __future__ import annotations

import numba

STRIDE = 16


@numba.njit(nogil=True, error_model="numpy")
def count_entries(dense, out):
    """Entries of each row that are not zero: dense int64 (row, column), out int64 (row,)."""
    width = dense.shape[1]
    for i in range(dense.shape[0]):
        row = dense[i]
        n = 0
        for j in range(width):
            n += row[j] != 0
        out[i] = n


@numba.njit(nogil=True, error_model="numpy")
def gather_entries(dense, starts, columns, values):
    """List the entries of each row: columns int32 and values int64 (entry,), from starts[row]."""
    width = dense.shape[1]
    for i in range(dense.shape[0]):
        row = dense[i]
        at, end = starts[i], starts[i + 1]
        j = 0
        while at < end:
            # Most strides are all zero.
            if j + STRIDE <= width:
                seen = 0
                for k in range(j, j + STRIDE):
                    seen |= row[k]
                if seen == 0:
                    j += STRIDE
                    continue
            for k in range(j, min(j + STRIDE, width)):
                if row[k] != 0:
                    columns[at] = k
                    values[at] = row[k]
                    at += 1
            j += STRIDE


@numba.njit(nogil=True, error_model="numpy")
def scatter_entries(starts, columns, values, out):
    """Put entries back: out int64 (row, column), zero before; starts begin at 0."""
    for i in range(out.shape[0]):
        row = out[i]
        for at in range(starts[i], starts[i + 1]):
            row[columns[at]] = values[at]
