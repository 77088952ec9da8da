"""What the demo found, in rows and in sentences, from its numbers alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from stochnet.statistics.table import statistics_table

if TYPE_CHECKING:
    from stochnet.cli.demo.parts import Shown, Surrogate

Row = dict[str, Any]


def regime_rows(shown: Shown, windows: tuple[int, ...]) -> list[Row]:
    """Return the rows of one recording under one schedule, a layer each.

    Keys: ``regime, train_accuracy, test_accuracy, schedule, layer, nodes, dead, saturated, mfr,
    var_rate`` and for each window ``mff_10, var_fano_10``. Rates are spikes per bin; MFF and its
    variance are over nodes that fire.
    """
    table = statistics_table(shown.raster, windows)
    rows = []
    for layer in table["layers"]:
        row = {
            "regime": shown.regime.name,
            "train_accuracy": shown.regime.train_accuracy,
            "test_accuracy": shown.regime.test_accuracy,
            "schedule": shown.title,
            "layer": layer["name"],
            "nodes": layer["n_nodes"],
            **{key: layer[key] for key in ("dead", "saturated", "mfr", "var_rate")},
        }
        for window in windows:
            entry = layer["windows"][str(window)]
            row |= {f"mff_{window}": entry["mff"], f"var_fano_{window}": entry["var_fano"]}
        rows.append(row)
    return rows


def findings(rows: Sequence[Row], surrogates: Sequence[Surrogate], window: int) -> str:
    """Sum up the demo in a few sentences."""
    return f"{regimes_differ(rows, window)} {surrogates_keep(surrogates)}".strip()


def regimes_differ(rows: Sequence[Row], window: int) -> str:
    """Say how the regimes differ in the last layer, under either schedule."""
    key, layer = f"mff_{window}", rows[-1]["layer"]
    last = [row for row in rows if row["layer"] == layer and row[key] is not None]
    blocked = sorted((row for row in last if row["schedule"] == "blocked"), key=lambda r: -r[key])
    if not blocked:
        return f"No node of layer {layer} fires."
    values = ", ".join(f"{row[key]:.2f} ({row['regime']})" for row in blocked)
    gaps = [
        abs(row[key] - (1 - row["mfr"] * row["nodes"] / max(1, row["nodes"] - row["dead"])))
        for row in last
        if row["schedule"] == "shuffled"
    ]
    text = (
        f"Shown class by class, the nodes of layer {layer} have a mean Fano factor of {values} in "
        f"windows of {window} bins"
    )
    if gaps:
        text += (
            f"; shuffled, it is 1 − rate to within {max(gaps):.2f} in each network and says "
            "nothing beyond the rate"
        )
    return f"{text}."


def surrogates_keep(surrogates: Sequence[Surrogate]) -> str:
    """Say how many statistics each kind of surrogate keeps, and which none keeps."""
    blocked = [one for one in surrogates if one.shown.schedule == "blocked"]
    if not blocked:
        return ""
    parts = []
    for name in dict.fromkeys(one.model.name for one in blocked):
        counts = [_kept(one) for one in blocked if one.model.name == name]
        low, high = min(c[0] for c in counts), max(c[0] for c in counts)
        span = f"{low}" if low == high else f"{low} to {high}"
        parts.append((high, f"{span} with {name}"))
    parts.sort(key=lambda part: -part[0])
    judged = _kept(blocked[0])[1]
    text = (
        f"Of {judged} statistics of held-out trials, shown class by class, surrogates keep "
        f"{', '.join(part for _, part in parts)}"
    )
    never = never_kept(blocked)
    if never:
        text += f"; none keeps the {' or the '.join(never)}"
    return f"{text}."


def never_kept(surrogates: Sequence[Surrogate]) -> list[str]:
    """Return the labels of statistics that differ in every surrogate."""
    labels = [one.label for one in surrogates[0].report.of() if one.distances]
    found = []
    for label in labels:
        everywhere = [one.report.find(label) for one in surrogates]
        if all(one is not None and one.verdict == "differs" for one in everywhere):
            found.append(label)
    return found


def _kept(one: Surrogate) -> tuple[int, int]:
    judged = [statistic for statistic in one.report.of() if statistic.distances]
    return sum(s.verdict in ("indistinguishable", "close") for s in judged), len(judged)
