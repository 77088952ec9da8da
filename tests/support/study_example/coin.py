"""A file beside run.py, which may import it."""

import numpy as np


def tossed(probability, n, seed):
    """Return whether each of n tosses shows a head."""
    return np.random.default_rng(seed).random(n) < probability
