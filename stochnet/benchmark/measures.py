"""How far estimates are from the truth: error, bias and coverage over the values of a cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.benchmark.quantity import Answer, Array, Kind, Per, Quantity, Truth
from stochnet.processes.laws.scipy_stats import stats
from stochnet.processes.laws.wilson import wilson

LEVEL = 0.95
# Relative errors below this count as alike; so do probabilities below the other.
LEAST_RELATIVE, LEAST_CHANCE = 0.01, 1e-6


@dataclass(frozen=True, slots=True)
class Measure:
    """How well one estimator does for one quantity in one cell.

    Attributes
    ----------
    quantity, cell : str
    n : int
        Values.
    kind : str
        What `error` is: ``"relative"`` for a root mean square in units of the expected standard
        deviation of a good estimate, ``"absolute"`` for one in the unit of the quantity, ``"error
        rate"`` for labels, and ``"log score"`` for the mean of -log(probability of what is true).
    error : float
        Lower is better.
    loss : float
        The error as it enters ranks, kept off 0.
    bias : tuple of float or None
        Mean error in the unit of the quantity, and the ends of its 95 % interval.
    coverage : tuple of float or None
        Fraction of intervals that hold the truth, and the ends of its 95 % interval (Wilson).
    """

    quantity: str
    cell: str
    n: int
    kind: str
    error: float
    loss: float
    bias: tuple[float, float, float] | None
    coverage: tuple[float, float, float] | None

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers for JSON."""
        facts: dict[str, Any] = {
            name: getattr(self, name) for name in ("quantity", "cell", "n", "kind", "error", "loss")
        }
        for name in ("bias", "coverage"):
            found = getattr(self, name) or (None, None, None)
            facts |= dict(zip((name, f"{name}_low", f"{name}_high"), found, strict=True))
        return facts


def measure(
    quantity: Quantity,
    cell: str,
    answers: Sequence[Answer],
    truths: Sequence[Truth],
    keys: Sequence[NDArray[np.int64]],
) -> Measure:
    """Compare the answers for the networks of one cell with the truth.

    Parameters
    ----------
    quantity : Quantity
    cell : str
    answers, truths, keys
        One of each for every network; keys as from `Quantity.keys`.
    """
    value = np.concatenate([answer.values for answer in answers])
    true = np.concatenate([truth.values for truth in truths])
    if quantity.kind is Kind.probability:
        said = np.maximum(value[true == 1], LEAST_CHANCE)
        error = float(np.mean(-np.log(said)))
        loss = float(np.hypot(error, quantity.floor))
        return Measure(quantity.name, cell, len(said), "log score", error, loss, None, None)
    if quantity.kind is Kind.label:
        wrong = int(np.count_nonzero(value != true))
        loss = (wrong + 0.5) / (len(true) + 1)
        rate = wrong / len(true)
        return Measure(quantity.name, cell, len(true), "error rate", rate, loss, None, None)
    off = value - true
    if all(truth.spread is not None for truth in truths):
        spread = np.concatenate([truth.spread for truth in truths if truth.spread is not None])
        kind, error, least = "relative", _root_mean_square(off / spread), LEAST_RELATIVE
    else:
        kind, error, least = "absolute", _root_mean_square(off), quantity.floor
    return Measure(
        quantity.name,
        cell,
        len(true),
        kind,
        error,
        float(np.hypot(error, least)),
        _bias(off, quantity, keys),
        _coverage(answers, true),
    )


def _root_mean_square(values: Array) -> float:
    return float(np.sqrt(np.mean(values**2)))


def _bias(
    off: Array, quantity: Quantity, keys: Sequence[NDArray[np.int64]]
) -> tuple[float, float, float] | None:
    """Return the mean error with a t interval; pairs that share a node count as dependent."""
    if len(off) < 2:
        return None
    mean = float(off.mean())
    centred = off - mean
    variance = float((centred**2).sum()) / (len(off) - 1) / len(off)
    degrees = len(off) - 1
    if quantity.per is Per.pair:
        sums, at = 0.0, 0
        for rows in keys:
            own = centred[at : at + len(rows)]
            at += len(rows)
            of_nodes = np.bincount(rows[:, 0], own, rows.max() + 1)
            of_nodes += np.bincount(rows[:, 2], own, rows.max() + 1)
            sums += float((of_nodes**2).sum() - (own**2).sum())
        # Fafchamps & Gubert (2007): products of the errors of all pairs that share a node.
        variance = max(variance, sums / len(off) ** 2)
        degrees = sum(int(rows.max()) + 1 for rows in keys) - 1
    reach = float(stats.t.isf((1 - LEVEL) / 2, degrees)) * variance**0.5
    return mean, mean - reach, mean + reach


def _coverage(answers: Sequence[Answer], true: Array) -> tuple[float, float, float] | None:
    lows = [answer.low for answer in answers if answer.low is not None]
    highs = [answer.high for answer in answers if answer.high is not None]
    if len(lows) < len(answers) or len(highs) < len(answers):
        return None
    held = (np.concatenate(lows) <= true) & (true <= np.concatenate(highs))
    fraction = np.array([held.mean()])
    low, high = wilson(fraction, np.array([float(len(held))]), LEVEL)
    return float(fraction[0]), float(low[0]), float(high[0])
