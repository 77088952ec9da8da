"""The draw of correlated bins in integers: from a word to a latent, from an input to a spike.

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

from stochnet.kernels.rng import minus_log

# Latents and scaled loadings are multiples of 2**-11, inputs of 2**-22, mixing of 2**-14.
UNIT_BITS = 11
INPUT_BITS = 2 * UNIT_BITS
MIXING_BITS = 14
# The table of Φ: 2**12 entries in steps of 2**-8 from -8 on.
STEP_BITS = 8
N_CELLS = 4096
# Inputs are dithered over one cell of the table: with so many of the lower 16 bits of a word.
DITHER_BITS = INPUT_BITS - STEP_BITS
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


def cell_of(value: Any) -> Any:
    """Return the entry of the table of Φ for an input less its threshold, dithered."""
    cell = (value >> _SHIFT) + _CENTRE
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


Array = NDArray[np.float64]
# Probabilities closer to 0 or 1 are moved to here: the quantile is then 6.65.
SMALLEST = 2.0**-36

# Wichura's PPND16: numerators and denominators, constant first, of the middle and of the tails.
MIDDLE = (
    (3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
     1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
     3.3430575583588128105e4, 2.5090809287301226727e3),
    (1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
     2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4,
     5.2264952788528545610e3),
)  # fmt: skip
TAIL = (
    (1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
     3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
     2.27238449892691845833e-2, 7.74545014278341407640e-4),
    (1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
     1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
     1.05075007164441684324e-9),
)  # fmt: skip


def normal_quantile(p: Array) -> Array:
    """Return the quantiles of the standard normal law, to 1e-15 of their size.

    By additions, multiplications, divisions and square roots alone, whose results IEEE 754 fixes.

    Parameters
    ----------
    p : ndarray of float64
        Probabilities; those below 2**-36, or above 1 - 2**-36, count as these.

    References
    ----------
    Wichura (1988), Algorithm AS 241. Applied Statistics 37:477.
    """
    p = np.clip(p, SMALLEST, 1 - SMALLEST)
    q = p - 0.5
    middle = q * _ratio(MIDDLE, 0.180625 - q * q)
    r = np.sqrt(minus_log(np.where(q < 0, p, 1 - p)))
    tail = _ratio(TAIL, r - 1.6)
    return np.where(np.abs(q) <= 0.425, middle, np.where(q < 0, -tail, tail))


def _ratio(coefficients: tuple[tuple[float, ...], tuple[float, ...]], x: Array) -> Array:
    values = []
    for part in coefficients:
        value = np.full(x.shape, part[-1])
        for coefficient in part[-2::-1]:
            value = value * x + coefficient
        values.append(value)
    return np.asarray(values[0] / values[1])
