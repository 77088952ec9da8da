"""Statistics against naive code and exact fractions, the facts of schedules, and real data."""

import json
import math
from fractions import Fraction
from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import io, stats

import stochnet as sn
from stochnet.raster.layers import Layer
from stochnet.statistics.nodes import active_bins, window_moments
from stochnet.statistics.table import default_windows, statistics_table
from stochnet.testing import rasters
from tests.support import ROOT, naive

RECORDING = ROOT / "data" / "mlp-mnist-5k.h5"


def exact_fano(counts):
    """Variance (ddof=1) over mean of integer counts, as a fraction."""
    values = [int(c) for c in counts]
    mean = Fraction(sum(values), len(values))
    variance = sum((v - mean) ** 2 for v in values) / (len(values) - 1)
    return variance / mean


@given(rasters())
def test_rates_counts_and_flags_equal_dense_ones(raster):
    dense = raster.to_dense().astype(int)
    total = dense.sum(axis=(1, 2))
    np.testing.assert_array_equal(sn.spike_count(raster), total)
    np.testing.assert_array_equal(active_bins(raster), (dense > 0).sum(axis=(1, 2)))
    np.testing.assert_array_equal(sn.firing_rate(raster), total / dense[0].size)
    np.testing.assert_array_equal(sn.dead(raster), total == 0)
    np.testing.assert_array_equal(sn.saturated(raster), (dense > 0).all(axis=(1, 2)))
    np.testing.assert_array_equal(sn.population_count(raster), (dense > 0).sum(axis=0))


@given(rasters(), st.data())
def test_fano_factors_are_exact(raster, data):
    window = data.draw(st.integers(1, raster.n_bins))
    counts = naive.window_counts(raster.to_dense(), window)
    np.testing.assert_array_equal(sn.window_counts(raster, window), counts)
    n, total, squares = window_moments(raster, window)
    assert n == counts.shape[1]
    np.testing.assert_array_equal(total, counts.sum(axis=1))
    np.testing.assert_array_equal(squares, (counts**2).sum(axis=1))
    if n < 2:
        with pytest.raises(sn.StochnetError, match="at least two windows"):
            sn.fano_factor(raster, window)
        return
    for row, fano in zip(counts, sn.fano_factor(raster, window), strict=True):
        if row.sum() == 0:
            assert math.isnan(fano)
        else:
            exact = exact_fano(row)
            assert fano == exact.numerator / exact.denominator


@given(rasters())
def test_cv_of_gaps_equals_a_naive_one(raster):
    for row, cv in zip(raster.to_dense(), sn.cv_isi(raster), strict=True):
        gaps = list(naive.gaps(row, 10**6).elements())
        if len(gaps) < 2 or sum(gaps) == 0:
            assert math.isnan(cv)
        else:
            assert cv == pytest.approx(np.std(gaps) / np.mean(gaps), abs=1e-12)


@given(rasters(), st.integers(1, 70))
def test_autocorrelation_equals_a_naive_one(raster, lag):
    if lag >= raster.n_bins:
        with pytest.raises(sn.StochnetError, match="lag"):
            sn.autocorrelation(raster, lag)
        return
    dense = (raster.to_dense() > 0).astype(float)
    for row, found in zip(dense, sn.autocorrelation(raster, lag), strict=True):
        first, second = row[:, :-lag].ravel(), row[:, lag:].ravel()
        if first.std() == 0 or second.std() == 0:
            assert math.isnan(found)
        else:
            assert found == pytest.approx(np.corrcoef(first, second)[0, 1], abs=1e-12)


@given(rasters(n_conditions=3))
def test_rates_by_condition_equal_naive_ones(raster):
    dense, labels = raster.to_dense(), raster.conditions
    found = sn.rate_by_condition(raster)
    assert found.shape == (raster.n_nodes, raster.n_conditions)
    for condition in range(raster.n_conditions):
        if (labels == condition).any():
            np.testing.assert_array_equal(
                found[:, condition], dense[:, labels == condition].mean(axis=1)
            )
        else:
            assert np.isnan(found[:, condition]).all()


def test_pairs(rng):
    dense = rng.random((30, 3, 90)) < rng.random((30, 1, 1))
    dense[4] = False
    raster = sn.SpikeRaster.from_dense(dense)
    first, second = sn.sample_pairs(30, 100, rng=1)
    assert len({*zip(first.tolist(), second.tolist(), strict=True)}) == 100
    assert (first < second).all()
    flat = dense.reshape(30, -1).astype(float)
    for i, j, found in zip(first, second, sn.pairwise_correlation(raster, first, second),
                           strict=True):  # fmt: skip
        if 4 in (i, j):
            assert math.isnan(found)
        else:
            assert found == pytest.approx(np.corrcoef(flat[i], flat[j])[0, 1], abs=1e-12)
    every = sn.sample_pairs(5, 10)
    assert sorted(zip(*map(np.ndarray.tolist, every), strict=True)) == [*combinations(range(5), 2)]


