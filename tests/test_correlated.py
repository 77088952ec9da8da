"""Nodes that share latents: equal to the reference, exact in their rates, right in pairs."""

import naive_latents
import numpy as np
import pytest

import stochnet as sn


def layers_of(*sizes):
    firsts = np.cumsum([0, *sizes])[:-1].tolist()
    return tuple(
        sn.Layer(f"layer{k}", "ReLU", (size,), first, size)
        for k, (size, first) in enumerate(zip(sizes, firsts, strict=True))
    )


def some_mixing(rank, n_layers, rng):
    """Return the factor of latents whose layers are correlated, each one within itself not."""
    size = rank * n_layers
    mixing = np.zeros((size, size))
    for k in range(0, size, rank):
        rows = rng.normal(size=(rank, k + rank)) * 0.3
        rows[:, k:] += np.eye(rank)
        # Orthonormal rows, and then triangular ones: a rotation within the layer.
        rows = np.linalg.qr(rows.T)[0].T
        q, _ = np.linalg.qr(rows[:, k:].T)
        rows[:, k:] = np.tril(rows[:, k:] @ q)
        rows[:, k:] *= np.sign(np.diag(rows[:, k:]))
        mixing[k : k + rank, : k + rank] = rows
    return mixing


def network(seed, rank, sizes, n_conditions=0, trial=True):
    """Return a bundle of correlated nodes, some of them extreme."""
    rng = np.random.default_rng(seed)
    n = sum(sizes)
    shared = rng.random(n) * 0.8
    loadings = rng.normal(size=(n, rank))
    loadings *= np.sqrt(shared / (loadings**2).sum(axis=1))[:, None]
    gain = rng.uniform(-0.4, 0.4, n) if trial else np.zeros(n)
    p = rng.beta(1, 3, (n, max(1, n_conditions)))
    p[0], p[1] = 0.0, 1.0
    p[2, -1], p[3, 0], p[4, -1] = 1e-12, 0.0, 1.0
    loadings[5] *= np.sqrt(0.9999 / (loadings[5] ** 2).sum())
    gain[5] = 0.0
    loadings[6], gain[6] = 0.0, 0.0
    loadings[7] = 0.0
    return sn.Bundle.from_params(
        "bernoulli",
        {"p": p if n_conditions else p[:, 0]},
        conditions=None,
        layers=layers_of(*sizes),
        latents=sn.Latents(loadings, some_mixing(rank, len(sizes), rng), gain),
    )


@pytest.mark.parametrize(
    ("rank", "sizes", "n_trials", "n_bins", "n_conditions", "trial"),
    [
        (1, (9,), 1, 1, 0, True),
        (2, (8, 3), 3, 130, 0, True),
        (3, (8, 2, 2), 2, 67, 3, True),
        (5, (4, 5), 5, 64, 2, False),
        (16, (9,), 1, 1100, 0, False),
        (17, (10,), 40, 3, 4, True),
    ],
)
def test_the_simulation_equals_the_reference(rank, sizes, n_trials, n_bins, n_conditions, trial):
    bundle = network(rank, rank, sizes, n_conditions, trial)
    conditions = None
    if n_conditions:
        conditions = np.arange(n_trials * n_bins).reshape(n_trials, n_bins) // 3 % n_conditions
    raster = sn.simulate(bundle, n_trials, n_bins, seed=2**63 + 5, conditions=conditions)
    expected = naive_latents.simulate(bundle, n_trials, n_bins, 2**63 + 5, conditions)
    np.testing.assert_array_equal(raster.to_dense(), expected)
