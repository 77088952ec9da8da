"""What came out of checking an estimator: one outcome for each check, and the report of all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from stochnet.errors import InvalidInputError

Status = Literal["passed", "failed", "skipped"]
WIDTH = 96


@dataclass(frozen=True, eq=False, slots=True)
class Outcome:
    """The outcome of one check.

    Attributes
    ----------
    check : str
        Its name, one of `stochnet.testing.CHECKS`.
    status : {"passed", "failed", "skipped"}
    detail : str
        What was checked, what is wrong, or why it was skipped.
    counts : ndarray of int (node, trial, bin) or None
        The smallest data for which it failed.
    expected, got : ndarray or None
        What the estimator should have returned for these data, and what it returned.
    hint : str
        What such a failure usually comes from.
    """

    check: str
    status: Status
    detail: str
    counts: NDArray[Any] | None = None
    expected: NDArray[Any] | None = None
    got: NDArray[Any] | None = None
    hint: str = ""

    def __str__(self) -> str:
        lines = [f"{self.check}: {self.detail}"]
        if self.counts is not None:
            lines += ["  counts (node, trial, bin)", *_indented(self.counts)]
        for name, values in (("expected", self.expected), ("got", self.got)):
            if values is not None:
                lines.append(f"  {name:9} {_text(values)}")
        if self.hint:
            lines.append(f"  hint      {self.hint}")
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Point:
    """How well a known value was recovered from simulations.

    Attributes
    ----------
    params : mapping of name to float
        Parameters of the process.
    truth : float
        What was to be estimated.
    n : int
        Replicates.
    mean, standard_error : float
        Of the estimates.
    rmse : float
        Root of the mean squared error.
    coverage : float or None
        Fraction of replicates whose value ± 1.96 · its standard error holds the truth; None for an
        estimator without standard errors.
    """

    params: Mapping[str, float]
    truth: float
    n: int
    mean: float
    standard_error: float
    rmse: float
    coverage: float | None

    def __str__(self) -> str:
        where = ", ".join(f"{name} {value:.4g}" for name, value in self.params.items())
        covered = "" if self.coverage is None else f", coverage {self.coverage:.3f}"
        return (
            f"{where}: truth {self.truth:.5g}, mean {self.mean:.5g} ± {self.standard_error:.2g}, "
            f"rmse {self.rmse:.2g}{covered}"
        )


@dataclass(frozen=True, eq=False, slots=True)
class EstimatorReport:
    """All outcomes.

    Attributes
    ----------
    title : str
        What was to be estimated.
    outcomes : tuple of Outcome
        One for each check, in the order of `stochnet.testing.CHECKS`.
    points : tuple of Point
        What was recovered from simulations; empty without a process.
    cause : str
        What the estimator computes instead, where that could be found out.
    """

    title: str
    outcomes: tuple[Outcome, ...]
    points: tuple[Point, ...] = ()
    cause: str = ""

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """The checks that failed."""
        return tuple(one for one in self.outcomes if one.status == "failed")

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return not self.failed

    def __getitem__(self, check: str) -> Outcome:
        for one in self.outcomes:
            if one.check == check:
                return one
        raise InvalidInputError(f"no check {check!r}; there are {[x.check for x in self.outcomes]}")

    def __str__(self) -> str:
        failed = self.failed
        if not failed:
            lines = [f"the estimator of {self.title} passes"]
            lines += [f"  {one.check:18} {one.status:8} {one.detail}" for one in self.outcomes]
            return "\n".join(lines + [f"  {point}" for point in self.points])
        done = sum(one.status != "skipped" for one in self.outcomes)
        names = ", ".join(one.check for one in failed)
        lines = [f"the estimator of {self.title} fails {len(failed)} of {done} checks: {names}"]
        if self.cause:
            lines.append(f"likely cause: {self.cause}")
        return "\n\n".join(["\n".join(lines), *map(str, failed)])


def _indented(array: NDArray[Any]) -> list[str]:
    text = np.array2string(array, max_line_width=WIDTH, threshold=500)
    return [f"    {line}" for line in text.splitlines() if line]


def _text(values: NDArray[Any]) -> str:
    return np.array2string(
        values, max_line_width=WIDTH, threshold=20, formatter={"all": lambda x: f"{x:.6g}"}
    )
