"""The JSON of a report keeps to its published schema, and holds what the page shows."""

import json
from dataclasses import replace

import numpy as np
import pytest
from jsonschema import Draft202012Validator

import stochnet as sn
from stochnet.raster.layers import Layer
from stochnet.validation.comparison import Diagnostic, Finding, FitCheck, Interval
from stochnet.validation.excerpt.matrices import alike_first
from stochnet.validation.excerpt.node_table import MOST_ROWS, node_table
from tests.support import ROOT

SCHEMA = json.loads((ROOT / "docs" / "report-schema.json").read_text(encoding="utf-8"))
LAYERS = (Layer("first", "ReLU", (30,), 0, 30), Layer("second", "ReLU", (20,), 30, 20))


def keeps(report):
    text = json.dumps(report.to_dict(), allow_nan=False)
    Draft202012Validator(SCHEMA).validate(json.loads(text))
    return json.loads(text)


@pytest.fixture(scope="module")
def pair():
    rng = np.random.default_rng(3)
    conditions = np.repeat(np.arange(16) % 4, 25).reshape(16, 25)
    common = rng.random((1, 16, 25)) < 0.5
    dense = rng.random((50, 16, 25)) < np.where(common, 0.6, 0.2)
    dense[0], dense[1] = False, True
    observed = sn.SpikeRaster.from_dense(dense, conditions=conditions, layers=LAYERS)
    return observed, sn.simulate(sn.fit_bundle(observed, "bernoulli"), seed=1)


@pytest.fixture(scope="module")
def report(pair):
    return sn.validate(*pair, windows=(5,))


def test_the_schema_is_one():
    Draft202012Validator.check_schema(SCHEMA)


def test_a_report_keeps_to_the_schema(report):
    found = keeps(report)
    assert found["schema"] == SCHEMA["$id"]


def test_a_report_with_everything_keeps_to_the_schema(report):
    counts = np.array([3.0, 2.0, 1.0])
    check = FitCheck("first", ("bernoulli",), 5, 30, 80, np.full(10, 0.1), 0.0, counts, counts)
    filled = replace(
        report,
        statistics=tuple(
            replace(one, baseline=0.5, quality=0.3, smallest=0.1, p_value=0.2, p_adjusted=0.4,
                    difference=Interval(0.1, 0.0, 0.2))
            for one in report.statistics
        ),
        diagnostics=(Diagnostic("layers", "the same layers", True, "They are."),),
        findings=(Finding(None, "firing rate", np.inf, "Rates are higher."),),
        checks=(check,),
        held_out=False,
    )  # fmt: skip
    found = keeps(filled)
    assert found["findings"][0]["size"] is None
    assert found["checks"][0]["pit"] == [0.1] * 10


def test_odd_rasters_keep_to_the_schema(rng):
    for dense in (
        rng.random((1, 1, 3)) < 0.5,
        np.zeros((4, 20, 30), bool),
        np.ones((2, 3, 4), bool),
    ):
        raster = sn.SpikeRaster.from_dense(dense)
        keeps(sn.validate(raster, raster))


def test_a_wrong_report_is_refused(report):
    found = report.to_dict()
    for wrong in (
        {**found, "more": 1},
        {**found, "passed": 1},
        {k: v for k, v in found.items() if k != "nodes"},
    ):
        assert not Draft202012Validator(SCHEMA).is_valid(wrong)


def test_rows_of_nodes_are_the_statistics_of_the_nodes(pair, report):
    rates = [sn.firing_rate(raster) for raster in pair]
    fanos = [sn.fano_factor(raster, 5) for raster in pair]
    rows = report.to_dict()["nodes"]["rows"]
    assert sorted(row["node"] for row in rows) == list(range(50))
    for row in rows:
        layer = LAYERS[row["layer"] == "second"]
        assert row["node"] == layer.first + row["index"]
        assert row["rate"] == [float(side[row["node"]]) for side in rates]
        shown = [np.nan if value is None else value for value in row["fano_factor"]]
        np.testing.assert_array_equal(shown, [side[row["node"]] for side in fanos])


def test_large_networks_show_the_worst_nodes_and_an_even_sample():
    n = 5 * MOST_ROWS
    rng = np.random.default_rng(0)
    rates = (np.full(n, 0.5), np.full(n, 0.5) + rng.normal(0, 0.01, n))
    q = rng.uniform(0.01, 1, n)
    bad = rng.choice(np.arange(10, n), 300, replace=False)
    q[bad] = 0.001
    q[7] = np.nan
    nothing = np.full(n, np.nan)
    table = node_table(
        (Layer("one", "ReLU", (n,), 0, n),), rates, (nothing, nothing), None, {"firing rate": q}
    )
    assert len(table.nodes) == len(set(table.nodes.tolist())) == MOST_ROWS
    assert set(bad.tolist()) == set(table.nodes[:300].tolist())
    np.testing.assert_array_equal(table.smallest, np.sort(table.smallest))
    assert table.n_flagged == int(np.sum(q < 0.05))
    assert all(flags == ("firing rate",) for flags in table.flags[:300])
    # The even sample reaches through all that is left: its gaps are alike.
    rest = np.sort(table.nodes[table.n_worst :])
    assert np.diff(rest).max() < 8 * n / MOST_ROWS
    worst = set(table.nodes[: table.n_worst].tolist())
    others = [q[k] for k in range(n) if k not in worst and not np.isnan(q[k])]
    assert max(q[list(worst)]) <= min(others)


def test_without_tests_nodes_are_ordered_by_the_difference_of_rates():
    rates = (np.array([0.1, 0.2, 0.3]), np.array([0.1, 0.5, 0.2]))
    nothing = np.full(3, np.nan)
    table = node_table((Layer("one", "ReLU", (3,), 0, 3),), rates, (nothing, nothing))
    assert table.nodes.tolist() == [1, 2, 0]
    assert not table.tested
    assert table.n_flagged == 0


def test_correlation_matrices_are_the_correlations_of_bins(pair, report):
    dense = [raster.to_dense().reshape(50, -1) > 0 for raster in pair]
    assert [one.layer for one in report.excerpt.matrices] == ["first", "second"]
    for one in report.excerpt.matrices:
        assert len(one.nodes) >= 18
        for matrix, bins in zip((one.observed, one.simulated), dense, strict=True):
            np.testing.assert_allclose(matrix, np.corrcoef(bins[one.nodes]), atol=1e-12)


def test_nodes_that_fire_together_are_neighbours():
    """Two groups that alternate come out one after the other."""
    group = np.arange(12) % 2
    order = alike_first(np.where(group[:, None] == group, 0.8, 0.0))
    assert np.count_nonzero(np.diff(group[order])) == 1


def test_laws_sum_to_one_and_hold_every_node(report):
    for one in (*report.excerpt.rate_histograms, report.excerpt.population_histogram):
        for side in (one.observed, one.simulated):
            assert side.sum() == pytest.approx(1)
