"""Lists, paths and objects of a class from outside."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from stochnet.errors import InvalidInputError
from stochnet.errors.entrance.plain_numbers import shown, whole

T = TypeVar("T")


def options(name: str, values: Any) -> tuple[str, ...]:
    """Return several texts, which the caller knows; a single text is refused.

    Raises
    ------
    InvalidInputError
        They are no texts.
    """
    listed = items(name, values, "names")
    if not all(isinstance(one, str) for one in listed):
        raise InvalidInputError(f"{name} must be names, got {shown(values)}")
    return listed


def items(name: str, values: Any, what: str) -> tuple[Any, ...]:
    """Return the items of a list, tuple, set or array of one axis; text and mappings are refused.

    Raises
    ------
    InvalidInputError
        It is something else.
    """
    if isinstance(values, np.ndarray) and values.ndim == 1:
        return tuple(values.tolist())
    if isinstance(values, (list, tuple, set, frozenset, range)):
        return tuple(values)
    raise InvalidInputError(f"{name} must be a list of {what}, got {shown(values)}")


def wholes(name: str, values: Any, low: int = 1, high: int | None = None) -> tuple[int, ...]:
    """Return several whole numbers, as `whole` does each.

    Raises
    ------
    InvalidInputError
        They are none.
    """
    return tuple(whole(name, one, low, high) for one in items(name, values, "whole numbers"))


def instance(name: str, value: Any, kinds: type[T] | tuple[type, ...], remedy: str) -> T:
    """Return an object of one of some classes.

    Raises
    ------
    InvalidInputError
        It is of another; `remedy` says where to get one.
    """
    if isinstance(value, kinds):
        return value  # type: ignore[return-value]
    several = kinds if isinstance(kinds, tuple) else (kinds,)
    raise InvalidInputError(
        f"{name} must be a {' or a '.join(one.__name__ for one in several)}, got "
        f"{shown(value)}: {remedy}"
    )


def has(name: str, value: Any, methods: Sequence[str], what: str) -> None:
    """Refuse an object that lacks a method; None is always taken.

    Raises
    ------
    InvalidInputError
        It lacks one.
    """
    if value is None or (
        not isinstance(value, type) and all(callable(getattr(value, m, None)) for m in methods)
    ):
        return
    raise InvalidInputError(f"{name} must be {what}, got {shown(value)}")


def progress(value: Any) -> None:
    """Refuse a progress that cannot be called.

    Raises
    ------
    InvalidInputError
        It cannot.
    """
    if value is not None and not callable(value):
        raise InvalidInputError(
            f"progress must be a function of (what, done, total), got {shown(value)}"
        )


def executor(value: Any) -> None:
    """Refuse an executor without ``submit``.

    Raises
    ------
    InvalidInputError
        It has none.
    """
    has("executor", value, ("submit",), "a concurrent.futures.Executor, such as sn.Workers(4)")


def generator(value: Any) -> np.random.Generator:
    """Return the random numbers of an argument ``rng`` (Scientific Python's SPEC 7).

    Raises
    ------
    InvalidInputError
        It is neither a generator, nor a seed.
    """
    if isinstance(value, np.random.Generator):
        return value
    seed = None if value is None else whole("rng", value, 0)
    return np.random.default_rng(seed)


def path(name: str, value: Any) -> Path:
    """Return a path.

    Raises
    ------
    InvalidInputError
        It is no text or path, or one that no system takes.
    """
    if isinstance(value, (str, os.PathLike)) and not isinstance(value, type):
        try:
            text = os.fspath(value)
            plain = isinstance(text, str) and "\0" not in text and 0 < len(os.fsencode(text)) < 4096
            # Longer names no file system takes.
            if plain and max(map(len, Path(text).parts), default=0) < 256:
                return Path(text)
        except (TypeError, UnicodeError):
            pass
    raise InvalidInputError(f"{name} must be the path of a file or folder, got {shown(value)}")
