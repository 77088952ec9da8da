"""The verdict of a validation in words, made from its numbers."""

from __future__ import annotations

from collections.abc import Sequence

from stochnet.validation.answers import Diagnostic, Finding
from stochnet.validation.comparison import Comparison

NAMED = 4


def sentences(
    statistics: Sequence[Comparison],
    findings: Sequence[Finding],
    diagnostics: Sequence[Diagnostic] = (),
) -> str:
    """Say in two sentences what differs, where and by how much, and which statistics are kept.

    A statistic is kept if it is indistinguishable at this size in the network and in every layer.
    """
    judged = [one for one in statistics if one.verdict != "undecided"]
    failed = [one for one in diagnostics if not one.passed]
    first = f"Not comparable: {failed[0].detail} " if failed else ""
    if not judged:
        return (
            f"{first}No verdict: the rasters are too short to be cut into groups of trials of the "
            "same make, so nothing says how small a distance has to be. The table shows both sides."
        )
    labels = list(dict.fromkeys(one.label for one in judged))
    kept = [label for label in labels if all(label != one.label for one in findings)]
    if not findings:
        return (
            f"{first}At this size the surrogate cannot be told from the recording by any of the "
            f"{len(labels)} statistics: {_join(kept)}. {_reach(judged)}"
        )
    text = f"{first}{findings[0].sentence}. "
    rest = [f"{one.label} ({_place(one.scope)})" for one in findings[1:NAMED]]
    if len(findings) > NAMED:
        rest.append(f"{len(findings) - NAMED} more")
    if not rest:
        return f"{text}At this size the surrogate keeps {_join(kept)}." if kept else text.strip()
    text += f"It also differs in {_join(rest)}"
    return f"{text}; at this size it keeps {_join(kept)}." if kept else f"{text}."


def _reach(judged: Sequence[Comparison]) -> str:
    """Say how small a difference would have been found."""
    one = next((x for x in judged if x.scope is None and x.smallest is not None), None)
    if one is None or one.smallest is None:
        return "Distances stay within what chance explains in the network and in every layer."
    size = f"{one.smallest:.2g}"
    if one.observed.mean > 0:
        size = f"{one.smallest / one.observed.mean:.1%}"
    return (
        f"A difference of {size} in the mean {one.label} of the network would have been found with "
        "probability 0.9."
    )


def _place(scope: str | None) -> str:
    return "the network" if scope is None else f"layer {scope}"


def _join(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
