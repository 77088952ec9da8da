"""A network of another size, with the laws that the nodes of a fitted one have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.bundle.latents import Latents
from stochnet.bundle.populations.bootstrap import balanced, draw_rows, fit_kernel
from stochnet.bundle.populations.columns import params_of, scales_of, table_of
from stochnet.bundle.populations.loadings import draw_loadings
from stochnet.bundle.populations.population import Population, fit_population, rate_of
from stochnet.bundle.populations.sizes import Sizes, apportion, layer_sizes
from stochnet.bundle.process_fit import ProcessFit, known_fit
from stochnet.errors import entrance
from stochnet.kernels.threads import Progress
from stochnet.process import Array
from stochnet.raster.layers import Layer

LAWS = ("empirical", "parametric")
Nodes = NDArray[np.int64]


def parts_of(fits: Sequence[ProcessFit], layer: Layer) -> list[tuple[int, ProcessFit]]:
    """Return (position, fit of these nodes) for every fit with nodes in a layer."""
    parts = []
    for position, fit in enumerate(fits):
        a, b = np.searchsorted(fit.node_ids, [layer.first, layer.first + layer.n_nodes])
        if b > a:
            parts.append((position, fit.take(slice(a, b))))
    return parts


def populations_of(
    fits: Sequence[ProcessFit], layers: Sequence[Layer], progress: Progress | None
) -> tuple[Population, ...]:
    """Fit the laws of the parameters over nodes: see `stochnet.fit_populations`."""
    found = []
    for k, layer in enumerate(layers):
        found += [fit_population(fit, layer.name, j) for j, fit in parts_of(fits, layer)]
        if progress is not None:
            progress("population laws", k + 1, len(layers))
    return tuple(found)


@dataclass(frozen=True, eq=False, slots=True)
class Resampled:
    """What is drawn of a network of another size.

    Attributes
    ----------
    fits : tuple of ProcessFit
    layers : tuple of Layer
    latents : Latents or None
    facts : dict
        Sizes, law and stream, for the provenance.
    """

    fits: tuple[ProcessFit, ...]
    layers: tuple[Layer, ...]
    latents: Latents | None
    facts: dict[str, Any]


@dataclass(frozen=True, eq=False, slots=True)
class Source:
    """The nodes that are drawn from.

    Attributes
    ----------
    fits : tuple of ProcessFit
    layers : tuple of Layer
    latents : Latents or None
    populations : tuple of Population
        Laws that are known; the others are fitted where they are needed.
    """

    fits: tuple[ProcessFit, ...]
    layers: tuple[Layer, ...]
    latents: Latents | None
    populations: tuple[Population, ...]

    def known(self, layer: str, position: int) -> Population | None:
        """Return the law that is known for a layer and fit, if any."""
        for one in self.populations:
            if (one.layer, one.fit) == (layer, position):
                return one
        return None


def resample(
    source: Source, n_nodes: Sizes, *, rng: np.random.Generator | int | None, law: str
) -> Resampled:
    """Draw a network of any size whose nodes follow the laws of those of another.

    Every layer keeps the shares of its processes. *empirical* draws whole nodes, every one about
    equally often, and moves them a little on the scales on which parameters have no bounds, so that
    means and covariances stay; how the parameters of a node go together, over conditions too, and
    its loadings, stay with it. *parametric* draws from the fitted laws (`Population`), and gives a
    node the loadings of the fitted node that has its rank among the rates. Each layer has a stream
    of its own, so that a layer does not depend on the sizes of the others.

    Raises
    ------
    InvalidInputError
        An unknown law or layer, or a size below 1.
    """
    entrance.option("law", law, LAWS)
    sizes = layer_sizes(source.layers, n_nodes)
    n_nodes_asked = sum(map(int, sizes))
    # Two numbers of 64 bits a parameter, and what every node has.
    numbers = 4 + 2 * max(len(fit.params) * max(1, fit.n_conditions) for fit in source.fits)
    entrance.fits_memory(f"a network of {n_nodes_asked:,} nodes", 8 * numbers * n_nodes_asked)
    seed = int(entrance.generator(rng).integers(2**63))
    layers: list[Layer] = []
    drawn: dict[int, list[tuple[Nodes, Array]]] = {}
    rows_of: list[Nodes] = []
    generators: list[np.random.Generator] = []
    first = 0
    for k, (layer, size) in enumerate(zip(source.layers, sizes.tolist(), strict=True)):
        generator = np.random.default_rng([seed, k])
        parts = parts_of(source.fits, layer)
        shares = apportion(size, np.array([len(fit.node_ids) for _, fit in parts]))
        place = first + (generator.permutation(size) if len(parts) > 1 else np.arange(size))
        like, start = np.empty(size, np.int64), 0
        for (position, fit), n in zip(parts, shares.tolist(), strict=True):
            ids = np.sort(place[start : start + n])
            start += n
            if not n:
                continue
            known = source.known(layer.name, position)
            if known is None and law == "parametric":
                known = fit_population(fit, layer.name, position)
            if law == "parametric" and known is not None:
                table, rows = _from_law(known, fit, n, source.latents is not None, generator)
            else:
                table, rows = _from_nodes(known, fit, n, generator)
            drawn.setdefault(position, []).append((ids, table))
            like[ids - first] = fit.node_ids[rows]
        layers.append(Layer(layer.name, layer.kind, (size,), first, size))
        rows_of.append(like)
        generators.append(generator)
        first += size
    latents = None
    if source.latents is not None:
        latents = draw_loadings(source.latents, rows_of, generators)
    return Resampled(
        tuple(_joined(source.fits[j], drawn[j]) for j in sorted(drawn)),
        tuple(layers),
        latents,
        {"n_nodes": sizes.tolist(), "law": law, "stream": seed},
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


def _from_nodes(
    known: Population | None, fit: ProcessFit, n: int, rng: np.random.Generator
) -> tuple[Array, Nodes]:
    """Draw parameters of n nodes like fitted ones, and the fitted node each takes after."""
    table, scales = table_of(fit), scales_of(fit.process, fit.n_conditions)
    kernel = fit_kernel(table, scales) if known is None else known.kernel
    rows = balanced(len(table), n, rng)
    return draw_rows(table, scales, kernel, rows, rng), rows


def _from_law(
    known: Population, fit: ProcessFit, n: int, by_rate: bool, rng: np.random.Generator
) -> tuple[Array, Nodes]:
    """Draw parameters of n nodes from a law, and the fitted node each takes after if `by_rate`."""
    drawn = known.draw(n, rng)
    if not by_rate:
        return drawn, np.zeros(n, np.int64)
    fitted, new = (rate_of(x, fit.process, fit.n_conditions) for x in (table_of(fit), drawn))
    return drawn, _alike(fitted, new, rng)


def _alike(rate: Array, drawn: Array, rng: np.random.Generator) -> Nodes:
    """Return a row of `rate` for each of `drawn`: in the same order, each about equally often.

    Every fitted node is taken about equally often, so that the loadings keep their law.
    """
    rows = balanced(len(rate), len(drawn), rng)
    found = np.empty(len(drawn), np.int64)
    found[np.argsort(drawn, kind="stable")] = rows[np.argsort(rate[rows], kind="stable")]
    return found