def test_results_do_not_depend_on_blocks(rng, request):
    raster = sn.SpikeRaster.from_dense(rng.random((23, 4, 130)) < 0.3)
    whole = json.dumps(statistics_table(raster, per_node=True))
    request.getfixturevalue("tiny_blocks")
    assert json.dumps(statistics_table(raster, per_node=True)) == whole


def test_shuffled_fano_is_exact_over_all_permutations():
    """Fact 1, with fractions: E[Fano] = (1-p) N/(N-1)."""
    spikes = [1, 1, 0, 0, 0, 1]
    total, orders = Fraction(0), list(permutations(spikes))
    for order in orders:
        total += exact_fano([sum(order[k : k + 2]) for k in (0, 2, 4)])
    p = Fraction(1, 2)
    assert total / len(orders) == (1 - p) * Fraction(6, 5)


def mean_fano(recording, kind, n_trials, n_bins, window, seeds):
    """Mean over schedules of the Fano factor of every node, and its standard error."""
    found = np.stack(
        [
            sn.fano_factor(
                sn.present(recording, kind, n_trials=n_trials, n_bins=n_bins, seed=seed), window
            )
            for seed in range(seeds)
        ]
    )
    return found.mean(axis=0), found.std(axis=0, ddof=1) / math.sqrt(seeds)


