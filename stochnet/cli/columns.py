"""Columns and numbers of tables."""

from __future__ import annotations

from typing import Any

from rich.table import Table


def number(value: Any) -> str:
    """Return four digits, or a dash for what does not exist."""
    return "–" if value is None else f"{value:.4g}"


def columns(table: Table, *names: str) -> Table:
    """Add columns, the first to the left and the others, of numbers, to the right."""
    for i, name in enumerate(names):
        table.add_column(name, justify="left" if i == 0 else "right", no_wrap=i == 0)
    return table
