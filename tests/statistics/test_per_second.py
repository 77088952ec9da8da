"""Rates per bin and per second: what is in one unit is not taken for the other."""

import copy
import math

import numpy as np
import pytest

import stochnet as sn

# 750 spikes in 30 s, as the retinal neuron of Kramer & Eden has: 25 Hz, 0.025 spikes per ms.
TIMES = (np.arange(750) + 0.5) * 0.04
RASTER = sn.SpikeRaster.from_spike_times([TIMES], bin_width=0.001, n_bins=30_000)


def test_a_rate_has_the_unit_that_is_asked_for():
    assert sn.firing_rate(RASTER)[0] == sn.firing_rate(RASTER, per="second")[0] == 25.0
    assert sn.firing_rate(RASTER, per="bin")[0] == 0.025
    without = sn.SpikeRaster.from_dense([[[0, 1]]])
    assert sn.firing_rate(without)[0] == sn.firing_rate(without, per="bin")[0] == 0.5
    with pytest.raises(sn.StochnetError, match="need the width of a bin"):
        sn.firing_rate(without, per="second")
    with pytest.raises(sn.StochnetError, match="per must be one of bin, second"):
        sn.firing_rate(RASTER, per="Hz")


def test_rates_of_conditions_and_of_summaries_have_units_too():
    raster = sn.SpikeRaster.from_dense([[[0, 1, 1, 1]]], conditions=[0, 0, 1, 1], bin_width=0.1)
    assert sn.rate_by_condition(raster).tolist() == [[0.5, 1.0]]
    assert sn.rate_by_condition(raster, per="second").tolist() == [[5.0, 10.0]]
    assert sn.firing_rate(sn.RasterSummary.of(raster), per="second").tolist() == [7.5]


def test_rates_per_second_are_no_parameters():
    """They gave 749,620 spikes for 750."""
    for process, name in (("poisson", "rate"), ("bernoulli", "p"), ("gamma_renewal", "rate")):
        params = {name: sn.firing_rate(RASTER)}
        if process == "gamma_renewal":
            params["shape"] = [1.0]
        with pytest.raises(sn.StochnetError, match=r"spikes per second: give .*per='bin'"):
            sn.Bundle.from_params(process, params)
    # Slices are in the unit, what was computed with is not said to be.
    with pytest.raises(sn.StochnetError, match="in spikes per second"):
        sn.Bundle.from_params("poisson", {"rate": sn.firing_rate(RASTER)[:1]})
    right = sn.Bundle.from_params("poisson", {"rate": sn.firing_rate(RASTER) * 0.001})
    assert right.fits[0].params["rate"].tolist() == [0.025]


@pytest.mark.parametrize("rate", [sn.firing_rate(RASTER), [25.0]], ids=["array", "list"])
def test_parameters_per_second_are_said_to_be(rate):
    bundle = sn.Bundle.from_params("poisson", {"rate": rate}, bin_width=0.001, per="second")
    assert bundle.fits[0].params["rate"][0] == pytest.approx(0.025, rel=1e-15)
    assert bundle.bin_width == 0.001
    drawn = sn.simulate(bundle, 1, 30_000, seed=1)
    assert drawn.bin_width == 0.001
    # 750 expected, standard deviation 27.4: outside of 5 of them once in two million seeds.
    assert abs(int(sn.spike_count(drawn)[0]) - 750) < 5 * 27.4


def test_other_parameters_stay_as_they_are():
    bundle = sn.Bundle.from_params(
        "negative_binomial", {"rate": [20.0], "dispersion": [0.5]}, bin_width=0.01, per="second"
    )
    assert {k: v.tolist() for k, v in bundle.fits[0].params.items()} == {
        "rate": [0.2], "dispersion": [0.5]
    }  # fmt: skip


@pytest.mark.parametrize(
    ("process", "params", "width", "message"),
    [
        ("poisson", {"rate": [1.0]}, math.nan, "needs bin_width"),
        ("bernoulli", {"p": [0.1]}, 0.001, "bernoulli has none"),
    ],
)
def test_per_second_needs_a_width_and_a_rate(process, params, width, message):
    with pytest.raises(sn.StochnetError, match=message):
        sn.Bundle.from_params(process, params, bin_width=width, per="second")


def test_values_out_of_range_name_the_unit_and_the_remedy():
    with pytest.raises(
        sn.StochnetError,
        match=r"lie in \[0, 1\] 1/bin; node 0 has 25.0: parameters are per bin; a rate",
    ):
        sn.Bundle.from_params("gamma_renewal", {"rate": [25.0], "shape": [1.0]})
    with pytest.raises(sn.StochnetError, match=r"p must lie.*parameters are per bin"):
        sn.Bundle.from_params("bernoulli", {"p": [25.0]})
    with pytest.raises(sn.StochnetError, match=r"shape must lie in \[0.05, 200\]; node 0 has 0.0$"):
        sn.Bundle.from_params("gamma_renewal", {"rate": [0.1], "shape": [0.0]})


def test_fits_and_files_keep_the_width_of_a_bin(tmp_path):
    bundle = sn.fit_bundle(RASTER, "poisson")
    assert bundle.bin_width == 0.001
    sn.write_bundle(bundle, tmp_path / "b.h5")
    read = sn.read_bundle(tmp_path / "b.h5")
    assert read.bin_width == read.resample(3, rng=1).bin_width == 0.001


def test_an_array_that_knows_its_unit_is_an_ordinary_one_otherwise():
    rates = sn.firing_rate(RASTER)
    assert isinstance(rates, np.ndarray)
    assert rates.dtype == np.float64
    plain = np.ndarray
    for other in (rates * 2, rates + rates, np.sqrt(rates), rates > 1, -rates, rates / rates):
        assert type(other) is plain
    assert type(rates.mean()) is np.float64
    assert rates.sum() == 25.0
    assert rates.var() == 0.0
    again = rates.copy()
    again *= 0.001
    assert type(again) is plain
    assert again[0] == 0.025
    assert type(copy.deepcopy(rates)) is type(rates)
    np.testing.assert_array_equal(rates, [25.0])
