"""Fitting latents: known loadings come back, rates stay, and what says nothing gets nothing."""

import numpy as np
import pytest
from scipy import special, stats

import stochnet as sn
from stochnet.cli import main
from stochnet.estimation.latents import fit_latents as latent_fit
from stochnet.estimation.latents.anchors import choose_anchors, fit_anchors, lower, polar, residuals
from stochnet.estimation.latents.fit_latents import PairsWithAnchors, fit_latents
from stochnet.estimation.latents.pair_moments import (
    bins_of,
    describe,
    halves_of,
    rates_of,
    table,
    words_of,
)
from stochnet.estimation.latents.rank import lowest
from stochnet.kernels.fitting import moments as kernels

RANK, SIZES, N_BINS = 3, (60, 40), 6000


def layers_of(*sizes):
    firsts = np.cumsum([0, *sizes])[:-1].tolist()
    return tuple(
        sn.Layer(f"layer{k}", "relu", (size,), first, size)
        for k, (size, first) in enumerate(zip(sizes, firsts, strict=True))
    )


def correlated_bundle(rng, n_conditions=4):
    """Two layers whose latents are correlated, with a dead, a saturated and a rare node."""
    n = sum(SIZES)
    loadings = rng.normal(size=(n, RANK)) * [0.6, 0.45, 0.3]
    loadings /= np.sqrt(np.maximum(1, (loadings**2).sum(axis=1) / 0.8))[:, None]
    between = np.linalg.qr(rng.normal(size=(RANK, RANK)))[0] * [[0.8], [0.6], [0.3]]
    latent = np.block([[np.eye(RANK), between.T], [between, np.eye(RANK)]])
    p = rng.beta(2, 3, (n, n_conditions))
    p[0], p[1], p[2] = 0, 1, 2e-4
    conditions = rng.integers(n_conditions, size=(2, N_BINS // 2))
    return sn.Bundle.from_params(
        "bernoulli",
        {"p": p},
        conditions=conditions,
        layers=layers_of(*SIZES),
        latents=sn.Latents(loadings, np.linalg.cholesky(latent), np.zeros(n)),
    )


@pytest.fixture(scope="module")
def truth():
    return correlated_bundle(np.random.default_rng(1))


@pytest.fixture(scope="module")
def raster(truth):
    return sn.simulate(truth, seed=3)


@pytest.fixture(scope="module")
def fitted(raster):
    return sn.fit_bundle(raster, "bernoulli", per_condition=True, correlated=RANK)


def latent_correlations(latents, sizes=SIZES):
    rows = latents.mixing.reshape(len(sizes), latents.rank, -1)
    layer = np.repeat(np.arange(len(sizes)), sizes)
    reach = np.einsum("ir,irs->is", latents.loadings, rows[layer])
    return reach @ reach.T


def live_pairs(n):
    first, second = np.triu_indices(n, 1)
    keep = first > 2
    return first[keep], second[keep]


def test_known_latents_come_back(truth, fitted):
    # Their errors: 1/√6000 = 0.013 in correlations of spikes, about twice that in those of latents,
    # and less where a node's loadings are learnt from many pairs.
    pairs = live_pairs(sum(SIZES))
    true, found = (latent_correlations(one.latents)[pairs] for one in (truth, fitted))
    assert np.sqrt(np.mean((true - found) ** 2)) < 0.03
    assert np.corrcoef(true, found)[0, 1] > 0.99


def test_rates_are_those_of_a_fit_without_latents(raster, fitted):
    alone = sn.fit_bundle(raster, "bernoulli", per_condition=True)
    np.testing.assert_array_equal(fitted.fits[0].params["p"], alone.fits[0].params["p"])
    assert alone.latents is None


def test_surrogates_have_the_correlations_of_the_recording(raster, fitted):
    pairs = live_pairs(sum(SIZES))
    drawn = sn.simulate(fitted, seed=8)
    seen, made = (sn.pairwise_correlation(one, *pairs) for one in (raster, drawn))
    # Two recordings of one network differ by √(2/6000) = 0.018.
    assert np.sqrt(np.nanmean((seen - made) ** 2)) < 0.025


def test_nodes_that_say_nothing_get_no_loadings(fitted):
    assert not fitted.latents.loadings[:3].any()
    assert fitted.latents.loadings[3:].any(axis=1).all()


def test_nodes_that_are_no_anchors_are_fitted_as_well(raster, truth, monkeypatch):
    monkeypatch.setattr(latent_fit, "MOST_ANCHORS", 50)
    found = fit_latents(raster, RANK, per_condition=True)
    pairs = live_pairs(sum(SIZES))
    true, seen = latent_correlations(truth.latents)[pairs], latent_correlations(found)[pairs]
    assert np.sqrt(np.mean((true - seen) ** 2)) < 0.04


def test_a_node_does_not_depend_on_blocks_or_threads(raster, monkeypatch):
    monkeypatch.setattr(latent_fit, "MOST_ANCHORS", 50)
    whole = fit_latents(raster, RANK, per_condition=True)
    monkeypatch.setattr(
        "stochnet.raster.raster.SpikeRaster.blocks.__defaults__", (1,), raising=False
    )
    monkeypatch.setattr(latent_fit, "STRIDE", 7)
    monkeypatch.setattr("stochnet.kernels.threads.count", lambda threads: 1)
    cut = fit_latents(raster, RANK, per_condition=True)
    np.testing.assert_array_equal(whole.loadings, cut.loadings)
    np.testing.assert_array_equal(whole.mixing, cut.mixing)


def test_every_node_alone_is_what_it_is_in_company(raster):
    conditions = raster.conditions.astype(np.int64)
    bins = bins_of(conditions)
    words = words_of(raster)
    nodes = describe(rates_of(words, bins), bins)
    anchors = choose_anchors(raster, nodes.scale, 50)
    seen = np.random.default_rng(0).normal(size=(RANK, len(anchors.nodes))) * 0.4
    known = describe(rates_of(anchors.words, bins), bins)
    target = PairsWithAnchors(known, anchors.words & bins.mask, bins)
    whole = target.fit(words, nodes, seen)
    for i in (0, 5, 77):
        one = describe(rates_of(words[i : i + 1], bins), bins)
        np.testing.assert_array_equal(target.fit(words[i : i + 1], one, seen)[0], whole[i])


def test_rank_0_leaves_nodes_independent(raster):
    assert sn.fit_bundle(raster, "bernoulli", correlated=0).latents is None
    assert not fit_latents(raster, 0).correlated.any()


def test_auto_takes_the_rank_that_made_the_spikes(raster):
    # Ranks tried: 1, 2, 4, …; the third latent explains more than 1 % of the pairs.
    assert fit_latents(raster, "auto", per_condition=True).rank == 4


def test_auto_finds_nothing_in_independent_nodes():
    rng = np.random.default_rng(4)
    raster = sn.SpikeRaster.from_dense(rng.random((40, 3, 1000)) < 0.3)
    assert not fit_latents(raster, "auto").correlated.any()


def test_the_lowest_rank_within_one_percent_is_taken():
    assert lowest([1.0, 0.5, 0.2, 0.195], [1, 2, 4]) == 2
    assert lowest([1.0, 1.1, 1.2], [1, 2]) == 0


def test_without_conditions_latents_explain_all_that_is_shared(raster):
    found = sn.fit_bundle(raster, "bernoulli", correlated=6)
    pairs = live_pairs(sum(SIZES))
    seen = sn.pairwise_correlation(raster, *pairs)
    made = sn.pairwise_correlation(sn.simulate(found, seed=2), *pairs)
    assert np.sqrt(np.nanmean((seen - made) ** 2)) < 0.035


def test_a_layer_may_have_fewer_nodes_than_latents(rng):
    common = rng.normal(size=(1, 4000))
    dense = (0.7 * common + 0.7 * rng.normal(size=(9, 4000))) > 0.5
    raster = sn.SpikeRaster.from_dense(dense[:, None], layers=layers_of(1, 2, 5, 1))
    found = fit_latents(raster, 4)
    assert found.loadings.shape == (9, 4)
    near = latent_correlations(found, (1, 2, 5, 1))[np.triu_indices(9, 1)]
    assert np.abs(near - 0.5).max() < 0.12


def test_bins_without_a_condition_are_left_out(raster):
    hidden = raster.conditions.copy()
    hidden[:, 2000:] = -1
    short = sn.SpikeRaster.from_dense(
        raster.to_dense()[:, :, :2000], conditions=raster.conditions[:, :2000], layers=raster.layers
    )
    holes = sn.SpikeRaster.from_dense(raster.to_dense(), conditions=hidden, layers=raster.layers)
    one, other = (fit_latents(each, 2, per_condition=True) for each in (short, holes))
    np.testing.assert_array_equal(one.loadings, other.loadings)


def orthant_excess(a, b, rho):
    law = stats.multivariate_normal([0, 0], [[1, rho], [rho, 1]])
    return law.cdf([-a, -b]) - special.ndtr(-a) * special.ndtr(-b)


@pytest.mark.parametrize("rho", [-0.9, -0.5, 0.2, 0.7, 0.9])
def test_the_series_is_the_law_of_two_thresholded_normals(rho):
    # Cut after 12 terms: exact at ±1, closest in the middle.
    p = np.array([[0.1], [0.3], [0.5], [0.8]])
    bins = bins_of(np.zeros((1, 1000), np.int64))
    nodes = describe(p, bins)
    columns, out = nodes.columns(), np.empty((kernels.ORDER + 2, len(p)))
    powers = np.array([*range(1, kernels.ORDER + 1), kernels.ODD, kernels.EVEN])
    theta = -special.ndtri(p[:, 0])
    for i in range(len(p)):
        kernels.series_row(nodes.factors[i], p[i], nodes.scale[i], *columns, bins.weights, out)
        value = (out * rho ** powers[:, None]).sum(axis=0)
        exact = [orthant_excess(theta[i], other, rho) for other in theta]
        exact = np.array(exact) * nodes.scale[i] * nodes.scale
        assert np.abs(value - exact).max() < (0.02 if abs(rho) > 0.8 else 1e-3)


def test_the_series_is_exact_for_equal_and_opposite_latents():
    p = np.array([[0.2, 0.6], [0.7, 0.9]])
    bins = bins_of(np.tile([0, 1, 1, 1], (1, 500)))
    nodes = describe(p, bins)
    out = np.empty((kernels.ORDER + 2, 2))
    kernels.series_row(nodes.factors[0], p[0], nodes.scale[0], *nodes.columns(), bins.weights, out)
    scale, w = nodes.scale[0] * nodes.scale, bins.weights
    high = (np.minimum(p[0], p) - p[0] * p) @ w * scale
    low = (np.maximum(0, p[0] + p - 1) - p[0] * p) @ w * scale
    signs = np.array([(-1.0) ** k for k in (*range(1, kernels.ORDER + 1), 1, 2)])
    np.testing.assert_allclose(out.sum(axis=0), high)
    np.testing.assert_allclose(signs @ out, low)


def test_observed_correlations_are_those_within_conditions(raster):
    bins = bins_of(raster.conditions.astype(np.int64))
    words = words_of(raster)[:20]
    nodes = describe(rates_of(words, bins), bins)
    _, observed = table(words, nodes, bins)
    dense = raster.to_dense(slice(0, 20)).reshape(20, -1).astype(float)
    labels = raster.conditions.ravel()
    for c in range(4):
        dense[:, labels == c] -= dense[:, labels == c].mean(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        direct = np.corrcoef(dense)
    np.fill_diagonal(direct, 0)
    np.testing.assert_allclose(observed[3:, 3:], direct[3:, 3:], atol=1e-6)
    assert not observed[:3].any()


def test_pairs_of_all_layers_are_compared_by_their_own_mixing(rng):
    n, rank, layers = 9, 2, (slice(0, 4), slice(4, 9))
    series = rng.normal(size=(n, kernels.ORDER + 2, n)).astype(np.float32) * 0.1
    observed = rng.normal(size=(n, n)).astype(np.float32)
    own, between = rng.normal(size=(n, rank)) * 0.5, rng.normal(size=(2, 2, rank, rank)) * 0.5
    pulled, loss = residuals(series, observed, own, between, layers)
    layer = np.repeat([0, 1], [4, 5])
    rho = np.einsum("if,ijfg,jg->ij", own, between[layer[:, None], layer[None]], own)
    powers = np.array([*range(1, kernels.ORDER + 1), kernels.ODD, kernels.EVEN])[:, None]
    error = np.stack([(series[i] * rho[i] ** powers).sum(axis=0) for i in range(n)]) - observed
    slope = np.stack([(series[i] * powers * rho[i] ** (powers - 1)).sum(axis=0) for i in range(n)])
    np.testing.assert_allclose(loss, (error**2).sum(axis=1), rtol=1e-4)
    for k, one in enumerate(layers):
        np.testing.assert_allclose(
            pulled[:, k], (error * slope)[:, one] @ own[one], rtol=1e-3, atol=1e-4
        )


def test_the_search_follows_the_slope_of_its_loss(raster, monkeypatch):
    seen = {}

    def watch(cost, x, **_):
        seen.update(cost=cost, x=x)
        return type("Found", (), {"x": x, "fun": cost(x)[0]})

    bins = bins_of(raster.conditions.astype(np.int64))
    words = words_of(raster)[3:]
    nodes = describe(rates_of(words, bins), bins)
    pairs = table(words, nodes, bins)
    monkeypatch.setattr("stochnet.estimation.latents.anchors.optimize.minimize", watch)
    fit_anchors(*pairs, nodes, (slice(0, 57), slice(57, 97)), RANK)
    generator = np.random.default_rng(0)
    x = seen["x"] + 0.1 * generator.normal(size=len(seen["x"]))
    slope = seen["cost"](x)[1]
    for _ in range(5):
        step = generator.normal(size=len(x))
        rise = (seen["cost"](x + 1e-3 * step)[0] - seen["cost"](x - 1e-3 * step)[0]) / 2e-3
        assert slope @ step == pytest.approx(rise, rel=0.02, abs=0.02)


def test_a_matrix_is_its_root_times_its_basis(rng):
    matrix = rng.normal(size=(3, 7))
    root, basis = polar(matrix)
    np.testing.assert_allclose(root @ basis, matrix)
    np.testing.assert_allclose(basis @ basis.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(root, root.T)


def test_mixing_keeps_the_correlations_of_the_latents(rng):
    basis = np.stack([polar(rng.normal(size=(2, 6)))[1] for _ in range(3)])
    mixing, stacked = lower(basis), basis.reshape(6, 6)
    np.testing.assert_allclose(mixing @ mixing.T, stacked @ stacked.T, atol=1e-12)
    assert not np.triu(mixing, 1).any()


def test_halves_share_no_bin_and_split_every_condition():
    conditions = np.array([[0, 0, 1, -1, 1, 0, 0, 1]])
    one, other = halves_of(conditions)
    assert (one.sizes + other.sizes).tolist() == [4, 3]
    assert abs(one.sizes - other.sizes).max() <= 1
    assert not (one.mask & other.mask).any()


@pytest.mark.parametrize("process", ["auto", "markov", "poisson"])
def test_only_independent_spikes_can_be_correlated(raster, process):
    with pytest.raises(sn.StochnetError, match="bernoulli"):
        sn.fit_bundle(raster, process, correlated=2)


@pytest.mark.parametrize("rank", [-1, 65, 1.5, True, "many"])
def test_a_rank_that_cannot_be_used_is_refused(raster, rank):
    with pytest.raises(sn.StochnetError, match="rank"):
        sn.fit_bundle(raster, "bernoulli", correlated=rank)


def test_counts_and_missing_conditions_are_refused(raster):
    counts = sn.SpikeRaster.from_dense(np.full((3, 2, 10), 2))
    with pytest.raises(sn.StochnetError, match="counts"):
        fit_latents(counts, 1)
    bare = sn.SpikeRaster.from_dense(raster.to_dense())
    with pytest.raises(sn.StochnetError, match="conditions"):
        fit_latents(bare, 1, per_condition=True)


def test_the_command_line_fits_latents(raster, tmp_path, monkeypatch, capfd):
    source, target = tmp_path / "r.h5", tmp_path / "b.h5"
    sn.write_raster(raster, source)

    def run(*words):
        monkeypatch.setattr("sys.argv", ["stochnet", *map(str, words)])
        with pytest.raises(SystemExit) as stop:
            main()
        return int(stop.value.code or 0)

    common = ("fit", source, "-p", "bernoulli", "--per-condition", "-o", target)
    assert run(*common, "--correlated", 2) == 0
    assert "2 latents a layer" in capfd.readouterr().err
    assert sn.read_bundle(target).latents.rank == 2
    assert run(*common, "--correlated", "lots") == 2
    assert "--correlated" in capfd.readouterr().err
