"""HDF5 files: atomic publish, safe open, digests, verification. The only importer of h5py.

The names are looked up when they are first used: a command shows its help without h5py.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

# ruff: noqa: F401, PLE0605
# mypy: implicit-reexport
if TYPE_CHECKING:
    from stochnet.storage.bundles import bundle_digest, read_bundle, write_bundle
    from stochnet.storage.check import read_kind, stored_digest, verify
    from stochnet.storage.rasters import raster_digest, read_raster
    from stochnet.storage.summaries import (
        read_observed,
        read_summary,
        summary_digest,
        write_summary,
    )
    from stochnet.storage.writers.raster_writer import open_sink, raster_writer, write_raster

_NAMES = {
    "bundles": ("bundle_digest", "read_bundle", "write_bundle"),
    "check": ("read_kind", "stored_digest", "verify"),
    "rasters": ("raster_digest", "read_raster"),
    "summaries": ("read_observed", "read_summary", "summary_digest", "write_summary"),
    "writers.raster_writer": ("open_sink", "raster_writer", "write_raster"),
}
_HOME = {name: home for home, names in _NAMES.items() for name in names}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
