"""Pairs of nodes: only what is named is read."""

from dataclasses import replace

import numpy as np
import pytest

import stochnet as sn
from stochnet.errors import InvalidInputError


class Watched:
    """An array of nodes that notes which of them are read."""

    def __init__(self, data):
        self.data, self.shape, self.dtype, self.seen = data, data.shape, data.dtype, []

    def __getitem__(self, key):
        self.seen += range(*key.indices(len(self.data)))
        return self.data[key]


@pytest.mark.parametrize("highest", [1, 3])
def test_a_correlation_reads_the_nodes_of_its_pairs_once_and_no_others(highest, rng):
    raster = sn.SpikeRaster.from_dense(rng.integers(0, highest, (50, 3, 70), endpoint=True))
    first, second = np.array([3, 40, 4, 3]), np.array([4, 17, 49, 40])
    watched = Watched(raster.data)
    found = sn.pairwise_correlation(replace(raster, data=watched), first, second)
    assert watched.seen == [3, 4, 17, 40, 49]
    dense = (raster.to_dense() > 0).reshape(50, -1)
    expected = [np.corrcoef(dense[i], dense[j])[0, 1] for i, j in zip(first, second, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_pairs_of_nodes_that_are_not_there_are_refused(rng):
    raster = sn.SpikeRaster.from_dense(rng.random((5, 1, 70)) < 0.5)
    none = np.zeros(0, np.int64)
    assert sn.pairwise_correlation(raster, none, none).shape == (0,)
    for bad in (-1, 5):
        with pytest.raises(InvalidInputError, match="must lie in 0 to 4"):
            sn.pairwise_correlation(raster, np.array([0]), np.array([bad]))
