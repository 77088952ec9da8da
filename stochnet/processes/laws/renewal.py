"""Renewal processes of 0/1 bins: gaps between spikes are independent and follow one law.

The law of gaps is held as hazards: h(a) is the probability of a spike a bins after the last one,
given none since. Before the first spike of a trial, a counts the bins of the trial from 1, and the
hazards e(a) are those of the stationary process: with S(a) the probability of a gap above a bins,
e(a) = S(a - 1) / (S(a - 1) + S(a) + …). The hazard of a bin is that of its condition, so that one
definition serves pooled and per condition. Ages above 1,024 have the hazards of 1,024, which are
equal: a longer gap ends with a constant probability.

References
----------
Cox (1962), Renewal Theory, Methuen; chapters 2 and 5.
"""

from __future__ import annotations

import numpy as np

from stochnet.kernels.fitting.renewal import count_variance
from stochnet.kernels.threads import run_blocks
from stochnet.process import Array, Renewal
from stochnet.statistics.summary.parts.ages import LONGEST_AGE


def init(row, u):  # type: ignore[no-untyped-def]
    """State before the first bin: minus the age of the next bin, for no spike came yet."""
    return -1


def step(row, state, u):  # type: ignore[no-untyped-def]
    """Fire with the hazard of the age; a state above 0 is the age since a spike."""
    if state < 0:
        if u < row[-state - 1]:
            return 1, 1
        return 0, state - 1 if state > -LONGEST_AGE else state
    if u < row[LONGEST_AGE + state - 1]:
        return 1, 1
    return 0, state + 1 if state < LONGEST_AGE else state


SAMPLER = Renewal(init, step)
"""For tables of hazards: e(1), …, e(1024), h(1), …, h(1024) of every node, (node, 2·1024)."""


def moments(hazards: Array, rate: Array, window: int) -> tuple[Array, Array]:
    """Mean and variance (node,) of the spikes in a window of a stationary renewal process.

    Parameters
    ----------
    hazards : ndarray (node, 1024)
        After a spike.
    rate : ndarray (node,)
        Spikes per bin: one over the mean gap.
    window : int
        Bins.
    """
    hazards, rate = np.ascontiguousarray(hazards), np.ascontiguousarray(rate)
    variance = np.empty(len(rate))

    def run(start: int, stop: int) -> None:
        count_variance(hazards[start:stop], rate[start:stop], window, variance[start:stop])

    run_blocks(run, len(rate))
    return window * rate, variance
