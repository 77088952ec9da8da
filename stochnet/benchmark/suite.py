"""A suite: quantities, cells of networks with known truth, and stochnet's own estimators."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from stochnet.benchmark.quantity import Answer, Quantity, Truth
from stochnet.benchmark.truth.draws import Draws
from stochnet.bundle.bundle import Bundle
from stochnet.raster.raster import SpikeRaster


@dataclass(frozen=True, eq=False, slots=True)
class Network:
    """A network with known parameters, before it is simulated.

    Attributes
    ----------
    bundle : Bundle
    n_trials, n_bins : int
    truths : dict of name to Truth
        The quantities that are asked for.
    facts : dict
        What an estimator is told beside the spikes: the family, the window, ….
    """

    bundle: Bundle
    n_trials: int
    n_bins: int
    truths: Mapping[str, Truth]
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Cell:
    """Networks that are alike: their errors are counted together.

    Attributes
    ----------
    name, doc : str
    make : callable
        ``Draws -> Network``.
    n_networks : int, default 2
    """

    name: str
    doc: str
    make: Callable[[Draws], Network]
    n_networks: int = 2


Estimator = Callable[[SpikeRaster, Mapping[str, Any]], dict[str, Answer]]
"""From a raster and what is told of it to answers, by quantity. Those not asked for are ignored."""


@dataclass(frozen=True, slots=True)
class Suite:
    """A synthetic benchmark.

    Attributes
    ----------
    name : str
    version : int
        Higher whenever a network or a quantity changes.
    doc : str
        One paragraph.
    seed : int
        Of the published edition.
    quantities : tuple of Quantity
    cells : tuple of Cell
    estimators : mapping of name to Estimator
        stochnet's own; ``"stochnet"`` answers everything.
    facts : mapping
        Told of the suite as a whole.
    """

    name: str
    version: int
    doc: str
    seed: int
    quantities: tuple[Quantity, ...]
    cells: tuple[Cell, ...]
    estimators: Mapping[str, Estimator]
    facts: Mapping[str, Any] = field(default_factory=dict)
