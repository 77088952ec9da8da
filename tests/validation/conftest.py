"""What several tests of validation look at."""

import numpy as np
import pytest

import stochnet as sn
from stochnet.raster.layers import Layer


@pytest.fixture(scope="module")
def raster():
    """Any rates, the first two 0 and 1, in two layers and four conditions or none."""
    rng = np.random.default_rng(0)
    dense = rng.random((37, 24, 130)) < rng.beta(0.5, 1, (37, 1, 1))
    dense[0], dense[1] = False, True
    conditions = np.random.default_rng(3).integers(-1, 4, (24, 130))
    layers = (Layer("first", "ReLU", (20,), 0, 20), Layer("second", "ReLU", (17,), 20, 17))
    return sn.SpikeRaster.from_dense(dense, conditions=conditions, layers=layers)
