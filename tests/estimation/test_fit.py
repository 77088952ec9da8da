"""Fits and choices: independent of blocks, equal to fits of parts, with the right flags."""

import numpy as np
import pytest

import stochnet as sn
from stochnet.process import FLAG_DOC, Flag
from tests.processes.test_conformance import each, labels, typical
from tests.support import naive

FIELDS = ("log_likelihood", "flags", "node_ids", "aic", "bic")


def same(one, other):
    """Whether two fits are equal bit for bit."""
    assert one.process is other.process
    for name in one.params:
        assert one.params[name].tobytes() == other.params[name].tobytes(), name
        assert one.standard_errors[name].tobytes() == other.standard_errors[name].tobytes(), name
    for name in FIELDS:
        mine, theirs = getattr(one, name), getattr(other, name)
        if name == "flags":
            # Only a choice among several processes can be undecided.
            mine, theirs = (one & (Flag.UNDECIDED.value - 1) for one in (mine, theirs))
        np.testing.assert_array_equal(mine, theirs)
    assert one.intervals.keys() == other.intervals.keys()
    for name in one.intervals:
        assert one.intervals[name].tobytes() == other.intervals[name].tobytes(), name


def observed(process, n_nodes=9, n_trials=12, n_bins=90, seed=1):
    bundle = sn.Bundle.from_params(process, typical(process, n_nodes), window=30)
    dense = sn.simulate(bundle, n_trials, n_bins, seed=seed).to_dense()
    dense[0] = 0
    return sn.SpikeRaster.from_dense(dense, conditions=labels(n_trials, n_bins))


@each
@pytest.mark.parametrize("per_condition", [False, True])
def test_blocks_and_threads_do_not_matter(process, per_condition, tmp_path, request, monkeypatch):
    raster = observed(process)
    whole = sn.fit(raster, process, per_condition=per_condition, window=20)
    monkeypatch.setattr("stochnet.kernels.threads.os.sched_getaffinity", lambda _: range(3))
    same(sn.fit(raster, process, per_condition=per_condition, window=20), whole)
    request.getfixturevalue("tiny_blocks")
    same(sn.fit(raster, process, per_condition=per_condition, window=20), whole)
    sn.write_raster(raster, tmp_path / "raster.h5")
    lazy = sn.read_raster(tmp_path / "raster.h5")
    same(sn.fit(lazy, process, per_condition=per_condition, window=20), whole)


@each
def test_a_fit_of_some_nodes_is_that_part_of_the_fit(process):
    raster = observed(process)
    whole = sn.fit(raster, process, window=30)
    part = sn.fit(raster.block(slice(2, 7)), process, window=30)
    for name in whole.params:
        np.testing.assert_array_equal(part.params[name], whole.params[name][2:7])
    np.testing.assert_array_equal(part.log_likelihood, whole.log_likelihood[2:7])


@each
def test_pure_trials_fitted_per_condition_equal_pooled_fits_of_those_trials(process):
    raster = observed(process)
    pure = sn.SpikeRaster.from_dense(
        raster.to_dense(), conditions=np.repeat(np.arange(12) % 3, 90).reshape(12, 90)
    )
    fit = sn.fit(pure, process, per_condition=True, window=30)
    total = np.zeros(pure.n_nodes)
    for c in range(3):
        part = sn.fit(pure.trials(slice(c, None, 3)), process, window=30)
        total += part.log_likelihood
        for name in fit.params:
            np.testing.assert_array_equal(fit.params[name][:, c], part.params[name])
            np.testing.assert_array_equal(
                fit.standard_errors[name][:, c], part.standard_errors[name]
            )
    np.testing.assert_allclose(fit.log_likelihood, total)
    assert fit.observed_bins.tolist() == [360] * 3
    assert fit.n_params == 3 * len(process.params)


@each
def test_the_order_of_trials_does_not_matter(process):
    raster = observed(process)
    turned = sn.fit(raster.trials(slice(None, None, -1)), process, window=30)
    fit = sn.fit(raster, process, window=30)
    for name in fit.params:
        np.testing.assert_allclose(turned.params[name], fit.params[name], rtol=1e-9)


# What is told apart by 100 × 100 bins in windows of 20, far from the borders between families.
CLEAR = {
    "bernoulli": {"p": 0.4},
    "beta_bernoulli": {"p": 0.4, "rho": 0.15},
    "markov": {"p_after_silence": 0.1, "p_after_spike": 0.6},
    "negative_binomial": {"rate": 0.8, "dispersion": 0.5},
    "poisson": {"rate": 0.8},
}


@pytest.mark.parametrize("name", CLEAR)
@pytest.mark.parametrize("criterion", ["aic", "bic"])
def test_the_generating_family_is_chosen(name, criterion):
    """At least 60 of 80 nodes by AIC, 76 by BIC.

    A family with one parameter more wins against the truth by AIC with a probability of at most
    0.16 a rival, by BIC (10,000 bins) of 0.003; two rivals each, so either fails by chance less
    than once in 10,000 seeds.
    """
    values = {key: np.full(80, value) for key, value in CLEAR[name].items()}
    raster = sn.simulate(sn.Bundle.from_params(name, values, window=20), 100, 100, seed=3)
    chosen = sn.select(raster, list(CLEAR), criterion=criterion, window=20)
    sizes = {fit.process.name: len(fit.node_ids) for fit in chosen}
    assert sum(sizes.values()) == 80
    assert sizes[name] >= (60 if criterion == "aic" else 76)


