"""Maximum likelihood of (mean, dispersion) from histograms: damped Newton, node by node."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from stochnet.kernels.compile import kernel

CONVERGED, BOUNDARY, STOPPED = 0, 1, 2
ROUNDS = 200


@kernel
def direction(mean, dispersion, most, free, now):
    """Newton's step; along an axis where a bound holds, or where the function is not concave."""
    gm, gd, hmm, hmd, hdd = now[1], now[2], now[3], now[4], now[5]
    held = (dispersion <= 0.0 and gd <= 0.0) or (dispersion >= most and gd >= 0.0)
    determinant = hmm * hdd - hmd * hmd
    if held or not free:
        return (-gm / hmm if hmm < 0.0 else 0.0), 0.0
    if hmm < 0.0 and determinant > 0.0:
        return -(gm * hdd - gd * hmd) / determinant, -(gd * hmm - gm * hmd) / determinant
    dm = gm / abs(hmm) if hmm != 0.0 else 0.0
    dd = gd / abs(hdd) if hdd != 0.0 else 0.0
    return dm, min(dd, dispersion + 1.0)


@functools.cache
def summed(derivatives: Callable[..., Any]) -> Any:
    """Compile the sum of a log-likelihood and its derivatives over segments of all lengths.

    ``derivatives(mean, dispersion, length, histogram, out)`` adds, for segments of one length, the
    log-likelihood and its derivatives (d/dm, d/dd, d²/dm², d²/dm dd, d²/dd²) to ``out``.
    """
    add = numba.njit(nogil=True, error_model="numpy")(derivatives)

    @numba.njit(nogil=True, error_model="numpy")
    def total(mean, dispersion, lengths, offsets, row, out):
        out[:] = 0.0
        for g in range(len(lengths)):
            add(mean, dispersion, lengths[g], row[offsets[g] : offsets[g + 1]], out)

    return total


@functools.cache
def compiled(derivatives: Callable[..., Any]) -> tuple[Any, Any]:
    """Compile (evaluate, maximise) for the derivatives of a log-likelihood (see `summed`)."""
    total = summed(derivatives)

    @numba.njit(nogil=True, error_model="numpy")
    def evaluate(means, dispersions, lengths, offsets, histogram, value):
        out = np.empty(6)
        for i in range(len(means)):
            total(means[i], dispersions[i], lengths, offsets, histogram[i], out)
            value[i] = out[0]

    @numba.njit(nogil=True, error_model="numpy")
    def search(mean, dispersion, highest, most, free, lengths, offsets, row, now, trial):
        """Climb from a start; with `free` false the dispersion stays where it is."""
        m, d, dm, dd, step = mean, dispersion, 0.0, 0.0, 0.0
        now[0] = -np.inf
        # One evaluation a round: it is either accepted, or the step is halved.
        for _ in range(ROUNDS):
            inside = 0.0 < m < highest
            if inside:
                total(m, d, lengths, offsets, row, trial)
            if inside and trial[0] >= now[0] - 1e-12 * abs(now[0]):
                change = abs(m - mean) / mean + abs(d - dispersion) / (dispersion + 1e-3)
                started = now[0] > -np.inf
                mean, dispersion = m, d
                # Not now[:] = trial: that compiles the text of an error message for two seconds.
                for i in range(6):
                    now[i] = trial[i]
                if started and change < 1e-9:
                    return mean, dispersion, CONVERGED
                dm, dd = direction(mean, dispersion, most, free, now)
                step = 1.0
            else:
                step *= 0.5
                if step < 1e-12:
                    break
            m = mean + step * dm
            d = min(max(dispersion + step * dd, 0.0), most)
        # No step climbs any more: at the optimum up to rounding if the slope is nothing.
        flat = abs(now[1]) * mean + abs(now[2]) * dispersion < 1e-5 * (1.0 + abs(now[0]))
        return mean, dispersion, CONVERGED if flat else STOPPED

    @numba.njit(nogil=True, error_model="numpy")
    def maximise(means, dispersions, highest, most, lengths, offsets, histogram, errors, status):
        """Replace the starts in `means` and `dispersions` by the maximum; errors (node, 2)."""
        now, trial = np.empty(6), np.empty(6)
        for i in range(len(means)):
            row = histogram[i]
            if not (0.0 < means[i] < highest):
                status[i] = BOUNDARY
                continue
            m, d, free, state = means[i], dispersions[i], dispersions[i] > 0.0, STOPPED
            # From the moment estimate; then, where that ends at zero, along zero; then, where the
            # likelihood rises from zero after all, from a small dispersion.
            for attempt in range(3):
                m, d, state = search(m, d, highest, most, free, lengths, offsets, row, now, trial)
                if free and d > 0.0:
                    break
                if free:
                    d, free = 0.0, False
                elif now[2] > 0.0 and attempt < 2:
                    d, free = 1e-3, True
                else:
                    break
            means[i], dispersions[i] = m, d
            status[i] = BOUNDARY if d <= 0.0 or d >= most else state
            determinant = now[3] * now[5] - now[4] * now[4]
            if status[i] == BOUNDARY or not (now[3] < 0.0 and determinant > 0.0):
                errors[i, 0] = np.sqrt(-1.0 / now[3]) if now[3] < 0.0 else np.inf
                errors[i, 1] = np.inf
            else:
                errors[i, 0] = np.sqrt(-now[5] / determinant)
                errors[i, 1] = np.sqrt(-now[3] / determinant)

    return evaluate, maximise
