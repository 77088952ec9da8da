"""The study of memorisation: its smallest scale, run whole, and identities its tables must keep."""

import gzip

import numpy as np
import pytest

import stochnet as sn
from stochnet.errors import InvalidInputError
from stochnet.study.config import read_config
from tests.support.studies import SIMS, module, read

STUDY = SIMS / "memorization"


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("smoke")
    result = sn.run_study(STUDY, scale="smoke", output=folder)
    assert result.complete, result.failures
    return {name: read(folder / f"{name}.csv") for name in ("networks", "features", "assumptions")}


def at(row, *names):
    return tuple(row[name] for name in names)


CELL = ("seed", "architecture", "control", "dataset", "regime")


def test_every_cell_has_log_spaced_checkpoints_and_one_last(tables):
    courses = {}
    for row in tables["networks"]:
        courses.setdefault(at(row, *CELL), []).append((int(row["epoch"]), int(row["last"])))
    assert len(courses) == 7
    for seen in courses.values():
        epochs = [epoch for epoch, _ in seen]
        assert epochs[:5] == [0, 1, 2, 4, 8]
        assert all(epoch & (epoch - 1) == 0 for epoch in epochs[:-1])
        assert [last for _, last in seen] == [0] * (len(seen) - 1) + [1]


def test_random_labels_are_memorised_and_true_labels_are_learnt(tables):
    # The seed is fixed, so this cannot fail by chance.
    for row in tables["networks"]:
        if row["last"] == "1":
            assert float(row["train_accuracy"]) >= 0.99
            if row["regime"] == "true":
                assert row["train_accuracy"] == row["train_accuracy_true"]
                assert float(row["test_accuracy"]) > 0.4
            if row["regime"] == "random":
                assert float(row["train_accuracy_true"]) < 0.25
                assert (float(row["test_accuracy"]) <= 0.163) == (row["counted"] == "1")
        else:
            assert row["counted"] == "0"


def test_cells_of_one_seed_begin_with_the_same_network(tables):
    first = {}
    for row in tables["features"]:
        if row["epoch"] == "0":
            key = at(row, "architecture", "control", "images", "layer")
            values = at(row, "mfr", "var_rate", "entropy", "selectivity", "mff_blocked_10")
            assert first.setdefault(key, values) == values


def test_there_is_a_row_for_each_layer_and_one_for_all(tables):
    whole = {}
    for row in tables["features"]:
        whole.setdefault(at(row, *CELL, "epoch", "images"), []).append(row)
    assert len(whole) == 2 * len(tables["networks"])
    for rows in whole.values():
        *layers, last = rows
        assert [int(row["depth"]) for row in layers] == list(range(1, len(layers) + 1))
        assert at(last, "layer", "depth") == ("all", "0")
        for name in ("n_nodes", "dead", "saturated"):
            assert int(last[name]) == sum(int(row[name]) for row in layers)
        assert max(int(row["n_nodes"]) for row in layers) <= 64
        mean = sum(int(row["n_nodes"]) * float(row["mfr"]) for row in layers)
        assert mean / int(last["n_nodes"]) == pytest.approx(float(last["mfr"]), rel=2e-4)


def test_shuffled_fano_factors_are_one_minus_the_rate(tables):
    # Over the nodes that fire, E[MFF] = (1 - MFR) N / (N - 1) exactly, and the order of the stimuli
    # makes it vary: an error of 0.3 in one row is far out, of 0.02 in the mean over rows too.
    errors = []
    for row in tables["features"]:
        firing = 1 - int(row["dead"]) / int(row["n_nodes"])
        expected = (1 - float(row["mfr"]) / firing) * 200 / 199
        errors.append(float(row["mff_shuffled_10"]) - expected)
    assert np.abs(errors).max() < 0.3
    assert abs(np.mean(errors)) < 0.02


def test_training_labels_have_columns_only_where_they_differ(tables):
    for row in tables["features"]:
        there = row["images"] == "train" and row["regime"] != "true"
        for name in (
            "selectivity_training",
            "mff_blocked_training_10",
            "var_fano_blocked_training_20",
        ):
            assert bool(row[name]) == there, name
        assert all(row[name] for name in ("mff_shuffled_10", "mff_blocked_20", "mff_stratified_10"))


def test_assumptions_count_every_node_once_by_layer_and_by_rate(tables):
    groups = {}
    for row in tables["assumptions"]:
        groups.setdefault(at(row, *CELL, "epoch", "schedule"), []).append(row)
    for rows in groups.values():
        whole = next(row for row in rows if at(row, "layer", "rates") == ("all", "all"))
        layers = [row for row in rows if row["layer"] != "all"]
        by_rate = [row for row in rows if row["rates"] != "all"]
        assert sum(int(row["n_nodes"]) for row in layers) == int(whole["n_nodes"])
        # Dead nodes are in none of the ranges, and cannot be tested.
        assert sum(int(row["testable"]) for row in by_rate) == int(whole["testable"])
        for row in rows:
            if int(row["testable"]):
                assert 0 <= float(row["all_tests"]) <= 1
            else:
                assert row["all_tests"] == ""


