"""The provenance group: scalars as attributes, everything nested as JSON text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import h5py

from stochnet.storage.files.safe import attribute

_LONGEST = 32_000


def write_provenance(handle: h5py.File, facts: Mapping[str, Any]) -> None:
    """Write facts as attributes of the group ``provenance``; those that are None are left out."""
    group = handle.create_group("provenance")
    for name, value in facts.items():
        if value is None:
            continue
        plain = isinstance(value, (str, int, float))
        text = value if plain else json.dumps(value, default=str)
        if isinstance(text, str) and len(text.encode()) > _LONGEST:
            text = text.encode()[:_LONGEST].decode(errors="ignore") + " … (cut)"
        fits = not isinstance(text, int) or -(2**63) <= text < 2**64
        group.attrs[name] = text if fits else str(text)


def read_provenance(handle: h5py.File) -> dict[str, Any]:
    """Read back what `write_provenance` wrote."""
    if "provenance" not in handle:
        return {}
    group = handle["provenance"]
    return {name: _parsed(attribute(group, name)) for name in group.attrs}


def _parsed(value: str | int | float) -> Any:
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
