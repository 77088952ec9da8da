"""The journal of a simulation: what it is, how its file is built, and a digest of every leaf."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

from stochnet.errors.publishing.part import Part
from stochnet.storage.files.raw import write_at

_LINE = re.compile(rb"stochnet-journal 1 ([0-9a-f]{64}) (\d+) (\d+) ([0-9a-f]{64})\n")
_LONGEST_LINE = 256
_LEAF = 32


@dataclass(frozen=True, slots=True)
class Journal:
    """What is known of a temporary file.

    Attributes
    ----------
    head, tail : bytes
        All bytes before and after the data.
    leaves : tuple of bytes
        Digests of the leaves that were written, in order.
    begin : int
        Where the leaves begin in the journal.
    """

    head: bytes
    tail: bytes
    leaves: tuple[bytes, ...] = ()
    begin: int = 0


def start(part: Part, identity: str, journal: Journal) -> None:
    """Write the journal of a new temporary file."""
    frame = journal.head + journal.tail
    digest = hashlib.sha256(frame).hexdigest()
    line = f"stochnet-journal 1 {identity} {len(journal.head)} {len(journal.tail)} {digest}\n"
    _write(part, line.encode() + frame, 0)


def append(part: Part, leaves: Sequence[bytes]) -> None:
    """Add leaves whose bytes were all written."""
    if leaves and part.fd is not None:
        _write(part, b"".join(leaves), os.fstat(part.fd).st_size)


def keep(part: Part, journal: Journal, n_leaves: int) -> None:
    """Forget all leaves but the first."""
    if part.fd is not None:
        os.ftruncate(part.fd, journal.begin + n_leaves * _LEAF)


def read(part: Part, identity: str) -> Journal | None:
    """Return the journal of a leftover; None if it is of something else, or torn."""
    if part.fd is None:
        return None
    with open(os.dup(part.fd), "rb") as handle:
        handle.seek(0)
        match = _LINE.fullmatch(handle.readline(_LONGEST_LINE))
        if match is None or match[1].decode() != identity:
            return None
        head, tail = handle.read(int(match[2])), handle.read(int(match[3]))
        begin, rest = handle.tell(), handle.read()
    if hashlib.sha256(head + tail).hexdigest().encode() != match[4]:
        return None
    whole = len(rest) // _LEAF * _LEAF
    leaves = tuple(rest[at : at + _LEAF] for at in range(0, whole, _LEAF))
    return Journal(head, tail, leaves, begin)


def is_of(part: Part, identity: str) -> bool:
    """Whether a leftover is of that identity and can be continued."""
    return part.path.is_file() and not part.path.is_symlink() and read(part, identity) is not None


def _write(part: Part, data: bytes, at: int) -> None:
    if part.fd is not None:
        write_at(part.fd, memoryview(data), at)
