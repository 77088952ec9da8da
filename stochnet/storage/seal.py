"""The seal: a hash over every byte of a file, kept in the HDF5 user block before them."""

from __future__ import annotations

import hashlib
import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from stochnet.errors import FileFormatError

USERBLOCK = 512
PIECE = 1 << 20
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_LINE = re.compile(rb"stochnet-seal 1 ([0-9a-f]{64}) (\d+)\n\0*")


def write_seal(path: Path) -> None:
    """Hash all bytes after the user block of a closed file and write the seal into the block."""
    size = path.stat().st_size
    line = f"stochnet-seal 1 {_hash(path)} {size}\n".encode()
    with path.open("r+b") as handle:
        handle.write(line.ljust(USERBLOCK, b"\0"))
        handle.flush()
        os.fsync(handle.fileno())


def check_seal(path: Path) -> bool:
    """Return True for a good seal, False for a file without a user block.

    Raises
    ------
    FileFormatError
        Not an HDF5 file, or a byte differs from what was sealed.
    """
    with path.open("rb") as handle:
        head = handle.read(USERBLOCK + len(_SIGNATURE))
    if head.startswith(_SIGNATURE):
        return False
    if head[USERBLOCK:] != _SIGNATURE:
        raise FileFormatError(f"{path} is not an HDF5 file, or its first bytes are damaged")
    match = _LINE.fullmatch(head[:USERBLOCK])
    if match is None:
        raise FileFormatError(f"{path}: the seal itself is damaged; take a good copy of the file")
    if int(match[2]) != path.stat().st_size:
        raise FileFormatError(
            f"{path} has {path.stat().st_size} bytes and was sealed with {int(match[2])}; "
            "it was cut or added to: take a good copy"
        )
    if _hash(path).encode() != match[1]:
        raise FileFormatError(
            f"{path} was changed after it was written: its bytes do not match its seal; "
            "take a good copy"
        )
    return True


def _hash(path: Path) -> str:
    """SHA-256 over the SHA-256 of each MiB after the user block, on as many threads as cores."""
    starts = range(USERBLOCK, path.stat().st_size, PIECE)
    with path.open("rb") as handle, ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        number = handle.fileno()
        leaves = pool.map(
            lambda start: hashlib.sha256(os.pread(number, PIECE, start)).digest(), starts
        )
        root = hashlib.sha256()
        for leaf in leaves:
            root.update(leaf)
    return root.hexdigest()
