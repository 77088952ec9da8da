"""Every value of a file has a range, which reading checks and so does verify."""

import h5py
import numpy as np
import pytest

import stochnet as sn
from stochnet.errors import FileFormatError
from tests.golden import make
from tests.storage.test_damage import foreign, read_all


def attribute(name, value):
    def change(handle):
        handle.attrs[name] = value

    return change


def entry(name, value):
    def change(handle):
        handle[name][(0,) * handle[name].ndim] = value

    return change


WRONG = {
    "n_trials -1": ("bundle-v1", attribute("n_trials", -1)),
    "n_bins 50.7": ("bundle-v1", attribute("n_bins", 50.7)),
    "n_bins of text": ("bundle-v1", attribute("n_bins", "50")),
    "n_bins True": ("raster-v1", attribute("n_bins", True)),
    "n_bins of a raster of text": ("raster-v1", attribute("n_bins", "70")),
    "bin_width of text": ("raster-v1", attribute("bin_width", "0.1")),
    "n_trials of a summary": ("summary-v1", attribute("n_trials", -1)),
    "window of a summary": ("summary-v1", attribute("window", 2**40)),
    "most_in_bin": ("summary-v1", attribute("most_in_bin", 2**31)),
    "per_condition": ("summary-v1", attribute("per_condition", 2)),
    "spikes -1": ("summary-v1", entry("spikes", -1)),
    "spikes 2**31": ("summary-v1", entry("spikes", 2**31)),
    "active -1": ("summary-v1", entry("active", -1)),
    "log_factorials nan": ("summary-v1", entry("log_factorials", np.nan)),
    "most_in_window -1": ("summary-v1", entry("most_in_window", -1)),
    "padding": ("raster-v1", lambda handle: handle["spikes"].write_direct(
        np.full(handle["spikes"].shape, 2**64 - 1, np.uint64))),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_values_outside_of_their_range_are_refused(what, golden):
    name, change = WRONG[what]
    path = foreign(golden(name))
    read_all(path)
    with h5py.File(path, "r+") as handle:
        change(handle)
    with pytest.raises(FileFormatError):
        read_all(path)


@pytest.mark.parametrize("part", ["windows", "counts"])
def test_negative_counts_of_a_table_are_refused(part, golden):
    path = foreign(golden("summary-v1"))
    with h5py.File(path, "r+") as handle:
        group = handle["tables"][part]
        values = group["values"][...].astype(np.int64)
        del group["values"]
        values[0] = -1
        group["values"] = values
    with pytest.raises(FileFormatError, match="lie outside"):
        read_all(path)


def test_a_changed_parameter_is_noticed_by_use(golden, tmp_path):
    path = golden("bundle-v1")
    with h5py.File(path, "r+") as handle:
        next(iter(handle["fits"].values()))["params/p"][0] = 0.5
    with pytest.raises(FileFormatError, match="changed after it was written"):
        sn.read_bundle(path)


def test_a_raster_is_compared_where_it_is_asked(tmp_path):
    path = tmp_path / "raster.h5"
    sn.write_raster(make.raster(), path)
    assert sn.read_raster(path, verify=True).n_nodes == make.raster().n_nodes
    with h5py.File(path, "r+") as handle:
        handle["spikes"][0, 0, 0] ^= np.uint64(1)
    sn.read_raster(path)
    with pytest.raises(FileFormatError, match="changed after it was written"):
        sn.read_raster(path, verify=True)
