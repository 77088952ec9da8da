"""Residual networks for small images."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn


class PaddedShortcut(nn.Module):
    """Every second row and column, with zeros for the channels that are new (option A)."""

    def __init__(self, channels: int, out: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.before = (out - channels) // 2
        self.after = out - channels - self.before

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return a (batch, channel, row, column) of fewer positions and more channels."""
        kept = images[:, :, :: self.stride, :: self.stride]
        padded: torch.Tensor = nn.functional.pad(kept, (0, 0, 0, 0, self.before, self.after))
        return padded


class BasicBlock(nn.Module):
    """Two convolutions and a shortcut; ``relu`` is applied twice."""

    def __init__(self, channels: int, out: int, stride: int, project: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, out, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.relu = nn.ReLU()
        self.shortcut: nn.Module = nn.Sequential()
        if stride != 1 or channels != out:
            self.shortcut = (
                nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))
                if project
                else PaddedShortcut(channels, out, stride)
            )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return (batch, channel, row, column)."""
        inner = self.relu(self.bn1(self.conv1(images)))
        outer: torch.Tensor = self.relu(self.bn2(self.conv2(inner)) + self.shortcut(images))
        return outer


class ResNet(nn.Module):
    """A stem, groups of blocks that halve the image, and a linear classifier."""

    def __init__(
        self, channels: int, n_classes: int, widths: Sequence[int], blocks: int, project: bool
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, widths[0], 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        self.relu = nn.ReLU()
        channels = widths[0]
        self.groups = []
        for number, width in enumerate(widths, start=1):
            stride = 1 if number == 1 else 2
            group = nn.Sequential(
                BasicBlock(channels, width, stride, project),
                *(BasicBlock(width, width, 1, project) for _ in range(blocks - 1)),
            )
            self.groups.append(f"layer{number}")
            self.add_module(self.groups[-1], group)
            channels = width
        self.linear = nn.Linear(channels, n_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return scores (batch, class)."""
        images = self.relu(self.bn1(self.conv1(images)))
        for name in self.groups:
            images = self.get_submodule(name)(images)
        scores: torch.Tensor = self.linear(images.mean((2, 3)))
        return scores


def resnet(
    channels: int, n_classes: int, *, widths: Sequence[int], blocks: int, project: bool
) -> nn.Module:
    """Build a residual network, its convolutions drawn as in He et al. 2015.

    Parameters
    ----------
    channels, n_classes : int
        Channels of the images, and number of classes.
    widths : sequence of int
        Channels of each group of blocks.
    blocks : int
        Blocks per group.
    project : bool
        Whether shortcuts between groups have weights of their own (option B) or none (option A).
    """
    network = ResNet(channels, n_classes, widths, blocks, project)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
    return network
