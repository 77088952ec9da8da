"""Latents: what is refused, how they travel with a bundle, and the theory of correlated nodes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

import stochnet as sn
from stochnet.benchmark.truth.bivariate import excess_together
from stochnet.errors import InvalidInputError

EYE = np.eye(2)


@pytest.mark.parametrize(
    ("loadings", "mixing", "trial", "message"),
    [
        ([[0.1, np.nan]], EYE, [0], "loadings must be finite"),
        ([0.1, 0.2], EYE, [0, 0], r"loadings must be \(node, rank\)"),
        (np.zeros((3, 0)), np.zeros((0, 0)), [0, 0, 0], "rank of at least 1"),
        ([[0.1, 0.2]], EYE, [0, 0], "one value for each node"),
        ([[0.1, 0.2], [0.8, 0.6]], EYE, [0, 0], "those of node 1 sum to 1"),
        ([[0.6, 0.6]], EYE, [0.6], "those of node 0 sum to 1.08"),
        ([[0.1, 0.2]], np.eye(3), [0], "rank of 2"),
        ([[0.1, 0.2]], np.ones(4), [0], "rank of 2"),
        ([[0.1, 0.2]], [[1, 0.5], [0, 1]], [0], "Cholesky"),
        ([[0.1, 0.2]], [[1, 0], [0.6, 0.8]], [0], "rows 0 to 1 of mixing"),
        ([[0.1, 0.2]], [[1, 0], [0, 0.9]], [0], "rows 0 to 1 of mixing"),
    ],
)
def test_wrong_latents_are_refused(loadings, mixing, trial, message):
    with pytest.raises(InvalidInputError, match=message):
        sn.Latents(np.asarray(loadings), np.asarray(mixing), np.asarray(trial))


def test_latents_must_fit_their_bundle():
    two = sn.Latents.independent(np.full((2, 3), 0.1), trial=[0, 0.5])
    assert (two.n_nodes, two.rank, two.n_layers) == (2, 3, 1)
    np.testing.assert_allclose(two.shared_variance, [0.03, 0.28])
    sn.Bundle.from_params("bernoulli", {"p": [0.1, 0.2]}, latents=two)
    with pytest.raises(InvalidInputError, match="of 2 nodes in 1 layers"):
        sn.Bundle.from_params("bernoulli", {"p": [0.1, 0.2, 0.3]}, latents=two)
    layers = sn.Layer("a", "ReLU", (1,), 0, 1), sn.Layer("b", "ReLU", (1,), 1, 1)
    with pytest.raises(InvalidInputError, match="in 2 layers"):
        sn.Bundle.from_params("bernoulli", {"p": [0.1, 0.2]}, latents=two, layers=layers)
    with pytest.raises(InvalidInputError, match="node 0 has loadings, and its process is poisson"):
        sn.Bundle.from_params("poisson", {"rate": [0.1, 0.2]}, latents=two)


def test_nodes_without_loadings_may_have_any_process():
    none = sn.Latents.independent([[0.0]])
    assert none.correlated.tolist() == [False]
    sn.Bundle.from_params("poisson", {"rate": [0.1]}, latents=none)


@given(
    st.floats(1e-6, 1 - 1e-6), st.floats(1e-6, 1 - 1e-6), st.floats(-0.99, 0.99)
)  # fmt: skip
def test_two_nodes_fire_together_as_scipy_integrates(p, q, correlation):
    law = stats.multivariate_normal([0, 0], [[1, correlation], [correlation, 1]])
    both = law.cdf(special.ndtri([p, q]))
    assert abs(excess_together(p, q, correlation) - (both - p * q)) < 1e-9


def test_special_cases_of_firing_together_are_exact():
    """Sheppard's formula at 1/2; no correlation; nodes that never or always fire."""
    rho = np.linspace(-0.99, 0.99, 41)
    np.testing.assert_allclose(
        excess_together(0.5, 0.5, rho), np.arcsin(rho) / (2 * np.pi), atol=1e-15
    )
    assert excess_together(0.1, 0.3, 0.0) == 0
    assert excess_together([0, 1, 0.5], [0.5, 0.2, 1], 0.7).tolist() == [0, 0, 0]


def test_correlations_across_layers_go_through_the_mixing():
    mixing = np.array([[1, 0], [0.6, 0.8]])
    latents = sn.Latents(np.array([[0.5], [0.4], [0.8]]), mixing, np.array([0.1, 0.0, 0.2]))
    found = latents.correlation(np.array([0, 0, 1]), np.array([1, 2, 2]), np.array([0, 0, 1]))
    np.testing.assert_allclose(found, [0.2, 0.24 + 0.02, 0.192])
