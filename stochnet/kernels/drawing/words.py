"""The spikes of one word of independent 0/1 bins: scalar functions.

They are plain Python on ``numpy.uint64``, and run as they are; the kernels for CUDA are compiled
from them (`stochnet.kernels.binding`). The kernels of the CPU draw the same bits in vector lanes.

A word of spikes takes 64 random bytes, held as eight uint64. Bytes are compared eight at a time by
arithmetic on their uint64; the outcome stands in the top bit of every byte.
"""

from __future__ import annotations

import numpy as np

from stochnet.kernels.rng import GAIN, LOW, SPIKE, TIE, gain_level, philox

_ZERO, _ONE, _LAST4 = np.uint64(0), np.uint64(1), np.uint64(15)
_BYTE, _ALWAYS, _FULL = np.uint64(255), np.uint64(256), np.uint64(0xFFFFFFFFFFFFFFFF)
_SHIFT2, _SHIFT4, _SHIFT6, _SHIFT8 = np.uint64(2), np.uint64(4), np.uint64(6), np.uint64(8)
_SHIFT28, _SHIFT32 = np.uint64(28), np.uint64(32)
# Of every byte of a uint64: 1, the top bit, the other bits; and the top bits of four bytes.
_EACH, _TOPS = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
_REST, _TOPS4 = np.uint64(0x7F7F7F7F7F7F7F7F), np.uint64(0x80808080)
# Times the top bits of four bytes, it brings them together in bits 28 to 31, without a carry.
_GATHER = np.uint64(0x00204081)


def below(bytes8, limits):  # type: ignore[no-untyped-def]
    """Top bits of the bytes that are below those of `limits`."""
    rest = (bytes8 | _TOPS) - (limits & _REST)
    return ((~bytes8 & limits) | (~(bytes8 ^ limits) & ~rest)) & _TOPS


def equal(bytes8, limits):  # type: ignore[no-untyped-def]
    """Top bits of the bytes that equal those of `limits`."""
    differ = bytes8 ^ limits
    return ~(((differ & _REST) + _REST) | differ) & _TOPS


def gather(tops):  # type: ignore[no-untyped-def]
    """Eight bits from the top bits of eight bytes."""
    first = ((tops & _TOPS4) * _GATHER >> _SHIFT28) & _LAST4
    second = ((tops >> _SHIFT32) & _TOPS4) * _GATHER >> _SHIFT28
    return first | (second & _LAST4) << _SHIFT4


def bytes_of_word(word, trial, node, k0, k1):  # type: ignore[no-untyped-def]
    """Random bytes of the 64 bins of a word, as eight uint64."""
    first = word << _SHIFT2
    a0, a1, a2, a3 = philox(first, trial, node, SPIKE, k0, k1)
    b0, b1, b2, b3 = philox(first | np.uint64(1), trial, node, SPIKE, k0, k1)
    c0, c1, c2, c3 = philox(first | np.uint64(2), trial, node, SPIKE, k0, k1)
    d0, d1, d2, d3 = philox(first | np.uint64(3), trial, node, SPIKE, k0, k1)
    return (
        a0 | a1 << _SHIFT32, a2 | a3 << _SHIFT32, b0 | b1 << _SHIFT32, b2 | b3 << _SHIFT32,
        c0 | c1 << _SHIFT32, c2 | c3 << _SHIFT32, d0 | d1 << _SHIFT32, d2 | d3 << _SHIFT32,
    )  # fmt: skip


def lowest(word):  # type: ignore[no-untyped-def]
    """Position of the lowest set bit of a word that is not zero."""
    word &= ~word + _ONE
    position = _ZERO
    for half in (32, 16, 8, 4, 2, 1):
        if word >> np.uint64(half) != _ZERO:
            word >>= np.uint64(half)
            position += np.uint64(half)
    return position


def valid_bins(word, n_bins):  # type: ignore[no-untyped-def]
    """Bits of a word that are bins of the trial."""
    left = n_bins - (word << _SHIFT6)
    return _FULL if left >= np.uint64(64) else (_ONE << left) - _ONE


