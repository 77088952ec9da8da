"""How much the error of the fit adds to the difference of a surrogate from new trials.

A surrogate differs from a recording by the noise of both, and by the error of its parameters. For a
statistic that the process has as a parameter, such as the rate, that error is as large as the noise
of the trials of the fit; for one that follows from other parameters it is smaller. Which of the two
is seen by doing it again: the process is fitted to the surrogate, and a second surrogate is drawn
from that fit. Where the error is large the second one follows the noise of the first, so that they
are closer to each other than two surrogates of the true parameters and an error of the fit.

For an efficient estimator, with V the variance of the statistic over trials of that number and k V
that of its value under the fit, the squared distance of the two is (2 - k) V in the mean. What the
second one has more in the mean over nodes is the bias of the fit, which shrinks with its length.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from stochnet.bundle.bundle import Bundle
from stochnet.simulation.simulate import simulate
from stochnet.statistics.pairs import sample_pairs
from stochnet.validation.compared import Chosen
from stochnet.validation.kinds.network_statistic import Refit, fit_again
from stochnet.validation.kinds.pair_statistic import PairStatistic, pair_values
from stochnet.validation.kinds.statistic import Array
from stochnet.validation.kinds.survey import plan_survey, take
from stochnet.validation.matching import Matched
from stochnet.validation.sums.jackknife import jackknife_variance
from stochnet.validation.sums.resampling_groups import ResamplingGroups
from stochnet.validation.sums.sampled_nodes import sample_nodes, take_nodes
from stochnet.validation.surrogate_fit import FitError

# Nodes that are fitted again, and surrogates that are drawn of them.
MOST_NODES, DRAWN = 2000, 3


def measure_fit_error(matched: Matched, chosen: Chosen, bundle: Bundle | None) -> FitError:
    """Measure the error of the fit of a surrogate in the statistics that are compared.

    Parameters
    ----------
    matched : Matched
    chosen : Chosen
    bundle : Bundle or None
        What the surrogate was drawn from, if it is known.
    """
    simulated, groups = matched.simulated, matched.groups[1]
    processes = bundle or matched.fit.bundle(matched.observed)
    found = _Found()
    if processes is not None and groups is not None and matched.fit.fitted_bins:
        refit = second_surrogates(matched, processes)
        _add_nodes(found, refit, chosen, groups)
        # Nodes are fitted again one by one: that says nothing of correlations that are fitted too.
        if chosen.pairs and not refit.correlated:
            _add_pairs(found, refit, chosen.pairs, groups, matched)
        for one in chosen.network:
            if one.fit_bias is not None:
                for scope, bias in one.fit_bias(matched, refit).items():
                    found.bias[one.label, scope] = bias
    return FitError(
        matched.fit,
        matched.compared_bins,
        simulated.n_trials * simulated.n_bins,
        found.share,
        found.bias,
    )


def second_surrogates(matched: Matched, bundle: Bundle) -> Refit:
    """Fit some nodes of a surrogate as it was fitted itself, and draw them again."""
    rng = matched.rng
    nodes = sample_nodes(0, matched.simulated.n_nodes, rng, MOST_NODES)
    first = take_nodes(matched.simulated, nodes)
    network = fit_again(first, nodes, bundle)
    seeds = rng.integers(2**63, size=DRAWN)
    return Refit(
        bundle,
        nodes,
        first,
        [simulate(network, seed=int(seed)) for seed in seeds],
        [(scope, (nodes >= x.start) & (nodes < x.stop)) for scope, x in matched.scopes],
        bundle.latents is not None or matched.fit.correlated,
    )


@dataclass(frozen=True, eq=False, slots=True)
class _Found:
    """Shares and biases so far, as in `FitError`."""

    share: dict[str, float] = field(default_factory=dict)
    bias: dict[tuple[str, str | None], tuple[float, float]] = field(default_factory=dict)

    def add(
        self,
        label: str,
        values: Array,
        influence: NDArray[np.float32],
        again: Sequence[Array],
        scopes: Sequence[tuple[str | None, NDArray[np.bool_]]],
        per_stratum: int,
    ) -> None:
        """Add a statistic of a surrogate from its values in others of a fit to it.

        Parameters
        ----------
        label : str
        values : ndarray (node, …)
        influence : ndarray of float32 (group, node, …)
            What each group adds.
        again : sequence of ndarray (node, …)
            Of the others.
        scopes : sequence of (str or None, ndarray of bool (node,))
        per_stratum : int
            Groups in a stratum.
        """
        squares = np.mean([(one - values) ** 2 for one in again], axis=0)
        noise = jackknife_variance(influence, per_stratum)
        known = ~(np.isnan(noise) | np.isnan(squares))
        total = noise[known].sum()
        # The first scope is the network, or pairs all over it.
        if label not in self.share and total > 0:
            self.share[label] = float(np.clip(2 - squares[known].sum() / total, 0, 1))
        kept = 1 - self.share.get(label, 0.0)
        for scope, mine in scopes:
            used = known & mine.reshape(mine.shape + (1,) * (known.ndim - mine.ndim))
            if used.any():
                own = influence[:, used].mean(axis=1, dtype=np.float64)
                variance = float(jackknife_variance(own, per_stratum))
                gap = float(np.mean([one[used].mean() for one in again]) - values[used].mean())
                self.bias[label, scope] = gap, math.sqrt(variance * (kept + 1 / len(again)))


def _add_nodes(found: _Found, refit: Refit, chosen: Chosen, groups: ResamplingGroups) -> None:
    smooth = [one for one in chosen.surveyed if not one.indicator]
    first, *others = (
        take(plan_survey([x], smooth, [groups])).values[0] for x in (refit.first, *refit.others)
    )
    for label, values in first.grouped.items():
        again = [one.grouped[label] for one in others]
        found.add(label, values, first.influence[label], again, refit.scopes, groups.per_stratum)


def _add_pairs(
    found: _Found,
    refit: Refit,
    statistics: Sequence[PairStatistic],
    groups: ResamplingGroups,
    matched: Matched,
) -> None:
    for scope, mine in refit.scopes:
        if mine.sum() < 2:
            continue
        rows = np.flatnonzero(mine)
        a, b = (rows[k] for k in sample_pairs(len(rows), matched.n_pairs, rng=matched.rng))
        first, *others = (
            pair_values(raster, groups, a, b, statistics)[0]
            for raster in (refit.first, *refit.others)
        )
        everywhere = [(scope, np.ones(len(a), np.bool_))]
        for k, one in enumerate(statistics):
            again = [other[k].grouped for other in others]
            # The error of a correlation does not ask in which layers the nodes are; its bias does.
            scopes = [] if one.across_layers else everywhere
            values = first[k]
            found.add(
                one.label, values.grouped, values.influence, again, scopes, groups.per_stratum
            )
