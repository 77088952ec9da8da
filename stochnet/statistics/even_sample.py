"""A part of many things that stands for all of them: evenly spread over their order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def evenly_spread(n: int, most: int) -> NDArray[np.int64]:
    """Return at most `most` of the numbers 0 to n - 1, with the first and the last among them."""
    return np.linspace(0, n - 1, min(most, n)).astype(np.int64)
