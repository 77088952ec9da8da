"""Binomial and Conway-Maxwell-Poisson counts: against scipy, brute force and other laws."""

import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special, stats

import stochnet as sn
from stochnet.process import Flag
from stochnet.statistics.summary.summary import summarize

BINOMIAL = sn.PROCESSES["binomial"]
CMP = sn.PROCESSES["conway_maxwell_poisson"]
CAP = 65_535
# Half of the 95 % quantile of chi squared with one degree of freedom.
REACH = stats.chi2.ppf(0.95, 1) / 2


def raster_of(counts):
    """Make a raster of counts (node, bin), in one trial; never packed."""
    counts = np.asarray(counts)
    dtype = np.uint8 if counts.max() < 256 else np.uint16
    return sn.SpikeRaster(counts[:, None].astype(dtype), n_bins=counts.shape[1])


def summary_of(counts, process):
    return summarize(raster_of(counts), parts=process.needs)[0]


def intervals(counts, process, level=0.95):
    """Fit counts (node, bin): estimate and intervals that need the data."""
    summary = summary_of(counts, process)
    found = process.estimate(summary)
    return found, process.data_interval(found.params, found.standard_errors, summary, level)


@functools.cache
def log_law(rate, nu):
    """Brute force: the log probabilities of a law, at the theta that gives the mean.

    The series has so many terms that a geometric law, the longest, is summed to 1e-16; theta is
    found by Brent's method.
    """
    terms = np.arange(int(50 * (rate + 1)) + 300)
    factorial = special.gammaln(terms + 1)

    def log_terms(theta):
        return theta * terms - nu * factorial

    def gap(theta):
        weight = log_terms(theta)
        return np.exp(weight - special.logsumexp(weight)) @ terms - rate

    top = -1e-9 if nu == 0 else nu * np.log(10 * rate + 10) + 1
    theta = optimize.brentq(gap, -50.0, top, xtol=1e-13, rtol=1e-14)
    return log_terms(theta) - special.logsumexp(log_terms(theta))


def series(rate, nu):
    """Counts and probabilities of the brute force."""
    log_p = log_law(rate, nu)
    return np.arange(len(log_p)), np.exp(log_p)


# Binomial.


def test_the_binomial_likelihood_is_that_of_scipy(rng):
    size = np.array([1, 2, 7, 30, 400, CAP], float)
    p = np.array([0.3, 0.8, 0.5, 0.05, 0.4, 0.001])
    counts = rng.binomial(size.astype(int)[:, None], p[:, None], (6, 50))
    found = BINOMIAL.log_likelihood({"size": size, "p": p}, summary_of(counts, BINOMIAL))
    exact = stats.binom.logpmf(counts, size[:, None], p[:, None]).sum(axis=1)
    np.testing.assert_allclose(found, exact, rtol=1e-10)


def test_a_count_beyond_the_size_is_impossible():
    counts = [[0, 4, 1, 2], [0, 3, 1, 2], [1, 1, 0, 1], [3, 3, 3, 3]]
    values = {"size": np.full(4, 3.0), "p": np.array([0.5, 0.5, 0.0, 1.0])}
    found = BINOMIAL.log_likelihood(values, summary_of(counts, BINOMIAL))
    assert np.isneginf(found).tolist() == [True, False, True, False]
    assert found[3] == pytest.approx(0.0, abs=1e-12)


HISTOGRAMS = st.lists(st.integers(0, 12), min_size=2, max_size=14).filter(lambda c: sum(c[1:]) > 0)


def profile(histogram, sizes):
    """Log-likelihood of sizes with their best p, by scipy."""
    k = np.flatnonzero(histogram)
    bins = np.array(histogram)[k]
    mean = bins @ k / bins.sum()
    return stats.binom.logpmf(k, sizes[:, None], mean / sizes[:, None]) @ bins


