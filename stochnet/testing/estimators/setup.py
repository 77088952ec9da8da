"""What all checks of one estimator share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray

from stochnet.process import Array, Process
from stochnet.testing.estimators.exact import Counts
from stochnet.testing.estimators.subject import Subject, Violation
from stochnet.testing.estimators.targets import Target
from stochnet.testing.strategies.arrays import Size, dense, sizes


@lru_cache(maxsize=256)
def _dense(
    n_nodes: Size, n_trials: int, n_bins: Size, counts: bool | None
) -> st.SearchStrategy[Counts]:
    """Make each strategy once: Hypothesis looks it over when it first draws from it."""
    return dense(n_nodes=n_nodes, n_trials=n_trials, n_bins=n_bins, counts=counts)


@dataclass(frozen=True, slots=True)
class Setup:
    """The estimator, what it is to estimate, and how hard it is tried.

    The attributes are the arguments of `check_estimator`; `counts` says whether bins hold several
    spikes (None: either), and `simulated` gives the parameters to recover, where they were given.
    """

    subject: Subject
    target: Target
    process: Process | None
    window: int | None
    counts: bool | None
    simulated: Mapping[str, ArrayLike] | None
    n_nodes: int
    n_trials: int
    n_bins: int
    tolerance: float
    level: float
    rtol: float
    max_examples: int
    seed: int

    @property
    def title(self) -> str:
        """What is to be estimated."""
        return self.target.title.format(W=self.window)

    def draw(
        self, data: st.DataObject, *, n_nodes: Size = (1, 3), n_trials: Size = (1, 3)
    ) -> Counts:
        """Draw dense counts that hold as many windows as are needed."""
        trials = data.draw(sizes(n_trials, "n_trials"))
        window = self.window or 1
        low = window * max(1, -(-self.target.n_windows // trials))
        high = max(low, 3 * window + 2 if self.window else 12)
        return data.draw(_dense(n_nodes, trials, (low, high), self.counts))

    def compare(
        self, detail: str, counts: Counts, expected: NDArray[Any], got: NDArray[Any], hint: str = ""
    ) -> None:
        """Raise a `Violation` where two results differ by more than rounding."""
        same = expected.shape == got.shape and np.allclose(
            got, expected, rtol=self.rtol, atol=self.rtol, equal_nan=True
        )
        if not same:
            # One row of values; a second one holds standard errors.
            rows = [x[0] if x.ndim == 2 and len(x) == 1 else x for x in (expected, got)]
            raise Violation(detail, counts, expected=rows[0], got=rows[1], hint=hint)

    def silent(self, counts: Counts) -> NDArray[np.bool_]:
        """Return which nodes have no spike, or none in a full window: (node,)."""
        if self.target.n_windows and self.window:
            counts = counts[..., : counts.shape[2] // self.window * self.window]
        return np.asarray(~counts.any(axis=(1, 2)))

    def compare_exact(self, detail: str, counts: Counts, got: Array) -> None:
        """Raise a `Violation` where values are not exact, or not those declared for dead nodes."""
        dead = self.silent(counts)
        if self.target.network:
            dead = np.array([dead.all()])
        expected = got.copy()
        if self.target.exact is not None:
            exact = self.target.exact(counts, self.window or 1)
            values = np.array([math.nan if value is None else float(value) for value in exact])
            expected = np.where(dead, got, values)
        if self.target.dead is not None:
            expected[dead] = self.target.dead
        self.compare(detail, counts, expected, got)
