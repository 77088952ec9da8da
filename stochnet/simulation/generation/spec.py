"""What a network is generated from: a table of plain values, checked before anything is drawn."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from stochnet.errors import InvalidInputError, entrance
from stochnet.processes import PROCESSES
from stochnet.simulation.generation.named_laws import Law

Share = Annotated[float, Field(ge=0, le=1)]
# More than this neither fits into a file nor into the numbers of an array.
Count = Annotated[int, Field(ge=1, le=2**32 - 1, strict=True)]


class Part(BaseModel):
    """A part of a specification: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ScheduleSpec(Part):
    """Trials and bins, and which class stands where.

    `kind` is that of `stochnet.make_schedule`; every class is about equally often shown.
    """

    kind: Literal["shuffled", "blocked", "stratified", "sequential"] = "shuffled"
    trials: Count = 1
    bins: Count
    classes: Annotated[int, Field(ge=0, le=1000, strict=True)] = 0
    bin_width: Annotated[float, Field(gt=0)] | None = None


class TuningSpec(Part):
    """How nodes tell classes apart.

    A node's parameter gets an effect of each class, on the scale on which it has no bounds: normal
    with standard deviation `strength` over classes, times a log-normal factor of the node with the
    standard deviation `spread` of its logarithm. With `rank` the effects of all nodes are mixtures
    of so many patterns over classes, else every node has a pattern of its own. `share` of the nodes
    are tuned. The mean over classes is what the parameter's law says.
    """

    strength: Annotated[float, Field(ge=0)]
    spread: Annotated[float, Field(ge=0)] = 0.0
    rank: Count | None = None
    share: Share = 1.0
    params: tuple[str, ...] = ()


class LayerSpec(Part):
    """A layer: its size, its process and the laws of the parameters over nodes."""

    name: str
    nodes: Count
    process: str = "bernoulli"
    params: dict[str, Law]
    dead: Share = 0.0
    saturated: Share = 0.0
    tuning: TuningSpec | None = None
    window: Count | None = None

    @model_validator(mode="after")
    def _consistent(self) -> LayerSpec:
        where = f"layer {self.name!r}"
        if self.process not in PROCESSES:
            raise ValueError(
                f"{where}: no process {self.process!r}; there are {', '.join(PROCESSES)}"
            )
        names = [param.name for param in PROCESSES[self.process].params]
        if set(self.params) != set(names):
            raise ValueError(
                f"{where}: {self.process} has the parameters {', '.join(names)}, params has "
                f"{', '.join(self.params) or 'none'}"
            )
        if self.dead + self.saturated > 1:
            raise ValueError(f"{where}: dead and saturated nodes are more than all")
        wrong = set(self.tuning.params) - set(names) if self.tuning else set()
        if wrong:
            raise ValueError(f"{where}: tuning names {', '.join(sorted(wrong))}, no parameter")
        return self


class CorrelationSpec(Part):
    """Noise that nodes of a layer share (`stochnet.Latents`).

    Give `mean`, the noise correlation of the spikes of two nodes of a layer, in the mean over
    pairs and classes; or `loadings`, the law of the loadings themselves. `spread` is the standard
    deviation of loadings around their common value, in every one of `rank` factors; `across` the
    correlation of the same factor in two layers; `trial` the loading on a gain that holds for a
    trial. `layers` names those that are correlated, all by default.
    """

    rank: Count = 1
    mean: Annotated[float, Field(ge=0, lt=1)] | None = None
    spread: Annotated[float, Field(ge=0, lt=1)] = 0.0
    loadings: Law | None = None
    across: Annotated[float, Field(ge=0, le=1)] = 0.0
    trial: Annotated[float, Field(ge=0, lt=1)] = 0.0
    layers: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_way(self) -> CorrelationSpec:
        if self.loadings is not None and (self.mean is not None or self.spread):
            raise ValueError("correlation: give loadings, or mean and spread, not both")
        if self.loadings is None and self.mean is None and not self.trial:
            raise ValueError("correlation: give mean, loadings or trial")
        return self