@settings(max_examples=50)
@given(histogram=HISTOGRAMS)
def test_no_size_is_more_likely_than_the_estimate(histogram):
    """All sizes to 300, and some to the cap; the interval ends where the limit is passed."""
    counts = [np.repeat(np.arange(len(histogram)), histogram)]
    found, ends = intervals(counts, BINOMIAL)
    size = int(found.params["size"][0])
    largest = int(np.max(counts))
    sizes = np.unique(np.r_[np.arange(largest, 300), np.geomspace(300, CAP, 40).astype(int), size])
    value = profile(histogram, sizes)
    at = value[sizes == size][0]
    assert at >= value.max() - 1e-7
    low, high = (int(end[0]) for end in ends["size"])
    assert (profile(histogram, np.array([low, high])) >= at - REACH - 1e-7).all()
    beyond = np.array([n for n in (low - 1, high + 1) if largest <= n <= CAP])
    assert (profile(histogram, beyond) < at - REACH + 1e-7).all()


def test_bins_of_one_spike_are_bernoulli(rng):
    """Estimate, likelihood, error and interval: of packed spikes, and of the same as counts."""
    dense = rng.random((20, 1, 3000)) < np.linspace(0.15, 0.85, 20)[:, None, None]
    plain = sn.fit(sn.SpikeRaster.from_dense(dense), "bernoulli")
    for raster in (sn.SpikeRaster.from_dense(dense), raster_of(dense[:, 0])):
        fit = sn.fit(raster, "binomial")
        assert (fit.params["size"] == 1).all()
        np.testing.assert_array_equal(fit.params["p"], plain.params["p"])
        np.testing.assert_allclose(fit.log_likelihood, plain.log_likelihood, rtol=1e-12)
        np.testing.assert_allclose(fit.standard_errors["p"], plain.standard_errors["p"], rtol=1e-12)
        assert not fit.flags[1:].any()
    _, ends = intervals(dense[:, 0], BINOMIAL)
    assert (ends["size"] == np.ones((2, 20))).all()
    np.testing.assert_allclose(ends["p"], plain.interval("p"), rtol=1e-9)


def test_one_spike_tells_nothing_of_the_size():
    _, ends = intervals([np.eye(1, 50)[0]], BINOMIAL)
    assert [end[0] for end in ends["size"]] == [1, CAP]
    assert ends["p"][0][0] < 1e-5


def test_equal_counts_are_their_own_size():
    fit = sn.fit(raster_of(np.full((1, 40), 7)), "binomial")
    assert fit.params["size"] == [7]
    assert fit.params["p"] == [1]
    assert fit.log_likelihood[0] == pytest.approx(0.0, abs=1e-12)
    assert fit.flags[0] & Flag.BOUNDARY


def test_counts_as_variable_as_poisson_have_the_largest_size(rng):
    """Where the variance is the mean or more the likelihood rises to its limit, that of Poisson."""
    counts = np.array([[0, 0, 1, 1, 2, 2, 2, 4, 0, 0, 3, 5, 1, 0, 1, 2], [0, 2] * 8])
    counts = np.r_[counts, rng.negative_binomial(1, 0.3, (3, 16))]
    counts[1] = [0, 0, 0, 4] * 4
    raster = raster_of(counts)
    fit = sn.fit(raster, "binomial")
    assert (fit.params["size"] == CAP).all()
    assert (fit.flags & Flag.BOUNDARY > 0).all()
    assert np.isinf(fit.standard_errors["size"]).all()
    poisson = sn.fit(raster, "poisson").log_likelihood
    np.testing.assert_allclose(fit.log_likelihood, poisson, rtol=0, atol=0.01)


def test_windows_of_independent_spikes_are_binomial_of_their_length():
    """500 windows of 12 bins at p = 0.6: the size is 12 in 120 of 200 nodes or more.

    Its standard deviation is 0.49, so that 12 is the whole number next to the estimate with a
    probability of 0.7; fewer than 120 have a probability below 0.002.
    """
    bundle = sn.Bundle.from_params("bernoulli", {"p": np.full(200, 0.6)})
    windows = sn.rebin(sn.simulate(bundle, 10, 600, seed=4), 12)
    fit = sn.fit(windows, "binomial")
    assert np.count_nonzero(fit.params["size"] == 12) >= 120
    hit = fit.params["size"] == 12
    np.testing.assert_allclose(fit.params["p"][hit], 0.6, atol=0.05)


