"""Bundle: the fitted processes of all nodes of a network."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stochnet.bundle.latents import Latents
from stochnet.bundle.populations.population import Population
from stochnet.bundle.populations.sizes import Sizes
from stochnet.bundle.process_fit import ProcessFit, known_fit
from stochnet.bundle.resampling import LAWS, Source, populations_of, resample
from stochnet.bundle.selection import Selection
from stochnet.errors import InvalidInputError, entrance
from stochnet.kernels.threads import Progress
from stochnet.process import Process
from stochnet.processes import get_process
from stochnet.raster.layers import Layer, check_layer_list, check_layers
from stochnet.raster.provenance import provenance
from stochnet.raster.raster import SCHEDULES, check_bin_width, per_bin


@dataclass(frozen=True, eq=False, slots=True)
class Bundle:
    """The fitted network: every node belongs to exactly one fit.

    Attributes
    ----------
    fits : tuple of ProcessFit
    layers : tuple of Layer
    n_trials, n_bins : int
        Size of the raster it was fitted to, the default size of a simulation.
    conditions : ndarray of int16 (trial, bin) or None
        Conditions of that raster; a longer simulation repeats them.
    bin_width : float
        Seconds per bin, NaN if none.
    schedule : str
        Schedule of that raster.
    provenance : dict
        Not part of the content.
    selection : Selection or None
        What the processes were chosen among, and by how much.
    latents : Latents or None
        What correlates the nodes; None where they are independent given their conditions.
    populations : tuple of Population
        Laws of the parameters over nodes, one for every layer and process; none if not fitted.
    """

    fits: tuple[ProcessFit, ...]
    layers: tuple[Layer, ...] = ()
    n_trials: int = 1
    n_bins: int = 1
    conditions: NDArray[np.int16] | None = None
    bin_width: float = math.nan
    schedule: str = "none"
    provenance: Mapping[str, Any] = field(default_factory=dict)
    selection: Selection | None = None
    latents: Latents | None = None
    populations: tuple[Population, ...] = ()

    def __post_init__(self) -> None:
        fits = entrance.items("fits", self.fits, "ProcessFit")
        for fit in fits:
            entrance.instance("every fit", fit, ProcessFit, "make one with stochnet.fit")
        object.__setattr__(self, "fits", fits)
        object.__setattr__(self, "layers", check_layer_list(self.layers))
        for name in ("n_trials", "n_bins"):
            size = entrance.whole(name, getattr(self, name), 1, entrance.MOST_BINS)
            object.__setattr__(self, name, size)
        object.__setattr__(self, "bin_width", check_bin_width(self.bin_width))
        entrance.option("schedule", self.schedule, SCHEDULES)
        entrance.instance("provenance", self.provenance, Mapping, "give a dict of facts")
        if not self.fits:
            raise InvalidInputError("a bundle needs at least one fit")
        nodes = np.sort(np.concatenate([fit.node_ids for fit in self.fits]))
        if len(nodes) == 0 or not np.array_equal(nodes, np.arange(len(nodes))):
            raise InvalidInputError("the fits must hold every node from 0 on exactly once")
        if not self.layers:
            object.__setattr__(
                self, "layers", (Layer("nodes", "nodes", (len(nodes),), 0, len(nodes)),)
            )
        check_layers(self.layers, len(nodes))
        if self.conditions is not None:
            table = _table(self.conditions)
            object.__setattr__(self, "conditions", table)
        needed = max(fit.n_conditions for fit in self.fits)
        if any(fit.n_conditions not in (0, needed) for fit in self.fits):
            raise InvalidInputError("fits per condition must all have the same conditions")
        for name, kind in (("selection", Selection), ("latents", Latents)):
            entrance.instance(name, getattr(self, name), (kind, type(None)), f"or no {name}")
        for law in entrance.items("populations", self.populations, "Population"):
            entrance.instance("every law", law, Population, "fit them with fit_populations")
        if self.selection is not None and len(self.selection.chosen) != len(nodes):
            raise InvalidInputError("the selection must have one row for each node")
        if self.conditions is not None and needed and int(self.conditions.max()) >= needed:
            raise InvalidInputError("conditions name a class that no parameter was fitted for")
        if self.latents is not None:
            self._check_latents(self.latents)
        self._check_populations()

    def _check_populations(self) -> None:
        names = {layer.name for layer in self.layers}
        for law in self.populations:
            fit = self.fits[law.fit] if 0 <= law.fit < len(self.fits) else None
            if fit is None or law.layer not in names:
                raise InvalidInputError(
                    f"there is a population law for fit {law.fit} in layer {law.layer!r}, which "
                    "the bundle does not have: fit the laws again (fit_populations)"
                )
            if (fit.process, fit.n_conditions) != (law.process, law.n_conditions):
                raise InvalidInputError(
                    f"the population law of layer {law.layer!r} is one of {law.process.name} under "
                    f"{law.n_conditions} conditions, fit {law.fit} is {fit.process.name} under "
                    f"{fit.n_conditions}: fit the laws again (fit_populations)"
                )

    def _check_latents(self, latents: Latents) -> None:
        if (latents.n_nodes, latents.n_layers) != (self.n_nodes, len(self.layers)):
            raise InvalidInputError(
                f"the latents are of {latents.n_nodes} nodes in {latents.n_layers} layers, the "
                f"bundle has {self.n_nodes} nodes in {len(self.layers)} layers"
            )
        for fit in self.fits:
            bad = fit.node_ids[latents.correlated[fit.node_ids]]
            if len(bad) and not fit.process.is_plain:
                raise InvalidInputError(
                    f"node {bad[0]} has loadings, and its process is {fit.process.name}: only "
                    "nodes of independent 0/1 bins can be correlated; fit bernoulli, or set its "
                    "loadings to 0"
                )

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return sum(len(fit.node_ids) for fit in self.fits)

    def __repr__(self) -> str:
        names = dict.fromkeys(fit.process.name for fit in self.fits)
        parts = [f"{self.n_nodes:,} nodes", f"{len(self.layers)} layer(s)", "/".join(names)]
        if self.n_conditions:
            parts.append(f"{self.n_conditions} conditions")
        if self.latents is not None:
            parts.append(f"{self.latents.rank} latents")
        return f"Bundle({', '.join(parts)}; {self.n_trials:,} trials × {self.n_bins:,} bins)"

    @property
    def n_conditions(self) -> int:
        """Conditions of the parameters; 0 when all fits are pooled."""
        return max(fit.n_conditions for fit in self.fits)

    def process_names(self) -> NDArray[np.str_]:
        """Return the name of the process of every node: (node,)."""
        names = np.empty(self.n_nodes, dtype=object)
        for fit in self.fits:
            names[fit.node_ids] = fit.process.name
        return names.astype(str)

    def resample(
        self,
        n_nodes: Sizes,
        *,
        rng: np.random.Generator | int | None = None,
        law: str = "empirical",
    ) -> Bundle:
        """Return a network of any size whose nodes follow the laws of the nodes of this one.

        Parameters
        ----------
        n_nodes : int, mapping of layer name to int, or sequence of int
            All nodes, shared among the layers in proportion; the nodes of the layers that are
            named, the others keep theirs; or those of every layer in turn.
        rng : numpy.random.Generator, int or None
            As in Scientific Python's SPEC 7.
        law : {"empirical", "parametric"}
            Smoothed bootstrap of whole nodes, or fitted laws with a Gaussian copula
            (`stochnet.Population`).

        Returns
        -------
        Bundle
            Of known parameters: without errors, flags, selection and laws of its own. Layers are
            flat.

        Raises
        ------
        InvalidInputError
            An unknown law or layer, or a size below 1.
        """
        entrance.option("law", law, LAWS)
        source = Source(self.fits, self.layers, self.latents, self.populations)
        drawn = resample(source, n_nodes, rng=rng, law=law)
        return replace(
            self,
            fits=drawn.fits,
            layers=drawn.layers,
            latents=drawn.latents,
            provenance=provenance(resampled=drawn.facts, source=dict(self.provenance)),
            selection=None,
            populations=(),
        )

    @classmethod
    def from_params(
        cls,
        process: str | Process,
        params: Mapping[str, ArrayLike],
        *,
        window: int | None = None,
        conditions: ArrayLike | None = None,
        layers: Sequence[Layer] = (),
        n_trials: int | None = None,
        n_bins: int | None = None,
        bin_width: float = math.nan,
        latents: Latents | None = None,
        per: Literal["bin", "second"] = "bin",
    ) -> Bundle:
        """Build a network with known parameters, all nodes under one process.

        Parameters are per bin, whatever the width of a bin is. Rates that `firing_rate` gives per
        second are refused as such; numbers alone do not say their unit.

        Parameters
        ----------
        process : str or Process
        params : mapping of name to array_like
            (node,), or (node, condition).
        window : int, optional
            Bins in which a gain is held, the whole trial by default; or over which a rate profile
            runs, again and again.
        conditions : array_like of int (trial, bin), optional
            Class of every bin, needed for parameters per condition.
        layers : sequence of Layer, optional
        n_trials, n_bins : int, optional
            Default size of a simulation; that of `conditions`, else 1 × 1.
        bin_width : float, optional
            Seconds per bin, which simulated rasters have too.
        latents : Latents, optional
            What correlates the nodes.
        per : {"bin", "second"}, default "bin"
            Unit of the parameters that are spikes per bin in `PROCESSES` (unit ``1/bin``): with
            "second" they are given in spikes per second, and multiplied by `bin_width`.

        Raises
        ------
        InvalidInputError
            Unknown process or parameter, a value outside its domain (the node is named), rates per
            second that are not said to be, or latents that do not fit.
        """
        record = get_process(process)
        if entrance.option("per", per, ("bin", "second")) == "second":
            params = rates_per_bin(record, params, bin_width)
        arrays = record.validate(params)
        if not next(iter(arrays.values())).size:
            raise InvalidInputError(f"{record.name}: give parameters of at least one node")
        n_nodes = len(next(iter(arrays.values())))
        fit = known_fit(record, np.arange(n_nodes), arrays, window)
        table = None if conditions is None else _table(conditions)
        size = (1, 1) if table is None else table.shape
        return cls(
            fits=(fit,),
            layers=layers,  # type: ignore[arg-type]
            n_trials=size[0] if n_trials is None else n_trials,
            n_bins=size[1] if n_bins is None else n_bins,
            conditions=table,
            bin_width=bin_width,
            latents=latents,
        )


def _table(conditions: Any) -> NDArray[np.int16]:
    """Return conditions (trial, bin)."""
    table = np.atleast_2d(entrance.array("conditions", conditions, what="integers"))
    if table.ndim != 2 or 0 in table.shape:
        raise InvalidInputError(f"conditions must be (trial, bin), got {table.shape}")
    return per_bin("conditions", table, *table.shape)


def rates_per_bin(
    process: Process, params: Mapping[str, ArrayLike], bin_width: float
) -> dict[str, ArrayLike]:
    """Return parameters of which those in spikes per bin were given in spikes per second.

    Raises
    ------
    InvalidInputError
        No `bin_width`, or a process without such a parameter.
    """
    width = check_bin_width(bin_width)
    rates = [param.name for param in process.params if param.unit == "1/bin"]
    if math.isnan(width) or not rates:
        raise InvalidInputError(
            f"per='second' needs bin_width, in seconds, and a process with a rate in spikes per "
            f"bin; {process.name} has {', '.join(rates) or 'none'}"
        )
    entrance.instance("params", params, Mapping, f"give a dict with {', '.join(rates)}")
    return {
        name: entrance.floats(name, value) * width if name in rates else value
        for name, value in params.items()
    }


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
    entrance.instance("bundle", bundle, Bundle, "fit one with stochnet.fit_bundle")
    entrance.progress(progress)
    return populations_of(bundle.fits, bundle.layers, progress)
