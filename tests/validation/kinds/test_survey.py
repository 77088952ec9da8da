"""The sums that validation rests on: exact, in any units, windows, blocks and threads."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stochnet as sn
from stochnet.statistics.moments import cv_from_moments, fano_from_moments
from stochnet.statistics.unit_sums import MOST_LAGS, UnitSums
from stochnet.testing import rasters
from stochnet.validation.compared import choose
from stochnet.validation.kinds import survey as surveys
from stochnet.validation.matching import match
from stochnet.validation.sums.pieces import cut_pieces
from stochnet.validation.sums.resampling_groups import ResamplingGroups
from stochnet.validation.sums.totals import thresholds
from tests.support import naive


@given(rasters(), st.data())
def test_sums_over_units_equal_naive_ones(raster, data):
    window = data.draw(st.integers(1, raster.n_bins))
    sums = UnitSums.of(np.asarray(raster.data), raster.n_bins)
    dense = raster.to_dense().astype(int)
    spikes = sums.spikes()
    np.testing.assert_array_equal(spikes.T, dense.sum(axis=2))
    np.testing.assert_array_equal(sums.active().T, (dense > 0).sum(axis=2))
    counts = naive.window_counts(dense, window).reshape(*dense.shape[:2], -1)
    total, squares = sums.windows(window, spikes)
    np.testing.assert_array_equal(total.T, counts.sum(axis=2))
    np.testing.assert_array_equal(squares.T, (counts**2).sum(axis=2))
    for i, trials in enumerate(dense):
        for k, trial in enumerate(trials):
            gaps = list(naive.gaps(trial[None], 10**6).elements())
            found = [int(part[k, i]) for part in sums.gaps(spikes)]
            assert found == [len(gaps), sum(gaps), sum(gap * gap for gap in gaps)]
    on = dense > 0
    for part, expected in zip(
        sums.lagged(), (on[..., :-1], on[..., 1:], on[..., :-1] & on[..., 1:]), strict=True
    ):
        np.testing.assert_array_equal(part.T, expected.sum(axis=2))


@pytest.mark.parametrize("window", [2, MOST_LAGS, MOST_LAGS + 1, 63, 64, 65, 100, 130, 333])
def test_windows_of_every_length_are_counted_alike(rng, window):
    dense = rng.random((5, 4, 333)) < 0.3
    sums = UnitSums.of(np.asarray(sn.SpikeRaster.from_dense(dense).data), 333)
    total, squares = sums.windows(window, sums.spikes())
    counts = naive.window_counts(dense, window).reshape(5, 4, -1)
    np.testing.assert_array_equal(total.T, counts.sum(axis=2))
    np.testing.assert_array_equal(squares.T, (counts**2).sum(axis=2))


def public(raster, one):
    """Return the statistic of a whole raster by the public functions."""
    if one.name == "fano_factor":
        return sn.fano_factor(raster, one.window)
    if one.name == "window_count_law":
        counts = sn.window_counts(raster, one.window)
        return np.stack([(counts <= k).mean(axis=1) for k in thresholds(one.window, 0)], axis=1)
    if one.name == "gap_law":
        gaps = [list(naive.gaps(node, 10**6).elements()) for node in raster.to_dense()]
        law = [
            [np.mean(np.array(g) <= k) if g else np.nan for k in thresholds(130, 1)] for g in gaps
        ]
        return np.array(law)
    if one.name == "rate_over_trial":
        dense = raster.to_dense().astype(float)
        place = np.arange(raster.n_bins) * 10 // raster.n_bins
        return np.stack([dense[:, :, place == k].mean(axis=(1, 2)) for k in range(10)], axis=1)
    if one.name == "selectivity":
        rates = sn.rate_by_condition(raster)
        mean = rates.mean(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            found = rates.var(axis=1) / (mean * (1 - mean))
        return np.where(np.isfinite(found) & (mean < 1), found, np.nan)
    return np.asarray(getattr(sn, one.name)(raster), float)


def survey_of(raster, length, inside, windows=(10, 30, 65), n_strata=1):
    matched = match(raster, raster, windows, rng=np.random.default_rng(0))
    groups = ResamplingGroups(cut_pieces(raster, length), inside, n_strata)
    return surveys.plan_survey([raster], choose(None, matched).nodes, [groups], population=True)


@pytest.mark.parametrize("length", [130, 70, 40])
@pytest.mark.parametrize("kind", ["spikes", "counts"])
def test_groups_have_the_statistics_of_their_trials(raster, length, kind, rng):
    """Together, and without each, for which the others of its stratum are repeated instead."""
    if kind == "counts":
        dense = raster.to_dense()
        raster = replace(raster, data=dense * rng.integers(1, 4, dense.shape, np.uint8))
    n_pieces, each = 24 * (130 // length), 3
    inside = np.zeros((n_pieces, 2 * each), bool)
    chosen = rng.permutation(n_pieces)[: 2 * each * 3].reshape(2 * each, 3)
    for k, mine in enumerate(chosen):
        inside[mine, k] = True
    survey = survey_of(raster, length, inside, n_strata=2)
    found = surveys.take(survey).values[0]
    dense = raster.to_dense()[:, :, : 130 // length * length].reshape(37, n_pieces, length)
    labels = raster.conditions[:, : 130 // length * length].reshape(n_pieces, length)

    def of(weights, one):
        picked = np.repeat(chosen.ravel(), np.repeat(weights, 3))
        alone = sn.SpikeRaster.from_dense(dense[:, picked], conditions=labels[picked])
        return public(alone, one)

    for one in survey.statistics:
        close = {"rtol": 1e-9, "atol": 1e-9}
        np.testing.assert_allclose(found.whole[one.label], public(raster, one), **close)
        assert (one.label in found.influence) == (one.window is None or one.window <= length)
        if one.label not in found.influence:
            continue
        np.testing.assert_allclose(found.grouped[one.label], of([2] * 6, one), **close)
        if one.indicator:
            continue
        parts = []
        for k in range(2 * each):
            weights = np.full(2 * each, 2)
            weights[k // each * each : k // each * each + each] = 3
            weights[k] = 0
            parts.append((found.grouped[one.label] - of(weights, one)) * (2 / 3))
        expected = np.array(parts).reshape(2, each, *parts[0].shape)
        expected = (expected - expected.mean(axis=1, keepdims=True)).reshape(6, *parts[0].shape)
        judged = ~np.isnan(found.influence[one.label])
        np.testing.assert_allclose(
            found.influence[one.label][judged], expected[judged], rtol=1e-4, atol=1e-6
        )
    whole = sum(found.active_nodes.values())
    np.testing.assert_array_equal(whole, sn.population_count(raster))


def test_findings_do_not_depend_on_blocks_or_threads(raster, monkeypatch):
    inside = np.arange(24)[:, None] % 2 == np.arange(2)
    survey = survey_of(raster, 130, inside)
    expected = surveys.take(survey).values[0]
    monkeypatch.setattr("stochnet.kernels.threads.count", lambda threads: 3)
    monkeypatch.setattr("stochnet.statistics.unit_sums.AT_ONCE", 1)
    monkeypatch.setattr("stochnet.raster.blocks.BLOCK_BYTES", 11 * raster.node_bytes)
    done = []
    found = surveys.take(survey, done.append).values[0]
    assert done == [11, 22, 33, 37]
    for part in ("whole", "grouped", "influence", "active_nodes"):
        one, other = getattr(found, part), getattr(expected, part)
        assert one.keys() == other.keys()
        for key in one:
            np.testing.assert_array_equal(one[key], other[key])


def test_a_survey_can_be_sent_to_a_worker(raster):
    survey = survey_of(raster, 40, np.arange(72)[:, None] % 2 == np.arange(2))
    sent = pickle.loads(pickle.dumps(survey))  # noqa: S301 - what was just written
    found, expected = (x.of_nodes(0, 37).values[0] for x in (sent, survey))
    for label, values in expected.whole.items():
        np.testing.assert_array_equal(found.whole[label], values)


def test_numbers_beyond_64_bits_are_exact_and_leave_their_neighbours_alone():
    n = 3_000_000_000
    total = np.array([2_000_000_000, 7])
    squares = np.array([4_000_000_000_000_000, 13])
    exact = (n * int(squares[0]) - int(total[0]) ** 2) / ((n - 1) * int(total[0]))
    found = fano_from_moments(n, total, squares)
    assert found[0] == exact
    assert found[1] == fano_from_moments(n, total[1:], squares[1:])[0]
    many = np.array([n, 5])
    cv = cv_from_moments(many, total, squares)
    assert cv[0] == pytest.approx(np.sqrt(n * 4e15 - 4e18) / 2e9, rel=1e-12)
    assert cv[1] == cv_from_moments(many[1:], total[1:], squares[1:])[0]


def test_population_counts_of_many_nodes(rng):
    dense = rng.random((2500, 3, 70)) < rng.random((2500, 1, 1))
    raster = sn.SpikeRaster.from_dense(dense)
    np.testing.assert_array_equal(sn.population_count(raster), dense.sum(axis=0))
