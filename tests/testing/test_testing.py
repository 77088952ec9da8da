"""The public strategies, and `check_estimator`: sound estimators pass, planted bugs are named."""

import contextlib
import io
import math
import re
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

import stochnet as sn
from stochnet import testing
from stochnet.testing import (
    CHECKS,
    EstimatorFailure,
    bundles,
    check_estimator,
    conditions,
    dense,
    params,
    rasters,
    recordings,
    schedules,
    seeds,
)
from stochnet.testing.estimators import exact as exact_values
from stochnet.testing.estimators.targets import TARGETS
from tests.support import ROOT

W = 3
each = pytest.mark.parametrize("process", sn.PROCESSES.values(), ids=list(sn.PROCESSES))


# Strategies.


@given(dense(n_nodes=2, n_trials=(2, 3), n_bins=(5, 70)))
def test_dense_counts_have_the_sizes_asked_for(array):
    assert array.dtype == np.int64
    assert array.shape[0] == 2
    assert 2 <= array.shape[1] <= 3
    assert 5 <= array.shape[2] <= 70
    assert array.min() >= 0


@pytest.mark.parametrize(("counts", "kinds"), [(False, {"spikes"}), (True, {"counts"})])
def test_the_kind_of_a_raster_can_be_chosen(counts, kinds):
    @given(rasters(counts=counts))
    def check(raster):
        assert raster.kind in kinds

    check()


@pytest.mark.parametrize(
    "wanted",
    [
        lambda r: r.kind == "spikes" and sn.dead(r).any() and not sn.dead(r).all(),
        lambda r: sn.saturated(r).all() and r.n_nodes > 1,
        lambda r: r.data.dtype == np.uint8,
        lambda r: r.data.dtype == np.uint16,
        lambda r: r.n_bins == 64,
        lambda r: r.n_bins == 65 and sn.spike_count(r).any(),
        lambda r: r.conditions is None,
        lambda r: r.conditions is not None and (r.conditions == -1).any(),
        lambda r: sn.spike_count(r).sum() > 1000,
    ],
)
def test_all_kinds_of_rasters_are_drawn(wanted):
    few = settings(max_examples=500, database=None, phases=(Phase.generate,))
    assert wanted(find(rasters(), wanted, settings=few))


@given(st.integers(1, 4), st.integers(1, 40), st.integers(1, 5), st.booleans(), st.data())
def test_conditions_all_occur(n_trials, n_bins, n_conditions, unlabelled, data):
    labels = data.draw(
        conditions(n_trials, n_bins, n_conditions=n_conditions, unlabelled=unlabelled)
    )
    assert labels.shape == (n_trials, n_bins)
    assert labels.min() >= (-1 if unlabelled else 0)
    assert set(range(min(n_conditions, labels.size))) <= set(labels.reshape(-1).tolist())


@each
@given(data=st.data(), n_conditions=st.sampled_from([0, 2]), edges=st.booleans())
@settings(max_examples=10)
def test_parameters_are_valid(process, data, n_conditions, edges):
    drawn = data.draw(params(process, n_nodes=3, n_conditions=n_conditions, edges=edges))
    values = process.validate(drawn)
    for param in process.params:
        array = values[param.name]
        assert array.shape == ((3, 2) if n_conditions else (3,))
        if not edges:
            assert param.typical[0] <= array.min()
            assert array.max() <= param.typical[1]


@given(bundle=bundles(n_nodes=(2, 5), n_trials=2, n_bins=(1, 30)), seed=seeds())
@settings(max_examples=15)
def test_bundles_are_ready_to_be_simulated(bundle, seed):
    raster = sn.simulate(bundle, seed=seed)
    assert raster.shape == (bundle.n_nodes, 2, bundle.n_bins)
    assert raster.n_conditions <= bundle.n_conditions == (3 if bundle.conditions is not None else 0)
    assert all(1 <= fit.window <= bundle.n_bins for fit in bundle.fits)


