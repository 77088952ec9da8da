"""What may be shown to a network: images, integers as they are, keywords; and what helps else."""

import numpy as np
import pytest
import torch
from torch import nn

import stochnet as sn
from stochnet.errors import FileFormatError, InvalidInputError
from stochnet.recording import load_dataset, train
from tests.support.recording_networks import images


class Words(nn.Module):
    """Keeps the token ids that it was shown."""

    def __init__(self):
        super().__init__()
        self.table, self.linear = nn.Embedding(768, 6), nn.Linear(6, 7)
        self.relu = nn.ReLU()
        self.shown, self.masks = [], []

    def forward(self, input_ids, attention_mask=None):
        self.shown.append(input_ids)
        self.masks.append(attention_mask)
        return self.relu(self.linear(self.table(input_ids.long())))


IDS = torch.arange(768).reshape(96, 8)


def shown(network):
    """The last batches that make up the whole data set."""
    seen = [x for x in network.shown if len(x) == 32]
    return torch.cat(seen[-3:])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
@pytest.mark.parametrize("kind", [torch.int64, torch.int32, torch.int16])
def test_integers_pass_as_they_are_whatever_the_network_computes_in(dtype, kind):
    network = Words().to(dtype)
    raster = sn.record(network, IDS.to(kind), batch_size=32)
    assert torch.equal(shown(network), IDS.to(kind))
    assert raster.layers[0].shape == (8, 7)
    assert raster.provenance["preprocessing"]["scale"] == "none"


def test_whole_numbers_that_would_be_changed_are_refused():
    assert (IDS.bfloat16().long() != IDS).sum() > 200
    with pytest.raises(InvalidInputError, match=r"bfloat16 cannot hold.*ids\.long\(\)"):
        sn.record(Words().bfloat16(), IDS.float())
    network = Words()
    sn.record(network, IDS.float(), batch_size=32)
    assert torch.equal(shown(network), IDS.float())
    # Images lose what the type cannot hold, as before.
    sn.record(nn.Sequential(nn.Flatten(), nn.ReLU()).bfloat16(), images())


def test_a_mapping_is_passed_as_keywords_and_nothing_in_it_is_scaled():
    network = Words().bfloat16()
    mask = (IDS % 3 > 0).to(torch.uint8)
    kinds = {"input_ids": IDS.numpy(), "attention_mask": mask}
    raster = sn.record(network, kinds, np.arange(96) % 2, batch_size=32)
    assert torch.equal(shown(network), IDS)
    assert torch.equal(torch.cat([x for x in network.masks if len(x) == 32][-3:]), mask)
    plain = sn.record(network, IDS, np.arange(96) % 2)
    np.testing.assert_array_equal(raster.to_dense(), plain.to_dense())
    assert raster.provenance["dataset_sha256"] != plain.provenance["dataset_sha256"]
    summary = sn.record_summary(network, kinds, window=8)
    assert summary.n_nodes == 56


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "keys are no names"),
        ({1: IDS}, "keys are no names"),
        ({"input_ids": IDS, "attention_mask": IDS[:5]}, "as many stimuli"),
        ({"input_ids": np.array(["a", "b"])}, "'input_ids' must be numbers"),
        ({"input_ids": torch.tensor(3)}, "'input_ids' must be numbers"),
        ({"input_ids": [[1], [1, 2]]}, "'input_ids' must have one shape"),
        ([np.zeros((3, 3)), np.zeros((4, 4))], "rows of one length"),
        ([np.zeros((3, 3)), torch.zeros(4, 4)], "rows of one length"),
        (IDS.numpy(), "are given as a torch tensor"),
        (images().transpose(0, 3, 1, 2), r"look like \(n, channel, .*transpose\(0, 2, 3, 1\)"),
        (images(channels=1).transpose(0, 3, 1, 2), "look like"),
        (None, "images must be given"),
        ("pictures", "a text: give a number"),
    ],
)
def test_messages_that_help(given, message):
    with pytest.raises(InvalidInputError, match=message) as caught:
        sn.record(Words(), given)
    assert "\n" not in str(caught.value)


def test_only_images_are_normalized_and_trained_on():
    for given in (IDS, {"input_ids": IDS}):
        with pytest.raises(InvalidInputError, match="normalize is for images"):
            sn.record(Words(), given, normalize=([0.5], [0.5]))
    with pytest.raises(InvalidInputError, match="not a mapping"):
        train(Words(), {"input_ids": IDS}, np.zeros(96, int), epochs=1)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.full(96, -1), r"96 of them are -1, which is no class: leave these stimuli out"),
        (np.r_[-1, np.zeros(95, int)], r"1 of them are -1"),
        (np.zeros((96, 1), int), r"shape \(96, 1\); give labels\.ravel\(\)"),
        (np.eye(96, dtype=int), r"one-hot, give labels\.argmax\(1\)"),
        (np.zeros(96), r"not float64; give labels\.astype\(int\)"),
        (np.full(96, 0.5), r"not float64$"),
        (["cat"] * 96, "whole numbers, got texts"),
        ([[1], [1, 2]], "rows of one length"),
    ],
)
def test_labels_that_cannot_be_used(labels, message):
    with pytest.raises(InvalidInputError, match=message):
        sn.record(Words(), IDS, labels)


@pytest.mark.parametrize(
    ("pictures", "labels", "message"),
    [
        (images(9).transpose(0, 3, 1, 2), np.zeros(9, int), "look like"),
        (images(9) / 255, np.zeros(9, int), r"0 to 1, so store \(images \* 255\)"),
        (images(9).astype("f4"), np.zeros(9, int), r"0 to 255, so store images\.round"),
        (images(9).astype("i8"), np.zeros(9, int), r"0 to 255, so store"),
        (images(9) / 255 - 0.5, np.zeros(9, int), r"span -0\.5 to 0\.5"),
        (images(9), np.full(9, -1), "which is no class"),
        (images(9), np.zeros((9, 1), int), r"labels\.ravel"),
        (images(9), np.zeros(9), r"labels\.astype"),
    ],
)
def test_files_that_cannot_be_used_say_what_to_do(pictures, labels, message, tmp_path):
    np.savez(tmp_path / "x.npz", images=pictures, labels=labels)
    with pytest.raises((FileFormatError, InvalidInputError), match=message):
        load_dataset(tmp_path / "x.npz")
