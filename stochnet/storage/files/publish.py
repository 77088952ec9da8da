"""Publish a file whole or not at all: temporary file beside it, fsync, verify, rename."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from stochnet.errors import FileFormatError, InvalidInputError, entrance
from stochnet.storage.files import journal
from stochnet.storage.files.part import Part, leftovers


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
    with claim(path) as part:
        yield part.path
        part.publish(Path(path), check)


@contextlib.contextmanager
def claim(
    path: str | os.PathLike[str], identity: Callable[[], str] | None = None
) -> Iterator[Part]:
    """Give the temporary file in which a target is made; it is gone at the end.

    Parameters
    ----------
    path : path-like
        The target.
    identity : callable, optional
        Says what is being made, down to the last byte. A dead writer of the same then passes on
        what it had finished, and this one leaves its own when it is stopped; all else that the
        dead left beside the target is removed.

    Raises
    ------
    InvalidInputError
        The folder does not exist or the target is a folder.
    """
    target = entrance.path("path", path)
    check_target(target)
    part = _taken_over(target, identity) or Part.create(target)
    try:
        yield part
    except (OSError, FileFormatError, InvalidInputError):
        # What failed to be written is no use to anyone.
        part.discard()
        raise
    except BaseException:
        if identity is not None:
            part.let_go()
        raise
    finally:
        part.discard()


def check_target(target: Path) -> None:
    """Refuse a target that could never be written, before any work is done."""
    if target.is_dir():
        raise InvalidInputError(f"{target} is a folder; give the name of a file")
    if not target.parent.is_dir():
        raise InvalidInputError(f"the folder {target.parent} does not exist; make it first")
    if not os.access(target.parent, os.W_OK):
        raise InvalidInputError(f"the folder {target.parent} is not writable; choose another")


def _taken_over(target: Path, identity: Callable[[], str] | None) -> Part | None:
    """Return a leftover that can be continued, and remove the others."""
    found = None
    for part in leftovers(target):
        if found is None and identity is not None and journal.is_of(part, identity()):
            found = part
        else:
            part.discard()
    return found
