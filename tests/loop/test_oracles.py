"""Statistics, fits and intervals against code of others: elephant, statsmodels, scipy."""

import math
import warnings
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from scipy import optimize, special, stats

import stochnet as sn
from stochnet.processes.laws.dispersion import critical_values
from stochnet.testing import rasters
from tests.support import naive

with warnings.catch_warnings():
    # Of elephant's own imports.
    warnings.simplefilter("ignore")
    import neo
    import quantities as pq
    from elephant import statistics as elephant


def trains(raster, node):
    """Spike trains of one node, one a trial: bin t is second t."""
    return [
        neo.SpikeTrain(np.flatnonzero(row) * pq.s, t_stop=raster.n_bins * pq.s)
        for row in raster.to_dense()[node]
    ]


@given(raster=rasters(counts=False))
def test_rates_are_those_of_elephant(raster):
    rates = sn.firing_rate(raster)
    for node in range(raster.n_nodes):
        theirs = [float(elephant.mean_firing_rate(one)) for one in trains(raster, node)]
        assert rates[node] == pytest.approx(np.mean(theirs), abs=1e-12)


@given(raster=rasters(counts=False))
def test_fano_factors_are_those_of_elephant_but_for_ddof(raster):
    """elephant divides by n (ddof 0), stochnet by n - 1: n / (n - 1) between them."""
    n = raster.n_trials
    if n < 2:
        return
    ours = sn.fano_factor(raster, raster.n_bins)
    for node in range(raster.n_nodes):
        theirs = elephant.fanofactor(trains(raster, node))
        if math.isnan(ours[node]):
            assert math.isnan(theirs)
        else:
            assert ours[node] == pytest.approx(theirs * n / (n - 1), abs=1e-12)


@given(raster=rasters())
def test_local_variation_is_that_of_elephant(raster):
    """elephant has no trials: one trial at a time, weighted by its pairs of gaps.

    Where several spikes share a bin elephant gives NaN, for it divides 0 by 0; such pairs of gaps
    are left out here.
    """
    cv2, lv = sn.cv2(raster), sn.lv(raster)
    for node, rows in enumerate(raster.to_dense().astype(int)):
        found = []
        for row in rows:
            gaps = np.diff(np.repeat(np.arange(raster.n_bins), row))
            found += [(a, b) for a, b in pairwise(gaps) if a + b > 0]
            if len(gaps) > 1 and (gaps[1:] + gaps[:-1] > 0).all():
                share = [abs(b - a) / (a + b) for a, b in pairwise(gaps)]
                assert elephant.cv2(gaps) == pytest.approx(2 * np.mean(share))
                assert elephant.lv(gaps) == pytest.approx(3 * np.mean(np.square(share)))
        if not found:
            assert math.isnan(cv2[node])
            assert math.isnan(lv[node])
            continue
        share = np.array([abs(b - a) / (a + b) for a, b in found])
        assert cv2[node] == pytest.approx(2 * share.mean())
        assert lv[node] == pytest.approx(3 * (share**2).mean())


def test_one_trial_has_the_local_variation_of_elephant(rng):
    raster = sn.SpikeRaster.from_dense(rng.random((5, 1, 3000)) < [[[0.02]], [[0.1]], [[0.3]],
                                                                   [[0.6]], [[0.9]]])  # fmt: skip
    for node in range(5):
        gaps = np.diff(np.flatnonzero(raster.to_dense()[node, 0]))
        assert sn.cv2(raster)[node] == pytest.approx(elephant.cv2(gaps), rel=1e-12)
        assert sn.lv(raster)[node] == pytest.approx(elephant.lv(gaps), rel=1e-12)


def test_blocks_do_not_matter_for_local_variation(rng, tiny_blocks):
    raster = sn.SpikeRaster.from_dense(rng.random((4, 3, 90)) < 0.3)
    one = [sn.cv2(raster.block(slice(i, i + 1)))[0] for i in range(4)]
    np.testing.assert_array_equal(sn.cv2(raster), one)


