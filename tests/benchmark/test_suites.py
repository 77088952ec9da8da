"""Benchmarks with known truth: the truth is true, nothing leaks, and biased estimators lose."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import integrate, optimize, stats

import stochnet as sn
from stochnet.benchmark import SUITES, Answer, Estimates, own_estimates, score
from stochnet.benchmark.measures import measure
from stochnet.benchmark.quantity import Kind, Per, Quantity, Truth
from stochnet.benchmark.suites import discover, regimes
from stochnet.benchmark.truth.draws import Draws
from stochnet.benchmark.truth.theory import bound, cv_spread, fano_spread
from stochnet.errors import FileFormatError, InvalidInputError, StochnetError
from tests.support import ROOT
from tests.support.commands import run

# Of the published editions: all rasters and the truth, in one.
GOLDEN = {
    "correlation": "86ebd9ff25edb422",
    "dispersion": "4ef11599c7808e7d",
    "memory": "cd3f90ac9d2c6646",
    "rates": "e4f85bc704a3f161",
    "regimes": "fda9eac758eae2b1",
    "tuning": "72a52c33abf96217",
}
each_suite = pytest.mark.parametrize("name", SUITES)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("benchmarks")


@pytest.fixture(scope="module")
def made(folder):
    """Every suite, generated and estimated when it is first asked for."""
    found = {}

    def make(name):
        if name not in found:
            benchmark = sn.benchmark.generate(name, folder / name)
            found[name] = benchmark, own_estimates(benchmark)
        return found[name]

    return make


@pytest.fixture(scope="module")
def scored(made):
    """Scores of a suite: stochnet's estimates, and those of estimators that are biased."""
    found = {}

    def make(name):
        if name not in found:
            benchmark, own = made(name)
            biased = [changed(own, benchmark, label, change) for label, change in BIASED.items()]
            found[name] = score(benchmark, [own, *biased])
        return found[name]

    return make


def networks(name):
    """One network of every cell of a suite, before it is simulated."""
    suite = SUITES[name]
    return {cell.name: cell.make(Draws(suite.seed, 3)) for cell in suite.cells}


def params(network):
    return network.bundle.fits[0].params


# The truth is true.


def test_fano_factors_are_those_of_their_closed_forms():
    for cell, network in networks("dispersion").items():
        own, window = params(network), network.facts["window"]
        truth = network.truths["fano"].values
        if network.facts["family"] == "beta_bernoulli":
            expected = (1 - own["p"]) * (1 + (window - 1) * own["rho"])
            np.testing.assert_array_equal(network.truths["rho"].values, own["rho"])
        elif network.facts["family"] == "negative_binomial":
            expected = 1 + own["dispersion"] * own["rate"] * window
            np.testing.assert_array_equal(network.truths["dispersion"].values, own["dispersion"])
        elif network.facts["family"] == "binomial":
            expected = 1 - own["p"]
        else:
            expected = [chain_fano(*pair, window) for pair in zip(*own.values(), strict=True)]
        np.testing.assert_allclose(truth, expected, rtol=1e-9, err_msg=cell)


def chain_fano(up, stay, window):
    """By following the law of the count from bin to bin."""
    active = up / (1 - stay + up)
    law = np.zeros((2, window + 1))
    law[0, 0], law[1, 1] = 1 - active, active
    for _ in range(window - 1):
        silent = law[0] * (1 - up) + law[1] * (1 - stay)
        fires = law[0] * up + law[1] * stay
        law = np.stack([silent, np.concatenate([[0.0], fires[:-1]])])
    mass, k = law.sum(axis=0), np.arange(window + 1)
    mean = (mass * k).sum()
    return (mass * (k - mean) ** 2).sum() / mean


