"""No activation is missed without a word: caught at the dispatcher, or named as not recorded."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import stochnet as sn
from stochnet.errors import RecordingError, RecordingWarning
from tests.support.recording_networks import counts, images, tensor

with pytest.warns(DeprecationWarning, match=r"torch\.jit"):

    @torch.jit.script
    def scripted(x):
        return torch.relu(x)


class Hidden(nn.Module):
    """A ReLU that can be seen, and another one that is somewhere else."""

    def __init__(self, function):
        super().__init__()
        self.conv, self.relu = nn.Conv2d(3, 4, 3), nn.ReLU()
        self.block = Block(function)

    def forward(self, x):
        return self.block(self.relu(self.conv(x)) - 0.3)


class Block(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.conv, self.function = nn.Conv2d(4, 4, 3), function

    def forward(self, x):
        return self.function(self.conv(x)) * 1.0


def made(function):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return Hidden(function).eval()


CAUGHT = {
    "relu": [scripted, torch.ops.aten.relu, torch.ops.aten.relu.default],
    "clamp": [
        lambda x: x.clamp(min=0),
        lambda x: torch.clamp(x, 0.0),
        lambda x: torch.clamp_min(x, 0),
        lambda x: x.clone().clamp_(min=0),
        lambda x: x.clamp(0, 6),
        lambda x: x.clamp(min=torch.tensor(0.0)),
    ],
    "maximum": [
        lambda x: torch.maximum(x, torch.tensor(0.0)),
        lambda x: torch.max(torch.zeros_like(x), x),
        lambda x: torch.fmax(x, x.new_zeros(())),
    ],
    "relu6": [lambda x: F.hardtanh(x, 0.0, 6.0)],
}


@pytest.mark.parametrize(
    ("name", "function"),
    [(name, one) for name, several in CAUGHT.items() for one in several],
)
def test_operations_are_caught_at_the_dispatcher(name, function):
    network, pictures = made(function), images()
    raster = sn.record(network, pictures, trace="assume", batch_size=32)
    assert [layer.name for layer in raster.layers] == ["relu", f"block.{name}"]
    with torch.no_grad():
        expected = network.block.conv(F.relu(network.conv(tensor(pictures))) - 0.3) > 0
    np.testing.assert_array_equal(
        counts(raster, f"block.{name}"), expected.sum(0).flatten().numpy()
    )
    channels = sn.record(network, pictures, trace="assume", unit="channel")
    assert channels.layers[1].shape == (4,)


def in_a_thread(x):
    found = []
    thread = threading.Thread(target=lambda: found.append(F.relu(x)))
    thread.start()
    thread.join()
    return found[0]


def in_a_pool(x, pool=ThreadPoolExecutor(1)):  # noqa: B008
    return pool.submit(F.relu, x).result()


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (in_a_thread, "another thread or code outside of torch computes for block"),
        (in_a_pool, "another thread or code outside of torch computes for block"),
        (lambda x: torch.from_numpy(np.maximum(x.numpy(), 0)), "code outside of torch .* block"),
        (lambda x: torch.where(x > 0, x, 0.0), "relu put together by hand in block"),
        (lambda x: x * (x > 0), "relu put together by hand in block"),
        (lambda x: x.masked_fill(x < 0, 0.0), "relu put together by hand in block"),
        (lambda x: x * torch.sigmoid(x), "silu put together by hand in block"),
        (lambda x: x * F.softplus(x).tanh(), "mish put together by hand in block"),
    ],
)
def test_what_cannot_be_recorded_is_named(function, message):
    network, pictures = made(function), images()
    with pytest.warns(RecordingWarning, match="activations that are not recorded: .*" + message):
        raster = sn.record(network, pictures, layers=["relu"])
    assert [layer.name for layer in raster.layers] == ["relu"]
    assert len(raster.provenance["not_recorded"]) == 1
    with pytest.raises(RecordingError, match="not recorded"):
        sn.record(network, pictures, layers="relu", strict=True)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.clamp(min=1e-6),
        lambda x: x.clamp(-1, 1),
        lambda x: torch.maximum(x, -x),
        lambda x: F.normalize(x),
        lambda x: x * (x.mean() > 0),
        lambda x: F.hardtanh(x),
        lambda x: x.clamp(0, 1),
        lambda x: x[:, :, ::2, ::2] + F.pad(x, (1, 1))[:, :, :2, :2],
    ],
)
def test_other_operations_are_no_activations(function):
    raster = sn.record(made(function), images(), strict=True, layers="!nothing")
    assert [layer.name for layer in raster.layers] == ["relu"]


def test_where_nothing_can_be_recorded_the_error_says_what_was_missed():
    network = made(in_a_thread)
    network.relu = nn.Identity()
    with pytest.raises(RecordingError, match=r"another thread .* for block cannot be recorded"):
        sn.record(network, images())