def gained(process, seed=4, n=300, window=20, nodes=6):
    """Windows of nodes with a gain, one window a trial, and their counts (node, window)."""
    values = sn.PROCESSES[process].params
    rng = np.random.default_rng(seed)
    params = {p.name: rng.uniform(*p.typical, nodes) for p in values}
    raster = sn.simulate(sn.Bundle.from_params(process, params), n, window, seed=seed)
    return raster, naive.window_counts(raster.to_dense().astype(int), window)


def test_negative_binomial_fits_are_those_of_statsmodels():
    from statsmodels.discrete.discrete_model import NegativeBinomial

    raster, counts = gained("negative_binomial")
    fit = sn.fit(raster, "negative_binomial")
    for node, row in enumerate(counts):
        start = [math.log(row.mean()), max(fit.params["dispersion"][node], 0.01)]
        found = NegativeBinomial(row, np.ones(len(row))).fit(start, disp=0, method="newton")
        assert fit.params["rate"][node] * 20 == pytest.approx(math.exp(found.params[0]), rel=1e-5)
        assert fit.params["dispersion"][node] == pytest.approx(found.params[1], rel=1e-4)
        assert fit.standard_errors["dispersion"][node] == pytest.approx(found.bse[1], rel=1e-2)
        relative = fit.standard_errors["rate"][node] / fit.params["rate"][node]
        assert relative == pytest.approx(found.bse[0], rel=1e-3)


def beta_binomial_profile(row, length, rho):
    """Largest log-likelihood of counts over p, at a given rho, by scipy's betabinom."""
    total = 1 / rho - 1

    def cost(logit):
        p = special.expit(logit)
        return -stats.betabinom.logpmf(row, length, p * total, (1 - p) * total).sum()

    start = special.logit(row.mean() / length)
    return -optimize.minimize_scalar(cost, bracket=(start - 0.1, start + 0.1)).fun


def test_beta_bernoulli_fits_and_profile_intervals_are_those_of_scipy():
    raster, counts = gained("beta_bernoulli")
    fit = sn.fit(raster, "beta_bernoulli")
    low, high = fit.interval("rho")
    z, _ = critical_values(0.95)
    for node, row in enumerate(counts):
        rho = fit.params["rho"][node]
        best = beta_binomial_profile(row, 20, rho)
        for other in (0.99 * rho, 1.01 * rho):
            assert beta_binomial_profile(row, 20, other) < best
        # Far from the edge the ends are where twice the difference is that of a chi-square.
        if rho / fit.standard_errors["rho"][node] > 6:
            for end in (low[node], high[node]):
                root = math.sqrt(2 * (best - beta_binomial_profile(row, 20, end)))
                assert root == pytest.approx(z, rel=1e-4)


def test_limits_at_the_edge_are_those_of_feldman_and_cousins():
    """A Gaussian with a mean that cannot be negative: their 90 % limits, and exact coverage."""
    z, roots = critical_values(0.9)
    mu = np.linspace(0, z, len(roots))
    for x, expected in ((-3.0, 0.26), (-2.0, 0.40), (-1.0, 0.81), (0.0, 1.64)):
        # Their intervals start at zero for these x; find the upper end.
        ratio = np.where(mu > 0, np.sqrt(mu**2 - 2 * x * mu if x < 0 else (x - mu) ** 2), 0.0)
        inside = mu[ratio <= roots + 1e-9]
        assert inside.max() == pytest.approx(expected, abs=0.02)
    z, roots = critical_values(0.95)
    mu = np.linspace(0, z, len(roots))
    draws = np.random.default_rng(1).normal(size=400_000)
    for at in (0.0, 0.3, 1.0, 1.7):
        x = at + draws
        root = np.sqrt(np.where(x >= 0, (x - at) ** 2, at**2 - 2 * x * at))
        covered = np.mean(root <= np.interp(at, mu, roots))
        # Five standard errors of 400,000 draws.
        assert covered == pytest.approx(0.95, abs=0.0018)
