"""A digest of any result, so that a block that was damaged on its way is noticed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from stochnet.errors import InvalidInputError


def fingerprint(value: Any) -> str:
    """Return the SHA-256 of a value made of arrays, numbers, text and records of these.

    Parameters
    ----------
    value : object
        Arrays, numbers, text, None, and sequences, mappings and dataclasses of them. An object
        with a method ``__fingerprint__()`` says by itself what stands for it.

    Raises
    ------
    InvalidInputError
        There is something else in it.
    """
    total = hashlib.sha256()
    for piece in _pieces(value):
        total.update(piece)
    return total.hexdigest()


def _pieces(value: Any) -> Iterator[bytes | memoryview]:
    """Yield what is hashed: a header, which says what and how much follows, then the content."""
    if isinstance(value, (np.ndarray, np.generic)):
        array = np.ascontiguousarray(value)
        yield f"array {array.dtype.str} {np.shape(value)}\n".encode()
        yield array.reshape(-1).view(np.uint8).data
    elif value is None or isinstance(value, (bool, int, float, str)):
        yield f"{type(value).__name__} {value!r}\n".encode()
    elif hasattr(value, "__fingerprint__"):
        yield value.__fingerprint__().encode()
    elif isinstance(value, Mapping):
        yield f"mapping {len(value)}\n".encode()
        for key in sorted(value):
            yield from _pieces(key)
            yield from _pieces(value[key])
    elif isinstance(value, Sequence):
        yield f"sequence {len(value)}\n".encode()
        for one in value:
            yield from _pieces(one)
    elif is_dataclass(value):
        yield f"record {type(value).__name__}\n".encode()
        for one in fields(value):
            yield from _pieces(getattr(value, one.name))
    else:
        raise InvalidInputError(
            f"{type(value).__name__} has no fingerprint: return arrays, numbers, text and "
            "dataclasses of these"
        )
