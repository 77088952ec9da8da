"""Draw a network from its specification."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.bundle.bundle import Bundle
from stochnet.bundle.populations.columns import table_of
from stochnet.bundle.populations.population import leading, states_of
from stochnet.bundle.populations.scales import Scale, scale_of
from stochnet.bundle.process_fit import ProcessFit, known_fit
from stochnet.errors import InvalidInputError, entrance
from stochnet.kernels.rng import resolve_seed
from stochnet.process import Array, Param
from stochnet.processes import PROCESSES
from stochnet.raster.layers import Layer
from stochnet.raster.provenance import provenance
from stochnet.recording.schedule import make_schedule
from stochnet.simulation.generation.noise_correlation import make_latents
from stochnet.simulation.generation.spec import (
    LayerSpec,
    NetworkSpec,
    ScheduleSpec,
    TuningSpec,
    read_spec,
)

KIND = "generated"


def generate(
    spec: NetworkSpec | Mapping[str, Any] | str | os.PathLike[str],
    *,
    rng: np.random.Generator | int | None = None,
) -> Bundle:
    """Make a network with known parameters from a specification, without any recording.

    Parameters
    ----------
    spec : NetworkSpec, mapping or path-like
        A TOML file or its content: ``schedule``, ``layers``, and ``correlation`` if nodes are to
        share noise. Described in the guide "Generating networks".
    rng : numpy.random.Generator, int or None
        As in Scientific Python's SPEC 7; by default the ``seed`` of the specification, and without
        one fresh entropy, which ``provenance["seed"]`` keeps. Each layer has a stream of its own.

    Returns
    -------
    Bundle
        Ready for `simulate`; the specification, with the seed that was used, is in
        ``provenance["spec"]``.

    Raises
    ------
    InvalidInputError
        A specification that makes no sense, values outside the domain of a parameter, a
        correlation that cannot be reached: the message names the layer and parameter.
    """
    plan = read_spec(spec)
    if isinstance(rng, np.random.Generator):
        seed = int(rng.integers(2**63))
    else:
        seed = resolve_seed(plan.seed if rng is None else rng)
    schedule, first = plan.schedule, 0
    n_nodes = sum(one.nodes for one in plan.layers)
    entrance.fits_memory(f"a network of {n_nodes:,} nodes", 48 * n_nodes)
    n_bins = schedule.trials * schedule.bins
    if schedule.classes:
        entrance.fits_memory(f"a schedule of {n_bins:,} bins", 16 * n_bins)
    layers: list[Layer] = []
    parts: dict[tuple[str, int, int | None], list[tuple[NDArray[np.int64], dict[str, Array]]]] = {}
    for number, one in enumerate(plan.layers):
        n_conditions = schedule.classes if one.tuning is not None else 0
        params = _draw_layer(one, n_conditions, _stream(seed, number, 0))
        ids = np.arange(first, first + one.nodes)
        parts.setdefault((one.process, n_conditions, one.window), []).append((ids, params))
        layers.append(Layer(one.name, KIND, (one.nodes,), first, one.nodes))
        first += one.nodes
    fits = tuple(_fit(*key, parts[key]) for key in parts)
    probabilities = [_leading_table(fits, layer) for layer in layers]
    streams = [_stream(seed, number, 1) for number in range(len(layers))]
    return Bundle(
        fits=fits,
        layers=tuple(layers),
        n_trials=schedule.trials,
        n_bins=schedule.bins,
        conditions=make_conditions(schedule, seed),
        bin_width=math.nan if schedule.bin_width is None else schedule.bin_width,
        schedule=schedule.kind if schedule.classes else "none",
        provenance=provenance(seed=seed, spec=plan.plain() | {"seed": seed}),
        latents=make_latents(plan, probabilities, streams),
    )


def _stream(seed: int, layer: int, use: int) -> np.random.Generator:
    """Return the random numbers of a layer: 0 for its parameters, 1 for its loadings."""
    return np.random.default_rng([seed, layer, use])


def make_conditions(spec: ScheduleSpec, seed: int) -> NDArray[np.int16] | None:
    """Return the class of every bin by the schedule; None without classes."""
    if not spec.classes:
        return None
    n = spec.trials * spec.bins
    labels = np.arange(max(n, spec.classes)) % spec.classes
    plan = make_schedule(spec.kind, len(labels), spec.trials, spec.bins, labels=labels, seed=seed)
    return labels[plan.order].astype(np.int16)


def _fit(
    process: str,
    n_conditions: int,
    window: int | None,
    parts: list[tuple[NDArray[np.int64], dict[str, Array]]],
) -> ProcessFit:
    names = parts[0][1]
    return known_fit(
        PROCESSES[process],
        np.concatenate([ids for ids, _ in parts]),
        {name: np.concatenate([params[name] for _, params in parts]) for name in names},
        window,
    )


def _leading_table(fits: tuple[ProcessFit, ...], layer: Layer) -> Array:
    """Return the leading parameter of the nodes of a layer: (node, condition or 1)."""
    for fit in fits:
        a, b = np.searchsorted(fit.node_ids, [layer.first, layer.first + layer.n_nodes])
        if b > a:
            part = fit.take(slice(a, b))
            return table_of(part)[:, leading(part.process, part.n_conditions)]
    raise InvalidInputError(f"layer {layer.name!r} has no nodes")


def _draw_layer(spec: LayerSpec, n_classes: int, rng: np.random.Generator) -> dict[str, Array]:
    """Draw the parameters of a layer's nodes: (node,) or (node, class)."""
    process = PROCESSES[spec.process]
    state = _states(spec, rng)
    lead = {process.params[k].name for k in leading(process, 0)}
    named = spec.tuning.params if spec.tuning is not None and spec.tuning.params else lead
    params = {param.name: _draw_param(spec, param, rng) for param in process.params}
    _set_states(spec, params, lead, state)
    if spec.tuning is not None:
        effects = class_effects(spec.tuning, spec.nodes, n_classes, rng)
        for param in process.params:
            own = effects if param.name in named else np.zeros_like(effects)
            params[param.name] = tuned(params[param.name], own, scale_of(param))
    return params


