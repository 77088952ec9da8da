"""What every process must hold, run over the registry: a new process is tested by being there."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import stochnet as sn
from stochnet.kernels import rng as streams
from stochnet.process import Flag
from stochnet.simulation.draw import Run
from stochnet.simulation.drawn_nodes import DrawnNodes
from stochnet.statistics.summary.parts import DEFAULT_PARTS
from stochnet.storage import bundle_digest, raster_digest
from stochnet.testing import params, seeds
from tests.support import naive

SEED = 0xFEDCBA9876543210
WINDOW = 50
each = pytest.mark.parametrize("process", sn.PROCESSES.values(), ids=list(sn.PROCESSES))


def typical(process, n_nodes, n_conditions=0):
    """Parameters over the typical range of a process, in an order of their own each."""
    rng = np.random.default_rng(3)
    shape = (n_nodes, n_conditions) if n_conditions else (n_nodes,)
    return {p.name: p.draw(rng, shape) for p in process.params}


def pooled(process, n_nodes=5):
    return sn.Bundle.from_params(process, typical(process, n_nodes), window=WINDOW)


def labels(n_trials, n_bins, n_conditions=3):
    """Runs of conditions of several lengths, also across words and windows."""
    return (np.arange(n_trials * n_bins).reshape(n_trials, n_bins) // 11) % n_conditions


def per_condition(process, n_nodes=5, n_trials=3, n_bins=4200):
    return sn.Bundle.from_params(
        process, typical(process, n_nodes, 3), window=WINDOW, conditions=labels(n_trials, n_bins)
    )


def mixed_bundle(n_bins=90):
    """Build a network whose nodes follow all processes, and where counts and spikes stand mixed."""
    fits = []
    for k, process in enumerate(sn.PROCESSES.values()):
        one = pooled(process, 3).fits[0]
        ids = k + np.arange(3) * len(sn.PROCESSES)
        fits.append(
            type(one)(process, ids, one.params, one.standard_errors, one.log_likelihood,
                      one.flags, one.window, one.observed_bins)
        )  # fmt: skip
    return sn.Bundle(tuple(fits), n_trials=2, n_bins=n_bins)


@each
@pytest.mark.parametrize("make", [pooled, per_condition])
def test_a_longer_run_begins_with_the_shorter_one(process, make):
    bundle = make(process)
    whole = sn.simulate(bundle, 3, 4200, seed=SEED).to_dense()
    for n_trials, n_bins in [(1, 1), (3, 63), (2, 64), (3, 65), (1, 130), (2, 1025), (3, 4096)]:
        table = None if bundle.conditions is None else bundle.conditions[:n_trials, :n_bins]
        part = sn.simulate(bundle, n_trials, n_bins, seed=SEED, conditions=table).to_dense()
        np.testing.assert_array_equal(part, whole[:, :n_trials, :n_bins])


@each
@pytest.mark.parametrize("make", [pooled, per_condition])
def test_any_slice_of_nodes_equals_that_slice_of_the_whole(process, make):
    bundle = make(process)
    whole = sn.simulate(bundle, 2, 150, seed=SEED)
    table = None if bundle.conditions is None else whole.conditions
    run = Run(2, 150, table, streams.split_seed(SEED), whole.data.dtype)
    for first, last in [(0, 1), (1, 4), (4, 5)]:
        part = DrawnNodes(bundle.fits, run, first, last, None)
        np.testing.assert_array_equal(part[0:last], whole.data[first:last])


@each
@pytest.mark.parametrize("make", [pooled, per_condition])
def test_tables_of_a_node_do_not_depend_on_its_neighbours(process, make):
    """The thresholds of a node, bit for bit, whether it is tabulated alone or among others."""
    flat = {name: array.reshape(-1) for name, array in make(process, 37).fits[0].params.items()}
    together = process.tabulate(flat)
    for i in range(0, len(together), 6):
        alone = process.tabulate({name: array[i : i + 1] for name, array in flat.items()})
        width = alone.shape[-1] - 1 if process.has_counts else alone.shape[-1]
        alone, same = np.atleast_2d(alone), np.atleast_2d(together[i : i + 1])
        np.testing.assert_array_equal(same[..., :width], alone[..., :width])


@each
@pytest.mark.parametrize("make", [pooled, per_condition])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threads_do_not_matter(process, make, threads):
    bundle = make(process)
    expected = raster_digest(sn.simulate(bundle, 2, 200, seed=5))
    assert raster_digest(sn.simulate(bundle, 2, 200, seed=5, threads=threads)) == expected


@each
@pytest.mark.parametrize("make", [pooled, per_condition])
def test_blocks_and_files_do_not_matter(process, make, tmp_path, request):
    bundle = make(process)
    expected = raster_digest(sn.simulate(bundle, 2, 200, seed=5))
    assert sn.verify(_streamed(bundle, tmp_path / "whole.h5"))[0] == expected
    request.getfixturevalue("tiny_blocks")
    assert raster_digest(sn.simulate(bundle, 2, 200, seed=5)) == expected
    assert sn.verify(_streamed(bundle, tmp_path / "blocks.h5"))[0] == expected


def _streamed(bundle, path):
    sn.simulate(bundle, 2, 200, seed=5, path=path)
    return path


@each
@settings(max_examples=12)
@given(data=st.data(), seed=seeds(), window=st.sampled_from([None, 1, 30, 64, 1000]))
def test_compiled_equals_plain_python(process, data, seed, window):
    n_trials, n_bins = data.draw(st.integers(1, 2)), data.draw(st.sampled_from([1, 40, 64, 100]))
    n_conditions = data.draw(st.sampled_from([0, 2]))
    given_params = data.draw(params(process, n_nodes=(1, 2), n_conditions=n_conditions, edges=True))
    table = labels(n_trials, n_bins, n_conditions) if n_conditions else None
    if process.has_profile and window is None:
        window = 30
    bundle = sn.Bundle.from_params(process, given_params, window=window, conditions=table)
    fast = sn.simulate(bundle, n_trials, n_bins, seed=seed)
    np.testing.assert_array_equal(fast.to_dense(), naive.simulate(bundle, n_trials, n_bins, seed))


def test_a_mixed_network_equals_plain_python_and_its_own_slices(tiny_blocks):
    bundle = mixed_bundle()
    raster = sn.simulate(bundle, seed=11)
    assert raster.kind == "counts"
    np.testing.assert_array_equal(raster.to_dense(), naive.simulate(bundle, 2, 90, 11))


def test_a_network_chosen_node_by_node_is_simulated(rng):
    dense = np.concatenate(
        [sn.simulate(pooled(p, 4), 30, 100, seed=1).to_dense() for p in sn.PROCESSES.values()]
    )
    bundle = sn.fit_bundle(sn.SpikeRaster.from_dense(dense), window=WINDOW)
    assert len(bundle.fits) > 2
    raster = sn.simulate(bundle, 2, 70, seed=3)
    np.testing.assert_array_equal(raster.to_dense(), naive.simulate(bundle, 2, 70, 3))


@each
def test_a_longer_run_repeats_the_conditions(process):
    bundle = per_condition(process, 2, n_trials=2, n_bins=40)
    raster = sn.simulate(bundle, 3, 100, seed=SEED)
    t = np.arange(100)
    np.testing.assert_array_equal(raster.conditions[2], bundle.conditions[0, t % 40])
    np.testing.assert_array_equal(raster.to_dense(), naive.simulate(bundle, 3, 100, SEED))


@each
def test_conditions_that_have_no_parameters_are_refused(process):
    bundle = per_condition(process, 2, n_trials=2, n_bins=4)
    for bad in (3, -1, 65536, 0.5):
        with pytest.raises(sn.StochnetError, match="condition"):
            sn.simulate(bundle, 2, 4, seed=1, conditions=np.full((2, 4), bad))
    bare = sn.Bundle.from_params(process, typical(process, 2, 3), window=WINDOW)
    with pytest.raises(sn.StochnetError, match="class of every bin"):
        sn.simulate(bare, 2, 4, seed=1)


@each
@pytest.mark.parametrize("window", [None, 7])
def test_a_fitted_bundle_comes_back_from_its_file_bit_for_bit(process, window, tmp_path):
    dense = sn.simulate(pooled(process), 6, 90, seed=2).to_dense()
    dense[0] = 0
    raster = sn.SpikeRaster.from_dense(dense, conditions=labels(6, 90), bin_width=0.001)
    for per in (False, True):
        bundle = sn.fit_bundle(raster, process, per_condition=per, window=window)
        sn.write_bundle(bundle, tmp_path / "bundle.h5")
        again = sn.read_bundle(tmp_path / "bundle.h5")
        assert bundle_digest(again) == bundle_digest(bundle)
        assert again.fits[0].window == bundle.fits[0].window
        if process.has_profile:
            assert again.fits[0].window == (window or 90)
        for param in process.params:
            for which in ("params", "standard_errors"):
                before = getattr(bundle.fits[0], which)[param.name]
                after = getattr(again.fits[0], which)[param.name]
                assert after.tobytes() == before.tobytes()
        surrogates = [raster_digest(sn.simulate(one, seed=3)) for one in (bundle, again)]
        assert surrogates[0] == surrogates[1]


@each
def test_values_outside_the_domain_are_refused_by_name_and_node(process):
    for param in process.params:
        low, high = param.domain
        for bad in (np.nextafter(low, -np.inf), np.nextafter(high, np.inf), np.nan):
            values = typical(process, 4)
            values[param.name][2] = bad
            with pytest.raises(sn.StochnetError, match=rf"{param.name} must .*lie .*node 2"):
                sn.Bundle.from_params(process, values)
            values = typical(process, 4, 3)
            values[param.name][3, 1] = bad
            with pytest.raises(sn.StochnetError, match=rf"{param.name} .*node 3, condition 1"):
                sn.Bundle.from_params(process, values)


@each
def test_other_parameters_are_refused(process):
    values = typical(process, 3)
    with pytest.raises(sn.StochnetError, match="has the parameters"):
        sn.Bundle.from_params(process, values | {"other": np.ones(3)})
    with pytest.raises(sn.StochnetError, match="has the parameters"):
        sn.Bundle.from_params(process, {})
    with pytest.raises(sn.StochnetError, match="window must be a whole number of at least 1"):
        sn.Bundle.from_params(process, values, window=0)


def single(n_trials, n_bins, at):
    dense = np.zeros((1, n_trials, n_bins), int)
    dense[0][at] = 1
    return dense


DEGENERATE = {
    "dead": np.zeros((2, 3, 70), int),
    "saturated": np.ones((2, 3, 70), int),
    "one bin": np.array([[[0]], [[1]]]),
    "one bin, many trials": (np.arange(60) % 3 == 0).reshape(1, 60, 1),
    "one trial": (np.arange(70) % 3 == 0).reshape(1, 1, 70),
    "one spike": single(3, 70, (1, 5)),
    "one spike, first bin": single(3, 70, (1, 0)),
    "one spike, last bin": single(3, 70, (2, 69)),
    "one silent bin": 1 - single(3, 70, (1, 5)),
    "alternation": (np.arange(210) % 2).reshape(1, 3, 70),
    "whole trials": np.repeat([1, 0, 1, 0], 70).reshape(1, 4, 70),
    "large counts": np.full((1, 3, 70), 60_000),
    "one large count": 60_000 * single(3, 70, (1, 5)),
}


@each
@pytest.mark.parametrize("case", DEGENERATE)
@pytest.mark.parametrize("window", [None, 1, 8])
def test_degenerate_rasters_are_fitted_without_nan_or_warning(process, case, window):
    dense = DEGENERATE[case]
    if window is not None and window > dense.shape[2]:
        window = dense.shape[2]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit = sn.fit(sn.SpikeRaster.from_dense(dense), process, window=window)
    for param in process.params:
        low, high = fit.interval(param.name)
        value = fit.params[param.name]
        assert not np.isnan(fit.standard_errors[param.name]).any()
        assert (fit.standard_errors[param.name] >= 0).all()
        assert (low <= value + 1e-12).all()
        assert (value <= high + 1e-12).all()
    assert not np.isnan(fit.log_likelihood).any()
    total, full = dense.sum(axis=(1, 2)), (dense == 1).all(axis=(1, 2))
    np.testing.assert_array_equal(fit.flags & Flag.DEAD > 0, total == 0)
    np.testing.assert_array_equal(fit.flags & Flag.SATURATED > 0, full)
    assert not (fit.flags & Flag.NOT_CONVERGED).any()
    impossible = not process.has_counts and dense.max() > 1
    np.testing.assert_array_equal(fit.flags & Flag.IMPOSSIBLE > 0, impossible)
    np.testing.assert_array_equal(np.isneginf(fit.log_likelihood), impossible)


@each
def test_dead_and_saturated_nodes_are_simulated_as_they_were(process):
    for value in (0, 1):
        dense = np.full((2, 12, 70), value)
        bundle = sn.fit_bundle(sn.SpikeRaster.from_dense(dense), process, window=10)
        surrogate = sn.simulate(bundle, seed=9).to_dense()
        if value == 0 or not process.has_counts:
            np.testing.assert_array_equal(surrogate, dense)


def test_a_summary_keeps_by_default_what_the_processes_need():
    needed = frozenset().union(*(process.needs for process in sn.PROCESSES.values()))
    assert needed == DEFAULT_PARTS
