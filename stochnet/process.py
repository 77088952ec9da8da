"""What a process must declare: parameters, estimator, likelihood, moments, tables, sampler."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntFlag
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.errors import InvalidInputError, entrance
from stochnet.statistics.per_second import is_per_second
from stochnet.statistics.summary.summary import Summary

# What a value that is too large most often was meant to be.
_PER_BIN = (
    ": parameters are per bin; a rate in spikes per second times the width of a bin in seconds is "
    "one per bin"
)

Array = NDArray[np.float64]
Params = Mapping[str, Array]


class Flag(IntFlag):
    """What to know about a node's fit; several can hold at once."""

    OK = 0
    DEAD = 1
    SATURATED = 2
    BOUNDARY = 4
    FEW_WINDOWS = 8
    NOT_CONVERGED = 16
    IMPOSSIBLE = 32
    WEAK = 64
    SHRUNK = 128
    UNDECIDED = 256


FLAG_DOC = {
    Flag.DEAD: "no spike in the recording; dispersion cannot be known",
    Flag.SATURATED: "a spike in every bin; dispersion cannot be known",
    Flag.BOUNDARY: "a parameter lies at the edge of its domain; its standard error is that there",
    Flag.FEW_WINDOWS: "fewer than 10 windows; the dispersion is a guess",
    Flag.NOT_CONVERGED: "the likelihood search stopped early; moment estimates are given",
    Flag.IMPOSSIBLE: "the process cannot produce these bins, for example several spikes in one",
    Flag.WEAK: "too little was observed for intervals to keep their level closely",
    Flag.SHRUNK: "drawn towards the nodes of its layer (empirical Bayes)",
    Flag.UNDECIDED: "another process explains the spikes about as well",
}


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
    whole : bool
        Whether only whole numbers are allowed.
    """

    name: str
    unit: str
    domain: tuple[float, float]
    typical: tuple[float, float]
    doc: str
    whole: bool = False

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """Return values spread over the typical range, for tests."""
        values = rng.uniform(*self.typical, shape)
        return np.rint(values) if self.whole else values


@dataclass(frozen=True, slots=True)
class Independent:
    """Sampler of bins that are independent given node, condition and gain.

    The table holds a spike probability per bin, or, with `most` (the largest count that can be
    drawn for given parameters), the distribution function of the count at 0 … most. With `gain` it
    has 256 levels (`stochnet.processes.laws.gains`), of which one is drawn per segment. With
    `profile` it has one row for each of the slots that a window is cut into
    (`stochnet.raster.windows.SLOTS`). Shapes: (node,), (node, level), (node, entry), (node, level,
    entry); with `profile` (node, slot) and (node, slot, entry).
    """

    most: Callable[[Params], int] | None = None
    gain: bool = False
    profile: bool = False


@dataclass(frozen=True, slots=True)
class Stepwise:
    """Sampler of anything with memory.

    ``init(row, u) -> state`` once per trial and ``step(row, state, u) -> (count, state)`` once per
    bin, where `row` is the node's row of the table (node, entry) and `u` a number in [0, 1) that is
    a multiple of 2**-32. Both are plain Python that compares, adds, multiplies and indexes. They
    add no product to a floating-point number: a GPU rounds such a sum once, and a CPU twice.
    """

    init: Callable[..., Any]
    step: Callable[..., Any]
    most: Callable[[Params], int] | None = None


@dataclass(frozen=True, slots=True)
class Renewal:
    """Sampler of 0/1 bins whose gaps between spikes are independent.

    The table holds hazards (node, 2·n): the probability of a spike at ages of 1 … n bins, given
    none since, before the first spike of a trial and then after a spike; the hazard of age n holds
    beyond it. Nodes with one law of gaps are drawn gap by gap. Where the class can change within a
    gap they are drawn bin by bin, with `init` and `step` as of a `Stepwise` sampler.
    """

    init: Callable[..., Any]
    step: Callable[..., Any]
    most: None = None


Sampler = Independent | Renewal | Stepwise


@dataclass(frozen=True, slots=True)
class Estimate:
    """Parameters of nodes, their standard errors (inf: cannot be known) and flags, each (node,)."""

    params: dict[str, Array]
    standard_errors: dict[str, Array]
    flags: NDArray[np.uint16]


def first_flags(summary: Summary) -> NDArray[np.uint16]:
    """Return flags (node,) that mark dead and saturated nodes only, for an estimator to add to."""
    flags = np.zeros(summary.n_nodes, np.uint16)
    every_bin = summary.active == summary.n_bins
    flags[summary.spikes == 0] = Flag.DEAD.value
    flags[every_bin & (summary.spikes == summary.active)] = Flag.SATURATED.value
    return flags


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
    sampler : Independent, Renewal or Stepwise
        How spikes are drawn.
    interval : callable, optional
        ``(name, values, standard errors, bins observed, level) -> (low, high)``, each (node,): an
        interval that keeps its level at the ends of the domain, or None where `data_interval` gives
        that of this parameter.
    data_interval : callable, optional
        ``(params, standard errors, Summary, level) -> {name: (low, high)}``, each (node,):
        intervals that need the data, as those by profile likelihood. They are computed during the
        fit, and stored. A parameter with neither interval gets value ± z · error.
    identified : callable, optional
        ``(params, Summary) -> bool (node,)``: where the size of the data (and only that is looked
        at) suffices for the intervals to have their level, 0.93 to 0.97 at 0.95. Elsewhere a fit is
        flagged `Flag.WEAK`. Without one, everywhere.
    needs : frozenset of str
        Parts of the summary beyond totals, names of files of `stochnet.statistics.summary.parts`.
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
    interval: Callable[[str, Array, Array, int, float], tuple[Array, Array] | None] | None = None
    data_interval: (
        Callable[[Params, Params, Summary, float], Mapping[str, tuple[Array, Array]]] | None
    ) = None
    identified: Callable[[Params, Summary], NDArray[np.bool_]] | None = None
    needs: frozenset[str] = field(default_factory=frozenset)
    doc: str = ""

    def __fingerprint__(self) -> str:
        """Return what stands for a process in a digest: its name and version."""
        return f"process {self.name} {self.version}\n"

    @property
    def has_counts(self) -> bool:
        """Whether a bin can hold more than one spike."""
        return self.sampler.most is not None

    @property
    def has_gain(self) -> bool:
        """Whether a gain is drawn for each window."""
        return isinstance(self.sampler, Independent) and self.sampler.gain

    @property
    def has_profile(self) -> bool:
        """Whether the rate depends on the position in the window."""
        return isinstance(self.sampler, Independent) and self.sampler.profile

    def __repr__(self) -> str:
        return f"Process({self.name}: {', '.join(one.name for one in self.params)})"

    @property
    def is_plain(self) -> bool:
        """Whether bins are 0/1 and independent, so that nodes can be correlated (`Latents`)."""
        plain = not (self.has_counts or self.has_gain or self.has_profile)
        return isinstance(self.sampler, Independent) and plain

    def validate(self, params: Mapping[str, Any]) -> dict[str, Array]:
        """Return the parameters as float64 arrays of one shape.

        Raises
        ------
        InvalidInputError
            A parameter is missing, unknown, of another shape or outside its domain; the message
            names the parameter and the first bad node.
        """
        names = [p.name for p in self.params]
        entrance.instance("params", params, Mapping, f"give a dict with {', '.join(names)}")
        if set(params) != set(names):
            raise InvalidInputError(
                f"{self.name} has the parameters {names}, got {sorted(map(str, params))}"
            )
        arrays = {name: self._values(name, params[name]) for name in names}
        shapes = {array.shape for array in arrays.values()}
        if len(shapes) != 1 or len(next(iter(shapes))) > 2:
            raise InvalidInputError(
                f"{self.name}: parameters must share one shape (node,) or (node, condition), got "
                f"{ {name: array.shape for name, array in arrays.items()} }"
            )
        for param in self.params:
            values, (low, high) = arrays[param.name], param.domain
            good = (values >= low) & (values <= high)
            if param.whole:
                good &= values == np.rint(values)
            bad = np.argwhere(~good)
            if len(bad):
                where = f"node {bad[0][0]}" + (
                    f", condition {bad[0][1]}" if values.ndim > 1 else ""
                )
                raise InvalidInputError(
                    f"{self.name}: {param.name} must {'be whole and ' if param.whole else ''}"
                    f"lie in [{low:g}, {high:g}]"
                    f"{'' if param.unit == '1' else ' ' + param.unit}; {where} has "
                    f"{values[tuple(bad[0])]}{_PER_BIN if values[tuple(bad[0])] > high else ''}"
                )
        return arrays

    def _values(self, name: str, values: Any) -> Array:
        """Return the values of a parameter: (node,), or (node, condition)."""
        if is_per_second(values):
            raise InvalidInputError(
                f"{self.name}: {name} is per bin, and these rates are in spikes per second: give "
                "stochnet.firing_rate(raster, per='bin'), or Bundle.from_params(..., "
                "per='second', bin_width=...)"
            )
        return np.atleast_1d(entrance.floats(f"{self.name}: {name}", values))
