"""Sufficient statistics of packed spikes that arrive a few words at a time, with carried state.

The words of all nodes are one stream of bins, cut into trials of `n_bins` wherever these end, also
within a word. Every kernel takes words uint64 (node, word) that begin at word `first_word` of the
stream, adds to rows int64 (node, column), and leaves in its state
what the next words need.
"""

from __future__ import annotations

import numpy as np

from stochnet.kernels.compile import kernel
from stochnet.kernels.philox import popcount, trailing_zeros

_ONE, _ZERO = np.uint64(1), np.uint64(0)
_S63 = np.uint64(63)


@kernel
def add_spikes(words, pieces, masks, columns, rows):
    """Add the spikes of each piece of a word to its column.

    pieces int64 (piece,): word of each piece; masks uint64, columns int64 (piece,).
    """
    for i in range(words.shape[0]):
        for p in range(len(pieces)):
            rows[i, columns[p]] += popcount(words[i, pieces[p]] & masks[p])


@kernel
def add_windows(words, pieces, masks, conditions, entries, partial, rows):
    """Add windows that end to their histogram.

    conditions int64 (piece,); entries int64 (piece,): column of an empty window where the window
    ends with the piece, else -1. State: partial int64 (node, condition), spikes of open windows.
    """
    for i in range(words.shape[0]):
        for p in range(len(pieces)):
            c = conditions[p]
            spikes = partial[i, c] + popcount(words[i, pieces[p]] & masks[p])
            if entries[p] >= 0:
                rows[i, entries[p] + spikes] += 1
                spikes = 0
            partial[i, c] = spikes


@kernel
def add_transitions(words, pieces, masks, conditions, begins, carry, rows):
    """Add pairs of consecutive bins of a trial, by the condition of the second one.

    begins uint64 (word,): first bins of trials. Six columns a condition: silent or active before,
    silent or active after, and then first bins, silent or active. State: carry uint64 (node,), the
    last bin of the word before.
    """
    for i in range(words.shape[0]):
        row = rows[i]
        for p in range(len(pieces)):
            w = pieces[p]
            word = words[i, w]
            earlier_word = words[i, w - 1] >> _S63 if w > 0 else carry[i]
            before = (word << _ONE) | earlier_word
            first = 6 * conditions[p]
            starts = masks[p] & begins[w]
            mask = masks[p] & ~begins[w]
            if starts != _ZERO:
                active = popcount(word & starts)
                row[first + 5] += active
                row[first + 4] += popcount(starts) - active
            both = popcount(word & before & mask)
            after = popcount(word & mask)
            earlier = popcount(before & mask)
            row[first + 3] += both
            row[first + 2] += earlier - both
            row[first + 1] += after - both
            row[first] += popcount(mask) - earlier - after + both
        carry[i] = words[i, words.shape[1] - 1] >> _S63


@kernel
def add_gaps(words, first_word, n_bins, previous, rows):
    """Add gaps between spikes of a trial; the last column takes all longer ones.

    State: previous int64 (node,), bin of the stream of the last spike, or -1.
    """
    longest = rows.shape[1] - 1
    for i in range(words.shape[0]):
        last = previous[i]
        # Where the trial of the last spike ends.
        end = (last // n_bins + 1) * n_bins if last >= 0 else 0
        for w in range(words.shape[1]):
            word = words[i, w]
            base = 64 * (first_word + w)
            while word != _ZERO:
                t = base + trailing_zeros(word)
                word &= word - _ONE
                if t < end:
                    rows[i, min(t - last, longest)] += 1
                else:
                    end = (t // n_bins + 1) * n_bins
                last = t
        previous[i] = last


@kernel
def _cut_run(row, after, run, last):
    """Add a run of silence that the end of a trial cut short."""
    if run > 0 and last > 0:
        row[(after * (last + 1) + min(run, last) - 1) * 2] += 1
    row[(after * (last + 1) + last) * 2] += max(run - last, 0)


@kernel
def add_pooled_ages(words, first_word, n_bins, n_done, begin, after, rows):
    """Add bins by their age, coded as `coded_ages` of that part does.

    n_done: bins of the stream up to the end of these words. State: begin int64 (node,), the bin
    with which the run of silence began; after uint8 (node,), whether a spike of the trial came
    before it.
    """
    last = rows.shape[1] // 4 - 1
    for i in range(words.shape[0]):
        row = rows[i]
        start, fired = begin[i], np.int64(after[i])
        end = (start // n_bins + 1) * n_bins
        for w in range(words.shape[1]):
            word = words[i, w]
            base = 64 * (first_word + w)
            while word != _ZERO:
                t = base + trailing_zeros(word)
                word &= word - _ONE
                while t >= end:
                    _cut_run(row, fired, end - start, last)
                    start, fired, end = end, 0, end + n_bins
                run = t - start
                row[(fired * (last + 1) + min(run, last)) * 2 + 1] += 1
                row[(fired * (last + 1) + last) * 2] += max(run - last, 0)
                start, fired = t + 1, 1
                if start == end:
                    fired, end = 0, end + n_bins
        while n_done >= end:
            _cut_run(row, fired, end - start, last)
            start, fired, end = end, 0, end + n_bins
        begin[i], after[i] = start, fired


@kernel
def add_ages(words, first_word, n_bins, conditions, n_conditions, begin, after, rows):
    """Add bins by age and condition, coded as `coded_ages` of that part does.

    conditions int16 (bin,) of these words, -1 for none. State as for `add_pooled_ages`.
    """
    last = rows.shape[1] // (4 * n_conditions) - 1
    for i in range(words.shape[0]):
        row = rows[i]
        start, fired = begin[i], np.int64(after[i])
        for k in range(len(conditions)):
            t = 64 * first_word + k
            if t % n_bins == 0:
                start, fired = t, 0
            bit = np.int64((words[i, k >> 6] >> np.uint64(k & 63)) & _ONE)
            c = conditions[k]
            if c >= 0:
                age = min(t - start, last)
                at = ((c * 2 + fired) * (last + 1) + age) * 2
                row[at + bit] += 1
                # The difference of the age before, whose next age this is.
                if age > 0 and (bit == 1 or age < last):
                    row[at - 2] -= 1
            if bit == 1:
                start, fired = t + 1, 1
        begin[i], after[i] = start, fired
