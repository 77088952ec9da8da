"""Anchors: the nodes whose pairs say what the latents of a network are."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from stochnet.estimation.latents.pair_moments import Array, Words, gather
from stochnet.raster.raster import SpikeRaster

Index = NDArray[np.int64]


@dataclass(frozen=True, eq=False, slots=True)
class Anchors:
    """Some nodes of every layer.

    Attributes
    ----------
    nodes : ndarray of int64 (anchor,)
        Which ones, ascending.
    layers : tuple of slice
        Where those of each layer stand among them.
    words : ndarray of uint64 (anchor, word)
        Their spikes.
    """

    nodes: Index
    layers: tuple[slice, ...]
    words: Words


def choose_anchors(raster: SpikeRaster, scale: Array, most: int) -> Anchors:
    """Draw anchors among the nodes that vary: of each layer as many, small layers whole.

    Parameters
    ----------
    raster : SpikeRaster
    scale : ndarray (node,)
        0 for nodes that cannot be anchors.
    most : int
        Anchors of all layers.
    """
    members = [layer.first + np.flatnonzero(scale[layer.nodes] > 0) for layer in raster.layers]
    rng = np.random.default_rng(0)
    left, taken = most, {}
    # Small layers first: what they leave of their share goes to the larger ones.
    order = sorted(range(len(members)), key=lambda k: len(members[k]))
    for position, k in enumerate(order):
        share = min(len(members[k]), left // (len(order) - position))
        taken[k] = np.sort(rng.choice(members[k], share, replace=False))
        left -= share
    chosen = [taken[k] for k in range(len(members))]
    ends = np.concatenate([[0], np.cumsum([len(one) for one in chosen])]).tolist()
    layers = tuple(slice(a, b) for a, b in pairwise(ends))
    ids = np.concatenate(chosen)
    words = gather(raster, ids) if len(ids) else np.zeros((0, 0), np.uint64)
    return Anchors(ids, layers, words)
