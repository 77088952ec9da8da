"""The properties that hold for every raster."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

import numpy as np
from hypothesis import strategies as st

from stochnet.testing.estimators.exact import Counts
from stochnet.testing.estimators.search import Property
from stochnet.testing.estimators.setup import Setup
from stochnet.testing.estimators.subject import Violation
from stochnet.testing.strategies.arrays import conditions

SAME = "it must be the same"
NEIGHBOURS = "the result of a node depends on which other nodes are there"


def _unchanged(setup: Setup, detail: str, counts: Counts, other: Counts, hint: str) -> None:
    before, after = setup.subject(counts).columns, setup.subject(other).columns
    setup.compare(detail, counts, before, after, hint)


def _output(setup: Setup, data: st.DataObject) -> None:
    counts = setup.draw(data)
    first, second = setup.subject(counts), setup.subject(counts)
    if first.changed:
        raise Violation("it changed the data that it was given", counts, hint="copy them first")
    detail = "the same data must give the same result twice"
    hint = "it draws random numbers, or keeps something between two calls"
    setup.compare(detail, counts, first.columns, second.columns, hint)


def _nodes_permuted(setup: Setup, data: st.DataObject) -> None:
    counts = setup.draw(data, n_nodes=(2, 4))
    order = data.draw(st.permutations(range(len(counts))))
    before, after = setup.subject(counts).columns, setup.subject(counts[order]).columns
    if setup.target.network:
        setup.compare(f"with the nodes in the order {order} {SAME}", counts, before, after)
        return
    detail = f"with the nodes in the order {order} the results must be in that order, too"
    setup.compare(detail, counts, before[:, order], after, NEIGHBOURS)


def _nodes_sliced(setup: Setup, data: st.DataObject) -> None:
    counts = setup.draw(data, n_nodes=(2, 4))
    if setup.target.network:
        _joined(setup, data, counts)
        return
    first = data.draw(st.integers(0, len(counts) - 1))
    last = data.draw(st.integers(first + 1, len(counts)))
    whole, part = setup.subject(counts).columns, setup.subject(counts[first:last]).columns
    detail = f"nodes {first} to {last - 1} alone must give what they give among all nodes"
    if last == first + 1:
        detail = f"node {first} alone must give what it gives among all nodes"
    setup.compare(detail, counts, whole[:, first:last], part, NEIGHBOURS)


def _joined(setup: Setup, data: st.DataObject, counts: Counts) -> None:
    """Compare the mean of a network with the means of two parts of it."""
    cut = data.draw(st.integers(1, len(counts) - 1))
    total, weight = np.zeros(1), 0
    for part in (counts[:cut], counts[cut:]):
        # Dead nodes belong to a mean if they have a value.
        n = len(part) if setup.target.dead == 0 else int((~setup.silent(part)).sum())
        if n:
            value = setup.subject.values(part)
            if np.isnan(value).any():
                hint = "dead nodes count, with the value 0" if setup.target.dead == 0 else ""
                raise Violation("it must exist for these nodes", part, got=value, hint=hint)
            total += value * n
            weight += n
    if weight:
        detail = f"it must be the weighted mean of its values for nodes 0 to {cut - 1} and the rest"
        hint = "the nodes that are averaged are not those that should be"
        setup.compare(detail, counts, total / weight, setup.subject.values(counts), hint)


def _trials_permuted(setup: Setup, data: st.DataObject) -> None:
    counts = setup.draw(data, n_trials=(2, 4))
    order = data.draw(st.permutations(range(counts.shape[1])))
    hint = "a window runs from one trial into the next, or a trial is left out"
    _unchanged(
        setup, f"with the trials in the order {order} {SAME}", counts, counts[:, order], hint
    )


def _bins_permuted(setup: Setup, data: st.DataObject) -> None:
    counts = setup.draw(data)
    order = data.draw(st.permutations(range(counts.shape[2])))
    hint = "a bin is left out, or counted otherwise than the rest"
    _unchanged(
        setup, f"with the bins in the order {order} {SAME}", counts, counts[..., order], hint
    )


def _conditions_ignored(setup: Setup, data: st.DataObject) -> None:
    counts = setup.draw(data)
    labels = data.draw(conditions(*counts.shape[1:]))
    before, after = setup.subject(counts).columns, setup.subject(counts, labels).columns
    setup.compare(f"with the conditions {labels.tolist()} {SAME}", counts, before, after)


def _scale(setup: Setup, data: st.DataObject) -> None:
    counts = setup.draw(data)
    power, k = setup.target.scaling or 0, data.draw(st.integers(2, 3))
    before, after = setup.subject.values(counts), setup.subject.values(counts * k)
    detail = f"counts times {k} must multiply it by {k**power:g}"
    hint = "counts are taken as 0 and 1, or enter with another power"
    setup.compare(detail, counts, before * float(k) ** power, after, hint)


def _repeated(setup: Setup, data: st.DataObject) -> None:
    counts = setup.draw(data)
    before, factor = setup.subject.values(counts), 1.0
    detail = "with every trial twice it must stay the same"
    hint = "trials are added up, not averaged"
    if setup.target.repeated == "ddof=1":
        n = counts.shape[1] * (counts.shape[2] // (setup.window or 1))
        factor = 2 * (n - 1) / (2 * n - 1)
        detail = f"with every trial twice, {n} windows become {2 * n}: times 2(n - 1) / (2n - 1)"
        hint = "ddof is not 1, or there are not as many windows"
    got = setup.subject.values(np.concatenate([counts, counts], axis=1))
    setup.compare(detail, counts, before * factor, got, hint)


def _reference(setup: Setup, data: st.DataObject) -> None:
    counts = setup.draw(data)
    setup.compare_exact(f"this is not {setup.title}", counts, setup.subject.values(counts))


def _undeclared(name: str) -> Callable[[Setup], str]:
    return lambda setup: f"no {name} declared" if getattr(setup.target, name) is None else ""


def _depends(name: str, text: str) -> Callable[[Setup], str]:
    return lambda setup: f"depends on {text}" if getattr(setup.target, name) else ""


def _without_labels(setup: Setup) -> str:
    if setup.subject.takes == "dense":
        return "a dense array has no conditions"
    return "depends on conditions" if setup.target.conditions else ""


def _unscaled(setup: Setup) -> str:
    if setup.counts is False:
        return "spikes are 0 or 1"
    return "no scaling declared" if setup.target.scaling is None else ""


PROPERTIES = MappingProxyType(
    {
        "output": Property("one number each, the same twice", _output),
        "nodes_permuted": Property("nodes in another order", _nodes_permuted),
        "nodes_sliced": Property("nodes alone and among others", _nodes_sliced),
        "trials_permuted": Property(
            "trials in another order", _trials_permuted, _depends("trial_order", "their order")
        ),
        "bins_permuted": Property(
            "bins in another order", _bins_permuted, _depends("bin_order", "their order")
        ),
        "conditions_ignored": Property(
            "with conditions and without", _conditions_ignored, _without_labels
        ),
        "scale": Property("counts times 2 or 3", _scale, _unscaled),
        "repeated": Property("every trial twice", _repeated, _undeclared("repeated")),
        "reference": Property("equal to the exact value", _reference, _undeclared("exact")),
    }
)
