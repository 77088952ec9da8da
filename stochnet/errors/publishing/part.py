"""A temporary file beside its target, and a journal beside it that its owner holds locked."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

_TOKEN = re.compile(r"\.[0-9a-f]{16}\.(part|journal)$")


class Part:
    """A temporary file whose owner lives as long as its journal is locked.

    The journal is there before the temporary file and goes after it. A lock ends with the process
    that holds it, however it ends, also on another machine that has the folder.

    Attributes
    ----------
    path : Path
        The temporary file.
    fd : int or None
        The journal, open and locked; None once it was let go.
    taken_over : bool
        Whether another process made it.
    """

    def __init__(self, journal: Path, fd: int) -> None:
        self.path = journal.with_suffix(".part")
        self.fd: int | None = fd
        self.taken_over = False
        self._journal = journal
        _HELD.add(self)

    @classmethod
    def create(cls, target: Path) -> Part:
        """Take a new name beside `target`."""
        while True:
            journal = target.with_name(f".{target.name}.{secrets.token_hex(8)}.journal")
            fd = os.open(journal, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
            # Some network file systems have no locks; there, nobody removes what others left.
            with contextlib.suppress(OSError):
                fcntl.flock(fd, fcntl.LOCK_EX)
            if os.fstat(fd).st_nlink:
                return cls(journal, fd)
            # Somebody took it for a leftover before it was locked.
            os.close(fd)

    @classmethod
    def take_over(cls, journal: Path) -> Part | None:
        """Lock what a process left behind; None if its owner lives."""
        try:
            fd = os.open(journal, os.O_RDWR | os.O_NOFOLLOW)
        except OSError:
            return None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(fd), os.lstat(journal)):
                part = cls(journal, fd)
                part.taken_over = True
                return part
        except OSError:
            pass
        os.close(fd)
        return None

    def let_go(self) -> None:
        """Leave both files as they are, to whoever comes next."""
        if self.fd is not None:
            os.close(self.fd)
            self.fd = None

    def discard(self) -> None:
        """Remove both files, unless they were let go."""
        if self.fd is not None:
            self.path.unlink(missing_ok=True)
            self._journal.unlink(missing_ok=True)
            self.let_go()

    def publish(self, target: Path, check: Callable[[Path], None] | None = None) -> None:
        """Flush the file to the disk, check it, and rename it over its target."""
        fsync(self.path)
        if check is not None:
            check(self.path)
        os.replace(self.path, target)
        self.discard()
        fsync(target.parent)


def leftovers(target: Path) -> Iterator[Part]:
    """Yield what dead writers of `target` left, the longest journal first; remove what is torn."""
    name = re.sub(r"([*?[])", r"[\1]", target.name)
    found = [path for path in target.parent.glob(f".{name}.*") if _TOKEN.search(path.name)]
    journals = {path for path in found if path.suffix == ".journal"}
    for path in found:
        # A journal goes last, so the owner of a file without one is dead.
        if path.suffix == ".part" and not path.with_suffix(".journal").exists():
            path.unlink(missing_ok=True)
    for journal in sorted(journals, key=_size, reverse=True):
        part = Part.take_over(journal)
        if part is not None:
            yield part


def fsync(path: Path) -> None:
    """Return when a file or folder is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _let_go_in_child() -> None:
    """Close the locks in a forked worker, which would keep them when its parent dies."""
    for part in list(_HELD):
        part.let_go()


_HELD: weakref.WeakSet[Part] = weakref.WeakSet()
os.register_at_fork(after_in_child=_let_go_in_child)
