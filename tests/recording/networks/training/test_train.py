import numpy as np
import pytest
import torch
from torch import nn

from stochnet.errors import InvalidInputError, RecordingError
from stochnet.recording import (
    build_model,
    draw_labels,
    load_dataset,
    load_network,
    read_weights,
    save_network,
    train,
)


@pytest.fixture(scope="module")
def digits():
    return load_dataset("mnist-5k").first(300)


def trained(digits, seed=0, **options):
    network = build_model("mlp", digits.image_shape, 10, seed=seed)
    result = train(network, digits.images, digits.labels, seed=seed, **options)
    return network, result


def test_random_labels_are_memorized_and_training_stops(digits):
    seen = []
    network, result = trained(
        digits, labels_mode="random", epochs=200, progress=lambda *a: seen.append(a)
    )
    assert result.history[-1].train_accuracy == 1.0
    assert len(result.history) < 200
    assert all(one.train_accuracy < 1 for one in result.history[:-1])
    assert seen[-1] == ("train", len(result.history), 200)
    with torch.no_grad():
        network.eval()
        scores = network(torch.tensor(digits.images).unsqueeze(1).float() / 255)
    np.testing.assert_array_equal(scores.argmax(1).numpy(), result.training_labels)
    assert (result.training_labels == digits.labels).mean() < 0.2


def test_a_seed_decides_everything_and_global_state_is_left_alone(digits):
    torch_state = torch.get_rng_state()
    numpy_state = np.random.get_state()[1].copy()  # noqa: NPY002
    (one, first), (same, second), (other, _) = (
        trained(digits, seed=s, epochs=2, labels_mode="noise:0.5") for s in (1, 1, 2)
    )
    assert torch.equal(torch_state, torch.get_rng_state())
    np.testing.assert_array_equal(numpy_state, np.random.get_state()[1])  # noqa: NPY002
    assert first.history == second.history
    for a, b in zip(one.parameters(), same.parameters(), strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(next(one.parameters()), next(other.parameters()))


def test_dropout_is_seeded_too(digits):
    def run():
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            network = nn.Sequential(nn.Flatten(), nn.Dropout(), nn.Linear(784, 10))
        return train(network, digits.images, digits.labels, epochs=1, seed=5).history

    assert run() == run()


def test_labels_are_drawn_once_and_grow_with_the_fraction():
    true = np.repeat(np.arange(10), 200)
    np.testing.assert_array_equal(draw_labels(true, "true", 10, 3), true)
    random = draw_labels(true, "random", 10, 3)
    np.testing.assert_array_equal(random, draw_labels(true, "noise:1.0", 10, 3))
    assert abs((random == true).mean() - 0.1) < 0.05
    assert np.bincount(random).min() > 140
    less, more = (draw_labels(true, f"noise:{f}", 10, 3) for f in (0.2, 0.5))
    changed = less != true
    np.testing.assert_array_equal(less[changed], more[changed])
    assert abs((less != true).mean() - 0.18) < 0.03
    assert (draw_labels(true, "random", 10, 4) != random).any()


@pytest.mark.parametrize("mode", ["noise", "noise:", "noise:2", "noise:nan", "True", ""])
def test_unknown_label_modes(mode):
    with pytest.raises(InvalidInputError, match="labels must be 'true'"):
        draw_labels(np.arange(3), mode, 3, 0)


def test_checkpoints_hold_all_that_is_needed(digits, tmp_path):
    folder = tmp_path / "new" / "folder"
    network, result = trained(
        digits,
        epochs=2,
        labels_mode="random",
        checkpoints=folder,
        test=(digits.images[:50], digits.labels[:50]),
        facts={"architecture": "mlp", "dataset": "mnist-5k", "limit": 300},
        normalize=(0.1, 0.3),
    )
    assert sorted(p.name for p in folder.iterdir()) == [
        "epoch-0000.pt",
        "epoch-0001.pt",
        "epoch-0002.pt",
    ]
    state, facts = read_weights(folder / "epoch-0002.pt")
    assert {"seed", "labels", "history", "dataset", "limit", "stochnet_version"} <= set(facts)
    assert facts["history"][1]["test_accuracy"] == result.history[1].test_accuracy
    assert all(torch.equal(v, state[k]) for k, v in network.state_dict().items())
    start = load_network(str(folder / "epoch-0000.pt"), image_shape=(1, 28, 28), n_classes=10)
    untrained = build_model("mlp", (1, 28, 28), 10).state_dict()
    assert all(torch.equal(v, untrained[k]) for k, v in start.model.state_dict().items())
    np.testing.assert_array_equal(start.training_labels, result.training_labels)
    assert start.normalize == ((0.1,), (0.3,))
    save_network(tmp_path / "net.pt", network, result.facts)
    assert read_weights(tmp_path / "net.pt")[1]["history"] == facts["history"]


def test_stopping_early_or_never(digits):
    _, result = trained(digits, epochs=30, stop_at=0.5)
    assert result.history[-1].train_accuracy >= 0.5
    assert len(result.history) < 30
    few = digits.first(20)
    _, result = trained(few, epochs=25, stop_at=None)
    assert len(result.history) == 25


def test_batch_normalization_and_a_remainder_of_one(digits):
    with torch.random.fork_rng(devices=[]):
        network = nn.Sequential(nn.Flatten(), nn.Linear(784, 10), nn.BatchNorm1d(10))
    train(network, digits.images[:65], digits.labels[:65], batch_size=32, epochs=1, n_classes=10)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 0}, "epochs"),
        ({"lr": 0.0}, "lr positive"),
        ({"batch_size": 0}, "batch_size"),
        ({"seed": -1}, "seed"),
        ({"weight_decay": -1.0}, "weight_decay"),
        ({"n_classes": 2}, "none of the 2 classes"),
        ({"checkpoints": "/dev/null/x"}, "cannot be made"),
        ({"test": (np.zeros((2, 28, 28), np.uint8), [0])}, "labels must be one integer"),
    ],
)
def test_bad_arguments(digits, options, message):
    network = build_model("mlp", digits.image_shape, 10)
    with pytest.raises(InvalidInputError, match=message):
        train(network, digits.images, digits.labels, **options)
    with pytest.raises(InvalidInputError, match="labels must be one integer"):
        train(network, digits.images, digits.labels[:3])


