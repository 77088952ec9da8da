"""Part: a set of sufficient statistics that a summary may hold, declared once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from stochnet.errors import InvalidInputError
from stochnet.statistics.summary.sparse import Rows
from stochnet.statistics.summary.trials import NodeBlock, Trials
from stochnet.statistics.summary.word_run import PartStream

Fields = Mapping[str, NDArray[Any]]
Index = NDArray[np.int64]


@dataclass(frozen=True, eq=False, slots=True)
class RowLayout:
    """What the columns of a part depend on: sizes, and the most spikes that were seen.

    Attributes
    ----------
    n_bins : int
        Bins per trial.
    lengths : tuple of ndarray of int64 (group,)
        For each condition, the lengths of its segments, ascending.
    most_in_window : tuple of int
        For each condition, the most spikes of a segment of counts; 0 for packed spikes, whose
        segments hold no more than their bins.
    most_in_bin : int
        The most spikes of a bin of counts; 1 for packed spikes.
    """

    n_bins: int
    lengths: tuple[Index, ...]
    most_in_window: tuple[int, ...]
    most_in_bin: int

    @property
    def n_conditions(self) -> int:
        """Conditions that are told apart; 1 when pooled."""
        return len(self.lengths)

    @property
    def most(self) -> tuple[int, ...]:
        """What may differ between blocks of one raster: the most spikes of windows and bins."""
        return *self.most_in_window, self.most_in_bin

    def offsets(self, condition: int) -> Index:
        """Return where the segments of each length begin: (group + 1,)."""
        sizes = np.maximum(self.lengths[condition], self.most_in_window[condition]) + 1
        return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Field:
    """An array of a `Summary` that a part brings.

    Attributes
    ----------
    name : str
        Attribute of the summary.
    dtype : type
    empty : tuple of int
        Its shape, without the nodes, where the part was not asked for; it holds zeros then.
    shape : callable, optional
        ``(layout, condition) -> shape`` of one node. Without it, all nodes share one array, which
        is no column of a table.
    encode, decode : callable, optional
        From the array of some nodes to integers of the same shape, of which more are zero, and
        back.
    """

    name: str
    dtype: type[np.generic]
    empty: tuple[int, ...]
    shape: Callable[[RowLayout, int], tuple[int, ...]] | None = None
    encode: Callable[[NDArray[Any]], Rows] = np.asarray
    decode: Callable[[Rows], NDArray[Any]] = np.asarray

    def of_none(self, n_nodes: int) -> NDArray[Any]:
        """Return the array of a summary whose part was not asked for."""
        return np.zeros(self.empty if self.shape is None else (n_nodes, *self.empty), self.dtype)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a summary: a record of functions, one file a part, found by itself.

    Attributes
    ----------
    name : str
        That of its file, in `Process.needs`, in files and on the command line.
    fields : tuple of Field
        Arrays of a `Summary`; those with nodes are the columns of its table, in this order.
    compute : callable
        ``block -> fields of each condition``, of nodes in memory.
    stream : callable, optional
        ``(trials, layout, n_nodes) -> PartStream``, which counts the same in packed spikes that
        arrive a few words at a time. A part without it has `of_totals`.
    shared : callable, optional
        ``(trials, layout) -> fields of each condition`` that all nodes share.
    of_totals : callable, optional
        ``(bins, active bins (node,)) -> fields`` of packed spikes of one condition. Such a part has
        a table for counts only.
    columns : callable, optional
        ``(layout, wider layout, condition) -> column`` of each column in a wider layout. Without
        it, places in the arrays of the fields stay as they are.
    per_condition : bool
        Whether conditions are told apart; if not, all have the fields of all bins.
    windowed : bool
        Whether it depends on the window.
    by_default : bool
        Whether it is kept where nobody says what to keep: what processes of the library need.
    extra_bytes : int
        Bytes a node that an estimator takes beside the fields.
    """

    name: str
    fields: tuple[Field, ...]
    compute: Callable[[NodeBlock], Sequence[Fields]]
    stream: Callable[[Trials, RowLayout, int], PartStream] | None = None
    shared: Callable[[Trials, RowLayout], Sequence[Fields]] | None = None
    of_totals: Callable[[int, Index], Fields] | None = None
    columns: Callable[[RowLayout, RowLayout, int], Index] | None = None
    per_condition: bool = True
    windowed: bool = False
    by_default: bool = False
    extra_bytes: int = 0

    def __post_init__(self) -> None:
        if self.stream is None and self.of_totals is None:
            raise InvalidInputError(f"the part {self.name} needs a stream, or of_totals")

    def has_table(self, kind: Literal["spikes", "counts"]) -> bool:
        """Return whether it has a table, or is known from the totals."""
        return kind == "counts" or self.of_totals is None

    def width(self, layout: RowLayout) -> int:
        """Return the number of columns."""
        return sum(self._width(layout, c) for c in self._conditions(layout))

    def node_bytes(self, layout: RowLayout) -> int:
        """Return about how many bytes it takes of one node."""
        sizes = (
            int(np.prod(one.shape(layout, c))) * np.dtype(one.dtype).itemsize
            for c in self._conditions(layout)
            for one in self.fields
            if one.shape is not None
        )
        return self.extra_bytes + sum(sizes)

    def to_rows(self, of_conditions: Sequence[Fields]) -> Rows:
        """Return the columns of some nodes from their fields of each condition: (node, column)."""
        pieces = [
            one.encode(fields[one.name]).reshape(len(fields[one.name]), -1)
            for fields in (of_conditions if self.per_condition else of_conditions[:1])
            for one in self.fields
            if one.shape is not None
        ]
        return np.concatenate(pieces, axis=1).astype(np.int64, copy=False)

    def from_rows(self, rows: Rows, layout: RowLayout) -> list[Fields]:
        """Return the fields of each condition from the columns of some nodes."""
        found: list[Fields] = []
        first = 0
        for c in self._conditions(layout):
            fields: dict[str, NDArray[Any]] = {}
            for one in self.fields:
                if one.shape is not None:
                    shape = one.shape(layout, c)
                    last = first + int(np.prod(shape))
                    array = one.decode(rows[:, first:last].reshape(len(rows), *shape))
                    fields[one.name] = np.ascontiguousarray(array, one.dtype)
                    first = last
            found.append(fields)
        return found if self.per_condition else found * layout.n_conditions

    def columns_in(self, own: RowLayout, wide: RowLayout) -> Index:
        """Return where each column stands in a wider layout: (column,)."""
        place, found, base = self.columns or self._places, [], 0
        for c in self._conditions(own):
            found.append(base + place(own, wide, c))
            base += self._width(wide, c)
        return np.concatenate([np.zeros(0, np.int64), *found])

    def _conditions(self, layout: RowLayout) -> range:
        return range(layout.n_conditions if self.per_condition else 1)

    def _width(self, layout: RowLayout, condition: int) -> int:
        shapes = (one.shape(layout, condition) for one in self.fields if one.shape is not None)
        return sum(int(np.prod(shape)) for shape in shapes)

    def _places(self, own: RowLayout, wide: RowLayout, condition: int) -> Index:
        found, base = [], 0
        for one in self.fields:
            if one.shape is not None:
                shape, other = one.shape(own, condition), one.shape(wide, condition)
                at = np.ravel_multi_index(tuple(np.indices(shape)), other)
                found.append(base + at.reshape(-1).astype(np.int64))
                base += int(np.prod(other))
        return np.concatenate(found)
