"""The table of indicators: in memory, and in a folder where it can be read at any time."""

from __future__ import annotations

import bisect
import csv
import io
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from stochnet.errors import FileFormatError, InvalidInputError
from stochnet.errors.publishing.publish import append, publish_text
from stochnet.recording.tracking import SETTINGS, TABLE
from stochnet.recording.tracking.indicators import NETWORK, Row

_VERSION = 1
_KEY = ("epoch", "layer")
_WHOLE = ("epoch", "nodes", "dead", "saturated")
_TEXT = ("layer", "weights_sha256")


class Log:
    """Rows of indicators in the order of the epochs, a row a layer and one for the network.

    A new epoch is appended to ``indicators.csv`` in one write. What takes the place of an epoch, or
    comes before another one, is published in a new file. The table is thus whole at any time, but
    for the last epoch of a process that was killed while it wrote; that one is left out.

    Parameters
    ----------
    folder : path-like or None
        Made if it is missing, continued if it has a table; None for memory only.
    columns : sequence of str
        Names of the indicators. Scalars get columns when they are first given.
    settings : mapping
        What the numbers depend on, ready for JSON. A folder with others is refused.

    Attributes
    ----------
    folder : Path or None
        Where the table is.
    settings : dict
        As given.

    Raises
    ------
    InvalidInputError
        The folder cannot be made, or holds indicators that were made with other settings.
    FileFormatError
        Its files are not what this class writes.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str] | None,
        columns: Sequence[str],
        settings: Mapping[str, Any],
    ) -> None:
        self.folder = None if folder is None else _made(Path(folder))
        self.settings = json.loads(json.dumps(dict(settings)))
        self._columns = (*_KEY, *columns)
        self._scalars: tuple[str, ...] = ()
        self._epochs: list[int] = []
        self._rows: dict[int, tuple[Row, ...]] = {}
        if self.folder is not None:
            self._take_settings(self.folder / SETTINGS)
            self._take_table(self.folder / TABLE)

    @property
    def rows(self) -> tuple[Row, ...]:
        """All rows, in the order of the epochs."""
        return tuple(row for epoch in self._epochs for row in self._rows[epoch])

    @property
    def epochs(self) -> tuple[int, ...]:
        """Epochs with rows, ascending."""
        return tuple(self._epochs)

    @property
    def measured(self) -> tuple[int, ...]:
        """Epochs with indicators, ascending."""
        return tuple(one for one in self._epochs if self._rows[one][-1].get("mfr") is not None)

    @property
    def scalars(self) -> tuple[str, ...]:
        """Names of the scalars, in the order in which they were first given."""
        return self._scalars

    def of(self, epoch: int) -> tuple[Row, ...]:
        """Return the rows of an epoch; none if there is no such epoch."""
        return self._rows.get(epoch, ())

    def weights(self, epoch: int) -> str | None:
        """Return the hash of the weights of an epoch, or None."""
        return self._rows[epoch][0]["weights_sha256"] if epoch in self._rows else None

    def blank(self) -> tuple[Row, ...]:
        """Return rows without numbers: of the layers of other epochs, or of the network alone."""
        known = [one for one in self._epochs if not _is_blank(self._rows[one])]
        layers = [(row["layer"], row["nodes"]) for row in self._rows[known[-1]]] if known else []
        empty = dict.fromkeys(self._columns[len(_KEY) :])
        return tuple(
            {**empty, "layer": layer, "nodes": nodes} for layer, nodes in layers or [(NETWORK, 0)]
        )

    def scalar_name(self, name: str) -> str | None:
        """Return the name of the column of a scalar; None for that of an indicator."""
        column = re.sub(r"\W", "_", name)
        column = column if column.isidentifier() else f"_{column}"
        return None if column in self._columns or column in _TEXT else column

    def put(
        self, epoch: int, rows: Iterable[Row], weights: str, scalars: Mapping[str, float | None]
    ) -> tuple[Row, ...]:
        """Add an epoch, in the place of rows that it has already.

        Returns
        -------
        tuple of dict
            The rows as they are kept.

        Raises
        ------
        InvalidInputError
            A scalar has the name of an indicator, or the layers are not those of other epochs.
        """
        self._check_names(scalars)
        fresh = tuple(name for name in scalars if name not in self._scalars)
        self._scalars += fresh
        new = tuple({"epoch": epoch, **row, **scalars, "weights_sha256": weights} for row in rows)
        self._check_layers(epoch, new)
        last = not self._epochs or epoch > self._epochs[-1]
        if epoch not in self._rows:
            bisect.insort(self._epochs, epoch)
        self._rows[epoch] = new
        if self.folder is not None:
            if last and not fresh and len(self._epochs) > 1:
                self._append(new)
            else:
                self._write_all()
        return new

    def drop_from(self, epoch: int) -> None:
        """Remove an epoch and all later ones."""
        kept = self._epochs[: bisect.bisect_left(self._epochs, epoch)]
        if len(kept) < len(self._epochs):
            self._epochs, self._rows = kept, {one: self._rows[one] for one in kept}
            if self.folder is not None:
                self._write_all()

    def _names(self) -> tuple[str, ...]:
        return (*self._columns, *self._scalars, "weights_sha256")

    def _text(self, rows: Iterable[Row]) -> str:
        buffer = io.StringIO()
        writer = csv.DictWriter(buffer, self._names(), lineterminator="\n")
        for row in rows:
            writer.writerow({name: "" if row.get(name) is None else row[name] for name in row})
        return buffer.getvalue()

    def _append(self, rows: Iterable[Row]) -> None:
        if self.folder is not None:
            append(self.folder / TABLE, self._text(rows).encode())

    def _write_all(self) -> None:
        if self.folder is not None:
            head = ",".join(self._names()) + "\n"
            publish_text(self.folder / TABLE, head + self._text(self.rows))

    def _check_names(self, scalars: Mapping[str, float | None]) -> None:
        for name in scalars:
            if name in self._columns or name in _TEXT or not name.isidentifier():
                raise InvalidInputError(
                    f"a scalar cannot be called {name!r}: take a name of letters, digits and _ "
                    "that is none of the indicators"
                )

    def _check_layers(self, epoch: int, rows: Sequence[Row]) -> None:
        others = [one for one in self._epochs if one != epoch and not _is_blank(self._rows[one])]
        if not others or _is_blank(rows):
            return
        known, now = (
            [(row["layer"], row["nodes"]) for row in part]
            for part in (self._rows[others[-1]], rows)
        )
        if known != now:
            differs = next((n for k, n in zip(known, now, strict=False) if k != n), now[-1])
            raise InvalidInputError(
                f"the network of epoch {epoch} has other layers than that of epoch {others[-1]}, "
                f"first {differs[0]} with {differs[1]} nodes: one folder holds the indicators of "
                "one network"
            )

    def _take_settings(self, path: Path) -> None:
        if not path.exists():
            if (path.parent / TABLE).exists():
                raise FileFormatError(
                    f"{path.parent} has a table of indicators without its {SETTINGS}: choose "
                    "another folder"
                )
            content = {"format": "stochnet-tracking", "version": _VERSION, **self.settings}
            publish_text(path, json.dumps(content, indent=1) + "\n")
            return
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            known = found.pop("format") == "stochnet-tracking" and found.pop("version") == _VERSION
        except (ValueError, KeyError, AttributeError, TypeError):
            known = False
        if not known:
            raise FileFormatError(
                f"{path} was not written by this version of stochnet: choose another folder"
            )
        names = [key for key in {**found, **self.settings}
                 if found.get(key) != self.settings.get(key)]  # fmt: skip
        if names:
            raise InvalidInputError(
                f"{path.parent} holds indicators that were made with other {', '.join(names)}: "
                "choose another folder, or the same settings"
            )

    def _take_table(self, path: Path) -> None:
        if not path.exists():
            return
        text = path.read_text(encoding="utf-8")
        whole = text[: text.rfind("\n") + 1]
        lines = list(csv.reader(io.StringIO(whole)))
        head = tuple(lines[0]) if lines else ()
        n = len(self._columns)
        if head[:n] != self._columns or head[-1:] != ("weights_sha256",):
            raise FileFormatError(f"{path} has other columns: choose another folder")
        self._scalars = head[n:-1]
        pending: list[Row] = []
        for line in lines[1:]:
            try:
                row = {name: _value(name, cell) for name, cell in zip(head, line, strict=True)}
            except ValueError as error:
                raise FileFormatError(f"{path} is damaged: {error}") from error
            pending = [one for one in pending if one["epoch"] == row["epoch"]]
            pending.append(row)
            if row["layer"] == NETWORK and row["nodes"] == sum(x["nodes"] for x in pending[:-1]):
                self._rows[row["epoch"]] = tuple(pending)
                pending = []
        self._epochs = sorted(self._rows)
        if len(whole) < len(text) or pending or list(self._rows) != self._epochs:
            self._write_all()


def _is_blank(rows: Sequence[Row]) -> bool:
    """Whether an epoch has no layers, because its network could not be recorded."""
    return len(rows) == 1 and not rows[0]["nodes"]


def _value(name: str, cell: str) -> Any:
    if name in _TEXT:
        return cell
    if cell == "":
        return None
    return int(cell) if name in _WHOLE else float(cell)


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInputError(f"the folder {folder} cannot be made: {error}") from error
    return folder
