"""RasterSummary: the sufficient statistics of all nodes of a raster, without its spikes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from stochnet.errors import InvalidInputError, entrance
from stochnet.raster.layers import Layer, check_layer_list, check_layers, cut_layers
from stochnet.raster.raster import OF_ARRAYS, SCHEDULES, SpikeRaster, check_raster, per_bin
from stochnet.raster.windows import check_window, segment_lengths
from stochnet.statistics.summary.parts import PARTS, check_parts
from stochnet.statistics.summary.reading import RasterReader
from stochnet.statistics.summary.sparse import SparseRows, joined_rows, sparse_rows
from stochnet.statistics.summary.summary import Summary, by_condition, computed
from stochnet.statistics.summary.summary_part import RowLayout
from stochnet.statistics.summary.trials import NodeBlock, Totals, Trials

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class RasterSummary:
    """The sufficient statistics of all nodes of a raster: what `fit` needs, without the spikes.

    Make one with `RasterSummary.of`, with a `SummarySink` in `stochnet.simulate`, or with
    `stochnet.record_summary`. `stochnet.fit`, `stochnet.select` and `stochnet.fit_bundle` take it
    as they take the raster, with the same result to the last bit.

    Attributes
    ----------
    kind : {"spikes", "counts"}
        Kind of the raster.
    layers : tuple of Layer
        They partition the nodes in order.
    n_trials, n_bins : int
        Size of the raster.
    window : int or None
        Bins per window; None is the whole trial.
    per_condition : bool
        Whether conditions are told apart.
    spikes, active : ndarray of int64 (node, condition)
        Spikes, and bins with at least one; one column when pooled.
    log_factorials : ndarray of float64 (node, condition)
        Sum over bins of log(count!); 0 for packed spikes.
    tables : mapping of part to SparseRows (node, column)
        The parts beyond totals; see `stochnet.statistics.summary.summary_part` for the columns.
    most_in_window : tuple of int
        For each condition, the most spikes of a window of counts; 0 for packed spikes.
    most_in_bin : int
        The most spikes of a bin of counts; 1 for packed spikes.
    conditions : ndarray of int16 (trial, bin) or None
        Class of every bin of the raster, -1 for none.
    bin_width : float
        Seconds per bin, NaN if none.
    schedule : str
        How the stimuli were presented.
    provenance : dict
        Not part of the content.
    """

    kind: Literal["spikes", "counts"]
    layers: tuple[Layer, ...]
    n_trials: int
    n_bins: int
    window: int | None
    per_condition: bool
    spikes: NDArray[np.int64]
    active: NDArray[np.int64]
    log_factorials: Array
    tables: Mapping[str, SparseRows]
    most_in_window: tuple[int, ...] = ()
    most_in_bin: int = 1
    conditions: NDArray[np.int16] | None = None
    bin_width: float = math.nan
    schedule: str = "none"
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", check_layer_list(self.layers))
        if self.conditions is not None:
            table = per_bin("conditions", self.conditions, self.n_trials, self.n_bins)
            object.__setattr__(self, "conditions", table)
        _check(self)

    @classmethod
    def of(
        cls,
        raster: SpikeRaster,
        *,
        window: int | None = None,
        per_condition: bool = False,
        parts: Iterable[str] | None = None,
    ) -> RasterSummary:
        """Summarise a raster, a block of nodes at a time.

        Parameters
        ----------
        raster : SpikeRaster
            May be larger than memory.
        window : int, optional
            Bins per window; the whole trial by default. A fit can use this window only.
        per_condition : bool, default False
            Tell the conditions apart, for parameters per condition.
        parts : iterable of str, optional
            What to keep beyond totals: names of files of `stochnet.statistics.summary.parts`; by
            default what all processes need.

        Raises
        ------
        InvalidInputError
            An unknown part, a window longer than the trial, no conditions though asked for.
        """
        check_raster(raster)
        sink = SummarySink(window=window, per_condition=per_condition, parts=parts)
        sink.begin(raster)
        sink.read(raster)
        return sink.summary

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return len(self.spikes)

    @property
    def n_conditions(self) -> int:
        """One more than the highest condition; 0 without conditions."""
        return 0 if self.conditions is None else int(self.conditions.max(initial=-1)) + 1

    @property
    def parts(self) -> frozenset[str]:
        """What can be read beyond totals: tables, and what follows from the totals."""
        known = (name for name, part in PARTS.items() if not part.has_table(self.kind))
        return frozenset(self.tables).union(known)

    @property
    def node_bytes(self) -> int:
        """Bytes one node takes, on average."""
        return -(-self.nbytes // self.n_nodes)

    @property
    def nbytes(self) -> int:
        """Bytes of totals and parts."""
        totals = self.spikes.nbytes
        if self.kind == "counts":
            totals += self.active.nbytes + self.log_factorials.nbytes
        return totals + sum(table.nbytes for table in self.tables.values())

    def __repr__(self) -> str:
        held = ", ".join(part for part in PARTS if part in self.tables) or "totals"
        return (
            f"RasterSummary({self.n_nodes} nodes × {self.n_trials} trials × {self.n_bins} bins, "
            f"{held}, window={self.window}, per_condition={self.per_condition}, "
            f"{len(self.layers)} layer(s), schedule={self.schedule})"
        )

    def part(self, first: int, last: int, *, conditions: NDArray[np.int16] | None) -> RasterSummary:
        """Return the summary of some nodes, with the given labels, for a worker."""
        return replace(
            self,
            layers=cut_layers(self.layers, first, last),
            spikes=self.spikes[first:last],
            active=self.active[first:last],
            log_factorials=self.log_factorials[first:last],
            tables={part: table.part(first, last) for part, table in self.tables.items()},
            conditions=conditions,
            provenance={},
        )


def check_source(source: Any) -> SpikeRaster | RasterSummary:
    """Return a raster or a summary; anything else is refused.

    Raises
    ------
    InvalidInputError
        It is neither; the message says how to make a raster of it.
    """
    return entrance.instance("raster", source, (SpikeRaster, RasterSummary), OF_ARRAYS)


def require_raster(source: SpikeRaster | RasterSummary, what: str) -> SpikeRaster:
    """Return the raster, or refuse a summary for what needs the spikes themselves.

    Raises
    ------
    InvalidInputError
        It is a summary.
    """
    if isinstance(source, RasterSummary):
        raise InvalidInputError(
            f"{what} needs the spikes, which a summary does not keep: use the raster, or, for a "
            "choice among processes, the criterion aic or bic"
        )
    return check_raster(source)


def row_layout(summary: RasterSummary) -> RowLayout:
    """Return which column of the tables of a summary means what."""
    labels = summary.conditions if summary.per_condition else None
    lengths = segment_lengths(summary.n_trials, summary.n_bins, summary.window, labels)
    most = summary.most_in_window or (0,) * len(lengths)
    return RowLayout(summary.n_bins, lengths, most, summary.most_in_bin)


def _check(summary: RasterSummary) -> None:
    n_nodes = len(summary.spikes)
    check_layers(summary.layers, n_nodes)
    if min(n_nodes, summary.n_trials, summary.n_bins) < 1:
        raise InvalidInputError("a summary needs at least one node, trial and bin")
    check_window(summary.window, summary.n_bins)
    if summary.schedule not in SCHEDULES or summary.kind not in ("spikes", "counts"):
        raise InvalidInputError(f"no such schedule or kind: {summary.schedule!r}, {summary.kind!r}")
    shape = (n_nodes, summary.n_conditions if summary.per_condition else 1)
    for name in ("spikes", "active", "log_factorials"):
        if getattr(summary, name).shape != shape or not shape[1]:
            raise InvalidInputError(f"{name} must be (node, condition), here {shape}")
    check_parts(tuple(summary.tables))
    if summary.most_in_window and len(summary.most_in_window) != shape[1]:
        raise InvalidInputError("most_in_window needs one number for each condition")
    layout = row_layout(summary)
    for name, table in summary.tables.items():
        width = PARTS[name].width(layout)
        if (table.n_rows, table.width) != (n_nodes, width):
            raise InvalidInputError(
                f"the table of {name} must be {(n_nodes, width)}, it is "
                f"{(table.n_rows, table.width)}"
            )


class SummarySink:
    """Takes the blocks of a new raster and keeps their sufficient statistics only.

    Give it to `stochnet.simulate` as ``sink``; `summary` is there afterwards.

    Parameters
    ----------
    window : int, optional
        Bins per window; the whole trial by default. A fit can use this window only.
    per_condition : bool, default False
        Tell the conditions apart, for parameters per condition.
    parts : iterable of str, optional
        As for `RasterSummary.of`.

    Raises
    ------
    InvalidInputError
        An unknown part.

    Examples
    --------
    >>> import stochnet as sn
    >>> bundle = sn.Bundle.from_params("bernoulli", {"p": [0.1, 0.4]})
    >>> sink = sn.SummarySink(window=100)
    >>> _ = sn.simulate(bundle, 10, 1000, seed=1, sink=sink)
    >>> sn.fit(sink.summary, "beta_bernoulli", window=100).node_ids
    array([0, 1])
    """

    def __init__(
        self,
        *,
        window: int | None = None,
        per_condition: bool = False,
        parts: Iterable[str] | None = None,
    ) -> None:
        self._window = None if window is None else entrance.whole("window", window)
        self._per_condition = entrance.truth("per_condition", per_condition)
        self._parts = check_parts(parts)
        self._raster: SpikeRaster | None = None
        self._forget()

    def _forget(self) -> None:
        self._totals: list[Totals] = []
        self._layouts: list[RowLayout] = []
        self._tables: dict[str, list[SparseRows]] = {}
        self._n_nodes = 0

    def begin(self, raster: SpikeRaster) -> None:
        """Begin; what was taken before is forgotten.

        Raises
        ------
        InvalidInputError
            A window longer than the trial, no conditions though asked for.
        """
        self._trials = Trials.of(check_raster(raster), self._window, self._per_condition)
        self._raster = raster
        self._forget()

    def take(self, first_node: int, block: SpikeRaster) -> None:
        """Take a block of whole nodes; blocks come in order.

        Raises
        ------
        InvalidInputError
            Another node comes next.
        """
        if self._raster is None or entrance.whole("first_node", first_node, 0) != self._n_nodes:
            raise InvalidInputError(
                f"node {self._n_nodes} comes next, not {entrance.shown(first_node)}"
            )
        self.read(block)

    def read(self, raster: SpikeRaster) -> None:
        """Take the next nodes, read from a raster block by block."""
        if self._raster is None:
            raise InvalidInputError("begin with the whole raster: sink.begin(raster)")
        check_raster(raster)
        names = [part.name for part in self._parts]
        for block in RasterReader(raster, self._trials, names).blocks():
            found, known = computed(block, self._parts)
            layout = _block_layout(by_condition(self._trials, block.totals, found, known), block)
            self._totals.append(block.totals)
            self._layouts.append(layout)
            for name, fields in found.items():
                rows = sparse_rows(PARTS[name].to_rows(fields, layout))
                self._tables.setdefault(name, []).append(rows)
        self._n_nodes += raster.n_nodes

    @property
    def summary(self) -> RasterSummary:
        """The summary of the whole raster.

        Raises
        ------
        InvalidInputError
            Nodes are missing.
        """
        raster = self._raster
        if raster is None or self._n_nodes != raster.n_nodes:
            raise InvalidInputError(
                "this sink has not taken a whole raster: give it to simulate(..., sink=) first"
            )
        layout = _widest(self._layouts)
        spikes = np.concatenate([one.spikes for one in self._totals])
        active, factorials = spikes, np.broadcast_to(np.float64(0), spikes.shape)
        if raster.kind == "counts":
            active = np.concatenate([one.active for one in self._totals])
            factorials = np.concatenate([one.log_factorials for one in self._totals])
        tables = {name: self._joined(name, layout) for name in self._tables}
        totals = Totals(spikes, active, factorials)
        return whole_summary(raster, self._window, self._per_condition, totals, tables, layout)

    def _joined(self, name: str, layout: RowLayout) -> SparseRows:
        part = PARTS[name]
        width = part.width(layout)
        return joined_rows([
            table if own.most == layout.most else table.moved(part.columns_in(own, layout), width)
            for own, table in zip(self._layouts, self._tables[name], strict=True)
        ])  # fmt: skip


def whole_summary(
    shown: SpikeRaster,
    window: int | None,
    per_condition: bool,
    totals: Totals,
    tables: Mapping[str, SparseRows],
    layout: RowLayout,
) -> RasterSummary:
    """Return the summary of a raster from its totals and tables."""
    return RasterSummary(
        kind=shown.kind,
        layers=shown.layers,
        n_trials=shown.n_trials,
        n_bins=shown.n_bins,
        window=window,
        per_condition=per_condition,
        spikes=totals.spikes,
        active=totals.active,
        log_factorials=totals.log_factorials,
        tables=tables,
        most_in_window=layout.most_in_window,
        most_in_bin=layout.most_in_bin,
        conditions=shown.conditions,
        bin_width=shown.bin_width,
        schedule=shown.schedule,
        provenance=dict(shown.provenance),
    )


def _block_layout(summaries: tuple[Summary, ...], block: NodeBlock) -> RowLayout:
    """Return the layout of the columns of a block of nodes."""
    lengths, most, widest = tuple(one.lengths for one in summaries), (0,) * len(summaries), 1
    if block.raster.kind == "counts":
        # The shortest segments have room for their own length, or for the most spikes of any.
        most = tuple(max(int(one.offsets[:2][-1]) - 1, 0) for one in summaries)
        widest = max(summaries[0].counts.shape[1] - 1, 0)
    return RowLayout(block.raster.n_bins, lengths, most, widest)


def _widest(layouts: list[RowLayout]) -> RowLayout:
    """Return the layout that has room for the columns of all blocks."""
    return replace(
        layouts[0],
        most_in_window=tuple(np.max([one.most_in_window for one in layouts], axis=0).tolist()),
        most_in_bin=max(one.most_in_bin for one in layouts),
    )
