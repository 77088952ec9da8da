"""Tables for the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

import stochnet as sn
from stochnet import storage
from stochnet.bundle.selection import AT
from stochnet.errors import InvalidInputError


def stats_table(result: dict[str, Any], per: str = "bin") -> Table:
    """Return the table of `stochnet stats`: one row a layer, and one for the network."""
    windows = list(result["network"]["windows"])
    table = columns(
        Table(
            title=f"{result['n_nodes']:,} nodes × {result['n_trials']:,} trials × "
            f"{result['n_bins']:,} bins, schedule {result['schedule']}",
            caption="MFF: mean over nodes that fire of variance (ddof 1) / mean of window counts."
             f" Rates are spikes per {per}."
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
            caption="Of each statistic the distance that is farthest beyond chance, and the "
            "largest that chance explains. Close: it differs, by less than matters. Means are over "
            "nodes that have the statistic.",
        ),
        "statistic", "observed", "simulated", "distance", "chance", "quality", "verdict",
    )  # fmt: skip
    table.columns[0].no_wrap = False
    table.columns[-1].no_wrap = True
    for row in report.summary_rows():
        table.add_row(
            row["name"],
            *(number(row[key]) for key in ("observed", "simulated", "distance", "limit")),
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
    # Processes are compiled, and help is shown before they are loaded.
    from stochnet.process import FLAG_DOC

    kind = storage.read_kind(path)
    yield f"{path}: {kind}, content {storage.stored_digest(path)}"
    holder: Any = sn.read_bundle(path) if kind == "stochnet-bundle" else storage.read_observed(path)
    facts = columns(Table(show_header=False), "", "")
    facts.columns[1].justify = "left"
    facts.columns[1].overflow = "fold"
    width = "none" if np.isnan(holder.bin_width) else f"{holder.bin_width:g} s"
    facts.add_row("size", f"{holder.n_nodes:,} nodes × {holder.n_trials:,} trials × "
                          f"{holder.n_bins:,} bins")  # fmt: skip
    facts.add_row("bin width, schedule", f"{width}, {holder.schedule}")
    conditions = holder.conditions
    facts.add_row("conditions", "none" if conditions is None else f"0 to {conditions.max()}")
    if isinstance(holder, sn.RasterSummary):
        held = ", ".join(("totals", *sorted(holder.tables)))
        size = holder.nbytes / holder.n_nodes
        conditions = "per condition" if holder.per_condition else "pooled"
        facts.add_row("summary of", f"{holder.kind}, {conditions}")
        facts.add_row("window", f"{holder.window:,} bins" if holder.window else "the whole trial")
        facts.add_row("parts", f"{held}; {size:,.0f} bytes a node in memory")
    for name, value in _flat(holder.provenance):
        facts.add_row(name, value)
    yield facts
    if isinstance(holder, sn.Bundle):
        yield from bundle_tables(holder, families=True)
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


def number(value: Any) -> str:
    """Return four digits, or a dash for what does not exist."""
    return "–" if value is None else f"{value:.4g}"


def columns(table: Table, *names: str) -> Table:
    """Add columns, the first to the left and the others, of numbers, to the right."""
    for i, name in enumerate(names):
        table.add_column(name, justify="left" if i == 0 else "right", no_wrap=i == 0)
    return table


def bundle_tables(bundle: sn.Bundle, *, families: bool = False) -> Iterator[Table]:
    """Yield what was fitted, what it was chosen among, and the laws of its parameters."""
    yield bundle_table(bundle)
    if bundle.selection is not None:
        yield selection_table(bundle)
        if any(AT in name for name in bundle.selection.processes):
            yield window_table(bundle)
    if bundle.populations:
        yield population_table(bundle, families=families)


def bundle_table(bundle: sn.Bundle) -> Table:
    """Return what was fitted: nodes by layer and process, median parameters, flags."""
    table = columns(
        Table(title="Fitted processes"),
        "layer", "process", "nodes", "window", "median parameters", "flags",
    )  # fmt: skip
    for layer in bundle.layers:
        for fit in bundle.fits:
            a, b = np.searchsorted(fit.node_ids, [layer.first, layer.first + layer.n_nodes])
            if a == b:
                continue
            part = fit.take(slice(a, b))
            medians = ", ".join(f"{name} {np.median(v):.3g}" for name, v in part.params.items())
            flags = ", ".join(
                f"{int(np.count_nonzero(part.flags & flag.value)):,} {(flag.name or '').lower()}"
                for flag in sn.Flag
                if flag and np.any(part.flags & flag.value)
            )
            window = "–" if fit.window is None else f"{fit.window:,}"
            table.add_row(
                layer.name, fit.process.name, f"{b - a:,}", window, medians, flags or "none"
            )
    return table


def selection_table(bundle: sn.Bundle) -> Table:
    """Return by how much processes were chosen: by layer and process."""
    selection = bundle.selection
    if selection is None:
        raise InvalidInputError("this bundle was not chosen among several processes")
    table = columns(
        Table(
            title=f"Chosen by {selection.criterion.replace('_', '-')}, one a {selection.by}",
            caption="margin: median difference to the next best process; undecided: below 2, "
            "so another process explains the spikes about as well.",
        ),
        "layer", "process", "nodes", "margin", "undecided", "most frequent runner-up",
    )  # fmt: skip
    margin, undecided, second = selection.margin, selection.undecided, selection.runner_up
    for layer in bundle.layers:
        for name, n in selection.counts(layer).items():
            mine = selection.chosen[layer.nodes] == selection.processes.index(name)
            runner_up = selection.processes[int(np.bincount(second[layer.nodes][mine]).argmax())]
            table.add_row(
                layer.name,
                name,
                f"{n:,}",
                number(float(np.median(margin[layer.nodes][mine]))),
                f"{np.count_nonzero(undecided[layer.nodes][mine]):,}",
                "–" if len(selection.processes) == 1 else runner_up,
            )
    return table


def window_table(bundle: sn.Bundle) -> Table:
    """Return the windows that were tried: how many nodes have each, and how far it is from best."""
    selection = bundle.selection
    if selection is None:
        raise InvalidInputError("this bundle was not chosen among several windows")
    table = columns(
        Table(
            title="Windows that were tried",
            caption=f"above the best: median over nodes of the {selection.criterion} above that of "
            "their best process and window. A window is one parameter more."
            + (" Held-out trials need no such price." if selection.criterion == "held_out" else ""),
        ),
        "process", "window", "nodes", "above the best",
    )  # fmt: skip
    above = selection.scores - selection.scores.min(axis=1, keepdims=True)
    for k, name in enumerate(selection.processes):
        process, _, window = name.partition(AT)
        distance = float(np.median(above[:, k]))
        table.add_row(
            process,
            f"{int(window):,}" if window else "–",
            f"{np.count_nonzero(selection.chosen == k):,}",
            number(distance) if np.isfinite(distance) else "impossible",
        )
    return table


def population_table(bundle: sn.Bundle, *, families: bool = False) -> Table:
    """Return how well the parametric laws of the parameters fit: by layer and process."""
    table = columns(
        Table(
            title="Laws of the parameters over nodes",
            caption="Kolmogorov distances of the parametric laws. fitting: parameters, under each "
            "condition, within the distance that a sample of the law exceeds once in 20 times; "
            "rate, tuning: of the mean of the leading parameter over conditions, and of its spread "
            "over them; floor: for these two. The empirical law needs no fit.",
        ),
        "layer", "process", "nodes", "dead", "fitting", "worst", "rate", "tuning", "floor",
        *(["families"] if families else []),
    )  # fmt: skip
    for law in bundle.populations:
        known = [one.distance for one in law.margins if one.n_inside]
        distances = (law.rate_distance, law.tuning_distance, law.rate_floor)
        table.add_row(
            law.layer,
            law.process.name,
            f"{law.n_nodes:,}",
            f"{law.dead:.3g}",
            f"{law.fitting}/{len(law.margins)}",
            f"{max(known):.3f}" if known else "–",
            *("–" if np.isnan(one) else f"{one:.3f}" for one in distances),
            *([_families(law)] if families else []),
        )
    return table


def _families(law: sn.Population) -> str:
    """Return the two most frequent families of a law's parameters."""
    kinds = Counter(
        one.family
        if len(one.components) == 1 or one.family == "table"
        else f"{len(one.components)} × {one.family}"
        for one in law.margins
    )
    return ", ".join(name for name, _ in kinds.most_common(2)) or "–"