def settle(low, word, bin_, trial, node, k0, k1):  # type: ignore[no-untyped-def]
    """Bit of a tied bin of a word: set if its own 32 bits are below the rest of its threshold."""
    own, _, _, _ = philox((word << _SHIFT6) | bin_, trial, node, TIE, k0, k1)
    return np.uint64(own < low) << bin_


def shared_spikes(random, threshold, mask, word, trial, node, k0, k1):  # type: ignore[no-untyped-def]
    """Spikes of the bins in `mask` of a word, which share one threshold."""
    top = threshold >> _SHIFT32
    if top >= _ALWAYS:
        return mask
    limits = top * _EACH
    found, tied = _ZERO, _ZERO
    for k in range(8):
        found |= gather(below(random[k], limits)) << np.uint64(8 * k)
        tied |= gather(equal(random[k], limits)) << np.uint64(8 * k)
    found &= mask
    tied &= mask
    while tied != _ZERO:
        found |= settle(threshold & LOW, word, lowest(tied), trial, node, k0, k1)
        tied &= tied - _ONE
    return found


def pooled_word(threshold, word, trial, node, n_bins, k0, k1):  # type: ignore[no-untyped-def]
    """Spikes of a word whose bins share one threshold."""
    if threshold == _ZERO:
        return _ZERO
    random, valid = bytes_of_word(word, trial, node, k0, k1), valid_bins(word, n_bins)
    return shared_spikes(random, threshold, valid, word, trial, node, k0, k1)


def gain_of(has_gain, slot, trial, node, k0, k1):  # type: ignore[no-untyped-def]
    """Level of the gain of a segment; 0 for a process without."""
    if not has_gain:
        return _ZERO
    own, _, _, _ = philox(slot, trial, node, GAIN, k0, k1)
    return gain_level(own)


def segmented_word(  # type: ignore[no-untyped-def]
    thresholds, span, pieces, segments, has_gain, word, trial, node, k0, k1
):
    """Spikes of a word in the pieces of a span, whose bins belong to one segment each.

    thresholds (condition, level) of the node; span: first piece and the one after the last;
    pieces: mask and segment (piece,); segments: row and slot (segment,), and what else there is.
    """
    mask, segment = pieces
    row, slot = segments[0], segments[1]
    random = bytes_of_word(word, trial, node, k0, k1)
    found = _ZERO
    for piece in range(span[0], span[1]):
        s = segment[piece]
        level = gain_of(has_gain, slot[s], trial, node, k0, k1)
        threshold = thresholds[row[s], np.int64(level)]
        found |= shared_spikes(random, threshold, mask[piece], word, trial, node, k0, k1)
    return found


def profile_word(thresholds, row, word, trial, node, n_bins, k0, k1):  # type: ignore[no-untyped-def]
    """Spikes of a word whose bins have a threshold each.

    thresholds (row,) of the node; row (bin,): which of them a bin has.
    """
    random = bytes_of_word(word, trial, node, k0, k1)
    found, tied, first = _ZERO, _ZERO, np.int64(word << _SHIFT6)
    for k in range(8):
        limits, always = _ZERO, _ZERO
        for j in range(8):
            t = first + 8 * k + j
            if t < n_bins:
                top = thresholds[row[t]] >> _SHIFT32
                limits |= (top & _BYTE) << np.uint64(8 * j)
                always |= (top >> _SHIFT8) << np.uint64(j)
        here = gather(equal(random[k], limits)) & ~always
        tied |= here << np.uint64(8 * k)
        found |= (gather(below(random[k], limits)) | always) << np.uint64(8 * k)
    valid = valid_bins(word, np.uint64(n_bins))
    found &= valid
    tied &= valid
    while tied != _ZERO:
        bin_ = lowest(tied)
        low = thresholds[row[first + np.int64(bin_)]] & LOW
        found |= settle(low, word, bin_, trial, node, k0, k1)
        tied &= tied - _ONE
    return found
