"""The allow-list: what a file must not hold is refused before anything is read from it."""

import pickle
import shutil
import time

import h5py
import numpy as np
import pytest

import stochnet as sn
from stochnet.errors import FileFormatError
from tests.storage.test_damage import NAMES, foreign, plain, read_all


def soft_link(handle, path):
    del handle["conditions"]
    handle["conditions"] = h5py.SoftLink("/training_labels")


def external_link(handle, path):
    del handle["spikes"]
    handle["spikes"] = h5py.ExternalLink(str(path.with_name("other.h5")), "/spikes")


def external_storage(handle, path):
    path.with_name("secret").write_bytes(b"s" * 336)
    del handle["spikes"]
    handle.create_dataset(
        "spikes", (7, 3, 2), np.uint64, external=[(str(path.with_name("secret")), 0, 336)]
    )


def virtual(handle, path):
    layout = h5py.VirtualLayout((7, 3, 2), np.uint64)
    layout[:] = h5py.VirtualSource(str(path.with_name("other.h5")), "spikes", (7, 3, 2))
    del handle["spikes"]
    handle.create_virtual_dataset("spikes", layout)


def unknown_filter(handle, path):
    values = handle["spikes"][...]
    del handle["spikes"]
    handle.create_dataset("spikes", data=values, scaleoffset=0)


def objects(handle, path):
    del handle["conditions"]
    handle.create_dataset("conditions", (3, 70), h5py.vlen_dtype(np.int16))


def strings(handle, path):
    names = handle["layers/name"][...]
    del handle["layers/name"]
    handle["layers"].create_dataset("name", data=names.astype(object), dtype=h5py.string_dtype())


def compound(handle, path):
    del handle["conditions"]
    handle.create_dataset("conditions", (3, 70), [("a", np.int8), ("b", np.int8)])


def bomb(handle, path):
    del handle["spikes"]
    handle.create_dataset("spikes", (2**20, 2**20, 2), np.uint64, chunks=(1, 2**10, 2))


def packed_bomb(handle, path):
    del handle["spikes"]
    data = handle.create_dataset(
        "spikes", (2**16, 2**14, 2), np.uint64, chunks=(1, 2**12, 2), compression="gzip"
    )
    data[0] = 0


def unexpected_dataset(handle, path):
    handle["extra"] = np.arange(3)


def unexpected_group(handle, path):
    handle.create_group("layers/deeper")


def cycle(handle, path):
    handle["layers/again"] = handle["/"]


def named_type(handle, path):
    handle["layers/type"] = np.dtype(np.int8)


def long_attribute(handle, path):
    handle.attrs["n_bins"] = np.full(5, 70)


def null(handle, path):
    del handle["conditions"]
    handle.create_dataset("conditions", data=h5py.Empty(np.int16))


HARM = {
    soft_link: "soft or external link",
    external_link: "soft or external link",
    external_storage: "takes its data from another file",
    virtual: "takes its data from another file",
    unknown_filter: "unknown filters",
    objects: "conditions has type object",
    strings: "layers/name has type object",
    compound: "conditions has type",
    bomb: "made to exhaust memory",
    packed_bomb: "made to exhaust memory",
    unexpected_dataset: "unexpected dataset extra",
    unexpected_group: "unexpected group layers/deeper",
    cycle: "unexpected group layers/again",
    named_type: "neither a group nor a dataset",
    long_attribute: "not a short scalar",
    null: "conditions is empty",
}


@pytest.mark.parametrize(("harm", "message"), HARM.items(), ids=[f.__name__ for f in HARM])
def test_what_is_not_on_the_list_is_refused(harm, message, golden, tmp_path):
    shutil.copyfile(golden(), tmp_path / "other.h5")
    path = plain(golden(), tmp_path / "harm.h5")
    with h5py.File(path, "r+") as handle:
        harm(handle, path)
    for check in (sn.read_raster, sn.verify):
        with pytest.raises(FileFormatError, match=message):
            check(path)


def test_cycles_and_nesting_end_also_in_later_versions(golden):
    """Twenty links from a group to itself would be walked 20^8 times."""
    for nest in (False, True):
        path = golden()
        with h5py.File(path, "r+") as handle:
            handle.attrs["encoding-version"] = "1.9"
            group = handle.create_group("later")
            for k in range(20):
                if nest:
                    group = group.create_group("deeper")
                else:
                    group[f"again{k}"] = group
        start = time.monotonic()
        with pytest.raises(FileFormatError, match=r"nested too deeply|several names"):
            sn.read_raster(path)
        assert time.monotonic() - start < 5


def test_nothing_is_unpickled(golden, tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise RuntimeError("a file was unpickled")

    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, refuse)
    for name in NAMES:
        path = foreign(golden(name))
        with h5py.File(path, "r+") as handle:
            handle["provenance"].attrs["trap"] = np.void(b"cos\nsystem\n(S'true'\ntR.")
        with pytest.raises(FileFormatError, match="neither text nor a number"):
            read_all(path)


def test_a_bundle_of_another_process_version_is_refused(golden):
    path = foreign(golden("bundle-v1"))
    with h5py.File(path, "r+") as handle:
        next(iter(handle["fits"].values())).attrs["process-version"] = 2
    with pytest.raises(FileFormatError, match=r"version 2 of bernoulli.*install the version"):
        sn.read_bundle(path)


@pytest.mark.parametrize("name", ["p", "flags", "node_ids", "observed_bins", "log_likelihood"])
def test_a_bundle_whose_arrays_do_not_fit_together_is_refused(name, golden):
    path = foreign(golden("bundle-v1"))
    with h5py.File(path, "r+") as handle:
        group = next(iter(handle["fits"].values()))
        where = f"params/{name}" if name == "p" else name
        values = group[where][...]
        del group[where]
        group[where] = values[:-1]
    with pytest.raises(FileFormatError, match="is damaged"):
        sn.read_bundle(path)
