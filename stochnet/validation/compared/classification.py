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
from scipy import linalg

from stochnet.bundle.bundle import Bundle
from stochnet.raster.raster import SpikeRaster
from stochnet.simulation.simulate import simulate
from stochnet.validation.inference.evidence import Evidence, Test
from stochnet.validation.kinds.network_statistic import Bias, NetworkStatistic, Refit, fit_again
from stochnet.validation.kinds.statistic import BASELINE_SEED, Array, Index, Measured, single
from stochnet.validation.matching import Matched
from stochnet.validation.sums.jackknife import centred, jackknife_variance
from stochnet.validation.sums.sampled_nodes import (
    MOST_BINS,
    GroupBits,
    bits_of_groups,
    sample_nodes,
    take_nodes,
)

# Nodes that a classifier sees, at most.
NODES = 200
# Groups of a stratum: two to train by, two to test by.
FEWEST = 4
# Penalty over the mean variance of a node, times the bins of the training.
RIDGE = 1.0
# Scores of one classifier, at most.
MOST_SCORES = 1_000_000
# Fits whose surrogates train a classifier, to measure its bias.
REPEATED = 5


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
    def influence(self) -> Array:
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
    by_groups: bool = True,
) -> Transfer:
    """Train on halves of both rasters and test on the other half of the observed one.

    Parameters
    ----------
    observed, simulated : sequence of GroupBits
        Equal groups of the same nodes, at least four in each stratum.
    n_strata, n_conditions : int
    by_groups : bool, default True
        Whether what each group adds is wanted: as many more classifiers as there are groups.
    """
    n_groups = len(observed)
    both = halves(n_groups, n_strata)
    half = both[0].shape[1]
    means = np.zeros(2)
    trained, tested = np.zeros((2, n_groups)), np.zeros((2, n_groups))
    for k, raster in enumerate((observed, simulated)):
        sums = [TrainingSums.of(one, n_conditions) for one in raster]
        for own, other in (both, both[::-1]):
            rest = [observed[g] for g in other.ravel().tolist()]
            whole, without = _trainings(sums, own, left_out=by_groups)
            right, bins = accuracy(rest, *whole.train())
            value = right.sum() / bins.sum()
            means[k] += value / 2
            tested[k, other.ravel()] = centred(right / bins * (bins / bins.sum()), n_strata) / 2
            if by_groups:
                found = []
                for one in without:
                    right, bins = accuracy(rest, *one.train())
                    found.append(right.sum() / bins.sum())
                added = (value - np.array(found)) * ((half - 1) / half)
                trained[k, own.ravel()] = centred(added, n_strata) / 2
    # These are centred in halves of a stratum; draws take them for centred in the whole of it.
    each = n_groups // n_strata
    scale = math.sqrt(half / (half - 1) * (each - 1) / each) if half > 1 else 1.0
    return Transfer(float(means[0]), float(means[1]), trained * scale, tested * scale)


def accuracy(groups: Sequence[GroupBits], weights: Array, offsets: Array) -> tuple[Array, Array]:
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


