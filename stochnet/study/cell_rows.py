"""What a cell returns: rows of tables, checked and made plain."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from stochnet.errors import InvalidInputError

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
PLAIN = (str, int, float, type(None))

Rows = dict[str, list[dict[str, Any]]]


def plain_tables(tables: Any, cell: Mapping[str, Any]) -> Rows:
    """Return the tables of a cell with plain values only.

    Raises
    ------
    InvalidInputError
        They are not rows of tables: ``{"nodes": [{"rate": 0.5}]}``.
    """
    if not isinstance(tables, Mapping):
        raise InvalidInputError(
            f'cell() must return rows by table, such as {{"nodes": [{{"rate": 0.5}}]}}, got '
            f"{type(tables).__name__}"
        )
    for name, rows in tables.items():
        if not isinstance(rows, list | tuple):
            raise InvalidInputError(
                f"table {name}: rows are a list of dicts, got {type(rows).__name__}"
            )
    return {_name(name): [_row(row, name, cell) for row in rows] for name, rows in tables.items()}


def _name(name: Any) -> str:
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise InvalidInputError(
            f"a table is named with letters, digits, dots, dashes and underscores, got {name!r}"
        )
    return name


def _row(row: Any, table: str, cell: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(row, Mapping):
        raise InvalidInputError(
            f"table {table}: a row is a dict of columns, got {type(row).__name__}"
        )
    found = {str(column): _value(value, table, column) for column, value in row.items()}
    for axis in cell.keys() & found.keys():
        if found[axis] != cell[axis]:
            raise InvalidInputError(
                f"table {table}: column {axis} is an axis of the cell, {cell[axis]!r}, and a row "
                f"has {found[axis]!r}; rename the column"
            )
    return {column: value for column, value in found.items() if column not in cell}


def plain(value: Any) -> Any:
    """Return a NumPy scalar as the Python scalar that it is, and all else as it is."""
    return value.item() if isinstance(value, np.generic) else value


def _value(value: Any, table: str, column: Any) -> Any:
    value = plain(value)
    if not isinstance(value, PLAIN):
        raise InvalidInputError(
            f"table {table}, column {column}: a value is a number, text, true, false or None, got "
            f"{type(value).__name__}"
        )
    # Names of files may hold what no text file can.
    return value.encode(errors="replace").decode() if isinstance(value, str) else value
