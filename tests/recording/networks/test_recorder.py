import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
import torch
from torch import nn

import stochnet as sn
from stochnet.errors import InvalidInputError, RecordingError
from stochnet.recording import record
from stochnet.recording.networks import thresholds as thresholds_module
from stochnet.recording.networks.inputs.images import batches
from stochnet.storage import raster_digest
from tests.support import ROOT
from tests.support import recording_networks as networks
from tests.support.recording_networks import counts, images, tensor


def conv(dtype=torch.float32):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU()).to(dtype)


@pytest.mark.parametrize("batch_size", [1, 7, 64, 100, 1000])
def test_memory_is_bounded_and_nothing_depends_on_it(batch_size, tmp_path):
    network, pictures = conv(), images(333)
    labels = np.arange(333) % 10
    whole = record(network, pictures, labels, batch_size=333)
    streamed = record(
        network, pictures, labels, batch_size=batch_size, buffer_bytes=1, path=tmp_path / "r.h5"
    )
    assert raster_digest(streamed) == raster_digest(whole)
    assert raster_digest(sn.read_raster(tmp_path / "r.h5")) == raster_digest(whole)
    assert [p.name for p in tmp_path.iterdir()] == ["r.h5"]
    small = record(network, pictures, labels, batch_size=batch_size, buffer_bytes=180 * 8 * 4)
    assert raster_digest(small) == raster_digest(whole)
    np.testing.assert_array_equal(whole.conditions, labels[None])
    np.testing.assert_array_equal(whole.stimuli, np.arange(333)[None])
    assert whole.training_labels is None


def test_batches_cover_everything_and_end_in_more_than_one():
    for n in range(1, 40):
        for size in range(1, 12):
            cut = list(batches(n, size))
            assert [x for a, b in cut for x in range(a, b)] == list(range(n))
            assert all(b - a <= size for a, b in cut)
            assert size < 3 or n == 1 or cut[-1][1] - cut[-1][0] > 1


def test_kinds_of_images_are_the_same_pictures():
    network, pictures = conv(), images()
    expected = record(network, pictures).to_dense()
    floats = tensor(pictures)
    for same in (
        floats,
        floats.numpy(),
        floats.numpy().astype(np.float64),
        torch.tensor(pictures).permute(0, 3, 1, 2),
    ):
        np.testing.assert_array_equal(record(network, same).to_dense(), expected)
    pictures.flags.writeable = False
    np.testing.assert_array_equal(record(network, pictures).to_dense(), expected)
    gray = nn.Sequential(nn.Flatten(), nn.ReLU())
    assert record(gray, pictures[..., 0]).shape == (64, 1, 70)


def test_normalization_is_done_and_recorded():
    network, pictures = conv(), images()
    mean, std = [0.4, 0.5, 0.6], [0.2, 0.3, 0.4]
    raster = record(network, pictures, normalize=(mean, std))
    shape = (1, 3, 1, 1)
    by_hand = (tensor(pictures) - torch.tensor(mean).reshape(shape)) / torch.tensor(std).reshape(
        shape
    )
    np.testing.assert_array_equal(raster.to_dense(), record(network, by_hand).to_dense())
    assert raster.provenance["preprocessing"]["mean"] == mean
    other = record(network, pictures)
    assert other.provenance["preprocessing_sha256"] != raster.provenance["preprocessing_sha256"]
    with pytest.raises(InvalidInputError, match="3 channel"):
        record(network, pictures, normalize=([0.5, 0.5], [1, 1]))
    with pytest.raises(InvalidInputError, match="positive"):
        record(network, pictures, normalize=(0.5, 0.0))


def test_provenance_says_what_was_recorded(tmp_path):
    network, pictures = conv(), images()

    def recorded(**options):
        return record(network, pictures, path=tmp_path / "p.h5", **options).provenance

    one = recorded(labels=np.zeros(70, int), layers="1", provenance={"dataset": "toy"})
    assert one["dataset"] == "toy"
    assert one["layer_selection"] == ["1"]
    assert (one["mode"], one["threshold"], one["unit"]) == ("eval", 0.0, "position")
    assert one["dataset_sha256"] != recorded(labels=np.ones(70, int))["dataset_sha256"]
    with torch.no_grad():
        network[0].bias[0] += 1
    assert recorded()["weights_sha256"] != one["weights_sha256"]
    assert all(len(one[f"{what}_sha256"]) == 64 for what in ("weights", "dataset", "preprocessing"))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
@pytest.mark.parametrize("threshold", [0.0, 0.1])
def test_other_floating_types(dtype, threshold):
    network, pictures = conv(dtype), images()
    with torch.no_grad():
        activation = network(tensor(pictures).to(dtype))
    expected = (activation > threshold).sum(0).flatten().numpy()
    raster = record(network, pictures, threshold=threshold)
    np.testing.assert_array_equal(counts(raster, "1"), expected)


@pytest.mark.parametrize("rule", ["any", "mean"])
def test_channels(rule):
    network, pictures = conv(), images()
    with torch.no_grad():
        activation = network(tensor(pictures))
    value = activation.amax((2, 3)) if rule == "any" else activation.mean((2, 3))
    raster = record(network, pictures, unit="channel", channel_rule=rule, threshold=0.2)
    assert raster.layers[0].shape == (5,)
    np.testing.assert_array_equal(raster.to_dense()[:, 0], (value > 0.2).numpy().T)
    flat = nn.Sequential(nn.Flatten(), nn.Linear(192, 6), nn.ReLU())
    np.testing.assert_array_equal(
        record(flat, pictures, unit="channel", channel_rule=rule).to_dense(),
        record(flat, pictures).to_dense(),
    )


