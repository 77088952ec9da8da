"""HDF5 files: atomic publish, safe open, digests, verification. The only importer of h5py."""

from stochnet.storage.bundles import bundle_digest, read_bundle, write_bundle
from stochnet.storage.check import read_kind, stored_digest, verify
from stochnet.storage.rasters import raster_digest, read_raster
from stochnet.storage.summaries import read_observed, read_summary, summary_digest, write_summary
from stochnet.storage.writers.raster_writer import open_sink, raster_writer, write_raster

__all__ = [
    "bundle_digest",
    "open_sink",
    "raster_digest",
    "raster_writer",
    "read_bundle",
    "read_kind",
    "read_observed",
    "read_raster",
    "read_summary",
    "stored_digest",
    "summary_digest",
    "verify",
    "write_bundle",
    "write_raster",
    "write_summary",
]
