"""Latents: shared Gaussian factors that correlate nodes and leave their rates alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochnet.errors import InvalidInputError, entrance

Array = NDArray[np.float64]
# How far the variance of a latent may be off 1, as a correlation matrix from data is.
TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False, slots=True)
class Latents:
    """The dichotomised Gaussian in factor form: what the nodes of a network have in common.

    Node i of layer l has a spike in bin t of trial k if

        loadings[i] · z_l(k, t) + trial[i] g(k) + σ_i ε_i(k, t) > θ_i,

    where z_l(k, t) are the latents of its layer, g(k) is one number for the whole network and
    trial, and ε is noise of its own, all of them standard normal, and
    σ_i² = 1 - ‖loadings[i]‖² - trial[i]².
    The left side is standard normal whatever the loadings, so with θ_i = -Φ⁻¹(p_i) the node fires
    with probability p_i exactly: rates are the node's own matter, correlations that of the latents.

    The latents of all layers, stacked, are ``mixing @ w`` with independent w. Bins are independent
    of each other, but for g.

    Attributes
    ----------
    loadings : ndarray of float64 (node, rank)
        On the latents of the node's layer; a layer of a lower rank is padded with zeros.
    mixing : ndarray of float64 (layer·rank, layer·rank)
        Lower triangular, so that a layer's latents follow those of the layers before it; the
        latents of one layer are uncorrelated and have variance 1.
    trial : ndarray of float64 (node,)
        On the gain of the trial; zeros if there is none.

    References
    ----------
    Emrich & Piedmonte (1991), The American Statistician 45:302; Macke, Berens, Ecker, Tolias &
    Bethge (2009), Neural Computation 21:397.
    """

    loadings: Array
    mixing: Array
    trial: Array

    def __post_init__(self) -> None:
        for name in ("loadings", "mixing", "trial"):
            array = np.ascontiguousarray(entrance.floats(name, getattr(self, name)))
            # Larger ones have no square.
            if not (np.abs(array) < 1e100).all():
                raise InvalidInputError(f"{name} must be finite")
            object.__setattr__(self, name, array)
        if self.loadings.ndim != 2 or self.loadings.shape[1] < 1:
            raise InvalidInputError(
                f"loadings must be (node, rank) with a rank of at least 1, got "
                f"{self.loadings.shape}"
            )
        if self.trial.shape != self.loadings.shape[:1]:
            raise InvalidInputError(
                f"trial must have one value for each node of loadings, got {self.trial.shape} "
                f"for {len(self.loadings)} nodes"
            )
        shared = self.shared_variance
        if (shared >= 1).any():
            node = int(np.argmax(shared >= 1))
            raise InvalidInputError(
                f"the squared loadings of a node must sum to less than 1, for the rest is its own "
                f"noise; those of node {node} sum to {shared[node]:g}"
            )
        size = self.mixing.shape[0] if self.mixing.ndim else 0
        if self.mixing.shape != (size, size) or size % self.rank or size == 0:
            raise InvalidInputError(
                f"mixing must be (layer·rank, layer·rank) with a rank of {self.rank}, got "
                f"{self.mixing.shape}"
            )
        self._check_mixing()

    def _check_mixing(self) -> None:
        if np.triu(self.mixing, 1).any():
            raise InvalidInputError(
                "mixing must be lower triangular: use the Cholesky factor of the correlations "
                "of the latents"
            )
        for layer in range(self.n_layers):
            rows = self.mixing[layer * self.rank : (layer + 1) * self.rank]
            if np.abs(rows @ rows.T - np.eye(self.rank)).max() > TOLERANCE:
                raise InvalidInputError(
                    f"the latents of one layer must be uncorrelated with variance 1: rows "
                    f"{layer * self.rank} to {(layer + 1) * self.rank - 1} of mixing must be "
                    "orthonormal"
                )

    @classmethod
    def independent(
        cls, loadings: ArrayLike, *, n_layers: int = 1, trial: ArrayLike | None = None
    ) -> Latents:
        """Return latents of which no two are correlated: those of different layers neither.

        Parameters
        ----------
        loadings : array_like (node, rank)
        n_layers : int, default 1
        trial : array_like (node,), optional
            None by default.

        Raises
        ------
        InvalidInputError
            As for the constructor.
        """
        table = np.atleast_2d(entrance.floats("loadings", loadings))
        gain = np.zeros(len(table)) if trial is None else entrance.floats("trial", trial)
        size = entrance.whole("n_layers", n_layers, 1, 1 << 16) * table.shape[-1]
        return cls(table, np.eye(size), gain)

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return len(self.loadings)

    def __repr__(self) -> str:
        return f"Latents({self.n_nodes:,} nodes, {self.n_layers} layer(s), rank {self.rank})"

    @property
    def rank(self) -> int:
        """Latents of a layer."""
        return int(self.loadings.shape[1])

    @property
    def n_layers(self) -> int:
        """Number of layers."""
        return len(self.mixing) // self.rank

    @property
    def shared_variance(self) -> Array:
        """Part of a node's variance that it shares with others: (node,), 0 to below 1."""
        return np.asarray((self.loadings**2).sum(axis=1) + self.trial**2)

    @property
    def correlated(self) -> NDArray[np.bool_]:
        """Whether a node has any loading: (node,). Those without are drawn on their own."""
        return np.asarray((self.loadings != 0).any(axis=1) | (self.trial != 0))

    def correlation(
        self, first: NDArray[np.int64], second: NDArray[np.int64], layer: NDArray[np.int64]
    ) -> Array:
        """Return the correlation of what is thresholded, of pairs of different nodes: (pair,).

        Parameters
        ----------
        first, second : ndarray of int64 (pair,)
            Nodes.
        layer : ndarray of int64 (node,)
            The layer of every node of the network.

        Returns
        -------
        ndarray of float64 (pair,)
            `stochnet.benchmark.truth.bivariate.excess_together` makes it a covariance of spikes.
        """
        first, second = (
            entrance.integers(name, nodes, 0, self.n_nodes - 1)
            for name, nodes in (("first", first), ("second", second))
        )
        layer = entrance.integers("layer", layer, 0, self.n_layers - 1)
        if first.ndim != 1 or first.shape != second.shape or layer.shape != (self.n_nodes,):
            raise InvalidInputError(
                f"first and second must be lists of nodes of one length, and layer have one number "
                f"for each of {self.n_nodes} nodes"
            )
        rows = self.mixing.reshape(self.n_layers, self.rank, -1)
        # Loadings on the independent series behind the latents.
        on_series = [
            np.einsum("pr,prs->ps", self.loadings[nodes], rows[layer[nodes]])
            for nodes in (first, second)
        ]
        together = (on_series[0] * on_series[1]).sum(axis=1)
        return np.asarray(together + self.trial[first] * self.trial[second])
