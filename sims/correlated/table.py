"""The table of README.md, from networks.csv."""

from __future__ import annotations

import csv
from pathlib import Path

HEAD = (
    "network", "rank", "rates", "of data", "pairs", "of data", "RMSE / floor",
    "within classes", "of data", "RMSE / floor", "population", "participation", "decoding",
    "4 × as long",
)  # fmt: skip


def line(row: dict[str, str]) -> list[str]:
    n = {key: float(value) for key, value in row.items() if key != "network"}
    return [
        row["network"],
        row["rank"],
        f"{n['rates_rank_r']:.3f}",
        f"{n['rates_rank_r_of_data']:.3f}",
        f"{n['total_r']:.3f}",
        f"{n['total_r_of_data']:.3f}",
        f"{n['total_rmse'] / n['total_floor']:.2f}",
        f"{n['noise_r']:.3f}",
        f"{n['noise_r_of_data']:.3f}",
        f"{n['noise_rmse'] / n['noise_floor']:.2f}",
        f"{n['population']:.3f}",
        f"{100 * (n['participation'] - 1):+.1f} %",
        f"{100 * n['decoding']:.1f} %",
        f"{100 * n['decoding_x4']:.1f} %",
    ]


def write(results: Path) -> None:
    """Write table.md."""
    with (results / "networks.csv").open(newline="", encoding="utf-8") as handle:
        rows = [line(row) for row in csv.DictReader(handle)]
    texts = (f"| {' | '.join(row)} |" for row in (HEAD, ["---"] * len(HEAD), *rows))
    (results / "table.md").write_text("\n".join(texts) + "\n", encoding="utf-8")
