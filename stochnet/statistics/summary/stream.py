"""SummaryStream: summarises spikes that arrive a few words of all nodes at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterable

import numpy as np

from stochnet.kernels.counting import stream as kernels
from stochnet.kernels.threads import run_blocks
from stochnet.raster.raster import SpikeRaster
from stochnet.raster.windows import WindowRun, cut_windows, segment_lengths
from stochnet.statistics.counting import Words
from stochnet.statistics.summary.parts import check_parts
from stochnet.statistics.summary.sparse import Scratch, joined_rows, sparse_rows
from stochnet.statistics.summary.stored import RasterSummary, whole_summary
from stochnet.statistics.summary.summary_part import RowLayout
from stochnet.statistics.summary.trials import Totals, Trials
from stochnet.statistics.summary.word_run import WordPieces, WordRun

# Bytes of the rows of a block of nodes, while words are added to them.
ROW_BYTES = 1 << 23
MOST_NODES = 4096
# Words of all nodes that are worth unpacking their rows for.
WORDS_AT_ONCE = 64


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
        self._template, self._window, self._threads = template, window, threads
        self._trials = trials = Trials.of(template, window, per_condition)
        lengths = segment_lengths(template.n_trials, template.n_bins, window, trials.labels)
        self._layout = RowLayout(template.n_bins, lengths, (0,) * len(lengths), 1)
        n_nodes = template.n_nodes
        self._spikes = np.zeros((n_nodes, len(lengths)), np.int64)
        # What follows from the totals is not counted.
        kept = [part for part in check_parts(parts) if part.has_table("spikes")]
        widths = {part.name: part.width(self._layout) for part in kept}
        self._streams = {
            part.name: part.stream(trials, self._layout, n_nodes) for part in kept if part.stream
        }
        self._widest = max(widths.values(), default=1)
        self._step = max(1, min(MOST_NODES, ROW_BYTES // (8 * self._widest)))
        self._windows: WindowRun | None = None
        self._tables = {
            name: [sparse_rows(np.zeros((b - a, width), np.int64)) for a, b in self._blocks()]
            for name, width in widths.items()
        }

    def _blocks(self) -> list[tuple[int, int]]:
        n = self._template.n_nodes
        return [(a, min(a + self._step, n)) for a in range(0, n, self._step)]

    @property
    def nbytes(self) -> int:
        """Bytes of totals and tables; each node takes some 30 more for what is carried."""
        tables = [table.nbytes for parts in self._tables.values() for table in parts]
        return self._spikes.nbytes + sum(tables)

    def write_words(self, first_word: int, block: Words) -> None:
        """Take the next words of all nodes: uint64 (node, 1, word)."""
        words = block[:, 0]
        run = self._run(first_word, words.shape[1])
        totals = (run.pieces.words, run.pieces.masks, run.conditions)
        steps = {name: stream(run) for name, stream in self._streams.items()}
        blocks = self._blocks()
        local = threading.local()

        def add(first: int, last: int) -> None:
            if not hasattr(local, "scratch"):
                local.scratch = Scratch(self._step * self._widest)
            for k in range(first, last):
                nodes = slice(*blocks[k])
                mine = np.ascontiguousarray(words[nodes])
                kernels.add_spikes(mine, *totals, self._spikes[nodes])
                for name, step in steps.items():
                    rows = local.scratch.unpack(self._tables[name][k])
                    step(mine, nodes, rows)
                    self._tables[name][k] = local.scratch.pack(rows)

        run_blocks(add, len(blocks), step=1, threads=self._threads)

    def _run(self, first_word: int, n_words: int) -> WordRun:
        """Return where some words lie; windows longer than them are cut once."""
        trials, begin = self._trials, 64 * first_word
        end = min(begin + 64 * n_words, trials.n_trials * trials.n_bins)
        known = self._windows
        if known is None or not (
            known.first_bin <= begin and end <= known.first_bin + len(known.of_bin)
        ):
            known = cut_windows(begin, end, trials.n_bins, trials.window, trials.labels)
            self._windows = known
        mine = known.of_bin[begin - known.first_bin : end - known.first_bin]
        return WordRun(first_word, n_words, begin, end, known, WordPieces.of(mine))

    @property
    def summary(self) -> RasterSummary:
        """The summary of all that was shown."""
        return whole_summary(
            self._template,
            self._window,
            self._trials.per_condition,
            Totals(self._spikes, self._spikes, np.broadcast_to(np.float64(0), self._spikes.shape)),
            {name: joined_rows(tables) for name, tables in self._tables.items()},
            self._layout,
        )
