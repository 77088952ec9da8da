"""Fit loadings and the correlations of latents of all layers at once, to some nodes: anchors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from stochnet.estimation.latents.pair_moments import Nodes, Words, gather
from stochnet.kernels.fitting import moments as kernels
from stochnet.kernels.threads import run_blocks
from stochnet.raster.raster import SpikeRaster

Array = NDArray[np.float64]
Single = NDArray[np.float32]
# Most that a node shares: a node without noise of its own is no dichotomised Gaussian of the model.
MOST_SHARED = 0.98
STEPS = 120
# Relative gain of a step below which the search ends.
GAIN = 2e-5
TURNS = 40


@dataclass(frozen=True, eq=False, slots=True)
class AnchorFit:
    """What a fit to anchors found.

    Attributes
    ----------
    loadings : ndarray (anchor, rank)
        On the latents of the anchor's layer.
    basis : ndarray (layer, rank, layer·rank)
        The latents of each layer in independent ones; rows are orthonormal.
    loss : float
        Half the sum of squared differences of correlations, over ordered pairs.
    """

    loadings: Array
    basis: Array
    loss: float

    def reach(self, layers: Sequence[slice]) -> Array:
        """Return the loadings on the independent latents of all layers: (anchor, layer·rank)."""
        return np.concatenate([self.loadings[one] @ self.basis[k] for k, one in enumerate(layers)])


def fit_anchors(
    series: Single, observed: Single, nodes: Nodes, layers: Sequence[slice], rank: int
) -> AnchorFit:
    """Fit the correlations of all pairs of anchors by least squares.

    A node of layer l has the loadings v A_l on independent latents, scaled to a length below 1,
    with v (rank,) its own and A_l (rank, layer·rank) that of its layer; so the correlations of the
    latents are positive semidefinite whatever the numbers. L-BFGS searches them all together.

    Parameters
    ----------
    series, observed : ndarray of float32
        From `stochnet.estimation.latents.pair_moments.table`.
    nodes : Nodes
        The anchors.
    layers : sequence of slice
        Where the anchors of each layer stand.
    rank : int
        Latents of a layer.
    """
    n, n_layers = len(observed), len(layers)
    size, reach = n_layers * rank, math.sqrt(MOST_SHARED)
    # L-BFGS wants steps of one size: those of a layer's matrix move all its nodes.
    stiff = math.sqrt(max(1.0, n / size))
    start = [first_guess(observed[one, one], nodes.slope[one], rank) for one in layers]

    def parts(x: Array) -> tuple[Array, Array]:
        return x[: n * rank].reshape(n, rank), x[n * rank :].reshape(size, size) / stiff

    def cost(x: Array) -> tuple[float, Array]:
        own, shared = parts(x)
        blocks = (shared @ shared.T).reshape(n_layers, rank, n_layers, rank)
        between = np.ascontiguousarray(blocks.transpose(0, 2, 1, 3))
        turned = np.empty_like(own)
        for k, one in enumerate(layers):
            turned[one] = own[one] @ between[k, k]
        length = np.sqrt(1 + (own * turned).sum(axis=1, keepdims=True))
        pulled, loss = residuals(series, observed, own * (reach / length), between, layers)
        # Every unordered pair stands twice in the sum and once in the loss; so 2 / 2 · 2.
        pull = pulled.reshape(n, size) * (2 * reach / length)
        gradient, shared_gradient = np.empty_like(own), np.empty_like(shared)
        for k, one in enumerate(layers):
            rows = slice(k * rank, (k + 1) * rank)
            steer = pull[one] @ blocks[k].reshape(rank, size).T
            radial = (own[one] * steer).sum(axis=1, keepdims=True) / length[one] ** 2
            gradient[one] = steer - radial * turned[one]
            mass = own[one].T @ pull[one]
            mass[:, rows] -= own[one].T @ (own[one] * radial)
            shared_gradient[rows] = mass @ shared
        return float(loss.sum()) / 2, np.concatenate(
            [gradient.ravel(), shared_gradient.ravel() / stiff]
        )

    x = np.concatenate([np.concatenate(start).ravel(), np.eye(size).ravel() * stiff])
    found = optimize.minimize(
        cost, x, jac=True, method="L-BFGS-B", options={"maxiter": STEPS, "ftol": GAIN}
    )
    own, shared = parts(found.x)
    loadings, basis = np.empty((n, rank)), np.empty((n_layers, rank, size))
    for k, one in enumerate(layers):
        root, basis[k] = polar(shared[k * rank : (k + 1) * rank])
        u = own[one] @ root
        loadings[one] = reach * u / np.sqrt(1 + (u * u).sum(axis=1, keepdims=True))
    return AnchorFit(loadings, basis, float(found.fun))


def residuals(
    series: Single, observed: Single, own: Array, between: Array, layers: Sequence[slice]
) -> tuple[Single, Array]:
    """Compare the correlations of all pairs with those observed.

    The latent correlation of anchors i and j of layers k and l is own_i · between_kl own_j.

    Returns
    -------
    pulled : ndarray of float32 (anchor, layer, rank)
        Sums over the anchors j of a layer of residual · slope · own_j.
    loss : ndarray (anchor,)
        Sums of squared residuals.
    """
    n, rank = own.shape
    layer = np.repeat(np.arange(len(layers)), [one.stop - one.start for one in layers])
    edges = np.array([0, *(one.stop for one in layers)], np.int64)
    rows, single = own.astype(np.float32), between.astype(np.float32)
    columns = np.ascontiguousarray(rows.T)
    pulled, loss = np.empty((n, len(layers), rank), np.float32), np.empty(n)
    run_blocks(
        lambda a, b: kernels.anchor_rows(
            series[a:b], observed[a:b], rows, columns, single, layer, edges, a, pulled[a:b],
            loss[a:b],
        ),
        n,
    )  # fmt: skip
    return pulled, loss


def squared_error(
    series: Single, observed: Single, found: AnchorFit | None, layers: Sequence[slice]
) -> float:
    """Return the mean squared difference of the correlations of pairs; for None, of no latents."""
    n = len(observed)
    if found is None:
        return float((observed.astype(np.float64) ** 2).sum()) / n**2
    rank = found.loadings.shape[1]
    flat = found.basis.reshape(-1, found.basis.shape[-1])
    blocks = (flat @ flat.T).reshape(len(layers), rank, len(layers), rank)
    between = np.ascontiguousarray(blocks.transpose(0, 2, 1, 3))
    _, loss = residuals(series, observed, found.loadings, between, layers)
    return float(loss.sum()) / n**2


def first_guess(observed: Single, slope: Array, rank: int) -> Array:
    """Return a start for the numbers of one layer's nodes: (node, rank).

    Principal factors of the correlations to first order (C_ij ≈ slope_i slope_j ρ_ij), with the
    shared part of each node searched along: iterated communalities, by orthogonal iteration.
    """
    n = len(observed)
    known = min(rank, n - 1)
    out = np.zeros((n, rank))
    if known < 1:
        # From nothing, a node alone in its layer would find no slope to follow.
        out[:, 0] = 0.5
        return out
    most = 0.95 * slope**2
    shared = most / 2
    table = observed.astype(np.float64)
    basis, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((n, known)))
    factors = basis
    for _ in range(TURNS):
        image = table @ basis + shared[:, None] * basis
        values, turn = np.linalg.eigh(basis.T @ image)
        factors = (basis @ turn) * np.sqrt(np.maximum(values, 0.0))
        shared = np.minimum((factors**2).sum(axis=1), most)
        # Shifted, so that the largest eigenvalues win, and not the largest in size.
        basis, _ = np.linalg.qr(image + most.max() * basis)
    loadings = factors / np.where(slope > 0, slope, np.inf)[:, None]
    long = (loadings**2).sum(axis=1)
    loadings *= np.sqrt(np.minimum(1.0, 0.9 / np.maximum(long, 1e-9)))[:, None]
    out[:, :known] = loadings / np.sqrt(1 - (loadings**2).sum(axis=1, keepdims=True))
    return out


def polar(matrix: Array) -> tuple[Array, Array]:
    """Return root and basis with matrix = root · basis: symmetric, and with orthonormal rows."""
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    return (left * values) @ left.T, left @ right


def lower(basis: Array) -> Array:
    """Return the lower triangular mixing of the same correlations as `basis`, stacked."""
    stacked = basis.reshape(-1, basis.shape[-1])
    _, upper = np.linalg.qr(stacked.T)
    signs = np.where(np.diag(upper) < 0, -1.0, 1.0)
    return np.tril(upper.T * signs)


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
