"""HDF5 files: atomic publish, safe open, digests, verification. The only importer of h5py."""

from stochnet.storage.bundles import bundle_digest, read_bundle, write_bundle
from stochnet.storage.check import read_kind, stored_digest, verify
from stochnet.storage.rasters import RasterWriter, raster_digest, read_raster, write_raster

__all__ = [
    "RasterWriter",
    "bundle_digest",
    "raster_digest",
    "read_bundle",
    "read_kind",
    "read_raster",
    "stored_digest",
    "verify",
    "write_bundle",
    "write_raster",
]
