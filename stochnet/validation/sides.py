"""The two rasters of a validation: how they are compared, and what is known of their nodes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field

import numpy as np

from stochnet.kernels.threads import Progress
from stochnet.raster.layers import Layer
from stochnet.raster.raster import SpikeRaster
from stochnet.validation.compared.nodewise import NodeStatistic
from stochnet.validation.judging.randomization import Chance
from stochnet.validation.matching import Match
from stochnet.validation.origin import Origin
from stochnet.validation.sums.survey import Findings, plan_survey, take

Scopes = tuple[tuple[str | None, slice], ...]


@dataclass(frozen=True, eq=False, slots=True)
class FitError:
    """The error of a fit in the statistics of its surrogate.

    Attributes
    ----------
    share : mapping of label to float
        The k of a statistic: from 0, no error of the fit, to 1.
    shift : mapping of (label, scope) to (float, float)
        How much higher the mean of a surrogate is than that of the trials of its fit, by bias, and
        the standard error of that. For a fit to as many bins as the surrogate has.
    """

    share: Mapping[str, float] = field(default_factory=dict)
    shift: Mapping[tuple[str, str | None], tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False, slots=True)
class Sides:
    """The two rasters, how they are compared, and whom to tell.

    Attributes
    ----------
    observed, simulated : SpikeRaster
    plan : Match
    chance : Chance or None
        None where nothing can be judged.
    progress : callable or None
    origin : Origin
        What is known of the fit.
    fit_error : FitError
    """

    observed: SpikeRaster
    simulated: SpikeRaster
    plan: Match
    chance: Chance | None
    progress: Progress | None
    origin: Origin
    fit_error: FitError = field(default_factory=FitError)

    def widening(self, label: str) -> float:
        """Return the standard error of a difference over that of two rasters of one process.

        Of the noise of a statistic over the trials of the fit a share is the error of the fit; all
        of it where the share is not known. A surrogate of the observed trials follows them instead.
        """
        if not self.origin.fitted_bins:
            return 1.0
        if self.origin.held_out is False:
            return math.sqrt(1 - self.fit_error.share.get(label, 0.0) / 2)
        ratio = self.plan.compared_bins / self.origin.fitted_bins
        return math.sqrt(1 + self.fit_error.share.get(label, 1.0) * ratio / 2)

    def shift(self, label: str, scope: str | None) -> tuple[float, float]:
        """Return what the bias of the fit adds to a mean, and the standard error of that."""
        if not self.origin.fitted_bins:
            return 0.0, 0.0
        ratio = self.simulated.n_trials * self.simulated.n_bins / self.origin.fitted_bins
        shift, error = self.fit_error.shift.get((label, scope), (0.0, 0.0))
        return ratio * shift, ratio * error

    @property
    def rasters(self) -> tuple[SpikeRaster, SpikeRaster]:
        """Observed and simulated."""
        return self.observed, self.simulated

    @property
    def scopes(self) -> Scopes:
        """The network, and the layers unless there is only one: name and nodes."""
        layers: tuple[Layer, ...] = self.observed.layers
        whole: Scopes = ((None, slice(0, self.observed.n_nodes)),)
        return whole + tuple((x.name, x.nodes) for x in layers if len(layers) > 1)

    def say(self, what: str, done: int, total: int) -> None:
        """Report progress, if anyone listens."""
        if self.progress is not None:
            self.progress(what, done, total)


def survey_both(
    sides: Sides,
    table: Sequence[NodeStatistic],
    executor: Executor | None = None,
    *,
    population: bool,
) -> tuple[Findings, Findings]:
    """Compute the statistics of nodes of both rasters, whole and by groups."""
    n_nodes = sides.observed.n_nodes

    def teller(before: int) -> Callable[[int], None]:
        return lambda done: sides.say("reading nodes", before + done, 2 * n_nodes)

    groups = sides.plan.groups
    both = groups.inside if groups is not None else (np.zeros((0, 0), np.bool_),) * 2
    n_strata = 1 if groups is None else groups.n_strata
    surveys = [
        plan_survey(raster, table, units, inside, n_strata, population=population)
        for raster, units, inside in zip(
            sides.rasters, sides.plan.units or (None, None), both, strict=True
        )
    ]
    return take(surveys[0], teller(0), executor), take(surveys[1], teller(n_nodes), executor)
