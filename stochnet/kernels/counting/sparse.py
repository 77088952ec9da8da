"""Rows of counts of which most are zero: to entries (column, value) and back."""

from __future__ import annotations

from stochnet.kernels.compile import kernel

STRIDE = 16


@kernel
def gather_entries(dense, clear, starts, columns, values):
    """List the entries of each row that are not zero, and make them zero if `clear`.

    dense int64 (row, column); starts int64 (row + 1,), columns int32 and values int64 (entry,) with
    room for all are written.
    """
    width = dense.shape[1]
    at = 0
    for i in range(dense.shape[0]):
        row = dense[i]
        starts[i] = at
        for j in range(0, width, STRIDE):
            # Most strides are all zero.
            if j + STRIDE <= width:
                seen = 0
                for k in range(j, j + STRIDE):
                    seen |= row[k]
                if seen == 0:
                    continue
            for k in range(j, min(j + STRIDE, width)):
                if row[k] != 0:
                    columns[at] = k
                    values[at] = row[k]
                    at += 1
                    if clear:
                        row[k] = 0
    starts[dense.shape[0]] = at


@kernel
def scatter_entries(starts, columns, values, out):
    """Put entries back: out int64 (row, column), zero before; starts begin at 0."""
    for i in range(out.shape[0]):
        row = out[i]
        for at in range(starts[i], starts[i + 1]):
            row[columns[at]] = values[at]
