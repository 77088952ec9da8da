"""`assess`: its size, its power, and what it gives back, in Python and on the command line."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

import stochnet as sn
from stochnet.validation.assumptions.catalogue import TESTS
from stochnet.validation.page.assessment_figure import MOST_LAYERS
from tests.support.assessed import bernoulli
from tests.support.commands import run

# Size


def within(size, n, chance):
    """Whether a rejection rate at level 0.05 is one of n fair tests.

    The surrogates have a chance error of their own: `chance` is how many of them stand behind it.
    """
    error = math.sqrt(0.05 * 0.95 * (1 / n + 1 / chance))
    return abs(size - 0.05) < 4 * error


@pytest.mark.parametrize("p", [0.01, 0.05, 0.2, 0.5, 0.9])
def test_size_over_rates_and_windows(p):
    """A share of 5 % fails. Wrong alarm beyond 4 standard errors: 1 in 16,000, of 50."""
    raster = bernoulli(p, 2000, 10, 100, seed=int(100 * p))
    found = sn.assess(raster, (10, 100), n_surrogates=500)
    for test in found.tests:
        values = test.p_value[test.testable]
        assert len(values) > 300
        assert within(np.mean(values < 0.05), len(values), 2000), test.label


@pytest.mark.parametrize("mean", [0.05, 1.0, 40.0])
def test_size_of_counts(mean):
    """Means of 40 are compared with surrogates of 16; 4 standard errors, as above."""
    dense = np.random.default_rng(3).poisson(mean, (1000, 5, 20))
    found = sn.assess(sn.SpikeRaster.from_dense(dense), (5,), n_surrogates=500)
    assert found.kind == "counts"
    for test in found.tests:
        if mean > 16 and test.name == "gaps":
            assert not test.testable.any()
            continue
        values = test.p_value[test.testable]
        assert within(np.mean(values < 0.05), len(values), 1000), test.label


def test_a_network_without_deviations_has_few_discoveries():
    """Each test finds any node with probability 0.05: of 40 at most 8, but once in 5,000."""
    discoveries = 0
    for seed in range(4):
        p = np.random.default_rng(seed).beta(1, 3, 200)
        found = sn.assess(bernoulli(p, 200, 6, 40, seed=seed), (5, 20), seed=seed)
        discoveries += sum(not test.passes(0.05)[test.testable].all() for test in found.tests)
    assert discoveries <= 8


# Power


def assess(raster):
    return sn.assess(raster, (10,), n_surrogates=300)


def fails(found, name, window=None):
    test = found.find(name, window)
    return 1 - np.mean(test.passes(found.level)[test.testable])


def keep(found, *names):
    """Whether tests that a deviation leaves alone find hardly any node."""
    return all(fails(found, name) < 0.1 for name in names)


def test_a_markov_chain_fails_in_runs():
    chain = sn.Bundle.from_params(
        "markov", {"p_after_silence": np.full(40, 0.15), "p_after_spike": np.full(40, 0.35)}
    )
    found = assess(sn.simulate(chain, 20, 80, seed=1))
    assert fails(found, "runs") == 1
    assert fails(found, "gaps") > 0.9
    assert fails(found, "dispersion", 10) > 0.5
    assert keep(found, "linearity", "stationarity")
    assert np.median(found.find("runs").effect) == pytest.approx(0.2, abs=0.03)
    assert np.median(found.find("gaps").effect) > 1.1


def test_a_drift_over_trials_fails_in_stationarity(rng):
    rate = 0.2 * (1 + np.linspace(-0.4, 0.4, 40))
    found = assess(sn.SpikeRaster.from_dense(rng.random((40, 40, 50)) < rate[:, None]))
    assert fails(found, "stationarity") == 1
    assert keep(found, "linearity")
    assert fails(found, "runs") < 0.7
    assert np.median(found.find("stationarity").effect) == pytest.approx(0.8, abs=0.08)


def test_a_drift_within_trials_fails_in_linearity(rng):
    rate = 0.2 * (1 + np.linspace(-0.5, 0.5, 50))
    found = assess(sn.SpikeRaster.from_dense(rng.random((40, 40, 50)) < rate))
    assert fails(found, "linearity") == 1
    assert keep(found, "stationarity")
    # Half of the bins have 1/8 of the spikes less than half: the largest distance from the line.
    assert np.median(found.find("linearity").effect) == pytest.approx(0.125, abs=0.02)


def test_a_gain_fails_in_dispersion():
    bundle = sn.Bundle.from_params(
        "beta_bernoulli", {"p": np.full(40, 0.3), "rho": np.full(40, 0.05)}, window=10
    )
    found = assess(sn.simulate(bundle, 1, 3000, seed=2))
    assert fails(found, "dispersion", 10) == 1
    assert fails(found, "goodness_of_fit", 10) > 0.9
    assert keep(found, "linearity")
    # 1 + (W - 1) rho
    assert np.median(found.find("dispersion", 10).effect) == pytest.approx(1.45, abs=0.05)


def test_a_refractory_node_fails_in_gaps(rng):
    """After a spike five silent bins; otherwise bins are independent."""
    dense = np.zeros((40, 10, 300), bool)
    silent = np.zeros((40, 10), int)
    for t in range(300):
        dense[:, :, t] = (silent == 0) & (rng.random((40, 10)) < 0.12)
        silent = np.where(dense[:, :, t], 5, np.maximum(silent - 1, 0))
    found = assess(sn.SpikeRaster.from_dense(dense))
    assert fails(found, "gaps") == 1
    assert fails(found, "runs") > 0.9
    assert keep(found, "linearity", "stationarity")
    assert np.median(found.find("gaps").effect) < 0.5
    assert np.median(found.find("dispersion", 10).effect) < 0.7


def test_slow_changes_fail_in_autocorrelation(rng):
    phase = rng.random((40, 1)) * 2 * np.pi
    rate = 0.3 * (1 + 0.5 * np.sin(2 * np.pi * np.arange(3000) / 150 + phase))
    found = assess(sn.SpikeRaster.from_dense(rng.random((40, 3000)) < rate))
    assert fails(found, "autocorrelation", 10) == 1
    assert np.median(found.find("autocorrelation", 10).effect) > 0.1


def test_a_shuffled_schedule_is_the_null_hypothesis_and_a_blocked_one_is_not(rng):
    """Selective nodes; shuffled, MFF = 1 - MFR, and yet every test is passed."""
    labels = np.tile(np.arange(10), 100)
    spikes = rng.random((200, 1000)) < rng.beta(1, 2, (200, 10))[:, labels]
    recording = sn.SpikeRaster.from_dense(spikes, conditions=labels)
    shuffled = sn.present(recording, "shuffled", n_trials=20, n_bins=50, seed=1)
    found = assess(shuffled)
    alive = ~sn.dead(shuffled)
    mff = sn.fano_factor(shuffled, 10)[alive].mean()
    assert mff == pytest.approx(1 - sn.firing_rate(shuffled)[alive].mean(), rel=0.02)
    assert np.mean(found.passes_all[found.tested]) > 0.98
    blocked = assess(sn.present(recording, "blocked", n_trials=20, n_bins=50, seed=1))
    assert fails(blocked, "dispersion", 10) > 0.9
    assert blocked.schedule == "blocked"


# What is given back


def test_the_table_adds_up(found):
    rows = found.table()
    n_tests = len(found.tests) + 1
    assert [row["layer"] for row in rows[::n_tests]] == ["a", "b", "network"]
    for row, other, total in zip(rows[:n_tests], rows[n_tests:], rows[2 * n_tests :], strict=False):
        for key in ("n_nodes", "testable", "passed"):
            assert row[key] + other[key] == total[key]
    last = rows[-1]
    assert last["test"] == "all tests"
    assert last["passed"] == found.passes_all.sum()
    test = found.find("dispersion", 5)
    row = rows[0]
    assert (row["test"], row["window"]) == ("dispersion", 5)
    assert row["median"] == np.nanmedian(test.effect[:12])
    assert row["fraction"] == row["passed"] / row["testable"]


def test_the_dict_is_ready_for_json(found):
    table = json.loads(json.dumps(found.to_dict(per_node=True), allow_nan=False))
    assert set(table["tests"]) == set(TESTS)
    assert (table["schedule"], table["seed"], table["windows"]) == ("none", 0, [5, 20])
    layer = table["layers"][1]
    assert set(layer["tests"]["dispersion"]) == {"5", "20"}
    np.testing.assert_array_equal(
        np.array(layer["tests"]["dispersion"]["5"]["p_value"], float),
        found.find("dispersion", 5).p_value[12:],
    )
    assert "p_value" not in found.to_dict()["layers"][0]["tests"]["runs"]
    assert "p_value" not in table["network"]["tests"]["runs"]


def test_benjamini_and_yekutieli_are_stricter(raster, found):
    careful = sn.assess(raster, (5, 20), method="by")
    for one, other in zip(found.tests, careful.tests, strict=True):
        assert (other.q_value[one.testable] >= one.q_value[one.testable]).all()
    assert careful.method == "by"


def test_progress_is_reported(raster):
    seen = []
    sn.assess(raster, (5,), n_surrogates=400, progress=lambda *what: seen.append(what))
    assert {what for what, _, _ in seen} == {"assess: nodes", "assess: surrogates"}
    assert all(0 < done <= total for _, done, total in seen)
    assert seen[-1][1] == seen[-1][2]


@pytest.mark.parametrize("ending", ["png", "svg", "SVG"])
def test_the_figure(found, tmp_path, ending):
    path = tmp_path / f"f.{ending}"
    found.to_figure(path)
    content = path.read_bytes()
    if ending == "png":
        assert content.startswith(b"\x89PNG")
        return
    text = content.decode()
    assert "dispersion" in text
    assert "network" in text
    found.to_figure(tmp_path / "again.svg")
    assert (tmp_path / "again.svg").read_bytes() == content


def test_the_figure_of_many_layers_leaves_some_out(tmp_path):
    n = MOST_LAYERS + 10
    layers = tuple(sn.Layer(f"network{i or ''}", "ReLU", (1,), i, 1) for i in range(n))
    raster = replace(bernoulli(0.3, n, 2, 20), layers=layers)
    sn.assess(raster, (5,), n_surrogates=200).to_figure(tmp_path / "f.svg")
    assert "10 layers are not drawn" in (tmp_path / "f.svg").read_text().replace("\n", " ")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"windows": (51,)}, "1 to 50 bins"),
        ({"windows": (2.5,)}, "1 to 50 bins"),
        ({"level": 0.0}, "between 0 and 1"),
        ({"n_surrogates": 10}, "a whole number from 200"),
        ({"n_surrogates": 300.5}, "whole number"),
        ({"method": "bonferroni"}, "bh, by"),
        ({"seed": -1}, "2\\*\\*64"),
    ],
)
def test_wrong_arguments_are_refused(raster, changes, says):
    with pytest.raises(sn.StochnetError, match=says):
        sn.assess(raster, **changes)


def test_wrong_figures_are_refused(found, tmp_path):
    with pytest.raises(sn.StochnetError, match=r"\.png or \.svg"):
        found.to_figure(tmp_path / "f.jpeg")


# The command line


@pytest.fixture(scope="module")
def file(raster, tmp_path_factory):
    path = tmp_path_factory.mktemp("assess") / "r.h5"
    sn.write_raster(raster, path)
    return path


def test_the_command_prints_json_and_nothing_else(file, found, capfd):
    assert run("assess", file, "-w", 5, "-w", 20, "--json", "--per-node", "--quiet") == 0
    out, err = capfd.readouterr()
    assert err == ""
    assert json.loads(out) == found.to_dict(per_node=True)


def test_the_command_prints_tables_and_draws(file, capfd, tmp_path):
    words = ("-w", 5, "--surrogates", 300, "--seed", 7, "--level", 0.1, "--per-node")
    assert run("assess", file, *words, "--figure", tmp_path / "f.png") == 0
    out, err = capfd.readouterr()
    for word in ("schedule none", "dispersion, W=5", "all tests", "300 surrogates", "seed 7"):
        assert word in " ".join(out.split())
    assert "of 20" in err
    assert (tmp_path / "f.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("absent.h5",), "no file absent.h5"),
        (("{file}", "--window", 500), "1 to 50"),
        (("{file}", "--level", 2), "between 0 and 1"),
        (("{file}", "--surrogates", 5), "a whole number from 200"),
        (("{file}", "--seed", -1), "2**64"),
        (("{file}", "--figure", "f.pdf"), ".png or .svg"),
        (("{file}", "--figure", "nowhere/f.png"), "nowhere"),
    ],
)
def test_wrong_input_is_one_line_and_exit_2(words, says, file, capfd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("assess", *(str(word).format(file=file) for word in words)) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert says in err
    assert len(err.strip().splitlines()) == 1
