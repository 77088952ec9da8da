"""Read what an estimator asks for, of a raster or of its summary: one way for both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stochnet.errors import InvalidInputError
from stochnet.raster.blocks import nodes_that_fit
from stochnet.raster.raster import SpikeRaster
from stochnet.statistics.summary.parts import check_parts
from stochnet.statistics.summary.reading import RasterReader, Reader
from stochnet.statistics.summary.stored import RasterSummary, row_layout
from stochnet.statistics.summary.summary import Summary, by_condition
from stochnet.statistics.summary.summary_part import Fields, Part
from stochnet.statistics.summary.trials import Totals, Trials


class SummaryReader:
    """Unpacks blocks of nodes of a summary.

    Raises
    ------
    InvalidInputError
        A part is missing, or was made with another window or other conditions.
    """

    def __init__(self, summary: RasterSummary, trials: Trials, parts: Iterable[str]) -> None:
        wanted = check_parts(parts)
        _require(summary, trials, wanted)
        self._summary, self._trials, self._layout = summary, trials, row_layout(summary)
        self._parts = [part for part in wanted if part.name in summary.tables]
        self._known = [part for part in wanted if part.name not in summary.tables]
        self._shared = {f"{part.name}, shared": part.shared(trials, self._layout)
                        for part in self._parts if part.shared is not None}  # fmt: skip

    @property
    def step(self) -> int:
        """Nodes in a block, so that its summaries fit into memory."""
        width = sum(part.width(self._layout) for part in self._parts)
        return nodes_that_fit(64 + 24 * width)

    def read(self, first: int, last: int) -> tuple[Summary, ...]:
        """Return what was observed of some nodes, by condition, as from the raster."""
        summary = self._summary
        totals = Totals(
            summary.spikes[first:last],
            summary.active[first:last],
            summary.log_factorials[first:last],
        )
        found: dict[str, Sequence[Fields]] = {
            part.name: part.from_rows(summary.tables[part.name].dense(first, last), self._layout)
            for part in self._parts
        }
        return by_condition(self._trials, totals, self._shared | found, self._known)


def reader_of(source: SpikeRaster | RasterSummary, trials: Trials, parts: Iterable[str]) -> Reader:
    """Return what reads a raster, or its summary.

    Raises
    ------
    InvalidInputError
        The summary does not hold what is asked for.
    """
    if isinstance(source, RasterSummary):
        return SummaryReader(source, trials, parts)
    return RasterReader(source, trials, parts)


def _require(summary: RasterSummary, trials: Trials, parts: Iterable[Part]) -> None:
    """Refuse what the spikes would be needed for."""
    missing = [part.name for part in parts if part.name not in summary.parts]
    if missing:
        options = " ".join(f"--part {part}" for part in missing)
        raise InvalidInputError(
            f"this summary lacks {' and '.join(missing)}, which the fit needs; it holds "
            f"{', '.join(sorted(summary.parts)) or 'totals only'}: make it from the raster again "
            f"with parts that include {missing} ({options}), or choose another process"
        )
    per_condition = trials.per_condition
    if per_condition != summary.per_condition:
        made, asked = ("per condition", "pooled") if summary.per_condition else (
            "pooled", "per condition")  # fmt: skip
        raise InvalidInputError(
            f"this summary is {made} and the fit is {asked}: fit with "
            f"per_condition={summary.per_condition}, or make the summary from the raster again "
            f"with per_condition={per_condition} (--per-condition)"
        )
    own, other = summary.window or summary.n_bins, trials.window
    if own != other and any(part.windowed for part in parts):
        raise InvalidInputError(
            f"this summary has windows of {own} bins and the fit asks for {other}: fit with "
            f"window={own} (--window {own}), or make the summary from the raster again with "
            f"window={other}"
        )