def test_irregularities_are_those_of_their_closed_forms():
    for cell, network in networks("memory").items():
        own, truth = params(network), network.truths["cv_gaps"].values
        if network.facts["family"] == "markov":
            up, stay = own["p_after_silence"], own["p_after_spike"]
            # A gap is 1, or 1 and a geometric number of bins more.
            mean = 1 + (1 - stay) / up
            square = stay + (1 - stay) * (1 + 2 / up + (2 - up) / up**2)
            np.testing.assert_allclose(truth, np.sqrt(square - mean**2) / mean, rtol=1e-6)
            found = network.truths["autocorrelation"].values
            np.testing.assert_allclose(found, stay - up, rtol=1e-12)
        elif network.facts["family"] == "refractory_poisson":
            p, dead = own["p"], own["dead_time"]
            expected = np.sqrt(1 - p) / p / (dead + 1 / p)
            np.testing.assert_allclose(truth, expected, rtol=1e-6, err_msg=cell)
            np.testing.assert_array_equal(network.truths["dead_time"].values, dead)
        else:
            pairs = zip(own["rate"], own["shape"], strict=True)
            expected = [gamma_cv(*pair) for pair in pairs]
            np.testing.assert_allclose(truth, expected, rtol=1e-5, err_msg=cell)
            np.testing.assert_array_equal(network.truths["shape"].values, own["shape"])


def gamma_cv(rate, shape):
    """Of gamma gaps that are rounded up to whole bins, with a mean of 1 / rate."""
    ages = np.arange(4_000)

    def beyond(scale):
        return stats.gamma.sf(ages, shape, scale=scale)

    scale = optimize.brentq(lambda s: beyond(s).sum() - 1 / rate, 1e-3, 1e3, xtol=1e-10)
    square = ((2 * ages + 1) * beyond(scale)).sum()
    return np.sqrt(square - 1 / rate**2) * rate


def test_noise_correlations_are_those_of_the_bivariate_normal_law():
    for cell, network in networks("correlation").items():
        rates, latents = params(network)["p"], network.bundle.latents
        rates = rates.reshape(len(rates), -1)
        pairs = np.stack(np.triu_indices(len(rates), 1), axis=1)
        truth = network.truths["noise_correlation"].values
        for k in (0, 17, len(pairs) - 1):
            i, j = pairs[k]
            shared = latents.loadings[i] @ latents.loadings[j] + latents.trial[i] * latents.trial[j]
            together = [
                stats.multivariate_normal.cdf(
                    stats.norm.ppf([p, q]), cov=[[1, shared], [shared, 1]], abseps=1e-9
                )
                for p, q in zip(rates[i], rates[j], strict=True)
            ]
            excess = np.mean(together - rates[i] * rates[j])
            scale = np.mean(rates[i] * (1 - rates[i])) * np.mean(rates[j] * (1 - rates[j]))
            assert truth[k] == pytest.approx(excess / np.sqrt(scale), abs=1e-6), cell
        if cell == "none":
            assert not truth.any()


