import subprocess
import sys
import textwrap

import numpy as np
import pytest

from stochnet.recording import build_model, record
from stochnet.recording.networks.torchvision_compat import import_torchvision
from tests.support import ROOT
from tests.support.recording_networks import counts, images, plain_counts


def run(code):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )


def test_models_and_data_sets_are_there():
    package = import_torchvision()
    assert package is import_torchvision()
    assert package.datasets.MNIST
    assert "resnet18" in package.models.list_models()


def test_the_operators_are_declared_only_for_the_error_they_cause():
    done = run("""
        import importlib, types
        import torch
        from stochnet.recording.networks import torchvision_compat as compat
        calls = []
        def works(name): calls.append(name); return types.ModuleType(name)
        compat.importlib = types.SimpleNamespace(import_module=works)
        compat.import_torchvision()
        assert not compat._libraries and not hasattr(torch.ops.torchvision, "nms")
        def other(name): raise RuntimeError("something else")
        compat.importlib = types.SimpleNamespace(import_module=other)
        try:
            compat.import_torchvision()
        except RuntimeError as error:
            assert str(error) == "something else"
        else:
            raise SystemExit("the error was hidden")
        assert not compat._libraries
        failures = ["operator torchvision::nms does not exist"]
        def once(name):
            if failures: raise RuntimeError(failures.pop())
            return types.ModuleType(name)
        compat.importlib = types.SimpleNamespace(import_module=once)
        compat.import_torchvision()
        for name in ("nms", "qnms"):
            schema = str(getattr(torch.ops.torchvision, name).default._schema)
            assert "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor" in schema, schema
    """)
    assert done.returncode == 0, done.stderr


def test_importing_recording_leaves_torchvision_alone():
    done = run("import sys, stochnet.recording; assert 'torchvision' not in sys.modules")
    assert done.returncode == 0, done.stderr


def test_a_torchvision_network_against_a_plain_hook():
    network = build_model("resnet18", (3, 64, 64), 10, seed=1)
    pictures = images(20, side=64)
    raster = record(network, pictures, batch_size=20)
    names = [layer.name for layer in raster.layers]
    assert len(names) == 17
    assert names[:3] == ["relu", "layer1.0.relu", "layer1.0.relu:1"]
    plain = plain_counts(network, pictures, ["relu", "layer2.1.relu"])
    np.testing.assert_array_equal(counts(raster, "relu"), plain["relu"][0])
    for k, name in enumerate(("layer2.1.relu", "layer2.1.relu:1")):
        np.testing.assert_array_equal(counts(raster, name), plain["layer2.1.relu"][k])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["densenet121", "mobilenet_v3_small", "convnext_tiny"])
def test_functions_and_other_activations_of_torchvision(name):
    network = build_model(name, (3, 64, 64), 10)
    raster = record(network, images(4, side=64), unit="channel")
    kinds = {layer.kind for layer in raster.layers}
    expected = {
        "densenet121": {"ReLU", "relu"},
        "mobilenet_v3_small": {"ReLU", "Hardswish"},
        "convnext_tiny": {"GELU"},
    }[name]
    assert kinds == expected
    if name == "convnext_tiny":
        # Its activations are (batch, row, column, channel) after a linear layer.
        assert raster.layers[0].shape == (384,)
