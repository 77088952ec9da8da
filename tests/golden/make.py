"""Make the golden files of format version 1, which every later version must keep reading.

    python -m tests.golden.make FOLDER

They are committed and never made anew: a new format version gets files of its own. The tests call
`raster`, `bundle` and `summary` to know what the files must hold.
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

import stochnet as sn
from stochnet.bundle.populations.bootstrap import Kernel
from stochnet.bundle.populations.margin import Margin
from stochnet.bundle.populations.population import Population
from stochnet.bundle.process_fit import ProcessFit
from stochnet.bundle.selection import Selection
from stochnet.statistics.summary.parts import PARTS

LAYERS = (sn.Layer("conv", "ReLU", (2, 2), 0, 4), sn.Layer("relu:1", "ReLU6", (3,), 4, 3))
N_TRIALS, N_BINS = 3, 70


def dense(highest):
    """Return spikes or counts from 0 to `highest` by a rule: (node, trial, bin)."""
    index = np.arange(7 * N_TRIALS * N_BINS).reshape(7, N_TRIALS, N_BINS)
    return (index * index // 7 + index) % (highest + 1) * (index % 3 == 0)


def labels():
    return np.arange(N_TRIALS * N_BINS).reshape(N_TRIALS, N_BINS) // 5 % 2


def raster(highest=1):
    """Return a raster with all that the format has."""
    plain = sn.SpikeRaster.from_dense(dense(highest))
    return sn.SpikeRaster(
        plain.data,
        N_BINS,
        conditions=labels(),
        training_labels=1 - labels(),
        stimuli=np.arange(N_TRIALS * N_BINS).reshape(N_TRIALS, N_BINS) - 1,
        layers=LAYERS,
        bin_width=0.0625,
        schedule="blocked",
        provenance={"seed": 2**64 - 1, "note": "golden", "nested": {"list": [1, 2.5, "three"]}},
    )


def bundle():
    """Return a bundle of two processes over two layers, per condition, with unknown errors."""
    even, odd = np.arange(0, 7, 2), np.arange(1, 7, 2)
    one = np.arange(8.0).reshape(4, 2) / 8
    two = np.arange(6.0).reshape(3, 2) / 16
    first = ProcessFit(
        sn.PROCESSES["bernoulli"], even, {"p": one}, {"p": one / 16}, -np.arange(4.0) * 3,
        np.array([1, 0, 256, 0], np.uint16), None, np.array([105, 105]),
    )  # fmt: skip
    second = ProcessFit(
        sn.PROCESSES["beta_bernoulli"], odd, {"p": two, "rho": two / 2},
        {"p": two, "rho": np.full((3, 2), np.inf)}, np.array([-1.5, -np.inf, 0.0]),
        np.array([4, 8, 32 + 64], np.uint16), 10, np.array([105, 105]),
        {"rho": np.stack([two / 4, two / 2 + 0.25], axis=-1)},
    )  # fmt: skip
    chosen = np.arange(7) % 2
    scores = np.stack([chosen * 2.5, 1.25 - chosen], axis=1)
    scores[3, 0] = np.inf
    selection = Selection("held_out", "node", ("bernoulli", "beta_bernoulli"), scores, chosen)
    return sn.Bundle(
        (first, second), LAYERS, N_TRIALS, N_BINS, labels(), 0.0625, "blocked",
        {"note": "golden"}, selection,
    )  # fmt: skip


def correlated():
    """Return a bundle of nodes that share latents, within and across two layers."""
    loadings = (np.arange(14.0).reshape(7, 2) - 6) / 16
    loadings[3] = 0
    mixing = np.eye(4)
    mixing[2, [0, 2]] = 0.6, 0.8
    trial = np.array([0.25, 0, 0.125, 0, 0, -0.25, 0.5])
    return sn.Bundle.from_params(
        "bernoulli", {"p": np.arange(7) / 8}, layers=LAYERS, n_trials=N_TRIALS, n_bins=N_BINS,
        latents=sn.Latents(loadings, mixing, trial),
    )  # fmt: skip


def laws():
    """Return a bundle with a population law for each of two layers, one of dead nodes only."""
    p = np.array([[0, 0], [1, 1], [0, 0.5], [0.25, 0.75], [0, 0], [0, 0], [0, 0]], np.float64)
    plain = sn.Bundle.from_params(
        "bernoulli", {"p": p}, layers=LAYERS, conditions=labels(), n_trials=N_TRIALS
    )
    half = np.array([[1.0, 0.5], [0.5, 1.0]])
    mixture = np.array([[0.25, -1.0, 0.5], [0.75, 2.0, 1.5]])
    first = Population(
        "conv", 0, sn.PROCESSES["bernoulli"], 2, 4, 0.25, 0.25, np.zeros(2), np.ones(2),
        (
            Margin("logit-normal", mixture, 0.5, 0.0, 0.125, 1),
            Margin("table", np.array([[0.5, 0.5, 0], [0.5, 0.75, 0]]), 0.0, 0.0, 0.0, 2),
        ),
        half, Kernel(0.375, np.array([-1.0, 0.5]), half / 4), 0.0625, 0.25,
    )  # fmt: skip
    second = Population(
        "relu:1", 0, sn.PROCESSES["bernoulli"], 2, 3, 1.0, 0.0, np.zeros(2), np.ones(2), (),
        np.eye(2), Kernel(0.4375, np.zeros(2), np.zeros((2, 2))), 0.0, 0.0,
    )  # fmt: skip
    return replace(plain, populations=(first, second))


def summary():
    """Return a summary with all that the format has, of counts and per condition."""
    return sn.RasterSummary.of(raster(300), window=20, per_condition=True, parts=PARTS)


def write(folder):
    sn.write_raster(raster(1), folder / "raster-v1.h5")
    sn.write_raster(raster(300), folder / "counts-v1.h5")
    sn.write_bundle(bundle(), folder / "bundle-v1.h5")
    sn.write_bundle(correlated(), folder / "correlated-bundle-v1.h5")
    sn.write_bundle(laws(), folder / "populations-bundle-v1.h5")
    sn.write_summary(summary(), folder / "summary-v1.h5")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
