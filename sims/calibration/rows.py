"""Rows of the tables of results, and the jobs that make them."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Row = dict[str, Any]
Tables = dict[str, list[Row]]


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work, a cell of the study: `call` returns rows for one or more tables."""

    process: str
    name: str
    call: Callable[[], Tables]


def read(path: Path) -> list[Row]:
    """Read a table: numbers become numbers, and empty fields None."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [{name: _parsed(text) for name, text in row.items()} for row in csv.DictReader(file)]


def plain(row: Row) -> Row:
    """Return a row with numbers of six digits, and empty fields for what does not exist."""
    return {name: _number(value) for name, value in row.items()}


def _number(value: Any) -> Any:
    """Round to what is worth storing; what does not exist is an empty field."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (bool, int)):
        return int(value)
    value = float(value)
    return None if value != value else float(f"{value:.6g}")


def _parsed(text: str) -> Any:
    if text == "":
        return None
    try:
        return float(text)
    except ValueError:
        return text
