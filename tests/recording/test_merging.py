"""Recordings that are made in shards: merged they are the recording that was not divided."""

from __future__ import annotations

import copy
import shutil

import numpy as np
import pytest
import torch
from torch import nn

import stochnet as sn
from stochnet.errors import FileFormatError, InvalidInputError, RecordingError
from stochnet.recording import record
from stochnet.recording.networks.shards import cut_share
from stochnet.storage import raster_digest
from tests.support.commands import run
from tests.support.recording_networks import images

N = 333


@pytest.fixture(scope="module")
def network():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return nn.Sequential(
            nn.Conv2d(3, 5, 3), nn.ReLU(), nn.Flatten(), nn.Linear(180, 7), nn.ReLU()
        )


def options(n=N):
    """Labels, training labels that lack some, and numbers that are no 0, 1, 2, …"""
    return {
        "labels": np.arange(n) % 10,
        "training_labels": np.arange(n) % 7 - 1,
        "stimuli": 1000 + 3 * np.arange(n),
    }


def shards(network, folder, of, **more):
    paths = [folder / f"{k}.h5" for k in range(1, of + 1)]
    for k, path in enumerate(paths):
        record(network, images(N), **{**options(), **more}, shard=(k + 1, of), path=path)
    return paths


def test_shares_cover_all_stimuli_in_whole_words():
    for n in (1, 63, 64, 65, 333, 1000, 6400):
        for of in range(1, min(12, -(-n // 64)) + 1):
            cut = [cut_share(n, (k, of)) for k in range(1, of + 1)]
            assert [x for one in cut for x in range(one.start, one.stop)] == list(range(n))
            assert all(one.start % 64 == 0 and len(one) > 0 for one in cut)
            assert max(map(len, cut)) - min(map(len, cut)) <= 127


def test_every_batch_of_a_shard_is_one_of_the_whole_recording():
    for batch_size in (1, 7, 64, 100, 500):
        whole = list(cut_share(N, None).batches(batch_size))
        for k in range(1, 5):
            share = cut_share(N, (k, 4))
            mine = list(share.batches(batch_size))
            assert set(mine) <= set(whole)
            assert mine[0][0] <= share.start < mine[0][1]
            assert mine[-1][0] < share.stop <= mine[-1][1]


@pytest.mark.parametrize("of", [1, 2, 5, 6])
@pytest.mark.parametrize("more", [{}, {"batch_size": 50, "buffer_bytes": 1}, {"unit": "channel"}])
def test_merged_shards_have_the_digest_of_the_whole(of, more, network, tmp_path):
    whole = record(network, images(N), **options(), **more)
    paths = shards(network, tmp_path, of, **more)
    merged = sn.merge(paths[::-1], tmp_path / "merged.h5")
    assert sn.verify(tmp_path / "merged.h5")[0] == raster_digest(whole)
    for name in ("conditions", "training_labels", "stimuli"):
        np.testing.assert_array_equal(getattr(merged, name), getattr(whole, name))
    assert merged.layers == whole.layers
    assert "shard" not in merged.provenance
    assert len(merged.provenance["shards"]) == of
    for name in ("weights_sha256", "dataset_sha256", "threshold", "layer_selection", "mode"):
        assert merged.provenance[name] == whole.provenance[name]


def test_blocks_of_the_merge_do_not_matter(network, tmp_path, request):
    paths = shards(network, tmp_path, 3)
    expected = raster_digest(sn.merge(paths, tmp_path / "a.h5"))
    request.getfixturevalue("tiny_blocks")
    said = []
    merged = sn.merge(paths, tmp_path / "b.h5", progress=lambda *words: said.append(words))
    assert raster_digest(merged) == expected
    assert said[-1] == ("merge", 187, 187)


def test_without_labels_there_are_none(network, tmp_path):
    paths = shards(network, tmp_path, 2, labels=None, training_labels=None, stimuli=None)
    merged = sn.merge(paths, tmp_path / "m.h5")
    assert merged.conditions is None
    assert merged.training_labels is None
    np.testing.assert_array_equal(merged.stimuli, np.arange(N)[None])


def test_a_shard_says_what_it_is(network, tmp_path):
    path = shards(network, tmp_path, 3)[1]
    shard = sn.read_raster(path)
    assert shard.provenance["shard"] == {
        "index": 2, "of": 3, "first_stimulus": 128, "n_stimuli": N,
    }  # fmt: skip
    np.testing.assert_array_equal(shard.stimuli[0], 1000 + 3 * np.arange(128, 256))


@pytest.mark.parametrize(
    ("shard", "says"),
    [
        ((0, 3), "a whole number of at least 1"),
        ((4, 3), "from 1 to 3"),
        ((1, 7), "at most 6 shards"),
    ],
)
def test_shards_that_cannot_be_are_refused(shard, says, network):
    with pytest.raises(InvalidInputError, match=says):
        record(network, images(N), shard=shard)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda p: p[:2], r"shard 3 of 3 is missing.*--shard 3/3"),
        (lambda p: [p[0]], r"shard 2, 3 of 3 is missing"),
        (lambda p: [*p, p[1]], r"2\.h5 and .*2\.h5 are both shard 2 of 3"),
        (lambda p: [], "give the shards"),
    ],
)
def test_a_shard_that_is_missing_or_double_is_named(change, says, network, tmp_path):
    with pytest.raises(InvalidInputError, match=says):
        sn.merge(change(shards(network, tmp_path, 3)), tmp_path / "m.h5")
    assert not (tmp_path / "m.h5").exists()


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"threshold": 0.5}, "the threshold"),
        ({"layers": "1"}, "the selection of layers, the layers"),
        ({"normalize": (0.5, 0.5)}, "the preprocessing"),
        ({"labels": np.zeros(N, int)}, "the data set"),
        ({"training_labels": None}, "whether there are training labels"),
        ({"shard": (2, 4)}, "the division"),
    ],
)
def test_a_shard_of_another_recording_is_named(more, says, network, tmp_path):
    paths = shards(network, tmp_path, 2)
    record(network, images(N), **{**options(), "shard": (2, 2), **more}, path=paths[1])
    with pytest.raises(InvalidInputError, match=rf"1\.h5 .* and .*2\.h5 .* differ in {says}"):
        sn.merge(paths, tmp_path / "m.h5")


