"""Verdicts from few trials: none where none can be given, and never one too often."""

from math import comb

import numpy as np
import pytest
from scipy import stats

import stochnet as sn
from stochnet.raster.layers import Layer
from stochnet.validation.comparison import LEVEL
from stochnet.validation.inference.adjustment import Tail, step_down
from stochnet.validation.inference.randomization import (
    Randomization,
    decides,
    exchanges,
    fewest_groups,
    n_exchanges,
)


def pair(k, trials, *, nodes=60, bins=50, p=0.2):
    rng = np.random.default_rng((k, *trials))
    return [sn.SpikeRaster.from_dense(rng.random((nodes, m, bins)) < p) for m in trials]


def verdicts(report):
    return {one.verdict for one in report.statistics}


@pytest.mark.parametrize("trials", [(1, 1), (2, 2), (60, 2), (2, 60), (3, 3), (4, 4)])
def test_too_few_trials_have_no_verdict_and_say_what_one_takes(trials):
    """The example of two trials and one window each differed 40 of 40 times."""
    report = sn.validate(*pair(0, trials, nodes=20), windows=(10, 50) if min(trials) > 1 else (10,))
    assert verdicts(report) == {"undecided"}
    assert not report.passed
    assert not report.meets(None)
    for one in report.statistics:
        assert one.distances == ()
        assert np.isnan([one.difference.low, one.difference.high]).all()
        assert one.needs == "at least 5 trials in both rasters"
    assert "it takes at least 5 trials in both rasters" in report.verdict


@pytest.mark.parametrize("trials", [(5, 5), (6, 6), (60, 5)])
@pytest.mark.parametrize("windows", [(10,), (10, 45), (50,)])
def test_a_p_value_is_one_that_the_exchanges_can_give(trials, windows):
    n = comb(2 * min(trials), min(trials)) // 2
    for k in range(3):
        report = sn.validate(*pair(k, trials), windows=windows, rng=k)
        for one in report.statistics:
            if one.p_value is not None and one.statistic not in ("dead", "saturated"):
                # Two distances of a statistic: twice the smaller p value.
                assert min(one.p_value, one.p_adjusted) >= 1 / n - 1e-12
            if one.difference.low == one.difference.low and one.n:
                assert one.difference.high > one.difference.low or one.statistic in (
                    "dead", "saturated",
                )  # fmt: skip


@pytest.mark.parametrize("trials", [(5, 5), (6, 6), (10, 10)])
def test_two_draws_of_one_process_are_told_apart_no_more_often_than_promised(trials):
    """Seeds are fixed. At 5 % more than 6 of 40 have a probability of 0.3 %."""
    apart = sum(
        bool(
            verdicts(sn.validate(*pair(k, trials), windows=(10, 50), rng=k)) & {"differs", "close"}
        )
        for k in range(40)
    )
    assert apart <= 6


