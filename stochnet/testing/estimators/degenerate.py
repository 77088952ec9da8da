"""Rasters at the edge: dead and saturated nodes, one spike, one trial, one bin, large counts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from stochnet.testing.estimators.exact import Counts
from stochnet.testing.estimators.outcome import Outcome
from stochnet.testing.estimators.search import failed
from stochnet.testing.estimators.setup import Setup
from stochnet.testing.estimators.subject import Refused, Violation


def degenerate_rasters(setup: Setup) -> Iterator[tuple[str, Counts]]:
    """Yield rasters at the edge, each with its name and as many windows as are needed."""
    n_bins = 2 * setup.window + 1 if setup.window else 6
    beat = (np.arange(n_bins) % 3 == 0).astype(np.int64)
    yield "dead nodes", np.zeros((2, 2, n_bins), np.int64)
    yield "saturated nodes", np.ones((2, 2, n_bins), np.int64)
    one = np.zeros((3, 2, n_bins), np.int64)
    one[0, 0, 0] = one[1, 1, -1] = 1
    yield "single spikes", one
    yield "single silent bins", 1 - one
    yield "one trial", np.stack([beat, 1 - beat])[:, None]
    if setup.window in (None, 1):
        yield "trials of one bin", np.array([[[0], [0], [0]], [[0], [1], [0]], [[1], [1], [1]]])
    if setup.window is None:
        yield "a single bin", np.array([[[0]], [[1]]])
    if setup.counts is not False:
        yield "large counts", np.stack([60_000 * beat, 60_000 + 0 * beat, beat])[:, None]


def run_degenerate(name: str, setup: Setup) -> Outcome:
    """Try rasters at the edge: a result of the right shape and value, and no warning."""
    tried = []
    for case, counts in degenerate_rasters(setup):
        if setup.counts is True and counts.max() == 1:
            counts = 2 * counts
        tried.append(case)
        try:
            answer = setup.subject(counts)
            setup.compare_exact(f"a wrong value for {case}", counts, answer.values)
        except Refused:
            continue
        except Violation as found:
            return failed(name, found)
        if answer.warned:
            hint = "divide only where there are spikes, or under np.errstate"
            return failed(name, Violation(f"it warned {answer.warned}", counts, hint=hint))
    return Outcome(name, "passed", ", ".join(tried))