def expected_fano(recording, kind, window, n_windows):
    """Exact expectations of facts 1 and 2 for windows that partition the stimuli."""
    p = sn.firing_rate(recording)
    n = recording.n_bins
    per_class = n // recording.n_conditions
    spread = sn.rate_by_condition(recording).var(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        within = 1 - p - spread / p
        blocked = (per_class - window) / (per_class - 1) * within + window * spread / p
        return {
            "shuffled": (1 - p) * n / (n - 1),
            "blocked": n_windows / (n_windows - 1) * blocked,
            "stratified": within * per_class / (per_class - 1),
        }[kind]


def check_facts(recording, kind, n_trials, n_bins, window, seeds):
    n_windows = n_trials * (n_bins // window)
    expected = expected_fano(recording, kind, window, n_windows)
    mean, error = mean_fano(recording, kind, n_trials, n_bins, window, seeds)
    alive = sn.firing_rate(recording) > 0
    # Nodes share the schedules, so they are no independent tests: allow each five errors.
    assert (np.abs(mean - expected)[alive] <= 5 * error[alive] + 0.02 * expected[alive]).all()
    assert np.isnan(mean[~alive]).all()
    everyone = np.abs((mean - expected)[alive].mean())
    assert everyone <= 0.02 * expected[alive].mean()


@pytest.fixture(scope="module")
def tuned():
    """Eight nodes with other rates in each of four classes; 400 stimuli, classes balanced."""
    rng = np.random.default_rng(8)
    labels = rng.permutation(np.repeat(np.arange(4), 100))
    rates = rng.beta(1, 1, (8, 4))
    dense = rng.random((8, 400)) < rates[:, labels]
    dense[0] = False
    return sn.SpikeRaster.from_dense(dense, conditions=labels)


@pytest.mark.parametrize(
    ("kind", "n_trials", "n_bins", "window"),
    [
        ("shuffled", 10, 40, 40),
        ("shuffled", 10, 40, 8),
        ("blocked", 16, 25, 25),
        ("blocked", 16, 25, 5),
        ("stratified", 10, 40, 40),
    ],
)
def test_facts_one_and_two_on_synthetic_nodes(tuned, kind, n_trials, n_bins, window):
    check_facts(tuned, kind, n_trials, n_bins, window, seeds=60)


@pytest.mark.parametrize(
    ("kind", "n_trials", "n_bins", "window"),
    [("shuffled", 20, 50, 50), ("blocked", 20, 50, 10), ("stratified", 20, 50, 50)],
)
def test_facts_one_and_two_on_a_real_recording(kind, n_trials, n_bins, window):
    check_facts(sn.read_raster(RECORDING).load(), kind, n_trials, n_bins, window, seeds=25)


def test_a_schedule_changes_no_rate_and_blocked_fano_grows_with_the_window():
    recording = sn.read_raster(RECORDING).load()
    for kind in ("shuffled", "blocked", "stratified"):
        shown = sn.present(recording, kind, n_trials=20, n_bins=50, seed=3)
        np.testing.assert_array_equal(sn.firing_rate(shown), sn.firing_rate(recording))
    blocked = sn.present(recording, "blocked", n_trials=20, n_bins=50, seed=3)
    mff = [np.nanmean(sn.fano_factor(blocked, window)) for window in (1, 5, 10, 25, 50)]
    line = np.polyfit([1, 5, 10, 25, 50], mff, 1)
    assert line[0] > 0
    np.testing.assert_allclose(np.polyval(line, [1, 5, 10, 25, 50]), mff, rtol=0.05, atol=0.05)


def test_independent_bins_have_geometric_gaps():
    """Fact 3: CV² = 1 - p, within five standard errors of nodes that are independent."""
    p = np.repeat([0.05, 0.3, 0.7], 200)
    surrogate = sn.simulate(sn.Bundle.from_params("bernoulli", {"p": p}), 1, 20_000, seed=3)
    squared = (sn.cv_isi(surrogate) ** 2).reshape(3, 200)
    error = squared.std(axis=1, ddof=1) / math.sqrt(200)
    # The estimator is biased by the order of one over the number of gaps.
    assert (
        np.abs(squared.mean(axis=1) - [0.95, 0.7, 0.3]) < 5 * error + 3 / (p[::200] * 2e4)
    ).all()


def test_fano_factors_under_poisson_have_the_gamma_law():
    """Fact 4; a Kolmogorov test at 1e-3 with a fixed seed."""
    bundle = sn.Bundle.from_params("poisson", {"rate": np.full(2000, 0.5)})
    fano = sn.fano_factor(sn.simulate(bundle, 1, 2000, seed=11), 20)
    law = stats.gamma(99 / 2, scale=2 / 99)
    assert stats.kstest(fano, law.cdf).pvalue > 1e-3


def test_binomial_windows_and_the_gain_of_fact_five():
    rng = np.random.default_rng(5)
    p, rho, window = 0.4, 0.1, 20
    gain = rng.beta(p * (1 / rho - 1), (1 - p) * (1 / rho - 1), (50, 400, 1))
    fano = sn.fano_factor(sn.SpikeRaster.from_dense(rng.random((50, 400, window)) < gain), window)
    expected = (1 - p) * (1 + (window - 1) * rho)
    assert abs(fano.mean() - expected) < 5 * fano.std(ddof=1) / math.sqrt(50)


def test_the_table_follows_the_contract(rng):
    dense = rng.random((50, 7, 130)) < rng.uniform(0.1, 0.9, (50, 1, 1))
    dense[3], dense[4] = False, True
    layers = [Layer("a", "ReLU", (20,), 0, 20), Layer("b", "ReLU", (30,), 20, 30)]
    raster = sn.SpikeRaster.from_dense(dense, layers=layers)
    table = json.loads(json.dumps(statistics_table(raster, per_node=True), allow_nan=False))
    assert set(table) == {"n_nodes", "n_trials", "n_bins", "schedule", "layers", "network"}
    keys = {"name", "n_nodes", "dead", "saturated", "mfr", "var_rate", "windows"}
    assert set(table["network"]) == keys
    a = table["layers"][0]
    assert set(a) == keys | {"rate"}
    assert (a["dead"], a["saturated"], table["layers"][1]["dead"]) == (1, 1, 0)
    assert set(a["windows"]) == {"10", "100"}
    assert set(a["windows"]["10"]) == {"mff", "var_fano", "n_windows", "fano"}
    assert a["windows"]["10"]["fano"][3] is None
    assert a["windows"]["100"]["n_windows"] == 7
    fano = sn.fano_factor(raster, 10)
    assert table["network"]["windows"]["10"]["mff"] == fano[~np.isnan(fano)].mean()
    assert a["windows"]["10"]["var_fano"] == np.var(np.delete(fano[:20], 3))
    assert a["var_rate"] == sn.firing_rate(raster)[:20].var()
    assert "rate" not in statistics_table(raster)["layers"][0]


def test_a_table_of_nothing_has_nulls():
    table = statistics_table(sn.SpikeRaster.from_dense(np.zeros((2, 1, 12), bool)))
    assert table["network"]["windows"]["6"] == {"mff": None, "var_fano": None, "n_windows": 2}


@pytest.mark.parametrize(
    ("n_trials", "n_bins", "windows"),
    [(1, 1, ()), (5, 1, (1,)), (1, 5, (2,)), (4, 12, (10,)), (2, 50, (10,)), (2, 200, (10, 100))],
)
def test_default_windows_always_fit(n_trials, n_bins, windows):
    raster = sn.SpikeRaster.from_dense(np.ones((1, n_trials, n_bins), bool))
    assert default_windows(raster) == windows
    assert len(statistics_table(raster)["network"]["windows"]) == len(windows)


@pytest.mark.shared
def test_the_retinal_neuron_has_the_printed_numbers(shared):
    """Numbers printed in Kramer & Eden, Case Studies in Neural Data Analysis."""
    data = io.loadmat(shared / "retinal-spikes" / "08_spikes-1.mat")
    low, high = (np.ravel(data[name]) for name in ("SpikesLow", "SpikesHigh"))
    assert (len(low), len(high)) == (750, 969)
    raster = sn.SpikeRaster.from_spike_times([low, high], bin_width=0.05, n_bins=599)
    whole = sn.SpikeRaster.from_spike_times([low, high], bin_width=0.05, n_bins=600)
    assert sn.firing_rate(whole)[0] == pytest.approx(25.0, abs=1e-12)
    fano = sn.fano_factor(raster, 1) * (598 / 599)  # printed with ddof=0
    assert fano[0] == pytest.approx(0.7164927285225824, abs=1e-12)
    assert fano[1] == pytest.approx(1.78, abs=5e-3)
    shape = (raster.n_bins - 1) / 2
    low_end, high_end = stats.gamma.ppf([0.025, 0.975], shape, scale=1 / shape)
    assert (round(low_end, 5), round(high_end, 5)) == (0.88985, 1.11648)
    assert fano[0] < low_end < high_end < fano[1]
