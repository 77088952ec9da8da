"""Where a result comes from: versions, time, command line."""

from __future__ import annotations

import functools
import platform
import shlex
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import PurePath
from typing import Any

from stochnet._version import __version__


@functools.cache
def _version(package: str) -> str:
    """Return the installed version of a package; looking it up takes a millisecond."""
    return metadata.version(package)


def provenance(**facts: Any) -> dict[str, Any]:
    """Return versions, time and command line, and the given facts beside them."""
    versions = {"python": platform.python_version()}
    for package in ("numpy", "numba", "scipy", "h5py", "torch"):
        if package in sys.modules:
            versions[package] = _version(package)
    return {
        "stochnet": __version__,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        # The name of the program alone: folders say where someone works.
        "command": shlex.join([*(PurePath(one).name for one in sys.argv[:1]), *sys.argv[1:]]),
        "versions": versions,
        **facts,
    }
