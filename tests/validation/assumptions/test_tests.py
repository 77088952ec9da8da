"""Tests of the Poisson assumptions: exact parts against naive ones, then size and power."""

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.sandbox.stats.runs import runstest_1samp
from statsmodels.stats.diagnostic import acorr_ljungbox

import stochnet as sn
from stochnet.validation.assumptions import design as designs
from stochnet.validation.assumptions import null
from stochnet.validation.assumptions.catalogue import TESTS
from stochnet.validation.assumptions.design import expected_gaps, first_terms, make_design, scores
from stochnet.validation.assumptions.levels import pearson_tail
from stochnet.validation.assumptions.observed import observe
from tests.support import naive_assessment as naive


def observed(raster, windows):
    spikes = sn.spike_count(raster)
    design = make_design(raster, windows, int(spikes.max()))
    return design, spikes, observe(raster, design, spikes, np.ones(raster.n_nodes, bool))


def p_values(found):
    return {test.label: test.p_value for test in found.tests}


def same(one, other):
    for label, values in p_values(one).items():
        np.testing.assert_array_equal(values, p_values(other)[label], err_msg=label)


# Statistics and effects


@given(data=st.data())
@settings(max_examples=8)
def test_statistics_and_effects_equal_naive_ones(data):
    shape = data.draw(
        st.sampled_from([(4, 30), (1, 70), (7, 13), (2, 9), (20, 3), (3, 128), (9, 1)])
    )
    counts = data.draw(st.booleans())
    rate = data.draw(st.sampled_from([0.1, 0.5, 0.9]))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    dense = rng.poisson(2 * rate, (3, *shape)) if counts else rng.random((3, *shape)) < rate
    dense = dense.astype(np.int64)
    # Every node has spikes and silent bins, and counts hold more than one spike somewhere.
    dense[:, 0, 0], dense[:, -1, -1] = 1 + counts, 0
    if shape[1] > 1:
        dense[:, 0, -1], dense[:, -1, 0] = 1, 1
    windows = [w for w in (1, 3, 10, shape[1]) if shape[0] * (shape[1] // w) > 1]
    _, spikes, found = observed(sn.SpikeRaster.from_dense(dense), windows)
    for i in np.flatnonzero((spikes > 1) & (counts | (spikes < dense[0].size - 1))):
        expected = naive.node(dense[i], counts, windows)
        for j, name in enumerate(naive.place_names(windows)):
            got = found.values[i, j], found.effects[i, j]
            assert got == pytest.approx(expected[name], rel=2e-5, abs=2e-6, nan_ok=True), name


@pytest.mark.parametrize("counts", [False, True])
def test_ranks_equal_naive_surrogates(counts, rng):
    """The whole way from random words to ranks, on streams other than the first too."""
    dense = rng.poisson(0.7, (6, 3, 12)) if counts else (rng.random((6, 3, 12)) < 0.4)
    raster = sn.SpikeRaster.from_dense(dense)
    design, spikes, found = observed(raster, (4,))
    ranks = null.rank(design, spikes, found.values, 60, 2**40 + 7)
    for i in range(raster.n_nodes):
        stream = int(spikes[i]) % null.n_streams(design)
        rows = [naive.surrogate(m, stream, 2**40 + 7, 3, 12, int(spikes[i]), counts)
                for m in range(60)]  # fmt: skip
        others = [naive.node(row, counts, (4,)) for row in rows]
        for j, name in enumerate(naive.place_names((4,))):
            values = np.array([other[name][0] for other in others])
            mine, below = found.values[i, j], ranks.below[i, j]
            # The naive value of a tie differs in its last digits.
            assert np.sum(values < mine - 1e-5) <= below
            assert below + ranks.equal[i, j] <= np.sum(values < mine + 1e-5)
            assert ranks.equal[i, j] <= np.sum(np.abs(values - mine) < 1e-5)
    assert null.n_streams(design) == null.MOST_STREAMS


def test_the_fano_factor_is_that_of_statistics(rng):
    raster = sn.SpikeRaster.from_dense(rng.random((30, 7, 47)) < rng.random((30, 1, 1)))
    _, _, found = observed(raster, (10,))
    fano = found.values[:, TESTS["dispersion"].place(0)]
    np.testing.assert_array_equal(fano, sn.fano_factor(raster, 10))


def test_all_placements_have_the_expected_means():
    """E[Fano] = (1 - p) N / (N - 1), E[neighbours] and E[gaps], over every placement there is."""
    bins, spikes = 12, 5
    rows = [list(c) for c in itertools.combinations(range(bins), spikes)]
    dense = np.zeros((len(rows), bins), bool)
    for row, active in zip(dense, rows, strict=True):
        row[active] = True
    raster = sn.SpikeRaster.from_dense(dense.reshape(-1, 3, 4))
    design, _, found = observed(raster, (2, 4))
    p = spikes / bins
    for position in range(2):
        fano = found.values[:, TESTS["dispersion"].place(position)]
        assert fano.mean() == pytest.approx((1 - p) * bins / (bins - 1), rel=1e-12)
        effect = found.effects[:, TESTS["dispersion"].place(position)]
        assert effect.mean() == pytest.approx(1, rel=1e-12)
    # Two given bins correlate by -1 / (N - 1); 9 pairs of neighbours, over N.
    correlation = found.values[:, TESTS["runs"].index]
    assert correlation.mean() == pytest.approx(-9 / 12 / 11, rel=1e-12)
    gaps = [len(naive.gaps_of(row.reshape(3, 4))) for row in dense]
    assert expected_gaps(design)[spikes] == pytest.approx(np.mean(gaps), rel=1e-12)
    # Each term of the smooth tests has mean 1.
    assert found.values[:, TESTS["linearity"].index].mean() == pytest.approx(3, rel=1e-5)
    assert found.values[:, TESTS["stationarity"].index].mean() == pytest.approx(2, rel=1e-5)


def test_p_values_over_all_placements_are_uniform():
    """Every placement once is the null hypothesis itself, ties and all: 3,003 nodes.

    Distances of p-values from uniform come from 2,000 surrogates only: below 0.04 in 99.7 % of
    cases (Kolmogorov's law), and of all 10 in 97 %.
    """
    rows = list(itertools.combinations(range(14), 6))
    dense = np.zeros((len(rows), 14), bool)
    for row, active in zip(dense, rows, strict=True):
        row[list(active)] = True
    found = sn.assess(sn.SpikeRaster.from_dense(dense.reshape(-1, 2, 7)), (2, 7), seed=3)
    tested = [test for test in found.tests if test.testable.any()]
    # Two trials are too few for stationarity; there are too few gaps only for some placements.
    assert {test.name for test in found.tests} - {test.name for test in tested} <= {
        "stationarity",
        "gaps",
    }
    for test in tested:
        assert test.testable.all()
        assert stats.kstest(test.p_value, "uniform").statistic < 0.04, test.label


# The null hypothesis


@pytest.mark.parametrize("n", [2, 3, 10, 5000])
def test_scores_are_orthogonal_polynomials(n):
    degrees = min(3, n - 1)
    found = scores(n, degrees) / 2.0**20
    np.testing.assert_allclose(found @ found.T / n, np.eye(degrees), atol=3e-6)
    np.testing.assert_allclose(found.mean(axis=1), 0, atol=1e-6)
    np.testing.assert_allclose(np.abs(found), np.abs(naive.polynomials(n, degrees)), atol=3e-6)


def test_laws_of_counts_begin_where_scipy_says():
    raster = sn.SpikeRaster.from_dense(np.ones((1, 5, 40), bool))
    spikes = np.array([5, 6, 60, 100, 160, 195])
    least, probability = first_terms(make_design(raster, (10, 40), 1), spikes)
    for column, window in enumerate((10, 40)):
        law = stats.hypergeom(200, spikes, window)
        np.testing.assert_allclose(probability[:, column], law.pmf(least[:, column]), rtol=1e-9)
        assert (law.cdf(least[:, column] - 1) < 1e-6).all()
    counted = sn.SpikeRaster.from_dense(np.full((1, 5, 40), 2))
    spikes = np.array([5, 300, 5000])
    least, probability = first_terms(make_design(counted, (10,), 5000), spikes)
    law = stats.binom(spikes, 10 / 200)
    np.testing.assert_allclose(probability[:, 0], law.pmf(least[:, 0]), rtol=1e-9)


@pytest.mark.parametrize("skewness", [-2.0, -0.3, -1e-6, 0.0, 1e-3, 0.5, 2.0])
def test_tails_are_those_of_scipy(skewness):
    z = np.array([-3.0, -0.5, 0.0, 1.0, 4.0])
    found = pearson_tail(z, np.full(5, skewness))
    np.testing.assert_allclose(found, stats.pearson3.sf(z, skewness), rtol=1e-4, atol=1e-12)


def test_what_is_tested_depends_on_the_spikes_alone():
    design = make_design(sn.SpikeRaster.from_dense(np.ones((1, 2, 50), bool)), (10,), 100)
    kept = designs.testable(design, np.arange(101))
    assert not kept[[0, 4, 96, 100]].any()
    assert kept[[10, 50, 95]][:, TESTS["runs"].index].all()
    assert not kept[:, TESTS["stationarity"].index].any()
    # Five spikes in two trials leave three gaps or four.
    assert not kept[5, TESTS["gaps"].index]


# p-values against references


def test_p_values_agree_with_other_software(rng):
    """Counts of large means, where the laws that the references rely on hold."""
    dense = rng.poisson(4, (30, 1, 240))
    raster = sn.SpikeRaster.from_dense(dense)
    found = sn.assess(raster, (4,))
    p = p_values(found)
    counts = sn.window_counts(raster, 4)
    index = counts.var(axis=1, ddof=1) / counts.mean(axis=1) * 59
    cdf = stats.chi2(59).cdf(index)
    # The chance error of 2,000 surrogates is at most 0.011, twice that for two sides.
    np.testing.assert_allclose(p["dispersion, W=4"], 2 * np.minimum(cdf, 1 - cdf), atol=0.05)
    boxes = [acorr_ljungbox(row.astype(float), lags=[10]) for row in counts]
    test = found.find("autocorrelation", 4)
    np.testing.assert_allclose(test.statistic, [b["lb_stat"].iloc[0] for b in boxes], rtol=1e-9)
    np.testing.assert_allclose(test.p_value, [b["lb_pvalue"].iloc[0] for b in boxes], atol=0.06)
    smooth = found.find("linearity")
    np.testing.assert_allclose(smooth.p_value, stats.chi2(3).sf(smooth.statistic), atol=0.04)


def test_runs_agree_with_wald_and_wolfowitz(rng):
    dense = rng.random((30, 1, 1000)) < 0.5
    found = sn.assess(sn.SpikeRaster.from_dense(dense)).find("runs")
    others = [runstest_1samp(row[0].astype(float), cutoff=0.5, correction=False) for row in dense]
    # Runs count the first and the last bin too, which here moves p by 0.05 at the most.
    np.testing.assert_allclose(found.p_value, [p for _, p in others], atol=0.1)
    assert np.mean(np.abs(found.p_value - [p for _, p in others])) < 0.03


# Invariance


def test_other_nodes_blocks_and_threads_do_not_matter(raster, found, monkeypatch):
    order = np.random.default_rng(0).permutation(20)
    turned = sn.assess(replace(raster, data=raster.data[order], layers=()), (5, 20))
    part = sn.assess(raster.block(slice(7, 11)), (5, 20))
    for label, values in p_values(found).items():
        np.testing.assert_array_equal(p_values(turned)[label], values[order])
        np.testing.assert_array_equal(p_values(part)[label], values[7:11])
    for module in ("observed", "null"):
        monkeypatch.setattr(
            f"stochnet.validation.assumptions.{module}.run_blocks",
            lambda function, n, step=0: [function(i, i + 1) for i in range(n)],
        )
    monkeypatch.setattr("stochnet.raster.blocks.BLOCK_BYTES", 1)
    same(found, sn.assess(raster, (5, 20)))


def test_other_windows_do_not_matter(raster, found):
    some = sn.assess(raster, (20,))
    for test in some.tests:
        np.testing.assert_array_equal(test.p_value, found.find(test.name, test.window).p_value)


def test_the_seed_decides(raster, found):
    same(found, sn.assess(raster, (5, 20), seed=0))
    other = sn.assess(raster, (5, 20), seed=1)
    assert not np.array_equal(other.find("runs").p_value, found.find("runs").p_value)
    assert other.seed == 1


def test_rasters_on_disk(raster, found, tmp_path):
    sn.write_raster(raster, tmp_path / "r.h5")
    same(found, sn.assess(sn.read_raster(tmp_path / "r.h5"), (5, 20)))


# Rasters with little in them


@pytest.mark.parametrize(
    "dense",
    [
        np.zeros((3, 2, 30), int),
        np.ones((3, 2, 30), int),
        np.eye(3, 60, dtype=int).reshape(3, 2, 30),
        np.ones((2, 1, 1), int),
        np.tile([1, 0], (2, 1, 1)),
        np.full((2, 3, 7), 3),
        np.array([[[9, 0, 0], [0, 0, 0]]]),
        np.zeros((2, 40, 1), int),
    ],
    ids=["dead", "saturated", "one-spike", "one-bin", "two-bins", "equal-counts", "heap", "bins"],
)  # fmt: skip
def test_poor_rasters_give_no_numbers_and_no_warnings(dense, recwarn):
    found = sn.assess(sn.SpikeRaster.from_dense(dense), n_surrogates=200)
    json.dumps(found.to_dict(per_node=True), allow_nan=False)
    for test in found.tests:
        assert np.isnan(test.p_value).all() or dense.max() > 1
        assert (np.isnan(test.q_value) == np.isnan(test.p_value)).all()
    assert not recwarn.list


def test_one_trial_one_window_and_trials_of_one_bin(rng):
    one = sn.assess(sn.SpikeRaster.from_dense(rng.random((5, 1, 60)) < 0.4), (60, 30, 15))
    assert not one.find("stationarity").testable.any()
    assert not one.find("dispersion", 60).testable.any()
    assert one.find("dispersion", 30).testable.all()
    # With two windows r_1 is -1/2 whatever happens.
    assert not one.find("autocorrelation", 30).testable.any()
    assert one.find("autocorrelation", 15).testable.all()
    bins = sn.assess(sn.SpikeRaster.from_dense(rng.random((5, 60, 1)) < 0.4), (1,))
    for name in ("linearity", "runs", "gaps"):
        assert not bins.find(name).testable.any()
    # Single 0/1 bins have the same Fano factor however they lie.
    assert not bins.find("dispersion", 1).testable.any()
    assert bins.find("stationarity").testable.all()
    assert bins.find("autocorrelation", 1).testable.all()


def test_dead_nodes_do_not_count_among_the_tests(raster, found):
    dense = np.concatenate([raster.to_dense(), np.zeros((30, 6, 50)), np.ones((30, 6, 50))])
    more = sn.assess(sn.SpikeRaster.from_dense(dense), (5, 20))
    for one, other in zip(found.tests, more.tests, strict=True):
        np.testing.assert_array_equal(one.q_value, other.q_value[:20])
        assert not other.testable[20:].any()
        known = one.p_value[one.testable]
        np.testing.assert_array_equal(
            one.q_value[one.testable], stats.false_discovery_control(known)
        )
    assert more.dead.sum() == 30 + found.dead.sum()
    assert more.saturated.sum() == 30
