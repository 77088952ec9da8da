"""The schedules and windows of all epochs, drawn once so that epochs can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stochnet.errors import InvalidInputError
from stochnet.kernels.rng import resolve_seed
from stochnet.recording.schedule import Schedule, make_schedule

SCHEDULES = ("shuffled", "blocked", "stratified", "sequential")
BY_CLASS = ("blocked", "stratified")
USUAL_WINDOWS = (10, 50)

Labels = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Presentation:
    """One order in which the stimuli of every epoch are shown.

    Attributes
    ----------
    schedule : Schedule
        Positions of stimuli (trial, bin).
    by : str
        ``"label"`` or ``"training-label"``: what blocked and stratified go by.
    """

    schedule: Schedule
    by: str = "label"

    @property
    def key(self) -> str:
        """Part of the names of columns: ``blocked_by_training_label``."""
        suffix = "" if self.by == "label" else "_by_training_label"
        return f"{self.schedule.kind}{suffix}"

    @property
    def title(self) -> str:
        """The same for people."""
        return self.key.replace("_", " ")

    @property
    def size(self) -> tuple[int, int]:
        """Trials, and bins per trial."""
        n_trials, n_bins = self.schedule.order.shape
        return n_trials, n_bins


@dataclass(frozen=True, slots=True)
class Plan:
    """What is computed of every epoch.

    Attributes
    ----------
    windows : tuple of int
        Bins per window, ascending.
    presentations : tuple of Presentation
        In the order of the schedules that were asked for.
    labels : tuple of str
        Labels of which the selectivity is computed: none, ``"label"``, ``"training-label"``.
    seed : int
        What the orders were drawn from.
    """

    windows: tuple[int, ...]
    presentations: tuple[Presentation, ...]
    labels: tuple[str, ...]
    seed: int

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the indicators, in the order of the table."""
        fano = (
            f"{name}_{one.key}_{window}"
            for one in self.presentations
            for window in self.windows
            for name in ("mff", "var_fano")
        )
        selectivity = (selectivity_column(by) for by in self.labels)
        return ("nodes", "dead", "saturated", "mfr", "var_rate", *selectivity, *fano)


def selectivity_column(by: str) -> str:
    """Return the name of the column of the selectivity for a kind of labels."""
    return "selectivity" if by == "label" else "selectivity_by_training_label"


def make_plan(
    n_stimuli: int,
    labels: Labels | None = None,
    training_labels: Labels | None = None,
    *,
    windows: Sequence[int] | None = None,
    schedules: Sequence[str] | None = None,
    seed: int = 0,
) -> Plan:
    """Draw the orders in which the stimuli of every epoch are shown.

    Trials have as many bins as the longest window. There are as many trials as fit without showing
    a stimulus twice.

    Parameters
    ----------
    n_stimuli : int
        Stimuli of a recording.
    labels : ndarray of int (stimulus,), optional
        Class of every stimulus.
    training_labels : ndarray of int (stimulus,), optional
        Labels of the training where these are others, -1 for a stimulus without one. Blocked and
        stratified are then presented by these too, the stimuli without one left out.
    windows : sequence of int, optional
        Bins per window. By default 10 and 50, or what fits of these.
    schedules : sequence of str, optional
        By default shuffled, and blocked where there are labels.
    seed : int, default 0
        Of the orders.

    Raises
    ------
    InvalidInputError
        An unknown schedule, labels missing, or a window that is longer than a class or of which
        there are fewer than two.
    """
    groups = {
        by: given
        for by, given in (("label", labels), ("training-label", training_labels))
        if given is not None
    }
    wanted = tuple(schedules or (("shuffled", "blocked") if groups else ("shuffled",)))
    if not set(wanted) <= set(SCHEDULES) or len(set(wanted)) != len(wanted):
        raise InvalidInputError(
            f"schedules must be some of {', '.join(SCHEDULES)}, each once; got {', '.join(wanted)}"
        )
    lacking = [name for name in wanted if name in BY_CLASS and not groups]
    if lacking:
        raise InvalidInputError(
            f"the schedule {lacking[0]} needs labels: give them, or take shuffled or sequential"
        )
    orders = [(kind, by) for kind in wanted for by in (groups if kind in BY_CLASS else ("label",))]
    longest = min(_longest(kind, n_stimuli, groups.get(by)) for kind, by in orders)
    chosen = _windows(windows, longest)
    seed = resolve_seed(seed)
    presentations = tuple(
        _presentation(kind, by, n_stimuli, groups.get(by), chosen[-1], seed) for kind, by in orders
    )
    several = tuple(by for by, given in groups.items() if 1 < len(_sizes(given)) < n_stimuli)
    return Plan(chosen, presentations, several, seed)


def _sizes(labels: Labels | None) -> Labels:
    """Return the sizes of the classes; stimuli without a label are in none."""
    known = labels[labels >= 0] if labels is not None else np.zeros(0, np.int64)
    if not len(known):
        raise InvalidInputError("none of the stimuli has a label: leave these labels out")
    return np.unique(known, return_counts=True)[1]


def _longest(kind: str, n_stimuli: int, labels: Labels | None) -> int:
    """Return the bins of the longest trial of which a schedule has two windows."""
    if kind not in BY_CLASS:
        return n_stimuli // 2
    sizes = _sizes(labels)
    smallest, n_classes = int(sizes.min()), len(sizes)
    if kind == "blocked":
        return smallest if n_classes > 1 else smallest // 2
    return n_classes * (smallest // 2)


def _windows(windows: Sequence[int] | None, longest: int) -> tuple[int, ...]:
    if longest < 2:
        raise InvalidInputError(
            "there are too few stimuli, or too few of a class, for a window of 2 bins: show more"
        )
    if windows is None:
        return tuple(w for w in USUAL_WINDOWS if w <= longest) or (longest,)
    chosen = tuple(sorted({int(window) for window in windows}))
    if not chosen or chosen[0] < 1:
        raise InvalidInputError("windows must be whole numbers of bins from 1, at least one")
    if chosen[-1] > longest:
        raise InvalidInputError(
            f"a window of {chosen[-1]} bins does not fit: of these stimuli windows up to {longest} "
            "bins can be made (of one class where they are blocked, and at least two); take "
            "shorter windows or more stimuli"
        )
    return chosen


def _presentation(
    kind: str, by: str, n_stimuli: int, labels: Labels | None, n_bins: int, seed: int
) -> Presentation:
    if kind not in BY_CLASS:
        plan = make_schedule(kind, n_stimuli, n_stimuli // n_bins, n_bins, seed=seed)
        return Presentation(plan)
    sizes = _sizes(labels)
    n_classes, smallest = len(sizes), int(sizes.min())
    if kind == "blocked":
        n_trials = n_classes * (smallest // n_bins)
    else:
        n_trials = max(1, smallest // max(1, n_bins // n_classes))
    known = np.flatnonzero(labels >= 0) if labels is not None else np.arange(n_stimuli)
    of_known = None if labels is None else labels[known]
    plan = make_schedule(kind, len(known), n_trials, n_bins, labels=of_known, seed=seed)
    # The stimuli without a label are left out, so positions among the others are put right.
    return Presentation(replace(plan, order=known[plan.order]), by)
