"""A summary gives what its raster gives, to the last bit, and says what it cannot give."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stochnet as sn
from stochnet.errors import FileFormatError, InvalidInputError
from stochnet.estimation.fit_blocks import FitTask
from stochnet.statistics.summary.parts import FIELDS, PARTS
from stochnet.statistics.summary.parts.ages import coded_ages, decoded_ages
from stochnet.statistics.summary.sparse import SparseRows, joined_rows, sparse_rows
from stochnet.statistics.summary.stored_reader import reader_of
from stochnet.statistics.summary.trials import Trials
from stochnet.statistics.table import statistics_table
from stochnet.storage import bundle_digest, read_observed, summary_digest
from stochnet.testing import rasters
from tests.processes.test_conformance import pooled, typical

each = pytest.mark.parametrize("process", sn.PROCESSES.values(), ids=list(sn.PROCESSES))
WINDOW = 25


def same_fit(one, other):
    """Every number of two fits, to the last bit; NaN equals NaN."""
    assert one.process is other.process
    assert one.window == other.window
    for name in ("params", "standard_errors", "intervals"):
        left, right = getattr(one, name), getattr(other, name)
        assert set(left) == set(right)
        for key in left:
            np.testing.assert_array_equal(left[key], right[key])
    for name in ("node_ids", "log_likelihood", "flags", "observed_bins"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def drawn(process, n_nodes=6, n_trials=8, n_bins=110):
    """A raster of a process with labels, of which no trial is a multiple of the window."""
    labels = (np.arange(n_trials * n_bins).reshape(n_trials, n_bins) // 7) % 3
    bundle = sn.Bundle.from_params(
        process, typical(process, n_nodes, 3), window=WINDOW, conditions=labels
    )
    return sn.simulate(bundle, n_trials, n_bins, seed=5)


@each
@pytest.mark.parametrize("per_condition", [False, True])
def test_every_fit_equals_that_of_the_raster(process, per_condition, tmp_path):
    raster = drawn(process)
    options = {"window": WINDOW, "per_condition": per_condition}
    summary = sn.RasterSummary.of(raster, **options)
    sn.write_summary(summary, tmp_path / "s.h5")
    stored = sn.read_summary(tmp_path / "s.h5")
    for other in sn.PROCESSES.values():
        expected = sn.fit(raster, other, **options)
        same_fit(sn.fit(summary, other, **options), expected)
        same_fit(sn.fit(stored, other, **options), expected)


@each
def test_a_summary_that_holds_what_a_process_needs_is_enough(process):
    raster = drawn(process)
    summary = sn.RasterSummary.of(raster, window=WINDOW, parts=process.needs)
    same_fit(
        sn.fit(summary, process, window=WINDOW, shrink=True),
        sn.fit(raster, process, window=WINDOW, shrink=True),
    )


@pytest.mark.parametrize("by", ["node", "layer"])
@pytest.mark.parametrize("criterion", ["aic", "bic"])
def test_a_choice_among_all_processes_equals_that_of_the_raster(by, criterion):
    raster = drawn(sn.PROCESSES["beta_bernoulli"])
    summary = sn.RasterSummary.of(raster, window=WINDOW)
    options = {"window": WINDOW, "criterion": criterion, "by": by}
    assert bundle_digest(sn.fit_bundle(summary, **options)) == bundle_digest(
        sn.fit_bundle(raster, **options)
    )
    for one, other in zip(sn.select(summary, **options), sn.select(raster, **options), strict=True):
        same_fit(one, other)


@each
def test_a_sink_keeps_what_the_raster_in_memory_would_give(process):
    bundle = pooled(process)
    raster = sn.simulate(bundle, 3, 200, seed=9)
    sink = sn.SummarySink(window=50, parts=PARTS)
    shown = sn.simulate(bundle, 3, 200, seed=9, sink=sink)
    expected = sn.RasterSummary.of(raster, window=50, parts=PARTS)
    assert summary_digest(sink.summary) == summary_digest(expected)
    assert sink.summary.provenance["seed"] == 9
    # The raster that is drawn again whenever it is read has the same summary.
    again = sn.RasterSummary.of(shown, window=50, parts=PARTS)
    assert summary_digest(again) == summary_digest(expected)


def test_blocks_of_one_node_give_the_same_summary_and_the_same_fits(tiny_blocks):
    rng = np.random.default_rng(2)
    # Nodes with more and more spikes in a bin: every block has columns of its own.
    counts = rng.poisson(np.array([0.0, 0.4, 3.0, 9.0])[:, None, None], (4, 5, 40))
    labels = rng.integers(-1, 3, (5, 40))
    raster = sn.SpikeRaster.from_dense(counts, conditions=labels)
    for per_condition in (False, True):
        options = {"window": 15, "per_condition": per_condition}
        small = sn.RasterSummary.of(raster, parts=PARTS, **options)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("stochnet.raster.blocks.BLOCK_BYTES", 1 << 26)
            large = sn.RasterSummary.of(raster, parts=PARTS, **options)
            expected = sn.fit_bundle(raster, **options)
        assert summary_digest(small) == summary_digest(large)
        assert bundle_digest(sn.fit_bundle(small, **options)) == bundle_digest(expected)


@given(data=st.data())
def test_any_raster_is_summarised_without_loss(data):
    raster = data.draw(rasters(n_bins=(1, 140)))
    window = data.draw(st.one_of(st.none(), st.integers(1, raster.n_bins)))
    per_condition = raster.n_conditions > 0 and data.draw(st.booleans())
    summary = sn.RasterSummary.of(raster, window=window, per_condition=per_condition, parts=PARTS)
    trials = Trials.of(raster, window, per_condition)
    expected = reader_of(raster, trials, PARTS).read(0, raster.n_nodes)
    found = reader_of(summary, trials, PARTS).read(0, raster.n_nodes)
    for one, other in zip(found, expected, strict=True):
        for name in {*one.__slots__, *FIELDS} - {"fields"}:
            left, right = np.asarray(getattr(one, name)), np.asarray(getattr(other, name))
            assert left.dtype == right.dtype, name
            np.testing.assert_array_equal(left, right, err_msg=name)


@given(data=st.data())
def test_rates_and_fano_factors_are_those_of_the_raster(data):
    raster = data.draw(rasters(n_bins=(2, 90), n_trials=(2, 4)))
    window = data.draw(st.one_of(st.none(), st.integers(1, raster.n_bins)))
    summary = sn.RasterSummary.of(raster, window=window, parts=["windows"])
    width = window or raster.n_bins
    np.testing.assert_array_equal(sn.spike_count(summary), sn.spike_count(raster))
    np.testing.assert_array_equal(sn.saturated(summary), sn.saturated(raster))
    np.testing.assert_array_equal(sn.fano_factor(summary, width), sn.fano_factor(raster, width))
    expected = statistics_table(raster, [width], per_node=True)
    assert statistics_table(summary, per_node=True) == expected


def test_what_a_summary_lacks_is_said_in_one_line():
    rng = np.random.default_rng(1)
    labels = np.repeat([[0, 1, 2, 0]], 3, axis=0).T.repeat(20, axis=1)[:, :20]
    raster = sn.SpikeRaster.from_dense(rng.random((3, 4, 20)) < 0.3, conditions=labels)
    summary = sn.RasterSummary.of(raster, window=5, parts=["windows"])
    sn.fit(summary, "binomial")
    sn.fit(summary, "poisson", window=7)
    for make, message in {
        lambda: sn.fit(summary, "markov"): r"lacks transitions.*--part transitions",
        lambda: sn.fit(summary, "beta_bernoulli"): r"windows of 5 bins.*asks for 20.*window=5",
        lambda: sn.fit(summary, "poisson", per_condition=True): r"is pooled.*--per-condition",
        lambda: sn.fit(summary, "poisson", window=21): "a window must be 1 to 20 bins",
        lambda: sn.select(summary, ["poisson"], criterion="held_out"): "needs the spikes.*aic",
        lambda: sn.fano_factor(summary, 10): r"windows of 5 bins.*with window=10",
        lambda: sn.cv_isi(summary): "this statistic needs the spikes",
        lambda: sn.RasterSummary.of(raster, parts=["gap"]): "parts are ages.*got gap$",
        lambda: sn.RasterSummary.of(raster, window=21): "a window must be 1 to 20 bins",
        lambda: sn.SummarySink().summary: "has not taken a whole raster",
    }.items():
        with pytest.raises(InvalidInputError, match=message):
            make()
    apart = sn.RasterSummary.of(raster, window=5, per_condition=True)
    with pytest.raises(InvalidInputError, match="per condition and the fit is pooled"):
        sn.fit(apart, "poisson")
    with pytest.raises(InvalidInputError, match="cut by condition"):
        sn.fano_factor(apart, 5)
    bare = sn.SpikeRaster.from_dense(rng.random((3, 4, 20)) < 0.3)
    with pytest.raises(InvalidInputError, match="no conditions"):
        sn.RasterSummary.of(bare, per_condition=True)
    unlabelled = sn.SpikeRaster.from_dense(
        rng.random((3, 4, 20)) < 0.3, conditions=np.arange(80).reshape(4, 20) % 3 - 1
    )
    partly = sn.RasterSummary.of(unlabelled, per_condition=True)
    with pytest.raises(InvalidInputError, match="some bins have none"):
        sn.firing_rate(partly)


def test_a_sink_refuses_blocks_out_of_order_and_can_be_used_again():
    raster = sn.SpikeRaster.from_dense(np.eye(4, 30, dtype=bool)[:, None])
    sink = sn.SummarySink()
    sink.begin(raster)
    with pytest.raises(InvalidInputError, match="node 0 comes next"):
        sink.take(1, raster.block(slice(1, 4)))
    sink.take(0, raster.block(slice(0, 1)))
    with pytest.raises(InvalidInputError, match="has not taken a whole raster"):
        _ = sink.summary
    sink.take(1, raster.block(slice(1, 4)))
    first = summary_digest(sink.summary)
    sink.begin(raster)
    sink.take(0, raster)
    assert summary_digest(sink.summary) == first == summary_digest(sn.RasterSummary.of(raster))


@given(data=st.data())
def test_sparse_rows_are_their_dense_rows(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    shape = data.draw(st.tuples(st.integers(1, 9), st.integers(0, 70)))
    high = data.draw(st.sampled_from([1, 255, 256, 65536, 2**31, 2**40]))
    low = data.draw(st.sampled_from([0, -1, -high]))
    dense = rng.integers(low, high, shape, endpoint=True) * (rng.random(shape) < 0.3)
    table = sparse_rows(dense)
    np.testing.assert_array_equal(table.dense(0, shape[0]), dense)
    cut = data.draw(st.integers(0, shape[0] - 1))
    np.testing.assert_array_equal(table.dense(cut, shape[0]), dense[cut:])
    if cut:
        both = joined_rows([sparse_rows(dense[:cut]), sparse_rows(dense[cut:])])
        np.testing.assert_array_equal(both.dense(0, shape[0]), dense)
        assert both.values.dtype == table.values.dtype


@given(data=st.data())
def test_coded_ages_are_decoded(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    ages = rng.integers(0, 50, (3, 2, data.draw(st.integers(1, 9)), 2)).astype(np.int32)
    np.testing.assert_array_equal(decoded_ages(coded_ages(ages)), ages)


def test_a_table_that_does_not_fit_is_refused():
    starts = np.array([0, 1, 2])
    columns, values = np.array([0, 9], np.uint8), np.array([1, 1], np.uint8)
    with pytest.raises(InvalidInputError, match="3 columns has others"):
        SparseRows(starts, columns, values, 3).dense(0, 2)
    for bad in ([0, 2, 1], [1, 1, 2], [0, 1, 3]):
        with pytest.raises(InvalidInputError, match="do not fit"):
            SparseRows(np.array(bad), columns, values, 10)


def test_a_file_of_a_summary_is_read_back_and_verified(tmp_path):
    raster = drawn(sn.PROCESSES["conway_maxwell_poisson"])
    path = tmp_path / "summary.h5"
    for made in (raster, sn.SpikeRaster.from_dense(raster.to_dense() > 0, bin_width=0.01)):
        summary = sn.RasterSummary.of(made, window=WINDOW, parts=PARTS)
        sn.write_summary(summary, path)
        digest, sealed = sn.verify(path)
        assert sealed
        assert digest == summary_digest(summary)
        read = read_observed(path)
        assert isinstance(read, sn.RasterSummary)
        assert summary_digest(read) == digest
        assert read.layers == summary.layers
        assert repr(read) == repr(summary)
    with pytest.raises(FileFormatError, match="is a stochnet-summary"):
        sn.read_raster(path)
    with pytest.raises(InvalidInputError, match="no file"):
        sn.read_summary(tmp_path / "none.h5")


def test_a_flipped_byte_of_a_summary_is_found(tmp_path):
    raster = drawn(sn.PROCESSES["bernoulli"], n_nodes=40)
    path = tmp_path / "summary.h5"
    sn.write_summary(sn.RasterSummary.of(raster, window=WINDOW), path)
    good = path.read_bytes()
    rng = np.random.default_rng(4)
    for at in rng.integers(0, len(good), 60):
        path.write_bytes(good[:at] + bytes([good[at] ^ (1 << rng.integers(8))]) + good[at + 1 :])
        with pytest.raises(FileFormatError):
            sn.verify(path)
    path.write_bytes(good)
    sn.verify(path)


def test_a_column_outside_its_table_is_found_although_the_digest_fits(tmp_path):
    raster = drawn(sn.PROCESSES["bernoulli"])
    summary = sn.RasterSummary.of(raster, window=WINDOW)
    table = summary.tables["windows"]
    columns = np.asarray(table.columns).copy()
    columns[0] = 255
    wrong = SparseRows(table.starts, columns, table.values, table.width)
    tables = {**summary.tables, "windows": wrong}
    path = tmp_path / "summary.h5"
    sn.write_summary(replace(summary, tables=tables), path)
    with pytest.raises(FileFormatError, match="columns has others"):
        sn.verify(path)
    with pytest.raises(InvalidInputError, match="columns has others"):
        sn.fit(sn.read_summary(path), "beta_bernoulli", window=WINDOW)


@pytest.mark.parametrize("per_condition", [False, True])
def test_workers_fit_a_summary_as_they_fit_a_raster(per_condition, tmp_path):
    raster = drawn(sn.PROCESSES["markov"], n_nodes=9)
    options = {"window": WINDOW, "per_condition": per_condition}
    expected = sn.fit(raster, "markov", **options)
    summary = sn.RasterSummary.of(raster, **options)
    sn.write_summary(summary, tmp_path / "s.h5")
    with ThreadPoolExecutor(2) as executor:
        for source in (summary, sn.read_summary(tmp_path / "s.h5")):
            same_fit(sn.fit(source, "markov", executor=executor, **options), expected)
    task = FitTask(summary, (expected.process,), per_condition, WINDOW).part(2, 7)
    sent = pickle.loads(pickle.dumps(task)).summaries(2, 7)  # noqa: S301
    np.testing.assert_array_equal(sent[0].spikes, task.summaries(2, 7)[0].spikes)
