"""Slots: spikes and bins by their position in the window, in `SLOTS` parts of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stochnet.kernels.counting.pieces import cut_words
from stochnet.kernels.counting.stream import add_spikes
from stochnet.kernels.threads import run_blocks
from stochnet.raster.windows import SLOTS, slot_of_bin
from stochnet.statistics.counting import segment_counts
from stochnet.statistics.summary.summary_part import Field, Fields, Part, RowLayout
from stochnet.statistics.summary.trials import NodeBlock, Trials
from stochnet.statistics.summary.word_run import Step, Stream, WordPieces, WordRun


def _rows(trials: Trials) -> NDArray[np.int32]:
    """Return condition · `SLOTS` + slot of every bin (trial, bin), -1 without a condition."""
    # There can be more slots than 16 bits count.
    slots = slot_of_bin(trials.n_bins, trials.window).astype(np.int32)
    if trials.labels is None:
        return np.repeat(slots[None], trials.n_trials, axis=0)
    labels = trials.labels.astype(np.int32)
    return np.where(labels < 0, np.int32(-1), labels * SLOTS + slots)


def _bins(rows: NDArray[np.int32], n_conditions: int) -> NDArray[np.int64]:
    """Return the bins of every slot (condition, slot)."""
    bins = np.bincount(rows[rows >= 0], minlength=n_conditions * SLOTS)
    return bins.reshape(n_conditions, SLOTS).astype(np.int64)


def compute(block: NodeBlock) -> list[Fields]:
    """Count spikes and bins by condition and slot."""
    rows, n = _rows(block.trials), block.trials.n_conditions
    pieces = cut_words(rows)
    bins, data = _bins(rows, n), block.data
    spikes = np.empty((block.n_nodes, n * SLOTS), np.int64)
    run_blocks(lambda a, b: segment_counts(data[a:b], rows, pieces, spikes[a:b]), block.n_nodes)
    by_slot = spikes.reshape(block.n_nodes, n, SLOTS)
    return [{"slot_spikes": by_slot[:, c], "slot_bins": bins[c]} for c in range(n)]


def shared(trials: Trials, layout: RowLayout) -> list[Fields]:
    """Return the bins of every slot."""
    return [{"slot_bins": bins} for bins in _bins(_rows(trials), layout.n_conditions)]


def stream(trials: Trials, layout: RowLayout, n_nodes: int) -> Stream:
    """Carry nothing."""
    labels = None if trials.labels is None else trials.labels.reshape(-1)

    def step(run: WordRun) -> Step:
        place = np.arange(run.begin, run.end) % trials.n_bins % trials.window
        slots = place * SLOTS // trials.window
        if labels is not None:
            mine = labels[run.begin : run.end].astype(np.int64)
            slots = np.where(mine < 0, -1, mine * SLOTS + slots)
        pieces = WordPieces.of(slots.astype(np.int32))
        plan = (pieces.words, pieces.masks, pieces.owner)
        return lambda words, nodes, rows: add_spikes(words, *plan, rows)

    return step


PART = Part(
    "slots",
    (
        Field("slot_spikes", np.int64, (0,), lambda layout, c: (SLOTS,)),
        Field("slot_bins", np.int64, (0,)),
    ),
    compute,
    stream,
    shared,
    windowed=True,
    by_default=True,
    extra_bytes=48 * SLOTS,
)
