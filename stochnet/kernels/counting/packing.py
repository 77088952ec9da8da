"""Activations to packed spikes: threshold and transposition in one pass, node-major words."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.kernels.compile import kernel
from stochnet.kernels.threads import run_blocks

TILE = 1024
# Below this many values one thread is done before others have started.
_SERIAL = 1 << 25
_U8, _U64 = np.uint8, np.uint64
_BYTE = tuple(np.uint64(8 * k) for k in range(8))


@kernel
def _pack_above(rows, threshold, words, first_bit, start, stop):
    """OR ``rows[:, start:stop] > threshold`` into words; return whether there was a NaN.

    Eight rows become one byte per node in registers, eight bytes one word: every loop over nodes
    is free of branches, so it vectorizes.
    """
    octets = np.empty((8, TILE), np.uint8)
    joined = np.empty(TILE, np.uint64)
    bad = np.zeros(TILE, np.uint8)
    n_rows = rows.shape[0]
    for first in range(start, stop, TILE):
        n = min(TILE, stop - first)
        row = 0
        while row < n_rows:
            low = (first_bit + row) & 63
            word = (first_bit + row) >> 6
            end = min(64 - low, n_rows - row)
            octets[:, :] = _U8(0)
            k = 0
            while k < end:
                octet = octets[(low + k) >> 3]
                r = row + k
                if (low + k) & 7 == 0 and end - k >= 8:
                    x0 = rows[r, first : first + n]
                    x1 = rows[r + 1, first : first + n]
                    x2 = rows[r + 2, first : first + n]
                    x3 = rows[r + 3, first : first + n]
                    x4 = rows[r + 4, first : first + n]
                    x5 = rows[r + 5, first : first + n]
                    x6 = rows[r + 6, first : first + n]
                    x7 = rows[r + 7, first : first + n]
                    for j in range(n):
                        octet[j] = (
                            (_U8(1) if x0[j] > threshold else _U8(0))
                            | (_U8(2) if x1[j] > threshold else _U8(0))
                            | (_U8(4) if x2[j] > threshold else _U8(0))
                            | (_U8(8) if x3[j] > threshold else _U8(0))
                            | (_U8(16) if x4[j] > threshold else _U8(0))
                            | (_U8(32) if x5[j] > threshold else _U8(0))
                            | (_U8(64) if x6[j] > threshold else _U8(0))
                            | (_U8(128) if x7[j] > threshold else _U8(0))
                        )
                        # Two of these compile to one compare of both for "unordered".
                        bad[j] |= _U8(
                            (x0[j] != x0[j])
                            | (x1[j] != x1[j])
                            | (x2[j] != x2[j])
                            | (x3[j] != x3[j])
                            | (x4[j] != x4[j])
                            | (x5[j] != x5[j])
                            | (x6[j] != x6[j])
                            | (x7[j] != x7[j])
                        )
                    k += 8
                else:
                    one = rows[r, first : first + n]
                    bit = _U8(1 << ((low + k) & 7))
                    for j in range(n):
                        octet[j] |= bit if one[j] > threshold else _U8(0)
                        bad[j] |= _U8(one[j] != one[j])
                    k += 1
            b0, b1, b2, b3 = octets[0], octets[1], octets[2], octets[3]
            b4, b5, b6, b7 = octets[4], octets[5], octets[6], octets[7]
            for j in range(n):
                joined[j] = (
                    _U64(b0[j])
                    | (_U64(b1[j]) << _BYTE[1])
                    | (_U64(b2[j]) << _BYTE[2])
                    | (_U64(b3[j]) << _BYTE[3])
                    | (_U64(b4[j]) << _BYTE[4])
                    | (_U64(b5[j]) << _BYTE[5])
                    | (_U64(b6[j]) << _BYTE[6])
                    | (_U64(b7[j]) << _BYTE[7])
                )
            for j in range(n):
                words[first + j, word] |= joined[j]
            row += end
    return bad.any()


@kernel
def _transpose(rows, words, first_bit, start, stop):
    """OR columns `start` to `stop` (64 nodes each) of packed rows into node-major words."""
    square = np.empty(64, np.uint64)
    n_rows, n_nodes = rows.shape[0], words.shape[0]
    for column in range(start, stop):
        first = 64 * column
        n = min(64, n_nodes - first)
        row = 0
        while row < n_rows:
            low = (first_bit + row) & 63
            word = (first_bit + row) >> 6
            end = min(64 - low, n_rows - row)
            square[:] = _U64(0)
            for k in range(end):
                square[low + k] = rows[row + k, column]
            _transpose_square(square)
            for j in range(n):
                words[first + j, word] |= square[j]
            row += end


@kernel
def _transpose_square(square):
    """Transpose 64 × 64 bits in place by swapping blocks of 32, 16, … 1 (Warren 2013, 7-3)."""
    mask = _U64(0x00000000FFFFFFFF)
    width = 32
    while width > 0:
        shift = _U64(width)
        for block in range(0, 64, 2 * width):
            for j in range(block, block + width):
                swap = ((square[j] >> shift) ^ square[j + width]) & mask
                square[j + width] ^= swap
                square[j] ^= swap << shift
        width >>= 1
        mask ^= mask << _U64(width)


def pack_above(
    rows: NDArray[Any],
    threshold: float,
    words: NDArray[np.uint64],
    first_bit: int = 0,
    *,
    threads: int | None = None,
) -> bool:
    """Compare activations with a threshold and OR the spikes into node-major words.

    Parameters
    ----------
    rows : ndarray of float32, float64, uint8 or bool, shape (stimulus, node)
        Activations, one stimulus a row; a truth value counts as 0 or 1.
    threshold : float
        A spike is an activation above it, compared in the type of `rows`.
    words : ndarray of uint64, shape (node, word)
        Stimulus s sets bit (first_bit + s) % 64 of word (first_bit + s) // 64; those bits must be
        zero before.
    first_bit : int, default 0
        Bit of the first stimulus.
    threads : int, optional
        Threads to use; all cores by default.

    Returns
    -------
    bool
        Whether an activation is NaN (which is no spike).

    Raises
    ------
    ValueError
        The words do not hold these stimuli and nodes.
    """
    _fits(rows.shape[0], rows.shape[1], words, first_bit)
    if rows.dtype == np.bool_:
        rows = rows.view(np.uint8)
    limit = rows.dtype.type(threshold)
    found: list[bool] = []

    def block(start: int, stop: int) -> None:
        found.append(bool(_pack_above(rows, limit, words, first_bit, start, stop)))

    _over_nodes(block, rows.size, rows.shape[1], TILE, threads)
    return any(found)


def transpose_packed(
    rows: NDArray[np.uint8],
    words: NDArray[np.uint64],
    first_bit: int = 0,
    *,
    threads: int | None = None,
) -> None:
    """OR spikes that are packed along the nodes into node-major words.

    Parameters
    ----------
    rows : ndarray of uint8, shape (stimulus, byte)
        Bit b of byte B is node 8·B + b; the number of bytes is a multiple of 8, and bits beyond
        the nodes of `words` are ignored.
    words, first_bit, threads
        As in `pack_above`.

    Raises
    ------
    ValueError
        The words do not hold these stimuli and nodes.
    """
    n_columns = -(-words.shape[0] // 64)
    if rows.shape[1] != 8 * n_columns:
        raise ValueError(f"{words.shape[0]} nodes take {8 * n_columns} bytes, got {rows.shape[1]}")
    _fits(rows.shape[0], words.shape[0], words, first_bit)
    columns = np.ascontiguousarray(rows).view("<u8").astype(np.uint64, copy=False)

    def block(start: int, stop: int) -> None:
        _transpose(columns, words, first_bit, start, stop)

    _over_nodes(block, 8 * rows.size, n_columns, 1, threads)


def _fits(n_rows: int, n_nodes: int, words: NDArray[np.uint64], first_bit: int) -> None:
    if first_bit < 0 or words.shape[0] != n_nodes or 64 * words.shape[1] < first_bit + n_rows:
        raise ValueError(
            f"words of shape {words.shape} do not hold {n_nodes} nodes and {n_rows} stimuli "
            f"from bit {first_bit}"
        )


def _over_nodes(block: Any, work: int, n: int, unit: int, threads: int | None) -> None:
    """Run over blocks of whole tiles; on one thread where starting others costs more."""
    if work < _SERIAL:
        block(0, n)
    else:
        step = max(unit, -(-n // 16) // unit * unit)
        run_blocks(block, n, step=step, threads=threads)
