"""The page of a report: shows what the report has, leaves out what it has not, and stays small."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest

import stochnet as sn
from stochnet.raster.layers import Layer
from stochnet.report.page import chance, number
from stochnet.validation.comparison import Diagnostic, Finding, FitCheck, Interval
from stochnet.validation.excerpt.node_table import MOST_ROWS, node_table
from stochnet.validation.page.matrix import _levels, _runs, _squares
from stochnet.validation.page.page_words import interval
from tests.support.pages import check_page

LAYERS = (Layer("<b>&", "ReLU", (30,), 0, 30), Layer("second", "ReLU", (20,), 30, 20))


@pytest.fixture(scope="module")
def report():
    rng = np.random.default_rng(3)
    rates = rng.uniform(0.1, 0.9, (50, 1, 1))
    pair = [
        sn.SpikeRaster.from_dense(rng.random((50, 16, 25)) < rates, layers=LAYERS) for _ in "ab"
    ]
    return sn.validate(*pair, windows=(5,))


@pytest.fixture(scope="module")
def filled(report):
    """Fill in all that a report may have."""
    counts = np.array([9.0, 4.0, 1.0])
    rates = [sn.firing_rate(x) for x in (sn.SpikeRaster.from_dense(np.ones((50, 1, 1), bool)),) * 2]
    q_values = np.linspace(0, 1, 50)
    table = node_table(LAYERS, (rates[0], rates[1]), (rates[0], rates[1]),
                       (rates[0], rates[1]), {"firing rate": q_values})  # fmt: skip
    return replace(
        report,
        statistics=tuple(
            replace(one, baseline=9.0, quality=0.25, smallest=0.125, p_value=0.5, p_adjusted=0.75,
                    difference=Interval(0.5, 0.25, 0.75))
            for one in report.statistics
        ),
        diagnostics=(
            Diagnostic("layers", "Same layers", True, "They are."),
            Diagnostic("schedule", "Same schedule", False, "Simulate with the conditions."),
        ),
        findings=tuple(Finding(None, "firing rate", 9.0, f"Finding {k}") for k in range(20)),
        checks=tuple(
            FitCheck(scope, ("bernoulli",), 5, 30, 80, np.full(10, 0.1), 0.0, counts, counts)
            for scope in (None, "<b>&", "second")
        ),
        held_out=True,
        excerpt=replace(report.excerpt, table=table),
    )  # fmt: skip


def titles(text):
    return re.findall(r"<h[23][^>]*>([^<]*)</h[23]>", text)


def test_a_page_has_everything_that_the_report_has(filled, tmp_path):
    filled.to_html(tmp_path / "full.html")
    text = check_page(tmp_path / "full.html")
    assert titles(text)[0] == "How close the surrogate is"
    for title in ("How far beyond chance", "What differs",
                  "Observed counts within the fitted laws", "Counts observed and expected",
                  "What had to hold"):  # fmt: skip
        assert title in titles(text)
    for words in ("Same schedule: does not hold", "Simulate with the conditions.", "Finding 11.",
                  "The 12 largest of 20", "trials that the fit did not see",
                  "0.500 (0.250 to 0.750)", "only those that differ"):  # fmt: skip
        assert words in text
    assert "Finding 12." not in text
    # Two layers, and not the network again.
    figure = text[text.index('<figure id="pit"') :]
    assert figure[: figure.index("</figure>")].count("<svg") == 2
    assert text.count("✗ firing rate</span>") == sum(np.linspace(0, 1, 50) < 0.05)


def test_a_page_leaves_out_what_the_report_has_not(report, tmp_path):
    bare = replace(
        report,
        statistics=tuple(replace(one, quality=None, baseline=None) for one in report.statistics),
        diagnostics=(), findings=(), checks=(),
    )  # fmt: skip
    bare.to_html(tmp_path / "bare.html")
    text = check_page(tmp_path / "bare.html")
    assert titles(text)[0] == "How far beyond chance"
    for title in ("What differs", "What had to hold", "Counts observed and expected"):
        assert title not in titles(text)
    assert "<th>baseline" not in text


def test_names_of_layers_are_text(report, tmp_path):
    report.to_html(tmp_path / "names.html")
    text = check_page(tmp_path / "names.html")
    assert "<b>" not in text
    assert "&lt;b&gt;&amp;" in text


def test_the_page_of_a_large_network_is_small(tmp_path):
    """As many rows, layers and panels as a page ever has take less than 3 MB."""
    rng = np.random.default_rng(0)
    layers = tuple(Layer(f"stage.{k}.block.relu", "ReLU", (400,), 400 * k, 400) for k in range(20))
    rates = rng.uniform(0.1, 0.9, (8000, 1, 1))
    pair = [
        sn.SpikeRaster.from_dense(rng.random((8000, 12, 20)) < rates, layers=layers) for _ in "ab"
    ]
    report = sn.validate(*pair, windows=(10,), n_pairs=50)
    assert len(report.excerpt.table.nodes) == MOST_ROWS
    report.to_html(tmp_path / "large.html")
    text = check_page(tmp_path / "large.html")
    assert "2,000 of 8,000 nodes" in text
    assert "6 of 20 layers are drawn" in text


def test_cells_of_a_matrix():
    values = np.array([[0.0, 0.05, 0.49], [-0.2, np.nan, 9.0]])
    np.testing.assert_array_equal(_levels(values, 0.5), [[0, 0, 5], [-2, 0, 5]])
    cells = np.array([[True, True, False], [False, True, True]])
    assert list(_runs(cells)) == ["M0 0h2v1h-2z", "M1 1h2v1h-2z"]
    assert list(_squares(cells[1:])) == [
        "M1.24 0.24h0.52v0.52h-0.52z", "M2.24 0.24h0.52v0.52h-0.52z",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "–"), (math.nan, "–"), (0.0, "0.000"), (-0.12345, "−0.123"), (1234.5, "1,234"),
     (0.00123, "0.0012"), (12.345, "12.3"), (2e-7, "2.0e−07")],
)  # fmt: skip
def test_numbers_show_three_digits_that_matter(value, shown):
    assert number(value) == shown


def test_tiny_probabilities_are_not_spelled_out():
    assert [chance(x) for x in (None, math.nan, 0.0, 9e-5, 1e-4, 0.25)] == [
        "–", "–", "<0.0001", "<0.0001", "0.00010", "0.250",
    ]  # fmt: skip


def test_an_interval_that_does_not_exist_is_left_out():
    assert interval(Interval(0.5, math.nan, math.nan)) == "0.500"
    assert interval(Interval(0.5, -0.25, 1.0)) == "0.500 (−0.250 to 1.00)"
