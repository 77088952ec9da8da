"""tables.md from the areas: what the documentation shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .figures import METHODS, main_measure

Row = dict[str, Any]
REFERENCES = {
    "magnitude": "less magnitude",
    "random": "less chance",
    "initial": "less the same order, ranked before training",
}


def write_tables(results: Path, rows: list[Row]) -> None:
    """Write areas and differences, networks side by side."""
    shown = [row for row in rows if row["measure"] == main_measure(row["regime"])]
    pairs = list(dict.fromkeys((row["network"], row["regime"]) for row in shown))
    parts = []
    for method, title in METHODS.items():
        mine = [row for row in shown if row["method"] == method and row["ranked_on"] == "trained"]
        parts += [f"### Units {title}: area under the curve\n", _table(mine, pairs, _area)]
        for reference, name in REFERENCES.items():
            known = [row for row in mine if row[f"minus_{reference}"] != ""]
            if known:
                parts += [
                    f"### Units {title}: {name}\n",
                    _table(known, pairs, lambda row, reference=reference: _gap(row, reference)),
                ]
    (results / "tables.md").write_text("\n".join(parts), encoding="utf-8")


def _table(rows: list[Row], pairs: list[tuple[str, str]], text: Any) -> str:
    found = {(row["network"], row["regime"], row["criterion"]): row for row in rows}
    criteria = dict.fromkeys(row["criterion"] for row in rows)
    lines = [
        "| order | " + " | ".join(f"{network}, {regime}" for network, regime in pairs) + " |",
        "|---" * (1 + len(pairs)) + "|",
    ]
    for criterion in criteria:
        cells = [found.get((*pair, criterion)) for pair in pairs]
        lines.append(
            f"| `{criterion}` | " + " | ".join(text(row) if row else "" for row in cells) + " |"
        )
    return "\n".join(lines) + "\n"


def _area(row: Row) -> str:
    return f"{row['area']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"


def _gap(row: Row, reference: str) -> str:
    name = f"minus_{reference}"
    return (
        f"{row[name]:+.3f} [{row[f'{name}_low']:+.3f}, {row[f'{name}_high']:+.3f}] "
        f"{row[f'above_{reference}']}/{row['networks']}"
    )
