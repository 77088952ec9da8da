"""The claims about memorisation: their rules on tables with known effects, and their statistics.

Seeds are fixed. Verdicts on planted effects of 0.5 against noise of 0.01 do not depend on
them; those on tables without effects depend on Holm's correction alone, which fails once in 20
for each contrast.
"""

from __future__ import annotations

import csv

import numpy as np
import pytest
from scipy import optimize, stats

from tests.support import memorization_tables as tables
from tests.support.studies import module


@pytest.fixture(scope="module")
def study():
    """Return a function that imports a module of the claims."""
    return lambda name="": module("memorization", f"claims.{name}" if name else "claims")


def strong(architecture, data, control, feature, dose):
    """Random labels lower all features, whatever the network."""
    return -0.5 * dose


def opposed(architecture, data, control, feature, dose):
    """They raise them in one architecture, and lower them in the other."""
    return (0.5 if architecture == "mlp" else -0.5) * dose


def none(architecture, data, control, feature, dose):
    return 0.0


def dropped(architecture, data, control, feature, dose):
    """Dropout lowers the rate more than random labels do."""
    return -0.5 * dose - (0.8 if control == "dropout" else 0.0)


def verdicts(study, folder, effect, **options):
    tables.write(folder, effect, **options)
    _, findings = study().judge(folder, tables.CONFIG, repeats=100)
    return {one.letter: one for one in findings}


@pytest.fixture(scope="module")
def planted(study, tmp_path_factory):
    return verdicts(study, tmp_path_factory.mktemp("strong"), strong, shuffled=1.0)


def test_consistent_effects_reproduce_the_claims(planted):
    assert {letter: one.verdict for letter, one in planted.items()} == {
        "a": "reproduced", "b": "reproduced", "c": "reproduced", "d": "reproduced",
        "e": "reproduced", "f": "reproduced", "g": "reproduced", "h": "reproduced",
    }  # fmt: skip


def test_the_planted_effect_is_found(planted):
    [row] = [
        x for x in planted["a"].tables["claim_a"]
        if (x["feature"], x["contrast"], x["at"]) == ("mfr", "memorising − generalising", "last")
    ]  # fmt: skip
    assert row["low"] < -0.5 < row["high"]
    assert row["difference"] == pytest.approx(-0.5, abs=0.02)
    assert (row["cells"], row["positive"], row["networks"]) == (6, 0, 36)
    for slope in planted["d"].tables["claim_d"]:
        if slope["feature"] in tables.PRIMARY:
            assert slope["slope"] == pytest.approx(-0.5, abs=0.05)
            assert slope["rank_correlation"] < -0.99


def test_effects_of_both_signs_refute_the_first_claim(study, tmp_path):
    found = verdicts(study, tmp_path, opposed)
    assert found["a"].verdict == "refuted"
    assert found["d"].verdict == "refuted"
    assert found["b"].verdict != "reproduced"
    # Random labels raise the rate of the mlp.
    assert found["h"].verdict == "refuted"


def test_no_effect_refutes_what_rests_on_one(study, tmp_path):
    # Noise of every feature is its own, so that nothing but chance separates the regimes.
    found = verdicts(study, tmp_path, none, trained=0.0, noise=0.1, passing=0.3)
    assert found["a"].verdict == "refuted"
    assert found["d"].verdict == "refuted"
    assert found["g"].verdict == "refuted"
    assert found["b"].verdict in ("refuted", "mixed")
    assert found["c"].verdict == "refuted"
    assert found["h"].verdict in ("refuted", "mixed")


def test_a_control_that_lowers_the_rate_as_much_refutes_that_it_is_specific(study, tmp_path):
    found = verdicts(study, tmp_path, dropped)
    assert found["h"].verdict == "refuted"
    [row] = [
        x for x in found["h"].tables["claim_h"] if (x["feature"], x["effect"]) == ("mfr", "dropout")
    ]
    assert row["difference"] == pytest.approx(-0.8, abs=0.02)