def test_class_rates_their_variance_and_the_preferred_class_are_those_of_the_parameters():
    for name in ("tuning", "rates"):
        for network in networks(name).values():
            own = params(network)["p"]
            if own.ndim == 1:
                np.testing.assert_array_equal(network.truths["rate"].values, own)
                continue
            np.testing.assert_array_equal(network.truths["class_rate"].values, own.ravel())
            shown = network.bundle.conditions
            assert (np.bincount(shown.ravel()) == shown.size // own.shape[1]).all()
            if name == "rates":
                mean = own[:, shown.ravel()].mean(axis=1)
                np.testing.assert_allclose(network.truths["rate"].values, mean, rtol=1e-12)
                continue
            variance = [float(np.mean((row - row.mean()) ** 2)) for row in own]
            found = network.truths["tuning_variance"].values
            np.testing.assert_allclose(found, variance, rtol=1e-9, atol=1e-15)
            if "preferred_class" in network.truths:
                best = own[
                    np.arange(len(own)), network.truths["preferred_class"].values.astype(int)
                ]
                assert (best == own.max(axis=1)).all()


@pytest.mark.parametrize("name", regimes.REGIMES)
def test_the_evidence_of_a_population_is_its_integral(name):
    law, spikes, n = regimes.REGIMES[name], np.array([[0.0, 3.0, 2.0], [4.0, 4.0, 4.0]]), 4

    def node(row):
        def at(m):
            a, b = m * law["concentration"], (1 - m) * law["concentration"]
            return stats.betabinom.pmf(row, n, a, b).prod() * stats.beta.pdf(m, law["a"], law["b"])

        # The evidence is of the bins, not of the number of spikes.
        ways = np.prod([stats.binom.pmf(k, n, 0.5) * 2**n for k in row])
        return integrate.quad(at, 0, 1, epsabs=1e-12)[0] / ways

    expected = sum(np.log(node(row)) for row in spikes)
    assert regimes.log_evidence(spikes, n, law) == pytest.approx(expected, rel=1e-8)


def test_expected_errors_are_those_of_simple_laws():
    assert bound(lambda p: np.array([1 - p, p]), (0.3,), 50, 0) == pytest.approx(
        np.sqrt(0.3 * 0.7 / 50), rel=1e-6
    )
    # Of Poisson counts the Fano factor has the variance 2 / n for any rate (Eden & Kramer 2010).
    for rate in (0.5, 4.0):
        poisson = stats.poisson.pmf(np.arange(60), rate)
        assert fano_spread(poisson, 200) == pytest.approx(np.sqrt(2 / 200), rel=1e-9)
    # Of two gaps, 1 and 2, in equal parts: the variance does not vary, to first order.
    law = np.array([0.5, 0.5])
    assert cv_spread(law, 100) == pytest.approx(0.25 / 1.5**2 / 10, rel=1e-9)


@each_suite
def test_errors_of_stochnet_are_as_large_as_is_expected(name, scored):
    """Root mean squares over 20 values or more, in units that are true to some 10 %.

    Of 10 other editions the smallest was 0.4 and the largest 1.37, so that an edition fails by
    chance about once in 100 times; this one is fixed.
    """
    relative = [m for m in scored(name).entrants[0].measures.values() if m.kind == "relative"]
    for one in relative:
        assert 0.3 < one.error < 1.45, one
        if one.coverage is not None:
            assert one.coverage[2] > 0.85, one


# Files.


@pytest.mark.parametrize("name", GOLDEN)
def test_the_published_edition_never_changes(name, made):
    benchmark, _ = made(name)
    total = hashlib.sha256(benchmark.truth_digest.encode())
    for facts in benchmark.rasters.values():
        total.update(facts["content"].encode())
    assert total.hexdigest()[:16] == GOLDEN[name], "raise the version of the suite if it is meant"


def test_the_seed_makes_the_edition(tmp_path):
    digests = [
        sn.benchmark.generate("tuning", tmp_path / str(k), seed=seed).truth_digest
        for k, seed in enumerate((5, 5, 6))
    ]
    assert digests[0] == digests[1] != digests[2]


def test_parameters_do_not_depend_on_what_else_is_drawn():
    draws = Draws(2**64 - 1, 7)
    first = draws.uniform(5)
    assert ((first > 0) & (first < 1)).all()
    np.testing.assert_array_equal(Draws(2**64 - 1, 7).uniform(3), first[:3])
    assert Draws(2**64 - 1, 8).uniform(1)[0] != first[0] != Draws(1, 7).uniform(1)[0]
    assert sorted(draws.order(9)) == list(range(9))


@each_suite
def test_rasters_are_whole_and_tell_nothing_of_their_parameters(name, made):
    benchmark, _ = made(name)
    secret = json.loads((benchmark.folder / "sealed" / "truth.json").read_text(encoding="utf-8"))
    public = (benchmark.folder / "suite.json").read_text(encoding="utf-8")
    assert str(secret["seed"]) not in public
    allowed = {
        "file", "content", "n_nodes", "n_trials", "n_bins", "n_conditions", "quantities", "family",
        "window",
    }  # fmt: skip
    for k, (raster, facts) in enumerate(benchmark.rasters.items()):
        assert set(facts) <= allowed
        path = benchmark.folder / facts["file"]
        if k < 3:
            sn.verify(path)
        read = sn.read_raster(path)
        assert dict(read.provenance) == {"benchmark": name, "version": SUITES[name].version}
        hidden = secret["networks"][raster]
        content = path.read_bytes()
        for trace in (str(hidden["seed"]), str(secret["seed"]), hidden["bundle"], "argv"):
            assert trace.encode() not in content
            assert trace not in public


def test_a_truth_or_raster_that_was_changed_is_noticed(tmp_path):
    benchmark = sn.benchmark.generate("tuning", tmp_path / "t", seed=3)
    own = own_estimates(benchmark)
    path = benchmark.folder / "sealed" / "truth.json"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("0.", "0.0", 1), encoding="utf-8")
    with pytest.raises(FileFormatError, match="is not the truth of this benchmark"):
        score(benchmark.folder, own)
    path.unlink()
    with pytest.raises(FileFormatError, match="is missing"):
        score(benchmark.folder, own)
    path.write_text(text, encoding="utf-8")
    first, second = (benchmark.folder / f"rasters/network-0{k}.h5" for k in (0, 1))
    first.write_bytes(second.read_bytes())
    with pytest.raises(FileFormatError, match="is not the raster that was generated"):
        score(benchmark.folder, own)
    described = benchmark.folder / "suite.json"
    text = described.read_text(encoding="utf-8")
    for pattern, new, said in (
        ('"version": 1', '"version": 2', "version 2 of the suite tuning"),
        ('"suite": "tuning"', '"suite": "tunes"', "no suite 'tunes'"),
        ("stochnet-benchmark 1", "stochnet-benchmark 9", "this stochnet reads"),
        ('"rasters": {', '"raster": {', "is damaged"),
        ("{", "", "is damaged"),
    ):
        described.write_text(text.replace(pattern, new, 1), encoding="utf-8")
        with pytest.raises(StochnetError, match=said):
            sn.benchmark.read_benchmark(benchmark.folder)


