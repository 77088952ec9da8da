"""Bundles on disk (format: docs/file-format.md): one group per layer and process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from stochnet.bundle.bundle import Bundle
from stochnet.bundle.latents import Latents
from stochnet.bundle.process_fit import LEVEL, ProcessFit, joined
from stochnet.bundle.selection import Selection
from stochnet.errors import FileFormatError, entrance
from stochnet.process import Process
from stochnet.processes import PROCESSES
from stochnet.storage.files.attributes import read_provenance
from stochnet.storage.files.safe import FORMAT_VERSION, Layout, attribute, number, whole
from stochnet.storage.files.tree import Scalar, Tree, checked_open, write_tree
from stochnet.storage.populations import DATASETS as POPULATION_DATASETS
from stochnet.storage.populations import add_population, read_population
from stochnet.storage.rasters import layer_arrays, read_layers

BUNDLE = "stochnet-bundle"
LAYOUT = Layout(
    BUNDLE,
    (
        "layers",
        "provenance",
        "selection",
        "latents",
        "populations",
        "populations/[^/]+",
        "fits",
        "fits/[^/]+",
        "fits/[^/]+/(params|standard_errors|intervals)",
    ),
    (
        "conditions",
        "layers/(name|kind|shape|first|n_nodes)",
        "fits/[^/]+/(node_ids|log_likelihood|flags|observed_bins)",
        "fits/[^/]+/(params|standard_errors|intervals)/[a-z_0-9]+",
        "selection/(processes|scores|chosen)",
        "latents/(loadings|mixing|trial)",
        f"populations/[^/]+/({'|'.join(POPULATION_DATASETS)})",
    ),
)

_LATENTS = ("loadings", "mixing", "trial")


def bundle_tree(bundle: Bundle) -> Tree:
    """Return what a file of a bundle holds."""
    datasets: dict[str, NDArray[Any]] = dict(layer_arrays(bundle.layers))
    attributes: dict[str, Scalar] = {
        "@encoding-type": BUNDLE,
        "@encoding-version": FORMAT_VERSION,
        "@n_trials": bundle.n_trials,
        "@n_bins": bundle.n_bins,
        "@bin_width": bundle.bin_width,
        "@schedule": bundle.schedule,
    }
    if bundle.conditions is not None:
        datasets["conditions"] = bundle.conditions
    for group, fit, layer in _parts(bundle):
        attributes[f"{group}@encoding-type"] = "process-fit"
        attributes[f"{group}@encoding-version"] = FORMAT_VERSION
        attributes[f"{group}@process"] = fit.process.name
        attributes[f"{group}@process-version"] = fit.process.version
        attributes[f"{group}@layer"] = layer
        # 0 stands for the whole trial.
        attributes[f"{group}@window"] = fit.window or 0
        datasets[f"{group}/node_ids"] = fit.node_ids.astype(np.int64)
        datasets[f"{group}/log_likelihood"] = fit.log_likelihood
        datasets[f"{group}/flags"] = fit.flags
        datasets[f"{group}/observed_bins"] = fit.observed_bins
        for param in fit.process.params:
            path = f"{group}/params/{param.name}"
            datasets[path] = fit.params[param.name]
            attributes[f"{path}@unit"] = param.unit
            attributes[f"{path}@doc"] = param.doc
            path = f"{group}/standard_errors/{param.name}"
            datasets[path] = fit.standard_errors[param.name]
            attributes[f"{path}@unit"] = param.unit
            attributes[f"{path}@doc"] = f"standard error of {param.name}; inf: cannot be known"
            if param.name in fit.intervals:
                path = f"{group}/intervals/{param.name}"
                datasets[path] = fit.intervals[param.name]
                attributes[f"{path}@unit"] = param.unit
                attributes[f"{path}@level"] = LEVEL
                attributes[f"{path}@doc"] = f"low and high end of the interval of {param.name}"
    if bundle.selection is not None:
        attributes["selection@criterion"] = bundle.selection.criterion
        attributes["selection@by"] = bundle.selection.by
        datasets["selection/processes"] = np.array(
            [name.encode() for name in bundle.selection.processes]
        )
        datasets["selection/scores"] = bundle.selection.scores
        datasets["selection/chosen"] = bundle.selection.chosen.astype(np.int64)
    if bundle.latents is not None:
        attributes["latents@encoding-type"] = "latents"
        attributes["latents@encoding-version"] = FORMAT_VERSION
        for name in _LATENTS:
            datasets[f"latents/{name}"] = getattr(bundle.latents, name)
    for law in bundle.populations:
        number = next(i for i, layer in enumerate(bundle.layers) if layer.name == law.layer)
        add_population(f"populations/{number:04d}-{law.fit:02d}", law, datasets, attributes)
    return Tree(datasets, attributes)


def _parts(bundle: Bundle) -> Iterator[tuple[str, ProcessFit, str]]:
    """Yield (group, fit, layer name) for every layer and fit that share nodes."""
    for i, layer in enumerate(bundle.layers):
        for j, fit in enumerate(bundle.fits):
            a, b = np.searchsorted(fit.node_ids, [layer.first, layer.first + layer.n_nodes])
            if b > a:
                yield f"fits/{i:04d}-{j:02d}-{fit.process.name}", fit.take(slice(a, b)), layer.name


def write_bundle(bundle: Bundle, path: str | os.PathLike[str]) -> None:
    """Write a bundle to an HDF5 file: whole, or not at all.

    Raises
    ------
    InvalidInputError
        The target cannot be written.
    """
    entrance.instance("bundle", bundle, Bundle, "fit one, or make it with Bundle.from_params")
    write_tree(bundle_tree(bundle), entrance.path("path", path), LAYOUT, bundle.provenance)


def bundle_digest(bundle: Bundle) -> str:
    """Return the content digest of a bundle: ``sha256:…``."""
    return bundle_tree(bundle).digest()


def read_bundle(path: str | os.PathLike[str]) -> Bundle:
    """Read a bundle into memory.

    Raises
    ------
    InvalidInputError
        There is no such file.
    FileFormatError
        It is no bundle, damaged, changed, unsafe, of an unknown version, or of a process or process
        version that this installation does not have.
    """
    with checked_open(path, {BUNDLE: LAYOUT}) as handle:
        return Bundle(
            fits=_read_fits(handle),
            layers=read_layers(handle),
            n_trials=whole(handle, "n_trials", 1),
            n_bins=whole(handle, "n_bins", 1),
            conditions=handle["conditions"][...] if "conditions" in handle else None,
            bin_width=number(handle, "bin_width"),
            schedule=str(attribute(handle, "schedule")),
            provenance=read_provenance(handle),
            selection=_read_selection(handle),
            latents=_read_latents(handle),
            populations=tuple(
                read_population(handle["populations"][name], _known_process)
                for name in sorted(handle.get("populations", ()))
            ),
        )


def _read_selection(handle: h5py.File) -> Selection | None:
    if "selection" not in handle:
        return None
    group = handle["selection"]
    return Selection(
        str(attribute(group, "criterion")),
        str(attribute(group, "by")),
        tuple(name.decode() for name in group["processes"][...]),
        group["scores"][...],
        group["chosen"][...],
    )


def _read_latents(handle: h5py.File) -> Latents | None:
    if "latents" not in handle:
        return None
    return Latents(*(handle["latents"][name][...] for name in _LATENTS))


def _read_fits(handle: h5py.File) -> tuple[ProcessFit, ...]:
    """Read all fits; those of one process are joined over layers again."""
    parts: dict[str, list[ProcessFit]] = {}
    for name in sorted(handle["fits"]):
        parts.setdefault(name.split("-", 1)[1], []).append(_read_fit(handle["fits"][name]))
    return tuple(joined(parts[key]) for key in sorted(parts))


def _known_process(group: h5py.Group) -> Process:
    name, version = str(attribute(group, "process")), attribute(group, "process-version")
    if name not in PROCESSES:
        raise FileFormatError(
            f"the bundle has the process {name!r}, which this stochnet lacks; it has "
            f"{', '.join(PROCESSES)}: install the version that wrote the bundle"
        )
    if version != PROCESSES[name].version:
        raise FileFormatError(
            f"the bundle has version {version} of {name}, this stochnet reads version "
            f"{PROCESSES[name].version}: install the version that wrote the bundle"
        )
    return PROCESSES[name]


def _read_fit(group: h5py.Group) -> ProcessFit:
    process = _known_process(group)
    return ProcessFit(
        process=process,
        node_ids=group["node_ids"][...],
        params={p.name: group[f"params/{p.name}"][...] for p in process.params},
        standard_errors={p.name: group[f"standard_errors/{p.name}"][...] for p in process.params},
        log_likelihood=group["log_likelihood"][...],
        flags=group["flags"][...],
        window=whole(group, "window") or None,
        observed_bins=group["observed_bins"][...],
        intervals={name: group[f"intervals/{name}"][...] for name in group.get("intervals", ())},
    )
