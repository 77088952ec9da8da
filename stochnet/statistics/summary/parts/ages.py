"""Ages: bins, silent (0) or active (1), by the time since the last spike of their trial.

``ages[i, 1, a]`` are the bins of node i that are a + 1 bins after the last spike, ``ages[i, 0, a]``
those before any spike, the (a + 1)-th of their trial. The last age holds all later ones.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stochnet.kernels.counting import ages as kernels
from stochnet.kernels.counting import stream as stream_kernels
from stochnet.kernels.threads import run_blocks
from stochnet.statistics.summary.sparse import Rows
from stochnet.statistics.summary.summary_part import Field, Fields, Part, RowLayout
from stochnet.statistics.summary.trials import NodeBlock, Trials
from stochnet.statistics.summary.word_run import Step, Stream, WordRun

LONGEST_AGE = 1024


def compute(block: NodeBlock) -> list[Fields]:
    """Count bins by condition, whether they follow a spike, their age, and activity."""
    words, n_words, trials = block.words, block.n_words, block.trials
    n = trials.n_conditions
    out = np.zeros((block.n_nodes, n, 2, min(LONGEST_AGE, trials.n_bins), 2), np.int32)

    def run(a: int, b: int) -> None:
        if trials.labels is None:
            kernels.pooled_ages(words[a:b], n_words, trials.n_bins, out[a:b, 0])
        else:
            kernels.ages(words[a:b], n_words, trials.labels, out[a:b])

    run_blocks(run, block.n_nodes)
    return [{"ages": out[:, c]} for c in range(n)]


def coded_ages(ages: NDArray[np.int32]) -> Rows:
    """Return ages (…, age, active) with the silent bins as differences, which are mostly zero.

    The silent bins of an age less all bins of the next one: pooled, the runs of silence of that
    length that a trial's end cut short. The last age is as it was.
    """
    out = ages.astype(np.int64)
    out[..., :-2, 0] -= ages[..., 1:-1, 0] + ages[..., 1:-1, 1]
    out[..., -2:-1, 0] -= ages[..., -1:, 1]
    return out


def decoded_ages(coded: Rows) -> NDArray[np.int32]:
    """Undo `coded_ages`."""
    out = coded.astype(np.int32)
    steps = coded[..., :-1, 0] + coded[..., 1:, 1]
    out[..., :-1, 0] = np.cumsum(steps[..., ::-1], axis=-1)[..., ::-1]
    return out


def stream(trials: Trials, layout: RowLayout, n_nodes: int) -> Stream:
    """Carry the bin with which silence began, and whether a spike of the trial came before."""
    begin, after = np.zeros(n_nodes, np.int64), np.zeros(n_nodes, np.uint8)
    labels = None if trials.labels is None else trials.labels.reshape(-1)

    def step(run: WordRun) -> Step:
        at = (run.first_word, trials.n_bins)
        if labels is None:
            return lambda words, nodes, rows: stream_kernels.add_pooled_ages(
                words, *at, run.end, begin[nodes], after[nodes], rows
            )
        mine = (labels[run.begin : run.end], layout.n_conditions)
        return lambda words, nodes, rows: stream_kernels.add_ages(
            words, *at, *mine, begin[nodes], after[nodes], rows
        )

    return step


PART = Part(
    "ages",
    (
        Field(
            "ages", np.int32, (2, 0, 2), lambda layout, c: (2, min(LONGEST_AGE, layout.n_bins), 2),
            coded_ages, decoded_ages,
        ),
    ),
    compute,
    stream,
    by_default=True,
    signed=True,
)  # fmt: skip
