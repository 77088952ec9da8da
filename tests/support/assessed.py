"""Nodes that `assess` is tested with."""

import numpy as np

import stochnet as sn


def bernoulli(p, n_nodes, n_trials, n_bins, seed=0):
    """Return independent bins: of one rate, or of one for each node."""
    rates = np.full(n_nodes, p) if np.isscalar(p) else np.asarray(p)
    bundle = sn.Bundle.from_params("bernoulli", {"p": rates})
    return sn.simulate(bundle, n_trials, n_bins, seed=seed)
