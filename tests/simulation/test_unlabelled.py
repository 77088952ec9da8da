"""Bins without a condition: fitted where no condition is needed, drawn as the user says."""

import numpy as np
import pytest

import stochnet as sn

N_BINS = 64
TABLE = np.repeat([[0], [1], [-1]], N_BINS, axis=1)
TABLE[0, 20:40] = -1


def known(process, n_nodes=3, window=None):
    """Parameters (node, condition) in the middle of the typical ranges."""
    params = {
        one.name: np.rint(value) if one.whole else value
        for one in sn.PROCESSES[process].params
        for value in [np.linspace(*one.typical, n_nodes * 2).reshape(n_nodes, 2)]
    }
    if sn.PROCESSES[process].has_profile:
        window = window or 16
    return sn.Bundle.from_params(
        process, params, conditions=np.where(TABLE < 0, 0, TABLE), window=window
    )


@pytest.mark.parametrize("process", sn.PROCESSES)
def test_silent_nodes_do_not_fire_without_a_condition(process):
    bundle = known(process)
    drawn = sn.simulate(bundle, 3, N_BINS, seed=1, conditions=TABLE, unlabelled="silent")
    dense = drawn.to_dense()
    assert not dense[:, TABLE < 0].any()
    assert dense[:, TABLE >= 0].any()
    np.testing.assert_array_equal(drawn.conditions, TABLE)
    with pytest.raises(sn.StochnetError, match=r"84 of 192 bins have no condition .*'silent'"):
        sn.simulate(bundle, 3, N_BINS, seed=1, conditions=TABLE)


@pytest.mark.parametrize("process", ["bernoulli", "poisson", "beta_bernoulli", "negative_binomial"])
def test_labelled_bins_have_the_same_spikes_whatever_stands_beside_them(process):
    """Gains included: they are addressed by window and condition."""
    bundle = known(process, window=16)
    whole = np.where(TABLE < 0, 1, TABLE)
    plain = sn.simulate(bundle, 3, N_BINS, seed=5, conditions=whole).to_dense()
    mixed = sn.simulate(bundle, 3, N_BINS, seed=5, conditions=TABLE, unlabelled="silent").to_dense()
    np.testing.assert_array_equal(mixed[:, TABLE >= 0], plain[:, TABLE >= 0])


def test_unlabelled_bins_follow_the_law_that_is_given():
    bundle = known("bernoulli")
    law = sn.Bundle.from_params("bernoulli", {"p": [0.9, 0.0, 1.0]})
    drawn = sn.simulate(bundle, 300, N_BINS, seed=2, conditions=np.tile(TABLE, (100, 1)),
                        unlabelled=law)  # fmt: skip
    none = np.tile(TABLE, (100, 1)) < 0
    rates = drawn.to_dense()[:, none].mean(axis=1)
    # 8,400 bins: five standard errors are 0.016, exceeded once in two million seeds.
    assert abs(rates[0] - 0.9) < 0.016
    assert rates[1:].tolist() == [0.0, 1.0]


def test_slices_of_a_run_are_runs_of_slices():
    bundle = known("beta_bernoulli", window=8)
    options = {"seed": 3, "unlabelled": "silent"}
    whole = sn.simulate(bundle, 3, N_BINS, conditions=TABLE, **options).to_dense()
    part = sn.simulate(bundle, 2, 48, conditions=TABLE[:2, :48], **options).to_dense()
    np.testing.assert_array_equal(part, whole[:, :2, :48])


@pytest.mark.parametrize(
    ("law", "message"),
    [
        ("pooled", "must be one of error, silent"),
        (known("bernoulli"), "without conditions"),
        (sn.Bundle.from_params("bernoulli", {"p": [0.1]}), "it has 1 nodes"),
        (sn.Bundle.from_params("poisson", {"rate": [0.1] * 3}), "node 0 is bernoulli"),
    ],
)
def test_laws_that_do_not_fit_are_refused(law, message):
    with pytest.raises(sn.StochnetError, match=message):
        sn.simulate(known("bernoulli"), 3, N_BINS, conditions=TABLE, unlabelled=law)


def labelled_raster(seed=1):
    table = np.tile(TABLE, (20, 1))
    dense = np.random.default_rng(seed).random((4, 60, N_BINS)) < np.where(table == 1, 0.4, 0.1)
    return sn.SpikeRaster.from_dense(dense, conditions=table)


def test_the_loop_goes_through_with_unlabelled_bins():
    raster = labelled_raster()
    pooled = sn.fit_bundle(raster, "bernoulli")
    np.testing.assert_allclose(pooled.fits[0].params["p"], sn.firing_rate(raster))
    assert sn.simulate(pooled, seed=1).shape == raster.shape
    bundle = sn.fit_bundle(raster, "bernoulli", per_condition=True)
    np.testing.assert_allclose(bundle.fits[0].params["p"], sn.rate_by_condition(raster))
    assert bundle.fits[0].observed_bins.tolist() == [20 * 44, 20 * 64]
    fitted, judged = sn.split_trials(raster, 0.5)
    drawn = sn.simulate(bundle, seed=1, unlabelled=sn.fit_bundle(raster, "bernoulli"))
    assert drawn.shape == raster.shape
    report = sn.validate(judged, drawn, windows=(16,), statistics=["firing_rate"], bundle=bundle)
    assert report.observed.n_nodes == 4
    assert fitted.n_trials + judged.n_trials == 60


def test_a_stopped_run_is_told_from_one_with_another_law(tmp_path):
    from stochnet.simulation.simulate import _identity, drawn_raster

    bundle = known("bernoulli")
    raster, _ = drawn_raster(bundle, 3, N_BINS, seed=1, conditions=TABLE, unlabelled="silent")
    law = sn.Bundle.from_params("bernoulli", {"p": [0.5] * 3})
    assert len({_identity(bundle, raster, 1, way) for way in ("error", "silent", law)}) == 3


def test_workers_draw_the_same(tmp_path):
    bundle = known("negative_binomial", window=8)
    options = {"seed": 3, "conditions": TABLE, "unlabelled": "silent"}
    here = sn.simulate(bundle, 3, N_BINS, **options).to_dense()
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(2) as pool:
        there = sn.simulate(bundle, 3, N_BINS, executor=pool, **options).to_dense()
    filed = sn.simulate(bundle, 3, N_BINS, path=tmp_path / "s.h5", **options).to_dense()
    np.testing.assert_array_equal(there, here)
    np.testing.assert_array_equal(filed, here)


def test_unlabelled_bins_are_judged_as_a_condition_of_their_own():
    """Fixed seeds; a true surrogate is said to differ for one seed in 20."""
    bundle = sn.fit_bundle(labelled_raster(), "bernoulli", per_condition=True)
    judged = labelled_raster(seed=2)
    true = sn.Bundle.from_params("bernoulli", {"p": np.full(4, 0.1)})
    options = {"windows": (16,), "statistics": ["rate_by_condition"]}
    for law, passed in ((true, True), ("silent", False)):
        drawn = sn.simulate(bundle, seed=1, unlabelled=law)
        assert sn.validate(judged, drawn, **options).passed == passed