def test_one_seed_gives_no_verdict_and_no_interval(study, tmp_path):
    found = verdicts(study, tmp_path, strong, seeds=1)
    assert {one.verdict for one in found.values()} == {"unknown"}
    assert all(np.isnan(effect.low) for one in found.values() for _, effect in one.effects)


def test_the_shuffled_fano_factor_is_a_function_of_the_rate(study, tmp_path):
    tables.write(tmp_path, strong, seeds=1)
    networks = study("course").read(tmp_path)
    seen, expected = study("added").identity(networks, study("names").Names(10, 50))
    np.testing.assert_allclose(seen, expected, rtol=1e-12)


def test_everything_is_written_and_written_again_alike(study, tmp_path):
    tables.write(tmp_path, strong)
    study().write(tmp_path, tables.CONFIG)
    with (tmp_path / "claims.csv").open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert list(dict.fromkeys(row["claim"] for row in rows)) == list("abcdefgh")
    page = (tmp_path / "claims.md").read_text(encoding="utf-8")
    for picture in tmp_path.glob("*.png"):
        assert f"({picture.name})" in page
        assert picture.stat().st_size < 150_000
    before = {path.name: path.read_bytes() for path in tmp_path.glob("claim*")}
    _, findings = study().judge(tmp_path, tables.CONFIG)
    study("page").tables(tmp_path, findings)
    assert {path.name: path.read_bytes() for path in tmp_path.glob("claim*")} == before


def test_a_place_between_checkpoints_is_on_the_straight_line(study):
    one = network(study, [0, 1, 2], [0.1, 0.4, 1.0], [1.0, 2.0, 4.0])
    assert one.at("mfr", ("accuracy", 0.7)) == pytest.approx(3.0)
    assert one.at("mfr", ("accuracy", 0.05)) == 1.0
    assert one.at("mfr", ("epoch", 1)) == 2.0
    assert np.isnan(one.at("mfr", ("epoch", 7)))
    assert np.isnan(one.at("mff", "last"))
    assert one.at("epoch", ("accuracy", 0.25)) == pytest.approx(0.5)


def network(study, epochs, accuracy, rates):
    return study("course").Network(
        "1", "mlp", "none", "mnist-5k", "true", True, np.array(epochs, float),
        {"train_accuracy": np.array(accuracy)}, {("train", 0): {"mfr": np.array(rates)}}, (), 500,
    )  # fmt: skip


def test_the_logistic_regression_is_at_the_maximum_of_its_likelihood(study):
    logistic = study("logistic")
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(30, 3)), (rng.random(30) < 0.4).astype(float)
    weights = rng.integers(0, 3, size=(2, 30)).astype(float)
    for own, found in zip(weights, logistic.fit(x, y, weights), strict=True):

        def loss(b, own=own):
            z = b[0] + x @ b[1:]
            fit = own @ (np.logaddexp(0, z) - y * z)
            return fit + (b[1:] @ b[1:]) * logistic.PENALTY / 2 + 0.5e-6 * b[0] ** 2

        assert loss(found) <= optimize.minimize(loss, np.zeros(4)).fun + 1e-9


def test_weights_are_repeats(study):
    logistic = study("logistic")
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(12, 2)), np.arange(12) % 2
    times = rng.integers(1, 3, size=12)
    weighted = logistic.fit(x, y, times[None].astype(float))
    repeated = logistic.fit(np.repeat(x, times, 0), np.repeat(y, times), np.ones((1, times.sum())))
    np.testing.assert_allclose(weighted, repeated, rtol=1e-6)
    scores = rng.integers(0, 4, size=(1, 12)).astype(float)
    np.testing.assert_allclose(
        logistic.area(scores, y, times[None].astype(float)),
        logistic.area(np.repeat(scores, times, 1), np.repeat(y, times), np.ones((1, times.sum()))),
    )


def test_the_area_is_that_of_mann_and_whitney(study):
    rng = np.random.default_rng(5)
    scores, y = rng.integers(0, 5, size=20).astype(float), np.arange(20) % 2
    found = study("logistic").area(scores[None], y, np.ones((1, 20)))
    wanted = stats.mannwhitneyu(scores[y == 1], scores[y == 0]).statistic / 100
    assert found[0] == pytest.approx(wanted)


