"""What an estimator is to estimate, and what follows from that."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from stochnet.errors import InvalidInputError
from stochnet.process import Array, Params, Process
from stochnet.testing.estimators.exact import OfNodes, each, fano, over_nodes, rate
from stochnet.testing.estimators.suspects import FANOS, MFFS, MFRS, RATES, Suspect

Of = str | Callable[[Params, int], Array]
Repeated = Literal["same", "ddof=1"]
Truth = Callable[[Process, Params, int], Array]


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be estimated.

    Attributes
    ----------
    title : str
        How messages call it.
    truth : callable
        ``(process, params, window) -> (node,)``.
    network : bool
        Whether it is one number for all nodes.
    exact, suspects : callable or None, tuple of Suspect
        Its value for given counts, and what is often computed instead.
    n_windows : int
        Windows that it needs; 0 if it knows none.
    scaling : float or None
        Counts times k multiply it by k**scaling.
    dead : float or None
        Its value for dead nodes; None for any.
    repeated : {"same", "ddof=1"} or None
        What becomes of it when every trial is shown twice.
    trial_order, bin_order, conditions : bool
        Whether it depends on the order of trials, the order of bins, and on conditions.
    """

    title: str
    truth: Truth
    network: bool = False
    exact: OfNodes | None = None
    suspects: tuple[Suspect, ...] = ()
    n_windows: int = 0
    scaling: float | None = None
    dead: float | None = None
    repeated: Repeated | None = None
    trial_order: bool = False
    bin_order: bool = True
    conditions: bool = True


def _true_rate(process: Process, params: Params, window: int) -> Array:
    return process.moments(params, window)[0] / window


def _true_fano(process: Process, params: Params, window: int) -> Array:
    mean, variance = process.moments(params, window)
    return variance / mean


def _rate(title: str, network: bool) -> Target:
    exact = each(rate)
    return Target(
        title=title,
        truth=_true_rate,
        network=network,
        exact=over_nodes(exact) if network else exact,
        suspects=MFRS if network else RATES,
        scaling=1,
        dead=0.0,
        repeated="same",
        bin_order=False,
        conditions=False,
    )


def _fano(title: str, network: bool) -> Target:
    exact = each(fano)
    return Target(
        title=title,
        truth=_true_fano,
        network=network,
        exact=over_nodes(exact) if network else exact,
        suspects=MFFS if network else FANOS,
        n_windows=2,
        scaling=1,
        dead=math.nan,
        repeated="ddof=1",
        conditions=False,
    )


TARGETS = MappingProxyType(
    {
        "rate": _rate("the firing rate", False),
        "fano": _fano("the Fano factor in windows of {W} bins", False),
        "mfr": _rate("the mean firing rate of the network", True),
        "mff": _fano("the mean Fano factor in windows of {W} bins", True),
    }
)


def get_target(of: Of, process: Process | None) -> Target:
    """Return the target of a name, of a parameter of a process, or of a function.

    Raises
    ------
    InvalidInputError
        Neither; the message lists what there is.
    """
    if not isinstance(of, str):
        return Target("what `of` gives", lambda _, params, window: of(params, window))
    if of in TARGETS:
        return TARGETS[of]
    names = [] if process is None else [param.name for param in process.params]
    if process is None or of not in names:
        raise InvalidInputError(
            f"of must be {', '.join(TARGETS)}, a parameter of the process ({', '.join(names)}), or "
            f"a function (params, window) -> (node,); got {of!r}"
        )
    return Target(f"{of} of {process.name}", lambda _, params, window: params[of])
