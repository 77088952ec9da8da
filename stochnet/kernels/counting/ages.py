"""Bins by their age: how long ago the last spike was, or the trial began."""

from __future__ import annotations

import numpy as np

from stochnet.kernels.compile import kernel
from stochnet.kernels.philox import trailing_zeros

_ONE, _ZERO = np.uint64(1), np.uint64(0)


@kernel
def ages(words, n_words, conditions, out):
    """Bins by the condition of the bin: words (node, trial·word), conditions (trial, bin).

    Out int32 (node, condition, after spike, age, active) is added to; its last age takes all later
    ones. Bins of condition -1 are passed over, but count for the age of later ones.
    """
    last = out.shape[3] - 1
    for i in range(words.shape[0]):
        for trial in range(conditions.shape[0]):
            after, age = 0, 0
            for t in range(conditions.shape[1]):
                bit = np.int64((words[i, trial * n_words + (t >> 6)] >> np.uint64(t & 63)) & _ONE)
                c = conditions[trial, t]
                if c >= 0:
                    out[i, c, after, min(age, last), bit] += 1
                age += 1
                if bit:
                    after, age = 1, 0


@kernel
def pooled_ages(words, n_words, n_bins, out):
    """Bins of all conditions: words (node, trial·word), out int32 (node, after spike, age, active).

    Costs a step a spike and one an age: runs of silence are counted by their length first.
    """
    last = out.shape[2] - 1
    runs = np.zeros((2, last + 1), np.int32)
    for i in range(words.shape[0]):
        row = out[i]
        for start in range(0, words.shape[1], n_words):
            after, begin = 0, 0
            for w in range(n_words):
                word = words[i, start + w]
                while word != _ZERO:
                    t = 64 * w + trailing_zeros(word)
                    word &= word - _ONE
                    run = t - begin
                    row[after, min(run, last), 1] += 1
                    runs[after, min(run, last)] += 1
                    row[after, last, 0] += max(run - last, 0)
                    after, begin = 1, t + 1
            run = n_bins - begin
            runs[after, min(run, last)] += 1
            row[after, last, 0] += max(run - last, 0)
        for after in range(2):
            longer = 0
            for a in range(last - 1, -1, -1):
                longer += runs[after, a + 1]
                runs[after, a + 1] = 0
                row[after, a, 0] += longer
            runs[after, 0] = 0
