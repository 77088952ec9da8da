"""A network of another size, with the laws that the nodes of a fitted one have."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stochnet.bundle.bundle import Bundle
from stochnet.bundle.populations.bootstrap import balanced, draw_rows, fit_kernel
from stochnet.bundle.populations.columns import params_of, scales_of, table_of
from stochnet.bundle.populations.loadings import draw_loadings
from stochnet.bundle.populations.population import Population, fit_population, rate_of
from stochnet.bundle.populations.sizes import Sizes, apportion, layer_sizes
from stochnet.bundle.process_fit import ProcessFit, known_fit
from stochnet.errors import InvalidInputError
from stochnet.kernels.threads import Progress
from stochnet.process import Array
from stochnet.raster.layers import Layer
from stochnet.raster.provenance import provenance

LAWS = ("empirical", "parametric")
Nodes = NDArray[np.int64]


def parts_of(bundle: Bundle, layer: Layer) -> list[tuple[int, ProcessFit]]:
    """Return (position, fit of these nodes) for every fit with nodes in a layer."""
    parts = []
    for position, fit in enumerate(bundle.fits):
        a, b = np.searchsorted(fit.node_ids, [layer.first, layer.first + layer.n_nodes])
        if b > a:
            parts.append((position, fit.take(slice(a, b))))
    return parts


def fit_populations(bundle: Bundle, *, progress: Progress | None = None) -> tuple[Population, ...]:
    """Fit the laws of the parameters over nodes: one for every layer and process.

    Put them into a bundle with ``dataclasses.replace(bundle, populations=...)``; `stochnet fit`
    does it by itself.

    Parameters
    ----------
    bundle : Bundle
    progress : callable, optional
        Called with (what, done, total).

    Returns
    -------
    tuple of Population
        Layer by layer, in the order of the fits.
    """
    found = []
    for k, layer in enumerate(bundle.layers):
        found += [fit_population(fit, layer.name, j) for j, fit in parts_of(bundle, layer)]
        if progress is not None:
            progress("population laws", k + 1, len(bundle.layers))
    return tuple(found)


def resample(
    bundle: Bundle,
    n_nodes: Sizes,
    *,
    rng: np.random.Generator | int | None = None,
    law: str = "empirical",
) -> Bundle:
    """Return a network of any size whose nodes follow the laws of the nodes of this one.

    Every layer keeps the shares of its processes. *empirical* draws whole nodes, every one about
    equally often, and moves them a little on the scales on which parameters have no bounds, so that
    means and covariances stay; how the parameters of a node go together, over conditions too, and
    its loadings, stay with it. *parametric* draws from the fitted laws (`Population`), and gives a
    node the loadings of the fitted node that has its rank among the rates.

    Parameters
    ----------
    bundle : Bundle
    n_nodes : int, mapping of layer name to int, or sequence of int
        All nodes, shared among the layers in proportion; the nodes of the layers that are named,
        the others keep theirs; or those of every layer in turn.
    rng : numpy.random.Generator, int or None
        As in Scientific Python's SPEC 7. Each layer has a stream of its own, so that a layer does
        not depend on the sizes of the others.
    law : {"empirical", "parametric"}

    Returns
    -------
    Bundle
        Of known parameters: without errors, flags, selection and laws of its own. Layers are flat.

    Raises
    ------
    InvalidInputError
        An unknown law or layer, or a size below 1.
    """
    if law not in LAWS:
        raise InvalidInputError(f"law must be one of {', '.join(LAWS)}, got {law!r}")
    sizes = layer_sizes(bundle.layers, n_nodes)
    seed = int(np.random.default_rng(rng).integers(2**63))
    layers: list[Layer] = []
    drawn: dict[int, list[tuple[Nodes, Array]]] = {}
    sources: list[Nodes] = []
    generators: list[np.random.Generator] = []
    first = 0
    for k, (layer, size) in enumerate(zip(bundle.layers, sizes.tolist(), strict=True)):
        generator = np.random.default_rng([seed, k])
        parts = parts_of(bundle, layer)
        shares = apportion(size, np.array([len(fit.node_ids) for _, fit in parts]))
        place = first + (generator.permutation(size) if len(parts) > 1 else np.arange(size))
        source, start = np.empty(size, np.int64), 0
        for (position, fit), n in zip(parts, shares.tolist(), strict=True):
            ids = np.sort(place[start : start + n])
            start += n
            if not n:
                continue
            table, rows = _draw(bundle, layer.name, position, fit, n, law, generator)
            drawn.setdefault(position, []).append((ids, table))
            source[ids - first] = fit.node_ids[rows]
        layers.append(Layer(layer.name, layer.kind, (size,), first, size))
        sources.append(source)
        generators.append(generator)
        first += size
    latents = None
    if bundle.latents is not None:
        latents = draw_loadings(bundle.latents, sources, generators)
    return Bundle(
        tuple(_joined(bundle.fits[j], drawn[j]) for j in sorted(drawn)),
        tuple(layers),
        bundle.n_trials,
        bundle.n_bins,
        bundle.conditions,
        bundle.bin_width,
        bundle.schedule,
        provenance(
            resampled={"n_nodes": sizes.tolist(), "law": law, "stream": seed},
            source=dict(bundle.provenance),
        ),
        latents=latents,
    )


def _joined(fit: ProcessFit, parts: list[tuple[Nodes, Array]]) -> ProcessFit:
    """Return the fit of new nodes of all layers."""
    table = np.concatenate([one for _, one in parts])
    return known_fit(
        fit.process,
        np.concatenate([ids for ids, _ in parts]),
        params_of(fit.process, table, fit.n_conditions),
        fit.window,
    )


def _draw(
    bundle: Bundle,
    layer: str,
    position: int,
    fit: ProcessFit,
    n: int,
    law: str,
    rng: np.random.Generator,
) -> tuple[Array, Nodes]:
    """Return parameters of n nodes, and the fitted node each takes after, by its row."""
    table, scales = table_of(fit), scales_of(fit.process, fit.n_conditions)
    known = _known(bundle, layer, position)
    if law == "empirical":
        kernel = fit_kernel(table, scales) if known is None else known.kernel
        rows = balanced(len(table), n, rng)
        return draw_rows(table, scales, kernel, rows, rng), rows
    if known is None:
        known = fit_population(fit, layer, position)
    drawn = known.draw(n, rng)
    if bundle.latents is None:
        return drawn, np.zeros(n, np.int64)
    fitted, new = (rate_of(one, fit.process, fit.n_conditions) for one in (table, drawn))
    return drawn, _alike(fitted, new, rng)


def _known(bundle: Bundle, layer: str, position: int) -> Population | None:
    """Return the law that the bundle holds for a layer and fit, if any."""
    for one in bundle.populations:
        if (one.layer, one.fit) == (layer, position):
            return one
    return None


def _alike(rate: Array, drawn: Array, rng: np.random.Generator) -> Nodes:
    """Return a row of `rate` for each of `drawn`: in the same order, each about equally often.

    Every fitted node is taken about equally often, so that the loadings keep their law.
    """
    rows = balanced(len(rate), len(drawn), rng)
    found = np.empty(len(drawn), np.int64)
    found[np.argsort(drawn, kind="stable")] = rows[np.argsort(rate[rows], kind="stable")]
    return found
