"""SummaryStream: summarises spikes that arrive a few words of all nodes at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.kernels.counting import stream as kernels
from stochnet.kernels.counting.word_pieces import cut_words
from stochnet.kernels.threads import run_blocks
from stochnet.raster.raster import SpikeRaster
from stochnet.raster.windows import SLOTS, WindowRun, check_window, cut_windows, segment_lengths
from stochnet.statistics.summary.parts import require_conditions
from stochnet.statistics.summary.rows import RowLayout
from stochnet.statistics.summary.sparse import Rows, Scratch, SparseRows, joined_rows, sparse_rows
from stochnet.statistics.summary.stored import RasterSummary, check_parts

Words = NDArray[np.uint64]
# Bytes of the rows of a block of nodes, while words are added to them.
ROW_BYTES = 1 << 23
MOST_NODES = 4096
# Words of all nodes that are worth unpacking their rows for.
WORDS_AT_ONCE = 64


@dataclass(frozen=True, eq=False, slots=True)
class _Pieces:
    """Parts of words that belong together: word of each piece, its bits, its row in the plan."""

    words: NDArray[np.int64]
    masks: Words
    owner: NDArray[np.int64]


class SummaryStream:
    """Takes the spikes of all nodes in the order of the bins and keeps their statistics only.

    Memory: a few bytes of state a node, and the entries of its histograms, however many bins
    there are. The result equals `RasterSummary.of` the raster, to the last bit.

    Parameters
    ----------
    template : SpikeRaster
        The raster that is shown, without its data: packed spikes.
    window : int, optional
        Bins per window; the whole trial by default.
    per_condition : bool, default False
    parts : iterable of str, optional
        As for `stochnet.RasterSummary.of`.
    threads : int, optional

    Raises
    ------
    InvalidInputError
        An unknown part, a window longer than the trial, no conditions though asked for.
    """

    def __init__(
        self,
        template: SpikeRaster,
        *,
        window: int | None = None,
        per_condition: bool = False,
        parts: Iterable[str] | None = None,
        threads: int | None = None,
    ) -> None:
        self._template, self._window, self._per_condition = template, window, per_condition
        self._threads = threads
        self._run: WindowRun | None = None
        # What bins of packed spikes hold is known from the totals.
        self._parts = sorted(check_parts(parts) - {"counts"})
        self._width = check_window(window, template.n_bins)
        require_conditions(template, per_condition)
        labels = template.conditions if per_condition else None
        lengths = segment_lengths(template.n_trials, template.n_bins, window, labels)
        n = len(lengths)
        self._layout = layout = RowLayout(template.n_bins, lengths, (0,) * n, 1)
        widths = [int(layout.offsets(c)[-1]) for c in range(n)]
        self._window_base = np.concatenate([[0], np.cumsum(widths)])
        self._labels = None if labels is None else labels.reshape(-1)
        n_nodes = template.n_nodes
        self._spikes = np.zeros((n_nodes, n), np.int64)
        self._partial = np.zeros((n_nodes, n), np.int32)
        self._carry = np.zeros(n_nodes, np.uint64)
        self._previous = np.full(n_nodes, -1, np.int64)
        self._begin = np.zeros(n_nodes, np.int64)
        self._after = np.zeros(n_nodes, np.uint8)
        self._widest = max((layout.width(part) for part in self._parts), default=1)
        self._step = max(1, min(MOST_NODES, ROW_BYTES // (8 * self._widest)))
        self._tables: dict[str, list[SparseRows]] = {
            part: [_empty(b - a, layout.width(part)) for a, b in self._blocks()]
            for part in self._parts
        }

    def _blocks(self) -> list[tuple[int, int]]:
        n = self._template.n_nodes
        return [(a, min(a + self._step, n)) for a in range(0, n, self._step)]

    @property
    def nbytes(self) -> int:
        """Bytes of the state of all nodes."""
        carried = (
            self._spikes, self._partial, self._carry, self._previous, self._begin, self._after,
        )  # fmt: skip
        tables = sum(table.nbytes for tables in self._tables.values() for table in tables)
        return sum(array.nbytes for array in carried) + tables

    def write_words(self, first_word: int, block: Words) -> None:
        """Take the next words of all nodes: uint64 (node, 1, word)."""
        words = block[:, 0]
        begin = 64 * first_word
        total = self._template.n_trials * self._template.n_bins
        end = min(begin + 64 * words.shape[1], total)
        steps = self._plan(first_word, begin, end, words.shape[1])
        blocks = self._blocks()

        local = threading.local()

        def add(first: int, last: int) -> None:
            if not hasattr(local, "scratch"):
                local.scratch = Scratch(self._step * self._widest)
            for k in range(first, last):
                a, b = blocks[k]
                mine = np.ascontiguousarray(words[a:b])
                steps["totals"](mine, slice(a, b), self._spikes[a:b])
                for part in self._parts:
                    rows = local.scratch.unpack(self._tables[part][k])
                    steps[part](mine, slice(a, b), rows)
                    self._tables[part][k] = local.scratch.pack(rows)

        run_blocks(add, len(blocks), step=1, threads=self._threads)

    def _windows(self, begin: int, end: int) -> WindowRun:
        """Return the segments of some bins; long windows are cut once."""
        known = self._run
        if known is None or not (
            known.first_bin <= begin and end <= known.first_bin + len(known.of_bin)
        ):
            known = cut_windows(begin, end, self._template.n_bins, self._width, self._labels)
            self._run = known
        return known

    def _entries(self, run: WindowRun) -> NDArray[np.int64]:
        """Return the column of each segment without spikes in the rows of the windows."""
        out = np.zeros(len(run.length), np.int64)
        for c, lengths in enumerate(self._layout.lengths):
            mine = np.flatnonzero(run.condition == c)
            group = np.searchsorted(lengths, run.length[mine])
            out[mine] = self._window_base[c] + self._layout.offsets(c)[group]
        return out

    def _slots(self, begin: int, end: int) -> NDArray[np.int32]:
        """Return condition · `SLOTS` + slot of some bins, -1 for none."""
        if "slots" not in self._parts:
            return np.zeros(0, np.int32)
        place = np.arange(begin, end) % self._template.n_bins % self._width
        slots = place * SLOTS // self._width
        if self._labels is not None:
            labels = self._labels[begin:end].astype(np.int64)
            slots = np.where(labels < 0, -1, labels * SLOTS + slots)
        return slots.astype(np.int32)

    def _plan(
        self, first_word: int, begin: int, end: int, n_words: int
    ) -> dict[str, Callable[[Words, slice, Rows], Any]]:
        """Return how each part is added to, for the words of some bins."""
        n_bins = self._template.n_bins
        run = self._windows(begin, end)
        by_segment = _cut(run.of_bin[begin - run.first_bin : end - run.first_bin])
        pieces, masks, owner = by_segment.words, by_segment.masks, by_segment.owner
        conditions = run.condition[owner]
        entries = np.where(
            run.last_bin[owner] // 64 == first_word + pieces, self._entries(run)[owner], -1
        )
        by_slot = _cut(self._slots(begin, end))
        firsts = np.arange(-(-begin // n_bins) * n_bins, end, n_bins) - begin
        begins = np.zeros(n_words, np.uint64)
        np.bitwise_or.at(begins, firsts // 64, np.uint64(1) << (firsts % 64).astype(np.uint64))

        def ages(words: Words, nodes: slice, rows: Rows) -> None:
            state = (self._begin[nodes], self._after[nodes], rows)
            if self._labels is None:
                kernels.add_pooled_ages(words, first_word, n_bins, end, *state)
            else:
                n = self._layout.n_conditions
                labels = self._labels[begin:end]
                kernels.add_ages(words, first_word, n_bins, labels, n, *state)

        return {
            "totals": lambda words, _, rows: kernels.add_spikes(
                words, pieces, masks, conditions, rows
            ),
            "windows": lambda words, nodes, rows: kernels.add_windows(
                words, pieces, masks, conditions, entries, self._partial[nodes], rows
            ),
            "transitions": lambda words, nodes, rows: kernels.add_transitions(
                words, pieces, masks, conditions, begins, self._carry[nodes], rows
            ),
            "gaps": lambda words, nodes, rows: kernels.add_gaps(
                words, first_word, n_bins, self._previous[nodes], rows
            ),
            "ages": ages,
            "slots": lambda words, _, rows: kernels.add_spikes(
                words, by_slot.words, by_slot.masks, by_slot.owner, rows
            ),
        }

    @property
    def summary(self) -> RasterSummary:
        """The summary of all that was shown."""
        shown = self._template
        return RasterSummary(
            "spikes",
            shown.layers,
            shown.n_trials,
            shown.n_bins,
            self._window,
            self._per_condition,
            self._spikes,
            self._spikes,
            np.broadcast_to(np.float64(0), self._spikes.shape),
            {part: joined_rows(tables) for part, tables in self._tables.items()},
            self._layout.most_in_window,
            self._layout.most_in_bin,
            shown.conditions,
            shown.bin_width,
            shown.schedule,
            dict(shown.provenance),
        )


def _cut(owners: NDArray[np.int32]) -> _Pieces:
    """Cut the words of some bins, each of which has an owner or -1, into pieces."""
    offsets, masks, owner = cut_words(np.ascontiguousarray(owners[None]))
    return _Pieces(np.repeat(np.arange(len(offsets) - 1), np.diff(offsets)), masks, owner)


def _empty(n_rows: int, width: int) -> SparseRows:
    return sparse_rows(np.zeros((n_rows, width), np.int64))