def covered(process, truth, n, n_bins, seed):
    """How many of n nodes have each parameter in its 95 % interval."""
    values = {name: np.full(n, value) for name, value in truth.items()}
    raster = sn.simulate(sn.Bundle.from_params(process, values), 1, n_bins, seed=seed)
    _, ends = intervals(raster.to_dense()[:, 0], process)
    return {
        name: int(np.count_nonzero((low <= truth[name]) & (truth[name] <= high)))
        for name, (low, high) in ends.items()
    }


def ready(process, truth, n_bins):
    """Whether a process says that so many bins suffice at these parameters."""
    values = {name: np.array([value]) for name, value in truth.items()}
    summary = summary_of(np.ones((1, n_bins), int), process)
    return bool(process.identified(values, summary)[0])


@pytest.mark.parametrize(
    ("size", "p", "n_bins"),
    [(1, 0.3, 500), (3, 0.5, 200), (8, 0.3, 1000), (12, 0.7, 200), (30, 0.5, 400), (100, 0.9, 60)],
)
def test_binomial_intervals_cover_where_the_size_is_identified(size, p, n_bins):
    """Of 1,000 nodes: p between 0.93 and 0.97, the size at least 0.93, each with a binomial band.

    The band adds what a binomial number of 1,000 exceeds with a probability of 1e-4 a side, so that
    18 such bounds fail by chance with a probability below 0.002 over all seeds.
    """
    truth = {"size": float(size), "p": p}
    assert ready(BINOMIAL, truth, n_bins)
    found = covered(BINOMIAL, truth, 1000, n_bins, seed=5)
    low, high = stats.binom.ppf(1e-4, 1000, 0.93), stats.binom.isf(1e-4, 1000, 0.97)
    assert low <= found["p"] <= high
    assert found["size"] >= low


def test_binomial_says_where_it_is_not_identified():
    """Counts close to Poisson, few bins, and p next to 1."""
    assert not ready(BINOMIAL, {"size": 20.0, "p": 0.05}, 2000)
    assert not ready(BINOMIAL, {"size": 3.0, "p": 0.5}, 50)
    assert not ready(BINOMIAL, {"size": 3.0, "p": 0.99}, 200)


def test_sizes_must_be_whole():
    with pytest.raises(sn.StochnetError, match=r"size must be whole .*node 1"):
        sn.Bundle.from_params("binomial", {"size": [2, 2.5], "p": [0.5, 0.5]})


# Conway-Maxwell-Poisson.

LAWS = [
    (rate, nu)
    for rate in (0.02, 0.7, 1.0, 4.0, 30.5, 300.0)
    for nu in (0, 0.05, 0.4, 1, 3, 30, 100)
]


@pytest.mark.parametrize(("rate", "nu"), LAWS)
def test_conway_maxwell_likelihoods_are_those_of_the_series(rate, nu, rng):
    k, p = series(rate, nu)
    counts = rng.choice(k, (1, 60), p=p / p.sum())
    values = {"rate": np.array([rate]), "nu": np.array([float(nu)])}
    found = CMP.log_likelihood(values, summary_of(counts, CMP))[0]
    assert found == pytest.approx(log_law(rate, nu)[counts[0]].sum(), rel=1e-8, abs=1e-8)


@pytest.mark.parametrize(("rate", "nu"), LAWS)
def test_conway_maxwell_moments_and_tables_are_those_of_the_series(rate, nu):
    k, p = series(rate, nu)
    values = {"rate": np.array([rate]), "nu": np.array([float(nu)])}
    mean, variance = CMP.moments(values, 7)
    assert mean[0] == pytest.approx(7 * rate)
    assert variance[0] == pytest.approx(7 * (p @ (k - rate) ** 2), rel=1e-6)
    table = CMP.tabulate(values)[0]
    np.testing.assert_allclose(table, np.cumsum(p)[: len(table)], atol=1e-9)
    assert p[len(table) - 1 :].sum() < 2.0**-33