def weigh(matched: Matched, measured: Measured) -> list[Evidence]:
    """Weigh how well a classifier that was trained on the surrogate does on the recording.

    It sees up to 200 nodes of the network. Where the surrogate was fitted and the bias of that
    cannot be measured, accuracies are not judged.
    """
    one, resampling, rng = STATISTICS[0], matched.resampling, matched.rng
    if resampling is None:
        return []
    source, n_strata, groups = matched.observed, resampling.n_strata, resampling.groups
    nodes = sample_nodes(0, source.n_nodes, rng, NODES)
    most = most_bins(source.n_conditions)
    observed, simulated = (
        bits_of_groups(raster, nodes, own, rng, most)
        for raster, own in zip(matched.rasters, groups, strict=True)
    )
    found = transfer(observed, simulated, n_strata, source.n_conditions)
    n_bins = sum(int((bits.labels >= 0).sum()) for bits in observed)
    comparison = one.comparison(None, n_bins, 0, (single(found.observed), single(found.simulated)))
    if matched.fit.fitted_bins and (one.label, None) not in measured.fit_error.bias:
        return [Evidence(comparison)]
    network = Bundle.from_params(
        "bernoulli", {"p": measured.active[nodes]}, conditions=source.conditions
    )
    drawn = simulate(network, source.n_trials, source.n_bins, seed=BASELINE_SEED)
    alone = bits_of_groups(drawn, np.arange(len(nodes)), groups[0], rng, most)
    base = transfer(observed, alone, n_strata, source.n_conditions, by_groups=False)

    def variance(added: Array) -> float:
        return float(jackknife_variance(added, resampling.per_stratum))

    n, own = groups[0].n_groups, found.influence
    gap_error = math.sqrt(variance(own))
    # A copy of the recording would add by training what its own halves add.
    floor = math.sqrt(variance(own[:n]) + variance(found.training[0]))
    inflation = measured.fit_error.inflation(one.label)
    bias, doubt = measured.fit_error.added(one.label, None)
    error = gap_error * inflation
    wider = math.hypot(error, doubt) / error if error > 0 else 1.0
    freedom = 4 * n_strata * (resampling.per_stratum // 2 - 1)
    draws = resampling.randomization.of_halves(own, freedom) * (inflation * wider)
    weighed = Evidence(
        comparison,
        (Test("mean", abs(found.gap - bias), floor, draws),),
        means=(found.observed, found.simulated),
        errors=(
            math.sqrt(variance(found.testing[0] + found.training[0])),
            math.sqrt(variance(found.testing[1]) + variance(found.training[1])),
        ),
        freedom=freedom,
        inflation=inflation,
        baseline=abs(base.gap),
        gap_error=gap_error,
    )
    return [weighed]


def fit_bias(matched: Matched, refit: Refit) -> Bias:
    """Return how much better a classifier is trained on a surrogate of a fit, and the error of it.

    Errors of the fit make a surrogate a worse teacher than as many trials of the truth. A raster is
    taken for the truth: it is fitted, drawn, fitted again, and a surrogate of that fit stands
    against new trials, or against the trials of the fit if those are judged.
    """
    groups, rng = matched.groups[1], matched.rng
    if groups is None:
        return {}
    chosen = sample_nodes(0, len(refit.nodes), rng, NODES)
    known = refit.nodes[chosen]
    truth = fit_again(take_nodes(refit.others[0], chosen), known, refit.bundle)
    classes = matched.simulated.n_conditions

    def draw(network: Bundle) -> SpikeRaster:
        return simulate(network, seed=int(rng.integers(2**63)))

    gaps = []
    for _ in range(REPEATED):
        training = draw(truth)
        surrogate = draw(fit_again(training, known, refit.bundle))
        tested = training if matched.fit.held_out is False else draw(truth)
        first, second = (
            bits_of_groups(one, np.arange(len(chosen)), groups, rng, most_bins(classes))
            for one in (tested, surrogate)
        )
        found = transfer(first, second, groups.n_strata, classes, by_groups=False)
        gaps.append(found.gap)
    return {None: (float(np.mean(gaps)), float(np.std(gaps, ddof=1)) / math.sqrt(REPEATED))}


STATISTICS = (
    NetworkStatistic(
        name="classification",
        label="classification accuracy",
        plural="Classification accuracies",
        order=190,
        over="bins",
        available=lambda matched: (
            matched.n_conditions > 1
            and matched.resampling is not None
            and matched.resampling.per_stratum >= FEWEST
        ),
        needs="the same conditions in both, two of them, and four trials of each",
        weigh=weigh,
        fit_bias=fit_bias,
        own_scale=True,
        follows_from=("firing_rate", "rate_over_trial", "rate_by_condition"),
    ),
)
