"""Tables of what was fitted, and of what it was chosen among."""

from __future__ import annotations

from collections import Counter

import numpy as np
from rich.table import Table

from stochnet.bundle.bundle import Bundle
from stochnet.bundle.populations.margin import TABLE
from stochnet.bundle.populations.population import Population
from stochnet.cli.columns import columns, number
from stochnet.errors import InvalidInputError
from stochnet.process import Flag


def bundle_table(bundle: Bundle) -> Table:
    """Return what was fitted: nodes by layer and process, median parameters, flags."""
    table = columns(
        Table(title="Fitted processes"), "layer", "process", "nodes", "median parameters", "flags"
    )
    for layer in bundle.layers:
        for fit in bundle.fits:
            a, b = np.searchsorted(fit.node_ids, [layer.first, layer.first + layer.n_nodes])
            if a == b:
                continue
            part = fit.take(slice(a, b))
            medians = ", ".join(f"{name} {np.median(v):.3g}" for name, v in part.params.items())
            flags = ", ".join(
                f"{int(np.count_nonzero(part.flags & flag.value)):,} {(flag.name or '').lower()}"
                for flag in Flag
                if flag and np.any(part.flags & flag.value)
            )
            table.add_row(layer.name, fit.process.name, f"{b - a:,}", medians, flags or "none")
    return table


def selection_table(bundle: Bundle) -> Table:
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


def population_table(bundle: Bundle, *, families: bool = False) -> Table:
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


def _families(law: Population) -> str:
    """Return the two most frequent families of a law's parameters."""
    kinds = Counter(
        one.family
        if len(one.components) == 1 or one.family == TABLE
        else f"{len(one.components)} × {one.family}"
        for one in law.margins
    )
    return ", ".join(name for name, _ in kinds.most_common(2)) or "–"
