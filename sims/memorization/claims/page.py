"""Tables and page of the claims."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .course import Networks
from .finding import Finding, Row, spoken

COMMAND = "stochnet study sims/memorization --scale {scale} --finish"
SCALES = ("smoke", "cpu", "full")
DIGITS = 4


def written(path: Path, rows: Sequence[Row]) -> None:
    """Write rows with four significant digits; nothing for what is unknown."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([cell(row.get(name)) for name in columns] for row in rows)


def cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, float | np.floating):
        return "" if np.isnan(value) else f"{float(value):.{DIGITS}g}"
    return value


def tables(results: Path, findings: Sequence[Finding]) -> None:
    """Write claims.csv, one row an effect, and the tables behind the claims."""
    rows: list[Row] = []
    for one in findings:
        for name, effect in one.effects:
            rows.append(
                {
                    "claim": one.letter, "title": one.title, "verdict": one.verdict,
                    "networks": one.networks, "effect": name, "estimate": effect.estimate,
                    "low": effect.low, "high": effect.high,
                }
            )  # fmt: skip
        for name, own in one.tables.items():
            written(results / f"{name}.csv", own)
    written(results / "claims.csv", rows)


def page(
    results: Path, findings: Sequence[Finding], networks: Networks, figures: Sequence[str]
) -> None:
    """Write claims.md, which docs/claims.md includes."""
    scale = results.name if results.name in SCALES else "SCALE"
    counted = sum(x.counted for x in networks.all)
    seeds = len({x.seed for x in networks.all})
    lines = [
        (
            f"{len(networks.all)} networks ({seeds} {'seed' if seeds == 1 else 'seeds'}) were "
            f"trained, of which {counted} count: they know at least 99 % of their training labels, "
            "and their test accuracy is at chance with random labels, above it with true ones. "
            f"Made by `{COMMAND.format(scale=scale)}`."
        ),
        "",
    ]
    if seeds < 3:
        lines += ["*A run in progress: no verdicts before three seeds of every cell.*", ""]
    lines += markdown(
        ["", "claim", "verdict", "effect", "estimate (95 % interval)", "networks"],
        [
            [
                f"({one.letter})", one.title, f"**{one.verdict}**",
                *(main(one)), str(one.networks),
            ]
            for one in findings
        ],
    )  # fmt: skip
    for one in findings:
        lines += ["", f"## ({one.letter}) {one.title}", "", f"**Question.** {one.question}", ""]
        lines += [f"**Rule.** {one.rule}", "", f"**Control.** {one.control}", ""]
        lines += [f"**Verdict: {one.verdict}**, by {one.networks} networks.", ""]
        for effect in one.effects:
            lines.append(f"- {effect[0]}: {spoken(effect[1])}")
        lines += ["", *(f"- {note}" for note in one.notes)] if one.notes else []
        for title, header, rows in one.shown:
            lines += ["", title, "", *markdown(header, rows)]
        for name, caption in one.figures:
            if name in figures:
                lines += ["", f"![{caption}]({name}.png)", "", f"*{caption}.*"]
        behind = ", ".join(f"`{name}.csv`" for name in one.tables)
        lines += ["", f"Tables: {behind}."]
    text = "\n".join(lines) + "\n"
    (results / "claims.md").write_text(text, encoding="utf-8")


def main(one: Finding) -> tuple[str, str]:
    if not one.effects:
        return "–", "–"
    name, effect = one.effects[0]
    return name, spoken(effect)


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a table in Markdown."""
    lines = [" | ".join(header), " | ".join("---" for _ in header)]
    lines += [" | ".join(str(x).replace("|", "\\|") for x in row) for row in rows]
    return [f"| {line} |" for line in lines]
