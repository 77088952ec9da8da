"""The parts of a summary, one file each; a file that ends with ``PART = Part(...)`` is found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from stochnet.errors import InvalidInputError, entrance
from stochnet.errors.entrance.variants import declared
from stochnet.statistics.summary.summary_part import Field, Part


def discover(path: Iterable[str], package: str) -> Mapping[str, Part]:
    """Import every module of a package and collect its ``PART``, in the order of their names.

    Raises
    ------
    InvalidInputError
        A module has no ``PART`` of its own name, or one whose fields another part has.
    """
    found: dict[str, Part] = {}
    for full, part in declared(path, package, "PART", Part, "Part({}, ...)"):
        own = full.rpartition(".")[2]
        if part.name != own:
            raise InvalidInputError(f"{full} must end with PART = Part({own!r}, ...)")
        names = {field.name for other in found.values() for field in other.fields}
        taken = sorted(names & {field.name for field in part.fields})
        if taken:
            raise InvalidInputError(f"{full}: the field {taken[0]!r} is taken")
        found[part.name] = part
    return MappingProxyType(found)


PARTS = discover(__path__, __name__)
DEFAULT_PARTS = frozenset(name for name, part in PARTS.items() if part.by_default)
FIELDS: Mapping[str, Field] = MappingProxyType(
    {field.name: field for part in PARTS.values() for field in part.fields}
)
"""Attributes of a summary beyond totals."""


def check_parts(parts: Iterable[str] | None) -> tuple[Part, ...]:
    """Return the parts of these names, in the order of names; for None those kept by default.

    Raises
    ------
    InvalidInputError
        An unknown part.
    """
    listed = (parts,) if isinstance(parts, str) else parts
    if listed is PARTS:
        listed = tuple(PARTS)
    given = DEFAULT_PARTS if listed is None else set(entrance.options("parts", listed))
    if given - set(PARTS):
        raise InvalidInputError(
            f"parts are {', '.join(PARTS)}; got {', '.join(sorted(given - set(PARTS)))}"
        )
    return tuple(PARTS[name] for name in sorted(given))
