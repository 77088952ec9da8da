import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from stochnet.errors import RecordingError
from stochnet.recording import record
from tests.support import recording_networks as networks
from tests.support.recording_networks import counts, images, plain_counts, tensor


def make(network, seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return network()


def names(raster):
    return [layer.name for layer in raster.layers]


def hooks(network):
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in network.modules())


def test_in_place_relu_applied_twice_is_two_layers():
    network, pictures = make(networks.InPlace), images()
    plain = plain_counts(network, pictures, ["block1.relu", "block2.relu"])
    raster = record(network, pictures, batch_size=64)
    assert names(raster) == ["block1.relu", "block1.relu:1", "block2.relu", "block2.relu:1"]
    for block in ("block1", "block2"):
        first, second = plain[f"{block}.relu"]
        np.testing.assert_array_equal(counts(raster, f"{block}.relu"), first)
        np.testing.assert_array_equal(counts(raster, f"{block}.relu:1"), second)
        assert 0 < first.sum() < first.size * len(pictures)
    assert raster.layers[0].shape == (4, 8, 8)
    assert raster.schedule == "sequential"


def test_modes_running_statistics_and_hooks_are_as_before():
    network = make(networks.InPlace).train()
    network.block1.bn1.eval()
    modes = [m.training for m in network.modules()]
    state = {k: v.clone() for k, v in network.state_dict().items()}
    random = torch.get_rng_state()
    one, other = (record(network, images()).to_dense() for _ in range(2))
    np.testing.assert_array_equal(one, other)
    assert [m.training for m in network.modules()] == modes
    assert all(torch.equal(v, state[k]) for k, v in network.state_dict().items())
    assert torch.equal(random, torch.get_rng_state())
    assert hooks(network) == 0
    assert torch.is_grad_enabled()


def test_everything_is_as_before_after_an_error():
    network = make(networks.InPlace).train()
    network.block2.eval()
    modes = [m.training for m in network.modules()]
    with pytest.raises(RecordingError, match=r"fails on images of shape \(70, 1, 8, 8\)"):
        record(network, images(channels=1))
    assert [m.training for m in network.modules()] == modes
    assert hooks(network) == 0
    assert torch.is_grad_enabled()


def test_functions_are_found_beside_modules():
    network, pictures = make(networks.Mixed), images()
    with torch.no_grad():
        x = F.relu(network.stem(tensor(pictures)))
        expected = {"act": x}
        expected["block.gelu"] = F.gelu(x)
        expected["block.relu"] = F.relu(network.block.conv(F.gelu(x)) + x)
        expected["block.relu:1"] = F.relu(expected["block.relu"] - 0.5)
        expected["relu"] = F.relu(expected["block.relu:1"] - 0.2)
    raster = record(network, pictures)
    assert names(raster) == list(expected)
    for name, activation in expected.items():
        np.testing.assert_array_equal(
            counts(raster, name), (activation > 0).sum(0).flatten().numpy(), err_msg=name
        )
    assert raster.layers[1].kind == "gelu"


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("block.*relu*", ["block.relu", "block.relu:1"]),
        ("block.relu:1", ["block.relu:1"]),
        (["relu", "act"], ["act", "relu"]),
        ("stem", ["stem"]),
        (
            "*",
            [
                "stem",
                "act",
                "block.gelu",
                "block.conv",
                "block.relu",
                "block.relu:1",
                "block",
                "relu",
                "Mixed",
            ],
        ),
    ],
)
def test_patterns_choose_in_the_order_of_application(pattern, expected):
    network, pictures = make(networks.Mixed), images()
    raster = record(network, pictures, layers=pattern)
    assert names(raster) == expected
    whole = record(network, pictures)
    for name in set(names(raster)) & set(names(whole)):
        np.testing.assert_array_equal(counts(raster, name), counts(whole, name))


def test_a_pattern_for_one_application_of_a_module():
    network = make(networks.InPlace)
    whole, part = record(network, images()), record(network, images(), layers="block2.relu:1")
    assert names(part) == ["block2.relu:1"]
    np.testing.assert_array_equal(part.to_dense(), whole.layer("block2.relu:1").to_dense())


def test_other_modules_by_pattern_with_threshold():
    network, pictures = make(networks.InPlace), images()
    raster = record(network, pictures, layers="*.conv1", threshold=0.1)
    plain = plain_counts(network, pictures, ["block1.conv1"], threshold=0.1)
    np.testing.assert_array_equal(counts(raster, "block1.conv1"), plain["block1.conv1"][0])


def test_a_pattern_that_matches_nothing_lists_what_there_is():
    with pytest.raises(RecordingError, match=r"'nope\*' matches nothing.*block\.conv \(Conv2d\)"):
        record(make(networks.Mixed), images(), layers="nope*")
    with pytest.raises(RecordingError, match=r"no ReLU-like activation.*layers=PATTERN"):
        record(nn.Conv2d(3, 2, 3), images())


