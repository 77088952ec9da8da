"""Rows of counts that are mostly zero, kept as their entries in the narrowest integers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.errors import InvalidInputError
from stochnet.kernels.counting import sparse as kernels
from stochnet.raster.raster import NodeArray

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

    def dense(self, first: int, last: int, out: Rows | None = None) -> Rows:
        """Return rows `first` to `last` with their zeros: (row, column), in `out`, of zeros.

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
        if out is None:
            out = np.zeros((last - first, self.width), np.int64)
        values = np.asarray(self.values[a:b]).astype(np.int64)
        kernels.scatter_entries(starts - a, columns, values, out)
        return out

    def part(self, first: int, last: int) -> SparseRows:
        """Return rows `first` to `last`, in memory."""
        starts = self.starts[first : last + 1]
        a, b = int(starts[0]), int(starts[-1])
        return SparseRows(
            starts - a, np.asarray(self.columns[a:b]), np.asarray(self.values[a:b]), self.width
        )

    def moved(self, columns: NDArray[np.int64], width: int) -> SparseRows:
        """Return the table with column j at columns[j], which ascend, of `width`."""
        kept = columns[np.asarray(self.columns[0 : int(self.starts[-1])])]
        return SparseRows(self.starts, kept.astype(_narrowest(0, width)), self.values, width)


class Scratch:
    """Memory in which rows are unpacked, changed and packed again; for one thread.

    Parameters
    ----------
    size : int
        Most numbers of a block of rows.
    """

    def __init__(self, size: int) -> None:
        self._rows = np.zeros(size, np.int64)
        self._columns = np.empty(size, np.int32)
        self._values = np.empty(size, np.int64)

    def unpack(self, table: SparseRows) -> Rows:
        """Return all rows of a table with their zeros; `pack` them before the next ones."""
        rows = self._rows[: table.n_rows * table.width].reshape(table.n_rows, table.width)
        return table.dense(0, table.n_rows, out=rows)

    def pack(self, rows: Rows) -> SparseRows:
        """Return unpacked rows without their zeros, and leave zeros behind."""
        return _packed(rows, True, self._columns, self._values)


def sparse_rows(dense: Rows) -> SparseRows:
    """Return a table without its zeros, in the narrowest integers that hold its entries."""
    dense = np.ascontiguousarray(dense, np.int64)
    return _packed(dense, False, np.empty(dense.size, np.int32), np.empty(dense.size, np.int64))


def _packed(
    dense: Rows, clear: bool, columns: NDArray[np.int32], values: NDArray[np.int64]
) -> SparseRows:
    starts = np.empty(len(dense) + 1, np.int64)
    kernels.gather_entries(dense, clear, starts, columns, values)
    n, width = int(starts[-1]), dense.shape[1]
    return SparseRows(starts, columns[:n].astype(_narrowest(0, width)), narrowed(values[:n]), width)


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
