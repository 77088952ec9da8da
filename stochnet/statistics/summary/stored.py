"""RasterSummary: the sufficient statistics of all nodes of a raster, without its spikes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from stochnet.errors import InvalidInputError
from stochnet.raster.labels import per_bin
from stochnet.raster.layers import Layer, check_layers, cut_layers
from stochnet.raster.raster import SCHEDULES, SpikeRaster
from stochnet.raster.windows import check_window, segment_lengths
from stochnet.statistics.summary.rows import RowLayout
from stochnet.statistics.summary.sparse import SparseRows
from stochnet.statistics.summary.summary import PARTS

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
        The parts beyond totals; see `stochnet.statistics.summary.rows` for the columns.
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
            What to keep beyond totals, of ``"windows"``, ``"transitions"``, ``"gaps"``, ``"ages"``,
            ``"slots"``, ``"counts"``; by default what all processes need.

        Raises
        ------
        InvalidInputError
            An unknown part, a window longer than the trial, no conditions though asked for.
        """
        from stochnet.statistics.summary.summary_sink import SummarySink

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
        """What can be read beyond totals; the counts of packed spikes are totals."""
        return frozenset(self.tables) | (frozenset({"counts"}) if self.kind == "spikes" else set())

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
    return source


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
    unknown = sorted(set(summary.tables) - set(PARTS))
    if unknown:
        raise InvalidInputError(f"parts are {', '.join(PARTS)}; got {', '.join(unknown)}")
    if summary.most_in_window and len(summary.most_in_window) != shape[1]:
        raise InvalidInputError("most_in_window needs one number for each condition")
    layout = row_layout(summary)
    for part, table in summary.tables.items():
        if (table.n_rows, table.width) != (n_nodes, layout.width(part)):
            raise InvalidInputError(
                f"the table of {part} must be {(n_nodes, layout.width(part))}, it is "
                f"{(table.n_rows, table.width)}"
            )
