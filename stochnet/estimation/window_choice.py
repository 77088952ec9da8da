"""The window as a parameter: a few lengths to choose among, each a candidate of its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from stochnet.bundle.process_fit import ProcessFit
from stochnet.bundle.selection import candidate_name
from stochnet.errors import InvalidInputError
from stochnet.estimation.fit_blocks import FitTask
from stochnet.process import Array, Process
from stochnet.raster.raster import SpikeRaster
from stochnet.statistics.summary.stored import RasterSummary

Window = int | Literal["auto"] | None
AUTO = "auto"
SHORTEST, MOST_WINDOWS = 10, 6


@dataclass(frozen=True, slots=True)
class Candidate:
    """A process with a window, to choose among.

    Attributes
    ----------
    task : int
        Position of the task that fits it.
    place : int
        Position of the process in the task.
    record : Process
    window : int or None
        Bins, where the window was one of several; else None.
    """

    task: int
    place: int
    record: Process
    window: int | None

    @property
    def name(self) -> str:
        """Its name in a `Selection`."""
        return candidate_name(self.record.name, self.window)

    def criterion(self, fit: ProcessFit, criterion: str) -> Array:
        """Return AIC or BIC of the fit: (node,). A window that was chosen is a parameter too."""
        score: Array = getattr(fit, criterion)
        if self.window is None:
            return score
        bins = max(1, int(fit.observed_bins.sum()))
        return score + (2.0 if criterion == "aic" else math.log(bins))


def is_auto(window: object) -> bool:
    """Whether the window is to be chosen."""
    return isinstance(window, str) and window == AUTO


def has_window(record: Process) -> bool:
    """Whether a process depends on the window: it has a gain, or a rate profile."""
    return record.has_gain or record.has_profile


def windows_to_try(n_bins: int) -> tuple[int, ...]:
    """Return at most six windows from 10 bins to the trial, in equal ratios of about 3 or more."""
    if n_bins <= 2 * SHORTEST:
        return (n_bins,)
    steps = min(MOST_WINDOWS, 1 + max(1, round(math.log(n_bins / SHORTEST, 3))))
    lengths = np.geomspace(SHORTEST, n_bins, steps)[:-1]
    # One digit is enough for what is searched in such steps, and can be read.
    rounded = [round(x, -math.floor(math.log10(x))) for x in lengths]
    return (*dict.fromkeys(int(x) for x in rounded), n_bins)


def tasks_of(
    raster: SpikeRaster | RasterSummary,
    records: Sequence[Process],
    per_condition: bool,
    window: Window,
) -> tuple[tuple[FitTask, ...], tuple[Candidate, ...]]:
    """Return what is to be fitted, and the candidates in the order in which ties are decided.

    With ``"auto"`` processes that depend on the window are fitted once for each length.

    Raises
    ------
    InvalidInputError
        A window that does not fit, or a choice of windows for a summary, which has but one.
    """
    if not is_auto(window):
        task = FitTask(raster, tuple(records), per_condition, window)  # type: ignore[arg-type]
        return (task,), tuple(Candidate(0, k, one, None) for k, one in enumerate(records))
    if isinstance(raster, RasterSummary):
        raise InvalidInputError(
            "window='auto' needs the raster itself: a summary holds the counts of one window, "
            f"here {raster.window or 'the whole trial'}; give that one"
        )
    plain = tuple(one for one in records if not has_window(one))
    bound = tuple(one for one in records if has_window(one))
    tasks: list[FitTask] = []
    found: list[Candidate] = []
    if plain:
        found += [Candidate(0, k, one, None) for k, one in enumerate(plain)]
        tasks.append(FitTask(raster, plain, per_condition, None))
    for length in windows_to_try(raster.n_bins) if bound else ():
        found += [Candidate(len(tasks), k, one, length) for k, one in enumerate(bound)]
        tasks.append(FitTask(raster, bound, per_condition, length))
    order = {one.name: k for k, one in enumerate(records)}
    found.sort(key=lambda one: (order[one.record.name], one.window or 0))
    return tuple(tasks), tuple(found)


def best_window(fits: Sequence[ProcessFit]) -> int:
    """Return which of the fits of one process is best for all nodes together.

    All have as many parameters, so that their likelihoods compare.
    """
    totals = [float(np.sum(np.maximum(one.log_likelihood, -1e300))) for one in fits]
    return int(np.argmax(totals))
