"""Sets of pieces that are added up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stochnet.kernels.counting.units import add_members

Sums = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Sets:
    """Sets of pieces that are added up.

    Attributes
    ----------
    members : ndarray of int64 (member,)
        Pieces, those of the first set first.
    starts : ndarray of int64 (set + 1,)
        The members of set k are members[starts[k]:starts[k + 1]].
    """

    members: Sums
    starts: Sums

    @classmethod
    def of(cls, inside: NDArray[np.bool_], pieces: Sums | None = None) -> Sets:
        """Take which piece is in which set, (piece, set), and the numbers of these pieces."""
        which, members = np.nonzero(inside.T)
        starts = np.searchsorted(which, np.arange(inside.shape[1] + 1))
        return cls(members if pieces is None else pieces[members], starts)

    @classmethod
    def joined(cls, parts: Sequence[Sets]) -> Sets:
        """Put sets one after the other."""
        members = [np.zeros(0, np.int64), *(one.members for one in parts)]
        sizes = [np.zeros(1, np.int64), *(one.sizes for one in parts)]
        return cls(np.concatenate(members), np.cumsum(np.concatenate(sizes)))

    @property
    def sizes(self) -> Sums:
        """Pieces in each set."""
        return np.diff(self.starts)

    def add(self, values: Sums) -> Sums:
        """Add up values (…, piece, node): (…, set, node)."""
        if values.ndim > 2:
            return np.array([self.add(one) for one in values], np.int64)
        out = np.empty((len(self.starts) - 1, values.shape[1]), np.int64)
        add_members(values, self.members, self.starts, out)
        return out
