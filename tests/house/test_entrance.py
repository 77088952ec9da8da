"""Whatever is given to a public function: a `StochnetError`, or a result, and nothing else.

Every argument of every public function is replaced by objects of all kinds, one at a time; sizes
are small or absurd, so that no call is long and none asks for memory.
"""

import contextlib
import datetime as dt
import decimal
import fractions
import inspect
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

import stochnet as sn
from tests.support import ROOT

rng = np.random.default_rng(7)
LABELS = np.repeat([[0], [1], [0], [1]], 20, axis=1)
RASTER = sn.SpikeRaster.from_dense(rng.random((3, 4, 20)) < 0.3, conditions=LABELS, bin_width=0.001)
# Nothing can be tested in it, so that a test of all takes no time.
SILENT = sn.SpikeRaster.from_dense(np.zeros((1, 2, 20), int))
SUMMARY = sn.RasterSummary.of(RASTER, window=5)
BUNDLE = sn.fit_bundle(RASTER, "bernoulli", per_condition=True)
FIT = sn.fit(RASTER, "beta_bernoulli", window=5)
LATENTS = sn.Latents.independent(np.full((3, 2), 0.3))
POPULATION = sn.fit_populations(BUNDLE)[0]
SCHEDULE = sn.make_schedule("shuffled", 80, 4, 20, seed=1)
NOWHERE = "/nowhere/at/all.h5"
SPEC = {"schedule": {"bins": 10}, "layers": [{"name": "a", "nodes": 2, "params": {"p": 0.5}}]}


class Unshowable:
    """An object that cannot even be shown."""

    def __repr__(self):
        raise RuntimeError("no")


