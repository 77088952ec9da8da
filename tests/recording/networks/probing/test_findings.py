"""Layers that do not go by stimulus, and recordings that are no function of the stimulus."""

import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import stochnet as sn
from stochnet.errors import RecordingError, RecordingWarning
from stochnet.recording.networks.torchvision_compat import import_torchvision
from tests.support.recording_networks import counts, images, tensor

N = 70


def made(network, *args):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        return network(*args).eval()


def names(raster):
    return [layer.name for layer in raster.layers]


class Tables(nn.Module):
    """Activations of weights, of which one has as many rows as there are stimuli."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.table, self.five = (nn.Parameter(torch.randn(n, 4)) for n in (N, 5))
        self.relu, self.gate, self.spread = nn.ReLU(), nn.ReLU(), nn.ReLU()

    def forward(self, x):
        y = self.relu(self.conv(x)).mean((2, 3))
        constant = self.gate(self.table).mean(0) + self.gate(self.five).mean(0)
        return y * constant + self.spread(self.five[:1].expand(x.shape[0], 4))


class SequenceFirst(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear, self.relu, self.last = nn.Linear(24, 6), nn.ReLU(), nn.ReLU()

    def forward(self, x):
        steps = x.transpose(1, 2).flatten(2).transpose(0, 1)
        return self.last(self.relu(self.linear(steps)).transpose(0, 1))


class Similarities(nn.Module):
    """Every stimulus with every other: as many nodes as there are stimuli in the batch."""

    def __init__(self):
        super().__init__()
        self.relu, self.pairs = nn.ReLU(), nn.ReLU()

    def forward(self, x):
        y = self.relu(x.flatten(1) - 0.5)
        return self.pairs(y @ y.T)


@pytest.mark.parametrize(
    ("network", "batch_size", "kept", "left", "reason"),
    [
        (Tables, 256, ["relu"], "gate", r"gate \(its shape is \(70, 4\) for 5 stimuli"),
        (
            Tables,
            5,
            ["relu"],
            "gate:1",
            r"gate:1 \(its shape is \(5, 4\) for 5 stimuli and \(5, 4\) for 3",
        ),
        (Tables, 256, ["relu"], "spread", r"spread \(it does not depend on the stimuli\)"),
        (SequenceFirst, 8, ["last"], "relu", r"relu \(its shape is \(8, 5, 6\)"),
        (
            Similarities,
            256,
            ["relu"],
            "pairs",
            r"pairs \(its shape is \(5, 5\) for 5 stimuli and \(3, 3\)",
        ),
    ],
)
def test_what_does_not_follow_the_batch_is_left_out(network, batch_size, kept, left, reason):
    network, pictures = made(network), images(N)
    with pytest.warns(RecordingWarning, match="left out, .*" + reason):
        raster = sn.record(network, pictures, batch_size=batch_size)
    assert names(raster) == kept
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = sn.record(network, pictures, layers=kept, batch_size=7)
    np.testing.assert_array_equal(again.to_dense(), raster.to_dense())
    assert left in raster.provenance["left_out"]
    with pytest.raises(RecordingError, match=r"first axis must be the stimuli"):
        sn.record(network, pictures, layers=left, batch_size=batch_size)
    with pytest.raises(RecordingError, match=r"left out.*strict=True"):
        sn.record(network, pictures, batch_size=batch_size, strict=True)


def test_layers_can_be_left_out_by_name():
    network, pictures = made(Tables), images(N)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        raster = sn.record(network, pictures, layers=["!gate*", "!spread"], strict=True)
        every = sn.record(network, pictures, layers=["*", "!gate*", "!spread", "!Tables"])
    assert names(raster) == ["relu"]
    assert names(every) == ["conv", "relu"]
    assert raster.provenance["layer_selection"] == ["ReLU-like", "!gate*", "!spread"]
    with pytest.raises(RecordingError, match=r"'\*', '!\*' matches nothing"):
        sn.record(network, pictures, layers=["*", "!*"])


def test_swin_v2_records_by_default():
    torchvision = import_torchvision()
    network = made(
        lambda: torchvision.models.SwinTransformer(
            [2, 2], 12, [1, 1], [2, 2], [4, 4], num_classes=3,
            block=torchvision.models.swin_transformer.SwinTransformerBlockV2,
            downsample_layer=torchvision.models.swin_transformer.PatchMergingV2,
        )
    )  # fmt: skip
    pictures = images(12, side=16)
    with pytest.warns(RecordingWarning, match=r"cpb_mlp\.1.*its shape is \(1, 7, 7, 512\)"):
        raster = sn.record(network, pictures, unit="channel")
    assert [(layer.kind, layer.shape) for layer in raster.layers] == [
        ("GELU", (48,)),
        ("GELU", (96,)),
    ]
    assert names(sn.record(network, pictures, layers=["*.mlp.1", "!*.cpb_mlp*"]))


class Folded(nn.Module):
    """Tokens folded into the batch: stimuli outermost, or innermost."""

    def __init__(self, outermost=True):
        super().__init__()
        self.linear, self.relu, self.whole = nn.Linear(24, 6), nn.ReLU(), nn.ReLU()
        self.outermost = outermost

    def forward(self, x):
        tokens = self.linear(x.transpose(1, 2).flatten(2))
        self.whole(tokens)
        return self.relu((tokens if self.outermost else tokens.transpose(0, 1)).flatten(0, 1))


@pytest.mark.parametrize("unit", ["position", "channel"])
def test_a_folded_batch_is_unfolded(unit):
    raster = sn.record(made(Folded), images(N), unit=unit, batch_size=9)
    whole, folded = raster.layers
    assert folded.shape == whole.shape == ((8, 6) if unit == "position" else (6,))
    np.testing.assert_array_equal(raster.layer("relu").to_dense(), raster.layer("whole").to_dense())


def test_a_batch_that_is_folded_the_other_way_is_left_out():
    with pytest.warns(RecordingWarning, match="the stimuli are not outermost"):
        raster = sn.record(made(Folded, False), images(N))
    assert names(raster) == ["whole"]


class Changing(nn.Module):
    """A convolution and a ReLU, and something in between."""

    def __init__(self, step):
        super().__init__()
        self.conv, self.relu, self.step = nn.Conv2d(3, 4, 3), nn.ReLU(), step

    def forward(self, x):
        return self.relu(self.step(self, self.conv(x)))


class Remembering(nn.Module):
    """Follows the mean of what it has seen, in evaluation mode too."""

    def __init__(self):
        super().__init__()
        self.conv, self.relu = nn.Conv2d(3, 4, 3), nn.ReLU()
        self.register_buffer("mean", torch.zeros(4))
        self.register_buffer("calls", torch.tensor(0), persistent=False)

    def forward(self, x):
        x = self.conv(x)
        self.calls += 1
        self.mean = 0.9 * self.mean + 0.1 * x.mean((0, 2, 3))
        return self.relu(x - self.mean[:, None, None])


def counting(network, x):
    network.seen = getattr(network, "seen", 0) + 1
    return x - 0.01 * network.seen


@pytest.mark.parametrize(
    ("network", "message", "fact"),
    [
        (lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, track_running_stats=False),
                               nn.ReLU()),
         "shown in another batch: 2;", "depends_on_batch"),
        (lambda: Changing(lambda _, x: x - x.mean(0)), "another batch: relu;", "depends_on_batch"),
        (lambda: Changing(lambda _, x: F.dropout(x)), "shown again: relu;",
         "differs_when_repeated"),
        (lambda: Changing(lambda _, x: x + 1e-4 * torch.randn_like(x)), "shown again: relu;",
         "differs_when_repeated"),
        (lambda: Changing(counting), "shown again: relu;", "differs_when_repeated"),
        (Remembering, "changes in evaluation mode: mean, calls", "buffers_changed_in_eval"),
    ],
    ids=["batch norm", "mean", "dropout", "noise", "count", "buffers"],
)  # fmt: skip
def test_what_is_no_function_of_the_stimulus_is_said(network, message, fact):
    network, pictures = made(network), images(N)
    state = torch.get_rng_state()
    with pytest.warns(RecordingWarning, match=message):
        raster = sn.record(network, pictures)
    assert raster.provenance[fact]
    before = torch.get_rng_state()
    with pytest.raises(RecordingError, match=message + r".*strict=True, --strict"):
        sn.record(network, pictures, strict=True)
    assert torch.equal(torch.get_rng_state(), before)
    torch.set_rng_state(state)


def test_buffers_are_put_back_before_every_batch_and_at_the_end():
    network, pictures = made(Remembering), images(N)
    kept = network.mean
    with pytest.warns(RecordingWarning):
        raster = sn.record(network, pictures, batch_size=10)
    assert network.mean is kept
    assert not network.mean.any()
    assert network.calls == 0
    alone = [made(Remembering) for _ in range(7)]
    expected = sum(
        (one(tensor(pictures[10 * k : 10 * k + 10])) > 0).sum(0) for k, one in enumerate(alone)
    )
    np.testing.assert_array_equal(counts(raster, "relu"), expected.flatten().numpy())


class Learning(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear, self.relu = nn.Linear(192, 4), nn.ReLU()

    def forward(self, x):
        self.linear.bias += x.mean()
        return self.relu(self.linear(x.flatten(1)))


def test_a_network_that_changes_its_weights_is_refused():
    with pytest.raises(RecordingError, match=r"changes its weights.*linear\.bias"):
        sn.record(made(Learning), images(N))


class OneSize(nn.Module):
    def __init__(self):
        super().__init__()
        self.relu = nn.ReLU()

    def forward(self, x):
        return self.relu(x.view(35, 192) - 0.5)


def test_a_network_for_batches_of_one_size():
    with pytest.warns(RecordingWarning, match=r"takes batches of 35 stimuli and of no other"):
        raster = sn.record(made(OneSize), images(N), batch_size=35)
    expected = (tensor(images(N)).reshape(N, 192) > 0.5).sum(0)
    np.testing.assert_array_equal(counts(raster, "relu"), expected.numpy())


def test_a_sound_network_is_recorded_without_a_word():
    network = made(
        lambda: nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(), nn.Flatten(),
            nn.Linear(144, 9), nn.GELU(),
        )
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for dtype in (torch.float32, torch.bfloat16, torch.float64):
            raster = sn.record(network.to(dtype), images(N), strict=True)
    assert not {"left_out", "not_recorded", "depends_on_batch"} & set(raster.provenance)
