"""How many latents a layer needs: the fewest that predict pairs in bins that were held out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stochnet.estimation.latents.anchors import choose_anchors, fit_anchors, squared_error
from stochnet.estimation.latents.pair_moments import Array, describe, halves_of, rates_of, table
from stochnet.kernels.threads import Progress
from stochnet.raster.raster import SpikeRaster

RANKS = (1, 2, 4, 8, 16, 32)
# Nodes whose pairs are looked at: half as many as in the fit itself, for six fits.
MOST_ANCHORS = 1024
# Part of what the best rank explains that a lower one may leave.
TOLERANCE = 0.01


def choose_rank(
    raster: SpikeRaster,
    scale: Array,
    conditions: NDArray[np.int64],
    progress: Progress | None = None,
) -> int:
    """Return the lowest rank that predicts correlations in held-out bins about as well as the best.

    The bins of every condition are dealt into two halves. Ranks 1, 2, 4, … 32 are fitted to pairs
    of at most 1,024 anchors in the one, and their squared errors taken in the other. The lowest
    rank within 1 % of what the best one explains is taken; 0 if none explains anything. A stimulus
    that is shown in both halves is not held out: choose the rank on a recording that shows each
    stimulus once.

    Parameters
    ----------
    raster : SpikeRaster
    scale : ndarray (node,)
        0 for nodes that are left out.
    conditions : ndarray of int64 (trial, bin)
        -1 for bins that are left out.
    """
    anchors = choose_anchors(raster, scale, MOST_ANCHORS)
    if len(anchors.nodes) < 2:
        return 0
    train, test = halves_of(conditions)
    known, held = (describe(rates_of(anchors.words, half), half) for half in (train, test))
    series, observed = table(anchors.words, known, train)
    unseen = table(anchors.words, held, test)
    largest = max(one.stop - one.start for one in anchors.layers)
    ranks = [rank for rank in RANKS if rank == 1 or rank < largest]
    errors = [squared_error(*unseen, None, anchors.layers)]
    for done, rank in enumerate(ranks, start=1):
        found = fit_anchors(series, observed, known, anchors.layers, rank)
        errors.append(squared_error(*unseen, found, anchors.layers))
        if progress is not None:
            progress("rank", done, len(ranks))
    return lowest(errors, ranks)


def lowest(errors: list[float], ranks: list[int]) -> int:
    """Return the lowest rank within the tolerance; errors begin with that of rank 0."""
    best = min(errors)
    allowed = best + TOLERANCE * (errors[0] - best)
    return next(rank for error, rank in zip(errors, [0, *ranks], strict=True) if error <= allowed)
