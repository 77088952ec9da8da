"""The verdict of a validation in words, made from its numbers."""

from __future__ import annotations

from collections.abc import Sequence

from stochnet.validation.answers import Diagnostic, Finding
from stochnet.validation.comparison import Comparison

# Statistics that are named beside the first.
NAMED = 3


def sentences(
    statistics: Sequence[Comparison],
    findings: Sequence[Finding],
    diagnostics: Sequence[Diagnostic] = (),
) -> str:
    """Say in two short sentences what differs most, where and by how much, and what is kept.

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
    n = len({one.label for one in judged})
    if not findings:
        return (
            f"{first}At this size the surrogate cannot be told from the recording by any of the "
            f"{n} statistics. {_reach(judged)}"
        )
    text = f"{first}{findings[0].sentence}. It keeps {n - len(findings)} of {n} statistics"
    rest = [f"{one.label} ({_place(one.scope)})" for one in findings[1 : 1 + NAMED]]
    if len(findings) > 1 + NAMED:
        rest.append(f"{len(findings) - 1 - NAMED} more")
    return f"{text}; also different: {_join(rest)}." if rest else f"{text}."


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
