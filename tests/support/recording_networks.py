"""Networks with a trap each, and a plain hook to compare with."""

import functools
from collections import defaultdict

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


def images(n=70, channels=3, side=8, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, side, side, channels), dtype=np.uint8)


def tensor(pictures):
    return torch.tensor(pictures).permute(0, 3, 1, 2).float() / 255


def plain_counts(network, pictures, modules, threshold=0.0):
    """Spikes per node of modules, by the plainest hook there is: {name: [application, ...]}."""
    found = defaultdict(list)

    def hook(name, _module, _inputs, output):
        found[name].append(output.clone().flatten(1))

    handles = [
        network.get_submodule(name).register_forward_hook(functools.partial(hook, name))
        for name in modules
    ]
    modes = [(m, m.training) for m in network.modules()]
    network.eval()
    with torch.no_grad():
        network(tensor(pictures))
    for handle in handles:
        handle.remove()
    for module, mode in modes:
        module.training = mode
    return {name: [(x > threshold).sum(0).numpy() for x in xs] for name, xs in found.items()}


def counts(raster, layer):
    return raster.layer(layer).to_dense().sum((1, 2))


class InPlaceBlock(nn.Module):
    """In-place ReLU applied twice, the second time over a sum that is changed afterwards."""

    def __init__(self, channels=4):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        y = self.conv2(self.relu(self.bn1(self.conv1(x))))
        out = self.relu(y + x)
        kept = out * 1
        out.sub_(1000)
        return kept


class InPlace(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.block1 = InPlaceBlock()
        self.block2 = InPlaceBlock()
        self.dropout = nn.Dropout(0.5)
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        x = self.block2(self.block1(self.stem(x)))
        return self.head(self.dropout(x.mean((2, 3))))


class FunctionalBlock(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x):
        return F.relu(self.conv(F.gelu(x)) + x, inplace=True).sub_(0.5).relu()


class Mixed(nn.Module):
    """Modules and functions, in turn."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.act = nn.ReLU()
        self.block = FunctionalBlock()

    def forward(self, x):
        return torch.relu(self.block(self.act(self.stem(x))) - 0.2)


class Wandering(nn.Module):
    """A function in a network that torch.fx cannot trace."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x):
        x = self.conv(x)
        return F.relu(x) if x.sum() > -1e9 else x


class WanderingMixed(Wandering):
    def __init__(self):
        super().__init__()
        self.act = nn.ReLU()

    def forward(self, x):
        return super().forward(self.act(self.conv(x) * 2)[:, :3].repeat(1, 1, 1, 1))


class Repeating(nn.Module):
    """Applies a module as often as the data say."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.relu = nn.ReLU()

    def forward(self, x):
        y = self.relu(self.conv(x))
        return self.relu(y - 0.1) if x.mean() > 0.5 else y


class Shared(nn.Module):
    """One module under two names."""

    def __init__(self):
        super().__init__()
        self.first = nn.ReLU()
        self.second = self.first
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x):
        return self.second(self.conv(self.first(x - 0.5)))


class Tuples(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(24, 5, batch_first=True)
        self.relu = nn.ReLU()

    def forward(self, x):
        out, _ = self.lstm(x.transpose(1, 2).flatten(2))
        return self.relu(out)


class Squeezing(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 8)
        self.relu = nn.ReLU()

    def forward(self, x):
        return self.relu(self.conv(x).squeeze())


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(24, 2, 16, batch_first=True)

    def forward(self, x):
        return self.layer(x.transpose(1, 2).flatten(2))
