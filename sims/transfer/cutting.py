"""A chain of layers cut behind a hidden layer: features in front, what is retrained behind."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from stochnet.recording import train
from stochnet.recording.networks.models.named import seeded

WEIGHTED = (nn.Linear, nn.Conv2d)


@dataclass(frozen=True)
class Cut:
    """A cut: the name of the hidden layer in front, its depth from 1, and both parts."""

    layer: str
    depth: int
    front: nn.Sequential
    behind: nn.Sequential


def cuts(model: nn.Sequential) -> list[Cut]:
    """Cut a chain behind every hidden layer, and what pools or flattens it."""
    children = list(model.named_children())
    found = []
    for k, (name, module) in enumerate(children):
        if isinstance(module, nn.ReLU):
            stop = k + 1
            while not isinstance(children[stop][1], WEIGHTED):
                stop += 1
            parts = [nn.Sequential(*(m for _, m in some)) for some in
                     (children[:stop], children[stop:])]  # fmt: skip
            found.append(Cut(name, len(found) + 1, *parts))
    return found


def shown(front: nn.Sequential, images: torch.Tensor) -> torch.Tensor:
    """Features of images in front of a cut, in evaluation mode."""
    front.eval()
    with torch.no_grad():
        return torch.cat([front(part) for part in images.split(500)])


def _right(scores: torch.Tensor, labels: torch.Tensor) -> float:
    return float((scores.argmax(1) == labels).double().mean())


def with_head(
    known: tuple[torch.Tensor, torch.Tensor],
    unseen: tuple[torch.Tensor, torch.Tensor],
    n_classes: int,
    ridge: float,
) -> float:
    """Held-out accuracy of a linear classifier: multinomial logistic regression with a ridge."""
    scale = known[0].square().sum(1).mean().sqrt().clamp_min(1e-12)
    x, rest = (part[0].flatten(1).double() / scale for part in (known, unseen))
    weights = torch.zeros(x.shape[1], n_classes, dtype=torch.double, requires_grad=True)
    bias = torch.zeros(n_classes, dtype=torch.double, requires_grad=True)
    search = torch.optim.LBFGS([weights, bias], max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        search.zero_grad()
        value = nn.functional.cross_entropy(x @ weights + bias, known[1])
        value = value + ridge / 2 * weights.square().sum()
        value.backward()
        return value

    search.step(loss)
    with torch.no_grad():
        return _right(rest @ weights + bias, unseen[1])


def with_tail(
    cut: Cut,
    known: tuple[torch.Tensor, torch.Tensor],
    unseen: tuple[torch.Tensor, torch.Tensor],
    n_classes: int,
    settings: dict[str, float],
    seed: int,
) -> float:
    """Held-out accuracy after what is behind the cut was trained, with a new last layer."""
    tail = copy.deepcopy(cut.behind)
    with seeded(seed):
        tail[-1] = nn.Linear(tail[-1].in_features, n_classes)
    train(
        tail, known[0], known[1].numpy(), epochs=int(settings["epochs"]), seed=seed, stop_at=None,
        batch_size=int(settings["batch_size"]), lr=settings["learning_rate"], n_classes=n_classes,
    )  # fmt: skip
    tail.eval()
    with torch.no_grad():
        return _right(tail(unseen[0]), unseen[1])


def log_evidence(features: np.ndarray, labels: np.ndarray) -> float:
    """LogME (You et al. 2021): log evidence per image of linear models of the classes.

    The features are regressed on every class's indicator with a Gaussian prior on the weights;
    the two precisions maximise the evidence by MacKay's fixed point.
    """
    n, size = features.shape
    left, singular, _ = np.linalg.svd(features, full_matrices=False)
    sigma = singular**2
    total = []
    for label in np.unique(labels):
        y = (labels == label).astype(np.float64)
        along = (left.T @ y) ** 2
        outside = max(float(y @ y - along.sum()), 0.0)
        alpha = beta = 1.0
        for _ in range(100):
            gain = alpha + beta * sigma
            gamma = float((beta * sigma / gain).sum())
            weights = float((beta**2 * sigma * along / gain**2).sum())
            misfit = float((along * (alpha / gain) ** 2).sum()) + outside
            before = alpha / beta
            alpha = gamma / max(weights, 1e-12)
            beta = (n - gamma) / max(misfit, 1e-12)
            if abs(alpha / beta - before) <= 1e-4 * before:
                break
        gain = alpha + beta * sigma
        weights = float((beta**2 * sigma * along / gain**2).sum())
        misfit = float((along * (alpha / gain) ** 2).sum()) + outside
        evidence = (
            size * np.log(alpha) + n * np.log(beta) - n * np.log(2 * np.pi)
            - beta * misfit - alpha * weights
            - np.log(gain).sum() - (size - len(sigma)) * np.log(alpha)
        ) / 2  # fmt: skip
        total.append(evidence / n)
    return float(np.mean(total))


def nearest_mean(features: np.ndarray, labels: np.ndarray) -> float:
    """Share of images nearest to the mean of their own class, each left out of its mean."""
    classes = np.unique(labels)
    distance = np.empty((len(features), len(classes)))
    for k, label in enumerate(classes):
        own = labels == label
        total, n = features[own].sum(0), own.sum()
        distance[:, k] = ((features - total / n) ** 2).sum(1)
        # Without itself an image is n/(n-1) times as far from the mean of its class.
        distance[own, k] *= (n / (n - 1)) ** 2
    return float((classes[distance.argmin(1)] == labels).mean())
