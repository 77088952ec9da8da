"""Exact sums over the pieces of many sets (groups, or all), for some nodes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from stochnet.raster.raster import SpikeRaster
from stochnet.statistics.unit_sums import Sums, UnitSums, Words, at_once
from stochnet.validation.sums.jackknife import left_out
from stochnet.validation.sums.labelled_sums import LabelledSums
from stochnet.validation.sums.pieces import Pieces, cut_pieces
from stochnet.validation.sums.resampling_groups import ResamplingGroups
from stochnet.validation.sums.sets import Sets

Record = TypeVar("Record")


def map_sums(of: Callable[..., Sums], *records: Record) -> Record:
    """Apply a function of arrays (…, set, node) to all that a record of sums, or several, hold."""

    def mapped(*values: Any) -> Any:
        one = values[0]
        if isinstance(one, np.ndarray):
            return of(*values) if one.size else one
        if isinstance(one, tuple):
            return tuple(mapped(*each) for each in zip(*values, strict=True))
        return (
            {key: mapped(*(x[key] for x in values)) for key in one}
            if isinstance(one, dict)
            else one
        )

    first: Any = records[0]
    names = [x.name for x in fields(first)]
    found: Record = replace(
        first, **{name: mapped(*(getattr(x, name) for x in records)) for name in names}
    )
    return found


def last_set(sums: Sums) -> Sums:
    """Return the sums of the last set, of sums (…, set, node)."""
    return sums.take([-1], -2)


def without_each(groups: ResamplingGroups) -> Callable[[Sums], Sums]:
    """Return what leaves each group out of sums of which the first sets are these groups."""
    return lambda sums: left_out(sums, groups.n_strata, groups.n_groups)


@dataclass(frozen=True, slots=True)
class Totals:
    """Exact sums over the pieces of every set, for some nodes; those not asked for are empty.

    Attributes
    ----------
    n_pieces : ndarray of int64 (set, 1)
        Pieces in each set.
    length : int
        Bins per piece.
    scale : float
        What spikes per bin are divided by: seconds per bin, or 1.
    spikes, active : ndarray of int64 (set, node)
        Spikes, and bins with at least one.
    windows : mapping of int to (ndarray of int64, ndarray of int64)
        For each window, sums of counts and of their squares, each (set, node).
    windows_at_most : mapping of int to ndarray of int64 (threshold, set, node)
        For each window, windows with at most 0, 1, 2, 4, 8, … spikes.
    gaps : tuple of three ndarray of int64 (set, node)
        Gaps, their sum, the sum of their squares.
    gap_pairs : ndarray of int64 (3, set, node)
        Pairs of successive gaps, and sums of how they compare: see `UnitSums.gap_pairs`.
    gaps_at_most : ndarray of int64 (threshold, set, node)
        Gaps of at most 1, 2, 4, 8, … bins.
    lagged : tuple of three ndarray of int64 (set, node)
        Active bins but the last, but the first, and both: at lag 1.
    by_condition : ndarray of int64 (condition, set, node)
        Spikes in the bins of each condition.
    condition_bins : ndarray of int64 (condition, set, 1)
        Bins of each condition.
    by_position, position_bins : ndarray of int64 (position, set, node), (position, set, 1)
        The same in equal parts of a trial.
    """

    n_pieces: Sums
    length: int
    scale: float
    spikes: Sums
    active: Sums
    windows: Mapping[int, tuple[Sums, Sums]]
    windows_at_most: Mapping[int, Sums]
    gaps: tuple[Sums, Sums, Sums]
    gap_pairs: Sums
    gaps_at_most: Sums
    lagged: tuple[Sums, Sums, Sums]
    by_condition: Sums
    condition_bins: Sums
    by_position: Sums
    position_bins: Sums

    def n_windows(self, window: int) -> Sums:
        """Windows of so many bins in each set: (set, 1)."""
        return self.n_pieces * (self.length // window)


@dataclass(frozen=True, eq=False, slots=True)
class Adder:
    """What is added up over which pieces of a raster.

    Attributes
    ----------
    pieces : Pieces
    sets : Sets
        Sets of pieces.
    scale : float
        As in `Totals`.
    needs : frozenset of str
        Attributes of `Totals` to compute beside spikes.
    windows : tuple of int
        Bins per window; each fits into a piece.
    gap_thresholds : ndarray of int64 (threshold,)
        Bins of `Totals.gaps_at_most`.
    by_condition, by_position : LabelledSums or None
        Where they matter.
    """

    pieces: Pieces
    sets: Sets
    scale: float
    needs: frozenset[str]
    windows: tuple[int, ...]
    gap_thresholds: Sums
    by_condition: LabelledSums | None
    by_position: LabelledSums | None

    @classmethod
    def of(
        cls,
        raster: SpikeRaster,
        pieces: Pieces,
        inside: NDArray[np.bool_],
        needs: frozenset[str],
        windows: Collection[int],
        n_gaps: int,
    ) -> Adder:
        """Prepare sums over sets of pieces: inside (piece, set); gaps at so many thresholds."""
        by_condition = by_position = None
        if "by_condition" in needs:
            by_condition = LabelledSums.of(
                pieces.conditions, raster.n_conditions, inside, pieces.length
            )
        if "by_position" in needs:
            by_position = LabelledSums.of_positions(pieces, inside)
        return cls(
            pieces=pieces,
            sets=Sets.of(inside),
            scale=1.0 if np.isnan(raster.bin_width) else raster.bin_width,
            needs=needs,
            windows=tuple(window for window in windows if window <= pieces.length),
            gap_thresholds=thresholds(1 << n_gaps, 1),
            by_condition=by_condition,
            by_position=by_position,
        )

    def at_once(self, node_bytes: int) -> int:
        """Return how many nodes of some size are best added up at a time."""
        # Parts of a trial are many, and would make the blocks small in which all else is added up.
        by_condition = 0 if self.by_condition is None else self.by_condition.segments.n_segments
        return at_once(max(self.pieces.n_pieces, by_condition), node_bytes)

    @property
    def bins(self) -> Sums:
        """Bins in every set: (set, 1)."""
        return self.sets.sizes[:, None] * self.pieces.length

    def active(self, words: Words) -> Sums:
        """Count active bins of packed nodes (node, trial, word): (set, node)."""
        return self.sets.add(UnitSums.of(self.pieces.cut(words), self.pieces.length).active())

    def totals(self, data: NDArray[Any]) -> Totals:
        """Add up data (node, trial, word or bin) of some nodes."""
        add, needs = self.sets.add, self.needs
        sums = UnitSums.of(self.pieces.cut(data), self.pieces.length)
        own = sums.spikes()
        spikes = active = add(own)
        if "active" in needs and sums.counts is not None:
            active = add(sums.active())
        windows = {}
        for window in self.windows if "windows" in needs else ():
            total, squares = sums.windows(window, own)
            windows[window] = (spikes if total is own else add(total), add(squares))
        at_most = {}
        for window in self.windows if "windows_at_most" in needs else ():
            at_most[window] = add(sums.window_law(window, thresholds(window, 0)))
        none = np.zeros((0, 0), np.int64)
        gaps = lagged = (none, none, none)
        if needs & {"gaps", "gaps_at_most"}:
            n, total, squares = sums.gaps(own)
            gaps = (add(n), add(total), add(squares))
        pairs = shorter = none
        if needs & {"gap_pairs", "gaps_at_most"}:
            pairs, shorter = map(add, sums.gap_pairs(self.gap_thresholds))
        if "lagged" in needs:
            early, late, both = sums.lagged()
            lagged = (add(early), add(late), add(both))
        labelled = {}
        for name, of in (("condition", self.by_condition), ("position", self.by_position)):
            labelled[f"by_{name}"] = none if of is None else of.add(sums)
            labelled[f"{name}_bins"] = none if of is None else of.bins
        return Totals(
            n_pieces=self.sets.sizes[:, None],
            length=self.pieces.length,
            scale=self.scale,
            spikes=spikes,
            active=active,
            windows=windows,
            windows_at_most=at_most,
            gaps=gaps,
            gap_pairs=pairs,
            gaps_at_most=shorter,
            lagged=lagged,
            **labelled,
        )


def plan_sums(
    raster: SpikeRaster,
    groups: ResamplingGroups | None,
    needs: frozenset[str] = frozenset(),
    windows: Collection[int] = (),
    n_gaps: int = 0,
) -> tuple[Adder, Adder | None]:
    """Settle what is added up of a raster.

    Returns
    -------
    of_trials : Adder
        Over trials: groups where they are made of trials, and last the whole raster.
    of_groups : Adder or None
        Over pieces of trials, where groups are made of those.
    """
    trials = cut_pieces(raster, raster.n_bins)
    everything = np.ones((trials.n_pieces, 1), np.bool_)
    of_groups = None
    if groups is not None and groups.pieces.order is None:
        everything = np.concatenate([groups.inside, everything], axis=1)
    elif groups is not None:
        of_groups = Adder.of(raster, groups.pieces, groups.inside, needs, windows, n_gaps)
    return Adder.of(raster, trials, everything, needs, windows, n_gaps), of_groups


def thresholds(most: int, least: int) -> Sums:
    """Return where distributions of whole numbers up to `most` are compared: 0, 1, 2, 4, 8, …."""
    found = [0, *(1 << k for k in range(most.bit_length()))]
    return np.array([one for one in found if least <= one < most], np.int64)
