"""Activations are known by what they compute, and have the name of the module that wraps one."""

import math
import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import stochnet as sn
from stochnet.errors import RecordingError
from stochnet.recording.networks.activations import activation_of
from tests.support.recording_networks import counts, images, tensor


class Function(nn.Module):
    """As transformers' GELUActivation and PytorchGELUTanh: a function in a module."""

    def __init__(self, function):
        super().__init__()
        self.act = function

    def forward(self, x):
        return self.act(x)


class NewGELU(nn.Module):
    """As GPT-2's."""

    def forward(self, x):
        return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * torch.pow(x, 3))))


class QuickGELU(nn.Module):
    def forward(self, x):
        return x * torch.sigmoid(1.702 * x)


class ClippedGELU(nn.Module):
    def forward(self, x):
        return torch.clip(F.gelu(x), -10, 10)


class Swish(nn.Module):
    """With a strength that is learned."""

    def __init__(self):
        super().__init__()
        self.beta = nn.Parameter(torch.tensor(1.3))

    def forward(self, x):
        return x * torch.sigmoid(self.beta * x)


class InPlaceMish(nn.Module):
    def forward(self, x):
        return x.mul_(F.softplus(x).tanh())


class Cached(nn.Module):
    """Keeps what it has seen; it is applied as a copy, so nothing is added to that."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, x):
        self.seen.append(x.shape)
        return F.silu(x)


class Softmax(nn.Module):
    def forward(self, x):
        return x.softmax(-1)


class PerChannel(nn.Module):
    """A leaky ReLU with another slope in every channel."""

    def forward(self, x):
        slopes = torch.linspace(0.1, 0.9, x.shape[1])[:, None, None]
        return torch.where(x > 0, x, slopes * x)


KINDS = [
    (lambda: Function(F.gelu), "gelu"),
    (lambda: Function(F.silu), "silu"),
    (lambda: Function(lambda x: F.gelu(x, approximate="tanh")), "gelu_tanh"),
    (NewGELU, "gelu_tanh"),
    (QuickGELU, "quick_gelu"),
    (ClippedGELU, "gelu"),
    (Swish, "swish"),
    (InPlaceMish, "mish"),
    (Cached, "silu"),
    (lambda: Function(lambda x: F.relu(x).square()), "squared_relu"),
    (lambda: Function(lambda x: x.clamp(min=0)), "relu"),
    (lambda: Function(lambda x: torch.where(x > 0, x, 0.03 * x)), "leaky_relu"),
    (lambda: Function(lambda x: F.elu(x, 0.4)), "elu"),
    (lambda: Function(lambda x: F.softplus(x) - math.log(2)), "shifted_softplus"),
]


@pytest.mark.parametrize(("module", "kind"), KINDS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_a_module_is_what_it_computes(module, kind, dtype):
    module = module().to(dtype)
    for shape in ((3, 4, 5, 5), (2, 7), (4, 3, 6)):
        assert activation_of(module, torch.zeros(shape, dtype=dtype)) == kind
    assert getattr(module, "seen", []) == []


@pytest.mark.parametrize(
    "module",
    [
        nn.Identity(), nn.Tanh(), nn.Sigmoid(), nn.Dropout().eval(), nn.Hardtanh(), nn.LayerNorm(5),
        Softmax(), PerChannel(), nn.Linear(5, 5), nn.Flatten(), Function(torch.abs),
        Function(lambda x: -F.relu(x)), Function(lambda x: x[0]), Function(lambda x: None),
        Function(lambda x: x + 0.5), Function(lambda x: F.relu(x) + x.mean()), Function(torch.exp),
    ],
)  # fmt: skip
def test_others_are_no_activation(module):
    assert activation_of(module, torch.zeros(3, 4, 5, 5)) == ""
    assert activation_of(Function(F.relu), torch.zeros(3, 5, dtype=torch.int64)) == ""


class Encoder(nn.Module):
    """An encoder that torch.fx cannot trace, as those of transformers."""

    def __init__(self, act):
        super().__init__()
        self.dense, self.act, self.output = nn.Linear(24, 16), act, nn.Linear(16, 24)

    def forward(self, x, **options):
        if options.get("mask") is not None or x.shape[0] < 1:
            raise ValueError
        x = x.transpose(1, 2).flatten(2)
        return x + self.output(self.act(self.dense(x) - 0.2))


@pytest.mark.parametrize(("module", "kind"), KINDS)
def test_it_is_recorded_under_the_name_of_the_module_without_tracing(module, kind):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network, pictures = Encoder(module()).eval(), images()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        raster = sn.record(network, pictures, batch_size=16)
        chosen = sn.record(network, pictures, layers="act")
        channels = sn.record(network, pictures, unit="channel")
    (layer,) = raster.layers
    assert (layer.name, layer.kind, layer.shape) == ("act", kind, (8, 16))
    with torch.no_grad():
        given = network.dense(tensor(pictures).transpose(1, 2).flatten(2)) - 0.2
        expected = (network.act(given) > 0).numpy()
    np.testing.assert_array_equal(counts(raster, "act"), expected.sum(0).ravel())
    np.testing.assert_array_equal(chosen.to_dense(), raster.to_dense())
    np.testing.assert_array_equal(channels.to_dense()[:, 0], expected.any(1).T)


class Weighted(nn.Module):
    """A module without children, with weights, that calls functions."""

    def __init__(self, twice=False):
        super().__init__()
        self.weight, self.twice = nn.Parameter(torch.randn(6, 24)), twice

    def forward(self, x):
        if x.shape[0] < 1:
            raise ValueError
        x = F.relu(F.linear(x.transpose(1, 2).flatten(2), self.weight))
        return F.relu(x - 0.1) if self.twice else x * 2


def test_a_function_in_a_module_without_children_has_its_name():
    network, pictures = nn.Sequential(Weighted(), nn.Flatten()), images()
    raster = sn.record(network, pictures)
    assert [(x.name, x.kind) for x in raster.layers] == [("0", "relu")]
    assert sn.record(network, pictures, layers="0.relu").layers[0].kind == "relu"
    assert sn.record(network, pictures, layers="0").layers[0].kind == "Weighted"
    twice = nn.Sequential(Weighted(twice=True), nn.Flatten())
    with pytest.raises(RecordingError, match=r"applies 0:1 as a function"):
        sn.record(twice, pictures)
    raster = sn.record(twice, pictures, trace="assume")
    assert [x.name for x in raster.layers] == ["0", "0:1"]