def test_other_weights_a_whole_recording_and_damage_are_named(network, tmp_path):
    paths = shards(network, tmp_path, 2)
    whole = record(network, images(N), path=tmp_path / "whole.h5")
    assert whole.n_bins == N
    with pytest.raises(InvalidInputError, match=r"whole\.h5 is no shard"):
        sn.merge([paths[0], tmp_path / "whole.h5"], tmp_path / "m.h5")
    good = shutil.copyfile(paths[1], tmp_path / "good.h5")
    damaged = bytearray(good.read_bytes())
    damaged[-100] ^= 1
    paths[1].write_bytes(damaged)
    with pytest.raises(FileFormatError, match=r"2\.h5"):
        sn.merge(paths, tmp_path / "m.h5")
    other = copy.deepcopy(network)
    other[0].bias.data += 1
    record(other, images(N), **options(), shard=(2, 2), path=paths[1])
    with pytest.raises(InvalidInputError, match="differ in the weights"):
        sn.merge(paths, tmp_path / "m.h5")


def test_an_error_in_a_shard_names_the_stimulus_of_the_data_set(network):
    pictures = images(N).astype(np.float32).transpose(0, 3, 1, 2) / 255
    pictures[200, 0, 0, 0] = np.nan
    with pytest.raises(RecordingError, match="stimulus 200"):
        record(network, pictures, shard=(2, 3), batch_size=50)
    # It is in a batch of this shard, and not in the shard.
    assert record(network, pictures, shard=(1, 3), batch_size=210).n_bins == 128


def test_the_command_line_records_shards_and_merges_them(tmp_path, capfd):
    words = ("record", "mlp", "--data", "mnist-5k", "--limit", 200, "-q", "-o")
    assert run(*words, tmp_path / "whole.h5") == 0
    for k in (1, 2, 3):
        assert run(*words, tmp_path / f"{k}.h5", "--shard", f"{k}/3") == 0
    files = [tmp_path / f"{k}.h5" for k in (2, 3, 1)]
    assert run("merge", *files, "-o", tmp_path / "m.h5") == 0
    assert sn.verify(tmp_path / "m.h5")[0] == sn.verify(tmp_path / "whole.h5")[0]
    capfd.readouterr()
    assert run("merge", *files[:2], "-o", tmp_path / "n.h5") == 2
    assert run(*words, tmp_path / "x.h5", "--shard", "half") == 2
    err = capfd.readouterr().err.splitlines()
    assert len(err) == 2
    assert "shard 1 of 3 is missing" in err[0]
    assert "--shard takes I/N" in err[1]
