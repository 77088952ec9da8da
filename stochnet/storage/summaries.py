"""Summaries on disk (format: docs/file-format.md): written whole, tables read lazily by node."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from stochnet.errors import FileFormatError, entrance
from stochnet.raster.raster import SpikeRaster
from stochnet.statistics.summary.parts import PARTS
from stochnet.statistics.summary.sparse import SparseRows
from stochnet.statistics.summary.stored import RasterSummary
from stochnet.storage.files.attributes import read_provenance
from stochnet.storage.files.safe import FORMAT_VERSION, Layout, attribute, safe_open
from stochnet.storage.files.tree import Tree, write_tree
from stochnet.storage.rasters import LAYOUT as RASTER_LAYOUT
from stochnet.storage.rasters import RASTER, StoredArray, layer_arrays, read_layers, read_raster

SUMMARY = "stochnet-summary"
LAYOUT = Layout(
    SUMMARY,
    ("layers", "provenance", "tables", f"tables/({'|'.join(PARTS)})"),
    (
        "conditions",
        "layers/(name|kind|shape|first|n_nodes)",
        "spikes|active|log_factorials|most_in_window",
        f"tables/({'|'.join(PARTS)})/(starts|columns|values)",
    ),
)


def summary_tree(summary: RasterSummary) -> Tree:
    """Return what a file of a summary holds."""
    datasets: dict[str, NDArray[Any]] = dict(layer_arrays(summary.layers))
    attributes: dict[str, str | int | float] = {
        "@encoding-type": SUMMARY,
        "@encoding-version": FORMAT_VERSION,
        "@kind": summary.kind,
        "@n_trials": summary.n_trials,
        "@n_bins": summary.n_bins,
        "@bin_width": summary.bin_width,
        "@schedule": summary.schedule,
        # 0 stands for the whole trial.
        "@window": summary.window or 0,
        "@per_condition": int(summary.per_condition),
        "@most_in_bin": summary.most_in_bin,
    }
    datasets["spikes"] = summary.spikes
    if summary.kind == "counts":
        datasets["active"] = summary.active
        datasets["log_factorials"] = summary.log_factorials
        datasets["most_in_window"] = np.array(summary.most_in_window, np.int64)
    if summary.conditions is not None:
        datasets["conditions"] = summary.conditions
    for part, table in summary.tables.items():
        n = int(table.starts[-1])
        attributes[f"tables/{part}@width"] = table.width
        datasets[f"tables/{part}/starts"] = table.starts
        datasets[f"tables/{part}/columns"] = np.asarray(table.columns[0:n])
        datasets[f"tables/{part}/values"] = np.asarray(table.values[0:n])
    return Tree(datasets, attributes, frozenset(datasets))


def write_summary(summary: RasterSummary, path: str | os.PathLike[str]) -> None:
    """Write a summary to an HDF5 file: whole, or not at all.

    Raises
    ------
    InvalidInputError
        The target cannot be written.
    """
    entrance.instance("summary", summary, RasterSummary, "make one with RasterSummary.of")
    write_tree(summary_tree(summary), entrance.path("path", path), LAYOUT, summary.provenance)


def summary_digest(summary: RasterSummary) -> str:
    """Return the content digest of a summary: ``sha256:…``."""
    return summary_tree(summary).digest()


def read_summary(path: str | os.PathLike[str]) -> RasterSummary:
    """Open a summary; histograms stay on disk until nodes are asked for.

    Raises
    ------
    InvalidInputError
        There is no such file.
    FileFormatError
        It is no summary, damaged, unsafe or of an unknown version.
    """
    with safe_open(path, {SUMMARY: LAYOUT}) as handle:
        counts = str(attribute(handle, "kind")) == "counts"
        spikes = _whole(handle["spikes"], np.int64)
        most = _whole(handle["most_in_window"], np.int64).tolist() if counts else ()
        zeros = np.zeros(spikes.shape)
        return RasterSummary(
            kind=str(attribute(handle, "kind")),  # type: ignore[arg-type]
            layers=read_layers(handle),
            n_trials=int(attribute(handle, "n_trials")),
            n_bins=int(attribute(handle, "n_bins")),
            window=int(attribute(handle, "window")) or None,
            per_condition=bool(attribute(handle, "per_condition")),
            spikes=spikes,
            active=_whole(handle["active"], np.int64) if counts else spikes,
            log_factorials=_whole(handle["log_factorials"], np.float64) if counts else zeros,
            tables=_tables(handle, Path(path)),
            most_in_window=tuple(most),
            most_in_bin=int(attribute(handle, "most_in_bin")),
            conditions=handle["conditions"][...] if "conditions" in handle else None,
            bin_width=float(attribute(handle, "bin_width")),
            schedule=str(attribute(handle, "schedule")),
            provenance=read_provenance(handle),
        )


def read_observed(path: str | os.PathLike[str]) -> SpikeRaster | RasterSummary:
    """Open what a process can be fitted to: a raster or a summary.

    Raises
    ------
    InvalidInputError, FileFormatError
        As `read_raster` and `read_summary`.
    """
    with safe_open(path, {RASTER: RASTER_LAYOUT, SUMMARY: LAYOUT}) as handle:
        kind = str(attribute(handle, "encoding-type"))
    return read_raster(path) if kind == RASTER else read_summary(path)


def _tables(handle: h5py.File, path: Path) -> dict[str, SparseRows]:
    found = {}
    for part in handle.get("tables", ()):
        group = handle["tables"][part]
        starts = _whole(group["starts"], np.int64)
        columns, values = (_entries(group[name], path) for name in ("columns", "values"))
        found[part] = SparseRows(starts, columns, values, int(attribute(group, "width")))
    return found


def _entries(dataset: h5py.Dataset, path: Path) -> StoredArray:
    """Return integers that stay on disk."""
    if dataset.dtype.kind not in "ui":
        raise FileFormatError(f"{path}: {dataset.name} has type {dataset.dtype}")
    return StoredArray(path, dataset.name, dataset.shape, dataset.dtype.newbyteorder("="))


def _whole(dataset: h5py.Dataset, kind: type) -> NDArray[Any]:
    """Read a dataset that must be of a type."""
    if dataset.dtype.newbyteorder("=") != np.dtype(kind):
        raise FileFormatError(f"{dataset.name} has type {dataset.dtype}, not {np.dtype(kind)}")
    return np.asarray(dataset[...], kind)
