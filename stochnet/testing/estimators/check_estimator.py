"""`check_estimator`: whether an estimator of your own estimates what it should."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from numpy.typing import ArrayLike

from stochnet.errors import EstimatorFailure, InvalidInputError
from stochnet.process import Process
from stochnet.processes import get_process
from stochnet.testing.estimators.cause import find_cause
from stochnet.testing.estimators.degenerate import run_degenerate
from stochnet.testing.estimators.outcome import EstimatorReport, Outcome, Point
from stochnet.testing.estimators.properties import PROPERTIES
from stochnet.testing.estimators.recovery import NAMES, known_values, run_recovery
from stochnet.testing.estimators.search import run_property
from stochnet.testing.estimators.setup import Setup
from stochnet.testing.estimators.subject import Subject, Takes
from stochnet.testing.estimators.targets import Of, Repeated, Target, get_target

CHECKS = (*PROPERTIES, "degenerate", *NAMES)
KINDS = ("spikes", "counts")
# Bins that a replicate needs at least, so that hardly any is silent.
ENOUGH_BINS = 2000
Auto = Literal["auto"]


def check_estimator(
    estimator: Callable[[Any], Any],
    process: str | Process | None = None,
    *,
    of: Of = "rate",
    window: int | None = None,
    takes: Takes = "raster",
    kinds: Sequence[str] | None = None,
    checks: Sequence[str] | None = None,
    scaling: float | Auto | None = "auto",
    dead: float | Auto | None = "auto",
    repeated: Repeated | Auto | None = "auto",
    trial_order: bool = False,
    bin_order: bool | Auto = "auto",
    conditions: bool | Auto = "auto",
    raises: tuple[type[Exception], ...] = (),
    params: Mapping[str, ArrayLike] | None = None,
    n_nodes: int = 200,
    n_trials: int | None = None,
    n_bins: int | None = None,
    tolerance: float = 0.01,
    level: float = 1e-4,
    rtol: float = 1e-9,
    max_examples: int = 50,
    seed: int = 0,
    raise_on_failure: bool = True,
) -> EstimatorReport:
    """Property-test an estimator, and see whether it recovers what is known.

    Hypothesis looks for the smallest raster that shows what is wrong. All is drawn from `seed`, so
    that a run can be repeated; nothing is stored between runs.

    Parameters
    ----------
    estimator : callable
        Takes a `SpikeRaster` and returns an array (node,), or a pair of such arrays: values and
        their standard errors. For ``"mfr"`` and ``"mff"`` it returns one number instead of an
        array.
    process : str or Process, optional
        Simulated with known parameters; without one, ``recovery`` and ``coverage`` are skipped.
    of : {"rate", "fano", "mfr", "mff"}, name of a parameter, or callable
        What is estimated: the firing rate in spikes per bin, the Fano factor, their means over all
        nodes of the network (over those that have a Fano factor), a parameter of the process, or a
        function ``(params, window) -> (node,)`` of those parameters.
    window : int, optional
        Bins per window of the estimator; needed for Fano factors. A small one, such as 3, makes
        small counterexamples. Every raster has trials of at least one window.
    takes : {"raster", "dense"}
        Whether the estimator is called with a `SpikeRaster` or an array of int64 (node, trial,
        bin).
    kinds : sequence of {"spikes", "counts"}, optional
        Kinds of rasters that it must bear; both for rates and Fano factors, otherwise the kind that
        the process draws.
    checks : sequence of str, optional
        Those to run; all of ``stochnet.testing.CHECKS`` by default.
    scaling : float, None or "auto"
        Counts times k multiply the result by k**scaling; None: not known. As for all that follow,
        ``"auto"`` is what rates and Fano factors have, and for other targets None or True.
    dead : float, None or "auto"
        Result for a node that never fires: 0 for rates, NaN for Fano factors; None: anything.
    repeated : {"same", "ddof=1"}, None or "auto"
        What becomes of the result when every trial is there twice.
    trial_order, bin_order, conditions : bool
        Whether the result depends on the order of trials or bins, or on conditions.
    raises : tuple of exception types
        Errors that the estimator may raise for data it cannot use.
    params : mapping of name to array_like (point,), optional
        Parameters to recover; by default six points over their typical ranges.
    n_nodes : int, default 200
        Nodes simulated at each point; each is a replicate.
    n_trials, n_bins : int, optional
        Size of what is simulated; by default trials of one window (50 bins without one), so that
        windows are independent under every process, and 200 of them or 2,000 bins in all.
    tolerance : float, default 0.01
        Bias that is allowed, as a fraction of the true value.
    level : float, default 1e-4
        Probability that an estimator without bias fails ``recovery``, or ``coverage``, by chance;
        it is divided among the points (Bonferroni).
    rtol : float, default 1e-9
        Difference that is rounding, relative and absolute.
    max_examples : int, default 50
        Rasters that each property is tried on.
    seed : int, default 0
        From 0 to 2**64 - 1.
    raise_on_failure : bool, default True
        False returns the report of a failure, too.

    Returns
    -------
    EstimatorReport
        The outcome of every check; it prints as a table.

    Raises
    ------
    EstimatorFailure
        A check failed: an `AssertionError` whose message shows the smallest data that tell.
    InvalidInputError
        Arguments that do not fit together.

    Notes
    -----
    output
        One real number for each node, and the same again for the same data.
    nodes_permuted, nodes_sliced
        No node's result depends on the others. A mean over nodes is the mean of its parts.
    trials_permuted, bins_permuted, conditions_ignored
        The result does not depend on what it should not depend on.
    scale, repeated
        Exact factors for counts times k, and for every trial twice.
    reference
        Equal to the exact value, computed in fractions.
    degenerate
        Dead and saturated nodes, one spike, one trial, one bin, large counts: neither error nor
        warning, and the data are not changed.
    recovery
        The mean over replicates lies within tolerance and chance of the truth.
    coverage
        Value ± 1.96 standard errors holds the truth in 95 % of the replicates, within two points
        and chance.

    Examples
    --------
    >>> import stochnet as sn
    >>> from stochnet.testing import check_estimator
    >>> check_estimator(sn.firing_rate, "bernoulli").passed
    True
    """
    record = None if process is None else get_process(process)
    target = get_target(of, record)
    if target.n_windows and window is None:
        raise InvalidInputError(f"give window: the bins per window of {of!r}")
    target = replace(
        target,
        scaling=target.scaling if scaling == "auto" else scaling,
        dead=target.dead if dead == "auto" else dead,
        repeated=target.repeated if repeated == "auto" else repeated,
        trial_order=trial_order,
        bin_order=target.bin_order if bin_order == "auto" else bin_order,
        conditions=target.conditions if conditions == "auto" else conditions,
    )
    bins = n_bins or window or 50
    setup = Setup(
        subject=Subject(estimator, takes, target.network, raises),
        target=target,
        process=record,
        window=window,
        counts=_kind(kinds, target, record),
        simulated=params,
        n_nodes=n_nodes,
        n_trials=n_trials or max(200, math.ceil(ENOUGH_BINS / bins)),
        n_bins=bins,
        tolerance=tolerance,
        level=level,
        rtol=rtol,
        max_examples=max_examples,
        seed=seed,
    )
    _check_arguments(setup, takes, checks)
    if record is not None:
        known_values(setup, record)
    report = _run(setup, CHECKS if checks is None else tuple(checks))
    if raise_on_failure and not report.passed:
        raise EstimatorFailure(report)
    return report


def _kind(kinds: Sequence[str] | None, target: Target, process: Process | None) -> bool | None:
    """Return whether rasters hold counts; None is either."""
    if kinds is None:
        if target.exact is not None or process is None or process.has_counts:
            return None
        return False
    if not kinds or not set(kinds) <= set(KINDS) or isinstance(kinds, str):
        raise InvalidInputError(f"kinds must be some of {KINDS}, got {kinds!r}")
    return None if len(set(kinds)) == 2 else kinds[0] == "counts"


def _check_arguments(setup: Setup, takes: str, checks: Sequence[str] | None) -> None:
    unknown = set(checks or ()) - set(CHECKS)
    if isinstance(checks, str) or unknown:
        raise InvalidInputError(f"checks must be some of {', '.join(CHECKS)}, got {checks!r}")
    if takes not in ("raster", "dense"):
        raise InvalidInputError(f"takes must be 'raster' or 'dense', got {takes!r}")
    if not (0 < setup.level < 1 and setup.tolerance >= 0 and setup.rtol >= 0):
        raise InvalidInputError(
            "level must lie between 0 and 1, and tolerance and rtol must not be negative"
        )
    if min(setup.n_nodes // 10, setup.n_trials, setup.n_bins, setup.max_examples) < 1:
        raise InvalidInputError(
            "n_nodes must be at least 10, and n_trials, n_bins and max_examples at least 1"
        )
    if setup.window is not None and not 1 <= setup.window <= setup.n_bins:
        raise InvalidInputError(
            f"a window must have 1 to n_bins = {setup.n_bins} bins, got {setup.window}"
        )


def _run(setup: Setup, checks: Sequence[str]) -> EstimatorReport:
    outcomes: dict[str, Outcome] = {}
    for name, one in PROPERTIES.items():
        if name in checks:
            outcomes[name] = run_property(name, one, setup)
    if "degenerate" in checks:
        outcomes["degenerate"] = run_degenerate("degenerate", setup)
    points: tuple[Point, ...] = ()
    wanted = [name for name in NAMES if name in checks]
    if wanted:
        found, points = run_recovery(setup, wanted)
        outcomes |= {one.check: one for one in found}
    wrong = any(one.status == "failed" for one in outcomes.values())
    cause = find_cause(setup) if wrong else ""
    return EstimatorReport(setup.title, tuple(outcomes.values()), points, cause)
