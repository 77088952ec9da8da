"""Indicators over a training: exact, without a trace in the training, and never doubled."""

import csv
import itertools
import json
import math
import re
import shutil
import sys
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import stochnet as sn
from stochnet.errors import FileFormatError, InvalidInputError, RecordingWarning
from stochnet.recording import Monitor, build_model, load_dataset, save_network, track, train
from stochnet.recording.networks.training.meter import Meter
from stochnet.recording.networks.training.track import epoch_of, find_checkpoints
from stochnet.recording.tracking.indicators import class_selectivity
from stochnet.recording.tracking.log import Log
from stochnet.recording.tracking.plan import make_plan
from stochnet.statistics.table import statistics_table
from tests.support import ROOT
from tests.support.commands import run

DOCS = ROOT / "docs"
N = 120
WINDOWS = (2, 5)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (N, 4, 4), np.uint8)


@pytest.fixture(scope="module")
def labels():
    return np.random.default_rng(1).permutation(np.arange(N) % 4)


def network(seed=0):
    """Every kind of module that a recording could disturb: dropout, running means, attention."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Flatten(), nn.Linear(16, 12), nn.BatchNorm1d(12), nn.ReLU(), nn.Dropout(0.4),
            nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, 4),
        )  # fmt: skip


class Noisy(nn.Module):
    """Draws from the global random state in evaluation mode too."""

    def __init__(self):
        super().__init__()
        self.inner = network()

    def forward(self, x):
        return self.inner(x + 0.1 * torch.randn(x.shape))


def weights(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def alike(one, other):
    return all(torch.equal(one[name], other[name]) for name in one)


def run_loop(model, images, labels, monitor, epochs=4):
    """A training loop as people write them, on the global random state."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
        shown, wanted = torch.tensor(images)[:, None] / 255, torch.tensor(labels)
        for epoch in range(epochs):
            model.train()
            for batch in torch.randperm(len(shown)).split(40):
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(model(shown[batch]), wanted[batch])
                loss.backward()
                optimizer.step()
            if monitor is not None:
                monitor(model, epoch, loss=loss)
        return torch.rand(3)


def mean(values):
    """Of the nodes that have the statistic."""
    return values[~np.isnan(values)].mean()


