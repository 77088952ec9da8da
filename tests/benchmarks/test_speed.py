"""Speed of the public functions, under pytest-benchmark (`make bench`)."""

from __future__ import annotations

import numpy as np
import pytest

import stochnet as sn

NODES, BINS = 5_000, 10_000


@pytest.fixture(scope="module")
def raster() -> sn.SpikeRaster:
    p = np.random.default_rng(0).beta(1, 4, NODES)
    return sn.simulate(sn.Bundle.from_params("bernoulli", {"p": p}), 100, BINS // 100, seed=1)


@pytest.mark.parametrize("name", sorted(sn.PROCESSES))
def test_simulate(benchmark, name):
    process = sn.PROCESSES[name]
    rng = np.random.default_rng(0)
    params = {p.name: rng.uniform(*p.typical, 500) for p in process.params}
    bundle = sn.Bundle.from_params(process, params, window=100)
    sn.simulate(bundle, 1, BINS, seed=1)
    drawn = benchmark(lambda: sn.simulate(bundle, 1, BINS, seed=1))
    benchmark.extra_info["node_bins"] = drawn.n_nodes * drawn.n_bins


@pytest.mark.parametrize("name", sorted(sn.PROCESSES))
def test_fit(benchmark, raster, name):
    sn.fit(raster.block(slice(0, 10)), name)
    fit = benchmark(lambda: sn.fit(raster, name))
    benchmark.extra_info["packed_bytes"] = raster.n_nodes * raster.node_bytes
    assert len(fit.node_ids) == NODES


def test_present(benchmark, raster):
    shown = benchmark(lambda: sn.present(raster, "shuffled", n_trials=100, n_bins=100, seed=1))
    assert shown.shape == raster.shape


@pytest.mark.parametrize("window", [10, 100])
def test_fano_factor(benchmark, raster, window):
    assert len(benchmark(lambda: sn.fano_factor(raster, window))) == NODES


def test_write_and_verify(benchmark, raster, tmp_path):
    def run():
        sn.write_raster(raster, tmp_path / "raster.h5")
        return sn.verify(tmp_path / "raster.h5")

    digest, sealed = benchmark(run)
    assert sealed
    assert digest.startswith("sha256:")
