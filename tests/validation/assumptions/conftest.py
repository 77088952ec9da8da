"""A raster of Poisson-like nodes in two layers, and its assessment."""

from dataclasses import replace

import numpy as np
import pytest

import stochnet as sn
from tests.support.assessed import bernoulli

LAYERS = (sn.Layer("a", "ReLU", (3, 4), 0, 12), sn.Layer("b", "ReLU", (8,), 12, 8))


@pytest.fixture(scope="module")
def raster():
    p = np.random.default_rng(5).beta(1, 3, 20)
    return replace(bernoulli(p, 20, 6, 50, seed=3), layers=LAYERS)


@pytest.fixture(scope="module")
def found(raster):
    return sn.assess(raster, (5, 20))