# Ranks.


def changed(own, benchmark, label, change):
    """Estimates of which every value went through a function of its quantity and values."""
    answers = {
        quantity: {
            raster: Answer(change(benchmark.quantity(quantity), answer.values))
            for raster, answer in found.items()
        }
        for quantity, found in own.answers.items()
    }
    return Estimates(label, answers)


def times(factor):
    """Multiply numbers; tilt probabilities and labels towards the last class likewise."""

    def change(quantity, values):
        if quantity.kind is Kind.label:
            # One in ten becomes the last class, by a rule that knows nothing of the truth.
            return np.where(np.arange(len(values)) % 10 == 3, len(quantity.options) - 1.0, values)
        if quantity.kind is Kind.probability:
            tilted = values * np.linspace(1, 1 + 190 * abs(factor - 1), len(values))
            return tilted / tilted.sum()
        return values * factor

    return change


def plus(share):
    """Add a share of the mean size of the values."""

    def change(quantity, values):
        if quantity.kind is not Kind.number:
            return times(1 + share)(quantity, values)
        return values + share * max(float(np.abs(values).mean()), 1e-3)

    return change


BIASED = {
    "10 % more": times(1.1),
    "10 % less": times(0.9),
    "10 % above": plus(0.1),
    "10 % below": plus(-0.1),
}


@each_suite
@pytest.mark.parametrize("label", BIASED)
def test_a_biased_estimator_ranks_below_an_unbiased_one(name, label, scored):
    """The edition is fixed. Of 10 others of each of four suites none failed.

    Nor of 8 of regimes (a tilt of five times instead of 20: one of 10). Not tried: dispersion.
    """
    scores = scored(name)
    assert scores.rank(label) > scores.rank("stochnet (given)") == 1
    losses = {one.name: loss for _, one, loss in scores.ranking()}
    assert losses[label] > 1.02 * losses["stochnet"]
    assert losses["zero"] > losses["stochnet"] < losses["grand mean"]


def test_the_same_estimates_share_a_rank_and_names_stay_apart(made, tmp_path):
    benchmark, own = made("rates")
    for name in ("stochnet.csv", "a.csv"):
        own.to_csv(tmp_path / name, benchmark)
    scores = score(benchmark.folder, [tmp_path / "stochnet.csv", tmp_path / "a.csv"])
    assert [one.name for one in scores.entrants[:3]] == ["stochnet (given)", "a", "stochnet"]
    assert {scores.rank(one.name) for one in scores.entrants[:3]} == {1}
    assert scores.rank("zero", "class_rate") == 4
    assert {row["rank"] for row in scores.table() if row["entrant"] == "a"} == {1}
    # What was written is what is read, intervals included.
    assert scores.entrant("a").measures == scores.entrant("stochnet").measures


def test_estimates_of_one_quantity_are_ranked_by_it(made, tmp_path):
    benchmark, own = made("rates")
    part = Estimates("part", {"rate": own.answers["rate"]})
    scores = score(benchmark, part)
    assert scores.quantities == ("rate",)
    assert scores.rank("part") == 1
    assert scores.entrant("part").loss(["rate", "class_rate"]) is None
    with pytest.raises(InvalidInputError, match="must have 60 values of rate for network-00"):
        score(benchmark, Estimates("short", {"rate": {"network-00": Answer(np.zeros(2))}}))
    with pytest.raises(InvalidInputError, match="must answer some of rate, class_rate"):
        score(benchmark, Estimates("none", {}))