def test_bundles_are_mixed_where_several_processes_may_be():
    names = {"bernoulli", "markov"}
    mixed = find(bundles(sorted(names)), lambda bundle: len(bundle.fits) == 2)
    assert set(mixed.process_names()) == names
    assert mixed.n_nodes == 2


@each
@given(data=st.data())
@settings(max_examples=5)
def test_rasters_of_a_process_are_simulated(process, data):
    raster = data.draw(
        rasters(process=process, n_nodes=2, n_bins=(3, 9), n_conditions=2, bin_width=0.5)
    )
    assert raster.kind == ("counts" if process.has_counts else "spikes")
    assert raster.n_nodes == 2
    assert raster.bin_width == 0.5
    assert raster.provenance["seed"] >= 0
    assert raster.n_conditions == 2


@pytest.mark.parametrize("window", [None, 2])
def test_the_window_of_a_bundle_can_be_chosen(window):
    @given(bundles("beta_bernoulli", n_bins=(2, 9), window=window))
    @settings(max_examples=5)
    def check(bundle):
        assert bundle.fits[0].window == window

    check()


@given(data=st.data(), recording=recordings(counts=None))
def test_schedules_can_be_presented(data, recording):
    schedule = data.draw(schedules(recording, n_trials=(1, 3), n_bins=(1, 9)))
    shown = sn.present(recording, schedule)
    stimuli = recording.to_dense().reshape(recording.n_nodes, -1)
    np.testing.assert_array_equal(shown.to_dense(), stimuli[:, schedule.order])
    if schedule.kind == "blocked":
        assert (np.ptp(shown.conditions, axis=1) == 0).all()


@given(data=st.data(), raster=rasters(n_conditions=0, n_bins=(1, 9)))
def test_without_classes_schedules_are_shuffled_or_sequential(data, raster):
    assert data.draw(schedules(raster)).kind in ("shuffled", "sequential")
    with pytest.raises(sn.StochnetError, match="need a class"):
        data.draw(schedules(raster, kinds=("blocked",)))


@pytest.mark.parametrize(
    ("strategy", "message"),
    [
        (dense(n_nodes=0), "n_nodes must be a number of at least 1"),
        (rasters(n_bins=(5, 4)), "n_bins must be a number of at least 1"),
        (rasters(process="bernoulli", counts=True), "leave out counts or process"),
        (rasters(process="nothing"), "no process 'nothing'"),
        (bundles(()), "at least one process"),
        (params("bernoulli", n_nodes=(0, 1)), "n_nodes must be"),
        (conditions(0, 3), "must be at least 1"),
    ],
)
def test_what_cannot_be_drawn_is_refused(strategy, message):
    @given(strategy)
    def draw(value):
        pass

    with pytest.raises(sn.StochnetError, match=message):
        draw()


def minimal(strategy, condition, seed):
    """The smallest example that Hypothesis finds, from a seed."""

    def search(value):
        if condition(value):
            found[:] = [value]
            raise LookupError

    found = []
    test = settings(
        max_examples=100, database=None, phases=(Phase.generate, Phase.shrink)
    )(given(strategy)(search))  # fmt: skip
    with pytest.raises(LookupError):
        __import__("hypothesis").seed(seed)(test)()
    return found[0]


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(
    ("condition", "smallest"),
    [
        (lambda a: a.sum() > 0, [[[1]]]),
        (lambda a: (a > 0).sum() > 1, [[[1, 1]]]),
        (lambda a: a.max() > 1, [[[2]]]),
        (lambda a: a.any() and not a.any(axis=(1, 2)).all(), [[[1]], [[0]]]),
        (lambda a: a.any(axis=(0, 2)).sum() > 2, [[[1], [1], [1]]]),
        (lambda a: a.shape[2] > 5 and a[0, 0, :3].any() != a[0, 0, 3:].any(), [[[1] + [0] * 5]]),
    ],
    ids=["a spike", "two spikes", "a count", "dead and alive", "three trials", "windows"],
)  # fmt: skip
def test_counterexamples_shrink_to_the_same_few_spikes(condition, smallest, seed):
    assert minimal(dense(), condition, seed).tolist() == smallest


