"""Networks in states that used to end in a crash: compiled, exported, without weights."""

import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import stochnet as sn
from stochnet.errors import InvalidInputError, RecordingError, RecordingWarning
from tests.support.recording_networks import counts, images, tensor


class Parts(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.block = nn.Sequential(nn.Conv2d(4, 4, 3), nn.ReLU())

    def forward(self, x):
        return self.block(self.conv(x))


def made(network=Parts):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        return network().eval()


def expected(network):
    with torch.no_grad():
        return (network(tensor(images())) > 0).sum(0).flatten().numpy()


def test_a_compiled_part_runs_as_it_was_written():
    network = made()
    spikes = expected(network)
    network.block = torch.compile(network.block)
    raster = sn.record(network, images())
    assert [layer.name for layer in raster.layers] == ["block.1"]
    np.testing.assert_array_equal(counts(raster, "block.1"), spikes)
    network.compile()
    np.testing.assert_array_equal(counts(sn.record(network, images()), "block.1"), spikes)


@pytest.mark.parametrize("device", ["meta", torch.device("meta")])
def test_the_device_meta_is_refused_and_the_weights_stay(device):
    network = made()
    spikes = expected(network)
    with pytest.raises(InvalidInputError, match="device 'meta' computes nothing"):
        sn.record(network, images(), device=device)
    np.testing.assert_array_equal(expected(network), spikes)
    with torch.device("meta"):
        empty = Parts()
    with pytest.raises(RecordingError, match=r"lie on the device 'meta'.*load them first"):
        sn.record(empty, images())


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_exported_networks():
    network, sample = made(), torch.zeros(5, 3, 8, 8)
    batch = {0: torch.export.Dim("batch", min=2)}
    program = torch.export.export(network, (sample,), dynamic_shapes=(batch,))
    with pytest.raises(InvalidInputError, match=r"not ExportedProgram; give model\.module\(\)"):
        sn.record(program, images())
    raster = sn.record(program.module(), images(), batch_size=32)
    np.testing.assert_array_equal(counts(raster, "relu"), expected(network))
    fixed = torch.export.export(network, (sample,)).module()
    with pytest.raises(RecordingError, match=r"size\(\)\[0\] == 5"):
        sn.record(fixed, images())
    with warnings.catch_warnings(record=True):
        raster = sn.record(fixed, images(), batch_size=5)
    np.testing.assert_array_equal(counts(raster, "relu"), expected(network))


@pytest.mark.parametrize("model", [None, "resnet18", torch.relu, {"a": torch.zeros(2)}, nn.ReLU])
def test_what_is_no_network_is_refused(model):
    with pytest.raises(InvalidInputError, match=r"model must be a torch\.nn\.Module"):
        sn.record(model, images())


class Asserting(nn.Module):
    """torch.fx traces neither the assertion nor the range."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.level = 0.0

    def forward(self, x):
        assert x.shape[2] == 8
        for _ in range(x.shape[3] // 4):
            x = F.relu(self.conv(x))[:, :3] - 0.05
        return x


class Deciding(Asserting):
    """As many functions for every stimulus, but from two places, as the batch says."""

    def forward(self, x):
        x = self.conv(x)
        return F.relu(x) if x.mean() > self.level else F.relu(-x)


def test_the_order_of_functions_can_be_assumed():
    network, pictures = made(Asserting), images()
    with pytest.raises(RecordingError, match=r"torch\.fx cannot trace.*say trace='assume'"):
        sn.record(network, pictures)
    raster = sn.record(network, pictures, trace="assume", batch_size=16, strict=True)
    assert [layer.name for layer in raster.layers] == ["relu", "relu:1"]
    with torch.no_grad():
        first = F.relu(network.conv(tensor(pictures)))
        second = F.relu(network.conv(first[:, :3] - 0.05))
    for name, output in (("relu", first), ("relu:1", second)):
        np.testing.assert_array_equal(counts(raster, name), (output > 0).sum(0).flatten().numpy())


def test_what_is_assumed_is_checked_by_two_inputs_and_in_every_batch(tmp_path):
    network = made(Deciding)
    pictures = np.zeros((70, 8, 8, 3), np.uint8)
    pictures[20:50] = 255
    with torch.no_grad():
        dark, bright = (float(network.conv(x).mean()) for x in tensor(pictures[[0, 30]])[:, None])
        a, b = (float(network.conv(tensor(pictures[k])).mean())
                for k in ([0, 17, 34, 52, 69], [69, 17, 34]))  # fmt: skip
    network.level = (a + b) / 2
    with pytest.raises(RecordingError, match="order that depends on the data"):
        sn.record(network, pictures, trace="assume")
    network.level = (
        (max(a, b) + max(dark, bright)) / 2 if bright > dark else (min(a, b) + bright) / 2
    )
    with pytest.raises(RecordingError, match=r"another order for stimuli (20|30) to"):
        sn.record(network, pictures, trace="assume", batch_size=10, path=tmp_path / "x.h5")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InvalidInputError, match="trace must be one of"):
        sn.record(network, pictures, trace="always")


def test_functions_in_scripts_and_fused_transformers_are_as_before():
    optimized = torch._C._get_graph_executor_optimize()
    sn.record(made(), images())
    assert torch._C._get_graph_executor_optimize() == optimized


def test_a_threshold_is_one_number():
    with pytest.raises(InvalidInputError, match="threshold must be given"):
        sn.record(made(), images(), threshold=None)
    for threshold in ([0.0, 1.0], "high", torch.zeros(2)):
        with pytest.raises(InvalidInputError, match="it is one number for all layers"):
            sn.record(made(), images(), threshold=threshold)
    sn.record(made(), images(), threshold=torch.tensor(0.1))


def test_strict_counts_doubts_about_the_images_too():
    pictures = images().transpose(0, 3, 1, 2).astype(np.float32)
    with pytest.warns(RecordingWarning, match=r"these reach 255.*images / 255"):
        sn.record(made(), pictures)
    with pytest.raises(RecordingError, match=r"images / 255.*strict=True"):
        sn.record(made(), pictures, strict=True)
    sn.record(made(), pictures, strict=True, normalize=([123.0] * 3, [58.0] * 3))
