"""The window as a parameter: candidates for a few lengths, one criterion, one more parameter."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import io

import stochnet as sn
from stochnet.bundle.selection import Selection
from stochnet.estimation.window_choice import windows_to_try


@given(st.integers(1, 10**7))
def test_windows_go_from_ten_bins_to_the_trial(n_bins):
    found = windows_to_try(n_bins)
    assert list(found) == sorted(set(found))
    assert found[-1] == n_bins
    assert len(found) <= 6
    assert found[0] == (10 if n_bins > 20 else n_bins)


def test_windows_of_usual_trials():
    assert windows_to_try(50) == (10, 50)
    assert windows_to_try(1000) == (10, 30, 100, 300, 1000)


def gains(window, n_nodes=12, seed=1):
    """Counts whose gains are held for so many bins, in trials of 300."""
    params = {"rate": np.full(n_nodes, 0.5), "dispersion": np.full(n_nodes, 0.8)}
    bundle = sn.Bundle.from_params("negative_binomial", params, window=window)
    return sn.simulate(bundle, 20, 300, seed=seed)


@pytest.mark.parametrize("window", [10, 100])
def test_the_window_that_made_the_spikes_is_chosen(window):
    """600 or 60 gains a node; the next length is 3 times off, and loses by hundreds."""
    raster = gains(window)
    fit = sn.fit(raster, "negative_binomial", window="auto")
    assert fit.window == window
    same = sn.fit(raster, "negative_binomial", window=window)
    for name in fit.params:
        np.testing.assert_array_equal(fit.params[name], same.params[name])
        np.testing.assert_array_equal(fit.interval(name), same.interval(name))
    bundle = sn.fit_bundle(raster, "auto", processes=["poisson", "negative_binomial"],
                           window="auto")  # fmt: skip
    assert {one.window for one in bundle.fits} == {window}
    names = [f"negative_binomial@{one}" for one in windows_to_try(300)]
    assert bundle.selection.processes == ("poisson", *names)


@pytest.mark.parametrize("criterion", ["aic", "bic"])
def test_a_window_that_was_chosen_counts_as_a_parameter(criterion):
    raster = gains(10, n_nodes=2)
    names = ["poisson", "negative_binomial"]
    free = sn.fit_bundle(raster, processes=names, window="auto", criterion=criterion).selection
    for window in windows_to_try(300):
        held = sn.fit_bundle(raster, processes=names, window=window, criterion=criterion).selection
        k = free.processes.index(f"negative_binomial@{window}")
        price = 2.0 if criterion == "aic" else math.log(6000)
        np.testing.assert_allclose(free.scores[:, k], held.scores[:, 1] + price, rtol=1e-14)
        np.testing.assert_array_equal(free.scores[:, 0], held.scores[:, 0])


def test_held_out_trials_need_no_price():
    raster = gains(10, n_nodes=2)
    options = {"processes": ["poisson", "negative_binomial"], "criterion": "held_out"}
    free = sn.fit_bundle(raster, window="auto", **options).selection
    held = sn.fit_bundle(raster, window=10, **options).selection
    k = free.processes.index("negative_binomial@10")
    np.testing.assert_array_equal(free.scores[:, k], held.scores[:, 1])


def test_other_windows_of_a_process_are_no_other_process():
    scores = np.array([[1.0, 1.5, 9.0], [5.0, 1.5, 1.0]])
    found = Selection("aic", "node", ("nb@10", "nb@100", "poisson"), scores, np.array([0, 2]))
    assert found.margin.tolist() == [8.0, 0.5]
    assert found.runner_up.tolist() == [2, 1]
    assert found.undecided.tolist() == [False, True]


def test_bundles_with_several_windows_come_back_from_files(tmp_path):
    one, other = gains(10, n_nodes=3), gains(100, n_nodes=3, seed=2)
    raster = sn.SpikeRaster.from_dense(np.concatenate([one.to_dense(), other.to_dense()]))
    bundle = sn.fit_bundle(raster, "negative_binomial", window="auto")
    assert [(fit.window, fit.node_ids.tolist()) for fit in bundle.fits] == [
        (10, [0, 1, 2]), (100, [3, 4, 5])
    ]  # fmt: skip
    sn.write_bundle(bundle, tmp_path / "b.h5")
    again = sn.read_bundle(tmp_path / "b.h5")
    assert [fit.window for fit in again.fits] == [10, 100]
    assert again.selection.processes == bundle.selection.processes
    np.testing.assert_array_equal(
        sn.simulate(again, seed=1).to_dense(), sn.simulate(bundle, seed=1).to_dense()
    )
    report = sn.validate(raster, sn.simulate(again, seed=1), windows=(10,), bundle=again,
                         statistics=["fano_factor"])  # fmt: skip
    assert report.windows == (10,)


def test_processes_without_a_window_are_fitted_once():
    found = sn.fit_bundle(gains(10, n_nodes=1), processes=["poisson"], window="auto").selection
    assert found.processes == ("poisson",)
    assert sn.fit(gains(10, n_nodes=1), "poisson", window="auto").window is None


def test_a_summary_has_one_window():
    summary = sn.RasterSummary.of(gains(10, n_nodes=1), window=10)
    with pytest.raises(sn.StochnetError, match="a summary holds the counts of one window, here 10"):
        sn.fit(summary, "negative_binomial", window="auto")
    with pytest.raises(sn.StochnetError, match="a window must be 1 to 300 bins"):
        sn.fit(gains(10, n_nodes=1), "negative_binomial", window="Auto")


def test_the_process_of_a_retinal_neuron_hangs_on_the_window_no_more(shared):
    """Kramer & Eden's neuron in bright light, in bins of 1 ms.

    By hand AIC takes a renewal process at short windows and at the trial, and a gain between.
    """
    times = io.loadmat(shared / "retinal-spikes" / "08_spikes-1.mat")["SpikesHigh"]
    raster = sn.SpikeRaster.from_spike_times([times], bin_width=0.001, n_bins=30_000)
    names = ["bernoulli", "beta_bernoulli", "gamma_renewal", "inhomogeneous_bernoulli"]
    held = {
        window: sn.fit_bundle(raster, processes=names, window=window)
        for window in windows_to_try(30_000)
    }
    found = {window: str(one.process_names()[0]) for window, one in held.items()}
    assert found == {
        10: "gamma_renewal", 50: "beta_bernoulli", 200: "beta_bernoulli",
        1000: "gamma_renewal", 6000: "gamma_renewal", 30_000: "gamma_renewal",
    }  # fmt: skip
    free = sn.fit_bundle(raster, processes=names, window="auto")
    assert [(one.process.name, one.window) for one in free.fits] == [("beta_bernoulli", 50)]
    best = min(one.selection.scores.min() for one in held.values())
    assert free.selection.scores.min() == pytest.approx(best + 2, abs=1e-9)
