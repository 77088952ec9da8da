"""Part: a set of sufficient statistics that a summary may hold, declared once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from stochnet.errors import InvalidInputError
from stochnet.statistics.summary.sparse import Rows
from stochnet.statistics.summary.trials import NodeBlock, Trials
from stochnet.statistics.summary.word_run import Stream

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
        ``(trials, layout, n_nodes) -> Stream``, which counts the same in packed spikes that arrive
        a few words at a time. A part without it has `of_totals`.
    shared : callable, optional
        ``(trials, layout) -> fields of each condition`` that all nodes share.
    of_totals : callable, optional
        ``(bins, active bins (node,)) -> fields`` of packed spikes of one condition. Such a part has
        a table for counts only.
    columns : callable, optional
        ``(layout, wider layout) -> columns`` where each column stands in a wider layout, for a part
        whose columns depend on the most spikes of a bin or window.
    per_condition : bool
        Whether conditions are told apart; if not, all have the fields of all bins.
    windowed : bool
        Whether it depends on the window.
    by_default : bool
        Whether it is kept where nobody says what to keep: what processes of the library need.
    signed : bool
        Whether its table holds differences, which may be negative; other entries are counts.
    extra_bytes : int
        Bytes a node that an estimator takes beside its columns.
    """

    name: str
    fields: tuple[Field, ...]
    compute: Callable[[NodeBlock], Sequence[Fields]]
    stream: Callable[[Trials, RowLayout, int], Stream] | None = None
    shared: Callable[[Trials, RowLayout], Sequence[Fields]] | None = None
    of_totals: Callable[[int, Index], Fields] | None = None
    columns: Callable[[RowLayout, RowLayout], Index] | None = None
    per_condition: bool = True
    windowed: bool = False
    by_default: bool = False
    signed: bool = False
    extra_bytes: int = 0

    def __post_init__(self) -> None:
        if self.stream is None and self.of_totals is None:
            raise InvalidInputError(f"the part {self.name} needs a stream, or of_totals")

    def has_table(self, kind: Literal["spikes", "counts"]) -> bool:
        """Return whether it has a table, or is known from the totals."""
        return kind == "counts" or self.of_totals is None

    def width(self, layout: RowLayout) -> int:
        """Return the number of columns."""
        return sum(math.prod(shape) for _, _, shape in self._arrays(layout))

    def to_rows(self, found: Sequence[Fields], layout: RowLayout) -> Rows:
        """Return the columns of some nodes from their fields of each condition: (node, column)."""
        arrays = [one.encode(found[c][one.name]) for c, one, _ in self._arrays(layout)]
        rows = np.concatenate([array.reshape(len(array), -1) for array in arrays], axis=1)
        return rows.astype(np.int64, copy=False)

    def from_rows(self, rows: Rows, layout: RowLayout) -> list[Fields]:
        """Return the fields of each condition from the columns of some nodes."""
        found: list[dict[str, NDArray[Any]]] = [{} for _ in range(layout.n_conditions)]
        first = 0
        for c, one, shape in self._arrays(layout):
            last = first + math.prod(shape)
            array = one.decode(rows[:, first:last].reshape(len(rows), *shape))
            found[c][one.name] = np.ascontiguousarray(array, one.dtype)
            first = last
        return [*found] if self.per_condition else [*found[:1]] * layout.n_conditions

    def columns_in(self, own: RowLayout, wide: RowLayout) -> Index:
        """Return where each column stands in a wider layout: (column,)."""
        return np.arange(self.width(own)) if self.columns is None else self.columns(own, wide)

    def _arrays(self, layout: RowLayout) -> list[tuple[int, Field, tuple[int, ...]]]:
        """Return what the columns hold in order: condition, field, its shape for one node."""
        conditions = range(layout.n_conditions if self.per_condition else 1)
        return [(c, one, one.shape(layout, c))
                for c in conditions for one in self.fields if one.shape is not None]  # fmt: skip