def test_two_trials_of_each_of_ten_classes_are_enough():
    labels = np.repeat(np.arange(20) // 2, 50).reshape(20, 50)
    rng = np.random.default_rng(4)
    rates = rng.beta(1, 3, (80, 10))[:, labels]
    first, second = (
        sn.SpikeRaster.from_dense(rng.random(rates.shape) < rates, conditions=labels)
        for _ in range(2)
    )
    assert "undecided" not in verdicts(sn.validate(first, second, windows=(10, 50)))
    few = [raster.trials(slice(0, 4)) for raster in (first, second)]
    report = sn.validate(*few, windows=(10,))
    assert verdicts(report) == {"undecided"}
    assert report.statistics[0].needs == "at least 3 trials of every condition in both rasters"


def test_pieces_of_long_trials_stand_for_trials():
    report = sn.validate(*pair(0, (1, 1), bins=2000), windows=(10, 400))
    assert "undecided" not in {one.verdict for one in report.of() if one.window in (None, 10)}
    assert {one.verdict for one in report.of() if one.window == 400} == {"undecided"}
    assert any("pieces of trials are" in note for note in report.notes)
    assert any(note.startswith("No verdict on windows of 400 bins") for note in report.notes)


def test_trials_of_other_lengths_are_named():
    rng = np.random.default_rng(0)
    first = sn.SpikeRaster.from_dense(rng.random((40, 20, 50)) < 0.2)
    second = sn.SpikeRaster.from_dense(rng.random((40, 1, 1000)) < 0.2)
    report = sn.validate(first, second, windows=(10,))
    assert any("Trials of 50 bins are observed and of 1,000 simulated" in x for x in report.notes)
    assert report.find("rate over the trial") is None


@pytest.mark.parametrize(("n_strata", "each"), [(1, 4), (1, 6), (2, 3), (3, 2)])
def test_all_exchanges_are_made_once_where_they_are_few(n_strata, each):
    signs = exchanges(n_strata, each, 4000, np.random.default_rng(0))
    assert len(signs) == n_exchanges(n_strata, each) - 1
    assert len(np.unique(signs, axis=0)) == len(signs)
    own = np.repeat([1.0, -1.0], n_strata * each)
    assert not (signs == own).all(axis=1).any()
    assert not (signs == -own).all(axis=1).any()
    by_stratum = signs.reshape(-1, 2, n_strata, each).sum(axis=(1, 3))
    assert (by_stratum == 0).all()


def test_of_a_mean_it_is_the_permutation_test_of_scipy():
    """Exchanging groups is the exact two-sample permutation test of the mean of group values."""
    rng = np.random.default_rng(3)
    for each in (4, 5, 6):
        first, second = rng.normal(size=each), rng.normal(0.8, 1, each)
        known = stats.permutation_test(
            (first, second), lambda x, y, axis: x.mean(axis=axis) - y.mean(axis=axis),
            permutation_type="independent", n_resamples=np.inf, vectorized=True,
        )  # fmt: skip
        drawn = Randomization.of(1, each, rng)
        gap = first.mean() - second.mean()
        parts = np.concatenate([first - first.mean(), second - second.mean()]) / each
        found = step_down([abs(gap)], [drawn.of_mean(parts, np.array([gap]))])[0]
        assert found.p_value == pytest.approx(known.pvalue, abs=1e-12)


def test_strata_are_exchanged_within_themselves():
    """The difference of means of strata: against all exchanges, made by hand."""
    rng = np.random.default_rng(5)
    values = rng.normal(size=(2, 3, 2)) + np.array([[[0.0], [5.0], [-9.0]]])
    of_strata = values.mean(axis=2)
    gaps = (of_strata[0] - of_strata[1]) / 3
    parts = (values - of_strata[..., None]) / 6
    drawn = Randomization.of(3, 2, rng).of_mean(parts.ravel(), gaps)
    ways = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    pooled = values.transpose(1, 0, 2).reshape(3, 4)
    expected = []
    for a in ways:
        for b in ways:
            for c in ways:
                mine = [pooled[k, list(way)].sum() for k, way in enumerate((a, b, c))]
                expected.append(abs((2 * np.sum(mine) - pooled.sum()) / 6))
    expected = np.sort(np.array(expected).reshape(2, -1)[0])
    both = np.sort(np.append(drawn, abs(gaps.sum())))
    np.testing.assert_allclose(both, expected, atol=1e-12)


def test_what_decides_is_known_beforehand():
    assert [decides(1, m) for m in (3, 4, 5)] == [False, False, True]
    assert n_exchanges(1, 5) * LEVEL >= 1 > n_exchanges(1, 4) * LEVEL
    assert [fewest_groups(n) for n in (1, 2, 3, 10)] == [5, 3, 2, 2]


def test_five_trials_find_a_large_difference():
    rng = np.random.default_rng(1)
    first, second = (sn.SpikeRaster.from_dense(rng.random((60, 5, 50)) < p) for p in (0.2, 0.4))
    rate = sn.validate(first, second, windows=(10,)).find("firing rate")
    assert rate.verdict == "differs"
    # One over the 126 ways to deal ten trials, twice for the two distances.
    assert rate.p_value == pytest.approx(2 / 126)


def test_a_difference_is_found_in_a_network_of_many_layers():
    """Each of 700 distances has a largest draw: ranks of 4,000 could not order them."""
    rng = np.random.default_rng(2)
    layers = tuple(Layer(f"layer{k}", "ReLU", (10,), 10 * k, 10) for k in range(20))
    p = rng.beta(1, 3, (200, 1, 1))
    first, second, other = (
        sn.SpikeRaster.from_dense(rng.random((200, 30, 50)) < q, layers=layers)
        for q in (p, p, np.clip(1.5 * p, 0, 1))
    )
    assert not sn.validate(first, second, windows=(10,)).findings
    found = sn.validate(first, other, windows=(10,))
    assert found.find("firing rate").verdict == "differs"
    assert (
        sum(x.verdict == "differs" for x in found.statistics if x.statistic == "firing_rate") > 10
    )


def test_tails_keep_the_order_of_what_lies_in_them():
    rng = np.random.default_rng(0)
    draws = np.abs(rng.normal(size=400))
    tail = Tail.of(draws, 9.0)
    inside = np.sort(draws[draws > tail.start])
    found = tail.sharpen(np.full(len(inside), 0.5), inside)
    assert (np.diff(found) < 0).all()
    assert tail.sharpen(np.array([0.5]), np.array([tail.start]))[0] == 0.5
    assert tail.sharpen(np.array([1 / 401]), np.array([9.0]))[0] < 1e-3
    # Draws that are all alike have no tail.
    assert Tail.of(np.zeros(50), 0.0) is None
