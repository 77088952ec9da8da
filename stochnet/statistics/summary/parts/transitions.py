"""Transitions: pairs of consecutive bins of a trial, silent (0) or active (1), and first bins."""

from __future__ import annotations

import numpy as np

from stochnet.kernels.counting import stream as kernels
from stochnet.kernels.counting.summary import transitions
from stochnet.kernels.threads import run_blocks
from stochnet.statistics.summary.summary_part import Field, Fields, Part, RowLayout
from stochnet.statistics.summary.trials import NodeBlock, Trials
from stochnet.statistics.summary.word_run import Step, Stream, WordRun


def compute(block: NodeBlock) -> list[Fields]:
    """Count pairs by the condition of the second bin."""
    segments, n = block.trials.segments, block.trials.n_conditions
    pairs = np.zeros((block.n_nodes, n, 2, 2), np.int64)
    starts = np.zeros((block.n_nodes, n, 2), np.int64)
    words, plan = block.words, (block.n_words, *segments.pieces, segments.condition)
    run_blocks(
        lambda a, b: transitions(words[a:b], *plan, pairs[a:b], starts[a:b]),
        block.n_nodes,
    )
    return [{"transitions": pairs[:, c], "starts": starts[:, c]} for c in range(n)]


def stream(trials: Trials, layout: RowLayout, n_nodes: int) -> Stream:
    """Carry the last bin of the words before."""
    carry = np.zeros(n_nodes, np.uint64)

    def step(run: WordRun) -> Step:
        n_bins = trials.n_bins
        first = np.arange(-(-run.begin // n_bins) * n_bins, run.end, n_bins) - run.begin
        begins = np.zeros(run.n_words, np.uint64)
        np.bitwise_or.at(begins, first // 64, np.uint64(1) << (first % 64).astype(np.uint64))
        plan = (run.pieces.words, run.pieces.masks, run.conditions, begins)
        return lambda words, nodes, rows: kernels.add_transitions(words, *plan, carry[nodes], rows)

    return step


PART = Part(
    "transitions",
    (
        # (node, before, after), and first bins of trials (node, active).
        Field("transitions", np.int64, (2, 2), lambda layout, c: (2, 2)),
        Field("starts", np.int64, (2,), lambda layout, c: (2,)),
    ),
    compute,
    stream,
    by_default=True,
)
