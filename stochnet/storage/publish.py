"""Publish a file whole or not at all: temporary file beside it, fsync, verify, rename."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

from stochnet.errors import InvalidInputError

_PART = re.compile(r"\.(?P<pid>\d+)-[0-9a-f]{8}\.part$")


@contextlib.contextmanager
def publish(
    path: str | os.PathLike[str], check: Callable[[Path], None] | None = None
) -> Iterator[Path]:
    """Give a temporary path to write; when the block ends well, rename it over `path`.

    If the block, or `check` of the finished temporary file, raises, the temporary file is removed
    and the target stays as it was. A killed process leaves a hidden ``.part`` file, which the next
    writer of the same target removes.

    Raises
    ------
    InvalidInputError
        The folder does not exist or the target is a folder.
    """
    target = Path(path)
    check_target(target)
    _remove_leftovers(target)
    part = target.with_name(f".{target.name}.{os.getpid()}-{secrets.token_hex(4)}.part")
    try:
        yield part
        _fsync(part)
        if check is not None:
            check(part)
        os.replace(part, target)
        _fsync(target.parent)
    finally:
        part.unlink(missing_ok=True)


def check_target(target: Path) -> None:
    """Refuse a target that could never be written, before any work is done."""
    if target.is_dir():
        raise InvalidInputError(f"{target} is a folder; give the name of a file")
    if not target.parent.is_dir():
        raise InvalidInputError(f"the folder {target.parent} does not exist; make it first")
    if not os.access(target.parent, os.W_OK):
        raise InvalidInputError(f"the folder {target.parent} is not writable; choose another")


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove_leftovers(target: Path) -> None:
    for leftover in target.parent.glob(f".{_escaped(target.name)}.*.part"):
        match = _PART.search(leftover.name)
        if match and not _alive(int(match["pid"])):
            leftover.unlink(missing_ok=True)


def _escaped(name: str) -> str:
    return re.sub(r"([*?[])", r"[\1]", name)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