@pytest.mark.parametrize("network", [networks.Wandering, networks.WanderingMixed])
def test_a_function_in_a_network_that_cannot_be_traced(network):
    with pytest.raises(RecordingError, match=r"applies relu as a function.*nn\.ReLU modules"):
        record(make(network), images())


def test_modules_of_a_network_that_cannot_be_traced():
    network, pictures = make(networks.WanderingMixed), images()
    raster = record(network, pictures, layers="act")
    plain = plain_counts(network, pictures, ["act"])
    np.testing.assert_array_equal(counts(raster, "act"), plain["act"][0])


@pytest.mark.parametrize("bright_first", [True, False])
def test_a_network_that_does_not_always_do_the_same(bright_first, tmp_path):
    pictures = np.zeros((128, 8, 8, 3), np.uint8)
    pictures[:64] += np.uint8(255 * bright_first)
    pictures[64:] += np.uint8(255 * (not bright_first))
    target = tmp_path / "x.h5"
    with pytest.raises(RecordingError, match=r"'relu:1' is (not )?applied.*stimuli 64 to 127"):
        record(make(networks.Repeating), pictures, batch_size=64, path=target)
    assert list(tmp_path.iterdir()) == []
    assert names(record(make(networks.Repeating), pictures, batch_size=64, layers="conv"))


def test_a_module_under_two_names():
    network, pictures = make(networks.Shared), images()
    plain = plain_counts(network, pictures, ["first"])["first"]
    for layers, name in ((None, "first"), ("second", "second"), ("*ec*", "second")):
        raster = record(network, pictures, layers=layers)
        assert names(raster) == [name, f"{name}:1"]
        np.testing.assert_array_equal(counts(raster, name), plain[0])
        np.testing.assert_array_equal(counts(raster, f"{name}:1"), plain[1])


def test_the_first_of_several_outputs_is_recorded():
    network, pictures = make(networks.Tuples), images()
    raster = record(network, pictures, layers="*")
    np.testing.assert_array_equal(counts(raster, "lstm"), counts(raster, "relu"))


def test_a_layer_whose_first_axis_is_not_the_batch():
    class Turned(nn.Sequential):
        def forward(self, x):
            return self[0](x.transpose(0, 1))

    with pytest.raises(RecordingError, match=r"first axis must be the stimuli"):
        record(Turned(nn.ReLU()), images())


@pytest.mark.parametrize("n", [1, 2, 64, 65, 129])
def test_a_remainder_of_one(n):
    network, pictures = make(networks.Squeezing), images(n)
    if n == 1:
        with pytest.raises(RecordingError, match="first axis"):
            record(network, pictures, batch_size=64)
        return
    raster = record(network, pictures, batch_size=64)
    np.testing.assert_array_equal(
        counts(raster, "relu"), plain_counts(network, pictures, ["relu"])["relu"][0]
    )


def test_wrappers_do_not_show_in_the_names():
    network, pictures = make(networks.InPlace), images()
    expected = record(network, pictures)
    for wrapped in (nn.DataParallel(network), torch.compile(network)):
        raster = record(wrapped, pictures)
        assert names(raster) == names(expected)
        np.testing.assert_array_equal(raster.to_dense(), expected.to_dense())


def test_torchscript_cannot_be_seen_into():
    with pytest.warns(DeprecationWarning, match=r"torch\.jit"):
        traced = torch.jit.trace(make(networks.InPlace).eval(), torch.zeros(2, 3, 8, 8))
    with pytest.raises(RecordingError, match="TorchScript"):
        record(traced, images())


def test_the_fused_path_of_transformers_is_not_taken():
    network, pictures = make(networks.Transformer), images()
    fused = torch.backends.mha.get_fastpath_enabled()
    raster = record(network, pictures)
    assert names(raster) == ["layer.relu"]
    assert raster.layers[0].shape == (8, 16)
    assert 0 < raster.to_dense().mean() < 1
    assert torch.backends.mha.get_fastpath_enabled() == fused
    channels = record(network, pictures, unit="channel")
    assert channels.layers[0].shape == (16,)
    dense = raster.to_dense().reshape(8, 16, 1, -1)
    np.testing.assert_array_equal(channels.to_dense(), dense.any(0))


def test_every_relu_like_module_is_recorded():
    from stochnet.recording.networks.activations import FUNCTIONS, RELU_LIKE

    class All(nn.Module):
        def __init__(self):
            super().__init__()
            self.acts = nn.ModuleList(
                kind(0.1, 0.0) if kind is nn.Threshold else kind() for kind in RELU_LIKE
            )

        def forward(self, x):
            return [act(x - 0.5) for act in self.acts]

    assert [x.kind for x in record(All(), images()).layers] == [k.__name__ for k in RELU_LIKE]
    assert {"relu", "gelu", "leaky_relu"} <= set(FUNCTIONS.values())