def test_each_node_gets_the_fit_with_the_lowest_criterion():
    raster = observed(sn.PROCESSES["markov"], n_nodes=30)
    fits = {name: sn.fit(raster, name, window=30) for name in CLEAR}
    for criterion in ("aic", "bic"):
        best = np.min([getattr(fit, criterion) for fit in fits.values()], axis=0)
        chosen = sn.select(raster, list(CLEAR), criterion=criterion, window=30)
        ids = np.concatenate([fit.node_ids for fit in chosen])
        assert sorted(ids.tolist()) == list(range(30))
        for fit in chosen:
            same(fit, fits[fit.process.name].take(fit.node_ids))
            np.testing.assert_array_equal(getattr(fit, criterion), best[fit.node_ids])


def test_ties_go_to_fewer_parameters():
    """Dead nodes have likelihood 1 under every law, so only the number of parameters decides."""
    raster = sn.SpikeRaster.from_dense(np.zeros((3, 4, 50), int))
    for order in (["markov", "beta_bernoulli", "poisson"], ["poisson", "markov"]):
        (fit,) = sn.select(raster, order)
        assert fit.process.name == "poisson"
        assert (fit.aic == 2).all()


def test_counts_are_never_given_to_a_process_of_spikes():
    for fit in sn.select(sn.SpikeRaster.from_dense(np.full((2, 20, 30), 2))):
        assert fit.process.has_counts
        assert not (fit.flags & Flag.IMPOSSIBLE).any()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda r: sn.fit(r, "nothing"), "no process 'nothing'"),
        (lambda r: sn.fit(r, "bernoulli", window=91), "1 to 90 bins"),
        (lambda r: sn.fit(r, "bernoulli", window=0), "1 to 90 bins"),
        (lambda r: sn.select(r, criterion="waic"), "criterion must be one of"),
        (lambda r: sn.select(r, []), "at least one process"),
        (lambda r: sn.fit(sn.SpikeRaster.from_dense([[[1]]]), "poisson", per_condition=True),
         "no conditions"),
        (lambda r: sn.fit(sn.SpikeRaster.from_dense([[[1, 0]]], conditions=[[0, 2]]), "poisson",
                          per_condition=True), "condition 1 occurs in no bin"),
    ],
)  # fmt: skip
def test_errors_say_what_to_do(call, message):
    with pytest.raises(sn.StochnetError, match=message):
        call(observed(sn.PROCESSES["bernoulli"]))


def flags_of(dense, name, **options):
    return Flag(int(sn.fit(sn.SpikeRaster.from_dense(dense), name, **options).flags[0]))


@pytest.mark.parametrize("name", ["beta_bernoulli", "negative_binomial"])
def test_under_dispersed_nodes_stand_at_the_boundary(name):
    """Five spikes in every window of ten: dispersion 0, and the standard error there."""
    dense = np.tile([1, 0], 500).reshape(1, 10, 100)
    assert flags_of(dense, name, window=10) == Flag.BOUNDARY
    fit = sn.fit(sn.SpikeRaster.from_dense(dense), name, window=10)
    dispersion = fit.process.params[1].name
    assert fit.params[dispersion] == [0]
    assert np.isfinite(fit.standard_errors[dispersion]).all()


def test_few_windows_are_flagged(rng):
    dense = rng.random((1, 9, 100)) < 0.3
    assert flags_of(dense, "beta_bernoulli") & Flag.FEW_WINDOWS
    assert not flags_of(dense, "beta_bernoulli", window=50) & Flag.FEW_WINDOWS
    assert flags_of(dense, "bernoulli") == Flag.OK


def test_windows_of_one_bin_say_nothing_about_dispersion(rng):
    fit = sn.fit(
        sn.SpikeRaster.from_dense(rng.random((3, 4, 200)) < 0.3), "beta_bernoulli", window=1
    )
    assert (fit.params["rho"] == 0).all()
    assert np.isinf(fit.standard_errors["rho"]).all()
    assert (fit.flags == Flag.BOUNDARY | Flag.WEAK).all()


def test_impossible_counts_are_flagged_and_leave_the_rate():
    dense = np.zeros((1, 4, 50), int)
    dense[0, :, ::5] = 3
    for name in ("bernoulli", "beta_bernoulli", "markov"):
        fit = sn.fit(sn.SpikeRaster.from_dense(dense), name, window=10)
        assert Flag(int(fit.flags[0])) & Flag.IMPOSSIBLE
        assert np.isneginf(fit.log_likelihood[0])
    assert sn.fit(sn.SpikeRaster.from_dense(dense), "beta_bernoulli").params["p"] == [0.2]


def test_a_class_in_which_a_node_is_silent_is_not_a_dead_node():
    dense = np.zeros((1, 4, 40), int)
    dense[0, ::2, ::3] = 1
    classes = np.repeat([0, 1, 0, 1], 40).reshape(4, 40)
    fit = sn.fit(
        sn.SpikeRaster.from_dense(dense, conditions=classes), "bernoulli", per_condition=True
    )
    assert not fit.flags & Flag.DEAD
    assert fit.params["p"].tolist() == [[0.35, 0.0]]


def test_every_flag_is_explained():
    assert set(FLAG_DOC) == set(Flag) - {Flag.OK}


def test_the_markov_likelihood_is_that_of_the_chain(rng):
    dense = rng.random((1, 6, 80)) < 0.3
    fit = sn.fit(sn.SpikeRaster.from_dense(dense), "markov")
    up, stay = fit.params["p_after_silence"][0], fit.params["p_after_spike"][0]
    expected = naive.log_likelihood_markov(dense[0], up, stay, up / (1 - stay + up))
    assert fit.log_likelihood[0] == pytest.approx(expected, rel=1e-12)


def test_progress_reaches_the_end(tiny_blocks):
    seen = []
    sn.fit(observed(sn.PROCESSES["poisson"]), "poisson", progress=lambda *what: seen.append(what))
    assert [(done, total) for _, done, total in seen] == [(done, 9) for done in range(1, 10)]
