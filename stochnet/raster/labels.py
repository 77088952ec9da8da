"""One whole number for every bin: conditions, training labels, stimuli."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochnet.errors import InvalidInputError


def per_bin(
    name: str, values: ArrayLike, n_trials: int, n_bins: int, dtype: type = np.int16
) -> NDArray[Any]:
    """Return numbers (trial, bin); those of one trial hold for every trial.

    Raises
    ------
    InvalidInputError
        Another shape, fractions, or numbers below -1 or too large for the type.
    """
    array = np.asarray(values)
    if array.ndim == 1:
        array = np.broadcast_to(array, (n_trials, len(array)))
    if array.shape != (n_trials, n_bins):
        raise InvalidInputError(
            f"{name} must have shape (trial, bin) = {(n_trials, n_bins)}, got {array.shape}"
        )
    high = int(np.iinfo(dtype).max)
    if array.dtype.kind not in "iu" or array.min() < -1 or array.max() > high:
        raise InvalidInputError(
            f"{name} must be integers from -1 (none) to {high}; number your labels 0, 1, …"
        )
    return np.ascontiguousarray(array, dtype=dtype)