def test_special_cases_of_conway_maxwell_are_poisson_geometric_and_bernoulli(rng):
    counts = rng.poisson(0.8, (3, 400))
    counts[2] = rng.random(400) < 0.4
    rate = np.array([0.8, 0.6, 0.4])
    summary = summary_of(counts, CMP)
    found = CMP.log_likelihood({"rate": rate, "nu": np.array([1.0, 0.0, 100.0])}, summary)
    exact = [
        stats.poisson.logpmf(counts[0], 0.8).sum(),
        stats.nbinom.logpmf(counts[1], 1, 1 / 1.6).sum(),
        stats.bernoulli.logpmf(counts[2], 0.4).sum(),
    ]
    np.testing.assert_allclose(found, exact, rtol=1e-12)


def test_a_silent_law_allows_no_spike():
    values = {"rate": np.zeros(2), "nu": np.ones(2)}
    found = CMP.log_likelihood(values, summary_of([[0, 0, 0], [0, 1, 0]], CMP))
    assert found[0] == 0
    assert np.isneginf(found[1])


@pytest.mark.parametrize(
    ("rate", "nu"), [(0.3, 0.3), (0.8, 2.5), (3.0, 0.5), (8.0, 6.0), (60.0, 1.5)]
)
def test_the_conway_maxwell_estimate_is_that_of_a_general_optimiser(rate, nu, rng):
    """Nelder and Mead in (log rate, log nu), on the brute series."""
    k, p = series(rate, nu)
    counts = rng.choice(k, 500, p=p / p.sum())

    def loss(x):
        return -log_law(*np.exp(x))[counts].sum()

    best = optimize.minimize(
        loss, np.log([rate, nu]), method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-9}
    )
    fit = sn.fit(raster_of(counts[None]), CMP)
    assert fit.params["rate"][0] == counts.mean()
    np.testing.assert_allclose(
        [fit.params["rate"][0], fit.params["nu"][0]], np.exp(best.x), rtol=2e-5
    )
    assert fit.log_likelihood[0] == pytest.approx(-best.fun, rel=1e-9)


def test_mean_and_nu_are_orthogonal_and_errors_are_the_expected_information():
    """Second derivatives of the expected log-likelihood, by differences, at five laws."""
    for rate, nu in [(0.3, 0.3), (0.9, 2.5), (3.0, 0.5), (8.0, 6.0), (1.0, 12.0)]:
        k, p = series(rate, nu)
        keep = p > 1e-30
        k, p = k[keep], p[keep]

        def expected(a, b, k=k, p=p, rate=rate, nu=nu):
            return p @ log_law(rate * (1 + a), nu * (1 + b))[k]

        h = 1e-3
        mixed = (expected(h, h) - expected(h, -h) - expected(-h, h) + expected(-h, -h)) / (
            4 * h * h
        )
        rate_info = -(expected(h, 0) - 2 * expected(0, 0) + expected(-h, 0)) / h**2
        nu_info = -(expected(0, h) - 2 * expected(0, 0) + expected(0, -h)) / h**2
        assert abs(mixed) < 1e-3 * np.sqrt(rate_info * nu_info)
        variance = p @ (k - rate) ** 2
        assert rate_info == pytest.approx(rate**2 / variance, rel=1e-3)
        values = {"rate": np.array([rate]), "nu": np.array([nu])}
        raster = sn.simulate(sn.Bundle.from_params(CMP, values), 1, 4000, seed=2)
        fit = sn.fit(raster, CMP)
        assert fit.standard_errors["nu"][0] == pytest.approx(nu / np.sqrt(4000 * nu_info), rel=0.25)


@pytest.mark.parametrize("counts", [[0, 1] * 30, [4, 5, 5] * 20, [3] * 60, [0] * 59 + [1]])
def test_two_neighbouring_counts_have_the_largest_nu(counts):
    fit = sn.fit(raster_of([counts]), CMP)
    assert fit.params["nu"] == [100]
    assert np.isinf(fit.standard_errors["nu"]).all()
    assert fit.flags[0] & Flag.BOUNDARY


