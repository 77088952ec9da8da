"""Train on synthetic, test on real: a linear classifier of conditions, by halves of the groups.

A classifier is trained on one half of the groups and tested on the other half of the observed ones;
it is trained on observed and on simulated groups of equal number and make, and tested on the same
bins. If one process made both rasters the two accuracies have one expectation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from stochnet.statistics.moments import Array
from stochnet.validation.sums.bits import MOST_BINS, GroupBits
from stochnet.validation.sums.survey import centred

Index = NDArray[np.int64]

LABEL = "classification accuracy"
# Nodes that a classifier sees, at most.
NODES = 200
# Groups of a stratum: two to train by, two to test by.
FEWEST = 4
# Penalty over the mean variance of a node, times the bins of the training.
RIDGE = 1.0
# Scores of one classifier, at most.
MOST_SCORES = 1_000_000


@dataclass(frozen=True, eq=False, slots=True)
class TrainingSums:
    """What a ridge classifier needs of its training bins; sums add up.

    Attributes
    ----------
    second : ndarray (node, node)
        Products of nodes.
    cross : ndarray (node, condition)
        Active bins by condition.
    first : ndarray (node,)
    labels : ndarray (condition,)
        Bins of each condition.
    """

    second: Array
    cross: Array
    first: Array
    labels: Array

    @classmethod
    def of(cls, bits: GroupBits, n_conditions: int) -> TrainingSums:
        """Add up the bins of a group that have a condition."""
        known = bits.labels >= 0
        active, labels = bits.active[known], bits.labels[known]
        hot = np.zeros((len(labels), n_conditions), np.float32)
        hot[np.arange(len(labels)), labels] = 1
        # Whole numbers, exact in any order.
        return cls(
            (active.T @ active).astype(np.float64),
            (active.T @ hot).astype(np.float64),
            active.sum(axis=0, dtype=np.float64),
            hot.sum(axis=0, dtype=np.float64),
        )

    def plus(self, other: TrainingSums, times: float = 1.0) -> TrainingSums:
        """Add other sums, so many times."""
        return TrainingSums(
            self.second + times * other.second,
            self.cross + times * other.cross,
            self.first + times * other.first,
            self.labels + times * other.labels,
        )

    def train(self) -> tuple[Array, Array]:
        """Return weights (node, condition) and offsets (condition,) of ridge regression.

        Targets are 1 for the condition of a bin and 0 for others; offsets are not penalised.
        """
        n = self.labels.sum()
        mean, share = self.first / n, self.labels / n
        centered = self.second - n * np.outer(mean, mean)
        penalty = RIDGE * np.trace(centered) / len(mean)
        np.fill_diagonal(centered, np.diagonal(centered) + (penalty if penalty > 0 else 1.0))
        cross = self.cross - n * np.outer(mean, share)
        weights = linalg.solve(centered, cross, assume_a="pos")
        return weights, share - mean @ weights


@dataclass(frozen=True, eq=False, slots=True)
class Transfer:
    """Accuracies on observed bins, and what each group adds to them.

    Attributes
    ----------
    observed, simulated : float
        Of classifiers trained on observed and on simulated groups.
    training, testing : ndarray (2, group)
        What is added to the first and to the second: by training, by observed and by simulated
        groups; by testing, by observed ones.
    """

    observed: float
    simulated: float
    training: Array
    testing: Array

    @property
    def gap(self) -> float:
        """Simulated minus observed accuracy."""
        return self.simulated - self.observed

    @property
    def parts(self) -> Array:
        """What all groups add to the gap, those of the observed raster first: (2·group,)."""
        tested = self.testing[1] - self.testing[0]
        return np.concatenate([tested - self.training[0], self.training[1]])


def most_bins(n_conditions: int) -> int:
    """Return how many bins of a raster are used."""
    return min(MOST_BINS, MOST_SCORES // n_conditions)


def halves(n_groups: int, n_strata: int) -> tuple[Index, Index]:
    """Return two halves of the groups of every stratum: (stratum, group) each."""
    each = n_groups // n_strata
    half = each // 2
    order = np.arange(n_strata * each).reshape(n_strata, each)
    return order[:, :half], order[:, half : 2 * half]


def transfer(
    observed: Sequence[GroupBits],
    simulated: Sequence[GroupBits],
    n_strata: int,
    n_conditions: int,
    *,
    parts: bool = True,
) -> Transfer:
    """Train on halves of both rasters and test on the other half of the observed one.

    Parameters
    ----------
    observed, simulated : sequence of GroupBits
        Equal groups of the same nodes, at least four in each stratum.
    n_strata, n_conditions : int
    parts : bool, default True
        Whether what each group adds is wanted: as many more classifiers as there are groups.
    """
    n_groups = len(observed)
    sides = halves(n_groups, n_strata)
    half = sides[0].shape[1]
    means = np.zeros(2)
    trained, tested = np.zeros((2, n_groups)), np.zeros((2, n_groups))
    for k, raster in enumerate((observed, simulated)):
        sums = [TrainingSums.of(one, n_conditions) for one in raster]
        for own, other in (sides, sides[::-1]):
            rest = [observed[g] for g in other.ravel().tolist()]
            whole, without = _trainings(sums, own, left_out=parts)
            right, bins = accuracy(rest, *whole.train())
            value = right.sum() / bins.sum()
            means[k] += value / 2
            tested[k, other.ravel()] = _centred(right / bins * (bins / bins.sum()), other) / 2
            if parts:
                found = []
                for one in without:
                    right, bins = accuracy(rest, *one.train())
                    found.append(right.sum() / bins.sum())
                added = (value - np.array(found)) * ((half - 1) / half)
                trained[k, own.ravel()] = _centred(added, own) / 2
    # Parts are centred in halves of a stratum; draws take them for centred in the whole of it.
    each = n_groups // n_strata
    scale = math.sqrt(half / (half - 1) * (each - 1) / each) if half > 1 else 1.0
    return Transfer(float(means[0]), float(means[1]), trained * scale, tested * scale)


def accuracy(
    groups: Sequence[GroupBits], weights: Array, offsets: Array
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Count the bins of each group that are classified rightly, and all that have a condition."""
    right, bins = np.zeros(len(groups)), np.zeros(len(groups))
    single = weights.astype(np.float32)
    for k, one in enumerate(groups):
        known = one.labels >= 0
        guess = np.argmax(one.active @ single + offsets, axis=1)
        right[k] = np.count_nonzero(guess[known] == one.labels[known])
        bins[k] = max(1, int(known.sum()))
    return right, bins


def _trainings(
    sums: Sequence[TrainingSums], own: Index, *, left_out: bool
) -> tuple[TrainingSums, list[TrainingSums]]:
    """Return the sums of some groups, and without each, for which its stratum stands in."""

    def add(which: Index) -> TrainingSums:
        total = sums[int(which[0])]
        for g in which[1:].tolist():
            total = total.plus(sums[g])
        return total

    whole = add(own.ravel())
    found: list[TrainingSums] = []
    each = own.shape[1]
    for stratum in own if left_out else ():
        mine = add(stratum)
        for g in stratum.tolist():
            # Others of the stratum count more by 1/(each - 1), and the group not at all.
            more = 1 / (each - 1)
            found.append(whole.plus(mine, more).plus(sums[g], -1 - more))
    return whole, found


def _centred(values: Array, own: Index) -> Array:
    return centred(values, len(own))
