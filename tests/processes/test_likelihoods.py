"""The mathematics of every process: likelihoods, moments, recovery, intervals, against oracles."""

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.rates import confint_poisson

import stochnet as sn
from stochnet.process import Independent
from stochnet.processes.laws.gains import WEIGHT
from stochnet.statistics.summary.summary import summarize
from stochnet.testing import params
from tests.processes.test_conformance import each, typical

binary = pytest.mark.parametrize(
    "process", [p for p in sn.PROCESSES.values() if not p.has_counts], ids=lambda p: p.name
)
counting = pytest.mark.parametrize(
    "process", [p for p in sn.PROCESSES.values() if p.has_counts], ids=lambda p: p.name
)


def repeated(given_params, n):
    """Parameters of one node for n nodes."""
    return {name: np.repeat(array[:1], n) for name, array in given_params.items()}


def log_likelihood(process, given_params, dense, window):
    (summary,) = summarize(sn.SpikeRaster.from_dense(dense), window=window)
    return process.log_likelihood(repeated(given_params, len(dense)), summary)


@binary
@settings(max_examples=15)
@given(data=st.data(), n_bins=st.integers(1, 8), window=st.integers(1, 8))
def test_probabilities_of_all_spike_sequences_sum_to_one(process, data, n_bins, window):
    values = data.draw(params(process, n_nodes=1, edges=True))
    sequences = np.array(list(itertools.product([0, 1], repeat=n_bins)))[:, None, :]
    chance = np.exp(log_likelihood(process, values, sequences, min(window, n_bins)))
    assert chance.sum() == pytest.approx(1, abs=1e-9)


@binary
def test_trials_are_independent(process):
    """Two trials of four bins: the 256 probabilities sum to one, and they are products."""
    halves = np.array(list(itertools.product([0, 1], repeat=4)))
    both = np.array([[a, b] for a in halves for b in halves])
    values = typical(process, 1)
    chance = np.exp(log_likelihood(process, values, both, 2))
    one = np.exp(log_likelihood(process, values, halves[:, None, :], 2))
    np.testing.assert_allclose(chance, np.outer(one, one).reshape(-1), rtol=1e-10)


@counting
@pytest.mark.parametrize("window", [1, 2, 3])
def test_probabilities_of_count_sequences_sum_to_one(process, window):
    """Three bins of 0 to 16 spikes; the law is such that more has a probability below 1e-6."""
    values = {"rate": 0.4, "dispersion": 0.5, "nu": 0.8, "size": 3.0, "p": 0.3}
    # The controls of a profile are numbered.
    values = {p.name: np.array([values[p.name.split("_")[0]]]) for p in process.params}
    sequences = np.array(list(itertools.product(range(17), repeat=3)))[:, None, :]
    total = np.exp(log_likelihood(process, values, sequences, window)).sum()
    assert 1 - 1e-6 < total < 1 + 1e-9


@each
def test_no_parameters_near_the_estimate_are_more_likely(process, rng):
    """Random steps of all sizes from the estimate, in each direction the domain allows.

    Whole parameters move by whole steps.
    """
    bundle = sn.Bundle.from_params(process, typical(process, 8), window=20)
    raster = sn.simulate(bundle, 12, 65, seed=4)
    fit = sn.fit(raster, process, window=20)
    (summary,) = summarize(raster, window=20)
    best = process.log_likelihood(fit.params, summary)
    np.testing.assert_allclose(fit.log_likelihood, best, rtol=1e-12)
    for size in np.repeat([1e-4, 1e-3, 1e-2, 0.1, 1.0], 8):
        moved = {
            p.name: np.clip(
                fit.params[p.name] * (1 + size * rng.standard_normal(8))
                + size * 0.1 * rng.standard_normal(8),
                *p.domain,
            )
            for p in process.params
        }  # fmt: skip
        moved |= {p.name: np.rint(moved[p.name]) for p in process.params if p.whole}
        assert (process.log_likelihood(moved, summary) <= best + 1e-9 * np.abs(best)).all()


@each
def test_the_standard_error_is_the_curvature_of_the_likelihood(process):
    """Second differences of the log-likelihood at interior estimates, to one percent.

    Whole numbers have no slope; they are held where they are.
    """
    names = [p.name for p in process.params if not p.whole]
    bundle = sn.Bundle.from_params(process, typical(process, 4), window=20)
    raster = sn.simulate(bundle, 60, 100, seed=4)
    fit = sn.fit(raster, process, window=20)
    (summary,) = summarize(raster, window=20)
    assert not fit.flags.any()
    step = {name: 0.02 * fit.standard_errors[name] for name in names}

    def at(**moves):
        moved = {n: fit.params[n] + moves.get(n, 0) * step[n] for n in names}
        return process.log_likelihood({**fit.params, **moved}, summary)

    information = np.empty((4, len(names), len(names)))
    for i, a in enumerate(names):
        for j, b in enumerate(names):
            if a == b:
                second = at(**{a: 1}) - 2 * at() + at(**{a: -1})
            else:
                second = (at(**{a: 1, b: 1}) - at(**{a: 1, b: -1})
                          - at(**{a: -1, b: 1}) + at(**{a: -1, b: -1})) / 4  # fmt: skip
            information[:, i, j] = -second / (step[a] * step[b])
    variance = np.diagonal(np.linalg.inv(information), axis1=1, axis2=2)
    for i, name in enumerate(names):
        np.testing.assert_allclose(fit.standard_errors[name], np.sqrt(variance[:, i]), rtol=0.01)


