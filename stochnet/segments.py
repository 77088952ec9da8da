"""Segments: the bins of one condition in one window; fits count, and gains act, in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stochnet.errors import InvalidInputError
from stochnet.kernels.plan import cut_words

# Positions in a window that a rate profile tells apart.
SLOTS = 32


@dataclass(frozen=True, slots=True)
class Segments:
    """How trials fall into segments.

    A window that starts in every `window`-th bin of a trial (the last one may be shorter) is one
    segment, or one for each condition that occurs in it. Bins without a condition belong to none.

    Attributes
    ----------
    trial, window, condition, length : ndarray of int64 (segment,)
        Trial, number of the window in the trial, condition (0 when pooled), bins. Ordered by trial,
        then window.
    of_bin : ndarray of int32 (trial, bin)
        Segment of every bin, -1 for none.
    word_pieces : ndarray of int64 (trial·word + 1,)
        Pieces of word w are word_pieces[w] to word_pieces[w + 1].
    piece_mask, piece_segment : ndarray of uint64, int64 (piece,)
        Bits of a word that belong to a segment.
    """

    trial: NDArray[np.int64]
    window: NDArray[np.int64]
    condition: NDArray[np.int64]
    length: NDArray[np.int64]
    of_bin: NDArray[np.int32]
    word_pieces: NDArray[np.int64]
    piece_mask: NDArray[np.uint64]
    piece_segment: NDArray[np.int64]

    @property
    def n_segments(self) -> int:
        """Number of segments."""
        return len(self.trial)


def cut_segments(
    n_trials: int, n_bins: int, window: int | None, conditions: NDArray[np.int16] | None
) -> Segments:
    """Cut trials into segments.

    Parameters
    ----------
    n_trials, n_bins : int
        Size of the raster.
    window : int or None
        Bins per window; None is the whole trial.
    conditions : ndarray of int16 (trial, bin) or None
        None pools all conditions.

    Raises
    ------
    InvalidInputError
        The window is longer than the trial or shorter than one bin.
    """
    width = check_window(window, n_bins)
    if conditions is None:
        conditions = np.zeros((n_trials, n_bins), np.int16)
    n_conditions = int(conditions.max(initial=-1)) + 1
    n_windows = -(-n_bins // width)
    key = np.arange(n_bins, dtype=np.int64) // width * max(1, n_conditions) + conditions
    key += np.arange(n_trials, dtype=np.int64)[:, None] * (n_windows * max(1, n_conditions))
    key[conditions < 0] = -1
    occupied, length = np.unique(key[key >= 0], return_counts=True)
    of_bin = np.searchsorted(occupied, key).astype(np.int32)
    of_bin[key < 0] = -1
    per_trial = n_windows * max(1, n_conditions)
    return Segments(
        occupied // per_trial,
        occupied % per_trial // max(1, n_conditions),
        occupied % max(1, n_conditions),
        length.astype(np.int64),
        of_bin,
        *cut_words(of_bin),
    )


def slot_of_bin(n_bins: int, window: int) -> NDArray[np.int64]:
    """Return the slot of every bin of a trial: its position in the window, in `SLOTS` parts."""
    return np.arange(n_bins, dtype=np.int64) % window * SLOTS // window


def check_window(window: int | None, n_bins: int) -> int:
    """Return the window in bins; None is the whole trial.

    Raises
    ------
    InvalidInputError
        It does not fit into a trial.
    """
    if window is None:
        return n_bins
    if isinstance(window, bool) or int(window) != window or not 1 <= window <= n_bins:
        raise InvalidInputError(
            f"a window must be 1 to {n_bins} bins, the length of a trial; got {window}"
        )
    return int(window)
