"""Statistics with one value, or one distribution, for all nodes of the network or of a layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stochnet.bundle.bundle import Bundle
from stochnet.bundle.process_fit import ProcessFit
from stochnet.estimation.fit import fit
from stochnet.raster.raster import SpikeRaster
from stochnet.validation.inference.evidence import Evidence
from stochnet.validation.kinds.statistic import Index, Measured, Statistic
from stochnet.validation.matching import Matched
from stochnet.validation.sums.sampled_nodes import take_nodes

Bias = Mapping[str | None, tuple[float, float]]


@dataclass(frozen=True, eq=False, slots=True)
class Refit:
    """Some nodes of a surrogate, fitted again as they were fitted, and drawn from that fit.

    Attributes
    ----------
    bundle : Bundle
        Its processes; their parameters do not matter.
    nodes : ndarray of int64 (node,)
        Which nodes of the surrogate.
    first : SpikeRaster
        The surrogate of these nodes.
    others : sequence of SpikeRaster
        Surrogates of the fit to it.
    scopes : sequence of (str or None, ndarray of bool (node,))
        Which of these nodes are in the network and in each layer.
    correlated : bool
        Whether the surrogate shares latents, which are not fitted again.
    """

    bundle: Bundle
    nodes: Index
    first: SpikeRaster
    others: Sequence[SpikeRaster]
    scopes: Sequence[tuple[str | None, NDArray[np.bool_]]]
    correlated: bool


def fit_again(first: SpikeRaster, nodes: Index, bundle: Bundle) -> Bundle:
    """Fit a raster of some nodes of a bundle as these were fitted."""
    fits: list[ProcessFit] = []
    for one in bundle.fits:
        mine = np.flatnonzero(np.isin(nodes, one.node_ids))
        if len(mine):
            again = fit(
                take_nodes(first, mine),
                one.process,
                per_condition=one.n_conditions > 0,
                window=one.window,
                # Of a class that was left out of the first fit there may be no bin.
                min_bins=1 if one.n_conditions else None,
            )
            fits.append(replace(again, node_ids=mine))
    network = Bundle(tuple(fits), (), first.n_trials, first.n_bins, first.conditions)
    return replace(network, bin_width=first.bin_width)


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkStatistic(Statistic):
    """A statistic of many nodes at once.

    Attributes
    ----------
    weigh : callable
        ``Matched, Measured -> list of Evidence``, in the network and in layers.
    fit_bias : callable or None
        ``Matched, Refit -> mapping of scope to (float, float)``: how much higher it is after
        another fit, and the standard error of that.
    population : bool
        Whether it reads the active nodes of every bin.
    """

    weigh: Callable[[Matched, Measured], list[Evidence]]
    fit_bias: Callable[[Matched, Refit], Bias] | None = None
    population: bool = False
