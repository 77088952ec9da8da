"""What a notebook shows of an object is one line, whatever the object holds."""

import numpy as np
import pytest

import stochnet as sn


@pytest.fixture(scope="module")
def objects():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(4), 5)[:, None] * np.ones((1, 30), int)
    raster = sn.SpikeRaster.from_dense(rng.random((300, 20, 30)) < 0.3, conditions=labels)
    bundle = sn.fit_bundle(raster, "bernoulli", per_condition=True)
    surrogate = sn.simulate(bundle, 20, 30, seed=1, conditions=labels)
    latents = sn.Latents(rng.uniform(-0.1, 0.1, (300, 2)), np.eye(2), np.zeros(300))
    return {
        "raster": raster,
        "fit": sn.fit(raster, "beta_bernoulli", window=10),
        "bundle": bundle,
        "correlated": sn.Bundle.from_params("bernoulli", {"p": np.full(300, 0.2)}, latents=latents),
        "latents": latents,
        "process": sn.PROCESSES["markov"],
        "report": sn.validate(raster, surrogate, windows=(10,)),
        "assessment": sn.assess(raster, (5,), n_surrogates=200),
        "summary": sn.RasterSummary.of(raster),
    }


def test_every_object_is_one_line(objects):
    for name, one in objects.items():
        text = repr(one)
        assert text.startswith(type(one).__name__ + "("), name
        assert len(text) < 160, name
        assert "\n" not in text, name


def test_a_line_says_what_it_is(objects):
    assert repr(objects["fit"]) == "ProcessFit(beta_bernoulli, 300 nodes, window=10)"
    assert repr(objects["bundle"]) == (
        "Bundle(300 nodes, 1 layer(s), bernoulli, 4 conditions; 20 trials × 30 bins)"
    )
    assert "2 latents" in repr(objects["correlated"])
    assert repr(objects["latents"]) == "Latents(300 nodes, 1 layer(s), rank 2)"
    assert repr(objects["process"]) == "Process(markov: p_after_silence, p_after_spike)"
    assert "indistinguishable" in repr(objects["report"])
    assert "tested nodes pass" in repr(objects["assessment"])
