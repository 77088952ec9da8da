"""The verdict of a validation in words, made from its numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence

from stochnet.validation.comparison import Comparison, excess

NAMED = 4


def sentences(statistics: Sequence[Comparison]) -> str:
    """Say in two sentences which statistics are kept and which are not, and where it is worst.

    A statistic is kept if it is indistinguishable at this size in the network and in every layer.
    """
    judged = [one for one in statistics if one.distances]
    if not judged:
        return (
            "No verdict: the observed recording is too short to be cut into two halves of the same "
            "make, so nothing says how small a distance has to be. The table shows both sides."
        )
    labels = list(dict.fromkeys(one.label for one in judged))
    broken = {
        label: max(found, key=_badness)
        for label in labels
        if (found := [x for x in judged if x.label == label and x.verdict == "differs"])
    }
    kept = [label for label in labels if label not in broken]
    if not broken:
        return (
            f"At this size the surrogate cannot be told from the recording by any of the "
            f"{len(labels)} statistics: {_join(kept)}. In the network and in every layer its "
            "distances stay within the split-half floor of the recording."
        )
    order = sorted(broken, key=lambda label: -_badness(broken[label]))
    shown = [_describe(broken[label]) for label in order[:NAMED]]
    if len(order) > NAMED:
        shown.append(f"{len(order) - NAMED} more")
    second = f"It differs in {_join(shown)}."
    if not kept:
        return (
            f"The surrogate can be told from the recording by each of the {len(labels)} "
            f"statistics. {second}"
        )
    first = f"At this size the surrogate keeps {_join(kept)}."
    return f"{first} {second}"


def _badness(one: Comparison) -> float:
    return max(excess(distance) for distance in one.distances)


def _describe(one: Comparison) -> str:
    where = "the network as a whole" if one.scope is None else f"layer {one.scope}"
    if math.isnan(one.ratio):
        return f"{one.label} (in {where}, where halves of the recording agree exactly)"
    return f"{one.label} ({one.ratio:.1f} times the floor in {where})"


def _join(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
