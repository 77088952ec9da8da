"""Statistics of the nodes of a raster, block by block."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stochnet.kernels.assumptions.observed import observe_counts, observe_spikes
from stochnet.kernels.assumptions.tally import Design
from stochnet.kernels.assumptions.tests import PER_WINDOW, WINDOWED
from stochnet.kernels.threads import Progress, run_blocks
from stochnet.raster.raster import SpikeRaster
from stochnet.validation.assumptions.design import Array, Counts, expected_gaps, first_terms


@dataclass(frozen=True, slots=True)
class Observed:
    """What was computed of the nodes.

    Attributes
    ----------
    values, effects : ndarray of float64 (node, statistic)
        NaN for nodes that were not wanted.
    digest : ndarray of uint64 (node,)
        64 bits that depend on all spikes of a node and on nothing else.
    """

    values: Array
    effects: Array
    digest: NDArray[np.uint64]


def observe(
    raster: SpikeRaster,
    design: Design,
    spikes: Counts,
    wanted: NDArray[np.bool_],
    progress: Progress | None = None,
) -> Observed:
    """Compute the statistics of the wanted nodes.

    Parameters
    ----------
    raster : SpikeRaster
        It may be larger than memory.
    design : Design
    spikes : ndarray of int64 (node,)
    wanted : ndarray of bool (node,)
        Nodes with fewer than two spikes, or two silent bins, must not be among them.
    progress : callable, optional
    """
    shape = (raster.n_nodes, WINDOWED + PER_WINDOW * len(design.plan))
    found = Observed(
        np.full(shape, np.nan), np.full(shape, np.nan), np.zeros(raster.n_nodes, np.uint64)
    )
    kernel = observe_counts if design.counts else observe_spikes
    gaps = expected_gaps(design)
    for first, block in raster.blocks():
        data = block.data[0 : block.n_nodes]
        here = slice(first, first + block.n_nodes)
        kept = wanted[here]
        least, probability = first_terms(design, spikes[here])
        values, effects, digest = found.values[here], found.effects[here], found.digest[here]

        def run(
            a: int,
            b: int,
            data: NDArray[np.generic] = data,
            kept: NDArray[np.bool_] = kept,
            least: Counts = least,
            probability: Array = probability,
            values: Array = values,
            effects: Array = effects,
            digest: NDArray[np.uint64] = digest,
        ) -> None:
            kernel(
                design, data[a:b], kept[a:b], least[a:b], probability[a:b], gaps,
                values[a:b], effects[a:b], digest[a:b],
            )  # fmt: skip

        run_blocks(run, block.n_nodes)
        if progress is not None:
            progress("assess: nodes", first + block.n_nodes, raster.n_nodes)
    return found
