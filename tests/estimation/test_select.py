"""The choice among processes: criteria, margins, held-out trials, layers; and shrinkage."""

import numpy as np
import pytest
from scipy import stats

import stochnet as sn
from stochnet.bundle.selection import Selection, choose
from stochnet.estimation.held_out import fold_of_trial, held_out_score
from stochnet.process import Flag
from stochnet.raster.layers import Layer

PAIR = ("bernoulli", "markov")


def chain(stay, n_nodes=20, n_trials=20, n_bins=200, seed=3):
    """Nodes that fire in a third of the bins, independently for stay = 1/3."""
    up = (1 - stay) / 2
    values = {"p_after_silence": np.full(n_nodes, up), "p_after_spike": np.full(n_nodes, stay)}
    return sn.simulate(sn.Bundle.from_params("markov", values), n_trials, n_bins, seed=seed)


def test_margins_and_runners_up_are_those_of_the_scores():
    scores = np.array([[1.0, 4.0, 2.5], [9.0, 2.0, 3.0], [np.inf, 5.0, np.inf], [1.0, 1.0, 7.0]])
    found = choose("abc", scores, "aic", "node", ())
    assert found.chosen.tolist() == [0, 1, 1, 0]
    assert found.margin.tolist() == [1.5, 1.0, np.inf, 0.0]
    assert found.runner_up.tolist() == [2, 2, 0, 1]
    assert found.undecided.tolist() == [True, True, False, True]


def test_a_margin_of_exactly_two_is_a_decision():
    found = choose("ab", np.array([[0.0, 2.0 - 1e-12]]), "aic", "node", ())
    assert not found.undecided[0]


def test_a_layer_has_the_process_with_the_lowest_sum():
    scores = np.array([[0.0, 3.0], [9.0, 1.0], [0.0, 1.0], [5.0, 7.0]])
    layers = (Layer("a", "x", (2,), 0, 2), Layer("b", "x", (2,), 2, 2))
    found = choose("pq", scores, "bic", "layer", layers)
    assert found.chosen.tolist() == [1, 1, 0, 0]
    assert found.margin.tolist() == [-3.0, 8.0, 1.0, 2.0]
    assert found.counts(layers[0]) == {"q": 2}


def test_a_process_that_is_impossible_for_one_node_is_not_chosen_for_its_layer():
    scores = np.array([[0.0, 100.0], [np.inf, 1.0], [np.nan, 1.0]])
    layers = (Layer("a", "x", (3,), 0, 3),)
    assert choose("pq", scores, "aic", "layer", layers).chosen.tolist() == [1, 1, 1]


def test_shapes_of_a_selection_are_checked():
    with pytest.raises(sn.StochnetError, match="scores must be"):
        Selection("aic", "node", ("a",), np.zeros((2, 2)), np.zeros(2, np.int64))
    with pytest.raises(sn.StochnetError, match="positions of processes"):
        Selection("aic", "node", ("a",), np.zeros((2, 1)), np.ones(2, np.int64))


@pytest.mark.parametrize("criterion", ["aic", "bic", "held_out"])
@pytest.mark.parametrize("by", ["node", "layer"])
def test_the_generating_process_is_found(criterion, by):
    """Far from independent: no criterion errs. Independent: AIC errs with 16 %, so only by layer.

    By layer AIC errs if the mean of 20 chi-squares exceeds 2: a probability of 0.005.
    """
    found = sn.fit_bundle(chain(0.6), processes=PAIR, criterion=criterion, by=by)
    assert set(found.process_names()) == {"markov"}
    assert not found.selection.undecided.any()
    if by == "layer":
        found = sn.fit_bundle(chain(1 / 3), processes=PAIR, criterion=criterion, by=by)
        assert set(found.process_names()) == {"bernoulli"}


def test_held_out_scores_equal_fits_and_likelihoods_trial_by_trial():
    raster = chain(0.5, n_nodes=4, n_trials=7, n_bins=60)
    fold = fold_of_trial(raster, 3)
    records = [sn.PROCESSES[name] for name in PAIR]
    score = held_out_score(raster, records, fold, window=None, per_condition=False)
    dense = raster.to_dense()
    for node in range(4):
        expected = 0.0
        for k in range(3):
            p = dense[node, fold != k].mean()
            expected += stats.bernoulli.logpmf(dense[node, fold == k], p).sum()
        assert score[node, 0] == pytest.approx(-2 * expected)


def test_folds_hold_every_class_alike():
    labels = np.repeat([0, 1, 2], 4)[:, None] * np.ones(5, int)
    raster = sn.SpikeRaster.from_dense(np.ones((1, 12, 5), int), conditions=labels)
    fold = fold_of_trial(raster, 4)
    for k in range(4):
        assert sorted(labels[fold == k, 0]) == [0, 1, 2]


def test_too_few_trials_to_hold_out_are_refused():
    raster = chain(0.5, n_trials=3)
    with pytest.raises(sn.StochnetError, match="3 trials cannot be held out in 5 folds"):
        sn.select(raster, PAIR, criterion="held_out")
    with pytest.raises(sn.StochnetError, match="folds must be a whole number of at least 2"):
        sn.select(raster, PAIR, criterion="held_out", folds=1)
    labels = np.arange(3)[:, None] * np.ones(200, int)
    raster = sn.SpikeRaster.from_dense(raster.to_dense(), conditions=labels)
    with pytest.raises(sn.StochnetError, match="shown in the trials of one fold only"):
        sn.select(raster, PAIR, criterion="held_out", folds=3, per_condition=True)


