"""The study of power: samples, tests, and the share of draws that are significant."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from scipy import stats

import stochnet as sn
from tests.support.studies import SIMS, module

OWN = {"draws": 4000, "intervals": 1, "seed": 1}


@pytest.fixture(scope="module")
def study():
    """Return a function that imports a module of the study."""
    return partial(module, "power")


def test_a_sample_has_the_statistics_of_the_library(study):
    rng = np.random.default_rng(1)
    bits = (rng.random((6, 40)) < 0.3).astype(np.uint8)
    bits[2] = 0
    raster = sn.SpikeRaster.from_dense(bits[:, None, :].astype(bool))
    fano = sn.fano_factor(raster, 5)
    np.testing.assert_allclose(study("samples").fano(bits, 5), fano)
    [found] = study("samples").described(bits, [6], 5, rng)
    rate, known = sn.firing_rate(raster), fano[~np.isnan(fano)]
    np.testing.assert_allclose(found, (rate.mean(), known.mean(), rate.var(), known.var()))


def test_a_sample_has_as_many_stimuli_of_every_class_and_none_twice(study):
    labels = np.repeat(np.arange(4), [10, 20, 15, 12])
    chosen = study("samples").nested(labels, 4, 32, np.random.default_rng(2))
    assert chosen.shape == (4, 8)
    assert len(np.unique(chosen)) == 32
    np.testing.assert_array_equal(labels[chosen], np.repeat(np.arange(4)[:, None], 8, 1))


def test_significance_is_that_of_students_test(study):
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(50, 5)), rng.normal(0.8, size=(50, 5))
    wanted = stats.ttest_ind(a, b, axis=1).pvalue < 0.05
    np.testing.assert_array_equal(study("power").significant(a, b, 0.05), wanted)
    assert 0 < wanted.sum() < 50


def test_the_power_of_normal_networks_is_that_of_the_noncentral_t(study):
    """One network in many is drawn, so that the share of draws is the power: 5 standard errors."""
    power = study("power")
    rng = np.random.default_rng(4)
    for effect in (0.0, 1.5):
        # As many networks as to make a draw as good as independent; half the variance is sampling.
        mean = np.sqrt(0.5) * rng.normal(size=4000)
        sd, none = np.full(4000, np.sqrt(0.5)), np.zeros(4000)
        draws = power.Draws(
            order=rng.integers(4000, size=(2, 2, 4000, 5)),
            noise=rng.standard_normal((2, 2, 4000, 5)),
            moves=np.zeros((2, 2, 1, 4000)),
        )
        mean = (mean - mean.mean()) / mean.std() * np.sqrt(0.5)
        found = power.powers([(mean, sd, none), (mean + effect, sd, none)], draws, 0.05)
        wanted = power.reach(effect, np.array([5]), 0.05)[0]
        assert abs(found[0] - wanted) < 5 * np.sqrt(wanted * (1 - wanted) / 4000)


def test_networks_are_drawn_without_repeats_and_alike_for_all(study):
    power = study("power")
    one, two = (power.Draws.of(6, 4, {"power": OWN}) for _ in range(2))
    np.testing.assert_array_equal(one.order, two.order)
    assert (np.diff(np.sort(one.order, axis=-1), axis=-1) > 0).all()
    assert not one.moves[:, 0].any()


def test_what_a_stimulus_contributes_is_the_slope_over_one_over_stimuli(study):
    power = study("power")
    rows = [
        {"architecture": "mlp", "regime": "true", "source": "recorded", "nodes": 256.0,
         "stimuli": float(n)}
        | {f"{f}_sd": np.sqrt(0.01 + 3 / n) for f in power.FEATURES}
        for n in (50, 100, 400)
    ]  # fmt: skip
    for row in power.with_stimuli(rows):
        assert row["mfr_stimulus"] == pytest.approx(3)


def test_a_prediction_holds_where_its_interval_has_the_recorded_power(study):
    axes = {"architecture": "mlp", "feature": "mfr", "stimuli": 50, "nodes": 16, "networks": 3}
    rows = [
        axes | {"source": "recorded", "power": 0.5, "low": 0.4, "high": 0.6},
        axes | {"source": "independent", "power": 0.8, "low": 0.7, "high": 0.9},
        axes | {"source": "correlated", "power": 0.55, "low": 0.45, "high": 0.65},
    ]
    assert [x["within"] for x in study("power").checks(rows)] == [0, 1]


def test_the_smallest_scale_runs_whole(study, tmp_path):
    """Two networks of each regime; surrogates have the rates of the half they were fitted to."""
    result = sn.run_study(SIMS / "power", scale="smoke", output=tmp_path)
    assert result.complete, result.failures
    power = study("power")
    rows = power.read(tmp_path / "samples.csv")
    largest = [x for x in rows if (x["stimuli"], x["nodes"]) == (100, 64)]
    fitted = {
        (x["regime"], x["seed"]): x["mfr_fitted"] for x in power.read(tmp_path / "networks.csv")
    }
    assert len(fitted) == 4
    for row in largest:
        if row["source"] != "recorded":
            error = row["mfr_sd"] / np.sqrt(row["repeats"])
            assert abs(row["mfr"] - fitted[row["regime"], row["seed"]]) < 6 * error
    assert {x["within"] for x in power.read(tmp_path / "checks.csv")} <= {0, 1}
    assert (tmp_path / "power.png").exists()
