"""`unit="channel"`: which axis holds the channels is known, or the layer is refused."""

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import stochnet as sn
from stochnet.errors import InvalidInputError, RecordingError
from stochnet.recording.networks.probing.axes import follow_reshape
from stochnet.recording.networks.torchvision_compat import import_torchvision
from tests.support.recording_networks import images, tensor


def made(network, *args):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return network(*args).eval()


class Gated(nn.Module):
    """A convolution whose channels a linear squeeze-and-excitation gate weighs."""

    def __init__(self):
        super().__init__()
        self.conv, self.gate = nn.Conv2d(3, 5, 3), nn.Linear(5, 5)
        self.relu = nn.ReLU()

    def forward(self, x):
        x = self.conv(x) - 0.3
        return self.relu(x * self.gate(x.mean((2, 3))).sigmoid()[:, :, None, None])


class NormedTokens(nn.Module):
    """A linear layer, and batch normalisation of the flattened tokens."""

    def __init__(self):
        super().__init__()
        self.linear, self.norm, self.relu = nn.Linear(3, 7), nn.BatchNorm1d(7), nn.ReLU()

    def forward(self, x):
        x = self.linear(x.flatten(2).transpose(1, 2)) - 0.3
        return self.relu(self.norm(x.flatten(0, 1)).reshape(x.shape))


class ChannelsLast(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.linear, self.relu = nn.Conv2d(3, 4, 3), nn.Linear(4, 6), nn.ReLU()

    def forward(self, x):
        return self.relu(self.linear(self.conv(x).permute(0, 2, 3, 1)))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.relu = nn.LSTM(24, 6, batch_first=True), nn.ReLU()

    def forward(self, x):
        return self.relu(self.lstm(x.transpose(1, 2).flatten(2))[0])


class Attending(nn.Module):
    """Heads and their features are both channels."""

    def __init__(self):
        super().__init__()
        self.qkv, self.relu = nn.Linear(3, 24), nn.ReLU()

    def forward(self, x):
        parts = self.qkv(x.flatten(2).transpose(1, 2)).chunk(3, -1)
        q, k, v = (part.unflatten(-1, (2, 4)).transpose(1, 2) for part in parts)
        return self.relu(F.scaled_dot_product_attention(q, k, v))


class Shuffled(nn.Module):
    """Pixels from channels: the history of the axes ends here."""

    def __init__(self, rigid=False):
        super().__init__()
        self.conv, self.relu = nn.Conv2d(3, 8, 3, padding=1), nn.ReLU()
        self.head = nn.Linear(2 * 16 * 16, 3) if rigid else nn.Identity()

    def forward(self, x):
        b, _, rows, columns = x.shape
        parts = self.conv(x).view(b, 2, 2, 2, rows, columns).permute(0, 1, 4, 2, 5, 3)
        return self.head(self.relu(parts.reshape(b, 2, 2 * rows, 2 * columns)).flatten(1))


def layer_norm_2d():
    norm = import_torchvision().models.convnext.LayerNorm2d
    return nn.Sequential(nn.Conv2d(3, 5, 3), norm(5), nn.ReLU())


@pytest.mark.parametrize(
    ("network", "axis", "shape"),
    [
        (Gated, 1, (5,)),
        (layer_norm_2d, 1, (5,)),
        (NormedTokens, 2, (7,)),
        (ChannelsLast, 3, (6,)),
        (Recurrent, 2, (6,)),
        (lambda: nn.Sequential(nn.Conv2d(3, 5, 3), nn.Flatten(2), nn.Conv1d(5, 4, 3), nn.ReLU()),
         1, (4,)),
        (Attending, (1, 3), (2, 4)),
        (Shuffled, 1, (2,)),
    ],
    ids=["gate", "LayerNorm2d", "tokens", "last", "lstm", "conv1d", "heads", "pixels"],
)  # fmt: skip
def test_the_axis_is_that_of_the_channels(network, axis, shape):
    network, pictures = made(network), images()
    with torch.no_grad():
        outputs = []
        relu = [m for m in network.modules() if isinstance(m, nn.ReLU)][-1]
        handle = relu.register_forward_hook(lambda *a: outputs.append(a[2].clone()))
        network(tensor(pictures))
        handle.remove()
    others = tuple(set(range(1, outputs[0].ndim)) - set(np.ravel(axis).tolist()))
    raster = sn.record(network, pictures, unit="channel")
    assert raster.layers[-1].shape == shape
    expected = (outputs[0] > 0).amax(others).flatten(1).numpy().T
    np.testing.assert_array_equal(raster.to_dense()[-len(expected) :, 0], expected)
    assert 0 < expected.mean() < 1 or expected.all()


def test_what_is_not_known_is_refused_and_the_layers_are_named():
    with pytest.raises(RecordingError, match=r"'relu' \(2, 16, 16\).*channel_axis=1"):
        sn.record(made(Rigid), images(), unit="channel")


class Rigid(Shuffled):
    """Takes one size of images only, and pours rows into channels."""

    def __init__(self):
        super().__init__(rigid=True)

    def forward(self, x):
        assert x.shape[-1] == 8
        return super().forward(x)


@pytest.mark.parametrize("axis", [1, -3, {"relu": 1}, {"*": 1, "relu": 2}])
def test_the_user_says_the_axis(axis):
    network, pictures = made(Rigid), images()
    found = sn.record(network, pictures, unit="channel", channel_axis=axis)
    whole = sn.record(network, pictures).to_dense().reshape(2, 16, 16, -1)
    np.testing.assert_array_equal(found.to_dense()[:, 0], whole.any((1, 2)))


@pytest.mark.parametrize(
    ("axis", "message"),
    [
        (0, "has no axis 0 beside that of the stimuli"),
        (4, "has no axis 4"),
        ({"conv": 1}, "'conv' matches no layer that is recorded; these are relu"),
        ("1", "must be the number of an axis"),
        (True, "must be the number of an axis"),
        ({1: 1}, "must be the number of an axis"),
    ],
)
def test_an_axis_that_is_none_is_refused(axis, message):
    with pytest.raises(InvalidInputError, match=message):
        sn.record(made(Rigid), images(), unit="channel", channel_axis=axis)


@given(data=st.data())
def test_channels_are_followed_through_any_reshape(data):
    """Mark the channels by value, reshape, and look where the value still varies."""
    before = data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=4))
    axes = frozenset(data.draw(st.sets(st.integers(0, len(before) - 1), min_size=1)))
    factors = [f for side in before for f in _factors(side)]
    cuts = sorted(data.draw(st.sets(st.integers(0, len(factors)))) | {0, len(factors)})
    after = [int(np.prod(factors[a:b])) for a, b in itertools.pairwise(cuts)] or [1]
    found = follow_reshape(before, after, axes)
    if found is None:
        return
    channel = np.zeros(before, int)
    for axis in axes:
        shape = [1] * len(before)
        shape[axis] = before[axis]
        channel = channel * before[axis] + np.arange(before[axis]).reshape(shape)
    moved = channel.reshape(after)
    for axis, side in enumerate(after):
        varies = side > 1 and bool((np.diff(moved, axis=axis) != 0).any())
        assert varies == (axis in found and side > 1)


def _factors(side):
    return [p for p in (2, 3, 5) for _ in range(3) if side % p == 0 and (side := side // p)] or [1]
