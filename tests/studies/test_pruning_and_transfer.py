"""The studies of pruning and of transfer: their smallest scale, and identities of their parts."""

import numpy as np
import pytest
import torch

import stochnet as sn
from stochnet.recording import build_model
from tests.support.studies import SIMS, module, read


@pytest.fixture(scope="module")
def images():
    return torch.from_numpy(np.random.default_rng(1).random((8, 1, 16, 16), np.float32))


def test_the_study_of_pruning_runs_and_compares_every_criterion(tmp_path):
    result = sn.run_study(SIMS / "pruning", scale="smoke", output=tmp_path)
    assert result.complete, result.failures
    rows = read(tmp_path / "areas.csv")
    trained = [row for row in rows if row["ranked_on"] == "trained" and row["method"] == "zero"]
    assert len({row["criterion"] for row in trained}) == 15
    for row in rows:
        assert 0 <= float(row["area"]) <= 1
        if row["criterion"] == "magnitude":
            assert row["minus_magnitude"] == "" or row["ranked_on"] == "initial"
    assert {path.name for path in tmp_path.glob("*.png")} == {"curves.png", "differences.png"}


def test_the_study_of_transfer_runs_and_ranks_every_predictor(tmp_path):
    result = sn.run_study(SIMS / "transfer", scale="smoke", output=tmp_path)
    assert result.complete, result.failures
    pairs = read(tmp_path / "pairs.csv")
    assert {(row["target"], row["source"]) for row in pairs} == {
        (target, source)
        for target in ("digits", "fashion")
        for source in ("untrained", "digits-few")
    }
    assert {row["cut"] for row in pairs} == {"1", "2", "3", "4"}
    ranks = read(tmp_path / "ranks.csv")
    assert all(-1 <= float(row["rho"]) <= 1 for row in ranks)
    assert all(float(row["lost"]) >= 0 for row in read(tmp_path / "regrets.csv"))


@pytest.mark.parametrize("name", ["mlp", "lenet", "vgg11"])
def test_a_network_without_units_is_the_network_with_these_units_at_zero(name, images):
    units = module("pruning", "units")
    model = build_model(name, (1, 16, 16), 10, seed=1).eval()
    layers = units.hidden_layers(model)
    rng = np.random.default_rng(2)
    orders = [rng.permutation(layer.n_units) for layer in layers]
    small = units.without(model, orders, 0.4).eval()
    handles = []
    for layer, order in zip(layers, orders, strict=True):
        gate = torch.ones(layer.n_units)
        gate[order[: round(0.4 * len(order))].copy()] = 0
        handles.append(
            layer.relu.register_forward_hook(
                lambda _, __, out, gate=gate: out * gate.reshape(1, -1, *(1,) * (out.ndim - 2))
            )
        )
    with torch.no_grad():
        held, left = model(images), small(images)
        for handle in handles:
            handle.remove()
        intact = model(images)
    assert torch.allclose(left, held, atol=1e-6)
    assert not torch.allclose(left, intact, atol=1e-6)


def test_units_that_are_constant_are_replaced_by_their_means_without_a_change(images):
    units = module("pruning", "units")
    model = build_model("mlp", (1, 16, 16), 10, seed=1).eval()
    layers = units.hidden_layers(model)
    for layer in layers:
        # Half of the units ignore their input and always give 0.3.
        layer.own[0].weight.data[::2] = 0
        layer.own[0].bias.data[::2] = 0.3
    orders = [np.r_[0 : layer.n_units : 2, 1 : layer.n_units : 2] for layer in layers]
    means = [np.full(layer.n_units, 0.3) for layer in layers]
    with torch.no_grad():
        intact = model(images)
        assert torch.allclose(units.without(model, orders, 0.5, means)(images), intact, atol=1e-5)
        assert not torch.allclose(units.without(model, orders, 0.5)(images), intact, atol=1e-2)


def test_the_unit_removed_next_is_the_one_that_those_left_predict_best():
    ranking = module("pruning", "ranking")
    rng = np.random.default_rng(3)
    loadings = rng.normal(size=(12, 3)) * 0.4
    unit = np.arange(12)
    covariance = loadings @ loadings.T
    np.fill_diagonal(covariance, 1)
    left, order = list(range(12)), []
    while left:
        inverse = np.linalg.inv(covariance[np.ix_(left, left)])
        order.append(left.pop(int(np.argmax(1 - 1 / np.diag(inverse)))))
    # Of the last two, each predicts the other equally well.
    assert np.argsort(ranking.survivors(loadings, unit)).tolist()[:10] == order[:10]


def test_dead_units_are_removed_first_and_those_without_a_score_next():
    ranking = module("pruning", "ranking")
    scores = np.array([0.2, np.nan, 0.1, np.nan, 0.3])
    dead = np.array([False, True, False, False, False])
    order = ranking.ordered(scores, dead, np.random.default_rng(4))
    assert order.tolist() == [1, 3, 2, 0, 4]


def test_the_area_of_a_straight_line_is_its_middle():
    area = module("pruning", "areas").area
    assert area(np.array([0.0, 0.3, 0.9]), np.array([1.0, 0.8, 0.4])) == pytest.approx(0.7)


@pytest.mark.parametrize("name", ["mlp", "lenet"])
def test_what_is_in_front_of_a_cut_and_behind_it_is_the_network(name, images):
    cutting = module("transfer", "cutting")
    model = build_model(name, (1, 16, 16), 10, seed=1).eval()
    found = cutting.cuts(model)
    assert [cut.depth for cut in found] == list(range(1, len(found) + 1))
    with torch.no_grad():
        for cut in found:
            assert torch.equal(cut.behind(cutting.shown(cut.front, images)), model(images))


def test_the_nearest_mean_leaves_each_image_out_of_its_own_mean():
    cutting = module("transfer", "cutting")
    rng = np.random.default_rng(5)
    labels = np.repeat([0, 1, 2], 10)
    features = rng.normal(size=(30, 4)) + labels[:, None] * 0.7
    right = 0
    for k in range(30):
        means = [
            features[(labels == c) & (np.arange(30) != k)].mean(0) for c in range(3)
        ]  # fmt: skip
        right += int(np.argmin([np.sum((features[k] - mean) ** 2) for mean in means]) == labels[k])
    assert cutting.nearest_mean(features, labels) == pytest.approx(right / 30)


@pytest.mark.parametrize("size", [5, 60])
def test_the_log_evidence_is_the_highest_of_a_gaussian_linear_model(size):
    cutting = module("transfer", "cutting")
    rng = np.random.default_rng(6)
    features = rng.normal(size=(40, size))
    labels = (features[:, 0] + 0.5 * rng.normal(size=40) > 0).astype(int)

    def evidence(y, alpha, beta):
        covariance = np.eye(40) / beta + features @ features.T / alpha
        _, log_det = np.linalg.slogdet(covariance)
        return -0.5 * (40 * np.log(2 * np.pi) + log_det + y @ np.linalg.solve(covariance, y))

    steps = np.exp(np.linspace(-5, 10, 61))
    best = np.mean([
        max(evidence((labels == c).astype(float), a, b) for a in steps for b in steps) / 40
        for c in (0, 1)
    ])  # fmt: skip
    assert cutting.log_evidence(features, labels) == pytest.approx(best, abs=0.01)
