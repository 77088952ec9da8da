"""Conditions with few bins: refused with the remedy, or left out and counted."""

import numpy as np
import pytest

import stochnet as sn

LABELS = np.repeat([[0], [0], [2], [2], [3]], 50, axis=1)
LABELS[4, 10:] = -1
RASTER = sn.SpikeRaster.from_dense(
    np.random.default_rng(4).random((10, 5, 50)) < np.where(LABELS == 2, 0.5, 0.2),
    conditions=LABELS,
)


def test_a_number_that_is_no_condition_is_refused_with_the_remedy():
    with pytest.raises(sn.StochnetError, match=r"condition 1 occurs in no bin.*min_bins=1"):
        sn.fit(RASTER, "bernoulli", per_condition=True)


@pytest.mark.parametrize("process", ["bernoulli", "beta_bernoulli", "markov", "binomial"])
def test_what_is_left_out_has_the_mean_of_the_others_and_no_error(process):
    options = {"per_condition": True, "window": 10}
    fit = sn.fit(RASTER, process, min_bins=1, **options)
    assert fit.observed_bins.tolist() == [100, 0, 100, 10]
    two = np.where(LABELS == 2, 1, np.where(LABELS == 0, 0, np.where(LABELS == 3, 2, -1)))
    same = sn.fit(sn.SpikeRaster.from_dense(RASTER.to_dense(), conditions=two), process, **options)
    for name, values in fit.params.items():
        np.testing.assert_array_equal(values[:, [0, 2, 3]], same.params[name])
        mean = np.average(same.params[name], axis=1, weights=[100, 100, 10])
        whole = next(one.whole for one in fit.process.params if one.name == name)
        np.testing.assert_allclose(values[:, 1], np.rint(mean) if whole else mean)
        assert np.isinf(fit.standard_errors[name][:, 1]).all()
        low, high = fit.interval(name)
        domain = next(one.domain for one in fit.process.params if one.name == name)
        assert (low[:, 1] == domain[0]).all()
        assert (high[:, 1] == domain[1]).all()
        for ends, others in zip((low, high), same.interval(name), strict=True):
            np.testing.assert_array_equal(ends[:, [0, 2, 3]], others)
    np.testing.assert_array_equal(fit.log_likelihood, same.log_likelihood)
    np.testing.assert_array_equal(fit.flags, same.flags)


def test_bundles_say_what_was_left_out_and_simulate_the_rest(tmp_path):
    bundle = sn.fit_bundle(RASTER, "bernoulli", per_condition=True, min_bins=20)
    assert bundle.provenance["left_out"] == {"condition 1": 0, "condition 3": 10}
    assert bundle.n_conditions == 3
    assert (bundle.conditions[4] == -1).all()
    sn.write_bundle(bundle, tmp_path / "b.h5")
    again = sn.read_bundle(tmp_path / "b.h5")
    assert again.provenance["left_out"] == {"condition 1": 0, "condition 3": 10}
    drawn = sn.simulate(again, seed=1, unlabelled="silent")
    assert not drawn.to_dense()[:, 4].any()


@pytest.mark.parametrize("criterion", ["aic", "held_out"])
def test_a_rare_condition_does_not_refuse_a_choice(criterion):
    table = np.repeat([[0], [1]] * 5 + [[2]], 40, axis=1)
    raster = sn.SpikeRaster.from_dense(
        np.random.default_rng(4).random((3, 11, 40)) < 0.3, conditions=table
    )
    options = {"per_condition": True, "criterion": criterion}
    if criterion == "held_out":
        with pytest.raises(sn.StochnetError, match="min_bins"):
            sn.select(raster, ["bernoulli", "markov"], **options)
    found = sn.select(raster, ["bernoulli", "markov"], min_bins=41, **options)
    assert {one.n_conditions for one in found} == {2}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_bins": 5}, "goes with per_condition=True"),
        ({"min_bins": 500, "per_condition": True}, "no condition has 500 bins, the most is 100"),
        ({"min_bins": 0, "per_condition": True}, "min_bins must be a whole number of at least 1"),
    ],
)
def test_numbers_of_bins_that_make_no_sense_are_refused(options, message):
    with pytest.raises(sn.StochnetError, match=message):
        sn.fit(RASTER, "bernoulli", **options)


def test_a_summary_has_its_conditions_fixed():
    table = np.repeat([[0], [1]], 50, axis=1)
    table[1, 5:] = -1
    raster = sn.SpikeRaster.from_dense(np.ones((2, 2, 50), int), conditions=table)
    summary = sn.RasterSummary.of(raster, per_condition=True)
    assert sn.fit(summary, "bernoulli", per_condition=True, min_bins=5).n_conditions == 2
    with pytest.raises(sn.StochnetError, match="a summary has its conditions fixed"):
        sn.fit(summary, "bernoulli", per_condition=True, min_bins=6)
