"""Gaps: bins from one spike of a trial to the next, of all conditions together."""

from __future__ import annotations

import numpy as np

from stochnet.kernels.counting import gaps as kernels
from stochnet.kernels.counting.stream import add_gaps
from stochnet.kernels.threads import run_blocks
from stochnet.statistics.summary.summary_part import Field, Fields, Part, RowLayout
from stochnet.statistics.summary.trials import NodeBlock, Trials
from stochnet.statistics.summary.word_run import Step, Stream, WordRun

LONGEST_GAP = 1024


def width(n_bins: int) -> int:
    """Return the number of gaps that are told apart, from 0; the last one takes longer ones."""
    return min(LONGEST_GAP, n_bins) + 1


def compute(block: NodeBlock) -> list[Fields]:
    """Count gaps; several spikes in one bin are 0 bins apart."""
    gaps = np.zeros((block.n_nodes, width(block.trials.n_bins)), np.int32)
    data = block.data

    def run(a: int, b: int) -> None:
        if block.raster.kind == "counts":
            kernels.count_gaps(data[a:b], gaps[a:b])
        else:
            kernels.gaps(block.words[a:b], block.n_words, gaps[a:b])

    run_blocks(run, block.n_nodes)
    return [{"gaps": gaps}] * block.trials.n_conditions


def stream(trials: Trials, layout: RowLayout, n_nodes: int) -> Stream:
    """Carry the bin of the last spike."""
    previous = np.full(n_nodes, -1, np.int64)

    def step(run: WordRun) -> Step:
        at = (run.first_word, trials.n_bins)
        return lambda words, nodes, rows: add_gaps(words, *at, previous[nodes], rows)

    return step


PART = Part(
    "gaps",
    (Field("gaps", np.int32, (0,), lambda layout, c: (width(layout.n_bins),)),),
    compute,
    stream,
    per_condition=False,
)