def test_the_way_over_another_device_gives_the_same_bits(monkeypatch):
    network, pictures = networks.InPlace(), images(130)
    expected = record(network, pictures)
    from stochnet.recording.networks import collector

    class Elsewhere:
        type = "elsewhere"

    original = thresholds_module.Rule.nodes

    class Far(torch.Tensor):
        @property
        def device(self):
            return Elsewhere()

    monkeypatch.setattr(thresholds_module.Rule, "nodes", lambda *a: original(*a).as_subclass(Far))
    monkeypatch.setattr(
        collector,
        "pack_nodes",
        lambda spikes: thresholds_module.pack_nodes(spikes.as_subclass(torch.Tensor)),
    )
    raster = record(network, pictures, batch_size=50)
    assert raster_digest(raster) == raster_digest(expected)
    with torch.no_grad():
        network.stem.bias[2] = np.nan
    with pytest.raises(RecordingError, match=r"'block1\.relu' has NaN"):
        record(network, pictures)


class Poisoned(nn.Module):
    """Makes NaN of the one white picture."""

    def __init__(self, dtype):
        super().__init__()
        self.weight = nn.Parameter(torch.ones((), dtype=dtype))
        self.relu = nn.ReLU()

    def forward(self, x):
        x = x * self.weight
        return self.relu(torch.where(x.amin((1, 2, 3), keepdim=True) == 1, np.nan, x))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("unit", ["position", "channel"])
def test_nan_is_refused_by_layer_and_stimulus(dtype, unit, tmp_path):
    pictures = images(200)
    pictures[137] = pictures[150] = 255
    with pytest.raises(RecordingError, match="'relu' has NaN activations, first for stimulus 137"):
        record(Poisoned(dtype), pictures, batch_size=64, unit=unit, path=tmp_path / "x.h5")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"images": images()[:0]}, "data set is empty"),
        ({"images": images().astype(np.int64)}, "not int64"),
        ({"images": np.zeros(3)}, "images must have shape"),
        ({"labels": np.zeros(69, int)}, "each of the 70 images"),
        ({"labels": np.full(70, -1)}, "lie in 0 to 32767"),
        ({"labels": np.zeros(70)}, "must be integers, not float64"),
        ({"training_labels": np.zeros(7, int)}, "training_labels must be"),
        ({"stimuli": np.zeros(7, int)}, "stimuli must be"),
        ({"threshold": np.nan}, "finite"),
        ({"unit": "row"}, "unit must be one of"),
        ({"channel_rule": "max"}, "channel_rule must be one of"),
        ({"batch_size": 0}, "batch_size"),
        ({"layers": []}, "layers must be a glob"),
        ({"device": "gpu"}, "device 'gpu' is unknown"),
        ({"path": "no/such/folder/x.h5"}, "folder"),
    ],
)
def test_bad_input_is_one_clear_line_and_no_file(options, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = {"images": images(), "path": "x.h5", **options}
    with pytest.raises(InvalidInputError, match=message) as caught:
        record(conv(), **arguments)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_cuda_device(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InvalidInputError, match="finds no CUDA device"):
        record(conv(), images(), device="cuda")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
def test_on_a_cuda_device_nearly_the_same_and_back():
    network, pictures = networks.InPlace(), images(333)
    cpu = record(network, pictures)
    gpu = record(network, pictures, device="cuda", batch_size=100)
    assert next(network.parameters()).device.type == "cpu"
    assert (cpu.to_dense() != gpu.to_dense()).mean() < 1e-3


def test_progress_and_training_labels():
    seen = []
    raster = record(
        conv(),
        images(130),
        training_labels=np.ones(130, int),
        stimuli=range(9, 139),
        batch_size=64,
        progress=lambda *a: seen.append(a),
    )
    assert seen == [("record", 64, 130), ("record", 128, 130), ("record", 130, 130)]
    assert (raster.training_labels == 1).all()
    assert raster.stimuli[0, 0] == 9


@pytest.mark.parametrize("writes", [1, 3])
def test_a_killed_recording_leaves_no_file(writes, tmp_path):
    """kill -9 while words are being streamed; the next recording removes what is left."""
    target, flag = tmp_path / "r.h5", tmp_path / "flag"
    code = f"""
        import time, numpy as np
        from torch import nn
        from stochnet.recording import record
        def progress(what, done, n):
            if done >= {writes} * 64:
                open({str(flag)!r}, "w").close()
                time.sleep(60)
        record(nn.Sequential(nn.Flatten(), nn.ReLU()), np.zeros((640, 8, 8), np.uint8),
               batch_size=64, buffer_bytes=1, path={str(target)!r}, progress=progress)
    """
    root = ROOT
    environment = {**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], env=environment)
    try:
        deadline = time.monotonic() + 60
        while not flag.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        assert flag.exists()
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    flag.unlink()
    assert not target.exists()
    assert all(p.suffix in (".part", ".journal") for p in tmp_path.iterdir())
    network = nn.Sequential(nn.Flatten(), nn.ReLU())
    record(network, np.zeros((640, 8, 8), np.uint8), path=target)
    assert [p.name for p in tmp_path.iterdir()] == ["r.h5"]
