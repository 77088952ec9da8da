"""Files that are damaged, foreign or of another version: one clear error each."""

import os

import h5py
import numpy as np
import pytest

import stochnet as sn
from stochnet.errors import FileFormatError, InvalidInputError, StochnetError
from stochnet.storage import raster_digest, read_kind, stored_digest
from tests.golden import make

NAMES = (
    "raster-v1", "counts-v1", "bundle-v1", "correlated-bundle-v1", "populations-bundle-v1",
    "summary-v1",
)  # fmt: skip


def read_all(path):
    """Read a file whole, as a user would."""
    if "bundle" in path.name:
        return sn.read_bundle(path)
    if "summary" in path.name:
        summary = sn.read_summary(path)
        return [table.dense(0, summary.n_nodes) for table in summary.tables.values()]
    return sn.read_raster(path).to_dense()


def plain(source, target):
    """Copy a file as other software would write it: without user block and seal."""
    with h5py.File(source) as old, h5py.File(target, "w") as new:
        for name, value in old.attrs.items():
            new.attrs[name] = value
        for name in old:
            old.copy(name, new)
    return target


def foreign(path):
    """Make of a file what other software may write: without seal and digest, to be changed."""
    sealed = path.rename(path.with_suffix(".sealed"))
    plain(sealed, path)
    with h5py.File(path, "r+") as handle:
        del handle.attrs["content-digest"]
    sealed.unlink()
    return path


@pytest.mark.parametrize("name", NAMES)
def test_every_flipped_byte_is_reported(name, golden, rng):
    path = golden(name)
    whole = path.read_bytes()
    offsets = {*range(1024), *rng.integers(1024, len(whole), 400).tolist(), len(whole) - 1}
    with path.open("r+b", buffering=0) as handle:
        for at in sorted(offsets):
            for flip in (1 << at % 8, 0xFF):
                os.pwrite(handle.fileno(), bytes([whole[at] ^ flip]), at)
                with pytest.raises(FileFormatError):
                    sn.verify(path)
            os.pwrite(handle.fileno(), whole[at : at + 1], at)
    assert sn.verify(path)[1]


@pytest.mark.parametrize("name", NAMES)
def test_a_damaged_file_is_read_or_refused_but_never_a_traceback(name, golden, rng):
    """Of a raster reading does not check the seal, unless it is asked to."""
    path = golden(name)
    whole = path.read_bytes()
    refused = 0
    for at in rng.integers(512, len(whole), 250).tolist():
        damaged = bytearray(whole)
        damaged[at] ^= 1 << at % 8
        path.write_bytes(damaged)
        try:
            read_all(path)
        except StochnetError:
            refused += 1
        with pytest.raises(FileFormatError):
            sn.read_raster(path, verify=True)
    assert 0 < refused < 250 if name in ("raster-v1", "counts-v1") else refused == 250


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_was_cut_or_extended_is_reported(name, golden):
    path = golden(name)
    whole = path.read_bytes()
    for size in (0, 1, 511, 512, 519, 600, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(FileFormatError):
            sn.verify(path)
        with pytest.raises(FileFormatError):
            read_all(path)
    for more in (b"\0", b"x" * 600):
        path.write_bytes(whole + more)
        with pytest.raises(FileFormatError, match="cut or added to"):
            sn.verify(path)


def test_files_that_are_something_else_are_refused(golden, tmp_path):
    text = tmp_path / "text.h5"
    text.write_text("no HDF5\n" * 200, encoding="utf-8")
    other = tmp_path / "other.h5"
    with h5py.File(other, "w") as handle:
        handle["spikes"] = np.zeros(3)
    for check in (sn.verify, sn.read_raster, sn.read_bundle, read_kind):
        with pytest.raises(FileFormatError, match="HDF5"):
            check(text)
        with pytest.raises(FileFormatError, match="no stochnet file"):
            check(other)
        with pytest.raises(InvalidInputError, match="no file"):
            check(tmp_path / "missing.h5")
    with pytest.raises(FileFormatError, match="is a stochnet-bundle; expected stochnet-raster"):
        sn.read_raster(golden("bundle-v1"))
    with pytest.raises(FileFormatError, match="is a stochnet-raster; expected stochnet-bundle"):
        sn.read_bundle(golden("raster-v1"))


@pytest.mark.parametrize("name", NAMES)
def test_a_foreign_file_without_a_user_block_is_verified_by_its_content(name, golden, tmp_path):
    path = plain(golden(name), tmp_path / f"foreign-{name}.h5")
    assert sn.verify(path) == (stored_digest(golden(name)), False)
    with h5py.File(path, "r+") as handle:
        known = ("spikes", "counts", "conditions", "latents/loadings")
        data = handle[next(part for part in known if part in handle)]
        data[0, 0] = 1 - data[0, 0]
    with pytest.raises(FileFormatError, match="does not match its digest"):
        sn.verify(path)


def test_the_byte_order_and_the_filters_of_a_file_do_not_matter(golden, tmp_path):
    path = plain(golden(), tmp_path / "big.h5")
    with h5py.File(path, "r+") as handle:
        for name in ("spikes", "conditions", "stimuli"):
            values = handle[name][...]
            del handle[name]
            swapped = values.astype(values.dtype.newbyteorder(">"))
            handle.create_dataset(name, data=swapped, compression="gzip", shuffle=True)
    assert sn.verify(path) == (raster_digest(make.raster()), False)
    np.testing.assert_array_equal(sn.read_raster(path).to_dense(), make.raster().to_dense())


def test_spikes_after_the_last_bin_are_reported(tmp_path):
    raster = sn.SpikeRaster(np.full((1, 1, 1), 2**7, np.uint64), 7)
    sn.write_raster(raster, tmp_path / "dirty.h5")
    with pytest.raises(FileFormatError, match="spikes after the last bin"):
        sn.verify(tmp_path / "dirty.h5")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("version", "message"),
    [("2.0", "install a newer stochnet"), ("0.9", "install"), ("1", "MAJOR.MINOR"), ("x", "MAJOR")],
)
def test_other_major_versions_are_refused_with_the_fix_named(name, version, message, golden):
    path = foreign(golden(name))
    with h5py.File(path, "r+") as handle:
        handle.attrs["encoding-version"] = version
    with pytest.raises(FileFormatError, match=message):
        read_all(path)


@pytest.mark.parametrize("name", NAMES)
def test_a_later_minor_version_may_hold_more(name, golden):
    path = foreign(golden(name))
    with h5py.File(path, "r+") as handle:
        handle.attrs["encoding-version"] = "1.7"
        handle["later/thing"] = np.arange(3)
    read_all(path)
    with h5py.File(path, "r+") as handle:
        handle["later/link"] = h5py.SoftLink("/spikes")
    with pytest.raises(FileFormatError, match="soft or external link"):
        read_all(path)
