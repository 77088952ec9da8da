"""The estimator under test: called with care, and heard out in every way it can answer."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from stochnet.process import Array
from stochnet.raster.raster import SpikeRaster
from stochnet.testing.estimators.exact import Counts

Takes = Literal["raster", "dense"]
# What a library says to developers is no answer of the estimator.
TOLD = (UserWarning, RuntimeWarning)


class Violation(Exception):
    """What a check found; never leaves this package."""

    def __init__(
        self,
        detail: str,
        counts: Counts | None = None,
        *,
        expected: NDArray[Any] | None = None,
        got: NDArray[Any] | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(detail)
        self.detail, self.counts = detail, counts
        self.expected, self.got, self.hint = expected, got, hint


class Refused(Exception):
    """The estimator raised an error that it is known to raise."""


@dataclass(frozen=True, eq=False, slots=True)
class Answer:
    """What an estimator answered.

    Attributes
    ----------
    columns : ndarray (1 or 2, node)
        Values, and standard errors if any; one column for a network.
    warned : str
        The first warning, or an empty text.
    changed : bool
        Whether it changed the data that it was given.
    """

    columns: Array
    warned: str
    changed: bool

    @property
    def values(self) -> Array:
        """Values alone: (node,)."""
        return np.asarray(self.columns[0])


@dataclass(frozen=True, slots=True)
class Subject:
    """The estimator.

    Attributes
    ----------
    function : callable
        As given to `check_estimator`.
    takes : {"raster", "dense"}
        What it is called with.
    network : bool
        Whether it returns one number for the network.
    raises : tuple of exception types
        Errors that it may raise.
    """

    function: Callable[[Any], Any]
    takes: Takes
    network: bool
    raises: tuple[type[Exception], ...]

    def __call__(self, counts: Counts, labels: NDArray[np.int16] | None = None) -> Answer:
        """Ask the estimator.

        Parameters
        ----------
        counts : ndarray of int (node, trial, bin)
        labels : ndarray of int16 (trial, bin), optional
            Conditions.

        Raises
        ------
        Violation
            An error, another shape, something else than real numbers.
        Refused
            One of the errors that it may raise.
        """
        data: Any = counts.astype(np.int64)
        if self.takes == "raster":
            data = SpikeRaster.from_dense(counts, conditions=labels)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            try:
                result = self.function(data)
            except self.raises as error:
                raise Refused from error
            except Exception as error:
                # Whatever it is, it belongs into the report.
                raise Violation(f"it raised {type(error).__name__}: {error}", counts) from error
        warned = [
            f"{w.category.__name__}: {w.message}" for w in told if issubclass(w.category, TOLD)
        ]
        after = data.to_dense() if self.takes == "raster" else data
        return Answer(
            self._numbers(result, counts),
            warned[0] if warned else "",
            not np.array_equal(after, counts),
        )

    def values(self, counts: Counts) -> Array:
        """Return the values alone: (node,)."""
        return self(counts).values

    def _numbers(self, result: Any, counts: Counts) -> Array:
        shape = () if self.network else counts.shape[:1]
        wanted = "one number" if self.network else f"one number a node, of shape {shape}"
        pair = isinstance(result, tuple) and len(result) == 2
        columns = []
        for one in result if pair else (result,):
            try:
                column = np.asarray(one)
            except ValueError as error:
                raise Violation(
                    f"it returned no array, but must return {wanted}", counts
                ) from error
            if column.shape != shape or column.dtype.kind not in "biuf":
                raise Violation(
                    f"it returned an array of {column.dtype} of shape {column.shape}, but must "
                    f"return {wanted}",
                    counts,
                    hint="return a value for dead nodes, too" if column.ndim == 1 else "",
                )
            columns.append(column.reshape(-1).astype(np.float64))
        return np.stack(columns)