def _draw_param(spec: LayerSpec, param: Param, rng: np.random.Generator) -> Array:
    values = spec.params[param.name].draw(spec.nodes, rng)
    low, high = param.domain
    bad = np.flatnonzero((values < low) | (values > high))
    if param.whole and not len(bad):
        bad = np.flatnonzero(values != np.rint(values))
    if len(bad):
        raise InvalidInputError(
            f"layer {spec.name!r}: the law {spec.params[param.name].law} of {param.name} gave "
            f"{values[bad[0]]:g} to {len(bad)} of {spec.nodes} nodes or more; {param.name} must "
            f"{'be whole and ' if param.whole else ''}lie in [{low:g}, {high:g}]"
        )
    return values


def _states(spec: LayerSpec, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return which nodes are dead (-1) and saturated (1): the shares, placed at random."""
    n_dead, n_saturated = round(spec.dead * spec.nodes), round(spec.saturated * spec.nodes)
    state = np.zeros(spec.nodes, np.int64)
    state[:n_dead] = -1
    state[n_dead : n_dead + min(n_saturated, spec.nodes - n_dead)] = 1
    return rng.permutation(state)


def _set_states(
    spec: LayerSpec, params: dict[str, Array], lead: set[str], state: NDArray[np.int64]
) -> None:
    """Give dead and saturated nodes the parameters that make them so."""
    process = PROCESSES[spec.process]
    for param in process.params:
        if param.name in lead:
            params[param.name][state < 0] = param.domain[0]
        # What saturates a process of probabilities is that all of them are 1, and nothing waits.
        if param.domain == (0.0, 1.0):
            params[param.name][state > 0] = 1.0
        elif param.whole:
            params[param.name][state > 0] = param.domain[0]
    fitted = known_fit(process, np.arange(spec.nodes), params, spec.window)
    wrong = np.flatnonzero(states_of(table_of(fitted), process, 0) * state < np.abs(state))
    if len(wrong):
        word = "dead" if state[wrong[0]] < 0 else "saturated"
        raise InvalidInputError(f"layer {spec.name!r}: nodes of {spec.process} cannot be {word}")


ROUNDS = 80


def class_effects(spec: TuningSpec, n: int, n_classes: int, rng: np.random.Generator) -> Array:
    """Draw the effects of classes on nodes: (node, class).

    In the mean over nodes the variance over classes is strength² · exp(2 spread²) for those that
    are tuned; every node's effects sum to 0.
    """
    if spec.rank is None:
        effects = rng.standard_normal((n, n_classes))
    else:
        weights = rng.standard_normal((n, spec.rank)) / np.sqrt(spec.rank)
        effects = weights @ rng.standard_normal((spec.rank, n_classes))
    effects -= effects.mean(axis=1, keepdims=True)
    effects *= np.sqrt(n_classes / (n_classes - 1))
    strength = spec.strength * np.exp(spec.spread * rng.standard_normal(n))
    # Whole numbers of nodes, so that the share is kept in small layers too.
    tuned = rng.permutation(n) < round(spec.share * n)
    return np.asarray(effects * (strength * tuned)[:, None])


def tuned(values: Array, effects: Array, scale: Scale) -> Array:
    """Return values (node,) under every class: (node, class), with the given means over classes.

    Values at an end of their domain stay there. On the logit scale the shift of a node that keeps
    its mean is found by halving; on the log scale it is known.
    """
    table = np.repeat(values[:, None], effects.shape[1], axis=1)
    rows = np.flatnonzero(scale.inside(values) & (effects != 0).any(axis=1))
    if scale.kind == "whole" or not len(rows):
        return table
    line, moves = scale.forward(values[rows])[:, None], effects[rows]
    if scale.kind == "identity":
        table[rows] = scale.within(line + moves)
        return table
    reach = np.abs(moves).max(axis=1, keepdims=True) + 1.0
    low, high = line - reach, line + reach
    for _ in range(ROUNDS):
        middle = (low + high) / 2
        above = scale.backward(middle + moves).mean(axis=1, keepdims=True) > values[rows, None]
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    table[rows] = scale.backward((low + high) / 2 + moves)
    return table
