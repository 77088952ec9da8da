"""Hypothesis strategies: rasters, parameters of processes, bundles and schedules."""

import numpy as np
from hypothesis import strategies as st

import stochnet as sn

SEEDS = st.integers(0, 2**64 - 1)


def arrays(shape, elements, dtype):
    """Return arrays of a shape, drawn from a seed: quick to draw, and shrunk through the seed."""

    def make(seed):
        return elements(np.random.default_rng(seed), shape).astype(dtype)

    return st.integers(0, 2**32 - 1).map(make)


@st.composite
def dense(draw, *, counts=None, max_bins=200, max_trials=4, max_nodes=5):
    """Dense counts (node, trial, bin), from silent to full; with `counts` several in a bin."""
    shape = (
        draw(st.integers(1, max_nodes)),
        draw(st.integers(1, max_trials)),
        draw(st.one_of(st.integers(1, max_bins), st.sampled_from([1, 63, 64, 65, 128]))),
    )
    rate = draw(st.sampled_from([0.0, 0.02, 0.3, 0.9, 1.0]))
    array = draw(arrays(shape, lambda rng, s: rng.random(s) < rate, np.int64))
    if counts is None:
        counts = draw(st.booleans())
    if counts:
        array *= draw(arrays(shape, lambda rng, s: rng.poisson(1.5, s), np.int64))
        # One large count, so that the array is no 0/1 array by chance.
        array[-1, -1, -1] = draw(st.integers(2, 300))
    return array


@st.composite
def conditions(draw, n_trials, n_bins, *, n_conditions=3, unlabelled=True):
    """Labels (trial, bin) in which each condition occurs; -1 for none, where allowed."""
    lowest = -1 if unlabelled and draw(st.booleans()) else 0
    labels = draw(
        arrays((n_trials, n_bins), lambda r, s: r.integers(lowest, n_conditions, s), np.int16)
    )
    every = np.arange(n_conditions)
    labels.reshape(-1)[: len(every)] = every[: labels.size]
    return labels


@st.composite
def rasters(draw, *, counts=None, labelled=None, max_bins=200):
    """Rasters, packed or counts, with or without conditions."""
    array = draw(dense(counts=counts, max_bins=max_bins))
    labels = None
    if labelled or (labelled is None and draw(st.booleans())):
        labels = draw(conditions(*array.shape[1:]))
    return sn.SpikeRaster.from_dense(array, conditions=labels)


def values(param, *, edges=False):
    """Return values of one parameter: its typical range, with `edges` also the ends of it."""
    typical = st.floats(*param.typical, allow_nan=False)
    if param.whole:
        typical = st.integers(*map(int, param.typical)).map(float)
    if not edges:
        return typical
    low, high = param.domain
    # The far end of a rate would only make tables large; its largest typical value is enough.
    return st.one_of(typical, st.sampled_from([low, high if high <= 1 else param.typical[1]]))


@st.composite
def params(draw, process, *, max_nodes=4, n_conditions=0, edges=False):
    """Parameters {name: (node,) or (node, condition)} of a process."""
    n = draw(st.integers(1, max_nodes))
    width = max(1, n_conditions)
    found = {}
    for param in process.params:
        one = values(param, edges=edges)
        drawn = np.array(draw(st.lists(one, min_size=n * width, max_size=n * width)))
        found[param.name] = drawn.reshape((n, n_conditions) if n_conditions else (n,))
    return found


@st.composite
def recordings(draw, *, counts=False):
    """Recordings with labels 0 to 3: every bin is one stimulus, in one or several trials."""
    array = draw(dense(counts=counts, max_bins=90, max_trials=3))
    n_trials, n_bins = array.shape[1:]
    labels = np.arange(n_trials * n_bins).reshape(n_trials, n_bins) % min(4, n_trials * n_bins)
    return sn.SpikeRaster.from_dense(array, conditions=labels)
