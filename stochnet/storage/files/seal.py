"""The seal: a hash over every byte of a file, kept in the HDF5 user block before them."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from stochnet.errors import FileFormatError
from stochnet.kernels.threads import count
from stochnet.storage.files.raw import PIECE, hash_at, write_at

USERBLOCK = 512
SHORTEST_PIECE = 1 << 19
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_LINE = re.compile(rb"stochnet-seal 1 ([0-9a-f]{64}) (\d{1,19}) (\d{1,19}) (\d{1,19})\n\0*")


@dataclass(frozen=True, slots=True)
class Pieces:
    """Where a file is cut to be hashed, and what is known of the pieces.

    Attributes
    ----------
    first : int
        All bytes from the user block to here are one piece, unless there are none.
    length : int
        Bytes of every piece from `first` on; the last may be shorter.
    known : sequence of bytes
        Digests of the pieces from `first` on that need not be read again.
    end : int
        Where the bytes of the known pieces end.
    """

    first: int = USERBLOCK
    length: int = PIECE
    known: Sequence[bytes] = ()
    end: int = 0


def write_seal(path: Path, pieces: Pieces | None = None) -> None:
    """Hash all bytes after the user block of a closed file and write the seal into the block."""
    pieces = pieces or Pieces()
    with path.open("r+b", buffering=0) as handle:
        size = os.fstat(handle.fileno()).st_size
        root = _hash(handle.fileno(), size, pieces)
        line = f"stochnet-seal 1 {root} {size} {pieces.first} {pieces.length}\n".encode()
        write_at(handle.fileno(), memoryview(line.ljust(USERBLOCK, b"\0")), 0)


def check_seal(path: Path) -> bool:
    """Return True for a good seal, False for a file without a user block.

    Raises
    ------
    FileFormatError
        Not an HDF5 file, or a byte differs from what was sealed.
    """
    with path.open("rb") as handle:
        head = handle.read(USERBLOCK + len(_SIGNATURE))
        size = os.fstat(handle.fileno()).st_size
        if head.startswith(_SIGNATURE):
            return False
        if head[USERBLOCK:] != _SIGNATURE:
            raise FileFormatError(f"{path} is not an HDF5 file, or its first bytes are damaged")
        match = _LINE.fullmatch(head[:USERBLOCK])
        if match is None:
            raise FileFormatError(
                f"{path}: the seal itself is damaged; take a good copy of the file"
            )
        length, pieces = int(match[2]), Pieces(int(match[3]), int(match[4]))
        if length != size:
            raise FileFormatError(
                f"{path} has {size} bytes and was sealed with {length}; "
                "it was cut or added to: take a good copy"
            )
        if pieces.first < USERBLOCK or pieces.length < SHORTEST_PIECE:
            raise FileFormatError(f"{path}: the seal itself is damaged; take a good copy")
        if _hash(handle.fileno(), size, pieces).encode() != match[1]:
            raise FileFormatError(
                f"{path} was changed after it was written: its bytes do not match its seal; "
                "take a good copy"
            )
    return True


def _hash(fd: int, size: int, pieces: Pieces) -> str:
    """SHA-256 over the numbers of the seal and the SHA-256 of each piece, on all cores."""
    root = hashlib.sha256(f"{size} {pieces.first} {pieces.length}\n".encode())
    if pieces.first > USERBLOCK:
        root.update(hash_at(fd, USERBLOCK, pieces.first))
    starts = range(pieces.first, size, pieces.length)
    # A piece is known if no byte after the known ones belongs to it.
    known = [
        leaf
        for leaf, at in zip(pieces.known, starts, strict=False)
        if min(at + pieces.length, size) <= pieces.end
    ]
    for leaf in known:
        root.update(leaf)
    with ThreadPoolExecutor(count(None)) as pool:
        for leaf in pool.map(lambda at: hash_at(fd, at, at + pieces.length), starts[len(known) :]):
            root.update(leaf)
    return root.hexdigest()
