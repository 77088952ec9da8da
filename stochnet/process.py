"""What a process must declare: parameters, estimator, likelihood, moments, tables, sampler."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.errors import InvalidInputError
from stochnet.summary import Summary

Array = NDArray[np.float64]
Params = Mapping[str, Array]


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter, declared once: it validates, documents, is stored and draws test values.

    Attributes
    ----------
    name, unit, doc : str
        Name and unit as they stand in files.
    domain : tuple of float
        Lowest and highest allowed value, both included.
    typical : tuple of float
        Range from which tests draw.
    """

    name: str
    unit: str
    domain: tuple[float, float]
    typical: tuple[float, float]
    doc: str


@dataclass(frozen=True, slots=True)
class Independent:
    """Sampler of bins that are independent given node, condition and gain.

    The table holds a spike probability per bin, or, with `most` (the largest count that can be
    drawn for given parameters), the distribution function of the count at 0 … most. With `gain` it
    has 256 levels (`stochnet.gain`), of which one is drawn per segment.
    Shapes: (node,), (node, level), (node, entry), (node, level, entry).
    """

    most: Callable[[Params], int] | None = None
    gain: bool = False


@dataclass(frozen=True, slots=True)
class Stepwise:
    """Sampler of anything with memory.

    ``init(row, u) -> state`` once per trial and ``step(row, state, u) -> (count, state)`` once per
    bin, where `row` is the node's row of the table (node, entry) and `u` a number in [0, 1) that is
    a multiple of 2**-32. Both are plain Python that compares, adds, multiplies and indexes.
    """

    init: Callable[..., Any]
    step: Callable[..., Any]
    most: Callable[[Params], int] | None = None


Sampler = Independent | Stepwise


@dataclass(frozen=True, slots=True)
class Estimate:
    """Parameters of nodes, their standard errors (inf: cannot be known) and flags, each (node,)."""

    params: dict[str, Array]
    standard_errors: dict[str, Array]
    flags: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Process:
    """A stochastic process for one node; a record of functions, never subclassed.

    Attributes
    ----------
    name, version
        Identity on disk.
    params : tuple of Param
        Each of shape (node,), or (node, condition) when fitted per condition.
    estimate : callable
        ``Summary -> Estimate``.
    log_likelihood : callable
        ``(params, Summary) -> (node,)``: of the bins of the raster, so that processes compare.
    moments : callable
        ``(params, window) -> (mean, variance)`` of the count in a window of that many bins, when a
        gain is redrawn in every such window.
    tabulate : callable
        ``params -> table`` for the sampler; all exp, log and quantiles happen here.
    sampler : Independent or Stepwise
        How spikes are drawn.
    interval : callable, optional
        ``(name, values, standard errors, bins observed, level) -> (low, high)``, each (node,): an
        interval that keeps its level at the ends of the domain. Without one, value ± z · error.
    needs : frozenset of str
        Parts of the summary beyond totals: ``"windows"``, ``"transitions"``, ``"gaps"``.
    doc : str
        One sentence: what it models, and its source.
    """

    name: str
    version: int
    params: tuple[Param, ...]
    estimate: Callable[[Summary], Estimate]
    log_likelihood: Callable[[Params, Summary], Array]
    moments: Callable[[Params, int], tuple[Array, Array]]
    tabulate: Callable[[Params], Array]
    sampler: Sampler
    interval: Callable[[str, Array, Array, int, float], tuple[Array, Array]] | None = None
    needs: frozenset[str] = field(default_factory=frozenset)
    doc: str = ""

    @property
    def has_counts(self) -> bool:
        """Whether a bin can hold more than one spike."""
        return self.sampler.most is not None

    @property
    def has_gain(self) -> bool:
        """Whether a gain is drawn for each window."""
        return isinstance(self.sampler, Independent) and self.sampler.gain

    def validate(self, params: Mapping[str, Any]) -> dict[str, Array]:
        """Return the parameters as float64 arrays of one shape.

        Raises
        ------
        InvalidInputError
            A parameter is missing, unknown, of another shape or outside its domain; the message
            names the parameter and the first bad node.
        """
        names = [p.name for p in self.params]
        if set(params) != set(names):
            raise InvalidInputError(f"{self.name} has the parameters {names}, got {sorted(params)}")
        arrays = {name: np.atleast_1d(np.asarray(params[name], np.float64)) for name in names}
        shapes = {array.shape for array in arrays.values()}
        if len(shapes) != 1 or len(next(iter(shapes))) > 2:
            raise InvalidInputError(
                f"{self.name}: parameters must share one shape (node,) or (node, condition), got "
                f"{ {name: array.shape for name, array in arrays.items()} }"
            )
        for param in self.params:
            values, (low, high) = arrays[param.name], param.domain
            bad = np.argwhere(~((values >= low) & (values <= high)))
            if len(bad):
                where = f"node {bad[0][0]}" + (
                    f", condition {bad[0][1]}" if values.ndim > 1 else ""
                )
                raise InvalidInputError(
                    f"{self.name}: {param.name} must lie in [{low:g}, {high:g}]"
                    f"{'' if param.unit == '1' else ' ' + param.unit}; {where} has "
                    f"{values[tuple(bad[0])]}"
                )
        return arrays
