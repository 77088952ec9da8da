"""The firing rate over the trial: in each of up to ten equal parts of it."""

from __future__ import annotations

import numpy as np

from stochnet.validation.kinds.node_statistic import NodeStatistic, rate_noise
from stochnet.validation.kinds.statistic import Array
from stochnet.validation.matching import Matched
from stochnet.validation.sums.labelled_sums import positions
from stochnet.validation.sums.totals import Totals


def rates(totals: Totals) -> Array:
    """Spikes per bin, or per second where bins have a width: (set, node, position)."""
    found = totals.by_position / totals.position_bins / totals.scale
    return np.asarray(found.transpose(1, 2, 0))


def whole_trials(matched: Matched) -> bool:
    """Whether trials of both rasters are equally long, more than a bin, and were not cut."""
    alike = matched.observed.n_bins == matched.simulated.n_bins > 1
    return alike and matched.piece_bins == matched.n_bins


def course(observed: Array, simulated: Array) -> str:
    """Say where in the trial the mean rates differ most, from rates (node, position) of both."""
    ratio = simulated.mean(axis=0) / np.maximum(observed.mean(axis=0), 1e-12)
    change = ratio / max(float(simulated.mean() / max(observed.mean(), 1e-12)), 1e-12) - 1
    most = int(np.argmax(np.abs(change)))
    return f"most in part {most + 1} of {len(change)} of the trial ({change[most]:+.0%})"


STATISTICS = (
    NodeStatistic(
        name="rate_over_trial",
        label="rate over the trial",
        plural="Rates over the trial",
        order=15,
        unit="spikes per bin",
        per_second=True,
        profile=True,
        over="nodes and positions",
        available=whole_trials,
        needs="trials of equal length in both, and enough of them to compare whole ones",
        sums="by_position",
        values=rates,
        sized=lambda matched, window: (positions(matched.n_bins),),
        noise=lambda matched, window, rate: rate_noise(
            matched, rate, matched.compared_bins / positions(matched.n_bins)
        ),
        says=course,
        follows_from=("firing_rate", "rate_by_condition"),
    ),
)
