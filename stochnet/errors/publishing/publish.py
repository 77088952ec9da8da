"""Publish a file whole or not at all: temporary file beside it, fsync, verify, rename."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from stochnet.errors import FileFormatError, InvalidInputError, entrance
from stochnet.errors.publishing.part import Part, fsync, leftovers

# What a disk says that takes no more, or nothing at all.
_REFUSALS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)


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
        The folder does not exist, the target is a folder, or the disk takes no more.
    """
    with claim(path) as part:
        yield part.path
        part.publish(Path(path), check)


def publish_bytes(
    path: str | os.PathLike[str],
    content: bytes | memoryview,
    check: Callable[[Path], None] | None = None,
) -> None:
    """Write a file whole or not at all, as `publish` does.

    Raises
    ------
    InvalidInputError
        As of `publish`.
    """
    with publish(path, check) as part:
        part.write_bytes(content)


def publish_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a text in UTF-8, with its line ends as they are, whole or not at all.

    Raises
    ------
    InvalidInputError
        As of `publish`.
    """
    publish_bytes(path, text.encode())


def append(path: str | os.PathLike[str], content: bytes) -> None:
    """Add bytes to the end of a file that grows by lines: all of them, or none.

    Raises
    ------
    InvalidInputError
        The disk takes no more.
    """
    target = entrance.path("path", path)
    new = not target.exists()
    with no_room(target), target.open("ab", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        left = memoryview(content)
        try:
            while left:
                left = left[file.write(left) :]
            os.fsync(file.fileno())
        except BaseException:
            # Half a line would be taken for the begin of the next one.
            file.truncate(size)
            raise
    if new:
        fsync(target.parent)


@contextlib.contextmanager
def claim(
    path: str | os.PathLike[str], goes_on: Callable[[Part], bool] | None = None
) -> Iterator[Part]:
    """Give the temporary file in which a target is made; it is gone at the end.

    Parameters
    ----------
    path : path-like
        The target.
    goes_on : callable, optional
        Says of what a dead writer left whether it is of the same file, down to the last byte. It
        is then continued, and this writer leaves its own when it is stopped; all else that the
        dead left beside the target is removed.

    Raises
    ------
    InvalidInputError
        The folder does not exist, the target is a folder, or the disk takes no more.
    """
    target = entrance.path("path", path)
    check_target(target)
    with no_room(target):
        part = _taken_over(target, goes_on) or Part.create(target)
        with _kept_or_gone(part, stays=goes_on is not None):
            yield part


@contextlib.contextmanager
def no_room(target: Path) -> Iterator[None]:
    """Refuse in one line what the disk refuses.

    Raises
    ------
    InvalidInputError
        It is full, or cannot be written.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _REFUSALS:
            raise
        reason = (error.strerror or str(error)).lower()
        raise InvalidInputError(
            f"{target} cannot be written ({reason}): free some room, or choose another folder; "
            "what was there before is kept"
        ) from error


@contextlib.contextmanager
def _kept_or_gone(part: Part, *, stays: bool) -> Iterator[None]:
    """Remove a temporary file at the end, unless somebody else can go on with it."""
    try:
        yield
    except (OSError, FileFormatError, InvalidInputError):
        # What failed to be written is no use to anyone.
        part.discard()
        raise
    except BaseException:
        if stays:
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


def _taken_over(target: Path, goes_on: Callable[[Part], bool] | None) -> Part | None:
    """Return a leftover that can be continued, and remove the others."""
    found = None
    for part in leftovers(target):
        if found is None and goes_on is not None and goes_on(part):
            found = part
        else:
            part.discard()
    return found
