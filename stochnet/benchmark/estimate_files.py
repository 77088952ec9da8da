"""Read files of estimates, CSV or parquet, into columns of text and numbers."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stochnet.benchmark.example import ENDS, REQUIRED, ROW
from stochnet.benchmark.quantity import NONE, Array
from stochnet.errors import FileFormatError, InvalidInputError, MissingExtraError, entrance

COLUMNS = (*REQUIRED, *ROW, *ENDS)


@dataclass(frozen=True, eq=False, slots=True)
class Rows:
    """The rows of a file of estimates, not yet compared with what is asked.

    Attributes
    ----------
    path : Path
    raster, quantity : list of str
    keys : ndarray of int64 (row, 3)
        Node, condition and other node, -1 for none.
    estimate, low, high : ndarray of float64 (row,)
        NaN where an end is not given.
    first_line : int
        Line of the file that the first row stands in.
    """

    path: Path
    raster: list[str]
    quantity: list[str]
    keys: NDArray[np.int64]
    estimate: Array
    low: Array
    high: Array
    first_line: int

    def where(self, row: int) -> str:
        """Return how a message names a row."""
        return f"{self.path}, line {self.first_line + row}"


def read_rows(path: str | os.PathLike[str]) -> Rows:
    """Read a file of estimates.

    Raises
    ------
    InvalidInputError
        There is no such file, a column is missing or unknown, or a value is no number.
    FileFormatError
        The file is no table.
    MissingExtraError
        It is a parquet file, and pyarrow is not installed.
    """
    file = entrance.path("estimates", path)
    if not file.is_file():
        raise InvalidInputError(f"there is no file {file}; give a CSV or parquet file of estimates")
    ending = file.suffix.lower()
    if ending == ".csv":
        columns, n_rows, first_line = *_read_csv(file), 2
    elif ending in (".parquet", ".pq"):
        columns, n_rows, first_line = *_read_parquet(file), 1
    else:
        raise InvalidInputError(f"{file} must end with .csv or .parquet")
    _check_columns(file, list(columns), n_rows)
    empty = [""] * n_rows
    text = {name: columns.get(name, empty) for name in COLUMNS}

    def numbers(name: str) -> Array:
        return _numbers(file, first_line, name, text[name])

    return Rows(
        file,
        [str(value).strip() for value in text["raster"]],
        [str(value).strip() for value in text["quantity"]],
        np.stack([_whole(file, first_line, name, numbers(name)) for name in ROW], axis=1),
        numbers("estimate"),
        numbers("low"),
        numbers("high"),
        first_line,
    )


def _read_csv(file: Path) -> tuple[dict[str, Sequence[Any]], int]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as handle:
            lines = [line for line in csv.reader(handle, strict=True) if line]
    except (UnicodeDecodeError, csv.Error) as error:
        raise FileFormatError(f"{file} is no CSV file: {error}") from error
    if not lines:
        raise InvalidInputError(f"{file} is empty; its first line must name the columns")
    header, body = [name.strip() for name in lines[0]], lines[1:]
    if len(set(header)) < len(header):
        raise InvalidInputError(f"{file} has two columns of one name")
    for k, line in enumerate(body):
        if len(line) != len(header):
            raise InvalidInputError(
                f"{file}, line {k + 2} has {len(line)} values, the header names {len(header)}"
            )
    return {name: [line[i] for line in body] for i, name in enumerate(header)}, len(body)


def _read_parquet(file: Path) -> tuple[dict[str, Sequence[Any]], int]:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtraError("pyarrow", "table") from error
    try:
        table = parquet.read_table(file)
    except (pa.ArrowException, OSError) as error:
        raise FileFormatError(f"{file} is no parquet file: {error}") from error
    columns = {name: table.column(name).to_pylist() for name in table.column_names}
    # What pandas adds to a table that it writes.
    columns.pop("__index_level_0__", None)
    filled: dict[str, Sequence[Any]] = {
        name: ["" if value is None else value for value in values]
        for name, values in columns.items()
    }
    return filled, int(table.num_rows)


def _check_columns(file: Path, names: Sequence[str], n_rows: int) -> None:
    missing = [name for name in REQUIRED if name not in names]
    unknown = [name for name in names if name not in COLUMNS]
    if missing or unknown:
        wrong = f"lacks {', '.join(missing)}" if missing else f"has unknown {', '.join(unknown)}"
        raise InvalidInputError(f"{file} {wrong}; the columns are {', '.join(COLUMNS)}")
    if (ENDS[0] in names) != (ENDS[1] in names):
        raise InvalidInputError(f"{file} has one end of intervals only; give low and high, or none")
    if n_rows == 0:
        raise InvalidInputError(f"{file} has no rows below its header")


def _numbers(file: Path, first_line: int, name: str, values: Sequence[Any]) -> Array:
    out = np.full(len(values), np.nan)
    for row, value in enumerate(values):
        if isinstance(value, str) and not value.strip():
            continue
        try:
            out[row] = float(value)
        except (TypeError, ValueError) as error:
            raise InvalidInputError(
                f"{file}, line {first_line + row}: {name} is {value!r}, which is no number"
            ) from error
    return out


def _whole(file: Path, first_line: int, name: str, values: Array) -> NDArray[np.int64]:
    given = ~np.isnan(values)
    bad = given & ((values != np.rint(values)) | (values < 0) | (values > 2**31))
    if bad.any():
        row = int(np.argmax(bad))
        raise InvalidInputError(
            f"{file}, line {first_line + row}: {name} is {values[row]:g}; it must be a whole "
            "number from 0 on, or empty"
        )
    return np.where(given, values, NONE).astype(np.int64)
