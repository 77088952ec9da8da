"""One whole number for every stimulus: labels, training labels, indices."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochnet.errors import InvalidInputError


def per_stimulus(
    name: str, values: ArrayLike | None, n: int, highest: int, lowest: int = 0
) -> NDArray[np.int64] | None:
    """Return one integer for each stimulus, or None.

    Raises
    ------
    InvalidInputError
        Another shape, fractions, or numbers out of range.
    """
    if values is None:
        return None
    array = np.asarray(values)
    if array.shape != (n,):
        raise InvalidInputError(
            f"{name} must be one integer for each of the {n} images, got shape {array.shape}"
        )
    if array.dtype.kind not in "iu":
        raise InvalidInputError(f"{name} must be integers, not {array.dtype}")
    if array.min() < lowest or array.max() > highest:
        raise InvalidInputError(
            f"{name} must lie in {lowest} to {highest}, they span {array.min()} to {array.max()}"
        )
    return array.astype(np.int64)