def table(folder):
    with (folder / "indicators.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


# The numbers.


@pytest.mark.parametrize("schedule", ["shuffled", "blocked", "stratified", "sequential"])
def test_every_number_is_that_of_stats_on_the_recording(images, labels, schedule):
    windows = (4, 8) if schedule == "stratified" else WINDOWS
    model = network()
    rows = Monitor(images, labels, windows=windows, schedules=[schedule], seed=3)(model, 0)
    recording = sn.record(model, images, labels)
    trials = {"shuffled": N // 5, "sequential": N // 5, "blocked": 4 * 6, "stratified": N // 8}
    shown = sn.present(recording, schedule, n_trials=trials[schedule], n_bins=windows[-1], seed=3)
    rates, fanos = statistics_table(recording), statistics_table(shown, windows)
    share = class_selectivity(recording)
    nodes = [*(layer.nodes for layer in recording.layers), slice(None)]
    pairs = zip(
        (*rates["layers"], rates["network"]), (*fanos["layers"], fanos["network"]), strict=True
    )
    for row, (rate, fano), part in zip(rows, pairs, nodes, strict=True):
        assert row["layer"] == rate["name"]
        assert row["nodes"] == rate["n_nodes"]
        for name in ("dead", "saturated", "mfr", "var_rate"):
            assert row[name] == rate[name]
        for window in windows:
            for name in ("mff", "var_fano"):
                found = row[f"{name}_{schedule}_{window}"]
                assert found == fano["windows"][str(window)][name]
        assert row["selectivity"] == mean(share[part])


def test_epochs_are_shown_the_same_stimuli_in_the_same_order(images, labels):
    first, again = (Monitor(images, labels, windows=WINDOWS)(network(), k) for k in (0, 5))
    assert [{**row, "epoch": 0} for row in again] == list(first)


def test_selectivity_has_mean_zero_over_all_ways_to_deal_the_labels():
    """Exact: 90 of the 6!/(2!)³ ways to give 6 stimuli 3 labels, each as often as the others."""
    spikes = np.array([[1, 0, 0, 0, 0, 0], [1, 1, 0, 0, 0, 0], [1, 1, 1, 0, 1, 0]])
    ways = sorted(set(itertools.permutations([0, 0, 1, 1, 2, 2])))
    assert len(ways) == 90
    found = [class_selectivity(sn.SpikeRaster.from_dense(spikes, conditions=way)) for way in ways]
    np.testing.assert_allclose(np.mean(found, axis=0), 0, atol=1e-14)


def test_selectivity_is_one_for_a_node_of_one_class_and_nothing_for_a_constant_one(rng):
    labels = rng.integers(0, 4, 60)
    spikes = np.stack([labels == 2, labels >= 2, labels < 0, labels >= 0, labels % 2 == 1])
    found = class_selectivity(sn.SpikeRaster.from_dense(spikes, conditions=labels))
    np.testing.assert_allclose(found, [1, 1, np.nan, np.nan, 1])


def test_selectivity_is_its_definition(rng):
    labels = rng.integers(0, 5, 200)
    spikes = rng.random((20, 200)) < rng.random((20, 5))[:, labels]
    n = 200
    for node, share in zip(
        spikes, class_selectivity(sn.SpikeRaster.from_dense(spikes, conditions=labels)),
        strict=True,
    ):  # fmt: skip
        within = sum(((part - part.mean()) ** 2).sum()
                     for part in (node[labels == c] * 1.0 for c in range(5)))  # fmt: skip
        total = ((node - node.mean()) ** 2).sum()
        assert share == pytest.approx(1 - within / (n - 5) / (total / (n - 1)), abs=1e-12)


def test_labels_of_the_training_are_a_second_schedule_and_their_gaps_are_left_out(images, labels):
    training = np.random.default_rng(5).integers(0, 4, N)
    training[100:] = -1
    monitor = Monitor(images, labels, training_labels=training, windows=WINDOWS)
    model = network()
    rows = monitor(model, 0)
    recording = sn.record(model, images, labels, training_labels=training)
    part = sn.record(model, images[:100], training[:100])
    assert rows[-1]["selectivity_by_training_label"] == mean(class_selectivity(part))
    smallest = np.bincount(training[:100]).min()
    shown = sn.present(part, "blocked", n_trials=4 * (smallest // 5), n_bins=5, seed=0)
    assert rows[-1]["mff_blocked_by_training_label_5"] == mean(sn.fano_factor(shown, 5))
    assert rows[-1]["mfr"] == sn.firing_rate(recording).mean()


def test_a_sample_of_nodes_is_drawn_once_and_has_the_numbers_of_these_nodes(images, labels):
    model, options = network(), {"windows": WINDOWS, "nodes_per_layer": 9}
    one, other = (Monitor(images, labels, **options)(model, 0) for _ in range(2))
    assert one == other
    assert [row["nodes"] for row in one] == [9, 8, 17]
    recorded = Meter(images, labels, **options).record(model)
    whole = sn.record(model, images, labels).to_dense()
    kept = recorded.to_dense()
    assert {row.tobytes() for row in kept[:9]} <= {row.tobytes() for row in whole[:12]}
    np.testing.assert_array_equal(kept[9:], whole[12:])
    assert one[-1]["mfr"] == kept.mean(axis=(1, 2)).mean()


def test_without_labels_the_order_is_shuffled_and_nothing_is_selective(images):
    row = Monitor(images, windows=WINDOWS)(network(), 0)[-1]
    assert "mff_shuffled_5" in row
    assert not [name for name in row if "blocked" in name or "selectivity" in name]


@pytest.mark.parametrize(
    ("per_class", "windows"), [(60, (10, 50)), (49, (10,)), (7, (7,)), (2, (2,))]
)
def test_usual_windows_are_those_that_fit(per_class, windows):
    labels = np.repeat(np.arange(3), per_class)
    assert make_plan(len(labels), labels).windows == windows


# The training.


@pytest.mark.parametrize("make", [network, Noisy])
def test_a_training_is_the_same_to_the_bit_with_a_monitor(images, labels, make, tmp_path):
    with_one, without = make(), make()
    drawn = run_loop(without, images, labels, None)
    monitor = Monitor(images, labels, windows=WINDOWS, folder=tmp_path)
    assert torch.equal(run_loop(with_one, images, labels, monitor), drawn)
    assert alike(weights(with_one), weights(without))
    assert len(monitor.rows) == 4 * 3


def test_modes_gradients_and_hooks_are_as_before(images, labels):
    model = network()
    model.train()
    model[2].eval()
    model(torch.rand(5, 1, 4, 4)).sum().backward()
    before = weights(model), [one.grad.clone() for one in model.parameters()]
    modes = [module.training for module in model.modules()]
    random, numbers = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    Monitor(images, labels, windows=WINDOWS)(model, 0)
    assert [module.training for module in model.modules()] == modes
    assert alike(before[0], weights(model))
    pairs = zip(before[1], model.parameters(), strict=True)
    assert all(torch.equal(a, b.grad) for a, b in pairs)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())
    assert torch.equal(torch.get_rng_state(), random)
    np.testing.assert_array_equal(np.random.get_state()[1], numbers)  # noqa: NPY002
    assert torch.is_grad_enabled()


def test_the_training_loop_of_stochnet_calls_back_after_every_epoch_and_before_the_first(
    images, labels
):
    seen, results = [], []
    for hook in (None, lambda epoch, model: seen.append((epoch, weights(model)))):
        model = network()
        options = {"epochs": 3, "stop_at": None, "batch_size": 32}
        results.append(train(model, images, labels, **options, after_epoch=hook))
    assert results[0].history == results[1].history
    assert [epoch.epoch for epoch, _ in seen] == [0, 1, 2, 3]
    assert np.isnan(seen[0][0].loss)
    assert alike(seen[0][1], weights(network()))
    assert tuple(epoch for epoch, _ in seen[1:]) == results[0].history
    assert alike(seen[-1][1], weights(model))


def test_the_training_loop_of_stochnet_can_be_monitored(images, labels):
    plain, watched = network(), network()
    options = {"epochs": 3, "stop_at": None, "seed": 4}
    history = train(plain, images, labels, **options).history
    monitor = Monitor(images, labels, windows=WINDOWS)
    train(watched, images, labels, **options, after_epoch=monitor.after_epoch)
    assert alike(weights(plain), weights(watched))
    last = [row for row in monitor.rows if row["layer"] == "network"]
    assert [row["epoch"] for row in last] == [0, 1, 2, 3]
    assert [row["loss"] for row in last] == [None, *(one.loss for one in history)]
    assert last[-1]["train_accuracy"] == history[-1].train_accuracy


# The table.


def test_the_table_is_whole_after_every_epoch_and_has_exact_numbers(images, labels, tmp_path):
    monitor = Monitor(images, labels, windows=WINDOWS, folder=tmp_path / "new" / "folder")
    for epoch in range(3):
        rows = monitor(network(epoch), epoch, loss=0.1 * epoch)
        found = table(tmp_path / "new" / "folder")
        assert len(found) == 3 * (epoch + 1)
        for read, row in zip(found[-3:], rows, strict=True):
            assert list(read) == list(row)
            for name, value in row.items():
                assert read[name] == ("" if value is None else str(value))


def test_a_new_monitor_continues_the_table_without_doubling_epochs(
    images, labels, tmp_path, monkeypatch
):
    def monitor(name):
        return Monitor(images, labels, windows=WINDOWS, folder=tmp_path / name)

    whole, first = monitor("whole"), monitor("parts")
    for epoch in range(5):
        whole(network(epoch), epoch, loss=epoch)
    for epoch in range(3):
        first(network(epoch), epoch, loss=epoch)
    second = monitor("parts")
    assert second.rows == first.rows
    with monkeypatch.context() as patched:
        patched.setattr(Meter, "measure", lambda *_: pytest.fail("recorded again"))
        assert second(network(2), 2, loss=2) == first.rows[-3:]
    for epoch in (3, 4):
        second(network(epoch), epoch, loss=epoch)
    texts = [(tmp_path / name / "indicators.csv").read_text() for name in ("whole", "parts")]
    assert texts[0] == texts[1]


def test_a_training_that_goes_back_drops_what_came_later(images, labels, tmp_path):
    monitor = Monitor(images, labels, windows=WINDOWS, folder=tmp_path)
    for epoch in range(4):
        monitor(network(epoch), epoch)
    monitor(network(9), 2)
    assert [row["epoch"] for row in table(tmp_path)] == list("000111222")
    assert monitor.rows[-1]["weights_sha256"] != monitor.rows[0]["weights_sha256"]


def test_a_table_that_was_torn_anywhere_is_continued_from_whole_epochs(images, labels, tmp_path):
    monitor = Monitor(images, labels, windows=WINDOWS, folder=tmp_path, page=False)
    for epoch in range(3):
        monitor(network(epoch), epoch, loss=epoch / 3)
    path = tmp_path / "indicators.csv"
    content = path.read_bytes()
    head = content.index(b"\n") + 1
    plan, settings = monitor._meter.plan, monitor._meter.settings
    for stop in range(head, len(content) + 1, 61):
        path.write_bytes(content[:stop])
        found = Log(tmp_path, plan.columns, settings)
        assert found.rows == monitor.rows[: len(found.rows)]
        whole = content[: content[:stop].rfind(b"\n") + 1]
        assert len(found.rows) == 3 * whole.count(b",network,")
        assert path.read_bytes() == content[: len(path.read_bytes())]


def test_a_scalar_may_come_later_and_what_is_not_finite_is_left_blank(images, labels, tmp_path):
    monitor = Monitor(images, labels, windows=WINDOWS, folder=tmp_path)
    monitor(network(0), 0, loss=float("nan"))
    monitor(network(1), 1, loss=torch.tensor(0.5, requires_grad=True), accuracy=np.float32(0.25))
    assert [row["loss"] for row in table(tmp_path)] == [""] * 3 + ["0.5"] * 3
    assert [row["accuracy"] for row in table(tmp_path)] == [""] * 3 + ["0.25"] * 3
    again = Monitor(images, labels, windows=WINDOWS, folder=tmp_path)
    assert [{k: v for k, v in row.items() if v is not None} for row in again.rows] == [
        {k: v for k, v in row.items() if v is not None} for row in monitor.rows
    ]


def test_only_some_epochs_are_recorded(images, labels):
    monitor = Monitor(images, labels, windows=WINDOWS, every=3)
    assert [len(monitor(network(), epoch)) for epoch in range(5)] == [3, 0, 0, 3, 0]


def test_scalars_go_to_tensorboard(images, labels):
    class Writer:
        def __init__(self):
            self.told, self.closed = {}, False

        def add_scalar(self, tag, value, step):
            self.told[tag, step] = value

        def flush(self):
            pass

        def close(self):
            self.closed = True

    writer = Writer()
    with Monitor(images, labels, windows=WINDOWS, tensorboard=writer) as monitor:
        monitor(network(), 4, loss=0.5)
    assert writer.told["loss", 4] == 0.5
    assert writer.told["mfr/network", 4] == monitor.rows[-1]["mfr"]
    assert writer.told["mff_blocked_5/3", 4] == monitor.rows[0]["mff_blocked_5"]
    assert not writer.closed


def test_tensorboard_reads_what_was_written(images, labels, tmp_path):
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    with Monitor(images, labels, windows=WINDOWS, folder=tmp_path) as monitor:
        for epoch in range(3):
            monitor(network(epoch), epoch)
    found = events.EventAccumulator(str(tmp_path / "tensorboard"))
    found.Reload()
    values = [event.value for event in found.Scalars("mfr/network")]
    np.testing.assert_allclose(values, [row["mfr"] for row in monitor.rows[2::3]], rtol=1e-6)


def test_tensorboard_that_is_not_there_is_left_out_unless_it_is_asked_for(
    images, labels, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    Monitor(images, labels, folder=tmp_path)
    with pytest.raises(InvalidInputError, match="pip install tensorboard"):
        Monitor(images, labels, folder=tmp_path, tensorboard=True)


# The page.


def test_the_page_loads_itself_again_while_training_runs_only(images, labels, tmp_path):
    page = tmp_path / "indicators.html"
    with Monitor(images, labels, windows=WINDOWS, folder=tmp_path) as monitor:
        monitor(network(0), 0, loss=1.0)
        assert 'http-equiv="refresh"' in page.read_text(encoding="utf-8")
        for epoch in range(1, 4):
            monitor(network(epoch), epoch, loss=1 / epoch)
    text = page.read_text(encoding="utf-8")
    assert 'http-equiv="refresh"' not in text
    assert "Epochs 0 to 3" in text
    # Loss; rates (2), selectivity, two schedules of two windows (2 each), dead and saturated.
    assert text.count("<svg") == 1 + 2 + 1 + 8 + 2
    assert not re.search(r'(src|href)="(?!#|data:)', text)
    assert "nan" not in re.sub(r"[a-z]nan|nan[a-z]", "", text.lower())


def test_a_page_of_one_epoch_and_many_layers_can_be_drawn(tmp_path):
    depth = 30
    model = nn.Sequential(*(part for _ in range(depth) for part in (nn.Linear(16, 16), nn.ReLU())))
    rng = np.random.default_rng(0)
    images = rng.random((40, 16), np.float32)
    with Monitor(images, rng.permutation(40) % 2, folder=tmp_path, windows=[4]) as monitor:
        monitor(model, 0)
    text = (tmp_path / "indicators.html").read_text(encoding="utf-8")
    assert "in 30 layers" in text
    assert "--depth-23" in text
    assert "var(--depth-24)" not in text


# Checkpoints.


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder of the checkpoints of a training on random labels, and its data set."""
    folder = tmp_path_factory.mktemp("track")
    rng = np.random.default_rng(2)
    data = folder / "data.npz"
    np.savez(data, images=rng.integers(0, 256, (80, 32, 32), np.uint8), labels=np.arange(80) % 4)
    digits = load_dataset(data)
    model = build_model("mlp", digits.image_shape, 4, seed=1)
    train(
        model, digits.images, digits.labels, epochs=3, stop_at=None, labels_mode="random", seed=1,
        checkpoints=folder / "run", facts={"architecture": "mlp", "dataset": digits.name},
    )  # fmt: skip
    return folder / "run", data


OPTIONS = {"windows": (2, 5), "nodes_per_layer": 40}


def test_checkpoints_have_the_numbers_of_a_monitor_in_the_training(trained):
    run_folder, data = trained
    shown = load_dataset(data)
    rows = track([run_folder], shown, **OPTIONS)
    model = build_model("mlp", shown.image_shape, 4, seed=1)
    result = train(model, shown.images, shown.labels, epochs=1, labels_mode="random", seed=1)
    monitor = Monitor(shown.images, shown.labels, training_labels=result.training_labels, **OPTIONS)
    model = build_model("mlp", shown.image_shape, 4, seed=1)
    train(
        model, shown.images, shown.labels, epochs=3, stop_at=None, labels_mode="random", seed=1,
        after_epoch=monitor.after_epoch,
    )  # fmt: skip
    # The checkpoint of epoch 0 has no history, and so no accuracies.
    assert [{**row, "train_accuracy": None} for row in rows] == [
        {**row, "train_accuracy": None} for row in monitor.rows
    ]
    assert {"mff_blocked_2", "mff_blocked_by_training_label_2"} <= set(rows[0])


def test_the_command_records_what_is_new_and_skips_what_is_known(
    trained, tmp_path, capfd, monkeypatch
):
    run_folder, data = trained
    some = tmp_path / "run"
    some.mkdir()
    for epoch in (2, 0):
        shutil.copy(run_folder / f"epoch-{epoch:04d}.pt", some)
    words = ("track", some, "--data", data, "-w", 2, "-w", 5, "-o", tmp_path / "out")
    assert run(*words, "--quiet") == 0
    assert capfd.readouterr() == ("", "")
    assert [row["epoch"] for row in table(tmp_path / "out")] == ["0"] * 3 + ["2"] * 3
    measured = []
    plain = Meter.measure
    monkeypatch.setattr(Meter, "measure", lambda *a: measured.append(1) or plain(*a))
    shutil.copy(run_folder / "epoch-0001.pt", some)
    assert run(*words) == 0
    out, err = capfd.readouterr()
    assert out == ""
    assert "3 epochs" in err
    assert "indicators.html" in err
    assert len(measured) == 1
    assert [row["epoch"] for row in table(tmp_path / "out")][::3] == ["0", "1", "2"]
    assert run(*words, "-q") == 0
    assert len(measured) == 1


def test_stats_on_the_command_line_prints_the_numbers_of_the_table(trained, tmp_path, capfd):
    run_folder, data = trained
    net = run_folder / "epoch-0003.pt"
    config = tmp_path / "track.toml"
    config.write_text(f'[track]\ndata = "{data}"\nwindow = [5]\nschedule = ["blocked"]\n')
    assert run("track", net, "--config", config, "-o", tmp_path / "out", "-q") == 0
    rec, shown = tmp_path / "rec.h5", tmp_path / "shown.h5"
    assert run("record", "mlp", "--weights", net, "--data", data, "-o", rec, "-q") == 0
    sizes = json.loads((tmp_path / "out" / "settings.json").read_text())["schedules"]["blocked"]
    words = ("--trials", sizes[0], "--bins", sizes[1], "--seed", 0, "-o", shown, "-q")
    assert run("present", rec, "--schedule", "blocked", *words) == 0
    capfd.readouterr()
    assert run("stats", shown, "-w", 5, "--json") == 0
    layers = json.loads(capfd.readouterr().out)["layers"]
    for layer, row in zip(layers, table(tmp_path / "out"), strict=False):
        assert float(row["mff_blocked_5"]) == layer["windows"]["5"]["mff"]
        assert float(row["var_fano_blocked_5"]) == layer["windows"]["5"]["var_fano"]


def test_checkpoints_of_others_need_an_architecture_and_an_epoch_in_their_name(
    trained, tmp_path, capfd
):
    run_folder, data = trained
    for epoch in (1, 3):
        state = torch.load(run_folder / f"epoch-{epoch:04d}.pt", weights_only=True)["state_dict"]
        torch.save({"state_dict": state}, tmp_path / f"epoch={epoch}-step=900.ckpt")
    shown = load_dataset(data)
    rows = track([tmp_path], shown, model="mlp", **OPTIONS)
    own = track([run_folder], shown, **OPTIONS)
    assert [row["mfr"] for row in rows] == [r["mfr"] for r in own if r["epoch"] in (1, 3)]
    assert "loss" not in rows[0]
    assert run("track", tmp_path, "--data", data, "-w", 2, "-o", tmp_path / "out") == 2
    assert "--model" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("name", "epoch"),
    [("epoch-0012.pt", 12), ("epoch=3-step=120.ckpt", 3), ("net_7.pth", 7), ("v2_Epoch9.pt", 9)],
)
def test_epochs_stand_in_names(name, epoch):
    assert epoch_of(Path(name), {}) == epoch


def test_a_folder_that_is_watched_is_tracked_until_the_training_ends(trained, tmp_path):
    run_folder, data = trained
    watched = tmp_path / "run"
    found = []
    thread = threading.Thread(
        target=lambda: found.append(
            track([watched], load_dataset(data), folder=tmp_path / "out", poll=0.05, **OPTIONS)
        )
    )
    thread.start()
    time.sleep(0.1)
    watched.mkdir()
    for epoch in range(4):
        name = f"epoch-{epoch:04d}.pt"
        content = (run_folder / name).read_bytes()
        # As a program would that does not publish its files whole.
        (watched / name).write_bytes(content[:1000])
        time.sleep(0.02)
        (watched / name).write_bytes(content)
    thread.join(60)
    assert not thread.is_alive()
    assert [row["epoch"] for row in found[0]] == [e for e in range(4) for _ in range(3)]
    assert "refresh" not in (tmp_path / "out" / "indicators.html").read_text(encoding="utf-8")


def test_ctrl_c_ends_a_watch_well(trained, tmp_path, capfd, monkeypatch):
    run_folder, data = trained
    shutil.copy(run_folder / "epoch-0001.pt", tmp_path)

    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("stochnet.recording.networks.training.track.time.sleep", interrupt)
    words = ("track", tmp_path, "--data", data, "-w", 2, "-o", tmp_path / "out", "--watch")
    assert run(*words) == 0
    assert "indicators.csv" in capfd.readouterr().err
    assert len(table(tmp_path / "out")) == 3


# Wrong input.


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"windows": [31]}, "up to 30 bins"),
        ({"windows": [0]}, "from 1"),
        ({"windows": []}, "from 1"),
        ({"schedules": ["random"]}, "shuffled, blocked"),
        ({"schedules": ["blocked", "blocked"]}, "each once"),
        ({"labels": None, "schedules": ["blocked"]}, "needs labels"),
        ({"labels": np.zeros(3, int)}, "each of the 120 images"),
        ({"training_labels": np.full(N, -1)}, "none of the stimuli has a label"),
        ({"every": 0}, "every must be"),
        ({"nodes_per_layer": 0}, "nodes_per_layer must be"),
        ({"batch_size": 0}, "batch_size must be"),
        ({"unit": "pixel"}, "unit must be"),
        ({"seed": -1}, "seed must be"),
        ({"tensorboard": 3.5}, "SummaryWriter"),
        ({"tensorboard": True}, "needs a folder"),
    ],
)
def test_a_monitor_that_cannot_work_is_refused_before_the_training(
    images, labels, options, message
):
    with pytest.raises(InvalidInputError, match=message):
        Monitor(images, **{"labels": labels, **options})


@pytest.mark.parametrize("epoch", [-1, 1.5, True, "first", None, float("nan"), [1], torch.zeros(2)])
def test_an_epoch_that_is_none_ends_no_training(images, labels, epoch):
    monitor = Monitor(images, labels, windows=WINDOWS)
    with pytest.warns(RecordingWarning, match=r"epoch .* is no whole number from 0: no row"):
        assert monitor(network(), epoch) == ()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert monitor(network(), epoch, loss=0.5) == ()
        assert len(monitor(network(), 0)) == 3
    assert len(monitor.rows) == 3


@pytest.mark.parametrize("epoch", [1, 1.0, np.float32(1), np.int8(1), torch.tensor(1)])
def test_an_epoch_may_be_any_kind_of_whole_number(images, labels, epoch):
    monitor = Monitor(images, labels, windows=WINDOWS)
    logs = {"epoch": 1.0, "loss": 0.5}
    for rows in (monitor(network(), epoch), monitor(network(1), epoch, **logs),
                 monitor(network(2), epoch=epoch), monitor(model=network(3), **logs)):  # fmt: skip
        assert [row["epoch"] for row in rows] == [1] * 3
    assert monitor.rows[-1]["loss"] == 0.5
    with pytest.warns(RecordingWarning, match="is no whole number"):
        assert monitor(network(), loss=1.0) == ()


def test_scalars_of_any_name_and_kind(images, labels, tmp_path):
    monitor = Monitor(images, labels, windows=WINDOWS, folder=tmp_path)
    logs = {"train/loss": 0.5, "lr-0": 0.1, "1st": 2, "scheduler": "cosine",
            "norms": torch.zeros(2), "mfr": 0.3, "infinite": math.inf, "none": None}  # fmt: skip
    with pytest.warns(RecordingWarning) as told:
        row = monitor(network(), 0, **logs)[-1]
    assert [row[name] for name in ("train_loss", "lr_0", "_1st")] == [0.5, 0.1, 2]
    assert all(row[name] is None for name in ("scheduler", "norms", "infinite", "none"))
    assert 0 < row["mfr"] < 1
    assert row["mfr"] != 0.3
    said = [str(one.message) for one in told]
    assert len(said) == 3
    assert any("cannot be called 'mfr', the name of an indicator: left out" in x for x in said)
    assert all(one.filename == __file__ for one in told)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(monitor(network(1), 1, **logs)) == 3
    assert table(tmp_path)[-1]["train_loss"] == "0.5"


class Broken(nn.Module):
    def forward(self, x):
        raise RuntimeError("out of memory")


def test_a_network_that_cannot_be_recorded_gets_a_row_without_numbers(images, labels, tmp_path):
    monitor = Monitor(images, labels, windows=WINDOWS, folder=tmp_path)
    poisoned = network()
    with torch.no_grad():
        poisoned[1].weight[0, 0] = float("nan")
    with pytest.warns(RecordingWarning, match="epoch 0 has no indicators: layer '3' has NaN"):
        (row,) = monitor(poisoned, 0, loss=float("nan"))
    assert (row["layer"], row["mfr"], row["loss"]) == ("network", None, None)
    assert len(monitor(network(), 1, loss=0.5)) == 3
    with pytest.warns(RecordingWarning, match="epoch 2 has no indicators: Broken fails on images"):
        rows = monitor(Broken(), 2, loss=0.25)
    assert [(row["layer"], row["nodes"], row["mfr"], row["loss"]) for row in rows] == [
        ("3", 12, None, 0.25), ("6", 8, None, 0.25), ("network", 20, None, 0.25),
    ]  # fmt: skip
    assert len(monitor(network(1), 3)) == 3
    monitor.close()
    found = [row["mfr"] for row in table(tmp_path)]
    assert [x == "" for x in found] == [True, False, False, False, True, True, True] + [False] * 3
    again = Monitor(images, labels, windows=WINDOWS, folder=tmp_path)
    assert len(again.rows) == 10
    assert len(again(network(2), 4)) == 3


def test_nothing_that_fails_ends_the_training(images, labels, tmp_path, monkeypatch):
    monitor = Monitor(images, labels, windows=WINDOWS, folder=tmp_path)
    other = nn.Sequential(nn.Flatten(), nn.Linear(16, 3), nn.ReLU())
    monitor(network(), 0)
    with pytest.warns(RecordingWarning, match="other layers"):
        assert monitor(other, 1) == ()
    with pytest.warns(RecordingWarning, match=r"model must be a torch\.nn\.Module"):
        assert monitor("network", 2) == ()
    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.open", _full)
        with pytest.warns(RecordingWarning, match="(?i)no space left"):
            assert monitor(network(1), 3) == ()
    with monkeypatch.context() as patch:
        patch.setattr("stochnet.recording.tracking.redraw.Page.write", _full)
        with pytest.warns(RecordingWarning, match="(?i)no space left"):
            monitor.close()
    assert len(monitor(network(2), 4)) == 3


def _full(*_args, **_options):
    raise OSError(28, "No space left on device")


def test_a_folder_is_for_one_network_and_one_choice_of_settings(images, labels, tmp_path):
    monitor = Monitor(images, labels, windows=WINDOWS, folder=tmp_path)
    monitor(network(), 0)
    with pytest.raises(InvalidInputError, match="other windows, schedules"):
        Monitor(images, labels, windows=(2, 4), folder=tmp_path)
    with pytest.raises(InvalidInputError, match="other images"):
        Monitor(255 - images, labels, windows=WINDOWS, folder=tmp_path)
    with pytest.warns(RecordingWarning, match="other layers"):
        assert monitor(nn.Sequential(nn.Flatten(), nn.Linear(16, 3), nn.ReLU()), 1) == ()
    (tmp_path / "settings.json").write_text("{}")
    with pytest.raises(FileFormatError, match="choose another folder"):
        Monitor(images, labels, windows=WINDOWS, folder=tmp_path)
    (tmp_path / "settings.json").unlink()
    with pytest.raises(FileFormatError, match="choose another folder"):
        Monitor(images, labels, windows=WINDOWS, folder=tmp_path)
    with pytest.raises(InvalidInputError, match="cannot be made"):
        Monitor(images, labels, folder=tmp_path / "indicators.csv")


def test_what_cannot_be_tracked_is_refused_in_one_line(trained, tmp_path, capfd):
    run_folder, data = trained
    empty, twice, unnamed = (tmp_path / name for name in ("empty", "twice", "unnamed"))
    for folder in (empty, twice, unnamed):
        folder.mkdir()
    shutil.copy(run_folder / "epoch-0001.pt", twice)
    model = build_model("mlp", (1, 32, 32), 4, seed=5)
    torch.save(model.state_dict(), twice / "other-1.pt")
    torch.save(model.state_dict(), unnamed / "net.pt")
    broken = tmp_path / "epoch-1.pt"
    broken.write_bytes(b"no weights")
    other = tmp_path / "epoch-9.pt"
    facts = {"architecture": "mlp", "image_shape": [1, 32, 32], "n_classes": 4}
    save_network(other, model, {**facts, "normalize": [[0.5], [0.5]]})
    for words, message in [
        ((tmp_path / "none",), "no checkpoint or folder"),
        ((empty,), "has no checkpoint"),
        ((twice, "--model", "mlp"), "both of epoch 1"),
        ((unnamed, "--model", "mlp"), "the epoch of"),
        ((broken,), "damaged"),
        ((run_folder, other), "one training at a time"),
        ((run_folder, "-w", 70), "up to"),
        ((run_folder, "--layers", "nothing"), "matches nothing"),
        ((run_folder, "--poll", 0, "--watch"), "poll must be"),
        ((run_folder, "--schedule", "random"), "random"),
    ]:
        out = tmp_path / "out"
        shutil.rmtree(out, ignore_errors=True)
        assert run("track", *words, "--data", data, "-o", out, "-q") == 2, words
        told = capfd.readouterr()
        assert told.out == ""
        assert message in told.err
        assert len(told.err.strip().splitlines()) == 1


def test_hidden_and_other_files_are_no_checkpoints(tmp_path):
    for name in (".epoch-1.pt.part", ".epoch-2.pt", "epoch-10.pt", "epoch-9.pt", "log.txt"):
        (tmp_path / name).write_bytes(b"")
    found = find_checkpoints([tmp_path, tmp_path / "epoch-9.pt"])
    assert [path.name for path in found] == ["epoch-9.pt", "epoch-10.pt"]


# The documentation.


def test_the_example_of_the_documentation_runs(tmp_path, monkeypatch, capsys):
    code = re.search(r"```python\n(.*?)```", (DOCS / "tracking.md").read_text(), re.DOTALL)[1]
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "tracking.md", "exec"), {})
    assert 0 < float(capsys.readouterr().out) < 1
    assert len(table(tmp_path / "tracking")) == 4 * 3
    assert (tmp_path / "tracking" / "indicators.html").is_file()
