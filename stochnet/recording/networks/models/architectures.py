"""Networks for small images: 28 × 28 in gray, 32 × 32 in color, and sizes near these."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from torch import nn

from stochnet.recording.networks.models.resnet import resnet

Builder = Callable[[int, int, int, int], nn.Module]
"""Takes channels, height and width of the images and the number of classes."""

SMALLEST = 16
"""Pixels that images must have on each side."""


def _scaled(widths: Sequence[int], breadth: float) -> tuple[int, ...]:
    return tuple(max(1, round(breadth * width)) for width in widths)


def mlp(channels: int, height: int, width: int, n_classes: int) -> nn.Module:
    """Build two hidden layers of 512 units."""
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(channels * height * width, 512),
        nn.ReLU(),
        nn.Linear(512, 512),
        nn.ReLU(),
        nn.Linear(512, n_classes),
    )


def lenet(channels: int, height: int, width: int, n_classes: int) -> nn.Module:
    """Build LeNet-5 (LeCun et al. 1998) with ReLU and max pooling."""
    rows, columns = ((side // 2 - 4) // 2 for side in (height, width))
    return nn.Sequential(
        nn.Conv2d(channels, 6, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * rows * columns, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, n_classes),
    )


def alexnet(
    channels: int, height: int, width: int, n_classes: int, *, breadth: float = 1.0
) -> nn.Module:
    """Build AlexNet (Krizhevsky et al. 2012) with 3 × 3 kernels and hidden layers of 1,024.

    Every hidden layer has `breadth` times its channels or units.
    """
    c1, c2, c3, c4, units = _scaled((64, 192, 384, 256, 1024), breadth)
    return nn.Sequential(
        nn.Conv2d(channels, c1, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(c1, c2, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(c2, c3, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(c3, c4, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(c4, c4, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveMaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(),
        nn.Linear(c4 * 4, units),
        nn.ReLU(),
        nn.Dropout(),
        nn.Linear(units, units),
        nn.ReLU(),
        nn.Linear(units, n_classes),
    )


def vgg11(
    channels: int, height: int, width: int, n_classes: int, *, breadth: float = 1.0
) -> nn.Module:
    """Build VGG-11 (Simonyan & Zisserman 2015) with batch normalization and one linear layer.

    Every hidden layer has `breadth` times its channels.
    """
    layers: list[nn.Module] = []
    for widths in ((64,), (128,), (256, 256), (512, 512), (512, 512)):
        for out in _scaled(widths, breadth):
            layers += [
                nn.Conv2d(channels, out, 3, padding=1, bias=False),
                nn.BatchNorm2d(out),
                nn.ReLU(),
            ]
            channels = out
        layers.append(nn.MaxPool2d(2, ceil_mode=True))
    return nn.Sequential(
        *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, n_classes)
    )


def resnet18_small(
    channels: int, height: int, width: int, n_classes: int, *, breadth: float = 1.0
) -> nn.Module:
    """Build ResNet-18 (He et al. 2016) with a 3 × 3 stem and no pooling before the blocks.

    Every hidden layer has `breadth` times its channels.
    """
    widths = _scaled((64, 128, 256, 512), breadth)
    return resnet(channels, n_classes, widths=widths, blocks=2, project=True)


def resnet20(channels: int, height: int, width: int, n_classes: int) -> nn.Module:
    """Build the ResNet-20 for CIFAR (He et al. 2016), with shortcuts that have no weights."""
    return resnet(channels, n_classes, widths=(16, 32, 64), blocks=3, project=False)


ARCHITECTURES: Mapping[str, Builder] = MappingProxyType(
    {
        builder.__name__.replace("_", "-"): builder
        for builder in (mlp, lenet, alexnet, vgg11, resnet18_small, resnet20)
    }
)
"""stochnet's own networks by name."""
