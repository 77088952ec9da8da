"""Strategy for the latents of correlated nodes."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from stochnet.bundle.latents import Array, Latents
from stochnet.testing.strategies.arrays import Size, sizes

# Parts of a node's variance that it shares, beside what a seed gives: none, little, all but.
SHARES = (0.0, 1e-6, 0.5, 0.999999)


@st.composite
def latents(
    draw: st.DrawFn,
    n_nodes: Size = (1, 4),
    *,
    rank: Size = (1, 4),
    n_layers: Size = 1,
) -> Latents:
    """Draw latents of a network, for `Bundle.from_params` with as many nodes and layers.

    Parameters
    ----------
    n_nodes, rank, n_layers : int or tuple of int
        A size, or its lowest and highest value.

    Returns
    -------
    strategy of Latents
        Some nodes share nothing, some almost everything; with and without a gain of the trial, and
        with layers that are correlated with each other or not.

    Raises
    ------
    InvalidInputError
        A size below 1.
    """
    n = draw(sizes(n_nodes, "n_nodes"))
    width, depth = draw(sizes(rank, "rank")), draw(sizes(n_layers, "n_layers"))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    share = st.sampled_from(SHARES) | st.floats(0, 0.95)
    shared = np.array(draw(st.lists(share, min_size=n, max_size=n)))
    directions = random.normal(size=(n, width + 1))
    if draw(st.booleans()):
        directions[:, -1] = 0.0
    directions *= np.sqrt(shared / (directions**2).sum(axis=1))[:, None]
    strength = draw(st.sampled_from([0.0, 0.3, 0.9]))
    return Latents(directions[:, :-1], _mixing(width, depth, strength, random), directions[:, -1])


def _mixing(rank: int, n_layers: int, strength: float, random: np.random.Generator) -> Array:
    """Return the mixing of layers of which each follows those before it by a part of itself."""
    mixing = np.eye(rank * n_layers)
    for first in range(rank, rank * n_layers, rank):
        before, _ = np.linalg.qr(random.normal(size=(first, rank)))
        mixing[first : first + rank, :first] = strength * before.T
        own = slice(first, first + rank)
        mixing[own, own] = np.sqrt(1 - strength**2) * np.eye(rank)
    return mixing
