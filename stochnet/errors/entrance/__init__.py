"""The entrance: numbers, arrays and objects that come from outside are checked here, once.

Every public function takes its arguments through these functions, so that what cannot be used is
refused in one line that says what to do, and nothing is read as something that it is not.
"""

from stochnet.errors.entrance.plain_arrays import array, floats, integers, rows
from stochnet.errors.entrance.plain_numbers import (
    MOST_BINS,
    SAME,
    fits_memory,
    number,
    option,
    positive,
    shown,
    truth,
    whole,
)
from stochnet.errors.entrance.plain_objects import (
    executor,
    generator,
    has,
    instance,
    items,
    options,
    path,
    progress,
    wholes,
)

__all__ = [
    "MOST_BINS",
    "SAME",
    "array",
    "executor",
    "fits_memory",
    "floats",
    "generator",
    "has",
    "instance",
    "integers",
    "items",
    "number",
    "option",
    "options",
    "path",
    "positive",
    "progress",
    "rows",
    "shown",
    "truth",
    "whole",
    "wholes",
]
