"""Spikes by a label of their bins: by condition, or by position in the trial."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stochnet.raster.windows import Segments, cut_segments
from stochnet.statistics.unit_sums import Sums, UnitSums
from stochnet.validation.sums.pieces import Pieces
from stochnet.validation.sums.sets import Sets

# Parts of a trial that a rate over the trial tells apart, at most.
POSITIONS = 10


@dataclass(frozen=True, eq=False, slots=True)
class LabelledSums:
    """How the bins of pieces fall to labels.

    Attributes
    ----------
    segments : Segments
        The labels in the pieces.
    sets : Sets
        Segments of each label in each set, the sets of the first label first.
    bins : ndarray of int64 (label, set, 1)
        Bins of each label in each set.
    """

    segments: Segments
    sets: Sets
    bins: Sums

    @classmethod
    def of(
        cls, labels: NDArray[np.int16] | None, n_labels: int, inside: NDArray[np.bool_], length: int
    ) -> LabelledSums:
        """Prepare sums over sets of pieces, inside (piece, set): labels (piece, bin), -1 for none.

        Without any labels all bins have the first.
        """
        segments = cut_segments(len(inside), length, None, labels)
        groups, bins = [], []
        for label in range(n_labels):
            mine = np.flatnonzero(segments.condition == label)
            chosen = inside[segments.trial[mine]]
            groups.append(Sets.of(chosen, mine))
            bins.append((chosen * segments.length[mine, None]).sum(axis=0))
        shape = (n_labels, inside.shape[1], 1)
        return cls(segments, Sets.joined(groups), np.array(bins, np.int64).reshape(shape))

    @classmethod
    def of_positions(cls, pieces: Pieces, inside: NDArray[np.bool_]) -> LabelledSums:
        """Prepare sums by the position of a bin in its piece, in up to ten equal parts."""
        parts = positions(pieces.length)
        place = (np.arange(pieces.length) * parts // pieces.length).astype(np.int16)
        labels = np.broadcast_to(place, (pieces.n_pieces, pieces.length))
        return cls.of(labels, parts, inside, pieces.length)

    def add(self, sums: UnitSums) -> Sums:
        """Count spikes: (label, set, node)."""
        flat = self.sets.add(sums.segments(self.segments))
        return flat.reshape(*self.bins.shape[:2], -1)


def positions(n_bins: int) -> int:
    """Return how many parts of a trial are told apart."""
    return min(POSITIONS, n_bins)
