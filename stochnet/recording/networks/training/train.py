"""A plain training loop, on true, random or partly random labels."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from stochnet.errors import InvalidInputError, RecordingError
from stochnet.kernels.threads import Progress
from stochnet.recording.networks.inputs.images import Normalize, Stimuli, prepare
from stochnet.recording.networks.inputs.label_arrays import draw_labels
from stochnet.recording.networks.models.named import seeded
from stochnet.recording.networks.models.weights import save_network
from stochnet.recording.networks.state import find_device, moved

_EVALUATED = 1024


@dataclass(frozen=True, slots=True)
class Epoch:
    """What an epoch came to; accuracies are those of the weights at its end, in eval mode."""

    epoch: int
    loss: float
    train_accuracy: float
    test_accuracy: float | None = None


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """What a training came to.

    Attributes
    ----------
    history : tuple of Epoch
        One entry per epoch.
    training_labels : ndarray of int64 (stimulus,)
        The labels trained on.
    facts : dict
        What a checkpoint needs beside the weights; hand it to `save_network`.
    """

    history: tuple[Epoch, ...]
    training_labels: NDArray[np.int64]
    facts: dict[str, Any] = field(default_factory=dict)


def train(
    model: nn.Module,
    images: ArrayLike,
    labels: ArrayLike,
    *,
    epochs: int = 100,
    batch_size: int = 128,
    lr: float = 1e-3,
    weight_decay: float = 0.0,
    seed: int = 0,
    labels_mode: str = "true",
    stop_at: float | None = 1.0,
    checkpoints: str | os.PathLike[str] | None = None,
    test: tuple[ArrayLike, ArrayLike] | None = None,
    n_classes: int | None = None,
    normalize: Normalize | None = None,
    device: str | torch.device = "cpu",
    facts: Mapping[str, Any] | None = None,
    after_epoch: Callable[[Epoch, nn.Module], bool | None] | None = None,
    progress: Progress | None = None,
) -> TrainingResult:
    """Train a network in place, with Adam (AdamW) on the cross-entropy.

    On the CPU, and with one number of threads, a seed gives the same weights every time. The global
    random state of torch is as before afterwards.

    Parameters
    ----------
    model : nn.Module
        Network that returns scores (batch, class).
    images, labels : array_like
        As for `stochnet.record`.
    epochs : int, default 100
        At most so many times through the images.
    batch_size : int, default 128
        Images per step.
    lr : float, default 0.001
        Step size of Adam.
    weight_decay : float, default 0.0
        Share of every weight, times `lr`, that a step takes off (Loshchilov & Hutter 2019, AdamW).
    seed : int, default 0
        Decides the order of the images, dropout and random labels.
    labels_mode : str, default "true"
        As `mode` of `draw_labels`.
    stop_at : float, optional
        Stop after an epoch with this training accuracy; 1.0 by default, None for never.
    checkpoints : path-like, optional
        Folder for the network before training (``epoch-0000.pt``) and after each epoch.
    test : tuple of (images, labels), optional
        Measured after each epoch, never trained on.
    n_classes : int, optional
        One more than the highest label by default.
    normalize : tuple of (mean, std), optional
        As for `stochnet.record`; kept in the checkpoint.
    device : str, default "cpu"
        Where the network trains; afterwards it is where it was.
    facts : mapping, optional
        To keep in the checkpoints, such as the names of architecture and data set.
    after_epoch : callable, optional
        Called with (what the epoch came to, the network in eval mode) after each epoch, and before
        the training with epoch 0, whose loss is NaN; for example to record the network. It must
        leave the weights and the random state alone. Training ends where it returns True.
    progress : callable, optional
        Called with ("train", epochs done, epochs).

    Raises
    ------
    InvalidInputError
        An argument cannot be used.
    RecordingError
        The loss is not finite.
    """
    if epochs < 1 or batch_size < 1 or not lr > 0:
        raise InvalidInputError("epochs and batch_size must be at least 1, and lr positive")
    if not 0 <= weight_decay < math.inf:
        raise InvalidInputError(f"weight_decay must be 0 or more, got {weight_decay}")
    if not 0 <= seed < 2**63:
        raise InvalidInputError(f"seed must lie in 0 to 2^63 - 1, got {seed}")
    shown = prepare(images, normalize)
    true = _labels(labels, len(shown))
    n_classes = int(true.max()) + 1 if n_classes is None else n_classes
    if true.max() >= n_classes:
        raise InvalidInputError(f"label {true.max()} is none of the {n_classes} classes")
    target = draw_labels(true, labels_mode, n_classes, seed)
    held_out = None
    if test is not None:
        test_images = prepare(test[0], normalize)
        held_out = (test_images, torch.from_numpy(_labels(test[1], len(test_images))))
    wanted = torch.from_numpy(target)
    place = find_device(device)
    known: dict[str, Any] = {
        "image_shape": list(shown.at(torch.tensor([0])).shape[1:]),
        "n_classes": n_classes,
        "seed": seed,
        "labels": labels_mode,
        "training_labels": wanted.clone(),
        "batch_size": batch_size,
        "lr": lr,
        "weight_decay": weight_decay,
        "epochs": epochs,
        "stop_at": stop_at,
        "normalize": [list(shown.mean), list(shown.std)] if shown.mean else None,
        **(facts or {}),
    }
    history: list[Epoch] = []
    folder = None if checkpoints is None else _folder(checkpoints)
    order = torch.Generator().manual_seed(seed)
    with seeded(seed, place), moved(model, place):
        # Without decay this is Adam, to the bit.
        optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=weight_decay)
        _checkpoint(folder, 0, model, known, history)
        if after_epoch is not None:
            after_epoch(_measured(0, math.nan, model, shown, wanted, held_out, place), model)
        for epoch in range(1, epochs + 1):
            loss = _epoch(model, optimizer, shown, wanted, batch_size, order, place)
            if not math.isfinite(loss):
                raise RecordingError(
                    f"the loss of epoch {epoch} is {loss}: lower the step size (lr={lr})"
                )
            history.append(_measured(epoch, loss, model, shown, wanted, held_out, place))
            _checkpoint(folder, epoch, model, known, history)
            enough = stop_at is not None and history[-1].train_accuracy >= stop_at
            if after_epoch is not None:
                enough |= bool(after_epoch(history[-1], model))
            if progress is not None:
                progress("train", epoch, epochs)
            if enough:
                break
    known["history"] = [asdict(one) for one in history]
    return TrainingResult(tuple(history), target, known)


def _epoch(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    shown: Stimuli,
    labels: torch.Tensor,
    batch_size: int,
    order: torch.Generator,
    device: torch.device,
) -> float:
    """Go once through the images in random order; return the mean loss."""
    model.train()
    total = 0.0
    permuted = torch.randperm(len(shown), generator=order)
    for start in range(0, len(shown), batch_size):
        index = permuted[start : start + batch_size]
        # Batch normalization cannot train on a single image.
        if len(index) == 1 and len(shown) > 1:
            continue
        images, wanted = shown.at(index).to(device), labels[index].to(device)
        loss = nn.functional.cross_entropy(model(images), wanted)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        total += loss.item() * len(index)
    return total / len(shown)


def _measured(
    epoch: int,
    loss: float,
    model: nn.Module,
    shown: Stimuli,
    labels: torch.Tensor,
    held_out: tuple[Stimuli, torch.Tensor] | None,
    device: torch.device,
) -> Epoch:
    tested = None if held_out is None else _accuracy(model, *held_out, device)
    return Epoch(epoch, loss, _accuracy(model, shown, labels, device), tested)


def _accuracy(
    model: nn.Module, shown: Stimuli, labels: torch.Tensor, device: torch.device
) -> float:
    model.eval()
    right = 0
    with torch.no_grad():
        for start in range(0, len(shown), _EVALUATED):
            stop = min(start + _EVALUATED, len(shown))
            scores = model(shown.batch(start, stop, device, torch.float32))
            right += int((scores.argmax(1).cpu() == labels[start:stop]).sum())
    return right / len(shown)


def _labels(labels: ArrayLike, n: int) -> NDArray[np.int64]:
    array = np.asarray(labels)
    if array.shape != (n,) or array.dtype.kind not in "iu" or array.min() < 0:
        raise InvalidInputError(
            f"labels must be one integer from 0 for each of the {n} images, got {array.dtype} "
            f"of shape {array.shape}"
        )
    return array.astype(np.int64)


def _folder(path: str | os.PathLike[str]) -> Path:
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInputError(f"the folder {folder} cannot be made: {error}") from error
    return folder


def _checkpoint(
    folder: Path | None,
    epoch: int,
    model: nn.Module,
    known: Mapping[str, Any],
    history: list[Epoch],
) -> None:
    if folder is not None:
        facts = {**known, "history": [asdict(one) for one in history]}
        save_network(folder / f"epoch-{epoch:04d}.pt", model, facts)


@contextmanager
def torch_threads(n_threads: int) -> Iterator[None]:
    """Let torch compute with so many threads; afterwards with as many as before.

    Small networks are as fast on one, which other processes on the machine cannot stall, and whose
    sums do not depend on the number of cores.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(n_threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
