"""Gain levels and count tables against scipy."""

import numpy as np
import pytest
from scipy import special

from stochnet.kernels.fitting.gain_laws import BETA, GAMMA, all_partial_means, poisson_cdf
from stochnet.processes.laws import gains as gain

LAWS = [(1, 4), (0.5, 0.5), (0.05, 0.2), (1e-3, 1e-3), (50, 30), (1e-5, 3e-5), (0.3, 2000)]


def partial_means(law, a, b):
    out = np.empty((1, len(gain._KNOTS)))
    all_partial_means(law, np.array([float(a)]), np.array([float(b)]), gain._KNOTS, out)
    return out[0]


@pytest.mark.parametrize(("a", "b"), LAWS)
def test_partial_means_of_beta_laws_are_those_of_scipy(a, b):
    knots, mean = gain._KNOTS, a / (a + b)
    edge = special.betaincinv(a, b, knots)
    # Near 1 the mirrored variable has the digits.
    mirrored = special.betaincinv(b, a, 1 - knots)
    below = mean * special.betainc(a + 1, b, edge)
    above = mean - (1 - knots) + (1 - mean) * special.betainc(b + 1, a, mirrored)
    expected = np.where(edge <= 0.5, below, above)
    np.testing.assert_allclose(partial_means(BETA, a, b), expected, rtol=0, atol=1e-7 * mean)


@pytest.mark.parametrize("shape", [0.01, 0.1, 1, 10, 1000, 1e6])
def test_partial_means_of_gamma_laws_are_those_of_scipy(shape):
    expected = special.gammainc(shape + 1, special.gammaincinv(shape, gain._KNOTS))
    np.testing.assert_allclose(partial_means(GAMMA, shape, shape), expected, rtol=0, atol=1e-7)


@pytest.mark.parametrize("rate", [0.0, 1e-9, 0.3, 5.0, 599.0, 601.0, 40_000.0])
def test_poisson_tables_are_those_of_scipy(rate):
    k = np.arange(int(rate + 10 * np.sqrt(rate) + 30))
    table = np.empty((1, len(k)))
    poisson_cdf(np.array([rate]), table)
    np.testing.assert_allclose(table[0], special.pdtr(k, rate), rtol=0, atol=1e-10)
