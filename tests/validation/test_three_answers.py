"""What is told apart, and what matters: close, and differs."""

from dataclasses import replace

import numpy as np
import pytest

import stochnet as sn
from stochnet.validation.comparison import Distance, Interval
from stochnet.validation.page.page_words import times


@pytest.fixture(scope="module")
def report():
    rng = np.random.default_rng(0)
    p = rng.beta(1, 3, (3000, 1, 1))
    # Each node is a little off; their mean is not.
    other = p * (1 + 0.05 * rng.choice([-1, 1], p.shape))
    made = [rng.random((3000, 40, 50)) < q for q in (p, other)]
    return sn.validate(*(sn.SpikeRaster.from_dense(x) for x in made), windows=(10,))


def test_with_many_nodes_what_is_told_apart_need_not_matter(report):
    rate = report.find("firing rate")
    assert rate.verdict == "close"
    assert rate.p_adjusted <= 0.04
    assert rate.quality > 0.95
    assert report.passed
    assert all(one.close for one in report.findings)
    assert "differ by less than matters" in report.verdict


def test_a_larger_difference_matters(report):
    rate = report.find("firing rate")
    assert replace(rate, quality=0.8).verdict == "differs"
    assert replace(rate, difference=Interval(0.1, 0.09, 0.11)).verdict == "differs"
    assert replace(rate, quality=None).verdict == "differs"
    near = tuple(replace(x, value=1.2 * x.limit) for x in rate.distances)
    assert replace(rate, quality=None, distances=near).verdict == "close"
    assert replace(rate, p_adjusted=0.5).verdict == "indistinguishable"


def test_the_number_that_a_page_shows_is_the_one_that_decides(report):
    """A tick stood beside 2.2 times the floor, and a cross beside 1.5 times."""
    for one in report.statistics:
        if one.distances:
            assert (one.excess > 1) == (one.verdict in ("close", "differs"))
    rate = report.find("firing rate")
    for value, p, words in (
        (0.9996, 0.5, "1.00 ×"),
        (1.0004, 0.01, "> 1 ×"),
        (2.24, 0.01, "2.2 ×"),
    ):
        distance = Distance("rmse", value, 0.3, 0.1, 1.0)
        assert times(replace(rate, distances=(distance,), p_adjusted=p)) == words


def test_a_ramp_over_the_trial_is_named_so(rng):
    """Rates that rise by 30 % over the trial, against constant ones, were called correlations."""
    course = 0.2 * (1 + 0.3 * np.linspace(-0.5, 0.5, 50))
    flat, ramp, again = (
        sn.SpikeRaster.from_dense(rng.random((200, 60, 50)) < p) for p in (0.2, course, course)
    )
    found = sn.validate(flat, ramp, windows=(10, 50))
    assert found.findings[0].label == "rate over the trial"
    assert "of 10 of the trial" in found.findings[0].sentence
    assert not sn.validate(ramp, again, windows=(10, 50)).findings