def test_unknown_criteria_are_refused():
    raster = chain(0.5, n_trials=3)
    with pytest.raises(sn.StochnetError, match="criterion must be one of"):
        sn.select(raster, PAIR, criterion="p-value")
    with pytest.raises(sn.StochnetError, match="by must be one of"):
        sn.select(raster, PAIR, by="network")


def test_the_table_of_criteria_is_stored(tmp_path):
    bundle = sn.fit_bundle(chain(0.45), processes=PAIR, criterion="bic")
    sn.write_bundle(bundle, tmp_path / "b.h5")
    again = sn.read_bundle(tmp_path / "b.h5").selection
    assert again.processes == bundle.selection.processes == PAIR
    assert (again.criterion, again.by) == ("bic", "node")
    np.testing.assert_array_equal(again.scores, bundle.selection.scores)
    np.testing.assert_array_equal(again.chosen, bundle.selection.chosen)
    for k, name in enumerate(PAIR):
        fit = sn.fit(chain(0.45), name)
        np.testing.assert_array_equal(again.scores[:, k], fit.bic)


def test_undecided_nodes_are_flagged():
    bundle = sn.fit_bundle(chain(0.37, n_nodes=60), processes=PAIR)
    undecided = bundle.selection.undecided
    assert 0 < undecided.sum() < 60
    for fit in bundle.fits:
        flagged = fit.flags & Flag.UNDECIDED.value > 0
        np.testing.assert_array_equal(flagged, undecided[fit.node_ids])


def test_only_chosen_nodes_get_intervals_that_need_the_data(request):
    raster = chain(0.45)
    whole = sn.fit(raster, "markov").interval("p_after_spike")
    for fit in sn.select(raster, PAIR):
        if fit.process.name == "markov":
            for mine, all_nodes in zip(fit.interval("p_after_spike"), whole, strict=True):
                np.testing.assert_array_equal(mine, all_nodes[fit.node_ids])


def short(n_nodes=400, n_bins=20, seed=5):
    """Few bins of many nodes, whose spike probabilities follow Beta(4, 12)."""
    truth = np.random.default_rng(seed).beta(4, 12, n_nodes)
    bundle = sn.Bundle.from_params("bernoulli", {"p": truth})
    return truth, sn.simulate(bundle, 1, n_bins, seed=seed)


def test_shrunken_probabilities_are_the_posterior_means_of_a_beta_law():
    _, raster = short()
    fit, drawn = sn.fit(raster, "bernoulli"), sn.fit(raster, "bernoulli", shrink=True)
    p = fit.params["p"]
    within = np.mean(p * (1 - p)) / 20
    between = p.var(ddof=1) - within
    weight = between / (between + within)
    strength = 20 * (1 - weight) / weight
    spikes = np.rint(p * 20)
    expected = (spikes + strength * p.mean()) / (20 + strength)
    np.testing.assert_allclose(drawn.params["p"], expected, rtol=1e-12)
    assert (drawn.flags & Flag.SHRUNK.value > 0).all()
    np.testing.assert_array_equal(drawn.log_likelihood, fit.log_likelihood)


def test_shrinkage_helps_short_recordings_and_its_intervals_cover():
    """RMSE at the Bayes risk within 10 %; coverage over nodes within 0.95 ± 5 standard errors."""
    truth, raster = short(n_nodes=2000)
    fit, drawn = sn.fit(raster, "bernoulli"), sn.fit(raster, "bernoulli", shrink=True)
    rmse = [np.sqrt(np.mean((one.params["p"] - truth) ** 2)) for one in (fit, drawn)]
    bayes = np.sqrt(np.mean(truth * (1 - truth)) / (20 + 16))
    assert rmse[1] == pytest.approx(bayes, rel=0.1)
    assert rmse[1] < 0.8 * rmse[0]
    low, high = drawn.interval("p")
    assert np.mean((low <= truth) & (truth <= high)) == pytest.approx(0.95, abs=0.025)


def test_long_recordings_and_small_layers_are_hardly_shrunk():
    _, raster = short(n_nodes=300, n_bins=50_000)
    fit, drawn = sn.fit(raster, "bernoulli"), sn.fit(raster, "bernoulli", shrink=True)
    np.testing.assert_allclose(drawn.params["p"], fit.params["p"], atol=2e-3)
    small = raster.block(slice(0, 7))
    one, two = sn.fit(small, "bernoulli"), sn.fit(small, "bernoulli", shrink=True)
    np.testing.assert_array_equal(one.params["p"], two.params["p"])
    assert not (two.flags & Flag.SHRUNK.value).any()


@pytest.mark.parametrize("per_condition", [False, True])
def test_every_process_can_be_shrunk(per_condition, tmp_path):
    labels = np.arange(30)[:, None] % 2 * np.ones(40, int)
    dense = np.random.default_rng(1).random((20, 30, 40)) < 0.3
    dense[3], dense[4] = False, True
    raster = sn.SpikeRaster.from_dense(dense, conditions=labels)
    for name in sn.PROCESSES:
        bundle = sn.fit_bundle(raster, name, per_condition=per_condition, shrink=True)
        (fit,) = bundle.fits
        for param in fit.process.params:
            value, (low, high) = fit.params[param.name], fit.interval(param.name)
            assert np.isfinite(value).all()
            assert ((low <= value) & (value <= high)).all()
        sn.write_bundle(bundle, tmp_path / f"{name}.h5")
        (again,) = sn.read_bundle(tmp_path / f"{name}.h5").fits
        for param in fit.process.params:
            for before, after in zip(
                fit.interval(param.name), again.interval(param.name), strict=True
            ):
                np.testing.assert_array_equal(before, after)