def test_a_counterexample_prints_as_the_call_that_makes_it():
    @settings(database=None, phases=(Phase.generate, Phase.shrink), deadline=None)
    @given(rasters(n_conditions=0), rasters(process="bernoulli", n_conditions=0))
    def wrong(raster, simulated):
        assert not sn.spike_count(raster).any()

    with pytest.raises(AssertionError) as caught:
        wrong()
    note = "".join(caught.value.__notes__)
    assert "from_dense(array([[[1]]]))" in note
    call = re.sub(r"\s", "", note)
    assert "simulate(from_params('bernoulli',{'p':array([0.5])},window=1," in call, note


# Exact values.


@given(rasters(n_conditions=0), st.integers(1, 9))
def test_exact_values_are_those_of_the_library(raster, window):
    counts = raster.to_dense().astype(int)
    rates = [float(value) for value in TARGETS["rate"].exact(counts, window)]
    np.testing.assert_allclose(sn.firing_rate(raster), rates, rtol=1e-15)
    if raster.n_trials * (raster.n_bins // window) >= 2:
        fanos = [math.nan if v is None else float(v) for v in TARGETS["fano"].exact(counts, window)]
        np.testing.assert_array_equal(sn.fano_factor(raster, window), fanos)


@given(st.lists(st.integers(0, 9), min_size=2, max_size=9).filter(any))
def test_doubling_multiplies_a_variance_with_ddof_1_by_an_exact_factor(counts):
    n, before = len(counts), exact_values.dispersion(counts)
    after = exact_values.dispersion(counts * 2)
    assert after == before * Fraction(2 * (n - 1), 2 * n - 1)
    # With ddof=0 nothing changes: this tells the two apart.
    assert exact_values.dispersion(counts * 2, 0) == exact_values.dispersion(counts, 0)


# Sound estimators.


def window_counts(counts, window=W):
    n = counts.shape[2] // window
    return counts[:, :, : n * window].reshape(len(counts), -1, window).sum(axis=2)


def numpy_fano(counts, ddof=1, window=W):
    found = window_counts(counts, window)
    with np.errstate(all="ignore"):
        return found.var(axis=1, ddof=ddof) / found.mean(axis=1)


def mean_fano(raster):
    fano = sn.fano_factor(raster, W)
    return fano[~np.isnan(fano)].mean() if not np.isnan(fano).all() else math.nan


def fitted(name, process, **options):
    """Values and standard errors of a fit."""

    def estimate(raster):
        fit = sn.fit(raster, process, **options)
        return fit.params[name], fit.standard_errors[name]

    return estimate


FANO = {"of": "fano", "window": W}
DENSE = {"takes": "dense"}
SOUND = {
    "rate": (sn.firing_rate, "bernoulli", {}),
    "rate of counts": (sn.firing_rate, "negative_binomial", {"window": 5, "n_nodes": 40}),
    "fano": (lambda r: sn.fano_factor(r, W), "beta_bernoulli", FANO),
    "fano in long windows": (lambda r: sn.fano_factor(r, 10), "markov",
                             {"of": "fano", "window": 10}),
    "numpy rate": (lambda x: x.mean(axis=(1, 2)), "markov", DENSE),
    "numpy fano": (numpy_fano, "bernoulli", FANO | DENSE),
    "network rate": (lambda r: sn.firing_rate(r).mean(), "bernoulli", {"of": "mfr"}),
    "network fano": (mean_fano, "bernoulli", {"of": "mff", "window": W}),
    "p": (fitted("p", "bernoulli"), "bernoulli", {"of": "p", "dead": 0.0, "repeated": "same"}),
    "p after spike": (fitted("p_after_spike", "markov"), "markov", {"of": "p_after_spike"}),
    "a function": (lambda r: 1 - sn.firing_rate(r), "bernoulli",
                   {"of": lambda params, window: 1 - params["p"], "dead": 1.0, "bin_order": False,
                    "repeated": "same"}),
}  # fmt: skip


@pytest.mark.parametrize("case", SOUND)
def test_sound_estimators_pass(case):
    """At a level of 1e-4 each check of recovery fails by chance once in 10,000 seeds."""
    estimator, process, options = SOUND[case]
    report = check_estimator(estimator, process, max_examples=15, **options)
    assert report.passed
    assert [one.check for one in report.outcomes] == list(CHECKS)
    assert report["recovery"].status == "passed"
    assert len(report.points) == 6
    gives_errors = case.startswith("p")
    assert report["coverage"].status == ("passed" if gives_errors else "skipped")
    assert f"{'recovery':18} passed   {process}" in str(report)


def test_what_does_not_apply_is_skipped_and_says_why():
    report = check_estimator(sn.firing_rate, kinds=["spikes"], max_examples=5)
    skipped = {one.check: one.detail for one in report.outcomes if one.status == "skipped"}
    assert skipped == {
        "scale": "spikes are 0 or 1", "recovery": "no process given", "coverage": "no process given"
    }  # fmt: skip
    report = check_estimator(numpy_fano, checks=["bins_permuted", "scale"], **FANO, **DENSE)
    assert [one.status for one in report.outcomes] == ["skipped", "passed"]


def test_errors_that_an_estimator_may_raise_are_borne():
    def picky(raster):
        if sn.dead(raster).any():
            raise KeyError("no spikes")
        return sn.firing_rate(raster)

    checks = ["output", "nodes_sliced", "reference", "degenerate", "recovery"]
    assert check_estimator(picky, "bernoulli", raises=(KeyError,), checks=checks).passed
    report = check_estimator(picky, checks=["output"], raise_on_failure=False)
    assert "it raised KeyError: 'no spikes'" in report["output"].detail
    assert report["output"].counts.tolist() == [[[0]]]


# Planted bugs.


def with_rates(change):
    """An estimator of rates, from a change of the rates of dense counts."""
    return lambda counts: change(counts.mean(axis=(1, 2)), counts)


def over_active_nodes(rates, counts):
    return rates / max(1, (rates > 0).sum())


def active_mean(counts):
    rates = counts.mean(axis=(1, 2))
    return rates[rates > 0].mean() if rates.any() else 0.0


def sliding(counts):
    windows = np.lib.stride_tricks.sliding_window_view(counts, W, axis=2).sum(axis=3)
    flat = windows.reshape(len(counts), -1)
    with np.errstate(all="ignore"):
        return flat.var(axis=1, ddof=1) / flat.mean(axis=1)


def by_position(counts):
    """The bins in the second half of a trial count double."""
    weight = np.where(np.arange(counts.shape[2]) < counts.shape[2] // 2, 1.0, 2.0)
    return (counts * weight / weight.mean()).mean(axis=(1, 2))


def overflowing(raster):
    """Sums in the bytes of the raster."""
    return raster.to_dense().sum(axis=(1, 2), dtype=np.uint8) / (raster.n_trials * raster.n_bins)


def in_place(counts):
    total = counts.sum(axis=(1, 2)) / counts[0].size
    counts -= 1
    return total


def labelled_only(raster):
    keep = raster.conditions >= 0 if raster.conditions is not None else slice(None)
    return raster.to_dense()[:, keep].reshape(raster.n_nodes, -1).mean(axis=1, dtype=float)


CALLS = iter(range(10**9))
PLANTED = {
    "ddof=0": (lambda x: numpy_fano(x, ddof=0), FANO | DENSE,
               {"repeated", "reference"}, "the Fano factor with ddof=0"),
    "window too short": (lambda x: numpy_fano(x, window=W - 1), FANO | DENSE,
                         {"reference", "degenerate"},
                         "the Fano factor in windows of 2 bins: a window must have 3"),
    "window too long": (lambda x: numpy_fano(x, window=W + 1), FANO | DENSE,
                        {"reference"}, "the Fano factor in windows of 4 bins"),
    "overlapping windows": (sliding, FANO | DENSE, {"reference"}, "in windows that overlap"),
    "windows across trials": (lambda x: numpy_fano(x.reshape(len(x), 1, -1)), FANO | DENSE,
                              {"trials_permuted"}, "in windows across trials"),
    "active bins": (lambda x: numpy_fano(x > 0), FANO | DENSE, {"scale"},
                    "the Fano factor of bins with a spike"),
    "active nodes only": (active_mean, {"of": "mfr"} | DENSE, {"nodes_sliced", "reference"},
                          "the mean over active nodes only: dead nodes count"),
    "over active nodes": (with_rates(over_active_nodes), DENSE, {"nodes_sliced"},
                          "the rate over the number of active nodes"),
    "dead nodes left out": (with_rates(lambda r, _: r[r > 0]), DENSE, {"output", "degenerate"}, ""),
    "sorted": (with_rates(lambda r, _: np.sort(r)), DENSE, {"nodes_permuted", "nodes_sliced"}, ""),
    "spikes per trial": (with_rates(lambda r, x: r * x.shape[2]), DENSE, {"reference"},
                         "the spikes per trial"),
    "total": (lambda r: sn.spike_count(r) * 1.0, {}, {"repeated"},
              "the spikes of the whole raster"),
    "last bin left out": (lambda x: x[:, :, :-1].sum(axis=(1, 2)) / x[0].size, DENSE,
                          {"bins_permuted"}, "those in last bins, over all bins"),
    "weighted bins": (by_position, DENSE, {"bins_permuted"}, ""),
    "first trial twice": (lambda x: np.concatenate([x, x[:, :1]], 1).mean(axis=(1, 2)), DENSE,
                          {"trials_permuted", "repeated"}, ""),
    "overflow": (overflowing, {}, {"degenerate"}, ""),
    "NaN for dead nodes": (with_rates(lambda r, _: np.where(r > 0, r, np.nan)), DENSE,
                           {"reference", "degenerate"}, ""),
    "warning": (lambda x: np.zeros(len(x)) / np.zeros(len(x)) * 0 if not x.any()
                else x.mean(axis=(1, 2)), DENSE | {"dead": None}, {"degenerate"}, ""),
    "in place": (in_place, DENSE, {"output"}, ""),
    "random": (lambda r: sn.firing_rate(r) + 1e-6 * (next(CALLS) % 7), {}, {"output"}, ""),
    "conditions": (labelled_only, {}, {"conditions_ignored"}, ""),
    "one number": (lambda r: sn.firing_rate(r).mean(), {}, {"output", "degenerate"}, ""),
    "no number": (lambda r: "high", {}, {"output"}, ""),
    "raises": (lambda r: 1 // 0, {}, {"output", "degenerate"}, ""),
}  # fmt: skip


@pytest.mark.parametrize("bug", PLANTED)
def test_planted_bugs_are_found_and_named(bug):
    estimator, options, expected, cause = PLANTED[bug]
    report = check_estimator(
        estimator, max_examples=100, checks=sorted(expected), raise_on_failure=False, **options
    )
    assert {one.check for one in report.failed} == expected, str(report)
    assert cause in report.cause
    assert bool(cause) == bool(report.cause), report.cause
    for one in report.failed:
        assert one.counts is None or one.counts.size <= 150


NAMED = [(name, suspect.what) for name, target in TARGETS.items() for suspect in target.suspects]


@pytest.mark.parametrize(("of", "what"), NAMED)
def test_every_suspect_is_named(of, what):
    """An estimator that computes exactly this wrong thing; two names may mean the same thing."""
    target = TARGETS[of]
    suspect = next(one for one in target.suspects if one.what == what)

    def wrong(counts):
        values = [math.nan if v is None else float(v) for v in suspect.value(counts, W)]
        return values[0] if target.network else np.array(values)

    # Rasters at the edge are quick to try, and tell most of them.
    for checks in (["degenerate"], ["reference"]):
        report = check_estimator(
            wrong, of=of, window=W if target.n_windows else None, takes="dense", checks=checks,
            raise_on_failure=False,
        )  # fmt: skip
        if not report.passed:
            break
    assert what.format(shorter=W - 1, longer=W + 1) in report.cause


@pytest.mark.parametrize("seed", [0, 1])
def test_counterexamples_do_not_depend_on_the_seed(seed):
    for estimator, of, window, smallest in (
        (lambda x: numpy_fano(x, ddof=0), "fano", W, [[[1, 0, 0, 0, 0, 0]]]),
        (lambda x: x.mean(axis=2).sum(axis=1), "rate", None, [[[1], [0]]]),
        (active_mean, "mfr", None, [[[1]], [[0]]]),
    ):
        report = check_estimator(
            estimator, of=of, window=window, takes="dense", checks=["reference"], seed=seed,
            raise_on_failure=False,
        )  # fmt: skip
        assert report["reference"].counts.tolist() == smallest


# Recovery.


def test_a_biased_estimator_of_a_parameter_is_found_by_recovery():
    report = check_estimator(
        lambda r: 0.97 * sn.firing_rate(r), "bernoulli", of="p", raise_on_failure=False,
        max_examples=5,
    )  # fmt: skip
    assert [one.check for one in report.failed] == ["recovery"]
    assert re.search(r"it is 0\.9[67]\d+ times the truth", report["recovery"].hint)
    assert check_estimator(
        lambda r: 0.97 * sn.firing_rate(r), "bernoulli", of="p", checks=["recovery"], tolerance=0.05
    ).passed


@pytest.mark.parametrize(("factor", "word"), [(0.7, "small"), (1.5, "large")])
def test_wrong_standard_errors_are_found_by_coverage(factor, word):
    def wrong(raster):
        fit = sn.fit(raster, "bernoulli")
        return fit.params["p"], factor * fit.standard_errors["p"]

    report = check_estimator(wrong, "bernoulli", of="p", checks=["recovery", "coverage"],
                             raise_on_failure=False)  # fmt: skip
    assert [one.check for one in report.failed] == ["coverage"]
    assert report["coverage"].hint == f"the standard errors are too {word}"


def test_given_parameters_are_the_points():
    report = check_estimator(
        lambda r: sn.fano_factor(r, W), "bernoulli", of="fano", window=W, checks=["recovery"],
        params={"p": [0.2, 0.5]}, n_nodes=50, n_trials=80, n_bins=9,
    )  # fmt: skip
    assert [point.truth for point in report.points] == pytest.approx([0.8, 0.5])
    assert [point.n for point in report.points] == [50, 50]


def test_what_cannot_be_estimated_from_a_simulation_is_reported():
    report = check_estimator(lambda r: np.full(r.n_nodes, np.nan), "bernoulli", of="p",
                             checks=["recovery", "coverage"], raise_on_failure=False)  # fmt: skip
    assert re.fullmatch(r"it gave NaN for a node with \d+ spikes", report["recovery"].detail)
    assert report["coverage"].status == "skipped"

    def refuse(raster):
        raise KeyError("never")

    report = check_estimator(refuse, "bernoulli", of="p", raises=(KeyError,),
                             checks=["output", "recovery"], raise_on_failure=False)  # fmt: skip
    assert "it refused what was simulated: 'never'" in report["recovery"].detail
    assert report["output"].detail == "it raised an error for every raster"


def test_false_alarms_are_as_rare_as_stated():
    """60 seeds at a level of 0.1 without tolerance: 16 failures or more once in 1,000 runs."""
    alarms = sum(
        not check_estimator(
            sn.firing_rate, "bernoulli", checks=["recovery"], seed=seed, level=0.1, tolerance=0.0,
            n_nodes=40, n_trials=40, params={"p": [0.2, 0.5]}, raise_on_failure=False,
        ).passed
        for seed in range(60)
    )  # fmt: skip
    assert 1 <= alarms <= 15


# The report.


def test_a_failure_is_an_assertion_with_the_report():
    with pytest.raises(AssertionError, match="likely cause") as caught:
        check_estimator(lambda x: numpy_fano(x, ddof=0), checks=["repeated"], **FANO, **DENSE)
    assert isinstance(caught.value, EstimatorFailure)
    assert isinstance(caught.value, sn.StochnetError)
    assert str(caught.value) == str(caught.value.report)
    assert not caught.value.report.passed
    with pytest.raises(sn.StochnetError, match="no check 'nothing'"):
        caught.value.report["nothing"]


def test_a_report_can_be_repeated():
    texts = {
        str(check_estimator(sliding, "markov", checks=["reference", "recovery"], seed=5,
                            raise_on_failure=False, **FANO, **DENSE))
        for _ in range(2)
    }  # fmt: skip
    assert len(texts) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"of": "fano"}, "give window"),
        ({"of": "q", "process": "bernoulli"}, r"a parameter of the process \(p\)"),
        ({"of": "p"}, "of must be rate, fano"),
        ({"process": "nothing"}, "no process"),
        ({"kinds": ["words"]}, "kinds must be some of"),
        ({"kinds": "spikes"}, "kinds must be some of"),
        ({"checks": ["nothing"]}, "checks must be some of output"),
        ({"checks": "scale"}, "checks must be some of output"),
        ({"takes": "list"}, "takes must be"),
        ({"level": 0.0}, "level must lie"),
        ({"n_nodes": 3}, "n_nodes must be at least 10"),
        ({"window": 9, "n_bins": 8}, "1 to n_bins = 8"),
        ({"process": "bernoulli", "params": {"q": [0.1]}}, "has the parameters"),
        ({"process": "bernoulli", "params": {"p": [[0.1]]}}, r"must be \(point,\)"),
        ({"process": "bernoulli", "of": lambda params, window: 1.0}, "of must return 6 values"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(options, message):
    with pytest.raises(sn.StochnetError, match=message):
        check_estimator(sn.firing_rate, **({"max_examples": 1} | options))


# The package and its page.


def test_without_hypothesis_the_missing_extra_is_named():
    code = (
        "import sys; sys.modules['hypothesis'] = None\n"
        "import stochnet\n"
        "try:\n    import stochnet.testing\n"
        "except stochnet.StochnetError as error:\n"
        "    print(type(error).__name__, isinstance(error, ImportError), error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.startswith("MissingExtraError True hypothesis is needed here")
    assert "pip install 'stochnet[testing]'" in done.stdout


def test_every_public_name_is_there_and_documented():
    for name in testing.__all__:
        thing = getattr(testing, name)
        assert name == "CHECKS" or thing.__doc__, name


def blocks():
    """Code of the page on testing, each with the text that stands below it, if any."""
    text = (ROOT / "docs" / "testing-estimators.md").read_text(encoding="utf-8")
    found = re.findall(r"^```(python|text)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    for place, (kind, body) in enumerate(found):
        if kind == "python":
            after = found[place + 1] if place + 1 < len(found) else ("", "")
            yield body, after[1] if after[0] == "text" else None


def test_the_page_on_testing_says_what_really_happens():
    names = {}
    assert len(list(blocks())) > 5
    for code, expected in blocks():
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(code, "testing-estimators.md", "exec"), names)
        if expected is not None:
            assert out.getvalue().rstrip() == expected.rstrip()
    tests = [thing for name, thing in names.items() if name.startswith("test_")]
    assert len(tests) >= 2
    for test in tests:
        test()
