"""Words of all nodes that arrive together, and what a part of a summary counts in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.kernels.counting.pieces import cut_words
from stochnet.raster.windows import WindowRun
from stochnet.statistics.counting import Words
from stochnet.statistics.summary.sparse import Rows


@dataclass(frozen=True, eq=False, slots=True)
class WordPieces:
    """Parts of words whose bins belong together.

    Attributes
    ----------
    words : ndarray of int64 (piece,)
        Word of each piece.
    masks : ndarray of uint64 (piece,)
        Its bits.
    owner : ndarray of int64 (piece,)
        What its bins belong to.
    """

    words: NDArray[np.int64]
    masks: Words
    owner: NDArray[np.int64]

    @classmethod
    def of(cls, owner: NDArray[np.int32]) -> WordPieces:
        """Cut the words of some bins, each of which has an owner or -1."""
        offsets, masks, owners = cut_words(np.ascontiguousarray(owner[None]))
        return cls(np.repeat(np.arange(len(offsets) - 1), np.diff(offsets)), masks, owners)


@dataclass(frozen=True, eq=False, slots=True)
class WordRun:
    """Successive words, the same of all nodes; bins are counted over all trials, end to end.

    Attributes
    ----------
    first_word, n_words : int
        Number of the first word, and of words.
    begin, end : int
        First bin, and the bin after the last one.
    windows : WindowRun
        Segments of the windows that these bins lie in.
    pieces : WordPieces
        Parts of the words that belong to one segment each.
    """

    first_word: int
    n_words: int
    begin: int
    end: int
    windows: WindowRun
    pieces: WordPieces

    @property
    def conditions(self) -> NDArray[np.int64]:
        """Condition of each piece."""
        return self.windows.condition[self.pieces.owner]


Step = Callable[[Words, slice, Rows], Any]
"""Adds words (node, word) of some nodes, by their slice, to their rows (node, column)."""
Stream = Callable[[WordRun], Step]
"""Says how a run of words is added; runs come in order, and what must be carried it keeps."""
