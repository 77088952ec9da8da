"""Search for a raster for which a property does not hold, by Hypothesis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import HealthCheck, Phase, Verbosity, given, reject, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky, Unsatisfiable

from stochnet.testing.estimators.outcome import Outcome
from stochnet.testing.estimators.setup import Setup
from stochnet.testing.estimators.subject import Refused, Violation


@dataclass(frozen=True, slots=True)
class Property:
    """Something that holds for every raster.

    Attributes
    ----------
    claim : str
        What holds.
    test : callable
        Draws a raster and raises a `Violation` where it does not hold.
    skip : callable
        Returns why it does not apply, or an empty text.
    """

    claim: str
    test: Callable[[Setup, st.DataObject], None]
    skip: Callable[[Setup], str] = lambda setup: ""


def run_property(name: str, one: Property, setup: Setup) -> Outcome:
    """Search for a raster for which a property does not hold, and make it as small as possible."""
    why = one.skip(setup)
    if why:
        return Outcome(name, "skipped", why)

    @seed(setup.seed)
    @settings(
        max_examples=setup.max_examples,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        verbosity=Verbosity.quiet,
    )
    @given(st.data())
    def search(data: st.DataObject) -> None:
        try:
            one.test(setup, data)
        except Refused:
            reject()

    try:
        search()
    except Violation as found:
        return failed(name, found)
    except Flaky:
        return Outcome(name, "failed", "it gave two results for the same data",
                       hint="take no random numbers, or draw them from a fixed seed")  # fmt: skip
    except Unsatisfiable:
        return Outcome(name, "failed", "it raised an error for every raster")
    return Outcome(name, "passed", one.claim)


def failed(name: str, found: Violation) -> Outcome:
    """Return the outcome of a check that failed."""
    return Outcome(
        name, "failed", found.detail, found.counts, found.expected, found.got, found.hint
    )
