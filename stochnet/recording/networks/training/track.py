"""Indicators of checkpoints, of a training that has ended or still runs."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from stochnet.errors import FileFormatError, InvalidInputError
from stochnet.kernels.threads import Progress
from stochnet.recording.networks.identity import state_sha256, weights_sha256
from stochnet.recording.networks.inputs.datasets import Dataset
from stochnet.recording.networks.inputs.images import Normalize
from stochnet.recording.networks.models.named import Network, load_network, trained_on
from stochnet.recording.networks.models.weights import read_weights
from stochnet.recording.networks.training.meter import Meter
from stochnet.recording.networks.training.monitor import numbers_of
from stochnet.recording.networks.training.scalars import Scalars, Writer
from stochnet.recording.tracking.indicators import Row
from stochnet.recording.tracking.log import Log
from stochnet.recording.tracking.redraw import Page


def track(
    checkpoints: Iterable[str | os.PathLike[str]],
    dataset: Dataset,
    *,
    folder: str | os.PathLike[str] | None = None,
    model: str = "",
    device: str = "cpu",
    normalize: Normalize | None = None,
    page: bool | None = None,
    tensorboard: bool | str | os.PathLike[str] | Writer | None = None,
    poll: float | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> tuple[Row, ...]:
    """Record every checkpoint of a training and keep its indicators, as `Monitor` does.

    A checkpoint whose epoch and weights are in the table of the folder is not recorded again. One
    with other weights takes the place of its epoch.

    Parameters
    ----------
    checkpoints : iterable of path-like
        Files, and folders, which stand for the checkpoints in them.
    dataset : Dataset
        Images to show, with labels. Where checkpoints of stochnet were trained on other labels of
        these images, blocked and the selectivity are by both.
    folder : path-like, optional
        As for `Monitor`.
    model : str, optional
        The architecture of checkpoints that do not name it, as for `load_network`.
    device : {"cpu", "cuda"}
        Where the networks run.
    normalize : tuple of (mean, std), optional
        As for `stochnet.record`; by default what the checkpoints say.
    page, tensorboard
        As for `Monitor`.
    poll : float, optional
        Look for new checkpoints every so many seconds, until the last one of the training. Of
        checkpoints that are not of stochnet nobody knows which is the last: interrupt it.
    progress : callable, optional
        Called with ("track: epoch E", checkpoints done, checkpoints).
    **options
        layers, threshold, unit, channel_rule, windows, schedules, nodes_per_layer, batch_size and
        seed of `Monitor`.

    Returns
    -------
    tuple of dict
        All rows, in the order of the epochs.

    Raises
    ------
    InvalidInputError
        A checkpoint is missing, of unknown epoch or architecture, or of another training than the
        others; an argument cannot be used.
    FileFormatError
        A file holds no weights that can be loaded safely.
    RecordingError
        As `stochnet.record`.
    """
    paths = list(checkpoints)
    if poll is not None and not poll > 0:
        raise InvalidInputError(f"poll must be positive seconds, got {poll}")
    find_checkpoints(paths, waiting=poll is not None)
    tracker = _Tracker(dataset, folder, model, device, normalize, page, tensorboard, options)
    try:
        while True:
            ended = tracker.take(find_checkpoints(paths, waiting=poll is not None), progress, poll)
            if poll is None or ended:
                return tracker.rows
            time.sleep(poll)
    finally:
        tracker.close()


class _Tracker:
    """Takes checkpoints one by one; the first one says what the others must have in common."""

    def __init__(
        self,
        dataset: Dataset,
        folder: str | os.PathLike[str] | None,
        model: str,
        device: str,
        normalize: Normalize | None,
        page: bool | None,
        tensorboard: bool | str | os.PathLike[str] | Writer | None,
        options: Mapping[str, Any],
    ) -> None:
        self._dataset, self._model, self._device = dataset, model, device
        self._normalize, self._options = normalize, options
        self._outputs = folder, page, tensorboard
        self._common: tuple[Any, Any] | None = None
        self._seen: dict[Path, tuple[int, int]] = {}
        self._broken: dict[Path, tuple[int, int]] = {}
        self._from: dict[int, tuple[Path, str]] = {}
        self._last = False
        self._meter: Meter | None = None
        self._log: Log | None = None
        self._page: Page | None = None
        self._scalars: Scalars | None = None

    @property
    def rows(self) -> tuple[Row, ...]:
        return () if self._log is None else self._log.rows

    def take(self, paths: Sequence[Path], progress: Progress | None, poll: float | None) -> bool:
        """Take the files that are new; return whether the training has ended."""
        new = [path for path in paths if self._seen.get(path) != _stamp(path)]
        for k, path in enumerate(new):
            stamp = _stamp(path)
            try:
                epoch = self._take(path)
            except FileFormatError:
                # It may still be being written; what does not change any more is broken.
                if poll is None or self._broken.get(path) == stamp:
                    raise
                self._broken[path] = stamp
                continue
            self._seen[path] = stamp
            if progress is not None:
                progress(f"track: epoch {epoch}", k + 1, len(new))
        return self._last

    def close(self) -> None:
        if self._page is not None and self._scalars is not None:
            self._page.write(running=False)
            self._scalars.close()

    def _take(self, path: Path) -> int:
        state, facts = read_weights(path)
        epoch = epoch_of(path, facts)
        self._last |= is_last(facts)
        weights = state_sha256(state)
        self._check_epoch(path, epoch, weights)
        if self._log is not None and self._log.weights(epoch) == weights:
            return epoch
        if not facts and not self._model:
            raise InvalidInputError(
                f"{path} holds weights without an architecture: name it with model (--model)"
            )
        network = load_network(
            self._model,
            path,
            image_shape=self._dataset.image_shape,
            n_classes=self._dataset.n_classes,
        )
        log, meter = self._opened(path, network)
        # Weights of old files lack counters, so the hash of the network is the one that is kept.
        weights = weights_sha256(network.model)
        if log.weights(epoch) != weights:
            rows = meter.measure(network.model)
            numbers = numbers_of(facts["history"]) if "history" in facts else {}
            log.put(epoch, rows, weights, numbers)
            if self._page is not None and self._scalars is not None:
                self._page.write(running=True)
                self._scalars.write(epoch, rows, numbers)
        return epoch

    def _check_epoch(self, path: Path, epoch: int, weights: str) -> None:
        other, known = self._from.setdefault(epoch, (path, weights))
        if other != path and known != weights:
            raise InvalidInputError(
                f"{other} and {path} are both of epoch {epoch} and differ: track one training at "
                "a time"
            )
        self._from[epoch] = path, weights

    def _opened(self, path: Path, network: Network) -> tuple[Log, Meter]:
        """Return table and meter, made for the first checkpoint; all must fit these."""
        training = trained_on(network, self._dataset)
        normalize = self._normalize or network.normalize
        common = (None if training is None else training.tobytes(), normalize)
        if self._meter is None or self._log is None:
            self._common = common
            self._meter = Meter(
                self._dataset.images,
                self._dataset.labels,
                training_labels=training,
                normalize=normalize,
                device=self._device,
                **self._options,
            )
            folder, page, tensorboard = self._outputs
            self._log = Log(folder, self._meter.plan.columns, self._meter.settings)
            self._page = Page(self._log, self._meter.plan, page)
            self._scalars = Scalars(tensorboard, self._log.folder)
        elif common != self._common:
            raise InvalidInputError(
                f"{path} was trained on other labels, or on images normalized in another way, than "
                "the checkpoints before: track one training at a time"
            )
        return self._log, self._meter


def _stamp(path: Path) -> tuple[int, int]:
    try:
        about = path.stat()
    except FileNotFoundError as error:
        raise InvalidInputError(f"{path} has been removed while it was tracked") from error
    return about.st_size, about.st_mtime_ns


ENDINGS = (".pt", ".pth", ".th", ".ckpt", ".safetensors")
_EPOCH = re.compile(r"epoch\D?(\d+)", re.IGNORECASE)
_NUMBER = re.compile(r"\d+")


def find_checkpoints(
    paths: Iterable[str | os.PathLike[str]], *, waiting: bool = False
) -> list[Path]:
    """Return the files that are meant, in the order of the numbers in their names, each once.

    Parameters
    ----------
    paths : iterable of path-like
        Files, and folders, which stand for the checkpoints in them (``.pt``, ``.pth``, ``.th``,
        ``.ckpt``, ``.safetensors``).
    waiting : bool, default False
        Whether files and folders may be missing that will come.

    Raises
    ------
    InvalidInputError
        Something is missing, or a folder has no checkpoint.
    """
    found: dict[Path, None] = {}
    for path in map(Path, paths):
        if path.is_dir():
            inside = [one for one in path.iterdir() if _is_checkpoint(one)]
            if not inside and not waiting:
                raise InvalidInputError(
                    f"the folder {path} has no checkpoint: files that end in {', '.join(ENDINGS)}"
                )
            found |= dict.fromkeys(inside)
        elif path.is_file():
            found[path] = None
        elif not waiting:
            raise InvalidInputError(f"there is no checkpoint or folder {path}")
    return sorted(found, key=lambda path: (_from_name(path) or 0, path.name))


def epoch_of(path: Path, facts: Mapping[str, Any]) -> int:
    """Return the epoch of a checkpoint: what its facts say, or else the number in its name.

    ``epoch-0012.pt``, ``epoch=12-step=900.ckpt`` and ``net_12.pth`` are of epoch 12.

    Raises
    ------
    InvalidInputError
        Neither says it.
    """
    if isinstance(facts.get("history"), list):
        history = facts["history"]
        return int(history[-1]["epoch"]) if history else 0
    epoch = _from_name(path)
    if epoch is None:
        raise InvalidInputError(
            f"the epoch of {path} is not known: put its number into the name, as in epoch-0012"
            f"{path.suffix}"
        )
    return epoch


def is_last(facts: Mapping[str, Any]) -> bool:
    """Whether a checkpoint of stochnet is the last one of its training."""
    history = facts.get("history")
    if not history or "epochs" not in facts:
        return False
    last, stop_at = history[-1], facts.get("stop_at")
    return bool(
        last["epoch"] >= facts["epochs"]
        or (stop_at is not None and last["train_accuracy"] >= stop_at)
    )


def _is_checkpoint(path: Path) -> bool:
    return path.suffix in ENDINGS and not path.name.startswith(".") and path.is_file()


def _from_name(path: Path) -> int | None:
    named = _EPOCH.findall(path.stem) or _NUMBER.findall(path.stem)
    return int(named[-1]) if named else None
