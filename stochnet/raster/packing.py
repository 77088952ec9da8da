"""Packed bits: bit b of word w is bin 64·w + b; padding is zero."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.errors import InvalidInputError

WORD = 64


def n_words(n_bins: int) -> int:
    """Words that hold `n_bins` bins."""
    return -(-n_bins // WORD)


def last_word_mask(n_bins: int) -> np.uint64:
    """Bits of the last word that are bins, not padding."""
    used = n_bins % WORD or WORD
    return np.uint64((1 << used) - 1)


def pack(dense: NDArray[Any]) -> NDArray[np.uint64]:
    """Pack (…, bin) truth values into (…, word)."""
    n_bins = dense.shape[-1]
    padded = np.zeros((*dense.shape[:-1], n_words(n_bins) * 8), np.uint8)
    packed = np.packbits(dense != 0, axis=-1, bitorder="little")
    padded[..., : packed.shape[-1]] = packed
    return padded.view("<u8").astype(np.uint64, copy=False)


def unpack(words: NDArray[np.uint64], n_bins: int) -> NDArray[np.uint8]:
    """Unpack (…, word) into uint8 (…, bin)."""
    as_bytes = np.ascontiguousarray(words).astype("<u8", copy=False).view(np.uint8)
    return np.unpackbits(as_bytes, axis=-1, count=n_bins, bitorder="little")


def pack_or_count(array: NDArray[Any]) -> NDArray[Any]:
    """Return packed bits if no count exceeds 1, else the smallest count type that fits.

    Raises
    ------
    InvalidInputError
        Counts that are negative, fractional or above 65,535.
    """
    if array.dtype == np.bool_:
        return pack(array)
    if array.dtype.kind not in "iu":
        whole = array.dtype.kind == "f" and bool(np.isfinite(array).all())
        if not whole or (array != np.rint(array)).any():
            raise InvalidInputError(
                "counts must be bool or whole numbers; threshold activations first, for example "
                "activations > 0"
            )
    low, high = array.min(), array.max()
    if low < 0 or high > np.iinfo(np.uint16).max:
        raise InvalidInputError(f"counts must lie in 0 to 65535, they span {low} to {high}")
    if high <= 1:
        return pack(array)
    return np.ascontiguousarray(array, dtype=np.uint8 if high <= 255 else np.uint16)