@each
def test_parameters_are_recovered_within_their_standard_errors(process):
    """z-scores of 400 nodes per parameter: mean within 0.25 and variance 0.75 to 1.3.

    With exactly standard normal z-scores each bound fails less than once in 10,000 seeds; the room
    beyond that is for the bias of a dispersion estimated from 600 windows. Whole parameters are hit
    or missed, so only their intervals are looked at.
    """
    n = 400
    middle = {p.name: np.full(n, np.mean(p.typical)) for p in process.params}
    middle |= {p.name: np.rint(middle[p.name]) for p in process.params if p.whole}
    whole = {p.name for p in process.params if p.whole}
    bundle = sn.Bundle.from_params(process, middle, window=20)
    fit = sn.fit(sn.simulate(bundle, 60, 200, seed=12), process, window=20)
    for name, truth in middle.items():
        if name in whole:
            # 600 windows tell a whole number exactly, or with an error of about one.
            assert np.mean(np.abs(fit.params[name] - truth) <= 1) > 0.9, name
        else:
            z = (fit.params[name] - truth) / fit.standard_errors[name]
            assert abs(z.mean()) < 0.25, name
            assert 0.75 < z.var(ddof=1) < 1.3, name
        low, high = fit.interval(name)
        # 95 % of 400 is 380; below 360 has a probability of 5e-6.
        assert np.count_nonzero((low <= truth) & (truth <= high)) >= 360, name


@each
@pytest.mark.parametrize("window", [1, 7, 40])
def test_samples_have_the_declared_moments(process, window):
    """Mean and variance of 240 × 50 window counts at five points, within 5 standard errors.

    The nodes of one point are replicates, so the standard errors come from their spread. Thirty
    such checks fail by chance less than once in 10,000 seeds.
    """
    n = 240
    few = typical(process, 5)
    many = {name: np.repeat(array, n) for name, array in few.items()}
    bundle = sn.Bundle.from_params(process, many, window=window)
    dense = sn.simulate(bundle, 50, window, seed=8).to_dense()
    counts = dense.sum(axis=2, dtype=np.int64).reshape(5, n, 50)
    mean, variance = process.moments(few, window)
    for theory, found in ((mean, counts.mean(axis=2)), (variance, counts.var(axis=2, ddof=1))):
        error = found.std(axis=1, ddof=1) / np.sqrt(n)
        assert (np.abs(found.mean(axis=1) - theory) < 5 * error + 1e-12).all()


@pytest.mark.parametrize(
    "process",
    [p for p in sn.PROCESSES.values() if isinstance(p.sampler, Independent) and p.sampler.gain],
    ids=lambda p: p.name,
)
@settings(max_examples=60)
@given(data=st.data())
def test_gain_levels_have_the_mean_and_variance_of_the_law(process, data):
    """The variance of a count follows from the gain in windows of two bins."""
    values = data.draw(params(process, n_nodes=(1, 3)))
    table = np.asarray(process.tabulate(values))
    # For counts, the mean is the sum of the upper tails of the distribution function.
    level = (1 - table).sum(axis=2) if process.has_counts else table
    mean, variance = process.moments(values, 1)
    _, double = process.moments(values, 2)
    # var(two bins) = 2 var(one) + 2 cov, and the covariance is the variance of the level.
    between = (double - 2 * variance) / 2
    np.testing.assert_allclose(level @ WEIGHT, mean, rtol=1e-7)
    np.testing.assert_allclose((level - mean[:, None]) ** 2 @ WEIGHT, between, rtol=0.01, atol=1e-9)


SHAPES = list(itertools.product([0.02, 0.5, 0.9], [0.01, 0.3, 0.6, 0.9]))


@pytest.mark.parametrize(("p", "rho"), SHAPES)
def test_beta_levels_hold_for_all_shapes(p, rho):
    """Also where the law has its mass at both ends; the mean is exact.

    The variance holds to 1 % for rho up to 0.3, and to 10 % beyond, where levels are clipped.
    """
    level = sn.PROCESSES["beta_bernoulli"].tabulate({"p": np.array([p]), "rho": np.array([rho])})
    assert (level >= 0).all()
    assert (level <= 1).all()
    assert (level @ WEIGHT)[0] == pytest.approx(p, rel=1e-9)
    assert ((level - p) ** 2 @ WEIGHT)[0] == pytest.approx(
        p * (1 - p) * rho, rel=0.01 if rho < 0.5 else 0.1
    )


