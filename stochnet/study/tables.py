"""The tables of a study: the rows of all finished cells, in the order of the grid."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stochnet.errors.publishing.publish import publish_bytes
from stochnet.study.cells import Cell, axes_of, text_of
from stochnet.study.config import Tables
from stochnet.study.manifest import Manifest


def write_tables(manifest: Manifest, cells: Mapping[str, Cell], how: Tables) -> dict[str, Path]:
    """Write ``<table>.csv`` for every table: axes of the cells first, then columns as they come.

    Parameters
    ----------
    manifest : Manifest
    cells : dict of str to dict
        Finished cells by key, in the order of the rows.
    how : Tables
        Digits, and axes that are shown.

    Returns
    -------
    dict of str to Path
    """
    axes = axes_of(cells.values()) if how.axes is None else how.axes
    columns: dict[str, dict[str, None]] = {}
    for key in cells:
        for table, rows in manifest.rows(key).items():
            known = columns.setdefault(table, dict.fromkeys(axes))
            known.update(dict.fromkeys(column for row in rows for column in row))
    texts = {table: io.StringIO() for table in columns}
    writers = {table: csv.writer(text, lineterminator="\n") for table, text in texts.items()}
    for table, writer in writers.items():
        writer.writerow(columns[table])
    for key, cell in cells.items():
        where = {axis: text_of(value) for axis, value in cell.items() if axis in axes}
        for table, rows in manifest.rows(key).items():
            for row in rows:
                line = where | {
                    column: formatted(value, how.digits) for column, value in row.items()
                }
                writers[table].writerow([line.get(column, "") for column in columns[table]])
    paths = {table: manifest.folder / f"{table}.csv" for table in texts}
    for table, path in paths.items():
        publish_bytes(path, texts[table].getvalue().encode())
    return paths


def formatted(value: Any, digits: int | None) -> str:
    """Return a value as a table shows it."""
    if isinstance(value, float) and digits is not None:
        return format(value, f".{digits}g")
    return text_of(value)


class Clock:
    """The time left, from the mean time of cells so far.

    Parameters
    ----------
    lanes : int
        Cells that run at a time.
    seconds : sequence of float
        Times of cells that are finished already.
    """

    def __init__(self, lanes: int, seconds: Sequence[float]) -> None:
        self._lanes = lanes
        self._seconds = list(seconds)
        self._running: dict[str, float] = {}

    def begin(self, key: str) -> None:
        """Note that a cell begins."""
        self._running[key] = time.monotonic()

    def end(self, key: str) -> None:
        """Note that a cell has ended."""
        self._seconds.append(time.monotonic() - self._running.pop(key))

    def left(self, n: int) -> str:
        """Return ``"about 3 min left, "`` for `n` cells that have not ended; empty if unknown."""
        if not n or not self._seconds:
            return ""
        mean = sum(self._seconds) / len(self._seconds)
        now = time.monotonic()
        behind = sum(min(mean, now - began) for began in self._running.values())
        return f"about {duration((n * mean - behind) / min(self._lanes, n))} left, "


def duration(seconds: float) -> str:
    """Return a time for people: seconds, minutes or hours."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
