"""Exact sums over the units of many sets (groups, or all), for some nodes: what statistics need."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.kernels.counting.units import add_members
from stochnet.raster.windows import Segments, cut_segments
from stochnet.statistics.unit_sums import Sums, UnitSums, Words, at_once
from stochnet.validation.sums.units import Units


@dataclass(frozen=True, slots=True)
class Sets:
    """Sets of units that are added up.

    Attributes
    ----------
    members : ndarray of int64 (member,)
        Units, those of the first set first.
    starts : ndarray of int64 (set + 1,)
        The members of set k are members[starts[k]:starts[k + 1]].
    """

    members: Sums
    starts: Sums

    @classmethod
    def of(cls, inside: NDArray[np.bool_], units: Sums | None = None) -> Sets:
        """Take which unit is in which set, (unit, set), and the numbers of these units."""
        which, members = np.nonzero(inside.T)
        starts = np.searchsorted(which, np.arange(inside.shape[1] + 1))
        return cls(members if units is None else units[members], starts)

    @classmethod
    def joined(cls, parts: Sequence[Sets]) -> Sets:
        """Put sets one after the other."""
        members = [np.zeros(0, np.int64), *(one.members for one in parts)]
        sizes = [np.zeros(1, np.int64), *(one.sizes for one in parts)]
        return cls(np.concatenate(members), np.cumsum(np.concatenate(sizes)))

    @property
    def sizes(self) -> Sums:
        """Units in each set."""
        return np.diff(self.starts)

    def add(self, values: Sums) -> Sums:
        """Add up values (unit, node): (set, node)."""
        out = np.empty((len(self.starts) - 1, values.shape[1]), np.int64)
        add_members(values, self.members, self.starts, out)
        return out


@dataclass(frozen=True, slots=True)
class Totals:
    """Exact sums over the units of every set, for some nodes; those not asked for are None.

    Attributes
    ----------
    n_units : ndarray of int64 (set, 1)
        Units in each set.
    length : int
        Bins per unit.
    scale : float
        What spikes per bin are divided by: seconds per bin, or 1.
    spikes, active : ndarray of int64 (set, node)
        Spikes, and bins with at least one.
    windows : mapping of int to (ndarray of int64, ndarray of int64)
        For each window, sums of counts and of their squares, each (set, node).
    gaps : tuple of three ndarray of int64 (set, node)
        Gaps, their sum, the sum of their squares.
    lagged : tuple of three ndarray of int64 (set, node)
        Active bins but the last, but the first, and both: at lag 1.
    laws : mapping of int to ndarray of int64 (limit, set, node)
        For each window, windows with at most 0, 1, 2, 4, 8, … spikes.
    gap_pairs : ndarray of int64 (3, set, node)
        Pairs of successive gaps, and sums of how they compare: see `UnitSums.gap_pairs`.
    gap_law : ndarray of int64 (limit, set, node)
        Gaps of at most 1, 2, 4, 8, … bins.
    by_condition : ndarray of int64 (condition, set, node)
        Spikes in the bins of each condition.
    condition_bins : ndarray of int64 (condition, set, 1)
        Bins of each condition.
    """

    n_units: Sums
    length: int
    scale: float
    spikes: Sums
    active: Sums
    windows: Mapping[int, tuple[Sums, Sums]]
    gaps: tuple[Sums, Sums, Sums]
    lagged: tuple[Sums, Sums, Sums]
    laws: Mapping[int, Sums]
    gap_pairs: Sums
    gap_law: Sums
    by_condition: Sums
    condition_bins: Sums

    def without_each(self, n_strata: int, n_groups: int) -> Totals:
        """Return the totals of the first sets together, and without each of them.

        The other groups of its stratum stand in for the one that is left out, so that length and
        make stay as they are: of m groups weights are m - 1 everywhere, but 0 for that group and m
        for the others of its stratum. Weights are whole, so sums stay exact.

        Parameters
        ----------
        n_strata, n_groups : int
            Strata of equally many groups, one after the other.
        """
        return self._each(lambda sums, axis: left_out(sums, n_strata, axis, n_groups))

    def last(self) -> Totals:
        """Return the totals of the last set."""
        return self._each(lambda sums, axis: sums.take([-1], axis))

    def _each(self, of: Callable[[Sums, int], Sums]) -> Totals:
        """Apply a function of sums and the axis of their sets."""

        def some(sums: Sums, axis: int = 0) -> Sums:
            return of(sums, axis) if sums.size else sums

        return Totals(
            some(self.n_units),
            self.length,
            self.scale,
            some(self.spikes),
            some(self.active),
            {window: (some(a), some(b)) for window, (a, b) in self.windows.items()},
            (some(self.gaps[0]), some(self.gaps[1]), some(self.gaps[2])),
            (some(self.lagged[0]), some(self.lagged[1]), some(self.lagged[2])),
            {window: some(law, 1) for window, law in self.laws.items()},
            some(self.gap_pairs, 1),
            some(self.gap_law, 1),
            some(self.by_condition, 1),
            some(self.condition_bins, 1),
        )


def left_out(sums: Sums, n_strata: int, axis: int = 0, n_groups: int | None = None) -> Sums:
    """Return sums of all groups, and without each: see `Totals.without_each`."""
    groups = sums.take(range(sums.shape[axis] if n_groups is None else n_groups), axis)
    each = groups.shape[axis] // n_strata
    shape = (*groups.shape[:axis], n_strata, each, *groups.shape[axis + 1 :])
    own = groups.reshape(shape).sum(axis=axis + 1)
    together = (each - 1) * own.sum(axis=axis, keepdims=True)
    difference = np.repeat(own, each, axis=axis) - each * groups
    return np.concatenate([together, together + difference], axis=axis)


@dataclass(frozen=True, eq=False, slots=True)
class Adder:
    """What is added up over which units of a raster.

    Attributes
    ----------
    units : Units
    sets : Sets
        Sets of units.
    scale : float
        As in `Totals`.
    parts : frozenset of str
        Attributes of `Totals` to compute beside spikes.
    windows : tuple of int
        Bins per window; each fits into a unit.
    segments : Segments or None
        The conditions in the units, where they matter.
    condition_sets : Sets
        Segments of each condition in each set, the sets of the first condition first.
    condition_bins : ndarray of int64 (condition, set, 1)
    gap_limits : ndarray of int64 (limit,)
        Bins at which the law of gaps is taken.
    """

    units: Units
    sets: Sets
    scale: float
    parts: frozenset[str]
    windows: tuple[int, ...]
    segments: Segments | None
    condition_sets: Sets
    condition_bins: Sums
    gap_limits: Sums

    @classmethod
    def of(
        cls,
        units: Units,
        inside: NDArray[np.bool_],
        scale: float,
        parts: frozenset[str],
        windows: Sequence[int],
        n_conditions: int,
        gap_limits: Sums,
    ) -> Adder:
        """Prepare sums over sets of units: inside (unit, set)."""
        segments = None
        groups, bins = [], []
        if "by_condition" in parts:
            segments = cut_segments(units.n_units, units.length, None, units.conditions)
            for condition in range(n_conditions):
                mine = np.flatnonzero(segments.condition == condition)
                chosen = inside[segments.trial[mine]]
                groups.append(Sets.of(chosen, mine))
                bins.append((chosen * segments.length[mine, None]).sum(axis=0))
        fitting = tuple(window for window in windows if window <= units.length)
        return cls(
            units,
            Sets.of(inside),
            scale,
            parts,
            fitting,
            segments,
            Sets.joined(groups),
            np.array(bins, np.int64).reshape(len(bins), inside.shape[1], 1),
            gap_limits,
        )

    def at_once(self, node_bytes: int) -> int:
        """Return how many nodes of some size are best added up at a time."""
        segments = 0 if self.segments is None else self.segments.n_segments
        return at_once(max(self.units.n_units, segments), node_bytes)

    @property
    def bins(self) -> Sums:
        """Bins in every set: (set, 1)."""
        return self.sets.sizes[:, None] * self.units.length

    def active(self, words: Words) -> Sums:
        """Count active bins of packed nodes (node, trial, word): (set, node)."""
        return self.sets.add(UnitSums.of(self.units.cut(words), self.units.length).active())

    def totals(self, data: NDArray[Any]) -> Totals:
        """Add up data (node, trial, word or bin) of some nodes."""
        units, sets = self.units, self.sets
        sums = UnitSums.of(units.cut(data), units.length)
        own = sums.spikes()
        spikes = sets.add(own)
        none = np.zeros((0, 0), np.int64)
        active = spikes
        if "active" in self.parts and sums.counts is not None:
            active = sets.add(sums.active())
        windows = {}
        for window in self.windows:
            total, squares = sums.windows(window, own)
            windows[window] = (spikes if total is own else sets.add(total), sets.add(squares))
        gaps = lagged = (none, none, none)
        if self.parts & {"gaps", "gap_law"}:
            n, total, squares = sums.gaps(own)
            gaps = (sets.add(n), sets.add(total), sets.add(squares))
        if "lagged" in self.parts:
            early, late, both = sums.lagged()
            lagged = (sets.add(early), sets.add(late), sets.add(both))
        laws = {}
        if "laws" in self.parts:
            for window in self.windows:
                laws[window] = self._each(sums.window_law(window, limits(window, 0)))
        pairs = shorter = none
        if self.parts & {"gap_pairs", "gap_law"}:
            compared, short = sums.gap_pairs(self.gap_limits)
            pairs, shorter = self._each(compared), self._each(short)
        by_condition = none
        if self.segments is not None:
            flat = self.condition_sets.add(sums.segments(self.segments))
            by_condition = flat.reshape(*self.condition_bins.shape[:2], -1)
        return Totals(
            sets.sizes[:, None],
            units.length,
            self.scale,
            spikes,
            active,
            windows,
            gaps,
            lagged,
            laws,
            pairs,
            shorter,
            by_condition,
            self.condition_bins,
        )

    def _each(self, values: Sums) -> Sums:
        """Add up tables of units (…, unit, node): (…, set, node)."""
        if not len(values):
            return np.zeros((0, 0, 0), np.int64)
        return np.stack([self.sets.add(one) for one in values])


def limits(most: int, least: int) -> Sums:
    """Return where laws of whole numbers up to `most` are compared: 0, 1, 2, 4, 8, …."""
    found = [0, *(1 << k for k in range(most.bit_length()))]
    return np.array([one for one in found if least <= one < most], np.int64)
