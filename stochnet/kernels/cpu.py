"""The kernels of a target, here of the CPU: what `stochnet.simulation.draw` needs of one.

Every target has a module like this one, with the same names. All arrays are in the memory of the
host, and `out` holds the outcome when a function returns.
"""

from __future__ import annotations

import numpy as np

from stochnet.kernels.drawing.counts import independent_counts, pooled_counts
from stochnet.kernels.drawing.latent_spikes import correlated_spikes
from stochnet.kernels.drawing.renewal_spikes import renewal_spikes
from stochnet.kernels.drawing.segmented import segmented_spikes
from stochnet.kernels.drawing.sparse import COUNTERS, sparse_spikes
from stochnet.kernels.drawing.spikes import dense_spikes, profile_spikes
from stochnet.kernels.drawing.stepwise import stepwise
from stochnet.kernels.rng import PROBABILITY_BITS

__all__ = [
    "check",
    "correlated_spikes",
    "independent_counts",
    "pooled_counts",
    "pooled_spikes",
    "profile_spikes",
    "renewal_spikes",
    "segmented_spikes",
    "stepwise",
]
# Whether the nodes of a call are shared out among threads of the host.
THREADED = True


def check() -> None:
    """Raise if nothing can be drawn here: never."""


def pooled_spikes(thresholds, scale, shift, nodes, n_trials, n_bins, k0, k1, out):
    """Draw spikes of nodes with one probability each, sparse ones gap by gap.

    thresholds uint64 (node,): floor(p·2^40); scale, shift uint64 (node,):
    `stochnet.kernels.rng.sparse_scale`; nodes uint64 (node,): their addresses; out uint64 (node,
    trial·word).
    """
    if scale.any():
        # Four gaps a counter: enough for all but one trial in a hundred or so.
        mean = n_bins * np.where(scale > 0, thresholds, 0) / 2.0**PROBABILITY_BITS
        counters = np.minimum(1 + (mean + 2.5 * np.sqrt(mean)).astype(np.int64) // 4, COUNTERS)
        sparse_spikes(scale, shift, counters, nodes, n_trials, n_bins, k0, k1, out)
    dense_spikes(thresholds, nodes, n_trials, n_bins, k0, k1, out)
