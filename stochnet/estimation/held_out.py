"""Log-likelihood of trials that a fit has not seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stochnet.errors import InvalidInputError, entrance
from stochnet.process import Process
from stochnet.raster.raster import SpikeRaster
from stochnet.statistics.summary.summary import summarize

Array = NDArray[np.float64]


def fold_of_trial(raster: SpikeRaster, folds: int) -> NDArray[np.int64]:
    """Return the fold of every trial: those that begin with one class are dealt out in turn.

    Raises
    ------
    InvalidInputError
        Fewer trials than folds, or fewer than two folds.
    """
    folds = entrance.whole("folds", folds, 2)
    if raster.n_trials < folds:
        raise InvalidInputError(
            f"{raster.n_trials} trials cannot be held out in {folds} folds; use the criterion aic "
            "or bic, fewer folds, or present the recording in more trials"
        )
    labels = np.zeros(raster.n_trials, np.int64)
    if raster.conditions is not None:
        labels = raster.conditions[:, 0].astype(np.int64)
    fold = np.empty(raster.n_trials, np.int64)
    # Each class goes on where the one before it stopped, so that folds are of one size.
    fold[np.argsort(labels, kind="stable")] = np.arange(raster.n_trials) % folds
    return fold


def held_out_score(
    raster: SpikeRaster,
    records: Sequence[Process],
    fold: NDArray[np.int64],
    *,
    window: int | None,
    per_condition: bool,
) -> Array:
    """Return -2 · log-likelihood of the held-out trials, summed over folds: (node, process).

    Parameters
    ----------
    raster : SpikeRaster
        A block of nodes.
    records : sequence of Process
    fold : ndarray of int64 (trial,)
    window, per_condition
        As for the fit.

    Raises
    ------
    InvalidInputError
        A condition is shown in the trials of one fold only.
    """
    block = raster.load()
    needs = frozenset().union(*(record.needs for record in records))
    score = np.zeros((block.n_nodes, len(records)))
    for k in range(int(fold.max()) + 1):
        parts = [block.trials(np.flatnonzero(chosen)) for chosen in (fold != k, fold == k)]
        training, testing = (
            summarize(part, window=window, per_condition=per_condition, parts=needs)
            for part in parts
        )
        for condition, seen in enumerate(testing):
            if seen.n_bins == 0:
                continue
            if condition >= len(training) or training[condition].n_bins == 0:
                raise InvalidInputError(
                    f"condition {condition} is shown in the trials of one fold only, so it cannot "
                    "be held out; use the criterion aic or bic, present more trials, or leave "
                    "conditions with few bins out (min_bins)"
                )
            for j, record in enumerate(records):
                params = record.estimate(training[condition]).params
                score[:, j] -= 2 * record.log_likelihood(params, seen)
    return score
