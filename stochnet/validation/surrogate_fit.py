"""The fit behind a surrogate: to what it was made, and how large its error is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from stochnet.bundle.bundle import Bundle
from stochnet.bundle.fingerprints import REMEMBERED, stimulus_digests, trial_digests
from stochnet.bundle.process_fit import known_fit
from stochnet.processes import PROCESSES
from stochnet.raster.raster import SpikeRaster

# From this share of its trials on, a raster is the one that was fitted.
SAME = 0.5

HELD_OUT = (
    "The observed trials are none of those that the surrogate was fitted to: it is judged on "
    "held-out trials, and the error of the fit is part of what chance explains."
)
FITTED = (
    "The surrogate was fitted to the observed trials themselves, so it looks closer than it is. "
    "Keep some trials out of the fit and judge by those: stochnet.split_trials cuts a raster."
)
PARTLY = (
    "{share:.0%} of the observed trials were used in the fit. Keep all trials that are judged out "
    "of the fit: stochnet.split_trials cuts a raster."
)
SHOWN = (
    "{share:.0%} of the stimuli of the observed trials were shown in the fit too, in other trials. "
    "A network answers a stimulus in the same way, so the surrogate looks closer than it is: judge "
    "by stimuli that were kept out of the fit."
)
UNKNOWN = (
    "Whether the observed trials were used in the fit is not known: the surrogate does not say "
    "what it was fitted to. Judge by trials that were kept out of the fit (stochnet.split_trials)."
)
DRAWN = (
    "The surrogate was drawn from parameters that were given and not fitted, as far as its "
    "provenance says: nothing is added for the error of a fit."
)


@dataclass(frozen=True, slots=True)
class SurrogateFit:
    """What is known of the fit behind a surrogate.

    Attributes
    ----------
    fitted_bins : int
        Bins of the raster of the fit; 0 if no fit is known.
    held_out : bool or None
        Whether the observed trials were kept out of it; None if that cannot be told.
    note : str
    process : str
        Name of the process of all nodes; empty if there are several or none is known.
    per_condition : bool
    window : int or None
        As it was fitted.
    correlated : bool
        Whether nodes share latents.
    """

    fitted_bins: int
    held_out: bool | None
    note: str
    process: str = ""
    per_condition: bool = False
    window: int | None = None
    correlated: bool = False

    def bundle(self, raster: SpikeRaster) -> Bundle | None:
        """Return a bundle of the same process without its parameters; None if not of one alone."""
        if self.process not in PROCESSES:
            return None
        record = PROCESSES[self.process]
        shape = (raster.n_nodes, raster.n_conditions) if self.per_condition else (raster.n_nodes,)
        params = {one.name: np.full(shape, one.typical[0]) for one in record.params}
        fit = known_fit(record, np.arange(raster.n_nodes), params, self.window)
        return Bundle((fit,))


@dataclass(frozen=True, eq=False, slots=True)
class FitError:
    """The error of the fit in the statistics of a surrogate, as far as it was measured.

    Attributes
    ----------
    fit : SurrogateFit
    compared_bins, simulated_bins : int
        Bins of either raster that are compared, and of the whole surrogate.
    share : mapping of label to float
        Of the noise of a statistic over the trials of the fit, the part that is error of the fit:
        from 0 to 1.
    bias : mapping of (label, scope) to (float, float)
        How much higher the mean of a surrogate is than that of the trials of its fit, and the
        standard error of that. For a fit to as many bins as the surrogate has.
    """

    fit: SurrogateFit
    compared_bins: int
    simulated_bins: int
    share: Mapping[str, float] = field(default_factory=dict)
    bias: Mapping[tuple[str, str | None], tuple[float, float]] = field(default_factory=dict)

    def inflation(self, label: str) -> float:
        """Return the standard error of a difference over that of two rasters of one process.

        All of the noise is error of the fit where its share is not known. A surrogate of the
        observed trials follows them instead.
        """
        if not self.fit.fitted_bins:
            return 1.0
        if self.fit.held_out is False:
            return math.sqrt(1 - self.share.get(label, 0.0) / 2)
        ratio = self.compared_bins / self.fit.fitted_bins
        return math.sqrt(1 + self.share.get(label, 1.0) * ratio / 2)

    def added(self, label: str, scope: str | None) -> tuple[float, float]:
        """Return what the bias of the fit adds to a mean, and the standard error of that."""
        if not self.fit.fitted_bins:
            return 0.0, 0.0
        ratio = self.simulated_bins / self.fit.fitted_bins
        bias, error = self.bias.get((label, scope), (0.0, 0.0))
        return ratio * bias, ratio * error


def find_fit(observed: SpikeRaster, simulated: SpikeRaster, bundle: Bundle | None) -> SurrogateFit:
    """Find out what the surrogate was fitted to."""
    source: Any = bundle.provenance if bundle is not None else simulated.provenance.get("bundle")
    facts = source.get("fit") if isinstance(source, Mapping) else None
    if not isinstance(facts, Mapping):
        # A bundle that was made from parameters has no provenance at all.
        drawn = isinstance(source, Mapping) and not source
        return SurrogateFit(0, None, DRAWN if drawn else UNKNOWN)
    bins = int(facts.get("n_trials", 0)) * int(facts.get("n_bins", 0))
    how = (
        str(facts.get("process") or ""),
        bool(facts.get("per_condition")),
        facts.get("window"),
        bool(facts.get("correlated")),
    )
    fitted = set(str(facts.get("trials", "")).split())
    seen = set(trial_digests(observed))
    if not fitted or not seen:
        return SurrogateFit(bins, None, UNKNOWN, *how)
    share = len(fitted & seen) / min(len(fitted), len(seen))
    if share >= SAME:
        return SurrogateFit(bins, False, FITTED, *how)
    # Two trials of so many digits agree by chance once in four thousand million.
    note = PARTLY.format(share=share) if share else HELD_OUT
    shown = 0.0 if share else shared_stimuli(str(facts.get("stimuli", "")), observed)
    if shown > 0:
        # A few shared stimuli are no reason to expect that the surrogate follows the recording.
        held_out = False if shown >= SAME else None
        return SurrogateFit(bins, held_out, SHOWN.format(share=shown), *how)
    return SurrogateFit(bins, share == 0, note, *how)


def shared_stimuli(remembered: str, observed: SpikeRaster) -> float:
    """Return about which share of the observed stimuli are among those that a bundle remembers."""
    fitted = remembered.split()
    # Beyond the largest that is remembered nothing is known.
    complete = len(fitted) < REMEMBERED
    seen = [one for one in stimulus_digests(observed) if complete or one <= fitted[-1]]
    return len(set(fitted) & set(seen)) / len(seen) if fitted and seen else 0.0
