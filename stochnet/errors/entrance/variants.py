"""Variants of one kind, a file each in one folder, found by what they end with."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Protocol, TypeVar

from stochnet.errors import InvalidInputError


class Named(Protocol):
    """What has a name of its own."""

    @property
    def name(self) -> str:
        """Differs from those of all others of its kind."""


T = TypeVar("T")
N = TypeVar("N", bound=Named)


def declared(
    path: Iterable[str], package: str, constant: str, kind: type[T], form: str
) -> Iterator[tuple[str, T]]:
    """Import every module of a package, and yield its name with each of the things it declares.

    Parameters
    ----------
    path, package : iterable of str, str
        ``__path__`` and ``__name__`` of the package; packages in it are left out.
    constant : str
        What the thing, or a tuple of things, is called in every module.
    kind : type
        Of the things.
    form : str
        What to write in place of one that is missing; ``{}`` stands for the name of the module.

    Raises
    ------
    InvalidInputError
        A module declares nothing of this kind.
    """
    for module in pkgutil.iter_modules(path):
        if module.ispkg:
            continue
        full = f"{package}.{module.name}"
        found = getattr(importlib.import_module(full), constant, None)
        things = found if isinstance(found, tuple) else (found,)
        if not things or not all(isinstance(one, kind) for one in things):
            raise InvalidInputError(
                f"{full} must end with {constant} = {form.format(repr(module.name))}"
            )
        for one in things:
            yield full, one


def by_name(things: Iterable[tuple[str, N]], what: str) -> Mapping[str, N]:
    """Collect what modules declare, in the order of the names.

    Raises
    ------
    InvalidInputError
        A name is taken; `what` says of what.
    """
    found: dict[str, N] = {}
    for module, one in things:
        if one.name in found:
            raise InvalidInputError(f"{module}: the name {one.name!r} of a {what} is taken")
        found[one.name] = one
    return MappingProxyType(dict(sorted(found.items())))