def test_bins_of_one_spike_are_conway_maxwell_of_the_largest_nu(rng):
    """The likelihood is that of Bernoulli bins, to what 2**-100 leaves."""
    dense = rng.random((5, 1, 500)) < np.linspace(0.02, 0.6, 5)[:, None, None]
    fit = sn.fit(sn.SpikeRaster.from_dense(dense), CMP)
    plain = sn.fit(sn.SpikeRaster.from_dense(dense), "bernoulli")
    np.testing.assert_allclose(fit.log_likelihood, plain.log_likelihood, rtol=1e-10)
    np.testing.assert_allclose(fit.standard_errors["rate"], plain.standard_errors["p"], rtol=1e-8)


def test_counts_more_variable_than_geometric_ones_have_nu_zero():
    counts = [[0] * 50 + [30] * 5]
    found, ends = intervals(counts, CMP)
    assert found.params["nu"] == [0]
    assert found.flags[0] == Flag.BOUNDARY
    assert np.isfinite(found.standard_errors["nu"]).all()
    assert ends["nu"][0] == [0]
    assert 0 < ends["nu"][1][0] < 0.05
    total, n = np.sum(counts), 55
    assert ends["rate"][0][0] < total / n < ends["rate"][1][0]


def test_silence_bounds_the_rate_as_poisson_bins_do():
    _, ends = intervals([[0] * 80, [0] * 79 + [1]], CMP)
    silent = sn.fit(raster_of([[0] * 80, [0] * 79 + [1]]), "poisson").interval("rate")
    assert ends["rate"][0][0] == 0
    assert ends["rate"][1][0] == pytest.approx(silent[1][0])
    assert (ends["nu"][0] == 0).all()
    assert (ends["nu"][1] == 100).all()


@pytest.mark.parametrize("level", [0.5, 0.95, 0.999])
def test_conway_maxwell_intervals_end_where_the_likelihood_has_fallen(level, rng):
    """Of nu along the profile, whose mean is the sample mean; of the rate at the estimated nu."""
    counts = np.stack([
        rng.poisson(2.0, 300), rng.binomial(6, 0.5, 300), rng.negative_binomial(2, 0.3, 300),
        rng.poisson(0.1, 300), rng.binomial(40, 0.9, 300), rng.geometric(0.4, 300),
    ])  # fmt: skip
    summary = summary_of(counts, CMP)
    found, ends = intervals(counts, CMP, level)
    best = CMP.log_likelihood(found.params, summary)
    reach = stats.chi2.ppf(level, 1) / 2
    for name, pair in ends.items():
        for end, bound in zip(pair, CMP.params[["rate", "nu"].index(name)].domain, strict=True):
            fallen = best - CMP.log_likelihood(found.params | {name: end}, summary)
            at_bound = end == bound
            np.testing.assert_allclose(fallen[~at_bound], reach, rtol=1e-4)
            assert (fallen[at_bound] <= reach).all()


@pytest.mark.parametrize(
    ("rate", "nu", "n_bins"),
    [
        (0.2, 1.0, 1000),
        (0.8, 0.3, 500),
        (1.0, 3.0, 200),
        (2.0, 8.0, 400),
        (5.0, 0.6, 100),
        (20.0, 2.0, 60),
    ],
)
def test_conway_maxwell_intervals_cover_where_nu_is_identified(rate, nu, n_bins):
    """Of 1,000 nodes between 0.93 and 0.97, with the binomial band of the binomial test above.

    24 bounds of 1e-4 each fail by chance with a probability below 0.003 over all seeds.
    """
    truth = {"rate": rate, "nu": nu}
    assert ready(CMP, truth, n_bins)
    found = covered(CMP, truth, 1000, n_bins, seed=6)
    low, high = stats.binom.ppf(1e-4, 1000, 0.93), stats.binom.isf(1e-4, 1000, 0.97)
    assert low <= found["rate"] <= high
    assert low <= found["nu"] <= high


