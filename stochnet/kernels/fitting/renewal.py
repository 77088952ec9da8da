"""Counts of renewal processes: their variance in a window, from hazards."""

from __future__ import annotations

import numpy as np

from stochnet.kernels.compile import kernel


@kernel
def count_variance(hazards, rates, window, out):
    """Variance of the spikes in a window of a stationary process: hazards (node, age).

    From the probability of a spike so many bins after one, which the gaps give one after the other.
    Beyond the last age the hazard stays, so that the gaps there are a geometric tail.
    """
    longest = hazards.shape[1]
    gap = np.empty(longest + 1)
    again = np.empty(max(window, 1))
    for i in range(len(rates)):
        rate, alive = rates[i], 1.0
        for age in range(1, longest + 1):
            gap[age] = alive * hazards[i, age - 1]
            alive -= gap[age]
        stays = 1.0 - hazards[i, longest - 1]
        again[0], tail = 1.0, 0.0
        total = window * (1.0 - rate)
        for lag in range(1, window):
            tail *= stays
            if lag >= longest:
                tail += gap[longest] * again[lag - longest]
            chance = tail
            for age in range(1, min(lag, longest - 1) + 1):
                chance += gap[age] * again[lag - age]
            again[lag] = chance
            total += 2.0 * (window - lag) * (chance - rate)
        out[i] = rate * total