# Measures.


def quantity(per=Per.node, kind=Kind.number, **more):
    return Quantity("q", "1", per, "", kind, **more)


def test_error_bias_and_coverage_are_those_of_their_definitions():
    value, true = np.array([1.0, 2.0, 4.0]), np.array([1.0, 1.0, 2.0])
    answer = Answer(value, value - 1.5, value + 1.5)
    found = measure(quantity(), "c", [answer], [Truth(true)], [np.zeros((3, 3), int)])
    assert (found.kind, found.n, found.error) == ("absolute", 3, pytest.approx(np.sqrt(5 / 3)))
    assert found.bias[0] == 1
    assert found.bias[2] - 1 == pytest.approx(stats.t.ppf(0.975, 2) / np.sqrt(3))
    assert found.coverage[0] == pytest.approx(2 / 3)
    spread = Truth(true, np.array([1.0, 0.5, 2.0]))
    found = measure(quantity(), "c", [answer], [spread], [np.zeros((3, 3), int)])
    assert (found.kind, found.error) == ("relative", pytest.approx(np.sqrt(5 / 3)))


def test_labels_and_probabilities_have_losses_of_their_own():
    label = quantity(kind=Kind.label, options=("a", "b"))
    found = measure(label, "c", [Answer(np.array([0.0, 1.0, 1.0]))],
                    [Truth(np.array([0.0, 1.0, 0.0]))], [np.zeros((3, 3), int)])  # fmt: skip
    assert (found.kind, found.error) == ("error rate", pytest.approx(1 / 3))
    chance = quantity(Per.option, Kind.probability, options=("a", "b"))
    found = measure(chance, "c", [Answer(np.array([0.25, 0.75])), Answer(np.array([1.0, 0.0]))],
                    [Truth(np.array([0.0, 1.0]))] * 2, [np.zeros((2, 3), int)] * 2)  # fmt: skip
    assert found.error == pytest.approx(-(np.log(0.75) + np.log(1e-6)) / 2)


def test_pairs_that_share_a_node_count_as_dependent():
    """Errors that are sums of effects of nodes: the interval of the bias is that of few nodes.

    300 networks: between 0.92 and 0.98 fails by chance about once in 500 times; the seed is fixed.
    """
    rng, keys = np.random.default_rng(5), quantity(Per.pair).keys(12, 0)
    held = 0
    for _ in range(300):
        effect = rng.normal(size=12)
        error = effect[keys[:, 0]] + effect[keys[:, 2]] + 0.3 * rng.normal(size=len(keys))
        found = measure(
            quantity(Per.pair), "c", [Answer(error)], [Truth(np.zeros(len(keys)))], [keys]
        )
        held += found.bias[1] <= 0 <= found.bias[2]
    assert 0.88 < held / 300 < 0.98


# Files of estimates.


@pytest.fixture(scope="module")
def wrote(made, tmp_path_factory):
    """The lines of stochnet's estimates of tuning, and a function that scores changed ones."""
    benchmark, own = made("tuning")
    path = tmp_path_factory.mktemp("estimates") / "mine.csv"
    own.to_csv(path, benchmark)
    lines = list(csv.reader(path.open(encoding="utf-8", newline="")))

    def read(rows):
        with path.open("w", encoding="utf-8", newline="") as handle:
            csv.writer(handle).writerows(rows)
        return sn.benchmark.read_estimates(path, benchmark)

    return lines, read


def test_rows_may_come_in_any_order_and_need_no_empty_columns(wrote):
    lines, read = wrote
    expected = read(lines)
    keep = [k for k, column in enumerate(lines[0]) if column != "other"]
    shorter = [[line[k] for k in keep[::-1]] for line in (lines[0], *lines[:0:-1])]
    found = read(shorter)
    for name, rasters in expected.answers.items():
        for raster, answer in rasters.items():
            np.testing.assert_array_equal(found.answers[name][raster].values, answer.values)


