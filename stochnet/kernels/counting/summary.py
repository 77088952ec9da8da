"""Sufficient statistics of packed spikes and of counts, one row of results per node."""

from __future__ import annotations

import numpy as np

from stochnet.kernels.compile import kernel
from stochnet.kernels.philox import popcount

_ONE, _ZERO = np.uint64(1), np.uint64(0)
_S63 = np.uint64(63)


@kernel
def count_spikes(words, out):
    """Total set bits of each row: words (node, word), out int64 (node,)."""
    for i in range(words.shape[0]):
        total = 0
        for w in range(words.shape[1]):
            total += popcount(words[i, w])
        out[i] = total


@kernel
def segment_spikes(words, word_pieces, piece_mask, piece_segment, out):
    """Spikes in each segment: words (node, trial·word), out int32 (node, segment)."""
    for i in range(words.shape[0]):
        row = out[i]
        row[:] = 0
        for w in range(words.shape[1]):
            word = words[i, w]
            for piece in range(word_pieces[w], word_pieces[w + 1]):
                row[piece_segment[piece]] += popcount(word & piece_mask[piece])


@kernel
def segment_counts(counts, bin_segment, out):
    """Spikes in each segment: counts (node, trial, bin), out int32 (node, segment)."""
    for i in range(counts.shape[0]):
        row = out[i]
        row[:] = 0
        for trial in range(counts.shape[1]):
            for t in range(counts.shape[2]):
                s = bin_segment[trial, t]
                if s >= 0:
                    row[s] += counts[i, trial, t]


@kernel
def count_totals(counts, bin_segment, segment_condition, log_factorial, active, total):
    """Bins with a spike, and the sum of log(count!), by condition.

    counts (node, trial, bin), log_factorial float64 (count,); active int64 and total float64
    (node, condition) are added to.
    """
    for i in range(counts.shape[0]):
        for trial in range(counts.shape[1]):
            for t in range(counts.shape[2]):
                s = bin_segment[trial, t]
                k = counts[i, trial, t]
                if s >= 0 and k > 0:
                    active[i, segment_condition[s]] += 1
                    total[i, segment_condition[s]] += log_factorial[k]


@kernel
def count_histogram(counts, bin_condition, out):
    """Bins that hold each count, by condition.

    counts (node, trial, bin), bin_condition int16 (trial, bin), -1 for none; out int64 (node,
    condition, count) is added to.
    """
    for i in range(counts.shape[0]):
        for trial in range(counts.shape[1]):
            for t in range(counts.shape[2]):
                c = bin_condition[trial, t]
                if c >= 0:
                    out[i, c, counts[i, trial, t]] += 1


@kernel
def histograms(sums, segment_offset, out):
    """Histogram of segment sums by group: out int32 (node, entry) is added to."""
    for i in range(sums.shape[0]):
        row = out[i]
        for s in range(sums.shape[1]):
            row[segment_offset[s] + sums[i, s]] += 1


@kernel
def transitions(
    words, n_words, word_pieces, piece_mask, piece_segment, segment_condition, out, starts
):
    """Pairs of consecutive bins of a trial, by the condition of the second one.

    words (node, trial·word); out int64 (node, condition, before, after); starts int64 (node,
    condition, spike) counts the first bins of trials.
    """
    for i in range(words.shape[0]):
        carry = _ZERO
        for w in range(words.shape[1]):
            word = words[i, w]
            first = w % n_words == 0
            before = (word << _ONE) | (_ZERO if first else carry)
            carry = word >> _S63
            for piece in range(word_pieces[w], word_pieces[w + 1]):
                mask = piece_mask[piece]
                c = segment_condition[piece_segment[piece]]
                if first and mask & _ONE:
                    starts[i, c, np.int64(word & _ONE)] += 1
                    mask &= ~_ONE
                both = popcount(word & before & mask)
                after = popcount(word & mask)
                earlier = popcount(before & mask)
                out[i, c, 1, 1] += both
                out[i, c, 1, 0] += earlier - both
                out[i, c, 0, 1] += after - both
                out[i, c, 0, 0] += popcount(mask) - earlier - after + both


@kernel
def lagged_pairs(words, n_words, n_bins, lag, out):
    """Spikes in the first and last n_bins - lag bins of a trial, and pairs at that lag, summed.

    words (node, trial·word); out int64 (node, 3): early spikes, late spikes, pairs.
    """
    shift_words = lag // 64
    shift = np.uint64(lag % 64)
    for i in range(words.shape[0]):
        early = 0
        late = 0
        pairs = 0
        for start in range(0, words.shape[1], n_words):
            for w in range(n_words):
                word = words[i, start + w]
                # Bin t of `after` is bin t + lag of the trial.
                after = _ZERO
                if w + shift_words < n_words:
                    after = words[i, start + w + shift_words] >> shift
                    if shift != _ZERO and w + shift_words + 1 < n_words:
                        after |= words[i, start + w + shift_words + 1] << (np.uint64(64) - shift)
                kept = n_bins - lag - 64 * w
                if kept <= 0:
                    continue
                if kept < 64:
                    mask = (_ONE << np.uint64(kept)) - _ONE
                    word &= mask
                    after &= mask
                early += popcount(word)
                late += popcount(after)
                pairs += popcount(word & after)
        out[i, 0] += early
        out[i, 1] += late
        out[i, 2] += pairs


@kernel
def count_bins(words, planes):
    """Count the nodes that are active in every bin: words (node, word).

    Bit p of a count is the bit of its bin in planes[p], uint64 (plane, word), zero before; there
    are enough planes for the number of nodes. A node is added by carrying through the planes.
    """
    n = words.shape[1]
    carry = np.empty(n, np.uint64)
    for i in range(words.shape[0]):
        for w in range(n):
            carry[w] = words[i, w]
        p, most = 0, i + 1
        while most > 0:
            for w in range(n):
                both = planes[p, w] & carry[w]
                planes[p, w] ^= carry[w]
                carry[w] = both
            p += 1
            most >>= 1


@kernel
def coincidences(words, first, second, out):
    """Bins in which both nodes of a pair fire: words (node, word), out int64 (pair,)."""
    for pair in range(len(first)):
        a, b = words[first[pair]], words[second[pair]]
        total = 0
        for w in range(words.shape[1]):
            total += popcount(a[w] & b[w])
        out[pair] = total


@kernel
def window_spikes(words, window, out):
    """Spikes in each full window: words (node, trial, word), out int32 (node, trial·window)."""
    n_trials, n_words = words.shape[1], words.shape[2]
    n_full = out.shape[1] // n_trials
    before = np.empty(n_words + 1, np.int32)
    for i in range(words.shape[0]):
        for trial in range(n_trials):
            row = words[i, trial]
            total = 0
            for w in range(n_words):
                before[w] = total
                total += popcount(row[w])
            before[n_words] = total
            previous = 0
            for k in range(n_full):
                edge = (k + 1) * window
                w = edge >> 6
                cumulative = before[w]
                if edge & 63:
                    cumulative += popcount(row[w] & ((_ONE << np.uint64(edge & 63)) - _ONE))
                out[i, trial * n_full + k] = cumulative - previous
                previous = cumulative


@kernel
def window_counts(counts, window, out):
    """Spikes in each full window: counts (node, trial, bin), out int64 (node, trial·window)."""
    n_trials = counts.shape[1]
    n_full = out.shape[1] // n_trials
    for i in range(counts.shape[0]):
        for trial in range(n_trials):
            for k in range(n_full):
                total = 0
                for t in range(k * window, (k + 1) * window):
                    total += counts[i, trial, t]
                out[i, trial * n_full + k] = total
