"""Rows of counts that are mostly zero, kept as their entries in the narrowest integers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.errors import InvalidInputError
from stochnet.kernels import sparse as kernels
from stochnet.raster import NodeArray

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False, slots=True)
class SparseRows:
    """A table of integers (row, column) without its zeros.

    Attributes
    ----------
    starts : ndarray of int64 (row + 1,)
        Entries of row i are starts[i] to starts[i + 1].
    columns, values : NodeArray of integers (entry,)
        In memory or on disk; columns ascend within a row.
    width : int
        Number of columns.
    """

    starts: NDArray[np.int64]
    columns: NodeArray
    values: NodeArray
    width: int

    def __post_init__(self) -> None:
        n = int(self.starts[-1]) if len(self.starts) else -1
        lengths = np.diff(self.starts)
        fits = (n,) == tuple(self.columns.shape) == tuple(self.values.shape)
        if not fits or self.starts[0] != 0 or (lengths < 0).any() or (lengths > self.width).any():
            raise InvalidInputError("the entries of a sparse table do not fit its rows")

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.starts) - 1

    @property
    def nbytes(self) -> int:
        """Bytes of starts, columns and values."""
        entry = self.columns.dtype.itemsize + self.values.dtype.itemsize
        return int(self.starts.nbytes + entry * self.starts[-1])

    def dense(self, first: int, last: int) -> Rows:
        """Return rows `first` to `last` with their zeros: (row, column).

        Raises
        ------
        InvalidInputError
            A column lies outside the table.
        """
        starts = self.starts[first : last + 1]
        a, b = int(starts[0]), int(starts[-1])
        columns = np.asarray(self.columns[a:b]).astype(np.int32)
        if len(columns) and not 0 <= columns.min() <= columns.max() < self.width:
            raise InvalidInputError(f"a sparse table of {self.width} columns has others")
        out = np.zeros((last - first, self.width), np.int64)
        values = np.asarray(self.values[a:b]).astype(np.int64)
        kernels.scatter_entries(starts - a, columns, values, out)
        return out

    def moved(self, columns: NDArray[np.int64], width: int) -> SparseRows:
        """Return the table with column j at columns[j], which ascend, of `width`."""
        kept = columns[np.asarray(self.columns[0 : int(self.starts[-1])])]
        return SparseRows(self.starts, kept.astype(_narrowest(0, width)), self.values, width)


def sparse_rows(dense: Rows) -> SparseRows:
    """Return a table without its zeros, in the narrowest integers that hold its entries."""
    dense = np.ascontiguousarray(dense, np.int64)
    starts = np.zeros(len(dense) + 1, np.int64)
    kernels.count_entries(dense, starts[1:])
    np.cumsum(starts, out=starts)
    columns, values = np.empty(starts[-1], np.int32), np.empty(starts[-1], np.int64)
    kernels.gather_entries(dense, starts, columns, values)
    return SparseRows(starts, columns.astype(_narrowest(0, dense.shape[1])), narrowed(values),
                      dense.shape[1])  # fmt: skip


def joined_rows(parts: Sequence[SparseRows]) -> SparseRows:
    """Join tables of consecutive rows."""
    if len(parts) == 1:
        return parts[0]
    ends = np.cumsum([0, *(part.starts[-1] for part in parts)])
    starts = [part.starts[:-1] + end for part, end in zip(parts, ends[:-1], strict=True)]
    values = [np.asarray(part.values[0 : int(part.starts[-1])]) for part in parts]
    kind = _narrowest(
        min(int(one.min(initial=0)) for one in values),
        max(int(one.max(initial=0)) for one in values),
    )
    return SparseRows(
        np.concatenate([*starts, ends[-1:]]).astype(np.int64),
        np.concatenate([part.columns[0 : int(part.starts[-1])] for part in parts]),
        np.concatenate(values, dtype=kind, casting="unsafe"),
        parts[0].width,
    )


def narrowed(values: NDArray[np.int64]) -> NDArray[Any]:
    """Return integers in the narrowest type that holds them; unsigned if none is negative."""
    return values.astype(_narrowest(int(values.min(initial=0)), int(values.max(initial=0))))


def _narrowest(low: int, high: int) -> np.dtype[Any]:
    kinds = (np.uint8, np.uint16, np.uint32) if low >= 0 else (np.int8, np.int16, np.int32)
    for kind in kinds:
        if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
            return np.dtype(kind)
    return np.dtype(np.int64)
