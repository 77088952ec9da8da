"""The normal quantile by arithmetic alone, so that it is the same number on every machine."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stochnet.kernels.rng import minus_log

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
