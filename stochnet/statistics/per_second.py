"""Rates per second that know their unit, so that nothing takes them for spikes per bin."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class PerSecond(np.ndarray[Any, np.dtype[np.float64]]):
    """An array of rates in spikes per second; parameters of processes are per bin and refuse it.

    It is an ordinary array in every other way. Slices of it are in the same unit; any arithmetic
    gives a plain array, for the result may be in another one: ``rates * bin_width`` is spikes per
    bin. Lists, single numbers and files do not keep the unit.
    """

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = (), **options: Any
    ) -> Any:
        if out:
            options["out"] = tuple(map(_plain, out))
        return getattr(ufunc, method)(*map(_plain, inputs), **options)


def per_second(rates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the array as one of rates in spikes per second."""
    return rates.view(PerSecond)


def is_per_second(values: object) -> bool:
    """Whether an array says that it is in spikes per second."""
    return isinstance(values, PerSecond)


def _plain(value: Any) -> Any:
    return value.view(np.ndarray) if isinstance(value, PerSecond) else value
