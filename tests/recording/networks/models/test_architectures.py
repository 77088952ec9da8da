import pickle

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from stochnet.errors import FileFormatError, InvalidInputError
from stochnet.recording import (
    ARCHITECTURES,
    apply_state,
    build_model,
    load_network,
    read_weights,
    record,
    save_network,
)

SHAPES = [(1, 28, 28), (3, 32, 32)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_runs_and_is_recorded(name, shape):
    network = build_model(name, shape, 7)
    random = torch.get_rng_state()
    with torch.no_grad():
        assert network.eval()(torch.zeros(2, *shape)).shape == (2, 7)
    channels, height, width = shape
    pictures = np.random.default_rng(0).integers(0, 256, (3, height, width, channels), np.uint8)
    raster = record(network, pictures, unit="channel")
    rectified = [m for m in network.modules() if isinstance(m, nn.ReLU)]
    assert len(raster.layers) >= len(rectified)
    assert torch.equal(random, torch.get_rng_state())


def test_names_are_those_of_the_contract():
    assert {"mlp", "lenet", "alexnet", "vgg11", "resnet18-small"} <= set(ARCHITECTURES)


def test_a_seed_decides_the_weights_and_nothing_else():
    random = torch.get_rng_state()
    one, same, other = (build_model("lenet", (1, 28, 28), 10, seed=s) for s in (1, 1, 2))
    assert torch.equal(random, torch.get_rng_state())
    assert torch.equal(one[0].weight, same[0].weight)
    assert not torch.equal(one[0].weight, other[0].weight)


@pytest.mark.parametrize("name", ["alexnet", "vgg11", "resnet18-small"])
def test_a_breadth_scales_every_hidden_layer(name):
    whole, half = (ARCHITECTURES[name](3, 32, 32, 10, breadth=breadth) for breadth in (1.0, 0.5))
    for one, other in zip(whole.modules(), half.modules(), strict=True):
        if isinstance(one, nn.Conv2d):
            assert other.out_channels == one.out_channels // 2
        if isinstance(one, nn.Linear):
            assert other.out_features == (10 if one.out_features == 10 else one.out_features // 2)
    assert half(torch.zeros(2, 3, 32, 32)).shape == (2, 10)


def test_images_that_are_too_small():
    with pytest.raises(InvalidInputError, match="at least 16 × 16"):
        build_model("lenet", (1, 8, 8), 10)


def test_unknown_names_and_torchvision():
    with pytest.raises(InvalidInputError, match=r"did you mean resnet18"):
        build_model("resnet81", (3, 32, 32), 10)
    with pytest.raises(InvalidInputError, match=r"3 channels"):
        build_model("resnet18", (1, 28, 28), 10)
    with pytest.raises(InvalidInputError, match="no network is called"):
        build_model("fasterrcnn_resnet50_fpn", (3, 32, 32), 10)


def test_a_factory_in_the_working_folder(tmp_path, monkeypatch):
    (tmp_path / "my_own_net.py").write_text(
        "from torch import nn\n"
        "def make(): return nn.Sequential(nn.Flatten(), nn.ReLU())\n"
        "def broken(): raise ValueError('no\\nluck')\n"
        "def wrong(): return 3\n"
    )
    monkeypatch.chdir(tmp_path)
    assert isinstance(build_model("my_own_net:make", (1, 8, 8), 10), nn.Sequential)
    for name, message in (
        ("my_own_net:broken", "ValueError: no;"),
        ("my_own_net:wrong", "returns int"),
        ("my_own_net:absent", "AttributeError"),
        ("no_such_package:make", "ModuleNotFoundError"),
    ):
        with pytest.raises(InvalidInputError, match=message) as caught:
            build_model(name, (1, 8, 8), 10)
        assert "\n" not in str(caught.value)


def small(seed=0):
    return build_model("mlp", (1, 16, 16), 3, seed=seed)


def same(one, other):
    state = other.state_dict()
    return all(torch.equal(v, state[k]) for k, v in one.state_dict().items())


@pytest.mark.parametrize("kind", ["plain", "nested", "prefixed", "safetensors", "checkpoint"])
def test_weights_in_every_form(kind, tmp_path):
    source, path = small(1), tmp_path / "net.pt"
    state = source.state_dict()
    if kind == "plain":
        torch.save(state, path)
    elif kind == "nested":
        torch.save({"state_dict": state, "epoch": 3}, path)
    elif kind == "prefixed":
        torch.save({"state_dict": {f"module.{k}": v for k, v in state.items()}}, path)
    elif kind == "safetensors":
        path = tmp_path / "net.safetensors"
        save_file(state, path)
    else:
        save_network(
            path,
            source,
            {
                "architecture": "mlp",
                "image_shape": [1, 16, 16],
                "n_classes": 3,
                "training_labels": torch.arange(3),
            },
        )
    found = load_network("mlp", path, image_shape=(1, 16, 16), n_classes=3)
    assert same(found.model, source)
    assert (found.training_labels is not None) == (kind == "checkpoint")


def test_a_checkpoint_knows_its_architecture(tmp_path):
    path = tmp_path / "net.pt"
    save_network(
        path,
        small(1),
        {
            "architecture": "mlp",
            "image_shape": [1, 16, 16],
            "n_classes": 3,
            "normalize": [[0.5], [0.2]],
        },
    )
    found = load_network(str(path), image_shape=(1, 16, 16), n_classes=99)
    assert (found.name, found.n_classes, found.normalize) == ("mlp", 3, ((0.5,), (0.2,)))
    assert same(found.model, small(1))
    with pytest.raises(InvalidInputError, match="holds a mlp, not a lenet"):
        load_network("lenet", path, image_shape=(1, 16, 16), n_classes=3)
    with pytest.raises(InvalidInputError, match="1 × 16 × 16, these are 1 × 28 × 28"):
        load_network("mlp", path, image_shape=(1, 28, 28), n_classes=3)
    torch.save(small().state_dict(), path)
    with pytest.raises(InvalidInputError, match="without an architecture"):
        load_network(str(path), image_shape=(1, 16, 16), n_classes=3)


class Evil:
    def __reduce__(self):
        return (open, ("evil-was-here", "w"))


def test_code_in_a_file_is_never_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": Evil()}, "net.pt")
    (tmp_path / "raw.pt").write_bytes(pickle.dumps(Evil()))
    torch.save(small(), "whole.pt")
    for name in ("net.pt", "raw.pt", "whole.pt"):
        with pytest.raises(FileFormatError, match="running code"):
            read_weights(name)
    assert not (tmp_path / "evil-was-here").exists()


def test_files_that_hold_no_weights(tmp_path):
    for name, content in (("a.pt", b""), ("b.pt", b"PK\x03\x04"), ("c.safetensors", b"hello")):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(FileFormatError, match="damaged"):
            read_weights(path)
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(FileFormatError, match="no state dict"):
        read_weights(tmp_path / "list.pt")
    with pytest.raises(InvalidInputError, match="no file"):
        read_weights(tmp_path / "none.pt")


def test_weights_that_do_not_fit():
    network, state = small(), small().state_dict()
    with pytest.raises(InvalidInputError, match=r"missing 1\.weight; unexpected other"):
        apply_state(
            network, {("other" if k == "1.weight" else k): v for k, v in state.items()}, "x"
        )
    state["5.bias"] = torch.zeros(4)
    with pytest.raises(InvalidInputError, match=r"another shape 5\.bias \(4,\) for \(3,\)"):
        apply_state(network, state, "x")


def test_a_failed_save_leaves_the_old_file(tmp_path):
    path = tmp_path / "net.pt"
    facts = {"architecture": "mlp", "image_shape": [1, 16, 16], "n_classes": 3}
    save_network(path, small(), facts)
    before = path.read_bytes()
    with pytest.raises((AttributeError, TypeError, pickle.PicklingError)):
        save_network(path, small(), {**facts, "bad": lambda: 0})
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["net.pt"]
