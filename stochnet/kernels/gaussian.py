"""The draw of correlated bins in integers: from a word to a latent, from a drive to a spike.

The functions are plain Python on ``numpy.uint64`` and ``numpy.int64``, as those of
`stochnet.kernels.rng`: ``kernels`` compiles them, and tests run them as they are. The tables are
made here, once a process.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

# Latents and scaled loadings are multiples of 2**-11, drives of 2**-22, mixing of 2**-14.
UNIT_BITS = 11
DRIVE_BITS = 2 * UNIT_BITS
MIXING_BITS = 14
# The table of Φ: 2**12 entries in steps of 2**-8 from -8 on.
STEP_BITS = 8
N_CELLS = 4096
# Drives are dithered over one cell of the table: with so many of the lower 16 bits of a word.
DITHER_BITS = DRIVE_BITS - STEP_BITS
# At the most so much of a node's variance is shared: scaled loadings stay below 16.
MOST_SHARED = 1 - 2.0**-8
# Starts of nodes that never and always fire.
NEVER, ALWAYS = -(2**31), 2**31 - 1
# The series of the gain of trials; those of latents count from 0.
TRIAL_SERIES = np.uint64(0xFFFFFFFF)

_SHIFT = np.int64(DITHER_BITS)
_CENTRE, _LAST = np.int64(N_CELLS // 2), np.int64(N_CELLS - 1)
_ZERO = np.int64(0)
_S16, _LOW16 = np.uint64(16), np.uint64(0xFFFF)


def latent(word: Any, normals: Any, tails: Any) -> Any:
    """Return the normal number, in units of 2**-11, that a 32-bit word stands for.

    Its upper half chooses among 65,536 quantiles; where that is the first or the last one, its
    lower half chooses among 65,536 more. normals, tails: `normal_tables`.
    """
    top = word >> _S16
    if top == np.uint64(0):
        return tails[word & _LOW16]
    if top == _LOW16:
        return -tails[_LOW16 - (word & _LOW16)]
    return normals[top]


def cell_of(drive: Any) -> Any:
    """Return the entry of the table of Φ for a drive less its threshold, dithered."""
    cell = (drive >> _SHIFT) + _CENTRE
    return min(max(cell, _ZERO), _LAST)


def fires(half: Any, tie: Any, entry: Any) -> Any:
    """Whether 32 random bits, of which `half` are the upper 16, are below the entry of Φ."""
    return ((half << _S16) | tie) < entry


@functools.cache
def normal_tables() -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """Return the quantiles of (i + 1/2) / 2**16 and of (i + 1/2) / 2**32, in units of 2**-11.

    The first and the last entry of the former are never used.
    """
    fine = np.arange(1 << 16) + 0.5
    tables = [np.rint(special.ndtri(fine / 2.0**bits) * 2.0**UNIT_BITS) for bits in (16, 32)]
    normals, tails = (table.astype(np.int16) for table in tables)
    for table in (normals, tails):
        table.setflags(write=False)
    return normals, tails


@functools.cache
def phi_table() -> NDArray[np.uint32]:
    """Return Φ at the lower ends of cells, times 2**32: what a line between them is least off.

    A line between two points of a curve is off by a twelfth of the squared step times the second
    derivative on average, which is -xφ(x) for Φ; the entries make up for it.
    """
    step = 2.0**-STEP_BITS
    x = (np.arange(N_CELLS) - N_CELLS // 2) * step
    density = np.exp(-x * x / 2) / np.sqrt(2 * np.pi)
    values = (special.ndtr(x) + step * step / 12 * x * density) * 2.0**32
    table = np.minimum(np.rint(values), 2.0**32 - 1).astype(np.uint32)
    table.setflags(write=False)
    return np.asarray(table)
