"""Tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from stochnet.bundle.bundle import Bundle
from stochnet.cli.columns import columns, number
from stochnet.cli.fit_tables import bundle_table, population_table, selection_table
from stochnet.process import FLAG_DOC
from stochnet.statistics.summary.stored import RasterSummary
from stochnet.statistics.summary.summary import PARTS
from stochnet.storage import read_bundle, read_kind, read_observed, stored_digest


def stats_table(result: dict[str, Any]) -> Table:
    """Return the table of `stochnet stats`: one row a layer, and one for the network."""
    windows = list(result["network"]["windows"])
    table = columns(
        Table(
            title=f"{result['n_nodes']:,} nodes × {result['n_trials']:,} trials × "
            f"{result['n_bins']:,} bins, schedule {result['schedule']}",
            caption="MFF: mean over nodes that fire of variance (ddof 1) / mean of window counts."
            + (
                " Under a shuffled schedule it says nothing beyond the rate."
                if result["schedule"] == "shuffled"
                else ""
            ),
        ),
        "layer", "nodes", "dead", "saturated", "MFR", "var(rate)",
        *(f"{name}, W={w}" for w in windows for name in ("MFF", "var(Fano)")),
    )  # fmt: skip
    for row in (*result["layers"], result["network"]):
        numbers = (row["windows"][w][key] for w in windows for key in ("mff", "var_fano"))
        table.add_row(
            row["name"],
            *(f"{row[key]:,}" for key in ("n_nodes", "dead", "saturated")),
            number(row["mfr"]),
            number(row["var_rate"]),
            *map(number, numbers),
        )
    return table


def node_table(result: dict[str, Any]) -> Table:
    """Return a table with one row a node."""
    windows = list(result["network"]["windows"])
    table = columns(Table(), "layer", "node", "rate", *(f"Fano, W={w}" for w in windows))
    for layer in result["layers"]:
        for i, rate in enumerate(layer["rate"]):
            fano = (number(layer["windows"][w]["fano"][i]) for w in windows)
            table.add_row(layer["name"], str(i), number(rate), *fano)
    return table


def report_table(report: Any) -> Table:
    """Return the comparison of a validation: one row a statistic of the whole network."""
    table = columns(
        Table(
            title="Observed and simulated",
            caption="Of each statistic the distance that is farthest beyond chance, and the floor: "
            "that of two halves of the observed raster, brought to the size of the whole. Means "
            "are over nodes that have the statistic.",
        ),
        "statistic", "observed", "simulated", "distance", "floor", "quality", "verdict",
    )  # fmt: skip
    table.columns[0].no_wrap = False
    table.columns[-1].no_wrap = True
    for row in report.summary_rows():
        table.add_row(
            row["name"],
            *(number(row[key]) for key in ("observed", "simulated", "distance", "floor")),
            "–" if row["quality"] is None else f"{row['quality']:.2f}",
            row["verdict"],
        )
    return table


def regime_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Return the table of the demo: one row a regime, schedule and layer."""
    windows = [key.removeprefix("mff_") for key in rows[0] if key.startswith("mff_")]
    table = columns(
        Table(
            title="Three networks from the same initial weights",
            caption="MFF: mean over nodes that fire of the Fano factor, variance (ddof 1) / mean "
            "of counts in windows of so many bins; var: its variance over nodes (ddof 0).",
        ),
        "regime", "schedule", "layer", "dead", "MFR", "var(rate)",
        *(f"{name} {w}" for w in windows for name in ("MFF", "var")),
    )  # fmt: skip
    table.columns[1].justify = "left"
    table.columns[1].no_wrap = True
    before: tuple[str, str] | None = None
    for row in rows:
        now = (str(row["regime"]), str(row["schedule"]))
        regime, schedule = ("", "") if now == before else now
        if before is not None and before != now:
            table.add_section()
        before = now
        numbers = (row[f"{key}_{w}"] for w in windows for key in ("mff", "var_fano"))
        table.add_row(
            regime,
            schedule,
            str(row["layer"]),
            f"{row['dead']:,}",
            *("–" if n is None else f"{n:.3g}" for n in (row["mfr"], row["var_rate"], *numbers)),
        )
    return table


def _flat(facts: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield nested facts as rows: ``source.seed``."""
    for name, value in facts.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", str(value)


def describe(path: Path) -> Iterator[Table | str]:
    """Yield what `stochnet info` shows of a file."""
    kind = read_kind(path)
    yield f"{path}: {kind}, content {stored_digest(path)}"
    holder: Any = read_bundle(path) if kind == "stochnet-bundle" else read_observed(path)
    facts = columns(Table(show_header=False), "", "")
    facts.columns[1].justify = "left"
    facts.columns[1].overflow = "fold"
    width = "none" if np.isnan(holder.bin_width) else f"{holder.bin_width:g} s"
    facts.add_row("size", f"{holder.n_nodes:,} nodes × {holder.n_trials:,} trials × "
                          f"{holder.n_bins:,} bins")  # fmt: skip
    facts.add_row("bin width, schedule", f"{width}, {holder.schedule}")
    conditions = holder.conditions
    facts.add_row("conditions", "none" if conditions is None else f"0 to {conditions.max()}")
    if isinstance(holder, RasterSummary):
        held = ", ".join(("totals", *(part for part in PARTS if part in holder.tables)))
        size = holder.nbytes / holder.n_nodes
        conditions = "per condition" if holder.per_condition else "pooled"
        facts.add_row("summary of", f"{holder.kind}, {conditions}")
        facts.add_row("window", f"{holder.window:,} bins" if holder.window else "the whole trial")
        facts.add_row("parts", f"{held}; {size:,.0f} bytes a node in memory")
    for name, value in _flat(holder.provenance):
        facts.add_row(name, value)
    yield facts
    if isinstance(holder, Bundle):
        yield bundle_table(holder)
        if holder.selection is not None:
            yield selection_table(holder)
        if holder.populations:
            yield population_table(holder, families=True)
        seen = int(np.bitwise_or.reduce([np.bitwise_or.reduce(fit.flags) for fit in holder.fits]))
        for flag, doc in FLAG_DOC.items():
            if seen & flag.value:
                yield f"{(flag.name or '').lower()}: {doc}"
        return
    layers = columns(Table(title="Layers"), "name", "kind", "shape", "first node", "nodes")
    for layer in holder.layers:
        shape = " × ".join(map(str, layer.shape))
        layers.add_row(layer.name, layer.kind, shape, f"{layer.first:,}", f"{layer.n_nodes:,}")
    yield layers
