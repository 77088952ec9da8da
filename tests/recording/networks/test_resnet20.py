"""A network that others trained: kept out where its weights are not there."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from stochnet.recording import load_dataset, load_network, record
from tests.support import ROOT
from tests.support.recording_networks import counts

SHARED = Path(os.environ.get("STOCHNET_SHARED", ROOT.parent / "shared"))
WEIGHTS = SHARED / "data/resnet20-cifar10/resnet20-12fca82f.th"
IMAGES = SHARED / "data/cifar10-subset/cifar10-subset.npz"
IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(
        not (WEIGHTS.is_file() and IMAGES.is_file()),
        reason=f"{WEIGHTS} or {IMAGES} is absent; set STOCHNET_SHARED",
    ),
]


@pytest.fixture(scope="module")
def test_images():
    return load_dataset(IMAGES, "test")


@pytest.fixture(scope="module")
def network(test_images):
    return load_network(
        "resnet20", WEIGHTS, image_shape=test_images.image_shape, n_classes=10
    ).model


def normalized(images):
    mean, std = (torch.tensor(v).reshape(1, 3, 1, 1) for v in IMAGENET)
    return (torch.tensor(images).permute(0, 3, 1, 2).float() / 255 - mean) / std


def test_its_accuracy_is_the_published_one(network, test_images):
    network.eval()
    with torch.no_grad():
        scores = torch.cat([network(normalized(x)) for x in np.split(test_images.images, 4)])
    right = (scores.argmax(1).numpy() == test_images.labels).mean()
    assert right == pytest.approx(0.915, abs=0.002)


def test_its_spikes_are_those_of_a_plain_hook(network, test_images):
    pictures = test_images.images[:150]
    seen = []
    handle = network.layer3[1].relu.register_forward_hook(
        lambda m, i, out: seen.append(out.clone())
    )
    with torch.no_grad():
        network.eval()
        stem = F.relu(network.bn1(network.conv1(normalized(pictures))))
        network(normalized(pictures))
    handle.remove()
    raster = record(network, pictures, test_images.labels[:150], normalize=IMAGENET, batch_size=150)
    assert len(raster.layers) == 19
    assert raster.n_nodes == 188_416
    np.testing.assert_array_equal(counts(raster, "relu"), (stem > 0).sum(0).flatten().numpy())
    for output, name in zip(seen, ("layer3.1.relu", "layer3.1.relu:1"), strict=True):
        np.testing.assert_array_equal(
            counts(raster, name), (output > 0).sum(0).flatten().numpy(), err_msg=name
        )