@pytest.mark.parametrize(("rate", "dispersion"), [(10.0, 10.0), (100.0, 1.0), (700.0, 0.1)])
def test_negative_binomial_tables_hold_at_high_rates(rate, dispersion):
    """Where exp(-rate) is zero in floating point: quantiles of the marginal law."""
    values = {"rate": np.array([rate]), "dispersion": np.array([dispersion])}
    cdf = np.tensordot(WEIGHT, sn.PROCESSES["negative_binomial"].tabulate(values)[0], axes=1)
    k = np.array([0.5, 1.0, 2.0, 4.0]) * rate
    size = 1 / dispersion
    exact = stats.nbinom.cdf(k, size, size / (size + rate))
    np.testing.assert_allclose(cdf[k.astype(int)], exact, atol=0.01)


def test_counts_that_no_raster_can_hold_are_refused():
    bundle = sn.Bundle.from_params("poisson", {"rate": [1.0, 65_535.0]})
    with pytest.raises(sn.StochnetError, match="65535"):
        sn.simulate(bundle, 1, 10, seed=1)


def window_counts(dense, window):
    return dense.sum(axis=1).reshape(len(dense), -1, window).sum(axis=2)


def scipy_log_likelihood(name, values, dense, window):
    """Of one trial whose windows divide it; window laws times the arrangement within windows."""
    p = {key: value[:, None] for key, value in values.items()}
    k = window_counts(dense, window)
    if name == "bernoulli":
        law, arrangements = stats.binom.logpmf(k, window, p["p"]), special.binom(window, k)
    elif name == "beta_bernoulli":
        size = 1 / p["rho"] - 1
        law = stats.betabinom.logpmf(k, window, p["p"] * size, (1 - p["p"]) * size)
        arrangements = special.binom(window, k)
    elif name == "poisson":
        return stats.poisson.logpmf(dense[:, 0], p["rate"]).sum(axis=1)
    else:
        size = 1 / p["dispersion"]
        law = stats.nbinom.logpmf(k, size, size / (size + window * p["rate"]))
        inside = special.gammaln(dense + 1).sum(axis=(1, 2))
        return (law + special.gammaln(k + 1) - k * np.log(window)).sum(axis=1) - inside
    return (law - np.log(arrangements)).sum(axis=1)


@pytest.mark.parametrize("name", ["bernoulli", "beta_bernoulli", "poisson", "negative_binomial"])
def test_likelihoods_equal_those_of_scipy(name, rng):
    process, n = sn.PROCESSES[name], 40
    values = {p.name: rng.uniform(*p.typical, n) for p in process.params}
    dense = rng.poisson(0.4, (n, 1, 60))
    if not process.has_counts:
        dense = np.minimum(dense, 1)
    (summary,) = summarize(sn.SpikeRaster.from_dense(dense), window=12)
    found = process.log_likelihood(values, summary)
    np.testing.assert_allclose(found, scipy_log_likelihood(name, values, dense, 12), rtol=1e-10)


@pytest.mark.parametrize("level", [0.5, 0.95, 0.99])
def test_intervals_are_those_of_clopper_pearson_and_garwood(level):
    spikes = np.array([0, 1, 7, 30, 59, 60])
    dense = np.zeros((len(spikes), 1, 60), int)
    for row, k in zip(dense, spikes, strict=True):
        row[0, :k] = 1
    raster = sn.SpikeRaster.from_dense(dense)
    found = sn.fit(raster, "bernoulli").interval("p", level)
    exact = proportion_confint(spikes, 60, alpha=1 - level, method="beta")
    np.testing.assert_allclose(found, np.array(exact), rtol=1e-9)
    found = sn.fit(raster, "poisson").interval("rate", level)
    exact = confint_poisson(spikes[1:], 60, method="exact-c", alpha=1 - level)
    np.testing.assert_allclose(np.array(found)[:, 1:], np.array(exact), rtol=1e-9)
    assert found[0][0] == 0
    assert found[1][0] == pytest.approx(-np.log((1 - level) / 2) / 60)


def test_other_intervals_stay_in_the_domain_and_are_all_of_it_without_an_error(rng):
    fit = sn.fit(sn.SpikeRaster.from_dense(rng.random((3, 2, 40)) < 0.5), "beta_bernoulli")
    low, high = dataclasses.replace(
        fit, standard_errors=dict.fromkeys(fit.params, np.full(3, np.inf)), intervals={}
    ).interval("rho")
    assert (low == 0.0).all()
    assert (high == 0.9999).all()
    with pytest.raises(sn.StochnetError, match="name must be one of p, rho, got 'nothing'"):
        fit.interval("nothing")
    for level in (0.0, 1.0):
        with pytest.raises(sn.StochnetError, match="level must lie between 0 and 1"):
            fit.interval("p", level)