# Every public function and method with arguments that work; those that write or start processes
# have one that fails last, so that nothing is written or started.
CALLS = {
    "SpikeRaster": (sn.SpikeRaster, {"data": RASTER.data, "n_bins": 20, "conditions": LABELS}),
    "SpikeRaster.from_dense": (
        sn.SpikeRaster.from_dense,
        {"counts": [[[0, 1]]], "conditions": [[0, 1]], "bin_width": 0.1, "stimuli": [0, 1]},
    ),
    "SpikeRaster.from_spike_times": (
        sn.SpikeRaster.from_spike_times,
        {"times": [[0.1]], "bin_width": 0.1, "n_bins": 5, "start": 0.0},
    ),
    "SpikeRaster.block": (RASTER.block, {"nodes": slice(0, 2)}),
    "SpikeRaster.blocks": (lambda max_bytes: list(RASTER.blocks(max_bytes)), {"max_bytes": 99}),
    "SpikeRaster.layer": (RASTER.layer, {"name": "nodes"}),
    "SpikeRaster.trials": (RASTER.trials, {"trials": [0, 1]}),
    "SpikeRaster.to_dense": (RASTER.to_dense, {"nodes": slice(0, 2)}),
    "SpikeRaster.spike_times": (RASTER.spike_times, {"node": 0, "trial": 1}),
    "Layer": (
        lambda **facts: sn.SpikeRaster.from_dense([[[1]]], layers=[sn.Layer(**facts)]),
        {"name": "a", "kind": "b", "shape": (1,), "first": 0, "n_nodes": 1},
    ),
    "Schedule": (
        lambda **facts: sn.present(RASTER, sn.Schedule(**facts)),
        {"kind": "shuffled", "order": SCHEDULE.order, "seed": 1},
    ),
    "Bundle": (sn.Bundle, {"fits": (FIT,), "layers": (), "n_trials": 2, "n_bins": 5}),
    "Bundle.from_params": (
        sn.Bundle.from_params,
        {
            "process": "poisson", "params": {"rate": [1.0, 2.0]}, "window": 5, "n_trials": 2,
            "n_bins": 5, "bin_width": 0.1, "conditions": None,
        },
    ),
    "Bundle.from_params, params": (
        lambda rate: sn.Bundle.from_params("poisson", {"rate": rate}), {"rate": [1.0]},
    ),
    "Bundle.resample": (BUNDLE.resample, {"n_nodes": 4, "rng": 1, "law": "empirical"}),
    "Latents": (
        sn.Latents, {"loadings": [[0.1]], "mixing": [[1.0]], "trial": [0.1]},
    ),
    "Latents.independent": (
        sn.Latents.independent, {"loadings": [[0.1]], "n_layers": 1, "trial": [0.1]},
    ),
    "Latents.correlation": (
        LATENTS.correlation, {"first": [0], "second": [1], "layer": [0, 0, 0]},
    ),
    "Population.draw": (POPULATION.draw, {"n": 3, "rng": np.random.default_rng(1)}),
    "ProcessFit.interval": (FIT.interval, {"name": "p", "level": 0.9}),
    "ProcessFit.take": (FIT.take, {"rows": [0, 1]}),
    "Process.validate": (sn.PROCESSES["poisson"].validate, {"params": {"rate": [1.0]}}),
    "RasterSummary.of": (
        sn.RasterSummary.of,
        {"raster": RASTER, "window": 5, "per_condition": True, "parts": ["windows"]},
    ),
    "SummarySink": (
        sn.SummarySink, {"window": 5, "per_condition": True, "parts": ["windows"]},
    ),
    "SummarySink.begin": (sn.SummarySink().begin, {"raster": RASTER}),
    "SummarySink.take": (sn.SummarySink().take, {"first_node": 0, "block": RASTER}),
    "SummarySink.read": (sn.SummarySink().read, {"raster": RASTER}),
    "Workers": (sn.Workers, {"n": 1}),
    "assess": (
        sn.assess,
        {"raster": SILENT, "windows": [5], "n_surrogates": 200, "seed": 1, "level": 0.05},
    ),
    "autocorrelation": (sn.autocorrelation, {"raster": RASTER, "lag": 1}),
    "cv2": (sn.cv2, {"raster": RASTER}),
    "cv_isi": (sn.cv_isi, {"raster": RASTER}),
    "dead": (sn.dead, {"raster": RASTER}),
    "fano_factor": (sn.fano_factor, {"raster": RASTER, "window": 5}),
    "firing_rate": (sn.firing_rate, {"raster": RASTER, "per": "bin"}),
    "fit": (sn.fit, {"raster": RASTER, "process": "bernoulli", "window": 5}),
    "fit_bundle": (
        sn.fit_bundle,
        {"raster": RASTER, "process": "poisson", "processes": ["bernoulli"], "window": 5},
    ),
    "fit_populations": (sn.fit_populations, {"bundle": BUNDLE}),
    "generate": (sn.generate, {"spec": SPEC, "rng": 1}),
    "lv": (sn.lv, {"raster": RASTER}),
    "make_schedule": (
        sn.make_schedule,
        {"kind": "blocked", "n_stimuli": 4, "n_trials": 2, "n_bins": 2, "labels": [0, 1, 0, 1]},
    ),
    "merge": (sn.merge, {"paths": ["a.h5"], "path": NOWHERE}),
    "pairwise_correlation": (
        sn.pairwise_correlation, {"raster": RASTER, "first": [0], "second": [1]},
    ),
    "population_count": (sn.population_count, {"raster": RASTER}),
    "present": (
        sn.present,
        {"raster": RASTER, "schedule": "blocked", "n_trials": 2, "n_bins": 5, "by": "label"},
    ),
    "rate_by_condition": (sn.rate_by_condition, {"raster": RASTER, "per": "bin"}),
    "read_bundle": (sn.read_bundle, {"path": NOWHERE}),
    "read_raster": (sn.read_raster, {"path": NOWHERE}),
    "read_summary": (sn.read_summary, {"path": NOWHERE}),
    "rebin": (sn.rebin, {"raster": RASTER, "window": 5, "path": NOWHERE}),
    "run_study": (sn.run_study, {"folder": "/nowhere", "output": "/nowhere"}),
    "sample_pairs": (sn.sample_pairs, {"n_nodes": 4, "n_pairs": 2, "rng": 1}),
    "saturated": (sn.saturated, {"raster": RASTER}),
    "select": (
        sn.select,
        {"raster": RASTER, "processes": ["bernoulli"], "criterion": "held_out", "folds": 2},
    ),
    "simulate": (
        sn.simulate,
        {"bundle": BUNDLE, "n_trials": 2, "n_bins": 5, "seed": 1, "conditions": [[0] * 5] * 2},
    ),
    "spike_count": (sn.spike_count, {"raster": RASTER}),
    "split_trials": (sn.split_trials, {"raster": RASTER, "fraction": 0.5, "rng": 1}),
    "validate": (
        sn.validate,
        {
            "observed": RASTER, "simulated": RASTER, "windows": [5],
            "statistics": ["firing_rate"], "n_pairs": 1, "rng": 1,
        },
    ),
    "verify": (sn.verify, {"path": NOWHERE}),
    "window_counts": (sn.window_counts, {"raster": RASTER, "window": 5}),
    "write_bundle": (sn.write_bundle, {"bundle": BUNDLE, "path": NOWHERE}),
    "write_raster": (sn.write_raster, {"raster": RASTER, "path": NOWHERE}),
    "write_summary": (sn.write_summary, {"summary": SUMMARY, "path": NOWHERE}),
    "benchmark.generate": (sn.benchmark.generate, {"suite": "rates", "folder": str(ROOT)}),
    "benchmark.read_benchmark": (sn.benchmark.read_benchmark, {"folder": str(ROOT)}),
    "benchmark.score": (
        sn.benchmark.score, {"folder": str(ROOT), "estimates": [NOWHERE]},
    ),
}  # fmt: skip
# Public names that take no arguments of a user: results, records of results, constants.
RESULTS = {
    "Assessment", "Flag", "PROCESSES", "Population", "Process", "ProcessFit", "RasterSummary",
    "Report", "StochnetError", "StudyResult", "benchmark",
}  # fmt: skip
# Need torch: tests/recording/networks.
RECORDING = {"record", "record_summary"}

