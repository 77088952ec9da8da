"""Find out what an estimator computes instead of what it should."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from stochnet.testing.estimators.exact import Counts, Value
from stochnet.testing.estimators.setup import Setup
from stochnet.testing.estimators.subject import Refused, Violation

N_RASTERS = 24
ENOUGH = N_RASTERS // 3


def find_cause(setup: Setup) -> str:
    """Compare an estimator with what is often computed instead.

    Returns
    -------
    str
        What it equals for all of many random rasters, and what to do; empty where it equals nothing
        known, or where these rasters do not tell it from what it should be.
    """
    exact = setup.target.exact
    if exact is None:
        return ""
    window = setup.window or 1
    seen = []
    for counts in _random_rasters(setup):
        try:
            seen.append((counts, exact(counts, window), setup.subject.values(counts).tolist()))
        except (Violation, Refused):
            continue
    for suspect in setup.target.suspects:
        known = [(truth, suspect.value(counts, window), got) for counts, truth, got in seen]
        known = [row for row in known if any(value is not None for value in row[1])]
        other = sum(not _equal(truth, values, setup.rtol) for truth, values, _ in known)
        agrees = all(_equal(values, got, setup.rtol) for _, values, got in known)
        if agrees and other >= ENOUGH:
            what, advice = suspect.text(window)
            return f"for {len(known)} random rasters it equals {what}: {advice}"
    return ""


def _random_rasters(setup: Setup) -> Iterator[Counts]:
    """Spikes or counts, with a dead node in every second one."""
    rng = np.random.default_rng(setup.seed)
    n_bins = 3 * setup.window + max(1, setup.window // 2) if setup.window else 7
    for k in range(N_RASTERS):
        rate = rng.uniform(0.1, 0.8, (4, 1, 1))
        counts = (rng.random((4, 4, n_bins)) < rate).astype(np.int64)
        if setup.counts or (setup.counts is None and k % 4 > 1):
            counts *= rng.integers(1, 5, counts.shape)
        # A silent trial tells those who leave it out.
        counts[:, k % 4] *= rng.random() < 0.5
        counts[0] *= k % 2
        yield counts


def _equal(a: list[Value], b: list[Value], rtol: float) -> bool:
    """Whether two lists agree where the first one has a value."""
    return all(
        x is None or (y is not None and abs(float(x) - float(y)) <= rtol * (1 + abs(float(x))))
        for x, y in zip(a, b, strict=True)
    )