def test_divergence_is_said(digits):
    network = build_model("mlp", digits.image_shape, 10)
    with torch.no_grad():
        network[1].weight[0, 0] = torch.nan
    with pytest.raises(RecordingError, match="lower the step size"):
        train(network, digits.images, digits.labels, epochs=1)


def test_each_epoch_is_shown_to_a_function_that_can_end_the_training(digits):
    seen = []

    def after(epoch, network):
        assert not network.training
        seen.append((epoch.epoch, epoch.train_accuracy, network[1].weight.detach().clone()))
        return epoch.epoch == 3

    network, result = trained(digits, epochs=9, stop_at=None, after_epoch=after)
    assert [epoch for epoch, _, _ in seen] == [0, 1, 2, 3]
    assert [accuracy for _, accuracy, _ in seen[1:]] == [
        one.train_accuracy for one in result.history
    ]
    assert torch.equal(seen[-1][2], network[1].weight)
    plain, _ = trained(digits, epochs=3, stop_at=None)
    assert torch.equal(network[1].weight, plain[1].weight)


def test_weight_decay_takes_its_share_off_every_step(digits):
    # With a step size so small that gradients do not matter beside it, what is left of a weight
    # after k steps is (1 - lr · decay)^k: here 3 epochs of 3 batches.
    network, result = trained(digits, epochs=3, lr=1e-6, weight_decay=1e4, stop_at=None)
    start = build_model("mlp", digits.image_shape, 10, seed=0)
    ratio = network[3].weight.detach().norm() / start[3].weight.detach().norm()
    assert float(ratio) == pytest.approx(0.99**9, rel=1e-3)
    assert result.facts["weight_decay"] == 1e4


def test_without_weight_decay_steps_are_those_of_adam(digits, monkeypatch):
    network, _ = trained(digits, epochs=2)
    given = {}

    def adam(parameters, lr, weight_decay):
        given["weight_decay"] = weight_decay
        return torch.optim.Adam(parameters, lr=lr)

    monkeypatch.setattr(torch.optim, "AdamW", adam)
    plain, _ = trained(digits, epochs=2)
    assert given == {"weight_decay": 0.0}
    assert all(map(torch.equal, network.state_dict().values(), plain.state_dict().values()))


def test_a_network_trains_where_it_is_told_and_comes_back(digits):
    network, _ = trained(digits, epochs=1, device="cpu")
    assert next(network.parameters()).device.type == "cpu"
    with pytest.raises(InvalidInputError, match="device 'nowhere' is unknown"):
        trained(digits, epochs=1, device="nowhere")


@pytest.mark.gpu
def test_training_on_a_gpu_is_seeded_and_comes_back(digits):
    if not torch.cuda.is_available():
        pytest.skip("no GPU")
    network, result = trained(digits, epochs=30, device="cuda")
    again, _ = trained(digits, epochs=30, device="cuda")
    assert result.history[-1].train_accuracy > 0.9
    assert next(network.parameters()).device.type == "cpu"
    assert torch.allclose(network[1].weight, again[1].weight, atol=1e-3)
