"""elephant: firing rates, Fano factors, CV of gaps and correlations, as it documents them.

One bin is one millisecond. Trials are put one after the other where a statistic takes one train.
"""

from __future__ import annotations

import elephant
import numpy as np
import quantities as pq
from elephant.conversion import BinnedSpikeTrain
from elephant.spike_train_correlation import correlation_coefficient
from elephant.statistics import cv, fanofactor, isi, mean_firing_rate
from neo import SpikeTrain

from stochnet.benchmark import Answer

NAME = f"elephant {elephant.__version__}"


def trains(dense: np.ndarray) -> list[SpikeTrain]:
    """Spike trains of nodes (node, bin); a spike stands in the middle of its bin."""
    return [
        SpikeTrain((np.repeat(np.arange(len(row)), row) + 0.5) * pq.ms, t_stop=len(row) * pq.ms)
        for row in dense
    ]


def rates(raster, facts):
    every = trains(raster.to_dense().reshape(raster.n_nodes, -1))
    found = [float(mean_firing_rate(one).rescale(1 / pq.ms)) for one in every]
    return {"rate": Answer(np.array(found))}


def dispersion(raster, facts):
    dense, window = raster.to_dense(), facts["window"]
    found = []
    for node in dense:
        windows = node.reshape(-1, window)
        spikes = [np.repeat(np.arange(window), row) + 0.5 for row in windows]
        found.append(fanofactor(spikes, warn_tolerance=0 * pq.ms))
    # A node without a spike has no Fano factor; rare spikes have one of 1.
    return {"fano": Answer(np.nan_to_num(np.array(found), nan=1.0))}


def memory(raster, facts):
    found = []
    for node in raster.to_dense():
        gaps = [isi(np.flatnonzero(trial)) for trial in node if trial.sum() > 1]
        found.append(cv(np.concatenate(gaps)) if gaps else 1.0)
    return {"cv_gaps": Answer(np.array(found))}


def correlation(raster, facts):
    every = trains(raster.to_dense().reshape(raster.n_nodes, -1))
    binned = BinnedSpikeTrain(every, bin_size=1 * pq.ms)
    table = correlation_coefficient(binned)
    return {"noise_correlation": Answer(table[np.triu_indices(raster.n_nodes, 1)])}


ESTIMATORS = {
    "rates": rates,
    "dispersion": dispersion,
    "memory": memory,
    "correlation": correlation,
}
