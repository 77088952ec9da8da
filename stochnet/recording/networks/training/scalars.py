"""Indicators as scalars of TensorBoard, where it is installed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from stochnet.errors import InvalidInputError
from stochnet.recording.tracking.indicators import Row

FOLDER = "tensorboard"


class Writer(Protocol):
    """What is used of a ``torch.utils.tensorboard.SummaryWriter``."""

    def add_scalar(self, tag: str, scalar_value: float, global_step: int | None = None) -> Any:
        """Take a number of an epoch."""

    def flush(self) -> Any:
        """Write what was taken."""

    def close(self) -> Any:
        """Close the file."""


class Scalars:
    """Writes rows of indicators as ``indicator/layer`` and scalars by their names.

    Parameters
    ----------
    target : None, bool, path-like or Writer
        None: in the folder where TensorBoard is installed; True: there, or an error; False: not at
        all; a folder of its own; or a writer that is open already, which stays open.
    folder : Path, optional
        Where the indicators are.

    Raises
    ------
    InvalidInputError
        TensorBoard was asked for and is not installed, or there is no folder for it.
    """

    def __init__(
        self, target: bool | str | os.PathLike[str] | Writer | None, folder: Path | None
    ) -> None:
        self._open: Callable[[int], Writer] | None = None
        self._writer: Writer | None = None
        self._foreign = False
        if target is False or (target is None and folder is None):
            return
        if target is not None and not isinstance(target, bool | str | os.PathLike):
            if not hasattr(target, "add_scalar"):
                raise InvalidInputError(
                    "tensorboard must be True, False, a folder or a SummaryWriter, not "
                    f"{type(target).__name__}"
                )
            self._writer, self._foreign = target, True
            return
        if isinstance(target, str | os.PathLike):
            folder = Path(target)
        elif folder is not None:
            folder = folder / FOLDER
        else:
            raise InvalidInputError("tensorboard=True needs a folder: give one to the monitor")
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            if target is None:
                return
            raise InvalidInputError(
                "TensorBoard is not installed: pip install tensorboard, or leave it out with "
                "tensorboard=False"
            ) from error
        # Events from this epoch on that an earlier run left are hidden.
        self._open = lambda epoch: SummaryWriter(str(folder), purge_step=epoch)

    def write(self, epoch: int, rows: Iterable[Row], scalars: Mapping[str, float | None]) -> None:
        """Write the numbers of an epoch."""
        if self._writer is None:
            if self._open is None:
                return
            self._writer = self._open(epoch)
        for row in rows:
            for name, value in row.items():
                if isinstance(value, int | float) and name != "epoch" and name not in scalars:
                    self._writer.add_scalar(f"{name}/{row['layer']}", float(value), epoch)
        for name, value in scalars.items():
            if value is not None:
                self._writer.add_scalar(name, value, epoch)
        self._writer.flush()

    def close(self) -> None:
        """Close the file, unless it is somebody else's."""
        if self._writer is not None and not self._foreign:
            self._writer.close()
            self._writer = None
