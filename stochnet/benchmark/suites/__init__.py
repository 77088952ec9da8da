"""The suites, one file each; a file that ends with ``SUITE = Suite(...)`` is found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from stochnet.benchmark.suite import Suite
from stochnet.errors import InvalidInputError
from stochnet.errors.entrance import shown
from stochnet.errors.entrance.variants import by_name, declared


def discover(path: Iterable[str], package: str) -> Mapping[str, Suite]:
    """Import every module of a package and collect its ``SUITE``.

    Raises
    ------
    InvalidInputError
        A module has no ``SUITE``, or its name is taken.
    """
    return by_name(declared(path, package, "SUITE", Suite, "Suite(...)"), "suite")


SUITES = discover(__path__, __name__)


def get_suite(suite: str) -> Suite:
    """Return the suite of a name.

    Raises
    ------
    InvalidInputError
        There is none of that name; the message lists those there are.
    """
    if not isinstance(suite, str) or suite not in SUITES:
        raise InvalidInputError(f"no suite {shown(suite)}; there are {', '.join(SUITES)}")
    return SUITES[suite]