OBJECTS = [
    None, True, False, 0, 1, -1, 3, 10**30, -(10**30), 0.0, 2.0, 2.5, -0.5, 1e-300, 1e300,
    np.nan, np.inf, 2j, "", "x", "5", "1ms", "auto", "bernoulli", "rates", b"x", bytearray(b"x"),
    [], [0], [0, 1], [1, 2.5], [None], ["a"], ["bernoulli", 1], [[1], [2, 3]], [[0, 1], [1, 0]],
    [[[0, 1]], [[1, 0]]], (), (1, 2), {}, {"a": 1}, {1: 2, "b": 3}, {"rate": "x"}, {0, 1},
    frozenset(), range(3), iter([1, 2]), (x for x in [1]), object(), Unshowable(), int, dict,
    sn.SpikeRaster, len, lambda *a, **k: 5, Path("."), Path("/nowhere"), "/no\0where", "x" * 5000,
    "\udcff\ud800", NotImplemented, ..., slice(None), slice("a", 1.5), slice(5, 2), [slice(0, 1)],
    fractions.Fraction(1, 2), decimal.Decimal("0.1"), dt.timedelta(seconds=1),
    np.int64(2), np.float32(0.5), np.bool_(True), np.array(2), np.array(0.5), np.array([0, 1]),
    np.array([0.5, np.nan]), np.array([True, False]), np.array(["a"]), np.array([None, 1]),
    np.zeros((0,)), np.zeros((2, 0)), np.zeros((1, 1, 1, 1)), np.array([1, 2], "m8[s]"),
    np.array(["2024-01-01"], "M8[D]"), np.array([(1, 2.0)], "i4,f8"), np.array([1j]),
    np.ma.masked_array([1, 2], mask=[0, 1]), np.ma.masked, sparse.csr_array(np.eye(2)),
    np.random.default_rng(1), np.random.SeedSequence(1), RASTER, SUMMARY, BUNDLE, FIT, LATENTS,
    SCHEDULE, sn.PROCESSES["markov"], (FIT, FIT), [RASTER], (sn.Layer("a", "b", (3,), 0, 3),),
]  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def _folder_of_its_own(tmp_path_factory):
    """Texts are paths for some functions, which write there."""
    with contextlib.chdir(tmp_path_factory.mktemp("entrance")):
        yield


def check(name, argument, value):
    function, good = CALLS[name]
    if argument == "progress" and callable(value):
        return  # a function of the user's own may raise what it likes
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            function(**{**good, argument: value})
    except sn.StochnetError as error:
        text = str(error)
        assert text, (name, argument)
        assert "\n" not in text or name == "generate", text


def arguments():
    for name, (function, good) in CALLS.items():
        named = {p.name for p in inspect.signature(function).parameters.values()
                 if p.kind is not p.VAR_KEYWORD}  # fmt: skip
        for argument in sorted(named | set(good)):
            yield name, argument


def test_every_public_function_is_called_here():
    named = {name.split(".")[0] for name in CALLS}
    assert named | RESULTS | RECORDING == set(sn.__all__)


@pytest.mark.parametrize("name", [n for n in CALLS if NOWHERE not in str(CALLS[n][1])])
def test_the_arguments_that_are_replaced_work_themselves(name):
    function, good = CALLS[name]
    if "nowhere" in str(good) or str(ROOT) in str(good) or name.startswith("SummarySink."):
        return
    function(**good)


@pytest.mark.parametrize(("name", "argument"), list(arguments()))
def test_any_object_is_refused_in_one_line_or_gives_a_result(name, argument):
    for value in OBJECTS:
        check(name, argument, value)


def numbers():
    """Small numbers and absurd ones, of all types: no call with one is long."""
    near = st.integers(-30, 30) | st.floats(-30, 30) | st.integers(2**70, 2**80)
    special = st.sampled_from([np.nan, np.inf, -np.inf, 1e300, 5e-324, -0.0])
    return near | special | near.filter(lambda x: abs(x) < 100).map(np.float32)


def anything():
    leaves = (
        st.none() | st.booleans() | numbers() | st.text(max_size=4) | st.binary(max_size=4)
        | st.sampled_from([one for one in OBJECTS if not isinstance(one, Unshowable)])
    )  # fmt: skip
    return st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.text(max_size=3) | st.integers(0, 3), inner, max_size=3)
            | st.tuples(inner, inner)
        ),
        max_leaves=6,
    )


@settings(max_examples=400)
@given(st.sampled_from(list(arguments())), anything())
def test_arbitrary_objects_are_refused_or_give_a_result(call, value):
    check(*call, value)
