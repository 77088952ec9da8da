"""Summaries on disk (format: docs/file-format.md): written whole, tables read lazily by node."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from stochnet.errors import FileFormatError, entrance
from stochnet.errors.entrance import MOST_BINS
from stochnet.raster.raster import SpikeRaster
from stochnet.statistics.summary.parts import PARTS
from stochnet.statistics.summary.sparse import SparseRows
from stochnet.statistics.summary.stored import RasterSummary
from stochnet.storage.files.attributes import read_provenance
from stochnet.storage.files.safe import FORMAT_VERSION, Layout, attribute, number, safe_open, whole
from stochnet.storage.files.tree import Tree, checked_open, write_tree
from stochnet.storage.rasters import LAYOUT as RASTER_LAYOUT
from stochnet.storage.rasters import (
    RASTER,
    StoredArray,
    check_range,
    layer_arrays,
    read_layers,
    read_raster,
)

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
        It is no summary, damaged, changed, unsafe or of an unknown version.
    """
    with checked_open(path, {SUMMARY: LAYOUT}) as handle:
        where = Path(path)
        counts = str(attribute(handle, "kind")) == "counts"
        n_trials = whole(handle, "n_trials", 1, MOST_BINS)
        n_bins = whole(handle, "n_bins", 1, MOST_BINS)
        most_in_bin = whole(handle, "most_in_bin", 0, 2**16 - 1 if counts else 1)
        # No number of bins, windows or spikes of a node exceeds the spikes that it can have.
        most_of_all = min(n_trials * n_bins * max(1, most_in_bin), 2**63 - 1)
        spikes = _whole(handle["spikes"], np.int64)
        most = _whole(handle["most_in_window"], np.int64).tolist() if counts else ()
        active = _whole(handle["active"], np.int64) if counts else spikes
        log_factorials = np.zeros(spikes.shape)
        if counts:
            log_factorials = _whole(handle["log_factorials"], np.float64)
        check_range(spikes, "spikes", 0, most_of_all, where)
        check_range(active, "active", 0, min(n_trials * n_bins, most_of_all), where)
        check_range(log_factorials, "log_factorials", 0, sys.float_info.max, where)
        check_range(np.array(most, np.int64), "most_in_window", 0, most_of_all, where)
        if active.shape == spikes.shape and (active > spikes).any():
            raise FileFormatError(f"{where}: a node is active in more bins than it has spikes")
        return RasterSummary(
            kind=str(attribute(handle, "kind")),  # type: ignore[arg-type]
            layers=read_layers(handle),
            n_trials=n_trials,
            n_bins=n_bins,
            window=whole(handle, "window", 0, n_bins) or None,
            per_condition=bool(whole(handle, "per_condition", 0, 1)),
            spikes=spikes,
            active=active,
            log_factorials=log_factorials,
            tables=_tables(handle, where, most_of_all),
            most_in_window=tuple(most),
            most_in_bin=most_in_bin,
            conditions=handle["conditions"][...] if "conditions" in handle else None,
            bin_width=number(handle, "bin_width"),
            schedule=str(attribute(handle, "schedule")),
            provenance=read_provenance(handle),
        )


def read_observed(
    path: str | os.PathLike[str], *, verify: bool = False
) -> SpikeRaster | RasterSummary:
    """Open what a process can be fitted to: a raster or a summary.

    Parameters
    ----------
    path : path-like
    verify : bool, default False
        As of `read_raster`; a summary is always compared.

    Raises
    ------
    InvalidInputError, FileFormatError
        As `read_raster` and `read_summary`.
    """
    with safe_open(path, {RASTER: RASTER_LAYOUT, SUMMARY: LAYOUT}) as handle:
        kind = str(attribute(handle, "encoding-type"))
    return read_raster(path, verify=verify) if kind == RASTER else read_summary(path)


def _tables(handle: h5py.File, path: Path, most: int) -> dict[str, SparseRows]:
    found = {}
    for part in handle.get("tables", ()):
        group = handle["tables"][part]
        starts = _whole(group["starts"], np.int64)
        width = whole(group, "width", 1, 2**31 - 1)
        columns = _entries(group["columns"], path)
        values = _entries(group["values"], path, (-most if PARTS[part].signed else 0, most))
        found[part] = SparseRows(starts, columns, values, width)
    return found


def _entries(
    dataset: h5py.Dataset, path: Path, limits: tuple[int, int] | None = None
) -> StoredArray:
    """Return integers that stay on disk; they are checked when they are read."""
    if dataset.dtype.kind not in "ui":
        raise FileFormatError(f"{path}: {dataset.name} has type {dataset.dtype}")
    native = dataset.dtype.newbyteorder("=")
    return StoredArray(path, dataset.name, dataset.shape, native, limits=limits)


def _whole(dataset: h5py.Dataset, kind: type) -> NDArray[Any]:
    """Read a dataset that must be of a type."""
    if dataset.dtype.newbyteorder("=") != np.dtype(kind):
        raise FileFormatError(f"{dataset.name} has type {dataset.dtype}, not {np.dtype(kind)}")
    return np.asarray(dataset[...], kind)
