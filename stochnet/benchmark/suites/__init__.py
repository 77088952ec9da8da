"""The suites, one file each; a file that ends with ``SUITE = Suite(...)`` is found."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from stochnet.benchmark.suite import Suite
from stochnet.errors import InvalidInputError
from stochnet.errors.entrance import shown


def discover(path: Iterable[str], package: str) -> Mapping[str, Suite]:
    """Import every module of a package and collect its ``SUITE``.

    Raises
    ------
    InvalidInputError
        A module has no ``SUITE``, or its name is taken.
    """
    found: dict[str, Suite] = {}
    for module in pkgutil.iter_modules(path):
        full = f"{package}.{module.name}"
        suite = getattr(importlib.import_module(full), "SUITE", None)
        if not isinstance(suite, Suite):
            raise InvalidInputError(f"{full} must end with SUITE = Suite(...)")
        if suite.name in found:
            raise InvalidInputError(f"{full}: the suite name {suite.name!r} is taken")
        found[suite.name] = suite
    return MappingProxyType(dict(sorted(found.items())))


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
