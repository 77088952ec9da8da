"""The trials that a summary is of, and a block of nodes in them, from which its parts are made."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import special

from stochnet.errors import InvalidInputError
from stochnet.kernels.counting import summary as kernels
from stochnet.kernels.threads import run_blocks
from stochnet.raster.raster import SpikeRaster
from stochnet.raster.windows import Segments, check_window, cut_segments
from stochnet.statistics.counting import Words, packed, segment_counts, spike_counts

Array = NDArray[np.float64]
Labels = NDArray[np.int16]


class Shown(Protocol):
    """What has trials and conditions: a raster, or its summary."""

    @property
    def n_trials(self) -> int:
        """Number of trials."""

    @property
    def n_bins(self) -> int:
        """Bins per trial."""

    @property
    def conditions(self) -> Labels | None:
        """Class of every bin (trial, bin)."""


@dataclass(frozen=True, eq=False)
class Trials:
    """Trials, their windows, and the conditions that are told apart in them.

    Attributes
    ----------
    n_trials, n_bins : int
        Trials, and bins in each.
    window : int
        Bins per window.
    labels : ndarray of int16 (trial, bin) or None
        Condition of every bin, -1 for none; None where conditions are pooled.
    cut : Segments, optional
        As cut before.
    """

    n_trials: int
    n_bins: int
    window: int
    labels: Labels | None
    cut: Segments | None = None

    @classmethod
    def of(
        cls,
        shown: Shown,
        window: int | None,
        per_condition: bool,
        segments: Segments | None = None,
    ) -> Trials:
        """Take the trials of a raster or of its summary; no window is the whole trial.

        Raises
        ------
        InvalidInputError
            No conditions although they were asked for; a window longer than the trial.
        """
        width = check_window(window, shown.n_bins)
        labels = shown.conditions if per_condition else None
        trials = cls(shown.n_trials, shown.n_bins, width, labels, segments)
        if per_condition and (labels is None or trials.n_conditions == 0):
            raise InvalidInputError(
                "this raster has no conditions (class labels), so nothing can be fitted per "
                "condition"
            )
        return trials

    @property
    def per_condition(self) -> bool:
        """Whether conditions are told apart."""
        return self.labels is not None

    @property
    def n_conditions(self) -> int:
        """Conditions that are told apart; 1 when pooled."""
        return 1 if self.labels is None else int(self.labels.max(initial=-1)) + 1

    @cached_property
    def segments(self) -> Segments:
        """The bins of each condition in each window."""
        return self.cut or cut_segments(self.n_trials, self.n_bins, self.window, self.labels)


@dataclass(frozen=True, slots=True)
class Totals:
    """What every summary holds of its nodes, for each condition.

    Attributes
    ----------
    spikes, active : ndarray of int64 (node, condition)
        Spikes, and bins with at least one.
    log_factorials : ndarray of float64 (node, condition)
        Sum over bins of log(count!); 0 for packed spikes.
    """

    spikes: NDArray[np.int64]
    active: NDArray[np.int64]
    log_factorials: Array


@dataclass(frozen=True, eq=False)
class NodeBlock:
    """Nodes in memory, and the trials in which they are summarised.

    Attributes
    ----------
    raster : SpikeRaster
        Nodes in memory.
    trials : Trials
    """

    raster: SpikeRaster
    trials: Trials

    @property
    def n_nodes(self) -> int:
        """Nodes in the block."""
        return self.raster.n_nodes

    @property
    def n_words(self) -> int:
        """Words of a trial."""
        return int(self.words.shape[1]) // self.trials.n_trials

    @property
    def data(self) -> NDArray[Any]:
        """Spikes or counts: (node, trial, word or bin)."""
        return self.raster.data[0 : self.n_nodes]

    @cached_property
    def words(self) -> Words:
        """Active bins: (node, trial·word)."""
        return packed(self.raster)

    @cached_property
    def segment_sums(self) -> list[tuple[NDArray[np.int32], NDArray[np.int64]]]:
        """For each condition, spikes (node, segment) and bins (segment,) of its segments."""
        segments, data = self.trials.segments, self.data
        sums = np.empty((self.n_nodes, segments.n_segments), np.int32)
        run_blocks(
            lambda a, b: segment_counts(data[a:b], segments.of_bin, segments.pieces, sums[a:b]),
            self.n_nodes,
        )
        if not self.trials.per_condition:
            return [(sums, segments.length)]
        of = [np.flatnonzero(segments.condition == c) for c in range(self.trials.n_conditions)]
        return [(np.ascontiguousarray(sums[:, mine]), segments.length[mine]) for mine in of]

    @cached_property
    def totals(self) -> Totals:
        """Spikes, active bins and log factorials."""
        data, segments = self.data, self.trials.segments
        shape = (self.n_nodes, self.trials.n_conditions)
        if self.raster.kind == "spikes":
            # One popcount of whole rows, where one condition has all bins.
            whole = shape[1] == 1 and segments.length.sum() == segments.of_bin.size
            spikes = spike_counts(self.raster)[:, None] if whole else self._spikes()
            return Totals(spikes, spikes, np.zeros(shape))
        active, factorials = np.zeros(shape, np.int64), np.zeros(shape)
        log_factorial = special.gammaln(np.arange(np.iinfo(data.dtype).max + 1) + 1.0)
        plan = (segments.of_bin, segments.condition, log_factorial)
        run_blocks(
            lambda a, b: kernels.count_totals(data[a:b], *plan, active[a:b], factorials[a:b]),
            self.n_nodes,
        )
        return Totals(self._spikes(), active, factorials)

    def _spikes(self) -> NDArray[np.int64]:
        """Add up the spikes of the segments of each condition: (node, condition)."""
        return np.stack([s.sum(axis=1, dtype=np.int64) for s, _ in self.segment_sums], axis=1)
