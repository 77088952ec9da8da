"""Dimension, classification and flags of nodes: exact identities, calibration and power."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import linalg

import stochnet as sn
from stochnet.raster.layers import Layer
from stochnet.validation.compared.classification import RIDGE, accuracy, halves, transfer
from stochnet.validation.compared.participation_ratio import (
    independent_dimension,
    participation_by_groups,
    products_of,
)
from stochnet.validation.sums.pieces import cut_pieces
from stochnet.validation.sums.resampling_groups import ResamplingGroups
from stochnet.validation.sums.sampled_nodes import GroupBits, bits_of_groups, sample_nodes
from stochnet.validation.surrogate_fit import shared_stimuli

N, K, T = 60, 40, 30
LAYERS = (Layer("first", "ReLU", (30,), 0, 30), Layer("second", "ReLU", (30,), 30, 30))
CONDITIONS = np.repeat(np.arange(K) % 5, T).reshape(K, T)
NAMES = ("firing_rate", "participation_ratio", "classification")


def network(p):
    return sn.Bundle.from_params("bernoulli", {"p": p}, conditions=CONDITIONS, layers=LAYERS)


@pytest.fixture(scope="module")
def rates():
    rng = np.random.default_rng(0)
    return np.clip(rng.beta(0.7, 2, (N, 1)) * (1 + 0.5 * rng.normal(size=(N, 5))), 0, 1)


def grouped(raster, n_groups, stratified=True):
    """Return bits in groups; of strata of conditions, or not."""
    pieces = cut_pieces(raster, T)
    order = np.argsort(pieces.stratum, kind="stable") if stratified else np.arange(K)
    inside = np.zeros((K, n_groups), bool)
    inside[order, np.repeat(np.arange(n_groups), K // n_groups)] = True
    nodes = np.arange(raster.n_nodes)
    groups = ResamplingGroups(pieces, inside, 1)
    return bits_of_groups(raster, nodes, groups, np.random.default_rng(0))


def direct(active):
    covariance = np.cov(active, rowvar=False, ddof=0)
    return np.trace(covariance) ** 2 / np.trace(covariance @ covariance)


@pytest.mark.parametrize("length", [30, 15, 7])
def test_the_dimension_is_that_of_the_covariance(rates, length):
    raster = sn.simulate(network(rates), seed=1)
    pieces = cut_pieces(raster, length)
    nodes = np.array([1, 4, 5, 20, 59])
    inside = np.arange(pieces.n_pieces)[:, None] % 4 == np.arange(4)
    groups = ResamplingGroups(pieces, inside, 2)
    found = bits_of_groups(raster, nodes, groups, np.random.default_rng(0))
    dense = raster.to_dense()[nodes][:, :, : T // length * length].reshape(5, -1, length)
    of_groups = [dense[:, mine].reshape(5, -1).T for mine in inside.T]
    for one, expected in zip(found, of_groups, strict=True):
        np.testing.assert_array_equal(one.active, expected)
    value, parts = participation_by_groups(products_of(found), 2)
    assert value == pytest.approx(direct(np.concatenate(of_groups)), rel=1e-12)
    # Without a group the other one of its stratum stands in.
    added = []
    for k in range(4):
        rest = [g for g in range(4) if g != k] + [k ^ 1]
        added.append((value - direct(np.concatenate([of_groups[g] for g in rest]))) / 2)
    expected = np.array(added).reshape(2, 2)
    expected = (expected - expected.mean(axis=1, keepdims=True)).ravel()
    np.testing.assert_allclose(parts, expected, rtol=1e-9, atol=1e-9)


def test_silent_nodes_have_no_dimension():
    value, parts = participation_by_groups(
        products_of([GroupBits(np.ones((9, 3), np.float32), None)] * 4), 1
    )
    assert np.isnan(value)
    assert np.isnan(parts).all()


def test_independent_nodes_have_the_dimension_of_their_variances():
    """The mean over 40 rasters of 500 bins is within 1 % of the closed form."""
    rng = np.random.default_rng(1)
    p = rng.beta(1, 2, 80)
    found = [direct((rng.random((500, 80)) < p).astype(float)) for _ in range(40)]
    assert np.mean(found) == pytest.approx(independent_dimension(p, 500), rel=0.01)


def test_the_classifier_is_that_of_plain_least_squares(rates):
    rasters = [grouped(sn.simulate(network(rates), seed=seed), 20) for seed in (1, 2)]
    found = transfer(*rasters, 5, 5)
    expected = []
    for raster in rasters:
        both = []
        for own, other in (halves(20, 5), halves(20, 5)[::-1]):
            x, y = (
                np.concatenate([getattr(raster[g], name) for g in own.ravel()])
                for name in ("active", "labels")
            )
            mean = x.mean(axis=0, dtype=float)
            penalty = RIDGE * np.trace((x - mean).T @ (x - mean)) / N
            design = np.concatenate([x - mean, np.sqrt(penalty) * np.eye(N)])
            hot = np.eye(5)[y]
            target = np.concatenate([hot - hot.mean(axis=0), np.zeros((N, 5))])
            weights = linalg.lstsq(design, target)[0]
            test = np.concatenate([rasters[0][g].active for g in other.ravel()])
            truth = np.concatenate([rasters[0][g].labels for g in other.ravel()])
            guess = np.argmax((test - mean) @ weights + hot.mean(axis=0), axis=1)
            both.append(np.mean(guess == truth))
        expected.append(np.mean(both))
    assert (found.observed, found.simulated) == pytest.approx(tuple(expected), abs=1e-12)
    # What groups add is beside their stratum.
    for parts in (*found.training, *found.testing):
        np.testing.assert_allclose(parts.reshape(5, 4).sum(axis=1), 0, atol=1e-12)
        assert parts.any()


def test_bins_without_a_condition_are_left_out():
    bits = GroupBits(np.eye(3, dtype=np.float32), np.array([0, -1, 1]))
    right, bins = accuracy([bits], np.eye(3), np.zeros(3))
    assert (right[0], bins[0]) == (1, 2)


def test_few_nodes_are_all_taken():
    np.testing.assert_array_equal(sample_nodes(3, 6, np.random.default_rng(0)), [3, 4, 5])
    some = sample_nodes(10, 1000, np.random.default_rng(0))
    assert len(np.unique(some)) == 300
    assert (some.min() >= 10, some.max() < 1000) == (True, True)


def test_surrogates_of_the_true_process_keep_dimension_and_classes(rates):
    """Of 60 p values at 5 % at most 7 are below (probability 0.03 for more, with fixed seeds)."""
    small = 0
    for seed in range(15):
        pair = [sn.simulate(network(rates), seed=2 * seed + k) for k in (0, 1)]
        found = sn.validate(*pair, statistics=NAMES[1:])
        small += sum(one.p_value <= 0.05 for one in found.statistics)
        assert len(found.statistics) == 4
    assert small <= 7


def test_a_fitted_surrogate_keeps_dimension_and_classes(rates):
    """The bias of the fit is taken off: of 8 reports at most 2 may differ (probability 0.006)."""
    wrong = 0
    for seed in range(8):
        whole = sn.simulate(network(rates), 80, seed=seed, conditions=np.tile(CONDITIONS, (2, 1)))
        training, judged = sn.split_trials(whole, 0.5)
        model = sn.fit_bundle(training, "bernoulli", per_condition=True)
        drawn = sn.simulate(model, K, T, seed=seed + 50, conditions=judged.conditions)
        wrong += not sn.validate(judged, drawn, statistics=NAMES[1:]).passed
    assert wrong <= 2


def test_classes_exchanged_and_common_input_are_found(rates):
    observed = sn.simulate(network(rates), seed=1)
    swapped = sn.simulate(network(rates[:, [1, 0, 2, 3, 4]]), seed=2)
    found = sn.validate(observed, swapped, statistics=NAMES)
    accuracies = found.find("classification accuracy")
    assert accuracies.verdict == "differs"
    assert accuracies.quality < 0.9
    assert found.find("firing rate").verdict == "indistinguishable"
    assert found.verdict.endswith("statistics.")
    rng = np.random.default_rng(3)
    common = rng.random((1, K, T)) < 0.5
    dense = rng.random((N, K, T)) < np.where(common, 0.45, 0.15)
    alone = rng.random((N, K, T)) < 0.3
    pair = [sn.SpikeRaster.from_dense(one, layers=LAYERS) for one in (dense, alone)]
    found = sn.validate(*pair, statistics=NAMES[:2])
    assert {one.verdict for one in found.statistics if one.statistic == "participation_ratio"} == {
        "differs"
    }
    ratio = found.find("participation ratio")
    assert ratio.quality < 0.1
    assert ratio.observed.mean == pytest.approx(direct(dense.reshape(N, -1).T.astype(float)))


def test_an_unknown_bias_of_a_fit_is_not_judged(rates):
    training, judged = sn.split_trials(sn.simulate(network(rates), seed=1), 0.5)
    model = sn.fit_bundle(training, "bernoulli")
    drawn = sn.simulate(model, judged.n_trials, T, seed=2, conditions=judged.conditions)
    facts = drawn.provenance["bundle"]
    mixed = {**drawn.provenance, "bundle": {**facts, "fit": {**facts["fit"], "process": None}}}
    found = sn.validate(judged, replace(drawn, provenance=mixed), statistics=NAMES)
    assert found.find("classification accuracy").verdict == "undecided"


def test_flags_of_nodes_are_rarely_false(rates):
    """Under the true process every flag is false: a report has any with probability 5 %.

    Three statistics in 12 reports; more than 6 of 36 have probability 0.003, with fixed seeds.
    Half of the nodes are near silent, or fire for one condition only.
    """
    quiet = rates.copy()
    quiet[:15] *= 0.01
    quiet[15:30, 1:] = 0
    wrong, lowest = 0, 1.0
    for seed in range(12):
        pair = [sn.simulate(network(quiet), seed=100 + 2 * seed + k) for k in (0, 1)]
        names = ("firing_rate", "rate_by_condition", "window_count_law")
        for q_values in sn.validate(*pair, statistics=names).node_flags.values():
            wrong += bool((q_values < 0.05).any())
            lowest = min(lowest, float(np.nanmin(q_values)))
    assert wrong <= 6
    assert lowest > 1e-4


def test_stimuli_that_were_fitted_are_not_held_out(rates):
    """Other trials of the same stimuli, some of them, and others."""
    drawn = sn.simulate(network(rates), seed=1)
    stimuli = np.arange(K * T).reshape(K, T)
    model = sn.fit_bundle(replace(drawn, stimuli=stimuli), "bernoulli")
    surrogate = sn.simulate(model, seed=2, conditions=CONDITIONS)
    other = sn.simulate(network(rates), seed=3)
    for shift, held_out, share in ((0, False, 1.0), (900, None, 0.25), (1200, True, 0.0)):
        judged = replace(other, stimuli=stimuli + shift)
        found = sn.validate(judged, surrogate, statistics=NAMES[0])
        assert found.held_out is held_out
        facts = model.provenance["fit"]["stimuli"]
        assert shared_stimuli(facts, judged) == pytest.approx(share, abs=0.12)
        assert len(facts) < 2400
