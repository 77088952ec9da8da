"""Weights as people keep them, and what holds none."""

import argparse
import pathlib
import pickle
import types

import h5py
import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from stochnet.errors import FileFormatError, InvalidInputError
from stochnet.recording import apply_state, build_model, load_network, read_weights

SHAPE = (1, 16, 16)


def mlp(seed=0):
    return build_model("mlp", SHAPE, 3, seed=seed)


def loaded(content, tmp_path):
    path = tmp_path / "net.pt"
    torch.save(content, path)
    return load_network("mlp", path, image_shape=SHAPE, n_classes=3).model.state_dict()


def same(one, other):
    return list(one) == list(other) and all(torch.equal(one[k], other[k]) for k in one)


WEIGHTS = mlp(1).state_dict()


def prefixed(prefix, more=None):
    return {**{prefix + name: value for name, value in WEIGHTS.items()}, **(more or {})}


@pytest.mark.parametrize(
    "content",
    [
        *({key: WEIGHTS} for key in
          ("state_dict", "model_state_dict", "model", "net", "network", "weights")),
        {"model": {"state_dict": WEIGHTS}, "epoch": 3},
        {"model": WEIGHTS, "model_ema": mlp(2).state_dict(), "optimizer": {"state": {}}},
        {"state_dict": prefixed("model.")},
        {"state_dict": prefixed("model._orig_mod.")},
        {"state_dict": prefixed("model.", {"loss.weight": torch.ones(3)})},
        {"net": prefixed("module.")},
        prefixed("_orig_mod.module."),
        prefixed("module._orig_mod."),
        prefixed("backbone."),
        {"model": WEIGHTS, "args": argparse.Namespace(lr=0.1, data=argparse.Namespace(n=3))},
        {"model": WEIGHTS, "hyper": types.SimpleNamespace(lr=0.1)},
        {"model": WEIGHTS, "best": np.float64(0.9), "step": np.int64(4), "ok": np.bool_(True)},
        {"model": WEIGHTS, "history": np.arange(5.0), "half": np.float32(0.5)},
    ],
)  # fmt: skip
def test_weights_are_found(content, tmp_path):
    assert same(loaded(content, tmp_path), WEIGHTS)


def test_prefixes_are_removed_from_safetensors_too(tmp_path):
    save_file(prefixed("model.module."), tmp_path / "net.safetensors")
    path = tmp_path / "net.safetensors"
    found = load_network("mlp", path, image_shape=SHAPE, n_classes=3).model.state_dict()
    assert same(found, WEIGHTS)


def test_a_compiled_part_leaves_no_trace_in_the_names(tmp_path):
    names = {name.replace("1.", "1._orig_mod.", 1): value for name, value in WEIGHTS.items()}
    assert same(loaded(names, tmp_path), WEIGHTS)


def test_a_prefix_that_two_networks_have_is_not_guessed(tmp_path):
    two = {**prefixed("teacher."), **prefixed("student.")}
    with pytest.raises(InvalidInputError, match="does not fit Sequential: missing 1"):
        loaded(two, tmp_path)


def test_a_network_of_its_own_prefix_keeps_it():
    inner = nn.ModuleDict({"model": mlp(0)})
    apply_state(inner, prefixed("model."), "x")
    assert same(inner["model"].state_dict(), WEIGHTS)


class Evil:
    def __reduce__(self):
        return (open, ("evil-was-here", "w"))


class Config:
    def __init__(self):
        self.lr = 0.1


@pytest.mark.parametrize(
    "content",
    [
        {"model": WEIGHTS, "args": Evil()},
        {"model": WEIGHTS, "args": argparse.Namespace(a=Evil())},
        {"model": WEIGHTS, "best": np.array([Evil()], dtype=object)},
        {"model": WEIGHTS, "path": pathlib.PurePosixPath("x")},
    ],
)
def test_nothing_else_is_loaded(content, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileFormatError, match=r"running code from it"):
        loaded(content, tmp_path)
    assert not (tmp_path / "evil-was-here").exists()


def test_a_class_that_is_refused_is_named(tmp_path):
    with pytest.raises(FileFormatError, match=r"\(of tests\.recording.*Config\)"):
        loaded({"model": WEIGHTS, "config": Config()}, tmp_path)


def test_files_of_others_are_named_for_what_they_are(tmp_path):
    with h5py.File(tmp_path / "keras.h5", "w") as file:
        file["weights"] = np.zeros(4)
    np.save(tmp_path / "x.npy", np.zeros(3))
    np.savez(tmp_path / "x.npz", a=np.zeros(3))
    (tmp_path / "lfs.pt").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:1\n")
    (tmp_path / "page.pt").write_text("<!doctype html><html></html>")
    (tmp_path / "text.pt").write_text("loss: 0.3\n")
    (tmp_path / "raw.pt").write_bytes(pickle.dumps([1, 2]))
    with pytest.warns(DeprecationWarning, match=r"torch\.jit"):
        torch.jit.script(nn.ReLU()).save(tmp_path / "script.pt")
    for name, message in [
        ("keras.h5", "is an HDF5 file"),
        ("x.npy", "is an array of NumPy"),
        ("x.npz", "damaged or holds no weights"),
        ("lfs.pt", "git lfs pull"),
        ("page.pt", "is a web page"),
        ("text.pt", "damaged"),
        ("script.pt", "is TorchScript"),
    ]:
        with pytest.raises(FileFormatError, match=message) as caught:
            read_weights(tmp_path / name)
        assert "\n" not in str(caught.value)
    torch.save({"model": {"a": 1}, "epoch": 2}, tmp_path / "none.pt")
    with pytest.raises(FileFormatError, match=r"no state dict \(its keys: model, epoch\)"):
        read_weights(tmp_path / "none.pt")
