"""Statistics added up a few words at a time are those of the raster, wherever it is cut."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stochnet as sn
from stochnet.raster import packing
from stochnet.raster.sinks import Shape
from stochnet.statistics.summary.parts import PARTS
from stochnet.statistics.summary.stream import SummaryStream
from stochnet.storage import summary_digest
from stochnet.testing import rasters


def streamed(raster, cuts, **options):
    """Add the words of a raster in pieces, as if its trials were one run of bins."""
    template = replace(raster, data=Shape(raster.data.shape, raster.data.dtype))
    stream = SummaryStream(template, **options)
    words = packing.pack(raster.to_dense().reshape(raster.n_nodes, 1, -1))
    first = 0
    while first < words.shape[2]:
        last = min(first + next(cuts), words.shape[2])
        stream.write_words(first, words[:, :, first:last])
        first = last
    return stream


@given(data=st.data())
def test_any_cut_gives_the_summary_of_the_whole(data):
    raster = data.draw(rasters(counts=False, n_bins=(1, 300)))
    window = data.draw(st.one_of(st.none(), st.integers(1, raster.n_bins)))
    per_condition = raster.n_conditions > 0 and data.draw(st.booleans())
    parts = data.draw(st.sets(st.sampled_from(sorted(PARTS))))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    cuts = iter(lambda: int(rng.integers(1, 5)), 0)
    options = {"window": window, "per_condition": per_condition, "parts": parts}
    found = streamed(raster, cuts, **options).summary
    assert summary_digest(found) == summary_digest(sn.RasterSummary.of(raster, **options))


@pytest.mark.parametrize("per_condition", [False, True])
@pytest.mark.parametrize("shape", [(1, 12_000), (4, 3_000), (2_000, 6), (12_000, 1)])
def test_long_runs_of_silence_and_very_short_trials_are_carried(shape, per_condition):
    rng = np.random.default_rng(6)
    rates = np.array([0, 1e-4, 5e-4, 1e-2, 0.5, 1])
    spikes = rng.random((6, *shape)) < rates[:, None, None]
    raster = sn.SpikeRaster.from_dense(spikes, conditions=rng.integers(0, 2, shape))
    options = {"per_condition": per_condition, "parts": PARTS}
    expected = summary_digest(sn.RasterSummary.of(raster, **options))
    for size in (1, 7, 64, 188):
        found = streamed(raster, iter(lambda n=size: n, 0), **options).summary
        assert summary_digest(found) == expected


def test_blocks_and_threads_do_not_matter(monkeypatch):
    rng = np.random.default_rng(7)
    raster = sn.SpikeRaster.from_dense(rng.random((40, 3, 500)) < 0.1)
    expected = summary_digest(sn.RasterSummary.of(raster, window=50))
    for most in (1, 3, 1000):
        monkeypatch.setattr("stochnet.statistics.summary.stream.MOST_NODES", most)
        for threads in (1, 3):
            found = streamed(raster, iter(lambda: 4, 0), window=50, threads=threads).summary
            assert summary_digest(found) == expected


def test_state_is_a_few_bytes_a_node_however_many_bins_there_are():
    """Without ages the state of a Bernoulli node is bounded by its window histogram.

    Eight times the bins must not need twice the bytes; the raster needs eight times its bytes.
    """
    rng = np.random.default_rng(8)
    sizes = []
    for n_bins in (20_000, 160_000):
        raster = sn.SpikeRaster.from_dense(rng.random((50, 1, n_bins)) < 0.1)
        parts = {"windows", "transitions", "ages", "slots"}
        stream = streamed(raster, iter(lambda: 64, 0), window=50, parts=parts)
        sizes.append(stream.nbytes / 50)
    assert sizes[1] < 2 * sizes[0]
    assert sizes[1] < 2000