class NetworkSpec(Part):
    """A whole network."""

    schedule: ScheduleSpec
    layers: tuple[LayerSpec, ...]
    correlation: CorrelationSpec | None = None
    seed: Annotated[int, Field(ge=0, lt=2**64, strict=True)] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> NetworkSpec:
        names = [layer.name for layer in self.layers]
        if not names:
            raise ValueError("layers: a network needs at least one layer")
        if len(set(names)) != len(names):
            raise ValueError(f"two layers have the same name: {', '.join(names)}")
        for layer in self.layers:
            if layer.tuning is not None and self.schedule.classes < 2:
                raise ValueError(
                    f"layer {layer.name!r} is tuned to classes: schedule.classes must be 2 or more"
                )
        unknown = set(self.correlation.layers) - set(names) if self.correlation else set()
        if unknown:
            raise ValueError(f"correlation names the layer {sorted(unknown)[0]!r}, there is none")
        for layer in self.layers:
            if self.correlates(layer.name) and not PROCESSES[layer.process].is_plain:
                raise ValueError(
                    f"layer {layer.name!r} is correlated, and its process is {layer.process}: only "
                    "bernoulli nodes can be; name the others in correlation.layers"
                )
        return self

    def correlates(self, layer: str) -> bool:
        """Whether the nodes of a layer share noise."""
        return self.correlation is not None and (
            not self.correlation.layers or layer in self.correlation.layers
        )

    def plain(self) -> dict[str, Any]:
        """Return the specification as plain values, as in a TOML file; defaults are left out."""
        return {key: value for key, value in _plain(self).items() if value is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, Law):
        return value.plain()
    if isinstance(value, BaseModel):
        known = {name: getattr(value, name) for name in type(value).model_fields}
        default = {name: one.default for name, one in type(value).model_fields.items()}
        return {name: _plain(v) for name, v in known.items() if v != default[name]}
    if isinstance(value, dict):
        return {name: _plain(v) for name, v in value.items()}
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    return value


def read_spec(spec: NetworkSpec | Mapping[str, Any] | str | os.PathLike[str]) -> NetworkSpec:
    """Read and check a specification.

    Parameters
    ----------
    spec : NetworkSpec, mapping or path-like
        Plain values, or a TOML file that holds them.

    Raises
    ------
    InvalidInputError
        No such file, no TOML, or a specification that makes no sense: the message names the place.
    """
    if isinstance(spec, NetworkSpec):
        return spec
    where, data = "specification", spec
    if not isinstance(spec, Mapping):
        path = entrance.path("spec", spec)
        where = str(path)
        try:
            data = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise InvalidInputError(f"no file {where}, or none that can be read") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InvalidInputError(f"{where} is not TOML: {error}") from error
    try:
        return NetworkSpec.model_validate(data)
    except ValidationError as error:
        raise InvalidInputError(f"{where}: {'; '.join(_messages(error, data))}") from None


def _messages(error: ValidationError, data: Any) -> list[str]:
    """Return one short text for each error: the place, with the name of the layer, and why."""
    found = []
    for one in error.errors(include_url=False):
        place, holder = [], data
        for key in one["loc"]:
            holder = _inside(holder, key)
            named = isinstance(key, int) and isinstance(holder, Mapping) and "name" in holder
            place.append(f"{key} ({holder['name']})" if named else str(key))
        text = one["msg"].removeprefix("Value error, ")
        if one["type"] == "extra_forbidden":
            text = "there is no such key"
        elif one["type"] == "missing":
            text = "is missing"
        found.append(f"{'.'.join(place)}: {text}" if place else text)
    return found


def _inside(holder: Any, key: Any) -> Any:
    try:
        return holder[key]
    except (KeyError, IndexError, TypeError):
        return None