def test_conway_maxwell_says_where_it_is_not_identified():
    """Hardly any bin with two spikes, few bins, nu next to 0 and at its largest."""
    assert not ready(CMP, {"rate": 0.05, "nu": 1.0}, 1000)
    assert not ready(CMP, {"rate": 5.0, "nu": 1.0}, 30)
    assert not ready(CMP, {"rate": 0.5, "nu": 0.02}, 1000)
    assert not ready(CMP, {"rate": 60_000.0, "nu": 100.0}, 1000)


def test_nu_takes_the_side_of_the_dispersion(rng):
    """Samples of other laws; with 2,000 bins each estimate is many standard errors from 1."""
    counts = np.stack([
        rng.binomial(8, 0.5, 2000), rng.hypergeometric(30, 30, 20, 2000),
        rng.negative_binomial(3, 0.4, 2000), rng.geometric(0.3, 2000) - 1,
    ])  # fmt: skip
    found, ends = intervals(counts, CMP)
    assert (found.params["nu"] > 1).tolist() == [True, True, False, False]
    low, high = ends["nu"]
    assert (low[:2] > 1).all()
    assert (high[2:] < 1).all()
    fano = counts.var(axis=1) / counts.mean(axis=1)
    variance = CMP.moments(found.params, 1)[1]
    np.testing.assert_allclose(variance / found.params["rate"], fano, rtol=0.15)


CLEAR = {
    "poisson": {"rate": 3.0},
    "binomial": {"size": 5.0, "p": 0.6},
    "conway_maxwell_poisson": {"rate": 3.0, "nu": 0.4},
    "negative_binomial": {"rate": 3.0, "dispersion": 0.5},
}


@pytest.mark.parametrize("name", CLEAR)
def test_the_law_of_the_counts_is_chosen(name):
    """At least 60 of 80 nodes by AIC, from 3,000 bins; windows of one bin.

    A law with one parameter more wins against the truth with a probability of at most 0.16 a rival,
    so that fewer than 60 have a probability below 1e-3 with two, and this is a fixed seed.
    """
    values = {key: np.full(80, value) for key, value in CLEAR[name].items()}
    raster = sn.simulate(sn.Bundle.from_params(name, values, window=1), 1, 3000, seed=3)
    chosen = sn.select(raster, list(CLEAR), window=1)
    sizes = {fit.process.name: len(fit.node_ids) for fit in chosen}
    assert sizes[name] >= 60


def test_large_means_are_fitted(rng):
    """Means of hundreds, on both sides of Poisson: variance and rate come back to 20 %."""
    counts = np.stack([rng.negative_binomial(5, 5 / 405, 400), rng.binomial(900, 0.7, 400)])
    fit = sn.fit(raster_of(counts), CMP)
    assert not fit.flags.any()
    np.testing.assert_array_equal(fit.params["rate"], counts.mean(axis=1))
    variance = CMP.moments(fit.params, 1)[1]
    np.testing.assert_allclose(variance, counts.var(axis=1), rtol=0.2)


def test_nodes_do_not_depend_on_the_largest_count_of_their_block(rng):
    counts = rng.poisson(1.0, (3, 200))
    together = counts.copy()
    together[2, 5] = 40_000
    for process in (BINOMIAL, CMP):
        alone, beside = sn.fit(raster_of(counts[:2]), process), sn.fit(raster_of(together), process)
        for field in ("params", "standard_errors"):
            for name, array in getattr(alone, field).items():
                np.testing.assert_array_equal(array, getattr(beside, field)[name][:2])
        np.testing.assert_array_equal(alone.log_likelihood, beside.log_likelihood[:2])


def test_intervals_of_some_nodes_are_theirs_in_the_whole(rng):
    counts = rng.binomial(7, 0.6, (6, 300))
    counts[2] = 0
    for process in (BINOMIAL, CMP):
        _, whole = intervals(counts, process)
        _, part = intervals(counts[1:4], process)
        for name, pair in whole.items():
            np.testing.assert_array_equal(np.array(pair)[:, 1:4], part[name])
