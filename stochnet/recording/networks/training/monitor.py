"""A callback for training loops: the indicators of a network after every epoch."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

import torch
from numpy.typing import ArrayLike
from torch import nn

from stochnet.errors import InvalidInputError, StochnetError
from stochnet.recording.networks.applications import unwrap
from stochnet.recording.networks.identity import weights_sha256
from stochnet.recording.networks.inputs.images import Inputs, Normalize
from stochnet.recording.networks.notices import tell
from stochnet.recording.networks.state import untouched_random_state
from stochnet.recording.networks.training.meter import Meter
from stochnet.recording.networks.training.scalars import Scalars, Writer
from stochnet.recording.tracking.indicators import Row
from stochnet.recording.tracking.log import Log
from stochnet.recording.tracking.redraw import Page

if TYPE_CHECKING:
    from stochnet.recording.networks.training.train import Epoch

_DIGITS = re.compile(r"\d+")


class Monitor:
    """Records a network after every epoch and keeps its indicators: as CSV, as a page, as scalars.

    The network is recorded in evaluation mode and without gradients, where it is; its modes and
    torch's random state are as before afterwards, so that the weights of a training are the same
    with a monitor and without. The schedules are drawn once, so every epoch sees the same order.

    In the folder are ``indicators.csv`` (a row an epoch and layer, and one for the network; whole
    and readable at any time), ``indicators.html`` (a page that loads itself again while training
    runs) and ``settings.json``. A monitor with the same folder and settings continues the table: an
    epoch whose weights are known is not recorded again, and where training goes back to an epoch
    with other weights, this epoch and later ones are dropped first.

    Parameters
    ----------
    images : array_like or Tensor, shape (stimulus, ...)
        As for `stochnet.record`: uint8 images, or floats as the network takes them.
    labels : array_like of int, shape (stimulus,), optional
        Class of each image, for the selectivity and the blocked schedule.
    folder : path-like, optional
        Made if it is missing. Without one the rows are kept in memory only.
    layers, threshold, unit, channel_rule, normalize, batch_size, trace, channel_axis
        As for `stochnet.record`.
    windows : sequence of int, optional
        Bins per window of the Fano factors; by default 10 and 50, or what fits of these.
    schedules : sequence of str, optional
        Some of shuffled, blocked, stratified, sequential; by default shuffled, and blocked where
        there are labels.
    training_labels : array_like of int, shape (stimulus,), optional
        Labels the network is trained on where these are not the true ones, -1 for none: blocked is
        then by both, and so is the selectivity.
    every : int, default 1
        Record epochs 0, `every`, 2·`every`, … only.
    nodes_per_layer : int, optional
        Compute the indicators of so many nodes of a larger layer, drawn once; all by default.
    page : bool, optional
        Write the page: None for where the extra ``report`` is installed.
    tensorboard : bool, path-like or SummaryWriter, optional
        Write scalars: None for in the folder where TensorBoard is installed.
    seed : int, default 0
        Of the schedules and of the sample of nodes.

    Raises
    ------
    InvalidInputError
        An argument cannot be used, or the folder holds indicators made with other settings.
    FileFormatError
        The files of the folder are damaged, or not those of a monitor.
    MissingExtraError
        A page was asked for without what draws it.

    Examples
    --------
    >>> import numpy as np, torch
    >>> from stochnet.recording import Monitor
    >>> net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 8), torch.nn.ReLU())
    >>> monitor = Monitor(np.zeros((100, 4, 4), np.uint8))
    >>> [row["layer"] for row in monitor(net, 0, loss=2.3)]
    ['2', 'network']
    """

    def __init__(
        self,
        images: Inputs,
        labels: ArrayLike | None = None,
        *,
        folder: str | os.PathLike[str] | None = None,
        layers: str | Sequence[str] | None = None,
        threshold: float = 0.0,
        unit: Literal["position", "channel"] = "position",
        channel_rule: Literal["any", "mean"] = "any",
        windows: Sequence[int] | None = None,
        schedules: Sequence[str] | None = None,
        training_labels: ArrayLike | None = None,
        every: int = 1,
        nodes_per_layer: int | None = None,
        normalize: Normalize | None = None,
        batch_size: int = 256,
        page: bool | None = None,
        tensorboard: bool | str | os.PathLike[str] | Writer | None = None,
        seed: int = 0,
        trace: Literal["auto", "assume"] = "auto",
        channel_axis: int | Mapping[str, int] | None = None,
    ) -> None:
        if every < 1:
            raise InvalidInputError(f"every must be at least 1, got {every}")
        self._every = every
        self._meter = Meter(
            images,
            labels,
            training_labels=training_labels,
            layers=layers,
            threshold=threshold,
            unit=unit,
            channel_rule=channel_rule,
            windows=windows,
            schedules=schedules,
            nodes_per_layer=nodes_per_layer,
            normalize=normalize,
            batch_size=batch_size,
            seed=seed,
            trace=trace,
            channel_axis=channel_axis,
        )
        self._log = Log(folder, self._meter.plan.columns, self._meter.settings)
        self._page = Page(self._log, self._meter.plan, page)
        self._scalars = Scalars(tensorboard, self._log.folder)
        self._said: set[str] = set()

    @property
    def rows(self) -> tuple[Row, ...]:
        """All rows so far, in the order of the epochs; None for what does not exist."""
        return self._log.rows

    def update(self, model: nn.Module, *epoch: int, **scalars: object) -> tuple[Row, ...]:
        """Record a network, and add its indicators to the table.

        An observer does not end what it observes: whatever is wrong with the network, the epoch or
        the scalars is said in one warning, and numbers that do not exist are left blank. A network
        that cannot be recorded gets a row without indicators.

        Parameters
        ----------
        model : nn.Module
            The network, on any device.
        epoch : int
            From 0, which is before the training. It may stand among the scalars, as trainers give
            it; where both are given, this one counts.
        **scalars : float, optional
            To stand beside the indicators, such as ``loss=0.3``. In their names, what is no letter,
            digit or ``_`` becomes ``_``: ``train/loss`` is the column ``train_loss``.

        Returns
        -------
        tuple of dict
            The rows of the epoch, a layer each and the network last; none where it is skipped.
        """
        told = scalars.pop("epoch", None)
        number = _epoch(epoch[0] if epoch else told)
        if number is None:
            self._say(f"epoch {epoch[0] if epoch else told!r} is no whole number from 0: no row")
            return ()
        if number % self._every:
            return ()
        with self._unharmed(f"epoch {number}: "):
            return self._update(model, number, self._numbers(scalars))
        return ()

    __call__ = update

    def _update(
        self, model: nn.Module, epoch: int, numbers: dict[str, float | None]
    ) -> tuple[Row, ...]:
        network = unwrap(model)
        weights = weights_sha256(network)
        if self._log.weights(epoch) == weights:
            return self._log.of(epoch)
        try:
            with untouched_random_state(network):
                rows = self._meter.measure(network)
        except StochnetError as error:
            self._say(f"epoch {epoch} has no indicators: {error}")
            rows = list(self._log.blank())
        self._log.drop_from(epoch)
        kept = self._log.put(epoch, rows, weights, numbers)
        with self._unharmed(f"epoch {epoch}: "):
            self._page.write(running=True)
            self._scalars.write(epoch, rows, numbers)
        return kept

    @contextmanager
    def _unharmed(self, what: str) -> Iterator[None]:
        """Say what goes wrong, whatever it is; a full disk ends no training either."""
        try:
            yield
        except Exception as error:  # noqa: BLE001
            reason = (str(error) or "no reason given").splitlines()[0]
            self._say(f"{what}{type(error).__name__}: {reason}")

    def _numbers(self, scalars: Mapping[str, object]) -> dict[str, float | None]:
        """Return the scalars under names that the table can have."""
        found: dict[str, float | None] = {}
        for name, value in scalars.items():
            column = self._log.scalar_name(name)
            if column is None:
                self._say(f"a scalar cannot be called {name!r}, the name of an indicator: left out")
                continue
            try:
                found[column] = _number(name, value)
            except InvalidInputError as error:
                self._say(f"{error}: left blank")
                found[column] = None
        return found

    def _say(self, text: str) -> None:
        """Warn, once for each thing that is wrong, whatever the epoch."""
        kind = _DIGITS.sub("", text)
        if kind not in self._said:
            self._said.add(kind)
            tell(f"monitor: {text}")

    def after_epoch(self, epoch: Epoch, model: nn.Module) -> None:
        """Take an epoch of `stochnet.recording.train`, as its `after_epoch`."""
        self.update(
            model,
            epoch.epoch,
            loss=epoch.loss,
            train_accuracy=epoch.train_accuracy,
            test_accuracy=epoch.test_accuracy,
        )

    def close(self) -> None:
        """Write the page for the last time; it no longer loads itself again."""
        with self._unharmed(""):
            self._page.write(running=False)
            self._scalars.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _epoch(epoch: object) -> int | None:
    """Return a whole number from 0, or None."""
    if isinstance(epoch, bool) or epoch is None:
        return None
    try:
        number = float(epoch)  # type: ignore[arg-type]
    except (TypeError, ValueError, RuntimeError):
        return None
    whole = math.isfinite(number) and number >= 0 and number == math.floor(number)
    return int(number) if whole else None


def _number(name: str, value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, torch.Tensor):
        value = value.detach()
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, RuntimeError) as error:
        raise InvalidInputError(
            f"the scalar {name} must be one number, got {type(value).__name__}"
        ) from error
    return number if math.isfinite(number) else None


def numbers_of(history: Sequence[Mapping[str, float | None]]) -> dict[str, float | None]:
    """Return the scalars of the last epoch of the history in a checkpoint."""
    last = history[-1] if history else {}
    names = ("loss", "train_accuracy", "test_accuracy")
    return {name: _number(name, last.get(name)) for name in names}
