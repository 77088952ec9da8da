"""Laws over nodes: scales, margins, copula, kernel, and what a resampled network keeps."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

import stochnet as sn
from stochnet.bundle.populations.bootstrap import balanced, draw_rows, fit_kernel
from stochnet.bundle.populations.columns import names_of, params_of, scales_of, table_of
from stochnet.bundle.populations.families import FAMILIES
from stochnet.bundle.populations.loadings import draw_loadings, kept_part, pairs_of_copies
from stochnet.bundle.populations.margin import Margin, fit_margin, kolmogorov_floor
from stochnet.bundle.populations.population import (
    fit_copula,
    kolmogorov_distance,
    leading,
    rate_of,
    states_of,
)
from stochnet.bundle.populations.scales import Scale, scale_of
from stochnet.bundle.populations.sizes import apportion, layer_sizes
from stochnet.errors import FileFormatError, InvalidInputError
from stochnet.process import Param
from stochnet.storage import bundle_digest
from stochnet.testing import bundles

PROBABILITY = Scale("logit", 0.0, 1.0)
RATE = Scale("log", 0.0, 65535.0)
LAYERS = (sn.Layer("conv", "ReLU", (4, 5, 3), 0, 60), sn.Layer("out", "ReLU", (40,), 60, 40))


def mixed(rng, n_conditions=4):
    """Two layers, two processes, one of them with dead and saturated nodes."""
    p = np.clip(rng.beta(1, 3, (70, 1)) + 0.1 * rng.standard_normal((70, n_conditions)), 0, 1)
    p[:7], p[7:10] = 0, 1
    ids = rng.permutation(100)
    one = sn.Bundle.from_params("bernoulli", {"p": p}, conditions=np.arange(8) % n_conditions)
    two = sn.Bundle.from_params(
        "beta_bernoulli",
        {
            "p": rng.beta(2, 3, (30, n_conditions)),
            "rho": np.full((30, n_conditions), 0.1) * rng.random((30, 1)),
        },
        window=5,
        conditions=np.arange(8) % n_conditions,
    )
    fits = tuple(
        replace(bundle.fits[0], node_ids=np.sort(nodes))
        for bundle, nodes in ((one, ids[:70]), (two, ids[70:]))
    )
    return replace(one, fits=fits, layers=LAYERS, schedule="stratified")


# Scales, families and margins.


@given(values=st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_scales_come_back_and_keep_their_ends(values):
    x = np.array(values)
    line = PROBABILITY.forward(x)
    inside = PROBABILITY.inside(x)
    assert np.array_equal(np.isnan(line), ~inside)
    np.testing.assert_allclose(PROBABILITY.backward(line[inside]), x[inside], rtol=1e-9, atol=1e-15)


def test_a_scale_never_reaches_an_end():
    for scale in (PROBABILITY, RATE, Scale("identity", -3.0, 2.0), Scale("logit", 0.0, 0.9999)):
        values = scale.backward(np.array([-1e4, -800.0, 0.0, 800.0, 1e4]))
        assert ((values > scale.low) & (values < scale.high)).all()


def test_every_parameter_has_a_scale_by_its_domain():
    kinds = {
        f"{name}.{p.name}": scale_of(p).kind
        for name, process in sn.PROCESSES.items()
        for p in process.params
    }
    assert kinds["bernoulli.p"] == kinds["beta_bernoulli.rho"] == "logit"
    assert kinds["poisson.rate"] == kinds["gamma_renewal.shape"] == "log"
    assert kinds["binomial.size"] == kinds["refractory_poisson.dead_time"] == "whole"
    assert scale_of(Param("x", "1", (-np.inf, np.inf), (0, 1), "")).kind == "identity"


@pytest.mark.parametrize("name", FAMILIES)
def test_quantiles_and_distribution_functions_are_inverse(name):
    family, u = FAMILIES[name], np.linspace(0.01, 0.99, 33)
    params = {"uniform": (0.2, 0.7), "constant": (0.3,)}.get(name, (0.7, 1.3))
    x = family.quantile(u, *params)
    if name != "constant":
        np.testing.assert_allclose(family.cdf(x, *params), u, rtol=1e-9)
    if family.log_density is not None:
        step = 1e-6
        slope = (family.cdf(x + step, *params) - family.cdf(x - step, *params)) / (2 * step)
        density = np.exp(family.log_density(family.features(x), *params))
        np.testing.assert_allclose(density, slope, rtol=1e-4)


@pytest.mark.parametrize("name", ["beta", "logit-normal", "gamma", "log-normal", "normal"])
def test_families_are_fitted_by_maximum_likelihood(name, rng):
    family = FAMILIES[name]
    x = family.quantile(rng.random(400), 1.5, 0.8)
    features, best = family.features(x), family.fit(family.features(x), np.ones(400))
    top = family.log_density(features, *best).sum()
    for move in ((1.01, 1), (0.99, 1), (1, 1.01), (1, 0.99)):
        assert family.log_density(features, best[0] * move[0], best[1] * move[1]).sum() < top
    # Two parameters of 400 values: four standard errors, missed once in 8,000.
    assert best == pytest.approx((1.5, 0.8), abs=0.45)


def test_a_margin_recovers_masses_and_a_mixture(rng):
    """All nine distances exceed their bound together less than once in 100 seeds.

    A fitted law with the right family is nearer to the truth than the sample, whose distance
    exceeds 1.63 / √n once in 100.
    """
    n = 3000
    for a, b, low, high in ((1, 4, 0.1, 0.0), (0.6, 0.5, 0.05, 0.2), (20, 30, 0.0, 0.3)):
        u = rng.random(n)
        values = np.where(u < low, 0.0, np.where(u > 1 - high, 1.0, rng.beta(a, b, n)))
        margin = fit_margin(values, PROBABILITY)
        assert margin.low == np.mean(values == 0)
        assert margin.high == np.mean(values == 1)
        x = np.linspace(0.001, 0.999, 200)
        truth = low + (1 - low - high) * stats.beta.cdf(x, a, b)
        assert np.abs(margin.cdf(x, PROBABILITY) - truth).max() < 1.63 / np.sqrt(n)
        assert margin.distance < margin.floor
    two = np.concatenate([rng.normal(-3, 0.4, 1000), rng.normal(2, 0.6, 2000)])
    margin = fit_margin(special.expit(two), PROBABILITY)
    assert margin.family == "logit-normal"
    assert len(margin.components) == 2
    # Four standard errors of means and spreads, 3 / √1000 of the weight.
    expected = [[1 / 3, -3, 0.4], [2 / 3, 2, 0.6]]
    np.testing.assert_allclose(margin.components, expected, atol=0.1)


def test_margins_choose_the_family(rng):
    assert fit_margin(rng.gamma(2.0, 0.3, 4000), RATE).family == "gamma"
    assert fit_margin(rng.lognormal(-1, 1.0, 4000), RATE).family == "log-normal"
    assert fit_margin(rng.beta(0.5, 0.5, 4000), PROBABILITY).family == "beta"


def test_quantiles_of_a_margin_invert_its_distribution_function(rng):
    components = np.array([[0.3, 2.0, 5.0], [0.7, 30.0, 4.0]])
    margin = Margin("beta", components, 0.1, 0.2, 0.0, 10)
    u = np.linspace(0, 1, 1001)
    x = margin.quantile(u, PROBABILITY)
    assert (np.diff(x) >= 0).all()
    assert ((x == 0) == (u < 0.1)).all()
    assert ((x == 1) == (u >= 0.8)).all()
    inside = PROBABILITY.inside(x)
    np.testing.assert_allclose(margin.cdf(x[inside], PROBABILITY), u[inside], atol=2e-5)


def test_a_margin_of_few_or_equal_values_is_a_table():
    whole = Scale("whole", 1.0, 100.0)
    margin = fit_margin(np.array([2.0, 2.0, 5.0, 1.0]), whole)
    assert margin.family == "table"
    drawn = margin.quantile((np.arange(400) + 0.5) / 400, whole)
    assert [np.mean(drawn == v) for v in (1, 2, 5)] == [0.25, 0.5, 0.25]
    assert (fit_margin(np.full(5, 0.3), PROBABILITY).quantile(np.linspace(0, 1, 9), PROBABILITY)
            == 0.3).all()  # fmt: skip
    ends = fit_margin(np.array([0.0, 0.0, 1.0]), PROBABILITY)
    assert np.isnan(ends.floor)
    assert ends.quantile(np.array([0.1, 0.9]), PROBABILITY).tolist() == [0.0, 1.0]


def test_the_copula_is_recovered_also_behind_point_masses(rng):
    """Five standard errors: 0.016 of plain scores, 0.03 where a third of each column is a mass."""
    truth = np.array([[1, 0.6, -0.3], [0.6, 1, 0.2], [-0.3, 0.2, 1]])
    scores = rng.standard_normal((2000, 3)) @ np.linalg.cholesky(truth).T
    p = stats.beta.ppf(special.ndtr(scores), 2, 3)
    lows, highs = np.zeros(3), np.ones(3)
    np.testing.assert_allclose(fit_copula(p, lows, highs), truth, atol=0.08)
    p[scores < -0.9], p[scores > 0.9] = 0, 1
    np.testing.assert_allclose(fit_copula(p, lows, highs), truth, atol=0.15)
    assert np.array_equal(fit_copula(np.full((9, 2), 0.5), lows[:2], highs[:2]), np.eye(2))


# The kernel.


def test_smoothing_keeps_means_and_covariances_on_the_line(rng):
    """Six standard errors of 200,000 rows: missed less than once in a million."""
    table = special.expit(rng.standard_normal((40, 3)) @ rng.standard_normal((3, 3)) - 1)
    scales = (PROBABILITY,) * 3
    kernel = fit_kernel(table, scales)
    rows = balanced(40, 200_000, rng)
    line = special.logit(draw_rows(table, scales, kernel, rows, rng))
    before = special.logit(table)
    sd = before.std(axis=0)
    assert (np.abs(line.mean(axis=0) - before.mean(axis=0)) < 6 * sd / np.sqrt(len(rows))).all()
    np.testing.assert_allclose(
        np.cov(line.T, ddof=0), np.cov(before.T, ddof=0), atol=6 * 2 * sd.max() ** 2 / 400
    )


def test_smoothing_leaves_point_masses_and_whole_numbers_alone(rng):
    process = sn.PROCESSES["refractory_poisson"]
    scales = scales_of(process, 0)
    table = np.stack([rng.choice([0, 1, 0.3, 0.4], 30), rng.integers(0, 9, 30)], axis=1)
    rows = balanced(30, 300, rng)
    drawn = draw_rows(table, scales, fit_kernel(table, scales), rows, rng)
    assert np.array_equal(drawn[:, 1], table[rows, 1])
    ends = (table[rows, 0] == 0) | (table[rows, 0] == 1)
    assert np.array_equal(drawn[ends, 0], table[rows][ends, 0])
    assert (drawn[~ends, 0] != table[rows][~ends, 0]).all()


@given(n_rows=st.integers(1, 9), n=st.integers(1, 60), seed=st.integers(0, 99))
def test_rows_are_drawn_about_equally_often(n_rows, n, seed):
    count = np.bincount(balanced(n_rows, n, np.random.default_rng(seed)), minlength=n_rows)
    assert count.sum() == n
    assert count.max() - count.min() <= 1


# Sizes.


@given(total=st.integers(0, 500), weights=st.lists(st.integers(1, 50), min_size=1, max_size=6))
def test_shares_are_in_proportion(total, weights):
    weights = np.array(weights)
    shares = apportion(total, weights)
    assert shares.sum() == total
    assert (np.abs(shares - total * weights / weights.sum()) < 1).all()


def test_sizes_are_given_in_three_ways():
    assert layer_sizes(LAYERS, 200).tolist() == [120, 80]
    assert layer_sizes(LAYERS, {"out": 7}).tolist() == [60, 7]
    assert layer_sizes(LAYERS, [3, 1]).tolist() == [3, 1]
    thin = (sn.Layer("a", "-", (999,), 0, 999), sn.Layer("b", "-", (1,), 999, 1))
    assert layer_sizes(thin, 10).tolist() == [9, 1]


@pytest.mark.parametrize(
    ("n_nodes", "message"),
    [
        (1, "at least 2, one for each layer"),
        (0, "n_nodes: nodes must be a whole number"),
        (2.5, "n_nodes"),
        (True, "n_nodes"),
        ({"outt": 3}, "names the layer 'outt'; the layers are conv, out"),
        ({"out": 0}, "layer 'out': nodes must be a whole number from 1 to"),
        ([1, 2, 3], "has 3 numbers, the network 2 layers"),
    ],
)
def test_impossible_sizes_are_refused(n_nodes, message, rng):
    with pytest.raises(InvalidInputError, match=message):
        mixed(rng).resample(n_nodes, rng=1)


# Dead and saturated nodes, columns.


@pytest.mark.parametrize("name", sn.PROCESSES)
def test_dead_and_saturated_nodes_are_known_by_their_moments(name):
    process = sn.PROCESSES[name]
    typical = [np.mean(p.typical) if not p.whole else round(p.typical[0]) for p in process.params]
    lead = leading(process, 0)
    table = np.array([typical] * 3)
    table[0, lead] = [scales_of(process, 0)[k].low for k in lead]
    for k, p in enumerate(process.params):
        if p.domain == (0, 1):
            table[2, k] = 1
        elif p.whole:
            table[2, k] = p.domain[0]
    state = states_of(table, process, 0)
    assert state[:2].tolist() == [-1, 0]
    probabilities = all(p.domain[1] <= 1 or p.whole for p in process.params)
    assert state[2] == (1 if probabilities or name == "gamma_renewal" else 0)


@given(bundle=bundles(n_nodes=(1, 5)))
def test_tables_of_parameters_come_back(bundle):
    for fit in bundle.fits:
        table = table_of(fit)
        again = params_of(fit.process, table, fit.n_conditions)
        assert table.shape[1] == len(names_of(fit.process, fit.n_conditions))
        for name, values in fit.params.items():
            assert np.array_equal(again[name], values)


# Resampled networks.


@given(
    bundle=bundles(n_nodes=(1, 6), edges=True),
    n=st.integers(1, 40),
    seed=st.integers(0, 2**32),
)
def test_resampled_parameters_lie_in_their_domain(bundle, n, seed):
    again = bundle.resample(n, rng=seed)
    assert again.n_nodes == n
    assert again.n_conditions == bundle.n_conditions
    assert [layer.n_nodes for layer in again.layers] == [n]
    assert set(again.process_names()) <= set(bundle.process_names())
    for fit in again.fits:
        # A fit refuses what lies outside a domain; nothing new may come to lie at an end of it.
        before = next(one for one in bundle.fits if one.process is fit.process)
        for param in fit.process.params:
            for end in param.domain:
                has = np.any(before.params[param.name] == end)
                assert has or not np.any(fit.params[param.name] == end)


@given(
    bundle=bundles(["bernoulli", "poisson", "refractory_poisson"], n_nodes=(1, 12), edges=True),
    n=st.integers(1, 40),
)
def test_parametric_laws_stay_in_their_domain_too(bundle, n):
    again = bundle.resample(n, rng=1, law="parametric")
    assert again.n_nodes == n
    assert again.n_conditions == bundle.n_conditions


@pytest.mark.parametrize("law", ["empirical", "parametric"])
def test_process_shares_and_point_masses_are_kept(law, rng):
    bundle = mixed(rng)
    names = bundle.process_names()
    again = bundle.resample({"conv": 600, "out": 20}, rng=3, law=law)
    new = again.process_names()
    for old, layer, factor in zip(LAYERS, again.layers, (10, 0.5), strict=True):
        for name in ("bernoulli", "beta_bernoulli"):
            expected = factor * np.sum(names[old.nodes] == name)
            assert abs(np.sum(new[layer.nodes] == name) - expected) < 1
    assert [layer.shape for layer in again.layers] == [(600,), (20,)]
    before, after = (states(one, layers[0]) for one, layers in
                     ((bundle, LAYERS), (again, again.layers)))  # fmt: skip
    for value in (-1, 1):
        # A copula makes some nodes silent under all conditions by chance.
        by_chance = 6 if law == "parametric" else 1
        assert abs(np.sum(after == value) - 10 * np.sum(before == value)) <= by_chance
    assert again.fits[1].window == 5
    assert again.schedule == "stratified"
    assert np.array_equal(again.conditions, bundle.conditions)


def states(bundle, layer):
    fit = bundle.fits[0]
    table = table_of(fit)[(fit.node_ids >= layer.first) & (fit.node_ids < layer.nodes.stop)]
    return states_of(table, fit.process, fit.n_conditions)


def test_the_expected_mean_of_a_resampled_network_is_that_of_the_fitted_one(rng):
    """On the scale of the kernel exactly; here the mean of 400 networks, within 5 errors."""
    bundle = sn.Bundle.from_params("bernoulli", {"p": rng.beta(1, 2, 25)})
    means = [special.logit(bundle.resample(25, rng=k).fits[0].params["p"]).mean()
             for k in range(400)]  # fmt: skip
    truth = special.logit(bundle.fits[0].params["p"]).mean()
    assert abs(np.mean(means) - truth) < 5 * np.std(means) / 20


def test_class_tuning_survives():
    """Signal correlations within 0.02; each of 12 distances fails once in 20 seeds or less."""
    rng = np.random.default_rng(5)
    patterns = rng.standard_normal((2, 6))
    p = special.expit(-1 + rng.standard_normal((400, 2)) @ patterns)
    bundle = sn.Bundle.from_params("bernoulli", {"p": p}, conditions=np.arange(6))
    for n in (200, 400, 4000):
        for law in ("empirical", "parametric"):
            q = bundle.resample(n, rng=1, law=law).fits[0].params["p"]
            assert kolmogorov_distance(p.mean(axis=1), q.mean(axis=1)) < kolmogorov_floor(n, 400)
            assert kolmogorov_distance(p.std(axis=1), q.std(axis=1)) < kolmogorov_floor(n, 400)
        q = bundle.resample(n, rng=1).fits[0].params["p"]
        one, two = (np.corrcoef(table[:400]) for table in (p, q))
        assert abs(np.abs(one).mean() - np.abs(two).mean()) < 0.02


def test_a_layer_does_not_depend_on_the_sizes_of_others(rng):
    bundle = mixed(rng)
    one, two = (bundle.resample([n, 33], rng=4) for n in (10, 99))
    for a, b in zip(one.fits, two.fits, strict=True):
        for name in a.params:
            end_a, end_b = a.node_ids >= 10, b.node_ids >= 99
            assert np.array_equal(a.params[name][end_a], b.params[name][end_b])


def test_the_same_seed_draws_the_same_network(rng):
    bundle = mixed(rng)
    one, two = (bundle_digest(bundle.resample(50, rng=seed)) for seed in (7, 7))
    assert one == two
    assert one != bundle_digest(bundle.resample(50, rng=8))
    given = bundle.resample(50, rng=np.random.default_rng(7))
    assert bundle_digest(given) == one
    assert given.provenance["resampled"]["law"] == "empirical"
    with pytest.raises(InvalidInputError, match="law must be one of empirical, parametric"):
        bundle.resample(50, rng=1, law="normal")


def test_one_node_of_each_kind_is_enough():
    bundle = sn.Bundle.from_params("beta_bernoulli", {"p": [0.3], "rho": [0.1]})
    for law in ("empirical", "parametric"):
        again = bundle.resample(5, rng=1, law=law)
        assert (again.fits[0].params["p"] == 0.3).all()
    dead = sn.Bundle.from_params("bernoulli", {"p": np.zeros((3, 2))}, conditions=[0, 1])
    assert (dead.resample(9, rng=1, law="parametric").fits[0].params["p"] == 0).all()


# Loadings.


def correlated(rng, n=50, rank=3):
    loadings = 0.2 + 0.25 * rng.standard_normal((2 * n, rank)) * [1, 0.6, 0.2][:rank]
    loadings[n:, rank - 1] = 0
    loadings *= np.minimum(1, 0.9 / np.sqrt((loadings**2).sum(axis=1)))[:, None]
    loadings[3] = 0
    layers = (sn.Layer("a", "-", (n,), 0, n), sn.Layer("b", "-", (n,), n, n))
    mixing = np.kron(np.linalg.cholesky(np.array([[1, 0.5], [0.5, 1]])), np.eye(rank))
    # Rates follow the first loading, so that their joint law can be seen to be kept.
    p = special.ndtr(2 * loadings[:, 0] - 1)
    trial = 0.1 * rng.random(2 * n)
    return sn.Bundle.from_params(
        "bernoulli", {"p": p}, layers=layers, latents=sn.Latents(loadings, mixing, trial)
    )


def pairs(table):
    products = (table @ table.T)[~np.eye(len(table), dtype=bool)]
    return products.mean(), (products**2).mean()


@pytest.mark.parametrize("law", ["empirical", "parametric"])
@pytest.mark.parametrize("factor", [0.5, 1, 10])
def test_noise_correlations_of_pairs_are_kept(law, factor, rng):
    """Means over 20 networks: within 4 % of those of the fitted one, five errors and more."""
    bundle = correlated(rng)
    bundle = replace(bundle, populations=sn.fit_populations(bundle))
    for old in (0, 1):
        truth = pairs(bundle.latents.loadings[bundle.layers[old].nodes])
        found = []
        for seed in range(20):
            again = bundle.resample(int(100 * factor), rng=seed, law=law)
            found.append(pairs(again.latents.loadings[again.layers[old].nodes]))
        tolerance = 0.04 if factor >= 1 else 0.12
        np.testing.assert_allclose(np.mean(found, axis=0), truth, rtol=tolerance)


def test_copies_without_turning_would_look_too_correlated(rng):
    bundle = correlated(rng)
    table = bundle.latents.loadings[:50]
    rows = balanced(50, 500, rng)
    copies = pairs(table[rows])[1] / pairs(table)[1]
    turned = np.mean([
        pairs(draw_loadings(bundle.latents, [rows, rows + 50], [rng, rng]).loadings[:500])
        for _ in range(20)
    ], axis=0)  # fmt: skip
    assert copies > 1.03
    np.testing.assert_allclose(turned, pairs(table), rtol=0.015)
    assert pairs_of_copies(np.array([0, 0, 1, 2])) == pytest.approx(2 / 12)
    assert kept_part(table, 0.0) == 1.0


def test_loadings_stay_with_the_rates_of_their_node(rng):
    bundle = correlated(rng)
    again = bundle.resample(1000, rng=1)
    assert np.array_equal(again.latents.mixing, bundle.latents.mixing)
    p, first = again.fits[0].params["p"], again.latents.loadings[:, 0]
    assert stats.spearmanr(p, first).statistic > 0.9
    assert (again.latents.shared_variance < 1).all()
    # Without a loading a node stays without; a factor that a layer lacks stays empty.
    assert np.sum(~again.latents.correlated) <= 10
    assert (again.latents.loadings[500:, 2] == 0).all()
    # The length of deviations stays: so does the law of what is shared.
    assert kolmogorov_distance(
        bundle.latents.shared_variance, again.latents.shared_variance
    ) < kolmogorov_floor(100, 1000)


# Laws in a bundle, and in its file.


def test_laws_are_stored_and_used(rng, tmp_path):
    bundle = mixed(rng)
    full = replace(bundle, populations=sn.fit_populations(bundle))
    assert [(law.layer, law.fit) for law in full.populations] == [
        ("conv", 0), ("conv", 1), ("out", 0), ("out", 1)
    ]  # fmt: skip
    assert bundle_digest(full) != bundle_digest(bundle)
    sn.write_bundle(full, tmp_path / "bundle.h5")
    again = sn.read_bundle(tmp_path / "bundle.h5")
    assert bundle_digest(again) == bundle_digest(full)
    assert sn.verify(tmp_path / "bundle.h5")[0] == bundle_digest(full)
    for one, two in zip(full.populations, again.populations, strict=True):
        assert one.columns == two.columns
        assert one.process is two.process
        assert [m.family for m in one.margins] == [m.family for m in two.margins]
    for law in ("empirical", "parametric"):
        # Without laws they are fitted when they are needed.
        digests = {bundle_digest(b.resample(77, rng=2, law=law)) for b in (bundle, full, again)}
        assert len(digests) == 1
    assert full.resample(77, rng=2).populations == ()


def test_a_law_says_how_well_it_fits(rng):
    p = rng.beta(1, 3, (500, 1)) * np.ones(4) + 0
    good = sn.Bundle.from_params(
        "bernoulli", {"p": rng.beta(1, 3, (500, 4))}, conditions=np.arange(4)
    )
    (law,) = sn.fit_populations(good)
    assert law.fitting == 4
    assert law.rate_distance < law.rate_floor
    # Two kinds of nodes, tuned and not: no Gaussian copula has both.
    p[250:] = special.expit(special.logit(p[250:]) + 3 * rng.standard_normal((250, 4)))
    bad = sn.Bundle.from_params("bernoulli", {"p": p}, conditions=np.arange(4))
    (law,) = sn.fit_populations(bad)
    assert law.tuning_distance > 1.3581 / np.sqrt(500)
    pooled = sn.Bundle.from_params("bernoulli", {"p": p[:, 0]})
    assert np.isnan(sn.fit_populations(pooled)[0].tuning_distance)


def test_a_law_of_another_network_is_refused(rng):
    bundle = mixed(rng)
    laws = sn.fit_populations(bundle)
    with pytest.raises(InvalidInputError, match="fit 5 in layer 'conv'"):
        replace(bundle, populations=(replace(laws[0], fit=5),))
    with pytest.raises(InvalidInputError, match=r"one of bernoulli under 4 .* fit 1 is beta_ber"):
        replace(bundle, populations=(replace(laws[0], fit=1),))


def test_an_unknown_family_is_refused(rng, tmp_path, monkeypatch):
    bundle = sn.Bundle.from_params("bernoulli", {"p": rng.beta(1, 3, 50)})
    full = replace(bundle, populations=sn.fit_populations(bundle))
    sn.write_bundle(full, tmp_path / "bundle.h5")
    monkeypatch.setattr("stochnet.storage.populations.FAMILIES", {"gamma": None})
    with pytest.raises(FileFormatError, match="install the version that wrote"):
        sn.read_bundle(tmp_path / "bundle.h5")


def test_rates_of_a_table_are_means_over_conditions():
    process = sn.PROCESSES["beta_bernoulli"]
    table = np.array([[0.1, 0.3, 0.5, 0.5]])
    assert leading(process, 2) == [0, 1]
    assert rate_of(table, process, 2) == pytest.approx([0.2])
    assert leading(sn.PROCESSES["inhomogeneous_bernoulli"], 0) == [0, 1, 2, 3, 4]
    assert leading(sn.PROCESSES["binomial"], 0) == [1]