def test_the_corrected_selectivity_is_zero_without_and_one_with_perfect_tuning():
    features = module("memorization", "features")
    labels = np.repeat(np.arange(4, dtype=np.int16), 25)[None]
    tuned = np.repeat([True, False, False, False], 25)
    rng = np.random.default_rng(1)
    untuned = np.stack([rng.permutation(tuned) for _ in range(400)])
    spikes = np.concatenate([tuned[None], untuned])[:, None, :]
    raster = sn.SpikeRaster.from_dense(spikes, conditions=labels)
    found = features.selectivity(raster, raster.conditions)
    assert found[0] == pytest.approx(1)
    # Its mean over permutations is 0; the bound is 5 standard errors.
    assert abs(found[1:].mean()) < 5 * found[1:].std() / 20


def test_thinning_keeps_the_same_nodes_and_whole_small_layers():
    features = module("memorization", "features")
    spikes = np.arange(70)[:, None, None] % 7 == np.arange(7)
    layers = (sn.Layer("a", "ReLU", (50,), 0, 50), sn.Layer("b", "ReLU", (20,), 50, 20))
    raster = sn.SpikeRaster.from_dense(spikes, layers=layers)
    one, same = (features.thinned(raster, 30, 5) for _ in range(2))
    assert [layer.n_nodes for layer in one.layers] == [30, 20]
    assert np.array_equal(one.data, same.data)
    assert np.array_equal(one.data[30:], raster.data[50:])


def test_stratified_windows_hold_every_class_equally_often():
    features = module("memorization", "features")
    labels = np.tile(np.arange(5, dtype=np.int16), 20)[None]
    spikes = np.ones((3, 1, 100), bool)
    raster = sn.SpikeRaster.from_dense(spikes, conditions=labels)
    shown = dict(features.shows(raster, 10, 20, 1))
    assert set(shown) == {"shuffled", "blocked", "stratified"}
    assert shown["stratified"].shape == (3, 10, 10)
    for trial in shown["stratified"].conditions:
        assert np.array_equal(np.bincount(trial), [2] * 5)
    for trial in shown["blocked"].conditions:
        assert len(set(trial)) == 1


def test_subsets_are_balanced_and_differ_between_seeds():
    stimuli = module("memorization", "stimuli")
    one, other = (stimuli.load("mnist-5k", 100, 50, seed) for seed in (1, 2))
    assert np.array_equal(np.bincount(one.train.labels), [10] * 10)
    assert np.array_equal(np.bincount(one.test.labels), [5] * 10)
    assert not np.array_equal(one.train.images, other.train.images)
    mean, std = one.normalize
    assert mean[0] == pytest.approx(one.train.images.mean() / 255)
    assert std[0] == pytest.approx(one.train.images.std() / 255)


@pytest.mark.parametrize("name", ["cifar10", "mnist"])
def test_a_missing_data_set_says_how_to_get_it(name, monkeypatch, tmp_path):
    stimuli = module("memorization", "stimuli")
    for value in (None, str(tmp_path)):
        monkeypatch.delenv("STOCHNET_DATA", raising=False)
        if value:
            monkeypatch.setenv("STOCHNET_DATA", value)
        stimuli.whole.cache_clear()
        with pytest.raises(InvalidInputError, match="STOCHNET_DATA name a folder with"):
            stimuli.whole(name, "train")


def test_idx_files_are_read_and_damaged_ones_refused(tmp_path):
    stimuli = module("memorization", "stimuli")
    content = bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3]) + bytes(range(6))
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(content))
    assert np.array_equal(stimuli.idx(path), np.arange(6).reshape(2, 3))
    for damaged in (content[:-1], b"\x01" + content[1:]):
        path.write_bytes(gzip.compress(damaged))
        with pytest.raises(InvalidInputError, match="IDX"):
            stimuli.idx(path)


def test_the_larger_scales_cover_what_the_study_asks():
    run = module("memorization", "run")
    found = run.cells(read_config(STUDY, "cpu").merged)
    assert len({one["seed"] for one in found}) >= 5
    plain = [one for one in found if one["control"] == "none"]
    assert len({one["architecture"] for one in plain}) >= 4
    assert len({one["dataset"] for one in plain}) == 3
    # A run that was stopped early is a smaller study: seeds come one after the other.
    assert [one["seed"] for one in found] == sorted(one["seed"] for one in found)
    full = read_config(STUDY, "full")
    assert full.shared["training"]["device"] == "cuda"
    asked = {"mlp", "lenet", "alexnet", "vgg11", "resnet18-small"}
    cells = run.cells(full.merged)
    assert {one["architecture"] for one in cells} == asked
    assert all(name in full.shared["architectures"] for name in asked)
    assert len({one["regime"] for one in cells if one["architecture"] == "vgg11"}) == 6
