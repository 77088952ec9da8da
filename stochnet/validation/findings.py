"""What differs between two rasters, in words: the findings, and the verdict of a report."""

from __future__ import annotations

import math
from collections.abc import Sequence

from stochnet.validation.compared import STATISTICS
from stochnet.validation.comparison import Comparison, Diagnostic, Finding, excess

# A difference is explained by another one that is at least this part as large.
PART = 0.25
# Below this ratio to its standard error a mean is taken for zero, and no ratio is given.
ABOUT_ZERO = 8.0
# Verdicts of what is told apart.
APART = ("close", "differs")
# Statistics that are named beside the first.
NAMED = 3


def find(statistics: Sequence[Comparison], details: Sequence[str]) -> tuple[Finding, ...]:
    """Return one finding for each statistic that is told apart, where it differs most.

    Those that differ by less than matters come last, and statistics whose difference follows from
    that of a simpler one after the others.

    Parameters
    ----------
    statistics : sequence of Comparison
    details : sequence of str
        What else is known of each of them.
    """
    worst: dict[str, int] = {}
    for k, one in enumerate(statistics):
        if one.verdict in APART:
            now = worst.get(one.label)
            if now is None or _rank(one) > _rank(statistics[now]):
                worst[one.label] = k
    chosen = [statistics[k] for k in worst.values()]
    found = []
    for k in worst.values():
        one = statistics[k]
        declared = STATISTICS[one.statistic]
        follows = (declared.own_scale and len(chosen) > 1) or any(
            cause.statistic in declared.follows_from and _size(cause) >= PART * _size(one)
            for cause in chosen
        )
        text = _sentence(one, details[k])
        close = one.verdict == "close"
        finding = Finding(one.scope, one.label, _size(one), text, close)
        found.append((close, follows, -_size(one), finding))
    return tuple(finding for *_, finding in sorted(found, key=lambda item: item[:3]))


def _rank(one: Comparison) -> tuple[bool, float]:
    """Say how bad a difference is: first whether it matters, then by its size."""
    return one.verdict == "differs", _size(one)


def _size(one: Comparison) -> float:
    return max((excess(distance) for distance in one.distances), default=0.0)


def _sentence(one: Comparison, detail: str) -> str:
    """Say what differs, where and by how much, without a full stop."""
    name = STATISTICS[one.statistic].subject
    if one.window is not None:
        name += f" ({one.window} bin{'s' if one.window > 1 else ''})"
    start = f"{name} in {_place(one.scope)}"
    rest = f"; {detail}" if detail else ""
    by_mean = [d for d in one.distances if d.name == "mean" and not d.within]
    gap, (observed, simulated) = one.difference, one.intervals
    if by_mean and not math.isnan(gap.value):
        error = (observed.high - observed.low) / 4
        if observed.value > 0 and observed.value > ABOUT_ZERO * error and gap.low == gap.low:
            ratio, low, high = (1 + x / observed.value for x in (gap.value, gap.low, gap.high))
            digits = _digits(ratio)
            ends = f"({low:.{digits}f} to {high:.{digits}f})"
            size = f"{ratio:.{digits}f} {ends} times the observed"
            return f"{start} are {size}{rest}"
        size = f"{simulated.value:.2g} where {observed.value:.2g} is observed"
        return f"{start} are {size} (difference {gap.low:.2g} to {gap.high:.2g}){rest}"
    far = next((d for d in reversed(one.distances) if not d.within), None)
    if far is None:
        return f"{start} differ{rest}"
    kind = "in their law" if far.name == "kolmogorov" else "node by node"
    if one.over == "pairs":
        kind = "pair by pair"
    return f"{start} differ {kind} by {far.value:.2g}, where chance explains {far.limit:.2g}{rest}"


def _digits(ratio: float) -> int:
    """Return the decimals at which a ratio can be told from 1."""
    return 2 if abs(ratio - 1) >= 0.02 else 3


def sentences(
    statistics: Sequence[Comparison],
    findings: Sequence[Finding],
    diagnostics: Sequence[Diagnostic] = (),
) -> str:
    """Say in two short sentences what differs most, where and by how much, and what is kept.

    A statistic is kept if it is indistinguishable at this size, or differs by less than matters, in
    the network and in every layer.
    """
    judged = [one for one in statistics if one.verdict != "undecided"]
    failed = [one for one in diagnostics if not one.passed]
    first = f"Not comparable: {failed[0].detail} " if failed else ""
    if not judged:
        needs = next((one.needs for one in statistics if one.needs), "more trials")
        return (
            f"{first}No verdict: with so few trials nothing says how small a distance has to be; "
            f"it takes {needs}. The table shows both sides."
        )
    n = len({one.label for one in judged})
    if not findings:
        return (
            f"{first}At this size the surrogate cannot be told from the recording by any of the "
            f"{n} statistics. {_reach(judged)}"
        )
    matter = [one for one in findings if not one.close]
    n_close = len(findings) - len(matter)
    less = f"{n_close} of {n} statistics {_differ(n_close)} by less than matters"
    if not matter:
        return (
            f"{first}The surrogate can be told from the recording, but {less}, and the others not "
            f"at all. Most: {findings[0].sentence}."
        )
    kept = n - len(matter)
    text = f"{first}{matter[0].sentence}. It keeps {kept} of {n} statistics"
    if n_close:
        text += f" ({n_close} of them {_differ(n_close)}, by less than matters)"
    rest = [f"{one.label} ({_place(one.scope)})" for one in matter[1 : 1 + NAMED]]
    if len(matter) > 1 + NAMED:
        rest.append(f"{len(matter) - 1 - NAMED} more")
    return f"{text}; also different: {_join(rest)}." if rest else f"{text}."


def _differ(n: int) -> str:
    return "differs" if n == 1 else "differ"


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
