"""elephant: one stationary Poisson process a node. One bin is one millisecond."""

from __future__ import annotations

import warnings

import elephant
import numpy as np
import quantities as pq
from elephant.spike_train_generation import StationaryPoissonProcess
from serve import Work, serve


def arrays(p, n_bins):
    """Plain arrays from objects that were made before: its fastest form."""
    end = n_bins * pq.ms
    processes = [StationaryPoissonProcess(rate * 1000 * pq.Hz, t_stop=end) for rate in p]
    return Work(
        lambda: [process.generate_spiketrain(as_array=True) for process in processes],
        lambda trains: sum(len(train) for train in trains),
    )


def spike_trains(p, n_bins):
    """As its documentation has it: an object a node, which returns a `neo.SpikeTrain`."""
    end = n_bins * pq.ms
    return Work(
        lambda: [
            StationaryPoissonProcess(rate * 1000 * pq.Hz, t_stop=end).generate_spiketrain()
            for rate in p
        ],
        lambda trains: sum(len(train) for train in trains),
    )


FORMS = {"arrays, objects made before": arrays, "SpikeTrain": spike_trains}

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    np.random.seed(1)  # noqa: NPY002 elephant knows no other
    serve(FORMS, elephant.__version__)
