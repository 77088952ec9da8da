"""Numbers, truth values and options from outside."""

from __future__ import annotations

import math
import operator
import os
import reprlib
from collections.abc import Collection, Mapping
from numbers import Real
from typing import Any

import numpy as np

from stochnet.errors import InvalidInputError

# Two numbers that differ by less than this, relative to them, were meant to be the same: 0.3 / 0.1
# is 2.9999999999999996.
SAME = 1e-8
# Of a trial, and trials of a raster: a counter of the random streams has 32 bits.
MOST_BINS = 2**32 - 1


def shown(value: object) -> str:
    """Return a short text of any object, for a message."""
    if isinstance(value, np.ndarray) and value.ndim:
        return f"an array of shape {value.shape} and type {value.dtype}"
    try:
        return " ".join(reprlib.repr(value).split())
    except Exception:  # noqa: BLE001  # whatever a foreign object raises while it is shown
        return f"an object of type {type(value).__name__}"


def fits_memory(what: str, n_bytes: float) -> None:
    """Refuse, before a long work begins, what this machine has not the memory for.

    Raises
    ------
    InvalidInputError
        It needs more than all memory that there is.
    """
    try:
        most = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        # Not every system says.
        return
    if n_bytes > most:
        raise InvalidInputError(
            f"{what} would need {n_bytes / 1e9:,.1f} GB of memory and this machine has "
            f"{most / 1e9:,.1f} GB: use fewer nodes, trials or bins"
        )


def whole(
    name: str,
    value: Any,
    low: int = 1,
    high: int | None = None,
    *,
    exact: bool = False,
    remedy: str = "",
) -> int:
    """Return a whole number in a range.

    600.0, and 2.9999999999999996 for 3, are whole too, unless it must be `exact`.

    Raises
    ------
    InvalidInputError
        It is another number, out of range, or no number; `remedy` says why.
    """
    found = plain_number(value)
    if found is not None and math.isfinite(found) and (isinstance(found, int) or not exact):
        nearest = found if isinstance(found, int) else round(found)
        reach = min(1e-3, SAME * max(1.0, abs(nearest)))
        if abs(found - nearest) <= reach and nearest >= low and (high is None or nearest <= high):
            return nearest
    limits = f"of at least {low}" if high is None else f"from {low} to {_power(high)}"
    raise InvalidInputError(
        f"{name} must be a whole number {limits}, got {shown(value)}{hint(value)}"
        + (f": {remedy}" if remedy else "")
    )


def number(
    name: str,
    value: Any,
    low: float = -math.inf,
    high: float = math.inf,
    *,
    inside: bool = False,
    unit: str = "",
) -> float:
    """Return a finite number from `low` to `high`; `inside`: neither of the two.

    Raises
    ------
    InvalidInputError
        It is out of range, or no number.
    """
    found = plain_number(value)
    if found is not None and abs(found) < 1e308:
        good = low < found < high if inside else low <= found <= high
        if good:
            return float(found)
    limits = "be a finite number"
    if math.isfinite(low) and math.isfinite(high):
        limits = f"lie between {low:g} and {high:g}"
    elif math.isfinite(low):
        limits = f"be a finite number {'above' if inside else 'of at least'} {low:g}"
    raise InvalidInputError(
        f"{name} must {limits}{' ' + unit if unit else ''}, got {shown(value)}{hint(value)}"
    )


def positive(name: str, value: Any, unit: str = "seconds") -> float:
    """Return a positive finite number.

    Raises
    ------
    InvalidInputError
        It is none.
    """
    found = plain_number(value)
    if found is None or not 0 < found < 1e308:
        raise InvalidInputError(
            f"{name} must be positive {unit}, got {shown(value)}"
            + (f": give {unit} as a plain number, as 0.001" if isinstance(value, str) else "")
        )
    return float(found)


def truth(name: str, value: Any) -> bool:
    """Return True or False; nothing else is taken for one of them.

    Raises
    ------
    InvalidInputError
        It is neither.
    """
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    raise InvalidInputError(f"{name} must be True or False, got {shown(value)}")


def option(name: str, value: Any, options: Collection[str]) -> str:
    """Return one of some texts.

    Raises
    ------
    InvalidInputError
        It is none of them.
    """
    if isinstance(value, str) and value in options:
        return str(value)
    raise InvalidInputError(f"{name} must be one of {', '.join(options)}, got {shown(value)}")


def plain_number(value: Any) -> int | float | None:
    """Return a number as one of Python's own; None for what is none, also for truth values."""
    if isinstance(value, (bool, np.bool_, str, bytes, type)):
        return None
    if "bool" in str(getattr(value, "dtype", "")) or np.ma.is_masked(value):
        return None
    if getattr(value, "shape", None) == () and not isinstance(value, Real):
        try:
            value = value.item()
        except Exception:  # noqa: BLE001  # a foreign object that only looks like a number
            return None
    try:
        return operator.index(value)
    except Exception:  # noqa: BLE001
        pass
    if not isinstance(value, Real):
        return None
    try:
        return float(value)
    except (OverflowError, ValueError, TypeError):
        return None


def hint(value: object) -> str:
    """Return what to do with something that is near a number or an array."""
    if isinstance(value, str):
        return ", a text: give a number without quotes"
    if isinstance(value, Mapping):
        return ": of a mapping give its values, list(x.values())"
    if hasattr(value, "__next__") or isinstance(value, (set, frozenset)):
        return ": give a list, list(x)"
    return ""


def _power(high: int) -> str:
    return f"2**{high.bit_length()} - 1" if high > 10**6 and high & (high + 1) == 0 else f"{high}"
