"""What the kernels of independent 0/1 bins share: eight random bits a bin, and 32 more for ties."""

from __future__ import annotations

import numpy as np

from stochnet.kernels.compile import kernel
from stochnet.kernels.philox import lanes, trailing_zeros
from stochnet.kernels.rng import LOW, TIE

# Words that are drawn together: their random bytes and counters stay in the nearest cache.
BLOCK = 256
WIDE, NARROW = 32, 8
_wide, _narrow = lanes(WIDE), lanes(NARROW)
_ONE, _ZERO, _FULL = np.uint64(1), np.uint64(0), np.uint64(0xFFFFFFFFFFFFFFFF)
_SHIFT4, _SHIFT32, _TOP = np.uint64(4), np.uint64(32), np.uint64(256)
_S63 = np.uint64(63)


@kernel
def block_buffers():
    """Return what a block of words is drawn in.

    Counters (two, four per word), padding masks, random words, and of tied bins: places and words
    of `list_ties` (two), counters (two), thresholds.
    """
    return (
        np.zeros(4 * BLOCK, np.uint64),
        np.zeros(4 * BLOCK, np.uint64),
        np.empty(BLOCK, np.uint64),
        np.empty(8 * BLOCK, np.uint64),
        np.empty(65 * BLOCK, np.uint64),
        np.empty(65 * BLOCK, np.int64),
        np.zeros(64 * BLOCK + WIDE, np.uint64),
        np.zeros(64 * BLOCK + WIDE, np.uint64),
        np.empty(64 * BLOCK, np.uint64),
    )


@kernel
def address_words(start, n, n_words, n_bins, c0, c1, valid):
    """Fill counters (four per word) and padding masks of words `start` to start + n."""
    used = n_bins - 64 * (n_words - 1)
    last = _FULL if used == 64 else (_ONE << np.uint64(used)) - _ONE
    trial = start // n_words
    word = start - trial * n_words
    for i in range(n):
        valid[i] = _FULL if word < n_words - 1 else last
        for q in range(4):
            c0[4 * i + q] = np.uint64(4 * word + q)
            c1[4 * i + q] = np.uint64(trial)
        word += 1
        if word == n_words:
            word = 0
            trial += 1


@kernel
def draw_counters(c0, c1, n_counters, node, purpose, k0, k1, random):
    """Draw a block of counters of one node: two uint64 each, in order."""
    done = 0
    # Lanes beyond the last counter draw what nobody reads.
    while n_counters - done > NARROW:
        _wide(random, 2 * done, c0, c1, done, node, purpose, k0, k1)
        done += WIDE
    if done < n_counters:
        _narrow(random, 2 * done, c0, c1, done, node, purpose, k0, k1)


@kernel
def list_ties(tied, tied_at, n, c0, c1, first, second):
    """Give every tied bin a row of its own, and its counter; return how many there are.

    tied uint64 (row,): tied bins of a word; tied_at: its number in the block. A word with several
    ties is put at the end again, without the first one. first, second: (bin, trial) of every row.
    """
    q = 0
    while q < n:
        bits, w = tied[q], tied_at[q]
        first[q] = (c0[4 * w] << _SHIFT4) + np.uint64(trailing_zeros(bits))
        second[q] = c1[4 * w]
        bits &= bits - _ONE
        tied[n] = bits
        tied_at[n] = w
        n += np.int64(bits != _ZERO)
        q += 1
    return n


@kernel
def settle_each(first, second, tied_at, n, lows, node, k0, k1, random, words):
    """Set the bit of every tied bin whose own 32-bit word is below its `lows`, the rest of p."""
    for done in range(0, n, BLOCK):
        some = min(BLOCK, n - done)
        draw_counters(first[done:], second[done:], some, node, TIE, k0, k1, random)
        for j in range(some):
            t = done + j
            below = np.uint64((random[2 * j] & LOW) < lows[t])
            words[tied_at[t]] |= below << (first[t] & _S63)
