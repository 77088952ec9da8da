"""Bytes of a file, beside h5py: written, read back, hashed, and sent on their way to the disk."""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
from collections.abc import Callable
from functools import cache

from stochnet.errors import InvalidInputError

PIECE = 1 << 20
_WRITE = 2


def write_at(fd: int, data: memoryview, at: int) -> None:
    """Write all of `data`; the system may take it in several parts."""
    while len(data):
        written = os.pwrite(fd, data, at)
        data, at = data[written:], at + written


def equals(fd: int, data: memoryview, at: int, buffer: bytearray) -> bool:
    """Whether the file holds `data` there; `buffer` is at least as long."""
    with memoryview(buffer) as view, view[: len(data)] as place:
        if os.preadv(fd, [place], at) != len(data):
            return False
    # A bytearray on the left compares as memcmp does; a memoryview compares number by number.
    return (buffer if len(data) == len(buffer) else buffer[: len(data)]) == data


def hash_at(fd: int, begin: int, end: int) -> bytes:
    """Return the SHA-256 of the bytes from `begin` to `end`, or to where the file ends."""
    digest = hashlib.sha256()
    while begin < end:
        data = os.pread(fd, min(PIECE, end - begin), begin)
        if not data:
            break
        digest.update(data)
        begin += len(data)
    return digest.digest()


def reserve(fd: int, size: int, name: object) -> None:
    """Give a file its size, and the room on the disk for it where the system can say.

    Raises
    ------
    InvalidInputError
        There is no room.
    """
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(fd, 0, size)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise InvalidInputError(
                f"{name} needs {size / 1e6:,.0f} MB and there is no room: free some, or choose "
                "another folder"
            ) from error
    if os.fstat(fd).st_size < size:
        os.ftruncate(fd, size)


def start_writing_back(fd: int, at: int, length: int) -> None:
    """Let the system begin to write these bytes to the disk, so that fsync has little left."""
    call = _sync_file_range()
    if call is not None:
        # Only a hint: whether it worked is seen by fsync.
        call(fd, at, length, _WRITE)


@cache
def _sync_file_range() -> Callable[[int, int, int, int], object] | None:
    """Return the call of Linux, which Python's os does not have; None elsewhere."""
    try:
        call = ctypes.CDLL(None).sync_file_range
    except (AttributeError, OSError, TypeError):
        return None
    call.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)
    return call