def test_a_fold_knows_nothing_of_the_networks_it_is_judged_by(study):
    logistic = study("logistic")
    rng = np.random.default_rng(6)
    x, y = rng.normal(size=(24, 2)), np.arange(24) % 2
    groups = np.repeat(["a", "b", "c"], 8)
    before = logistic.held_out(x, y, groups, np.ones((1, 24)))
    x[groups == "a"] = 5 + 3 * x[groups == "a"]
    after = logistic.held_out(x, y, groups, np.ones((1, 24)))
    # The slopes are those of before, and areas do not change when held-out scores are scaled.
    np.testing.assert_allclose(before["a"][0], after["a"][0])


def test_student_and_holm_are_those_of_the_textbook(study):
    intervals = study("intervals")
    values = np.array([0.3, 0.1, 0.4, 0.2])
    effect, p = intervals.student(values)
    wanted = stats.ttest_1samp(values, 0)
    assert p == pytest.approx(wanted.pvalue)
    low, high = wanted.confidence_interval()
    assert (effect.low, effect.high) == pytest.approx((low, high))
    np.testing.assert_allclose(
        intervals.holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02]
    )


def test_a_bootstrap_draws_whole_seeds_of_a_data_set(study):
    pairs = [("x", "1"), ("x", "2"), ("x", "3"), ("y", "1"), ("y", "2"), ("y", "3")]
    weights = study("intervals").Clusters(pairs, repeats=50).of(pairs)
    np.testing.assert_array_equal(weights[0], 1)
    np.testing.assert_array_equal(weights[:, :3].sum(axis=1), 3)
    np.testing.assert_array_equal(weights[:, 3:].sum(axis=1), 3)
    assert len(study("intervals").Clusters(pairs[:2]).of(pairs[:2])) == 1


@pytest.mark.parametrize(
    ("means", "p_values", "wanted"),
    [
        ([1, 2, 1, 1], [1e-4, 1e-4, 1e-4, 1e-4], "reproduced"),
        ([1, 2, 1, 1], [1e-4, 1e-4, 1e-4, 0.5], "mixed"),
        ([1, 2, 1, -1], [1e-4, 1e-4, 1e-4, 1e-4], "mixed"),
        ([1, 2, -1, -1], [1e-4, 1e-4, 1e-4, 1e-4], "refuted"),
        ([1, 2, 1, 1], [0.2, 0.3, 0.04, 0.2], "refuted"),
        ([1, 2, 1, 1], [1e-4, 1e-4, 1e-4, np.nan], "unknown"),
    ],
)  # fmt: skip
def test_one_contrast_is_judged_by_its_cells(study, means, p_values, wanted):
    assert study("finding").same_sign(np.array(means, float), np.array(p_values)) == wanted


def test_a_set_tells_from_the_first_point_after_which_it_always_tells(study):
    effect = study("intervals").Effect
    good, bad = effect(0.95, 0.8, 1.0), effect(0.95, 0.4, 1.0)
    tells = study("during").tells_from
    assert tells([(1.0, good), (2.0, bad), (4.0, good), (8.0, good)]) == 4.0
    assert tells([(1.0, good), (2.0, bad)]) == np.inf


def test_places_are_judged_by_whether_they_tell_as_much(study):
    effect, judged = study("intervals").Effect, study("places").judged
    same, worse, unclear = effect(0, -0.05, 0.05), effect(-0.3, -0.4, -0.2), effect(0, -0.2, 0.1)
    sure = effect(0.9, 0.8, 1.0)
    assert judged([same, same], [sure, sure]) == "reproduced"
    assert judged([same, worse], [sure, sure]) == "refuted"
    assert judged([same, unclear], [sure, sure]) == "mixed"
    assert judged([same, same], [sure, effect(0.6, 0.45, 0.8)]) == "refuted"
