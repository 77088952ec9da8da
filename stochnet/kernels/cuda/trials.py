"""Processes with memory on the device: a thread draws a trial."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from numba import cuda

from stochnet.kernels.cuda.device import device, draw, split
from stochnet.kernels.drawing import bins


@functools.cache
def stepwise_kernel(
    init: Callable[..., Any], step: Callable[..., Any], *, counts: bool, pooled: bool
) -> Any:
    """Compile the kernel of a process: out (node, trial, bin), or (node, trial, word) if packed."""
    trial_of = device(bins.trial_of(init, step, counts=counts, pooled=pooled))

    @cuda.jit
    def kernel(tables, nodes, n_bins, k0, k1, conditions, out):
        n_nodes, n_trials, _ = out.shape
        for item in range(cuda.grid(1), n_nodes * n_trials, cuda.gridsize(1)):
            i, trial = split(item, n_trials)
            trial_of(out[i, trial], tables[i], n_bins, conditions, trial, nodes[i], k0, k1)

    return kernel


def stepwise(
    init: Callable[..., Any], step: Callable[..., Any], *, counts: bool, pooled: bool
) -> Any:
    """Return a function that draws what `stochnet.kernels.drawing.stepwise.stepwise` draws."""
    kernel = stepwise_kernel(init, step, counts=counts, pooled=pooled)

    def run(tables, nodes, n_bins, k0, k1, out, conditions):
        draw([(kernel, out.shape[1])], (tables, nodes), (n_bins, k0, k1, conditions), out)

    return run
