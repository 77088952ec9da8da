"""tables.md from rank correlations and their costs: what the documentation shows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from .ranks import OUTCOMES, QUESTIONS, Rows

ENDINGS = {
    "tail": "what is behind the cut is trained",
    "head": "a linear classifier behind the cut",
}


def write_tables(results: Path, ranks: Rows, regrets: Rows) -> None:
    """Write rank correlations by question, and costs, targets and architectures side by side."""
    parts = []
    for outcome in OUTCOMES:
        for question in QUESTIONS:
            mine = [r for r in ranks if (r["outcome"], r["question"]) == (outcome, question)]
            parts += [
                f"### Rank correlation, {question}; {ENDINGS[outcome]}\n",
                _table(mine, lambda r: f"{r['rho']:+.2f} [{r['low']:+.2f}, {r['high']:+.2f}]"),
            ]
        mine = [r for r in regrets if r["outcome"] == outcome]
        parts += [
            f"### Accuracy lost by a choice; {ENDINGS[outcome]}\n",
            _table(mine, lambda r: f"{r['lost']:.3f} [{r['low']:.3f}, {r['high']:.3f}]"),
        ]
    (results / "tables.md").write_text("\n".join(parts), encoding="utf-8")


def _table(rows: Rows, text: Callable[[dict[str, Any]], str]) -> str:
    found = {(row["target"], row["architecture"], row["predictor"]): row for row in rows}
    pairs = list(dict.fromkeys((row["target"], row["architecture"]) for row in rows))
    lines = [
        "| predictor | " + " | ".join(f"to {target}, {name}" for target, name in pairs) + " |",
        "|---" * (1 + len(pairs)) + "|",
    ]
    for name in dict.fromkeys(row["predictor"] for row in rows):
        cells = [found.get((*pair, name)) for pair in pairs]
        lines.append(
            f"| `{name}` | " + " | ".join(text(row) if row else "" for row in cells) + " |"
        )
    return "\n".join(lines) + "\n"
