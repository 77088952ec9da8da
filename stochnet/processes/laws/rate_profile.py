"""Rates that follow a smooth profile over the window: curves, their fit, their intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special
from scipy.interpolate import BSpline

from stochnet.kernels.fitting import regression
from stochnet.kernels.threads import run_blocks
from stochnet.process import Array, Estimate, Flag, Params, first_flags
from stochnet.processes.laws.scipy_stats import stats
from stochnet.raster.windows import SLOTS, slot_of_bin
from stochnet.statistics.summary.summary import Summary

# Controls are searched within this distance of the mean, in units of the link: a factor of 3e6.
LIMIT = 15.0
# Standard error of a control, in units of the link, up to which intervals keep their level.
KNOWN = 0.8


@dataclass(frozen=True, slots=True)
class Profile:
    """A curve over the slots of a window whose log (or logit) is a cubic spline.

    Each slot has the weighted mean of the controls on the scale of the link, weighted by the
    splines there, so that equal controls are that constant. A control of zero makes the curve zero
    wherever its spline is positive, and so does, with a logit, a control of one with one; where
    both meet, the zero counts.

    Attributes
    ----------
    name : str
        Of the parameters, which are numbered from 1.
    highest : float
        Upper end of a control.
    binary : bool
        Whether bins are 0/1 and the link is the logit; else they are counts and it is the log.

    References
    ----------
    Kass, Ventura & Cai (2003), Network: Computation in Neural Systems 14, 5-15; Truccolo, Eden,
    Fellows, Donoghue & Brown (2005), Journal of Neurophysiology 93, 1074-1089.
    """

    name: str
    highest: float
    binary: bool

    @property
    def names(self) -> list[str]:
        """Names of the controls, from the start of the window to its end."""
        return [f"{self.name}_{k + 1}" for k in range(CONTROLS)]

    def curve(self, params: Params) -> Array:
        """Return the rate (or spike probability) of a bin in every slot: (node, slot)."""
        return self._slots(np.stack([params[name] for name in self.names], axis=1))

    def _slots(self, controls: Array) -> Array:
        inside = (controls > 0) & ((controls < 1) | (not self.binary))
        # Relative to the highest control, equal ones are that very number, and nothing overflows.
        anchor = np.where(inside, controls, 0.0).max(axis=1, keepdims=True)
        anchor[anchor == 0] = 0.5
        place = self._link(np.where(inside, controls, anchor)) - self._link(anchor)
        fall, silent, full = np.zeros((3, len(controls), SLOTS))
        for k in range(CONTROLS):
            fall += BASIS[:, k] * place[:, k : k + 1]
            silent += BASIS[:, k] * (controls[:, k : k + 1] == 0)
            full += BASIS[:, k] * (controls[:, k : k + 1] == 1)
        found = self._moved(anchor, np.maximum(fall, -700.0))
        if self.binary:
            found[full > 0] = 1.0
        found[silent > 0] = 0.0
        return found

    def moments(self, params: Params, window: int) -> tuple[Array, Array]:
        """Mean and variance of the count in a window over which the profile runs once."""
        bins = np.bincount(slot_of_bin(window, window), minlength=SLOTS)
        curve = self.curve(params)
        return (bins * curve).sum(axis=1), (bins * self._spread(curve)).sum(axis=1)

    def fit(self, summary: Summary) -> Estimate:
        """Maximum likelihood, with standard errors by the information.

        Where a whole spline saw no spike (or, with a logit, no silent bin), its control is 0 (or
        1). Few spikes can have no maximum all the same: a control is then left at `LIMIT` from the
        mean. Such controls have an infinite error, and their node has the flag BOUNDARY. Where
        the bins leave controls open, those nearest to the mean are taken, with an infinite error.
        """
        # A 0/1 process has no curve for several spikes in a bin.
        possible = (summary.spikes == summary.active) | (not self.binary)
        mean = (summary.active if self.binary else summary.spikes) / summary.n_bins
        free = np.flatnonzero((mean > 0) & possible & ~(self.binary & (mean == 1)))
        controls = np.repeat(mean[:, None], CONTROLS, axis=1)
        errors = np.full(controls.shape, np.inf)
        flags = first_flags(summary)
        controls[free], errors[free], flag = self._search(
            np.ascontiguousarray(summary.slot_spikes[free]), summary.slot_bins, mean[free]
        )
        flags[free] |= flag
        return Estimate(
            dict(zip(self.names, np.ascontiguousarray(controls.T), strict=True)),
            dict(zip(self.names, np.ascontiguousarray(errors.T), strict=True)),
            flags,
        )

    def _search(
        self, spikes: NDArray[np.int64], seen: NDArray[np.int64], mean: Array
    ) -> tuple[Array, Array, NDArray[np.uint16]]:
        """Return controls and errors (node, control), and flags, of nodes with spikes.

        From spikes (node, slot) in bins seen (slot,).
        """
        edge = np.zeros((len(mean), CONTROLS), np.int64)
        bins = np.repeat(seen[None].astype(np.float64), len(mean), axis=0)
        for k, under in enumerate(BASIS.T > 0):
            fired, own = spikes[:, under].sum(axis=1), seen[under].sum()
            edge[:, k] -= (own > 0) & (fired == 0)
            edge[:, k] += self.binary & (own > 0) & (fired == own)
            # Its slots are explained for certain, and tell nothing about the other controls.
            bins[np.ix_(edge[:, k] != 0, under)] = 0.0
        betas, held = np.empty(edge.shape), np.zeros(edge.shape, np.int64)
        status, starts = np.zeros(len(mean), np.int64), self._link(mean)
        top = np.inf if self.binary else np.log(self.highest)

        def run(a: int, b: int) -> None:
            regression.maximise(
                BASIS, bins[a:b], spikes[a:b], starts[a:b], LIMIT, top, self.binary, betas[a:b],
                held[a:b], status[a:b],
            )  # fmt: skip

        run_blocks(run, len(mean))
        controls = self._moved(mean[:, None], betas - starts[:, None])
        # Rounding must not make an edge of what is none.
        controls = np.minimum(controls, np.nextafter(self.highest, 0))
        errors = self._spread(controls)
        controls = np.where(edge == 0, controls, edge > 0)
        weights = seen * self._spread(self._slots(controls))
        errors = errors * np.sqrt(self._variances(weights, held | edge))
        flags = np.where(((held != 0) | (edge != 0)).any(axis=1), Flag.BOUNDARY.value, 0)
        flags |= np.where(status == regression.STOPPED, Flag.NOT_CONVERGED.value, 0)
        return controls, errors, flags.astype(np.uint16)

    def log_likelihood(self, params: Params, summary: Summary) -> Array:
        """Log probability of the bins, up to the factorials of counts."""
        curve, spikes, bins = self.curve(params), summary.slot_spikes, summary.slot_bins
        value = special.xlogy(spikes, curve)
        if not self.binary:
            return np.asarray((value - bins * curve).sum(axis=1))
        value += special.xlog1py(np.maximum(bins - spikes, 0), -curve)
        return np.where(summary.spikes == summary.active, value.sum(axis=1), -np.inf)

    def identified(self, params: Params, summary: Summary) -> NDArray[np.bool_]:
        """Where the expected information gives every control an error of at most `KNOWN`."""
        weights = summary.slot_bins * self._spread(self.curve(params))
        held = np.zeros((len(weights), CONTROLS), np.int64)
        return np.asarray((self._variances(weights, held) <= KNOWN**2).all(axis=1))

    def interval(
        self, name: str, value: Array, error: Array, n_bins: int, level: float
    ) -> tuple[Array, Array]:
        """Return Wald's interval on the scale of the link; all of the domain without an error."""
        known = np.isfinite(error) & (value > 0) & (value < self.highest)
        inside = np.where(known, value, 0.5)
        reach = float(stats.norm.isf((1 - level) / 2)) * np.where(known, error, 0.0)
        reach = np.minimum(reach / self._spread(inside), 600.0)
        low, high = self._moved(inside, -reach), self._moved(inside, reach)
        return np.where(known, low, 0.0), np.where(known, high, np.inf).clip(max=self.highest)

    def _variances(self, weights: Array, held: NDArray[np.int64]) -> Array:
        """Variances of the controls (node, control) in units of the link."""
        variances = np.empty(held.shape)
        run_blocks(
            lambda a, b: regression.invert(BASIS, weights[a:b], held[a:b], variances[a:b]),
            len(held),
        )
        return variances

    def _link(self, value: Array) -> Array:
        return np.log(value) - np.log1p(-value) if self.binary else np.log(value)

    def _moved(self, value: Array, shift: Array) -> Array:
        """Return the value that lies `shift` away in units of the link; exact for no shift."""
        if self.binary:
            return np.asarray(value / (value + (1 - value) * np.exp(-shift)))
        return np.asarray(value * np.exp(shift))

    def _spread(self, value: Array) -> Array:
        """Return the variance of a bin, which is the slope of the mean along the link."""
        return value * (1 - value) if self.binary else value


CONTROLS = 5
DEGREE = 3


def basis(n_controls: int = CONTROLS) -> NDArray[np.float64]:
    """Return the cubic B-splines in the middle of every slot: (slot, control).

    Their knots lie evenly over the window, and in each slot they sum to one. Five of them have one
    knot inside, at half of the window: the first is zero in the second half, the last in the first
    half, and the three others are positive everywhere.

    References
    ----------
    de Boor (2001), A Practical Guide to Splines, revised edition, Springer, chapter IX.
    """
    inner = np.linspace(0, 1, n_controls - DEGREE + 1)
    knots = np.concatenate([np.zeros(DEGREE), inner, np.ones(DEGREE)])
    middle = (np.arange(SLOTS) + 0.5) / SLOTS
    splines = BSpline.design_matrix(middle, knots, DEGREE).toarray()
    return np.ascontiguousarray(splines / splines.sum(axis=1, keepdims=True))


BASIS = basis()
