"""Regression of spikes on a few splines: Newton's method between bounds, node by node."""

from __future__ import annotations

import numpy as np

from stochnet.kernels.compile import kernel

CONVERGED, STOPPED = 0, 1
ROUNDS = 400
# Half of this is what the log-likelihood can still rise by when the search ends.
ENOUGH = 1e-12
# Weight, for each spike, of the squared distance from the start: it decides where bins do not.
RIDGE = 1e-12
# Of a unit diagonal: keeps what rounding made singular invertible.
DAMPING = 1e-14
# A variance larger than that of a lone control by this factor is no knowledge.
INFLATION = 1e9


@kernel
def evaluate(beta, start, ridge, basis, bins, spikes, binary, slope, curvature):
    """Log-likelihood at beta, up to a constant, with its slope and its negative curvature.

    Slots without bins are passed over; `curvature` (control, control) is filled up to the diagonal.
    """
    n = len(beta)
    value = 0.0
    for k in range(n):
        value -= 0.5 * ridge * (beta[k] - start) * (beta[k] - start)
        slope[k] = -ridge * (beta[k] - start)
        for j in range(k + 1):
            curvature[k, j] = ridge if j == k else 0.0
    for s in range(len(bins)):
        if bins[s] <= 0.0:
            continue
        eta = 0.0
        for k in range(n):
            eta += basis[s, k] * beta[k]
        if binary:
            small = np.exp(-abs(eta))
            partition = bins[s] * ((eta if eta > 0.0 else 0.0) + np.log1p(small))
            mean = bins[s] * (1.0 if eta > 0.0 else small) / (1.0 + small)
            weight = bins[s] * small / ((1.0 + small) * (1.0 + small))
        else:
            partition = mean = weight = bins[s] * np.exp(eta)
        value += spikes[s] * eta - partition
        for k in range(n):
            slope[k] += basis[s, k] * (spikes[s] - mean)
            for j in range(k + 1):
                curvature[k, j] += weight * basis[s, k] * basis[s, j]
    return value


@kernel
def solve(curvature, held, right, work, out):
    """Solve curvature · out = right for the controls that are not held; out is 0 for the others.

    By Cholesky's factor, in rows of `work`, of the curvature scaled to a unit diagonal and damped.
    """
    n = len(held)
    for k in range(n):
        free = held[k] == 0 and curvature[k, k] > 0.0
        work[n, k] = 1.0 / np.sqrt(curvature[k, k]) if free else 0.0
    for k in range(n):
        forward = right[k] * work[n, k]
        for j in range(k + 1):
            total = curvature[k, j] * work[n, k] * work[n, j]
            if j == k:
                total = 1.0 + DAMPING
            for i in range(j):
                total -= work[k, i] * work[j, i]
            if j < k:
                work[k, j] = total / work[j, j]
                forward -= work[k, j] * out[j]
            else:
                work[k, k] = np.sqrt(total if total > DAMPING else DAMPING)
        out[k] = forward / work[k, k]
    for k in range(n - 1, -1, -1):
        total = out[k]
        for j in range(k + 1, n):
            total -= work[j, k] * out[j]
        out[k] = total / work[k, k]
    for k in range(n):
        out[k] *= work[n, k]


@kernel
def climb(start, low, high, ridge, data, held, beta, work, slope, curvature):
    """Search the maximum between low and high, from a start inside; return the status.

    data: basis, bins, spikes and binary, as for `evaluate`. beta (control,) becomes the maximum,
    and held int64 (control,) -1 and 1 where it stands at its low or high end, else 0. Slope and
    curvature are those there.
    """
    basis, bins, spikes, binary = data
    n = len(beta)
    value, gain, reach, size, hit = -np.inf, 0.0, 0.0, 0.0, -1
    for k in range(n):
        beta[k] = work[n + 2, k] = start
        held[k] = 0
    # One evaluation a round: it is either accepted, or the step is halved.
    for _ in range(ROUNDS):
        better = evaluate(work[n + 2], start, ridge, basis, bins, spikes, binary, slope, curvature)
        if better >= value - 1e-13 * (1.0 + abs(better)):
            value = better
            if hit >= 0 and size == reach:
                held[hit] = 1 if work[n + 1, hit] > 0.0 else -1
            for k in range(n):
                beta[k] = work[n + 2, k]
            freed = 0
            while freed >= 0:
                solve(curvature, held, slope, work, work[n + 1])
                gain = 0.0
                for k in range(n):
                    gain += work[n + 1, k] * slope[k]
                # At the top of this face, an end that the likelihood pulls away from is left.
                freed, most = -1, 1e-5
                for k in range(n):
                    pull = -slope[k] * held[k] / (np.sqrt(curvature[k, k]) + 1e-4)
                    if gain < ENOUGH and pull > most:
                        freed, most = k, pull
                if freed >= 0:
                    held[freed] = 0
            # As far as the first end.
            reach, hit = 1.0, -1
            for k in range(n):
                step = work[n + 1, k]
                room = (high if step > 0.0 else low) - beta[k]
                if abs(step) * reach > abs(room):
                    reach, hit = room / step, k
            size = reach
        else:
            size *= 0.5
        for k in range(n):
            work[n + 2, k] = beta[k] + size * work[n + 1, k]
        if hit >= 0 and size == reach:
            work[n + 2, hit] = high if work[n + 1, hit] > 0.0 else low
        if gain < ENOUGH:
            # The last step needs no check: it leads quadratically closer.
            for k in range(n):
                beta[k] = work[n + 2, k]
            return CONVERGED
        if size < 1e-14:
            break
    return CONVERGED if gain < 1e-6 else STOPPED


@kernel
def maximise(basis, bins, spikes, starts, limit, top, binary, betas, held, status):
    """Fit every node: float64 bins and int64 spikes (node, slot), starts (node,).

    betas (node, control) become the linear predictor at each control, and held int64 (node,
    control) is not 0 where a search ended at `limit` from its start, or at the top of all.
    """
    n = basis.shape[1]
    work, slope, curvature = np.zeros((n + 3, n)), np.zeros(n), np.zeros((n, n))
    for i in range(len(starts)):
        low, high = starts[i] - limit, min(starts[i] + limit, top)
        total = 0
        for s in range(basis.shape[0]):
            total += spikes[i, s]
        status[i] = climb(
            starts[i], low, high, RIDGE * total, (basis, bins[i], spikes[i], binary), held[i],
            betas[i], work, slope, curvature,
        )  # fmt: skip


@kernel
def invert(basis, weights, held, variances):
    """Variances (node, control) by the information of slots with weights (node, slot).

    Infinite where held int64 (node, control) is not 0, and where nothing is known.
    """
    n_slots, n = basis.shape
    work, unit, column = np.zeros((n + 1, n)), np.zeros(n), np.zeros(n)
    information = np.zeros((n, n))
    for i in range(len(weights)):
        for k in range(n):
            for j in range(k + 1):
                total = 0.0
                for s in range(n_slots):
                    total += weights[i, s] * basis[s, k] * basis[s, j]
                information[k, j] = total
        for k in range(n):
            unit[k] = 1.0
            solve(information, held[i], unit, work, column)
            unit[k] = 0.0
            known = column[k] > 0.0 and column[k] * information[k, k] < INFLATION
            variances[i, k] = column[k] if known else np.inf