def test_pairs_may_be_turned(made, tmp_path):
    benchmark, own = made("correlation")
    path = tmp_path / "pairs.csv"
    own.to_csv(path, benchmark)
    text = path.read_text(encoding="utf-8")
    turned = re.sub(r"correlation,(\d+),,(\d+),", r"correlation,\2,,\1,", text)
    assert turned != text
    path.write_text("\ufeff" + turned, encoding="utf-8")
    found = sn.benchmark.read_estimates(path, benchmark)
    for raster, answer in own.answers["noise_correlation"].items():
        read = found.answers["noise_correlation"][raster]
        np.testing.assert_array_equal(read.values, answer.values)


def edited(row=1, **values):
    def edit(lines):
        where = {name: lines[0].index(name) for name in values}
        for name, value in values.items():
            lines[row][where[name]] = value
        return lines

    return edit


WRONG = {
    "a missing row": (lambda rows: rows[:1] + rows[2:], "lacks 1 of 400 rows of class_rate"),
    "a missing raster": (
        lambda rows: [row for row in rows if row[:2] != ["network-01", "class_rate"]],
        "has no class_rate for network-01: give it for all of its 12 rasters",
    ),
    "a repeated row": (lambda rows: [*rows, rows[1]], "stands in line 2 already"),
    "an unknown raster": (edited(raster="r"), "line 2: there is no raster 'r'"),
    "an unknown quantity": (edited(quantity="rat"), "line 2: the suite tuning has no quantity"),
    "a quantity not asked for": (
        lambda rows: [*rows, ["network-04", "preferred_class", "0", "", "", "0", "", ""]],
        "preferred_class is not asked for in network-04",
    ),
    "an unknown node": (edited(node="40"), "no class_rate for node 40, condition 0; it has node 0"),
    "a node that is no number": (edited(node="n"), "line 2: node is 'n', which is no number"),
    "half a node": (edited(node="0.5"), "line 2: node is 0.5; it must be a whole number"),
    "no node": (edited(node=""), "no class_rate for condition 0; it has node 0 to 39"),
    "NaN": (edited(estimate="nan"), "line 2: the estimate is missing or not finite"),
    "no estimate": (edited(estimate=""), "line 2: the estimate is missing or not finite"),
    "text": (edited(estimate="much"), "line 2: estimate is 'much', which is no number"),
    "infinity": (edited(estimate="inf"), "line 2: the estimate is missing or not finite"),
    "an interval upside down": (edited(low="2"), "low and high must both be given, low not above"),
    "half an interval": (edited(low=""), "low and high must both be given"),
    "one interval less": (edited(low="", high=""), "low and high must both be given|others have"),
    "a wrong label": (edited(-1, estimate="10"), "is the number of one of 0, 1"),
    "an unknown column": (edited(0, low="lo"), "has unknown lo; the columns are"),
    "a missing column": (edited(0, estimate="estimates"), "lacks estimate; the columns are"),
    "a column twice": (edited(0, low="high"), "two columns of one name"),
    "a short line": (lambda rows: [rows[0], rows[1][:-1]], "line 2 has 7 values"),
    "no rows": (lambda rows: rows[:1], "has no rows below its header"),
    "nothing": (lambda rows: [], "is empty"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_wrong_estimates_are_refused_in_one_line_that_says_where(case, wrote):
    lines, read = wrote
    change, said = WRONG[case]
    with pytest.raises(InvalidInputError, match=said) as refused:
        read(change([list(line) for line in lines]))
    assert "\n" not in str(refused.value)


def test_probabilities_must_sum_to_one(made, tmp_path):
    benchmark, own = made("regimes")
    path = tmp_path / "p.csv"
    own.to_csv(path, benchmark)
    text = path.read_text(encoding="utf-8")
    first = re.search(r"network-00,regime_probability,,0,,([^,]*),", text)
    path.write_text(text[: first.start(1)] + "0.123" + text[first.end(1) :], encoding="utf-8")
    with pytest.raises(InvalidInputError, match="network-00 must be from 0 to 1 and sum to 1"):
        sn.benchmark.read_estimates(path, benchmark)


def test_parquet_says_what_csv_says(made, tmp_path):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    benchmark, own = made("tuning")
    path = tmp_path / "mine.csv"
    own.to_csv(path, benchmark)
    rows = list(csv.DictReader(path.open(encoding="utf-8", newline="")))
    columns = {
        name: [row[name] or None for row in rows]
        if name in ("raster", "quantity")
        else [float(row[name]) if row[name] else None for row in rows]
        for name in rows[0]
    }
    parquet.write_table(pa.table(columns), tmp_path / "mine.parquet")
    scores = score(benchmark, [path, tmp_path / "mine.parquet"])
    assert scores.entrants[0].measures == scores.entrants[1].measures
    (tmp_path / "text.parquet").write_text("no table")
    with pytest.raises(FileFormatError, match="is no parquet file"):
        score(benchmark, tmp_path / "text.parquet")


def test_parquet_without_pyarrow_names_the_extra(made, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "mine.parquet").write_bytes(b"PAR1")
    with pytest.raises(StochnetError, match=r"stochnet\[table\]"):
        score(made("tuning")[0], tmp_path / "mine.parquet")


# The registry, the command line, the documentation.


def test_a_suite_without_a_name_of_its_own_fails_loudly(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    package = tmp_path / "more_suites"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "a.py").write_text("from stochnet.benchmark.suites.rates import SUITE")
    assert list(discover([str(package)], "more_suites")) == ["rates"]
    (package / "b.py").write_text("from stochnet.benchmark.suites.rates import SUITE")
    with pytest.raises(InvalidInputError, match="the name 'rates' of a suite is taken"):
        discover([str(package)], "more_suites")
    (package / "a.py").unlink()
    (package / "c.py").write_text("")
    with pytest.raises(InvalidInputError, match="must end with SUITE"):
        discover([str(package)], "more_suites")


@each_suite
def test_a_suite_describes_itself(name):
    suite = SUITES[name]
    assert suite.name == name == Path(sys.modules[_home(suite)].__file__).stem
    assert len(suite.doc) > 100
    assert len({cell.name for cell in suite.cells}) == len(suite.cells) > 2
    asked = set().union(*(network.truths for network in networks(name).values()))
    assert asked == {quantity.name for quantity in suite.quantities}
    assert all(dataclasses.asdict(quantity)["doc"] for quantity in suite.quantities)


def _home(suite):
    return suite.estimators["stochnet"].__module__


def test_the_command_line(tmp_path, capfd):
    folder, mine = tmp_path / "suite", tmp_path / "mine.csv"
    assert run("benchmark", "generate", "tuning", "-o", folder, "--seed", 9, "-q") == 0
    assert run("benchmark", "estimate", folder, "-o", mine, "-q") == 0
    assert capfd.readouterr() == ("", "")
    assert run("benchmark", "score", folder, mine, "--json") == 0
    said = json.loads(capfd.readouterr().out)
    assert set(said) == {"suite", "version", "quantities", "ranking", "measures"}
    assert said["ranking"][0] == {
        "rank": 1, "entrant": "mine", "given": True, "loss": said["ranking"][1]["loss"],
    }  # fmt: skip
    assert run("benchmark", "score", folder, mine, "-q") == 0
    assert re.search(r"preferred_class .* strong .* error rate", capfd.readouterr().out)
    assert run("benchmark", "list") == 0
    assert "negative-binomial" in capfd.readouterr().out
    for words, expected in (
        (("generate", "tune", "-o", tmp_path / "x"), "no suite 'tune'; there are correlation"),
        (("generate", "tuning", "-o", folder), "is there already and not an empty folder"),
        (("generate", "tuning", "-o", tmp_path / "x", "--seed", -1), "seed must be"),
        (("score", tmp_path, mine), "holds no benchmark"),
        (("score", folder, tmp_path / "no.csv"), "there is no file"),
        (("score", folder, folder / "suite.json"), "must end with .csv or .parquet"),
        (("estimate", folder, "-o", mine, "--estimator", "x"), "has no estimator 'x'; there are"),
    ):
        assert run("benchmark", *words) == 2
        out, err = capfd.readouterr()
        assert out == ""
        assert len(err.strip().splitlines()) == 1
        assert expected in err


def test_the_example_of_the_documentation_works(made, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rates").symlink_to(made("rates")[0].folder)
    text = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    space: dict[str, object] = {}
    for block in blocks:
        exec(block, space)
    rare = space["rare"]
    assert rare.coverage[0] == pytest.approx(0.78, abs=0.005)
    assert capsys.readouterr().out.startswith(f"{rare.error}")
    for name in GOLDEN:
        assert f"| `{name}` |" in text
