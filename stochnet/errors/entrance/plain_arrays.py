"""Arrays from outside: what is one is taken, and what would be read as another thing refused."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.errors import InvalidInputError
from stochnet.errors.entrance.plain_numbers import hint, shown


def array(name: str, value: Any, *, kinds: str = "biuf", what: str = "numbers") -> NDArray[Any]:
    """Return an array of numbers, for what is one.

    Lists, tuples, NumPy arrays, tensors (their values, wherever they lie) and anything with
    ``__array__`` are taken. Mappings, sets, texts, generators, ragged lists, objects, sparse
    arrays, masked entries, dates and physical quantities are refused: each of them would be read
    as something else.

    Parameters
    ----------
    name : str
        Of the argument, for the message.
    value : object
    kinds : str
        Kinds of types that are taken, as in ``numpy.dtype.kind``.
    what : str
        What it should hold.

    Raises
    ------
    InvalidInputError
        It is none.
    """
    plain = _unwrapped(name, value, what)
    try:
        found = np.asarray(plain)
    except Exception as error:
        raise InvalidInputError(
            f"{name} cannot be made an array of {what} ({_first_line(error)}): give rows of one "
            "length"
        ) from error
    if found.dtype.kind not in kinds:
        raise InvalidInputError(f"{name} must hold {what}, got {_holds(found)}{_unit_hint(found)}")
    return found


def floats(name: str, value: Any, what: str = "numbers") -> NDArray[np.float64]:
    """Return an array of float64, as `array` does; truth values are refused.

    Raises
    ------
    InvalidInputError
        It is none.
    """
    return array(name, value, kinds="iuf", what=what).astype(np.float64, copy=False)


def integers(
    name: str, value: Any, low: int, high: int, *, what: str = "whole numbers"
) -> NDArray[np.int64]:
    """Return an array of int64 in a range, as `array` does.

    Raises
    ------
    InvalidInputError
        It is none, or a number is out of range.
    """
    found = array(name, value, kinds="iuf", what=what)
    if found.size == 0:
        return found.astype(np.int64)
    if found.dtype.kind == "f" and not (np.isfinite(found) & (found == np.rint(found))).all():
        raise InvalidInputError(f"{name} must be {what}, got fractions or NaN")
    if found.min() < low or found.max() > high:
        raise InvalidInputError(
            f"{name} must lie in {low} to {high}, they span {found.min()} to {found.max()}"
        )
    return found.astype(np.int64)


def rows(name: str, value: Any, n: int) -> slice | NDArray[np.int64]:
    """Return which of `n` are meant: a slice, numbers (from the end if negative), or truth values.

    Raises
    ------
    InvalidInputError
        They are not among the `n`.
    """
    if isinstance(value, slice):
        try:
            value.indices(n)
        except (TypeError, ValueError) as error:
            raise InvalidInputError(f"{name} must be a slice of numbers, got {value}") from error
        return value
    found = array(name, value, kinds="biuf", what="numbers, from 0")
    if found.dtype.kind == "b" and found.shape == (n,):
        found = np.flatnonzero(found)
    found = integers(name, found, -n, n - 1)
    if found.ndim != 1:
        raise InvalidInputError(f"{name} must be a slice or a list of numbers, got {shown(value)}")
    return found


def _unwrapped(name: str, value: Any, what: str) -> Any:
    """Return what NumPy can be given, of something that is an array."""
    if isinstance(value, np.ma.MaskedArray):
        if np.ma.is_masked(value):
            raise InvalidInputError(
                f"{name} has masked entries: fill them (x.filled(0)) or leave them out first"
            )
        return value.data
    if isinstance(value, (list, tuple)) and any(np.ma.is_masked(one) for one in value):
        raise InvalidInputError(
            f"{name} has masked entries: fill them (x.filled(0)) or leave them out first"
        )
    if hasattr(value, "toarray") and hasattr(value, "nnz"):
        raise InvalidInputError(f"{name} is a sparse array: give x.toarray()")
    units = getattr(value, "units", getattr(value, "unit", None))
    if units is not None and not isinstance(value, type):
        raise InvalidInputError(
            f"{name} has a physical unit ({shown(units)}): give plain numbers in the unit that is "
            "asked for, for example x.rescale('s').magnitude or x.to_value('s')"
        )
    if hasattr(value, "detach") and hasattr(value, "cpu") and not isinstance(value, type):
        return _of_tensor(name, value, what)
    plain = isinstance(value, (np.ndarray, np.generic, Sequence, Real)) and not isinstance(
        value, (str, bytes, bytearray, memoryview)
    )
    if plain or (hasattr(value, "__array__") and not isinstance(value, type)):
        return value
    raise InvalidInputError(f"{name} must be an array of {what}, got {shown(value)}{hint(value)}")


def _of_tensor(name: str, value: Any, what: str) -> Any:
    try:
        return value.detach().cpu().numpy()
    except Exception as error:
        raise InvalidInputError(
            f"{name} is a tensor that NumPy does not take ({_first_line(error)}): give a dense "
            f"tensor of {what}, for example x.float() or x.to_dense()"
        ) from error


def _holds(found: NDArray[Any]) -> str:
    kinds = {
        "b": "truth values", "O": "objects, as of ragged lists", "U": "texts", "S": "texts",
        "c": "complex numbers", "M": "dates", "m": "time differences", "V": "records",
        "f": "fractional numbers", "i": "integers", "u": "integers",
    }  # fmt: skip
    return kinds.get(found.dtype.kind, str(found.dtype))


def _unit_hint(found: NDArray[Any]) -> str:
    return ": divide by np.timedelta64(1, 's')" if found.dtype.kind == "m" else ""


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:120]
