"""Sufficient statistics of a block of nodes, each against a dense count in plain Python."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stochnet as sn
from stochnet.raster.windows import cut_segments
from stochnet.statistics.nodes import window_counts
from stochnet.statistics.summary.summary import summarize
from stochnet.testing import rasters
from tests.support import naive


def windows_of(summary, node):
    """Return {(length, spikes): segments} of a node from the histogram."""
    found = {}
    for length, a, b in zip(
        summary.lengths, summary.offsets[:-1], summary.offsets[1:], strict=True
    ):
        for spikes, n in enumerate(summary.histogram[node, a:b].tolist()):
            if n:
                found[int(length), spikes] = n
    return found


def check(summaries, dense, window, labels):
    for condition, summary in enumerate(summaries):
        for node, row in enumerate(dense):
            expected = naive.summary(row, window, labels, condition)
            assert summary.n_bins == expected["n_bins"]
            assert summary.spikes[node] == expected["spikes"]
            assert summary.active[node] == expected["active"]
            assert summary.log_factorials[node] == pytest.approx(expected["log_factorials"])
            assert summary.n_segments == expected["n_segments"]
            assert windows_of(summary, node) == expected["windows"]
            np.testing.assert_array_equal(summary.transitions[node], expected["transitions"])
            np.testing.assert_array_equal(summary.starts[node], expected["starts"])
            ages = naive.ages(row, labels, condition, summary.ages.shape[2])
            np.testing.assert_array_equal(summary.ages[node], ages)
            spikes, bins = naive.slots(row, window or row.shape[1], labels, condition)
            np.testing.assert_array_equal(summary.slot_spikes[node], spikes)
            np.testing.assert_array_equal(summary.slot_bins, bins)
            assert {k: n for k, n in enumerate(summary.counts[node].tolist()) if n} == expected[
                "counts"
            ]


@given(data=st.data())
def test_all_parts_equal_dense_counts(data):
    raster = data.draw(rasters(n_bins=(1, 140)))
    window = data.draw(st.one_of(st.none(), st.integers(1, raster.n_bins)))
    per_condition = raster.n_conditions > 0 and data.draw(st.booleans())
    summaries = summarize(raster, window=window, per_condition=per_condition)
    labels = raster.conditions.astype(int) if per_condition else None
    check(summaries, raster.to_dense().astype(int), window, labels)


@pytest.mark.parametrize("longest", [1, 2, 7])
@pytest.mark.parametrize("labelled", [False, True])
def test_late_ages_are_joined(longest, labelled, rng, monkeypatch):
    monkeypatch.setattr("stochnet.statistics.summary.parts.ages.LONGEST_AGE", longest)
    dense = (rng.random((4, 3, 150)) < np.array([0.0, 0.02, 0.3, 1.0])[:, None, None]).astype(int)
    labels = rng.integers(-1, 2, (3, 150)) if labelled else None
    raster = sn.SpikeRaster.from_dense(dense, conditions=labels)
    check(summarize(raster, window=40, per_condition=labelled), dense, 40, labels)


@given(data=st.data())
def test_a_summary_of_some_nodes_is_theirs_in_the_whole(data):
    raster = data.draw(rasters(n_conditions=3))
    (whole,) = summarize(raster)
    nodes = data.draw(st.permutations(range(raster.n_nodes)))
    part = whole.take(np.array(nodes))
    for name in (
        "spikes",
        "active",
        "histogram",
        "transitions",
        "gaps",
        "ages",
        "slot_spikes",
        "counts",
    ):
        np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[nodes])
    assert (part.n_bins, part.n_segments) == (whole.n_bins, whole.n_segments)


@given(data=st.data())
def test_gaps_equal_dense_counts(data):
    raster = data.draw(rasters(n_conditions=0))
    longest = data.draw(st.sampled_from([1, 2, 30, 1024]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("stochnet.statistics.summary.parts.gaps.LONGEST_GAP", longest)
        (summary,) = summarize(raster, parts=["gaps"])
    last = summary.gaps.shape[1] - 1
    assert last == min(longest, raster.n_bins)
    for node, row in enumerate(raster.to_dense().astype(int)):
        exact = naive.gaps(row, raster.n_bins)
        capped = {}
        for gap, n in exact.items():
            capped[min(gap, last)] = capped.get(min(gap, last), 0) + n
        assert {k: n for k, n in enumerate(summary.gaps[node].tolist()) if n} == capped


@given(data=st.data())
def test_blocks_of_nodes_do_not_matter(data):
    raster = data.draw(rasters(n_conditions=3))
    window = data.draw(st.integers(1, raster.n_bins))
    whole = summarize(raster, window=window, per_condition=True)
    for first, block in raster.blocks(1):
        for one, all_nodes in zip(
            summarize(block, window=window, per_condition=True), whole, strict=True
        ):
            assert one.n_bins == all_nodes.n_bins
            assert windows_of(one, 0) == windows_of(all_nodes, first)
            for part in ("spikes", "active", "transitions", "starts", "gaps", "log_factorials"):
                np.testing.assert_array_equal(
                    getattr(one, part)[0], getattr(all_nodes, part)[first]
                )


def test_parts_that_were_not_asked_for_are_empty(rng):
    raster = sn.SpikeRaster.from_dense(rng.random((3, 2, 70)) < 0.3)
    (summary,) = summarize(raster, parts=())
    assert summary.histogram.shape == (3, 0)
    assert summary.gaps.shape == (3, 0)
    assert summary.counts.shape == (3, 0)
    assert not summary.transitions.any()
    np.testing.assert_array_equal(summary.spikes, raster.to_dense().sum(axis=(1, 2)))


@given(data=st.data())
def test_segments_partition_the_labelled_bins(data):
    raster = data.draw(rasters(n_conditions=3, n_bins=(1, 140)))
    window = data.draw(st.integers(1, raster.n_bins))
    found = cut_segments(raster.n_trials, raster.n_bins, window, raster.conditions)
    expected = naive.segments(raster.n_trials, raster.n_bins, window, raster.conditions)
    where = list(zip(found.trial, found.window, found.condition, strict=True))
    assert where == list(expected)
    assert found.length.tolist() == [len(bins) for bins in expected.values()]
    for s, ((trial, _, _), bins) in enumerate(expected.items()):
        trials, at = np.nonzero(found.of_bin == s)
        assert set(trials.tolist()) == {trial}
        assert at.tolist() == bins
    n_words = -(-raster.n_bins // 64)
    for word in range(raster.n_trials * n_words):
        for piece in range(found.word_pieces[word], found.word_pieces[word + 1]):
            mask, trial = int(found.piece_mask[piece]), word // n_words
            bins = [64 * (word % n_words) + b for b in range(64) if mask >> b & 1]
            assert bins
            assert set(found.of_bin[trial, bins]) == {found.piece_segment[piece]}
    covered = sum(int(mask).bit_count() for mask in found.piece_mask)
    assert covered == np.count_nonzero(raster.conditions >= 0)


@given(data=st.data())
def test_window_counts_equal_dense_counts(data):
    raster = data.draw(rasters(n_conditions=0))
    window = data.draw(st.integers(1, raster.n_bins))
    found = np.asarray(window_counts(raster, window)).reshape(raster.n_nodes, -1)
    np.testing.assert_array_equal(found, naive.window_counts(raster.to_dense(), window))


@pytest.mark.parametrize("window", [0, -1, 71, 2.5, True])
def test_windows_that_do_not_fit_are_refused(window):
    raster = sn.SpikeRaster.from_dense(np.ones((1, 2, 70), int))
    with pytest.raises(sn.StochnetError, match="1 to 70 bins"):
        summarize(raster, window=window)


def test_conditions_must_be_there():
    raster = sn.SpikeRaster.from_dense(np.ones((1, 2, 70), int))
    with pytest.raises(sn.StochnetError, match="no conditions"):
        summarize(raster, per_condition=True)


def test_the_fano_factor_of_the_commonest_window_is_that_of_numpy(rng):
    dense = rng.random((6, 5, 47)) < 0.4
    dense[0] = False
    (summary,) = summarize(sn.SpikeRaster.from_dense(dense), window=10)
    length, fano = summary.window_fano()
    counts = naive.window_counts(dense, 10)[1:]
    assert length == 10
    assert fano[0] == 1.0
    np.testing.assert_allclose(fano[1:], counts.var(axis=1, ddof=1) / counts.mean(axis=1))
