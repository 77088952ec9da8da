"""Segments: the bins of one condition in one window; fits count, and gains act, in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stochnet.errors import InvalidInputError, entrance
from stochnet.kernels.counting.pieces import cut_words

# Positions in a window that a rate profile tells apart.
SLOTS = 32
_BINS_AT_ONCE = 1 << 16


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

    @property
    def pieces(self) -> tuple[NDArray[np.int64], NDArray[np.uint64], NDArray[np.int64]]:
        """Words cut into segments: pieces per word as offsets, their bits, their segments."""
        return self.word_pieces, self.piece_mask, self.piece_segment


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


@dataclass(frozen=True, slots=True)
class WindowRun:
    """Segments of consecutive windows, of all trials laid end to end.

    Attributes
    ----------
    first_bin : int
        Bin, counted over all trials, with which the first window begins.
    of_bin : ndarray of int32 (bin,)
        Segment of every bin from there on, -1 for none.
    condition, length, last_bin : ndarray of int64 (segment,)
        Condition, number of bins, and last bin, counted over all trials.
    """

    first_bin: int
    of_bin: NDArray[np.int32]
    condition: NDArray[np.int64]
    length: NDArray[np.int64]
    last_bin: NDArray[np.int64]


def cut_windows(
    begin: int, end: int, n_bins: int, width: int, conditions: NDArray[np.int16] | None
) -> WindowRun:
    """Cut the windows that bins `begin` to `end`, counted over all trials, lie in.

    The segments are those of `cut_segments`; memory is that of these windows alone.
    """
    first, last = (bin_ // n_bins * n_bins + bin_ % n_bins // width * width
                   for bin_ in (begin, end - 1))  # fmt: skip
    stop = min(last + width, last // n_bins * n_bins + n_bins)
    bins = np.arange(first, stop)
    n_windows = -(-n_bins // width)
    key = bins // n_bins * n_windows + bins % n_bins // width
    n_conditions = 1
    if conditions is not None:
        labels = conditions.reshape(-1)[first:stop]
        n_conditions = max(1, int(labels.max()) + 1)
        key = np.where(labels < 0, -1, key * n_conditions + labels)
    counted = np.flatnonzero(key >= 0)
    occupied, of_counted, length = np.unique(key[counted], return_inverse=True, return_counts=True)
    of_bin = np.full(len(bins), -1, np.int32)
    of_bin[counted] = of_counted
    last_bin = np.zeros(len(occupied), np.int64)
    # Of several bins of a segment the last one stays.
    last_bin[of_counted] = first + counted
    return WindowRun(first, of_bin, occupied % n_conditions, length.astype(np.int64), last_bin)


def segment_lengths(
    n_trials: int, n_bins: int, window: int | None, conditions: NDArray[np.int16] | None
) -> tuple[NDArray[np.int64], ...]:
    """Return the lengths of the segments of each condition, ascending; one entry when pooled."""
    width = check_window(window, n_bins)
    if conditions is None:
        rest = n_bins % width
        return (np.array([rest, width] if rest else [width], np.int64),)
    found: list[set[int]] = [set() for _ in range(int(conditions.max(initial=-1)) + 1)]
    step = -(-_BINS_AT_ONCE // n_bins) * n_bins
    for begin in range(0, n_trials * n_bins, step):
        run = cut_windows(begin, min(begin + step, n_trials * n_bins), n_bins, width, conditions)
        for c, length in np.unique(np.stack([run.condition, run.length]), axis=1).T.tolist():
            found[c].add(length)
    return tuple(np.array(sorted(lengths), np.int64) for lengths in found)


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
    try:
        return entrance.whole("window", window, 1, n_bins)
    except InvalidInputError:
        raise InvalidInputError(
            f"a window must be 1 to {n_bins} bins, the length of a trial; got "
            f"{entrance.shown(window)}"
        ) from None
